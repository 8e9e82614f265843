//! A run that its request writes itself, without the commit thread.
//!
//! With `--spool.sync=process` a commit is a copy into the page cache. That takes a fraction of the
//! time in which a run is handed to another thread, waits for its turn there, and wakes its request
//! again (the p99 of `benches/load`, `--safety`). But many small copies cost the processor more than one
//! of all: of what comes within an interval only the first runs go alone. And it must not keep a thread
//! of the runtime: it is done only while nobody else writes, into a segment that has room, and while
//! writes are quick. Where the system makes writers wait, because too many pages are dirty or one must
//! be read first, the commit thread waits. Only after a write that failed a request begins a new file
//! itself.

use std::sync::{MutexGuard, TryLockError};
use std::time::Duration;

use tokio::time::Instant;

use super::commit::Arrival;
use super::durable::Durable;
use super::{NotSafe, Spool};

/// Mean time of a write, beyond a nanosecond a byte, at which the commit thread writes. A copy takes
/// some microseconds; that a thread loses its core for a few milliseconds while it writes must not count.
const SLOW: Duration = Duration::from_micros(200);

/// How often a request looks whether the turn is free: about as long as another one writes.
const SPINS: usize = 200;

/// Runs that are written alone within `--spool.commit-interval`; the others go together, which at 5 spans
/// a run takes a tenth less of the processor's time for all that is done (`benches/load`, `--safety`).
const MOST_ALONE: u32 = 2;

/// How much the latest write counts in the mean: one part of so many.
const MEMORY: u32 = 64;

/// How long the commit thread then writes everything.
const PAUSE: Duration = Duration::from_secs(1);

/// The turn to append, and how writes without the commit thread have gone of late.
#[derive(Debug, Default)]
pub(super) struct Turn {
    mean: Duration,
    paused: Option<Instant>,
    /// When the last interval began, and the runs that came in it.
    began: Option<Instant>,
    came: u32,
}

impl Turn {
    pub(super) fn is_quick(&mut self, now: Instant) -> bool {
        if self.paused.is_some_and(|until| now >= until) {
            *self = Turn::default();
        }
        self.paused.is_none()
    }

    /// A run comes; true if only few did within the interval.
    fn is_calm(&mut self, interval: Duration, now: Instant) -> bool {
        if self.began.is_none_or(|began| now.saturating_duration_since(began) >= interval) {
            (self.began, self.came) = (Some(now), 0);
        }
        self.came += 1;
        self.came <= MOST_ALONE
    }

    /// A write of so many bytes took this time.
    pub(super) fn took(&mut self, bytes: usize, time: Duration, now: Instant) {
        let time = time.saturating_sub(Duration::from_nanos(bytes as u64));
        self.mean = self.mean - self.mean / MEMORY + time / MEMORY;
        if self.mean > SLOW {
            self.paused = Some(now + PAUSE);
        }
    }
}

impl Durable {
    /// The turn to write this run on the thread of its request. `None`: the commit thread has to.
    pub(super) fn turn_alone(&self, arrival: &Arrival) -> Option<MutexGuard<'_, Turn>> {
        if self.settings.sync || self.settings.compress {
            return None;
        }
        let mut turn = (0..SPINS).find_map(|_| self.turn_now())?;
        let (now, interval) = (Instant::now(), self.settings.commit_interval);
        // A closed gate says so itself.
        let may = turn.is_quick(now)
            && turn.is_calm(interval, now)
            && !self.gate.is_closed()
            && self.shelf.has_room(&arrival.record());
        may.then_some(turn)
    }

    fn turn_now(&self) -> Option<MutexGuard<'_, Turn>> {
        match self.turn.try_lock() {
            Ok(turn) => Some(turn),
            Err(TryLockError::Poisoned(turn)) => Some(turn.into_inner()),
            Err(TryLockError::WouldBlock) => {
                std::hint::spin_loop();
                None
            }
        }
    }
}

impl Spool {
    /// Makes a run safe, now.
    pub(super) fn commit_alone(
        &self,
        durable: &Durable,
        mut turn: MutexGuard<'_, Turn>,
        arrival: Arrival,
    ) -> Result<(), NotSafe> {
        let (bytes, began) = (arrival.run.documents.len(), Instant::now());
        let appended = durable.append(self, &[arrival.record()]);
        let ended = Instant::now();
        turn.took(bytes, ended - began, ended);
        self.go_on([arrival].into_iter().zip(appended?.into_iter().map(Some)));
        drop(turn);
        self.leave_to_disk(durable);
        Ok(())
    }
}
