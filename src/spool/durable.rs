//! The spool on disk: opens it, commits to it, and leaves to it what memory has no room for.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::commit::{Gate, Pending};
use super::counts::Counts;
use super::direct::Turn;
use super::disk::Disk;
use super::held::Held;
use super::lock::{DirectoryLock, LockError};
use super::log::{AppendError, LogError, Options, Place, Record};
use super::shelf::Shelf;
use super::{Gather, NotSafe, Shared, Spool};
use crate::item::{Batch, Lane};

/// After a failure the disk is not called well for so long.
const DOUBT: Duration = Duration::from_secs(2);

/// The part of the memory limit above which nothing waits in memory that is on disk too.
const TIGHT: (usize, usize) = (3, 4);

/// Bytes of settled segments that are kept to be written again, and the fewest of them: writing into
/// pages that exist costs a third of writing into new ones.
const SPARE_BYTES: u64 = 128 << 20;
const SPARE_LEAST: usize = 3;

/// The way of [`Spool::open`].
#[derive(Debug, Clone)]
pub struct Durability {
    pub directory: PathBuf,
    /// Each write is synced before it is answered.
    pub sync: bool,
    pub compress: bool,
    pub max_bytes: u64,
    pub segment_bytes: u64,
    pub held_max_bytes: u64,
    pub commit_interval: Duration,
    /// When the spool is full: gives up its oldest segment instead of refusing what comes.
    pub drop_oldest: bool,
    /// Bytes of documents that wait in memory before the oldest are left to the disk.
    pub memory_bytes: usize,
}

/// The spool cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(transparent)]
    Lock(#[from] LockError),
    #[error(
        "{0}: name a directory that can be written by --spool.directory, or keep spans in memory only by --spool.sync=off"
    )]
    Log(#[from] LogError),
    #[error("a thread of the spool cannot be started: {0}")]
    Thread(std::io::Error),
}

/// What a spool on disk has beyond one in memory.
#[derive(Debug)]
pub(super) struct Durable {
    pub(super) gate: Gate,
    /// Whoever has it appends; until the runs have gone on nobody else does.
    pub(super) turn: Mutex<Turn>,
    pub(super) settings: Durability,
    pub(super) shelf: Arc<Shelf>,
    pub(super) held: Held,
    full: AtomicBool,
    /// All that an earlier life left is in the books.
    counted: AtomicBool,
    failed: Mutex<Option<Instant>>,
    _lock: DirectoryLock,
}

impl Spool {
    /// Opens the spool in a directory, which is ours alone until the spool is dropped. What an
    /// earlier life left is looked through in the background, and sent beside what comes.
    pub fn open(
        gather: Gather,
        pace_bytes: usize,
        shared: Shared,
        disk: Arc<dyn Disk>,
        settings: Durability,
    ) -> Result<Arc<Self>, OpenError> {
        let _lock = DirectoryLock::take(&settings.directory)?;
        let options = Options {
            segment_bytes: settings.segment_bytes,
            max_bytes: settings.max_bytes,
            sync: settings.sync,
            compress: settings.compress,
            spare: SPARE_LEAST.max((SPARE_BYTES / settings.segment_bytes.max(1)) as usize),
        };
        let directory = settings.directory.join("segments");
        let shelf = Arc::new(Shelf::open(disk.clone(), &directory, options, Lane::Backlog, shared.clone())?);
        let held = Held::open(disk, &settings, &shared)?;
        let (full, counted, failed) = (AtomicBool::new(false), AtomicBool::new(false), Mutex::default());
        let (gate, turn) = (Gate::new(settings.commit_interval), Mutex::default());
        let durable = Durable { gate, turn, settings, shelf, held, full, counted, failed, _lock };
        let spool = Arc::new(Spool { durable: Some(durable), ..Spool::in_memory(gather, pace_bytes, shared) });
        spool.start("spool-commit", Spool::commit_all)?;
        if spool.durable.as_ref().is_some_and(|durable| durable.settings.sync) {
            spool
                .start("spool-free", |spool| spool.durable.iter().for_each(|durable| durable.shelf.confirm_freed()))?;
        }
        spool.start("spool-look-through", |spool| spool.durable.iter().for_each(Durable::look_through))?;
        Ok(spool)
    }

