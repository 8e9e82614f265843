//! Carries batches from the spool to the store until every item has a verdict, and enters what
//! became of them in the books.
//!
//! Carriers each take a batch, write it, and settle what the store decided. What comes from memory
//! has carriers of its own, as many as [`Pressure`] lets go at once; what was left to the disk has
//! one beside them, and so has each index for which something is held apart.
//!
//! - The store was *away*, or takes nothing for being overloaded: the carrier waits with a jittered,
//!   growing pause and sends the same batch again; new batches would fare no better.
//! - It took some and not others: the others wait aside for their own turn and do not hold up what
//!   comes after them. After `--spool.carry-after` they are carried over to what is held apart for
//!   their index, and whatever else that index will not take follows at once.
//! - It refused an item for good: the item goes to the dead letters, and is settled when it is safe
//!   there; unless most of an index is refused, for then the index is at fault ([`Broken`]).
//!
//! Nothing is given up: [`Delivery::abandon`], at the end of the process, leaves to the disk what
//! is not settled, or drops it, counted, if the spool is in memory.

mod aside;
mod backoff;
mod broken;
mod dead;
mod held;
mod pressure;
mod settle;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::clock::Clock;
use crate::dead_letter::DeadLetters;
use crate::document::Services;
use crate::item::{Batch, Judgement, Verdict, is_overload};
use crate::spool::Spool;
use crate::store::Writer;
use crate::telemetry::books::Books;
use crate::telemetry::metrics::Metrics;
use aside::{Aside, Lot};
use backoff::Backoff;
use broken::Broken;
use pressure::Pressure;

/// The rooms between which batches are carried.
#[derive(Debug, Clone)]
pub struct Rooms {
    pub spool: Arc<Spool>,
    pub writer: Arc<dyn Writer>,
    pub books: Arc<Books>,
    pub services: Arc<Services>,
    pub metrics: Arc<Metrics>,
    /// `None`: what the store refuses for good is counted as refused, and gone.
    pub dead_letters: Option<Arc<DeadLetters>>,
    pub clock: Clock,
}

/// How batches are carried.
#[derive(Debug, Clone, Copy)]
pub struct Manner {
    /// Batches from memory under way at once: at the start, and at most.
    pub carriers: usize,
    pub most_carriers: usize,
    /// `--spool.carry-after`.
    pub carry_after: Duration,
    /// `--spool.max-age`: what started longer ago is not sent any more. `None`: never.
    pub max_age: Option<Duration>,
    /// Bytes of what waits aside in memory.
    pub aside_bytes: usize,
    /// `--sampling.max-bulk-latency`: an answer that takes longer is a slow one. `None`: nobody asks.
    pub slow_after: Option<Duration>,
}

impl Default for Manner {
    fn default() -> Self {
        let carry_after = Duration::from_secs(60);
        let aside_bytes = usize::MAX;
        Manner { carriers: 1, most_carriers: 1, carry_after, max_age: None, aside_bytes, slow_after: None }
    }
}

/// What an answer of the store was like: some of it settled, the store away, or too much for it.
#[derive(Debug, Clone, Copy)]
struct Answer {
    any: bool,
    away: bool,
    overloaded: bool,
}

/// Carries batches.
#[derive(Debug)]
pub struct Delivery {
    rooms: Rooms,
    manner: Manner,
    aside: Aside,
    broken: Broken,
    pressure: Pressure,
    /// Indices that have a carrier for what is held apart.
    held: Mutex<BTreeSet<Arc<str>>>,
    /// Nothing new comes: the process stops.
    stopping: watch::Sender<bool>,
    /// The time to stop has run out.
    give_up: watch::Sender<bool>,
}

impl Delivery {
    pub fn new(rooms: Rooms, manner: Manner) -> Arc<Self> {
        let ((stopping, _), (give_up, _)) = (watch::channel(false), watch::channel(false));
        Arc::new(Delivery {
            aside: Aside::default(),
            broken: Broken::default(),
            pressure: Pressure::new(manner.carriers, manner.most_carriers),
            held: Mutex::default(),
            rooms,
            manner,
            stopping,
            give_up,
        })
    }

    /// Starts the carriers; each ends when the spool is closed and its lane is empty.
    pub fn start(self: &Arc<Self>) -> Vec<JoinHandle<()>> {
        let live = self.manner.most_carriers.max(self.manner.carriers).max(1);
        let mut carriers: Vec<_> = (0..live).map(|place| tokio::spawn(self.clone().carry_live(place))).collect();
        if self.rooms.spool.is_durable() {
            carriers.push(tokio::spawn(self.clone().carry_backlog()));
            carriers.push(tokio::spawn(self.clone().watch_held()));
        }
        carriers
    }

    /// Nothing new comes. What the spool keeps on disk is not waited for when the store is away.
    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Takes the batches out of the carriers' hands. Call it when the time to stop has run out,
    /// then wait for the carriers.
    pub fn abandon(&self) {
        self.give_up.send_replace(true);
    }

    /// From memory. Only the first so many carriers go, as the store can bear it.
    async fn carry_live(self: Arc<Self>, place: usize) {
        loop {
            tokio::select! {
                () = self.pressure.turn(place) => {}
                () = self.told_to_stop() => {}
            }
            let Some(lot) = self.take().await else { break };
            self.carry(lot).await;
        }
        self.leave(&self.rooms.spool.take_rest());
    }

    /// From disk, oldest first.
    async fn carry_backlog(self: Arc<Self>) {
        while let Some(Some(batch)) = self.unless_given_up(self.rooms.spool.next_of_backlog()).await {
            self.carry(Lot::fresh(batch)).await;
            if self.pressure.is_high() {
                self.pause(pressure::BACKLOG_PAUSE).await;
            }
        }
    }

