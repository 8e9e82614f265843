//! Files that are looked at again and again while the process runs.
//!
//! By content and not by time of change: secrets that are mounted are changed by turning a link
//! above them, which no watch on the file itself sees. The look is taken where it may block.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval_at};

/// Calls `look` every `interval` until nobody has `owner` any more; zero: never.
pub(super) fn every<T: Send + Sync + 'static>(interval: Duration, owner: &Arc<T>, look: fn(&T)) {
    if interval.is_zero() {
        return;
    }
    let owner = Arc::downgrade(owner);
    tokio::spawn(async move {
        let mut ticks = interval_at(Instant::now() + interval, interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let Some(owner) = owner.upgrade() else { return };
            // A look that panicked must not end the looking.
            let _ = tokio::task::spawn_blocking(move || look(&owner)).await;
        }
    });
}
