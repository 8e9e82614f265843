//! The commit loop: runs that wait to be made safe are written together.
//!
//! Requests put their runs into the open batch under a short lock and wait. One thread takes the
//! batch when it is large enough or has waited long enough, appends all of it in one write and one
//! sync, lets the runs go on, and wakes those who wait; meanwhile the next batch fills up. So the
//! slower the disk, the larger the batches. A run whose request is gone is made safe all the same.
//! What need not be synced mostly goes another way: [`super::direct`].

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::NotSafe;
use super::log::Record;
use crate::item::Run;
use crate::telemetry::books::Outcome;

/// Bytes at which a batch does not wait for more.
const ENOUGH: usize = 1 << 20;

/// A run that is to be made safe, and what to enter in the books when it is.
#[derive(Debug)]
pub(super) struct Arrival {
    pub(super) run: Run,
    pub(super) outcome: Outcome,
    pub(super) services: u64,
}

/// A run that waits to be made safe, and what its request is to be told.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) arrival: Arrival,
    pub(super) answer: oneshot::Sender<Result<(), NotSafe>>,
}

impl Arrival {
    pub(super) fn record(&self) -> Record<'_> {
        let Run { label, items, documents, .. } = &self.run;
        Record { label: *label, items, documents, note: &[] }
    }
}

/// The open batch.
#[derive(Debug)]
pub(super) struct Gate {
    open: Mutex<Open>,
    /// The first run of a batch is there, or enough of them, or the gate was closed.
    changed: Condvar,
    /// `--spool.commit-interval`.
    interval: Duration,
}

#[derive(Debug, Default)]
struct Open {
    pending: Vec<Pending>,
    bytes: usize,
    since: Option<Instant>,
    /// Whoever takes batches looks again by himself: a first run wakes nobody.
    is_dozing: bool,
    closed: bool,
}

impl Gate {
    pub(super) fn new(interval: Duration) -> Self {
        Gate { open: Mutex::default(), changed: Condvar::new(), interval }
    }

    /// Puts a run into the open batch.
    pub(super) fn enter(&self, pending: Pending) -> Result<(), NotSafe> {
        let mut open = self.lock();
        if open.closed {
            return Err(NotSafe::Closed);
        }
        let before = open.bytes;
        open.bytes += pending.arrival.run.documents.len() + 1;
        open.pending.push(pending);
        let wakes = (before == 0 && !open.is_dozing) || (before < ENOUGH && open.bytes >= ENOUGH);
        if before == 0 {
            open.since = Some(Instant::now());
        }
        drop(open);
        if wakes {
            self.changed.notify_one();
        }
        Ok(())
    }

    /// Waits for a batch and swaps it with `batch`, which is empty. False: the gate is closed and
    /// nothing waits.
    ///
    /// Runs that come while others are written wait for the interval after them. Only after an
    /// interval without any is the first one a reason to be woken (`benches/load`, `--safety`).
    pub(super) fn take(&self, batch: &mut Vec<Pending>) -> bool {
        let mut open = self.doze(self.lock());
        loop {
            let waited = open.since.map_or(Duration::ZERO, |since| since.elapsed());
            let ripe = open.closed || open.bytes >= ENOUGH || waited >= self.interval;
            if open.pending.is_empty() {
                if open.closed {
                    return false;
                }
                open = self.changed.wait(open).unwrap_or_else(PoisonError::into_inner);
            } else if ripe || open.is_dozing {
                std::mem::swap(&mut open.pending, batch);
                (open.bytes, open.since, open.is_dozing) = (0, None, true);
                return true;
            } else {
                let rest = self.interval - waited;
                open = self.changed.wait_timeout(open, rest).unwrap_or_else(PoisonError::into_inner).0;
            }
        }
    }

    /// After a batch was taken: waits for the interval, or until enough has come. What is there then
    /// need not wait any more; if nothing is, the doze is over.
    fn doze<'g>(&self, open: MutexGuard<'g, Open>) -> MutexGuard<'g, Open> {
        if !open.is_dozing {
            return open;
        }
        let more = |open: &mut Open| open.bytes < ENOUGH && !open.closed;
        let waited = self.changed.wait_timeout_while(open, self.interval, more);
        let mut open = waited.unwrap_or_else(PoisonError::into_inner).0;
        open.is_dozing = !open.pending.is_empty();
        open
    }

    /// True when no more runs are let in.
    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Lets no more runs in.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