    fn start(self: &Arc<Self>, name: &str, work: fn(&Spool)) -> Result<(), OpenError> {
        let spool = self.clone();
        let thread = std::thread::Builder::new().name(name.into());
        thread.spawn(move || work(&spool)).map_err(OpenError::Thread)?;
        Ok(())
    }

    /// The commit loop.
    fn commit_all(&self) {
        let Some(durable) = &self.durable else { return };
        let mut batch = Vec::new();
        while durable.gate.take(&mut batch) {
            // A commit that is larger than a segment gets a file of its own size, which is not used again.
            while !batch.is_empty() {
                let fitting = durable.shelf.fitting(batch.iter().map(|pending| pending.arrival.record()));
                let mut rest = batch.split_off(fitting);
                self.commit(durable, &mut batch);
                batch.append(&mut rest);
            }
        }
        // Who writes without this thread has come to his end, and the next finds the gate closed.
        let _turn = durable.turn();
        self.close_queue();
        durable.shelf.close();
    }

    fn commit(&self, durable: &Durable, batch: &mut Vec<Pending>) {
        let turn = durable.turn();
        let records: Vec<_> = batch.iter().map(|pending| pending.arrival.record()).collect();
        let places = match durable.append(self, &records) {
            Ok(places) => places,
            Err(why) => {
                for pending in batch.drain(..) {
                    // A request that is gone needs no answer.
                    let _ = pending.answer.send(Err(why));
                }
                return;
            }
        };
        let mut answers = Vec::with_capacity(batch.len());
        self.go_on(batch.drain(..).zip(places).map(|(pending, place)| {
            answers.push(pending.answer);
            (pending.arrival, Some(place))
        }));
        drop(turn);
        for answer in answers {
            let _ = answer.send(Ok(()));
        }
        self.leave_to_disk(durable);
    }

    /// Lets go of the oldest runs in memory while too much waits there.
    pub(super) fn leave_to_disk(&self, durable: &Durable) {
        let budget = &self.shared.budget;
        let tight = budget.used() / TIGHT.1 * TIGHT.1 > budget.limit() / TIGHT.1 * TIGHT.0;
        let room = if tight { 0 } else { durable.settings.memory_bytes };
        loop {
            let oldest = {
                let mut queue = self.lock();
                if queue.bytes() <= room { None } else { queue.take_oldest_on_disk() }
            };
            let Some((run, place)) = oldest else { return };
            let counts = Counts::of(run.label, run.items.iter().copied());
            self.off_memory(&Lane::Live, run.documents.len());
            drop(run);
            durable.shelf.leave(&place, &counts);
        }
    }

    /// Gives up the oldest segment of which no carrier holds anything just now: what is under way may
    /// be stored in a moment, and would be counted twice.
    fn drop_oldest(&self, durable: &Durable) -> Option<Counts> {
        let mut queue = self.lock();
        let (lost, from_live) = durable.shelf.drop_oldest(&mut queue)?;
        drop(queue);
        self.off_memory(&Lane::Live, from_live.bytes as usize);
        Some(lost)
    }

    /// Waits for a batch of what was left to the disk. `None`: the spool is closed and nothing is
    /// left, or it is in memory only. For one caller at a time.
    pub async fn next_of_backlog(&self) -> Option<Batch> {
        self.durable.as_ref()?.shelf.next(&self.gather).await
    }

