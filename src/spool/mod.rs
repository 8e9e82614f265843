//! Batches made safe and handed on. It knows nothing about spans: it keeps runs of items, each
//! with an opaque label that comes back with the verdicts.
//!
//! [`Spool::append`] takes a run and returns when it is *safe*: with `--spool.sync=disk` written
//! and synced, with `process` written (it survives the end of the process, not of the machine),
//! with `off` in memory. What is safe is held until [`Spool::settle`] says what became of it.
//!
//! Runs go on to the store from memory ([`Spool::next`]). While memory is short, because the store
//! is slow or gone, the oldest are left to the disk, and come back by a lane of their own
//! ([`Spool::next_of_backlog`]), as does what an earlier life left. Items that one index would not
//! take while others were taken are *carried over* ([`Spool::carry_over`]) to a shelf of that
//! index, so that they do not pin the segments that they came in.
//!
//! Nothing says which items were settled: after a crash all that lies in a segment is sent again,
//! which changes nothing, for items are named after their content.

mod commit;
mod counts;
mod direct;
pub mod disk;
mod durable;
mod gather;
mod held;
mod ledger;
pub mod lock;
pub mod log;
mod pace;
mod queue;
mod shared;
mod shelf;

pub use durable::{Durability, OpenError};
pub use gather::Gather;
pub use held::CarryError;
pub use shared::Shared;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, oneshot};

use crate::item::{Batch, Lane, Run};
use crate::telemetry::books::{Books, Outcome};
use commit::{Arrival, Pending};
use durable::Durable;
use log::Place;
use pace::Pace;
use queue::Queue;

/// Why a run was not made safe. Its sender still has all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotSafe {
    #[error("the spool is closed: the process is stopping")]
    Closed,
    #[error("the spool is full (--spool.max-bytes)")]
    Full,
    #[error("the spool's disk does not take writes")]
    Disk,
}

/// Items on their way from the requests to the store.
#[derive(Debug)]
pub struct Spool {
    gather: Gather,
    /// Runs in memory that nobody has taken yet.
    queue: Mutex<Queue>,
    /// Wakes one sender: there is something to gather, or the spool was closed.
    changed: Notify,
    /// No run comes into the queue any more.
    closed: AtomicBool,
    /// Bytes of documents in memory that are not settled.
    live_bytes: AtomicUsize,
    pace: Pace,
    shared: Shared,
    durable: Option<Durable>,
}

impl Spool {
    /// A spool in memory, whose batches are gathered so, and which holds answers back while more
    /// than `pace_bytes` wait; 0: never.
    pub fn in_memory(gather: Gather, pace_bytes: usize, shared: Shared) -> Self {
        Spool {
            gather,
            queue: Mutex::default(),
            changed: Notify::new(),
            closed: AtomicBool::new(false),
            live_bytes: AtomicUsize::new(0),
            pace: Pace::new(pace_bytes),
            shared,
            durable: None,
        }
    }

    /// Makes a run safe, and enters in the books what its request brought, in the same moment. When
    /// it returns `Ok` the run will be sent until it is settled; on `Err` nothing was entered. It
    /// may have waited a little for the store to catch up.
    ///
    /// Cancel-safe: a dropped future has either handed the run on, which is then made safe and
    /// entered if that can be, or not touched it.
    pub async fn append(&self, run: Run, outcome: Outcome, services: u64) -> Result<(), NotSafe> {
        if run.items.is_empty() {
            self.shared.books.enter(run.label.0, &outcome);
            return Ok(());
        }
        match &self.durable {
            None if self.closed.load(Ordering::Acquire) => return Err(NotSafe::Closed),
            None => self.go_on([(Arrival { run, outcome, services }, None)]),
            Some(durable) => {
                let arrival = Arrival { run, outcome, services };
                if let Some(turn) = durable.turn_alone(&arrival) {
                    self.commit_alone(durable, turn, arrival)?;
                } else {
                    let (answer, answered) = oneshot::channel();
                    durable.gate.enter(Pending { arrival, answer })?;
                    // A thread that died says nothing more: it takes no runs either.
                    answered.await.unwrap_or(Err(NotSafe::Disk))?;
                }
            }
        }
        self.pace.wait(&self.live_bytes).await;
        Ok(())
    }

    /// Runs are safe: enters them, and hands them on to whoever sends them.
    fn go_on(&self, arrivals: impl IntoIterator<Item = (Arrival, Option<Place>)>) {
        let mut wakes = false;
        let mut queue = self.lock();
        for (Arrival { mut run, outcome, services }, place) in arrivals {
            run.segment = place.as_ref().map_or(run.segment, |place| place.segment);
            self.shared.books.enter(run.label.0, &outcome);
            self.shared.books.enter_services(services);
            self.shared.hold_items(run.items.len(), run.documents.len());
            self.live_bytes.fetch_add(run.documents.len(), Ordering::Relaxed);
            // Nobody is woken between the first run and a whole batch: a wake-up per request
            // costs more than its spans.
            let (was_empty, was_full) = (queue.is_empty(), queue.is_full(&self.gather));
            queue.push(run, place);
            wakes |= was_empty || (!was_full && queue.is_full(&self.gather));
        }
        drop(queue);
        if wakes {
            self.changed.notify_one();
        }
    }

    /// Tells whether the store takes what it is sent; while it does not, no answer is held back.
    pub fn set_flowing(&self, flowing: bool) {
        self.pace.set_flowing(flowing);
    }

    /// The store has decided on items of one batch: how many of which segment, and the bytes of
    /// their documents. They leave the spool.
    pub fn settle(&self, lane: &Lane, segments: &[(u64, u64)], bytes: usize) {
        let items = segments.iter().map(|(_, items)| *items).sum::<u64>();
        self.shared.let_go(items as usize, bytes);
        self.off_memory(lane, bytes);
        self.settle_segments(lane, segments);
    }

    /// Documents of a batch are in memory no longer.
    fn off_memory(&self, lane: &Lane, bytes: usize) {
        if *lane == Lane::Live {
            let before = self.live_bytes.fetch_sub(bytes, Ordering::Relaxed);
            self.pace.settled(before.saturating_sub(bytes));
        }
    }

    fn settle_segments(&self, lane: &Lane, segments: &[(u64, u64)]) {
        let Some(durable) = &self.durable else { return };
        let Some(shelf) = durable.shelf(lane) else { return };
        for &(segment, items) in segments.iter().filter(|(segment, items)| *segment > 0 && *items > 0) {
            if shelf.settle(segment, items) {
                durable.has_room_again();
            }
        }
    }

    /// True if more than a batch waits in memory.
    pub fn is_behind(&self) -> bool {
        self.lock().is_full(&self.gather)
    }

    /// Items that are safe and not settled.
    pub fn held_items(&self) -> usize {
        self.shared.held_items()
    }

    /// Bytes of their documents.
    pub fn held_bytes(&self) -> usize {
        self.shared.held_bytes()
    }

    /// Takes no more runs; [`Spool::next`] gives out what is left without waiting, then `None`.
    pub fn close(&self) {
        match &self.durable {
            // The commit thread closes the queue when the last batch is in it.
            Some(durable) => durable.close(),
            None => self.close_queue(),
        }
    }

    fn close_queue(&self) {
        self.closed.store(true, Ordering::Release);
        self.changed.notify_waiters();
        self.changed.notify_one();
    }

    /// Where it is entered what became of what.
    pub fn books(&self) -> &Books {
        &self.shared.books
    }

    /// True when what is held survives this process.
    pub fn is_durable(&self) -> bool {
        self.durable.is_some()
    }

    /// Everything in memory that nobody has taken yet.
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
