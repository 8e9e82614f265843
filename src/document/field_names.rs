//! The names of fields that the lean layout has given out, and the guard against too many.
//!
//! A field costs Elasticsearch an entry in the mapping of its index, on every node, for as long as
//! the index lives; past the index's limit it refuses the document. So names are counted, over
//! spans and processes together, and past `--es.lean.max-fields` a new one is not given out. The
//! count begins anew when a new index begins, by the clock: a span that comes late goes to an older
//! index with the names of today.
//!
//! Who looks a name up takes no lock: the table is never changed, a new name makes a new table.
//! That costs a copy a name, of which there are few.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::{ArcSwap, Guard};

use super::json::write_plain;
use crate::settings::LeanFields;

/// The most names that may be given out.
pub(super) const MOST: usize = 4096;

/// Bytes of the longest name. Elasticsearch refuses those beyond 32 kB; they are in the mapping
/// of every node, and a key of more than 256 letters cannot be searched in a list either.
const LONGEST: usize = 256;

const HOUR_MICROS: u64 = 3600 * 1_000_000;

/// A name that was given out.
#[derive(Debug)]
pub(super) struct Field {
    /// From 0 on, below [`MOST`].
    pub(super) number: u16,
    /// The name as the start of a member: in quotes, with its colon.
    pub(super) member: Box<[u8]>,
}

/// All names at one time, by the key of the tag.
#[derive(Debug, Default, Clone)]
pub(super) struct Known {
    fields: HashMap<Arc<str>, Arc<Field>, foldhash::fast::RandomState>,
}

/// The names that were given out; see the module.
#[derive(Debug)]
pub(super) struct FieldNames {
    dot_replacement: String,
    most: usize,
    /// Microseconds of an index; 0: the names are never forgotten.
    period: u64,
    known: ArcSwap<Known>,
    /// The number of the period that the names are of. Held by the one who changes the table.
    turn: Mutex<()>,
    current: AtomicU64,
    /// A name was not given out since someone asked, and since the period began.
    refused: AtomicBool,
    told: AtomicBool,
}

impl Known {
    pub(super) fn field(&self, key: &str) -> Option<&Field> {
        self.fields.get(key).map(|field| &**field)
    }

    /// The table with one name more.
    fn with(&self, key: &str, name: &str) -> Self {
        let mut member = vec![b'"'];
        write_plain(&mut member, name.as_bytes());
        member.extend_from_slice(b"\":");
        let number = u16::try_from(self.fields.len()).unwrap_or(u16::MAX);
        let mut known = self.clone();
        known.fields.insert(key.into(), Arc::new(Field { number, member: member.into() }));
        known
    }
}

impl FieldNames {
    pub(super) fn new(settings: LeanFields, dot_replacement: &str) -> Self {
        FieldNames {
            dot_replacement: dot_replacement.into(),
            most: settings.most.min(MOST),
            period: settings.period_hours * HOUR_MICROS,
            known: ArcSwap::default(),
            turn: Mutex::default(),
            current: AtomicU64::new(0),
            refused: AtomicBool::new(false),
            told: AtomicBool::new(false),
        }
    }

    /// The names as they are now.
    pub(super) fn known(&self) -> Guard<Arc<Known>> {
        self.known.load()
    }

    /// Forgets the names if a new index has begun. Time does not go back: a request that was read
    /// a little earlier does not bring the old names back.
    pub(super) fn turn(&self, now_micros: u64) {
        let period = now_micros.checked_div(self.period).unwrap_or(0);
        if period <= self.current.load(Ordering::Relaxed) {
            return;
        }
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        if period > self.current.load(Ordering::Relaxed) {
            self.known.store(Arc::default());
            self.told.store(false, Ordering::Relaxed);
            self.current.store(period, Ordering::Relaxed);
        }
    }

    /// Gives this key a name, if it may have one; true if it has one now. `known` is where it was
    /// not found.
    #[cold]
    pub(super) fn admit(&self, key: &str, known: &Known) -> bool {
        let Some(name) = self.field_name(key) else { return false };
        // A full table is seen without the lock: a flood of names must not stand in line for it.
        if known.fields.len() >= self.most || !self.insert(key, &name) {
            self.refuse(key);
            return false;
        }
        true
    }

    fn insert(&self, key: &str, name: &str) -> bool {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let known = self.known.load();
        if known.fields.contains_key(key) {
            return true;
        }
        let has_room = known.fields.len() < self.most;
        if has_room {
            self.known.store(Arc::new(known.with(key, name)));
        }
        has_room
    }

    fn refuse(&self, key: &str) {
        self.refused.store(true, Ordering::Relaxed);
        if !self.told.swap(true, Ordering::Relaxed) {
            let most = self.most;
            tracing::warn!(%key, most, "more keys of tags than --es.lean.max-fields: new ones are no fields today");
        }
    }

    /// True if a name was not given out since this was asked last.
    pub(super) fn take_refused(&self) -> bool {
        self.refused.load(Ordering::Relaxed) && self.refused.swap(false, Ordering::Relaxed)
    }

    /// The field that this key becomes: one that no server refuses, and that readers, who put the
    /// dots back, read as this key.
    fn field_name(&self, key: &str) -> Option<String> {
        if key.len() > LONGEST || is_blank(key) || key.chars().any(char::is_control) {
            return None;
        }
        let name = key.replace('.', &self.dot_replacement);
        let is_read_back = name.replace(&self.dot_replacement, ".") == key;
        (is_read_back && name.len() <= LONGEST).then_some(name)
    }
}

/// True for a name of blanks alone, or of nothing, which Elasticsearch refuses. Java counts the
/// separators U+001C to U+001F among blanks.
pub(super) fn is_blank(name: &str) -> bool {
    name.chars().all(|letter| letter.is_whitespace() || letter.is_control())
}
