//! A log with its ledger: items that are safe on disk, and the way back from there.
//!
//! The spool has one shelf for what arrives, and one for each index that would not take its items.
//! What is written on a shelf stays until it is settled; what is left there ([`Shelf::leave`]), and
//! what an earlier life left, comes back in batches, oldest first. A segment goes when all of its
//! items are settled.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::counts::Counts;
use super::disk::Disk;
use super::ledger::{Claim, Ledger, Part};
use super::log::{AppendError, Damage, Log, LogError, Note, Options, Place, Record, Step};
use super::queue::Queue;
use super::{Gather, Shared};
use crate::item::{Batch, Lane, Run};
use crate::memory::Reservation;

/// How long a reader waits when there is no memory to read into.
const NO_MEMORY_PAUSE: Duration = Duration::from_millis(50);

/// How long a part of the spool that cannot be read is left alone.
const UNREADABLE_PAUSE: Duration = Duration::from_secs(1);

/// How a look at what an earlier life left went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Looked {
    /// One segment was looked through.
    AtOne,
    /// There is none left.
    AtAll,
    /// One cannot be read now: too many open files, a disk that is away.
    Failed,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Shelf {
    lane: Lane,
    log: Log,
    ledger: Mutex<Ledger>,
    /// What was read back and not taken yet.
    read: Mutex<Queue>,
    /// There is something to be read back, or the shelf was closed.
    changed: Notify,
    closed: AtomicBool,
    /// The shelf was closed; waited for under the ledger's lock.
    ending: Condvar,
    /// Segments were released, or the shelf was closed.
    freed: (Mutex<bool>, Condvar),
    shared: Shared,
}

impl Shelf {
    /// Opens the log in this directory; what it holds is not looked through yet.
    pub(super) fn open(
        disk: Arc<dyn Disk>,
        directory: &Path,
        options: Options,
        lane: Lane,
        shared: Shared,
    ) -> Result<Self, LogError> {
        let (log, opened) = Log::open(disk, directory, options)?;
        for Note { path, oddity, fate } in opened.notes {
            tracing::warn!(file = %path.display(), ?fate, "a file of the spool cannot be used: {oddity}");
        }
        let mut ledger = Ledger::default();
        for segment in opened.segments {
            ledger.found(segment.segment);
        }
        let (ledger, read, changed) = (Mutex::new(ledger), Mutex::default(), Notify::new());
        let (closed, ending) = (AtomicBool::new(false), Condvar::new());
        // What an earlier life has freed.
        let freed = (Mutex::new(true), Condvar::new());
        Ok(Shelf { lane, log, ledger, read, changed, closed, ending, freed, shared })
    }

    /// True if a record can be appended to the segment that is being written.
    pub(super) fn has_room(&self, record: &Record<'_>) -> bool {
        self.log.has_room(record)
    }

