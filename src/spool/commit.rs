//! The commit loop: runs that wait to be made safe are written together.
//!
//! Requests put their runs into the open batch under a short lock and wait. One thread takes the
//! batch when it is large enough or an interval after the one before, appends all of it in one write
//! and one sync, lets the runs go on, and wakes those who wait; meanwhile the next batch fills up. So
//! the slower the disk, the larger the batches, and a run that comes alone goes alone, at once. A run
//! whose request is gone is made safe all the same. Where nothing is synced the first runs of an interval
//! go another way: [`super::direct`].

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
    /// When a batch was taken last.
    taken: Option<Instant>,
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
        drop(open);
        if wakes {
            self.changed.notify_one();
        }
        Ok(())
    }

    /// Waits for a batch and swaps it with `batch`, which is empty. False: the gate is closed and
    /// nothing waits.
    ///
    /// A run that comes within an interval wakes nobody: whoever takes looks again when it is over. Only
    /// after an interval without any is the first one a reason to be woken (`benches/load`, `--safety`).
    pub(super) fn take(&self, batch: &mut Vec<Pending>) -> bool {
        let mut open = self.lock();
        loop {
            let rest = open.taken.map_or(Duration::ZERO, |taken| self.interval.saturating_sub(taken.elapsed()));
            let is_ripe = rest.is_zero() || open.closed || open.bytes >= ENOUGH;
            if is_ripe && !open.pending.is_empty() {
                std::mem::swap(&mut open.pending, batch);
                (open.bytes, open.taken, open.is_dozing) = (0, Some(Instant::now()), true);
                return true;
            }
            if open.closed {
                return false;
            }
            open.is_dozing = !rest.is_zero();
            open = if rest.is_zero() {
                self.changed.wait(open).unwrap_or_else(PoisonError::into_inner)
            } else {
                self.changed.wait_timeout(open, rest).unwrap_or_else(PoisonError::into_inner).0
            };
        }
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
