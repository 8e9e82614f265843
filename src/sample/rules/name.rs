//! Names of rules, which the books keep as long as the process lives.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// Different names in the life of a process; a file that is changed again and again takes no more
/// memory than that.
const MOST: usize = 4096;

/// The rule of what came after them.
const OTHERS: &str = "others";

static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());

/// The name for good: one for equal names.
pub(super) fn intern(name: &str) -> &'static str {
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = names.get(name) {
        return known;
    }
    if names.len() >= MOST {
        return OTHERS;
    }
    let kept: &'static str = Box::leak(name.into());
    names.insert(kept);
    kept
}
