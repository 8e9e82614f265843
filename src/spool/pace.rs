//! Holding answers back while the store is behind.
//!
//! A sender that waits for its answer before it sends more (every keep-alive client) then goes at
//! the store's pace, and what waits stays in few, warm pages instead of growing without need. It is
//! a courtesy, not a limit: an answer is held back for half a second at most, a tenth of what Envoy
//! waits, and not at all while the store is away, for then memory is what it is there for.
//! `benches/load` shows both effects: peak memory, and spans per CPU-second.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

/// The longest that an answer is held back.
const PATIENCE: Duration = Duration::from_millis(500);

#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Bytes that may wait without anybody being held back; 0: any number.
    bytes: usize,
    flowing: AtomicBool,
    room: Notify,
}

impl Pace {
    pub(super) fn new(bytes: usize) -> Self {
        Pace { bytes, ..Pace::default() }
    }

    pub(super) fn set_flowing(&self, flowing: bool) {
        if self.flowing.swap(flowing, Ordering::Relaxed) != flowing {
            self.room.notify_waiters();
        }
    }

    /// Something was settled and `held` bytes are left.
    pub(super) fn settled(&self, held: usize) {
        if held <= self.bytes {
            self.room.notify_waiters();
        }
    }

    /// Returns when no more than the limit is held, when the store does not take anything, or
    /// after [`PATIENCE`].
    pub(super) async fn wait(&self, held: &AtomicUsize) {
        if !self.is_behind(held) {
            return;
        }
        let room = async {
            loop {
                let room = self.room.notified();
                if !self.is_behind(held) {
                    return;
                }
                room.await;
            }
        };
        let _ = tokio::time::timeout(PATIENCE, room).await;
    }

    fn is_behind(&self, held: &AtomicUsize) -> bool {
        self.bytes > 0 && self.flowing.load(Ordering::Relaxed) && held.load(Ordering::Relaxed) > self.bytes
    }
}
