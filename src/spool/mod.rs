//! Batches made safe and handed on. It knows nothing about spans: it keeps runs of items, each
//! with an opaque label that comes back with the verdicts.
//!
//! [`Spool::append`] takes a run and returns when it is safe. [`Spool::next`] gathers runs into a
//! batch by bytes, count and time for whoever sends them; what was taken stays held until
//! [`Spool::settle`] says what became of it. With `--spool.sync=off`, the only form yet, *safe*
//! means in memory: the commit is immediate and a crash loses what is held.

pub mod disk;
mod gather;
pub mod lock;
pub mod log;
mod pace;
mod queue;

pub use gather::Gather;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::item::{Batch, Run};
use pace::Pace;
use queue::Queue;

/// The spool is closed: the process is stopping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the spool is closed")]
pub struct Closed;

/// Items on their way from the requests to the store.
#[derive(Debug)]
pub struct Spool {
    gather: Gather,
    queue: Mutex<Queue>,
    /// Wakes one sender: there is something to gather, or the spool was closed.
    changed: Notify,
    closed: AtomicBool,
    held_items: AtomicUsize,
    held_bytes: AtomicUsize,
    pace: Pace,
}

impl Spool {
    /// An empty spool whose batches are gathered so, and which holds answers back while more than
    /// `pace_bytes` wait; 0: never.
    pub fn new(gather: Gather, pace_bytes: usize) -> Self {
        Spool {
            gather,
            queue: Mutex::default(),
            changed: Notify::new(),
            closed: AtomicBool::new(false),
            held_items: AtomicUsize::new(0),
            held_bytes: AtomicUsize::new(0),
            pace: Pace::new(pace_bytes),
        }
    }

    /// Makes a run safe. When it returns `Ok` the run will be sent until it is settled. It may
    /// have waited a little for the store to catch up.
    ///
    /// Cancel-safe: a dropped future has either appended the run or not touched it.
    pub async fn append(&self, run: Run) -> Result<(), Closed> {
        if self.closed.load(Ordering::Acquire) {
            return Err(Closed);
        }
        if run.items.is_empty() {
            return Ok(());
        }
        self.held_items.fetch_add(run.items.len(), Ordering::Relaxed);
        self.held_bytes.fetch_add(run.documents.len(), Ordering::Relaxed);
        if self.push(run) {
            self.changed.notify_one();
        }
        self.pace.wait(&self.held_bytes).await;
        Ok(())
    }

    /// Queues a run; true if a sender must be woken: to wait for the first run's time, or because
    /// a batch is whole. In between nobody is: a wake-up per request costs more than its spans.
    fn push(&self, run: Run) -> bool {
        let mut queue = self.lock();
        let (was_empty, was_full) = (queue.is_empty(), queue.is_full(&self.gather));
        queue.push(run);
        was_empty || (!was_full && queue.is_full(&self.gather))
    }

    /// Tells whether the store takes what it is sent; while it does not, no answer is held back.
    pub fn set_flowing(&self, flowing: bool) {
        self.pace.set_flowing(flowing);
    }

    /// Gives back what the store has decided on. `items` and `bytes` leave the spool.
    pub fn settle(&self, items: usize, bytes: usize) {
        self.held_items.fetch_sub(items, Ordering::Relaxed);
        let before = self.held_bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.pace.settled(before.saturating_sub(bytes));
    }

    /// Items that are safe and not settled.
    pub fn held_items(&self) -> usize {
        self.held_items.load(Ordering::Relaxed)
    }

    /// Bytes of their documents.
    pub fn held_bytes(&self) -> usize {
        self.held_bytes.load(Ordering::Relaxed)
    }

    /// Takes no more runs; [`Spool::next`] gives out what is left without waiting, then `None`.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.changed.notify_waiters();
        self.changed.notify_one();
    }

    /// Everything that nobody has taken yet.
    pub fn take_rest(&self) -> Batch {
        self.lock().take(&Gather::everything())
    }

    /// A queue stays whole though a thread that held it died: pushing and taking cannot fail
    /// half-way.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