    /// How many of these records, the first at least, fit into one segment.
    pub(super) fn fitting<'r>(&self, records: impl Iterator<Item = Record<'r>>) -> usize {
        self.log.fitting(records)
    }

    /// Makes records safe, for one caller at a time. Their items are unsettled from then on, and in memory.
    pub(super) fn append(&self, records: &[Record<'_>]) -> Result<Vec<Place>, AppendError> {
        let places = match self.log.append(records) {
            Err(AppendError::Full { .. }) if self.let_go_of_closed() => self.log.append(records)?,
            appended => appended?,
        };
        let mut ledger = self.ledger();
        for (record, place) in records.iter().zip(&places) {
            ledger.written(place.segment, record.items.len() as u64);
        }
        let settled = ledger.take_settled();
        drop(ledger);
        self.release(settled);
        Ok(places)
    }

    /// The segment that was written is closed, though there was no room for another: it goes too if
    /// all of it is settled. True if that made room.
    fn let_go_of_closed(&self) -> bool {
        if self.log.active().is_some() {
            return false;
        }
        let mut ledger = self.ledger();
        ledger.sealed();
        let settled = ledger.take_settled();
        drop(ledger);
        let any = !settled.is_empty();
        self.release(settled);
        any
    }

    /// Leaves a record to disk: it comes back when its turn has come.
    pub(super) fn leave(&self, place: &Place, counts: &Counts) {
        let part = Part { from: place.offset, to: Some(place.offset + place.length) };
        self.ledger().left(place.segment, part, counts);
        self.changed.notify_one();
    }

    /// Items of a segment are settled, or safe elsewhere; true if there is more room for that.
    pub(super) fn settle(&self, segment: u64, items: u64) -> bool {
        let mut ledger = self.ledger();
        ledger.settled(segment, items);
        let settled = ledger.take_settled();
        drop(ledger);
        let any = !settled.is_empty();
        self.release(settled);
        any
    }

    fn release(&self, segments: Vec<u64>) {
        if segments.is_empty() {
            return;
        }
        for segment in segments {
            self.log.release(segment);
        }
        self.tell_freed();
    }

    fn tell_freed(&self) {
        let (freed, told) = &self.freed;
        *freed.lock().unwrap_or_else(PoisonError::into_inner) = true;
        told.notify_all();
    }

    /// Sees to it that segments can begin in what becomes free without a sync of their own, until the
    /// shelf is closed. Blocking.
    pub(super) fn confirm_freed(&self) {
        let (freed, told) = &self.freed;
        while !self.closed.load(Ordering::Acquire) {
            while self.log.confirm_free() {}
            let waiting = freed.lock().unwrap_or_else(PoisonError::into_inner);
            let told = told.wait_while(waiting, |freed| !*freed);
            *told.unwrap_or_else(PoisonError::into_inner) = false;
        }
    }

    /// Gives up the oldest segment of which nobody sends anything just now; what was lost by it, and
    /// how much of that waited in `live`. (Locks are taken in this order: what waits, what was read,
    /// the ledger.)
    pub(super) fn drop_oldest(&self, live: &mut Queue) -> Option<(Counts, Counts)> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let mut ledger = self.ledger();
        let mut waiting = live.by_segment();
        for (segment, items) in read.by_segment() {
            *waiting.entry(segment).or_default() += items;
        }
        let segment = ledger.droppable(&waiting)?;
        let (mut lost, from_live) = (ledger.give_up(segment), live.give_up(segment));
        lost.add(&read.give_up(segment));
        lost.add(&from_live);
        let settled = ledger.take_settled();
        drop((ledger, read));
        self.release(settled);
        Some((lost, from_live))
    }

    /// Looks through the oldest segment of an earlier life.
    fn look_through(&self) -> Looked {
        let Some(segment) = self.ledger().unseen() else { return Looked::AtAll };
        let (mut counts, mut damages) = (Counts::default(), Vec::new());
        let walked = self.log.walk(segment, 0, None, &mut |step| {
            match step {
                Step::Record(_, record) => counts.add(&Counts::of(record.label, record.items())),
                Step::Damage(damage) => damages.push(damage),
            }
            ControlFlow::Continue(())
        });
        match walked {
            Ok(walked) => self.log.cut_back(segment, &walked),
            Err(error) => {
                tracing::error!(%error, "a part of the spool cannot be read now; it stays where it is and is tried again");
                return Looked::Failed;
            }
        }
        for damage in &damages {
            self.tell_damage(segment, damage);
        }
        counts.open(&self.shared.books);
        self.shared.hold(&counts);
        let mut ledger = self.ledger();
        ledger.seen(segment, &counts);
        let settled = ledger.take_settled();
        drop(ledger);
        self.release(settled);
        self.changed.notify_one();
        Looked::AtOne
    }

    /// Waits for a batch of what was left. `None`: the shelf is closed and has nothing more.
    ///
    /// Cancel-safe: what was read and not returned comes with the next call.
    pub(super) async fn next(self: &Arc<Self>, gather: &Gather) -> Option<Batch> {
        loop {
            if let Some(batch) = self.take_read(gather) {
                return Some(batch);
            }
            let closed = self.closed.load(Ordering::Acquire);
            if !self.ledger().has_unread() {
                if closed {
                    return None;
                }
                self.changed.notified().await;
                continue;
            }
            let mut room = self.shared.budget.reserve();
            if room.grow(gather.bytes).is_err() {
                tokio::time::sleep(NO_MEMORY_PAUSE).await;
                continue;
            }
            let (shelf, gather) = (self.clone(), *gather);
            let read = tokio::task::spawn_blocking(move || shelf.read(room, &gather)).await;
            if !matches!(read, Ok(true)) {
                tokio::time::sleep(NO_MEMORY_PAUSE).await;
            }
        }
    }

    fn take_read(&self, gather: &Gather) -> Option<Batch> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if read.is_empty() {
            return None;
        }
        Some(Batch { lane: self.lane.clone(), since: None, ..read.take(gather) })
    }

    /// Reads back about a batch; false: there was no memory, or nothing to read.
    fn read(&self, mut room: Reservation, gather: &Gather) -> bool {
        let Some(claim) = self.ledger().claim() else { return false };
        let mut runs = Vec::new();
        let (mut counts, mut rest, mut next) = (Counts::default(), None, claim.part.from);
        let walked = self.log.walk(claim.segment, claim.part.from, claim.part.to, &mut |step| {
            let (place, record) = match step {
                Step::Record(place, record) => (place, record),
                Step::Damage(damage) => {
                    self.tell_damage(claim.segment, &damage);
                    return ControlFlow::Continue(());
                }
            };
            let mut run = Run::new(
                record.label,
                record.items().collect(),
                record.documents.to_vec(),
                self.shared.budget.reserve(),
            );
            run.segment = claim.segment;
            match room.split(run.bytes()) {
                Ok(reservation) => {
                    run.reservation = reservation;
                    counts.add(&Counts::of(run.label, run.items.iter().copied()));
                    runs.push(run);
                    next = place.offset + place.length;
                }
                Err(_) => {
                    rest = Some(Part { from: place.offset, ..claim.part });
                    return ControlFlow::Break(());
                }
            }
            if counts.bytes >= gather.bytes as u64 || counts.items >= gather.items as u64 {
                rest = Some(Part { from: next, ..claim.part }).filter(|part| part.to != Some(next));
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        });
        match walked {
            Ok(_) => {}
            Err(error @ LogError::NoSegment(_)) => tracing::error!(%error, "a part of the spool is gone"),
            Err(error) => {
                tracing::error!(%error, "a part of the spool cannot be read now; it stays where it is and is tried again");
                rest = Some(Part { from: next, ..claim.part });
            }
        }
        let any = !runs.is_empty() || rest.is_none();
        self.keep_read(runs);
        self.enter_read(claim, &counts, rest);
        any
    }

    fn keep_read(&self, runs: Vec<Run>) {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        for run in runs {
            read.push(run, None);
        }
    }

    fn enter_read(&self, claim: Claim, counts: &Counts, rest: Option<Part>) {
        let mut ledger = self.ledger();
        let lost = ledger.read(claim, counts, rest);
        let settled = ledger.take_settled();
        drop(ledger);
        if !lost.is_empty() {
            self.shared.lose(&lost, "damaged");
        }
        self.release(settled);
    }

    fn tell_damage(&self, segment: u64, damage: &Damage) {
        let path = self.log.path(segment).unwrap_or_default();
        self.shared.tell_damage(&path, damage);
    }

    /// Gives out what is left, then `None`.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.ending.notify_all();
        self.tell_freed();
        self.changed.notify_waiters();
        self.changed.notify_one();
    }

    /// Looks through all that an earlier life left; what cannot be read is tried again until the
    /// shelf is closed. Blocking.
    pub(super) fn look_through_all(&self) {
        loop {
            match self.look_through() {
                Looked::AtOne => {}
                Looked::AtAll => return,
                Looked::Failed if self.closed.load(Ordering::Acquire) => return,
                Looked::Failed => drop(self.ending.wait_timeout(self.ledger(), UNREADABLE_PAUSE)),
            }
        }
    }

    /// Lets go of the active segment too, if all of it is settled, so that the next life does not
    /// send it again.
    pub(super) fn tidy(&self) {
        if self.ledger().active_is_settled() {
            self.log.seal();
            let mut ledger = self.ledger();
            ledger.sealed();
            let settled = ledger.take_settled();
            drop(ledger);
            self.release(settled);
        }
    }

    /// Bytes on disk.
    pub(super) fn bytes(&self) -> u64 {
        self.log.bytes()
    }

    /// The same, without what is reserved and not written yet.
    pub(super) fn filled_bytes(&self) -> u64 {
        self.log.filled_bytes()
    }

    /// Items that are on disk only.
    pub(super) fn items_on_disk(&self) -> u64 {
        self.ledger().on_disk()
    }

    /// True if nothing of it is left to be read or settled.
    pub(super) fn is_empty(&self) -> bool {
        let nothing_read = self.read.lock().unwrap_or_else(PoisonError::into_inner).is_empty();
        nothing_read && self.ledger().is_empty()
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
