//! How runs are joined into a batch: by bytes, count and time.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::Instant;

use super::Spool;
use crate::item::Batch;

/// When a batch is large enough, or has waited long enough.
#[derive(Debug, Clone, Copy)]
pub struct Gather {
    pub bytes: usize,
    pub items: usize,
    pub interval: Duration,
}

impl Gather {
    /// No limit: whatever waits.
    pub fn everything() -> Self {
        Gather { bytes: usize::MAX, items: usize::MAX, interval: Duration::ZERO }
    }
}

impl Spool {
    /// Waits for a batch: until enough bytes or items wait, or the oldest run has waited long
    /// enough. `None`: the spool is closed and empty.
    ///
    /// Cancel-safe: nothing is taken unless it is returned.
    pub async fn next(&self) -> Option<Batch> {
        let gather = &self.gather;
        loop {
            let changed = self.changed.notified();
            let closed = self.closed.load(Ordering::Acquire);
            let due = {
                let mut queue = self.lock();
                let due = queue.due(gather);
                let ripe = due.is_some_and(|due| closed || queue.is_full(gather) || due <= Instant::now());
                if ripe {
                    let batch = queue.take(gather);
                    let more = !queue.is_empty() || closed;
                    drop(queue);
                    // One wake-up stands for many runs: somebody else must wait for those left.
                    if more {
                        self.changed.notify_one();
                    }
                    return Some(batch);
                }
                due
            };
            match due {
                None if closed => {
                    self.changed.notify_one();
                    return None;
                }
                None => changed.await,
                Some(due) => {
                    let _ = tokio::time::timeout_at(due, changed).await;
                }
            }
        }
    }
}