    /// True while the spool can make runs safe, as far as it knows.
    pub fn is_well(&self) -> bool {
        self.durable.as_ref().is_none_or(|durable| {
            let failed = durable.failed.lock().unwrap_or_else(PoisonError::into_inner);
            !durable.full.load(Ordering::Relaxed) && failed.is_none_or(|at| at.elapsed() > DOUBT)
        })
    }

    /// Bytes on disk: those of the segments in use, and those that are held apart.
    pub fn disk_bytes(&self) -> (u64, u64) {
        self.durable.as_ref().map_or((0, 0), |durable| (durable.shelf.bytes(), durable.held.bytes()))
    }

    /// How full the disk's share of the spool is, 0 to 1; 0 in memory, where `--memory.limit` is the
    /// bound.
    pub fn fullness(&self) -> f64 {
        self.durable
            .as_ref()
            .map_or(0.0, |durable| durable.shelf.filled_bytes() as f64 / durable.settings.max_bytes as f64)
    }

    /// True when all that an earlier life left is in the books: until then they may say that nothing
    /// is held while there is.
    pub fn is_counted(&self) -> bool {
        self.durable.as_ref().is_none_or(|durable| durable.counted.load(Ordering::Acquire))
    }

    /// Items that are on disk and not in memory, beside those held apart.
    pub fn backlog_items(&self) -> u64 {
        self.durable.as_ref().map_or(0, |durable| durable.shelf.items_on_disk())
    }

    /// At the end: what is settled is not sent again by the next life.
    pub fn tidy(&self) {
        if let Some(durable) = &self.durable {
            durable.shelf.tidy();
            durable.held.tidy();
        }
    }
}

impl Durable {
    /// Appends a batch, all or nothing.
    pub(super) fn append(&self, spool: &Spool, records: &[Record<'_>]) -> Result<Vec<Place>, NotSafe> {
        let shared = &spool.shared;
        loop {
            let began = Instant::now();
            match self.shelf.append(records) {
                Ok(places) => {
                    self.full.store(false, Ordering::Relaxed);
                    let bytes = records.iter().map(|record| record.documents.len() as u64).sum();
                    shared.metrics.committed(bytes, began.elapsed());
                    return Ok(places);
                }
                Err(AppendError::Full { .. }) if self.settings.drop_oldest => match spool.drop_oldest(self) {
                    Some(lost) => shared.lose(&lost, "spool-full"),
                    None => return Err(self.is_full(shared)),
                },
                Err(AppendError::Full { .. }) => return Err(self.is_full(shared)),
                Err(error) => {
                    tracing::error!(%error, "the spool cannot write: what comes is refused until it can");
                    *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
                    shared.metrics.spool("write-failed", 1);
                    return Err(NotSafe::Disk);
                }
            }
        }
    }

    /// Waits for the turn to append.
    fn turn(&self) -> MutexGuard<'_, Turn> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_full(&self, shared: &Shared) -> NotSafe {
        if !self.full.swap(true, Ordering::Relaxed) {
            let max_bytes = self.settings.max_bytes;
            let why = if self.settings.drop_oldest { ", all of it is under way just now" } else { "" };
            tracing::error!(
                max_bytes,
                "the spool is full{why}: what comes is refused until the store has taken some of it"
            );
        }
        shared.metrics.limit_reached("spool.max-bytes");
        NotSafe::Full
    }

    /// The shelf that items of a lane lie on.
    pub(super) fn shelf(&self, lane: &Lane) -> Option<Arc<Shelf>> {
        match lane {
            Lane::Live | Lane::Backlog => Some(self.shelf.clone()),
            Lane::Held(index) => self.held.shelf(index),
        }
    }

    /// Something left the disk: there may be room.
    pub(super) fn has_room_again(&self) {
        self.full.store(false, Ordering::Relaxed);
    }

    fn look_through(&self) {
        self.shelf.look_through_all();
        self.held.look_through();
        self.counted.store(true, Ordering::Release);
    }

    pub(super) fn close(&self) {
        self.gate.close();
        self.held.close();
    }
}
