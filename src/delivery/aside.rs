//! Items that the store would not take now while it took their neighbours: each lot waits for its
//! own time.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::item::Batch;

/// A batch on its way, and how it fared.
#[derive(Debug)]
pub(super) struct Lot {
    pub(super) batch: Batch,
    pub(super) tries: u32,
    /// When it was first sent.
    since: Instant,
    due: Instant,
}

impl Lot {
    /// A batch that was not sent yet.
    pub(super) fn fresh(batch: Batch) -> Self {
        let now = Instant::now();
        Lot { batch, tries: 0, since: now, due: now }
    }

    /// How long it has been tried.
    pub(super) fn age(&self) -> Duration {
        self.since.elapsed()
    }
}

/// The lots that wait, in no order: there are few.
#[derive(Debug, Default)]
pub(super) struct Aside {
    lots: Mutex<Vec<Lot>>,
}

impl Aside {
    pub(super) fn put(&self, lot: Lot, pause: Duration) {
        self.lock().push(Lot { due: Instant::now() + pause, ..lot });
    }

    /// Bytes of the documents that wait.
    pub(super) fn bytes(&self) -> usize {
        self.lock().iter().map(|lot| lot.batch.bytes).sum()
    }

    /// When the first lot is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.lock().iter().map(|lot| lot.due).min()
    }

    /// The lot that is due longest.
    pub(super) fn take_due(&self) -> Option<Lot> {
        let mut lots = self.lock();
        let now = Instant::now();
        let first = (0..lots.len()).filter(|&index| lots[index].due <= now).min_by_key(|&index| lots[index].due)?;
        Some(lots.swap_remove(first))
    }

    /// Waits for the next lot, or takes one at once when the time to stop has run out. `None`:
    /// another carrier took the last one.
    pub(super) async fn take_when_due(&self, give_up: &watch::Sender<bool>) -> Option<Lot> {
        let mut give_up = give_up.subscribe();
        loop {
            if let Some(lot) = self.take_due() {
                return Some(lot);
            }
            let due = self.next_due()?;
            tokio::select! {
                () = tokio::time::sleep_until(due) => {}
                _ = give_up.wait_for(|give_up| *give_up) => return self.lock().pop(),
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Lot>> {
        self.lots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