    /// The next batch from memory: what waits aside and is due goes first.
    async fn take(&self) -> Option<Lot> {
        loop {
            if let Some(due) = self.aside.take_due() {
                return Some(due);
            }
            let fresh = self.rooms.spool.next();
            match self.aside.next_due() {
                None => return fresh.await.map(Lot::fresh),
                Some(due) => match tokio::time::timeout_at(due, fresh).await {
                    Ok(Some(batch)) => return Some(Lot::fresh(batch)),
                    Ok(None) => return self.aside.take_when_due(&self.give_up).await,
                    Err(_) => {}
                },
            }
        }
    }

    /// Sends a batch until each item is settled, put aside, carried over, or left.
    async fn carry(self: &Arc<Self>, mut lot: Lot) {
        let mut backoff = Backoff::after(lot.tries);
        while !lot.batch.is_empty() {
            self.expire(&mut lot.batch).await;
            if lot.age() >= self.manner.carry_after && self.carry_over(&mut lot.batch).await {
                continue;
            }
            let sent = lot.batch.len();
            let Some(judgement) = self.unless_given_up(self.write(&lot.batch)).await else {
                return self.leave(&lot.batch);
            };
            let (away, overloaded) = (judgement.away, is_overloaded(&judgement));
            lot.batch = self.settle(&lot.batch, judgement).await;
            let any = lot.batch.len() < sent;
            self.rooms.spool.set_flowing(any);
            if lot.batch.is_empty() {
                return;
            }
            lot.tries = backoff.tries() + 1;
            match self.wait_with(lot, Answer { any, away, overloaded }, backoff.next_pause()).await {
                None => return,
                Some(back) => lot = back,
            }
        }
    }

    /// Sees to what an answer left unsettled. Gives it back when it is to be sent again by this
    /// carrier.
    async fn wait_with(self: &Arc<Self>, mut lot: Lot, answer: Answer, pause: Duration) -> Option<Lot> {
        let Answer { any, away, overloaded } = answer;
        if any || overloaded || !away {
            // A store that refuses all of it is not asked at full speed.
            if !any && !overloaded && !self.pause(pause.min(pressure::BACKLOG_PAUSE)).await {
                self.leave(&lot.batch);
                return None;
            }
            lot = match self.put_aside(lot, pause).await {
                // This carrier may be one too many now: whose turn it is sends the rest.
                None if overloaded && !any => {
                    self.pause(pause).await;
                    return None;
                }
                None => return None,
                Some(back) => back,
            };
        }
        let pointless = away && self.is_stopping() && self.rooms.spool.is_durable();
        if pointless || !self.pause(pause).await {
            self.leave(&lot.batch);
            return None;
        }
        Some(lot)
    }

    /// Puts the rest of a batch aside; or, if that index is known not to take it or there is no
    /// room, over to what is held apart. Gives back what has no room anywhere: this lane then waits.
    async fn put_aside(self: &Arc<Self>, mut lot: Lot, pause: Duration) -> Option<Lot> {
        let crowded = self.aside.bytes() + lot.batch.bytes > self.manner.aside_bytes;
        if (crowded || self.is_held_apart(&lot.batch)) && self.carry_over(&mut lot.batch).await {
            return None;
        }
        if crowded {
            return Some(lot);
        }
        self.aside.put(lot, pause);
        None
    }

    async fn write(&self, batch: &Batch) -> Judgement {
        let started = Instant::now();
        let judgement = self.rooms.writer.write(batch).await;
        let latency = started.elapsed();
        self.measure(&judgement.verdicts, latency);
        self.time(latency, judgement.away);
        self.pressure.note(latency, judgement.away || is_overloaded(&judgement), self.rooms.spool.is_behind());
        self.rooms.metrics.possibly_doubled(judgement.possibly_doubled);
        for &(mend, documents) in &judgement.mended {
            self.rooms.metrics.mended(mend, documents);
        }
        judgement
    }

    fn measure(&self, verdicts: &[Verdict], latency: Duration) {
        let good = verdicts.iter().filter(|verdict| matches!(verdict, Verdict::Stored | Verdict::AlreadyThere)).count();
        let errors = verdicts.len() - good;
        self.rooms.metrics.pushed_back(verdicts.iter().filter(|verdict| is_pushed_back(**verdict)).count() as u64);
        self.rooms.metrics.bulk(verdicts.len() as u64, good as u64, errors as u64, latency, errors < verdicts.len());
    }

    /// A store that is away answers nothing, and one that does not answer in time is slow, too.
    fn time(&self, latency: Duration, away: bool) {
        let Some(slow_after) = self.manner.slow_after else { return };
        let is_slow = latency > slow_after;
        if is_slow || !away {
            self.rooms.metrics.answered(is_slow);
        }
    }

    fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    async fn told_to_stop(&self) {
        // The sender lives as long as we do.
        let _ = self.stopping.subscribe().wait_for(|stopping| *stopping).await;
    }

    /// Waits; false: the time to stop has run out.
    async fn pause(&self, pause: Duration) -> bool {
        self.unless_given_up(tokio::time::sleep(pause)).await.is_some()
    }

    async fn unless_given_up<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut give_up = self.give_up.subscribe();
        tokio::select! {
            biased;
            _ = give_up.wait_for(|give_up| *give_up) => None,
            done = work => Some(done),
        }
    }
}

fn is_overloaded(judgement: &Judgement) -> bool {
    judgement.verdicts.iter().any(|verdict| is_pushed_back(*verdict))
}

fn is_pushed_back(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Again(word) if is_overload(word))
}

#[cfg(test)]
mod tests;
