//! Carries batches from the spool to the store until every item has a verdict, and enters what
//! became of them in the books.
//!
//! A fixed number of carriers each take a batch, write it, and settle what the store decided. If
//! the store would not take anything, the carrier waits with a jittered, growing pause and sends
//! the same batch again: new batches would fare no better. If it took some and not others, the
//! others wait aside for their own turn and do not hold up what comes after them. Nothing is given
//! up: only [`Delivery::abandon`], at the end of the process, drops what is left, counted.

mod aside;
mod backoff;
mod settle;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::clock::Clock;
use crate::document::Services;
use crate::item::{Batch, Judgement, Verdict};
use crate::spool::Spool;
use crate::store::Writer;
use crate::telemetry::books::Books;
use crate::telemetry::metrics::Metrics;
use aside::Aside;
use backoff::Backoff;

/// The rooms between which batches are carried.
#[derive(Debug, Clone)]
pub struct Rooms {
    pub spool: Arc<Spool>,
    pub writer: Arc<dyn Writer>,
    pub books: Arc<Books>,
    pub services: Arc<Services>,
    pub metrics: Arc<Metrics>,
    pub clock: Clock,
}

/// Carries batches.
#[derive(Debug)]
pub struct Delivery {
    rooms: Rooms,
    aside: Aside,
    /// Becomes true when the time to stop has run out.
    give_up: watch::Sender<bool>,
}

impl Delivery {
    pub fn new(rooms: Rooms) -> Arc<Self> {
        let (give_up, _) = watch::channel(false);
        Arc::new(Delivery { rooms, aside: Aside::default(), give_up })
    }

    /// Starts `carriers` tasks; each ends when the spool is closed and empty.
    pub fn start(self: &Arc<Self>, carriers: usize) -> Vec<tokio::task::JoinHandle<()>> {
        (0..carriers.max(1)).map(|_| tokio::spawn(self.clone().carry_all())).collect()
    }

    /// Takes the batches out of the carriers' hands: what is not settled is dropped and counted as
    /// `shutdown`. Call it when the time to stop has run out, then wait for the carriers.
    pub fn abandon(&self) {
        self.give_up.send_replace(true);
    }

    async fn carry_all(self: Arc<Self>) {
        while let Some((batch, tries)) = self.take().await {
            self.carry(batch, Backoff::after(tries)).await;
        }
        self.drop_rest(&self.rooms.spool.take_rest());
    }

    /// The next batch, and how often it was tried: what waits aside and is due goes first.
    async fn take(&self) -> Option<(Batch, u32)> {
        loop {
            if let Some(due) = self.aside.take_due() {
                return Some(due);
            }
            let fresh = self.rooms.spool.next();
            match self.aside.next_due() {
                None => return fresh.await.map(|batch| (batch, 0)),
                Some(due) => match tokio::time::timeout_at(due, fresh).await {
                    Ok(Some(batch)) => return Some((batch, 0)),
                    Ok(None) => return self.aside.take_when_due(&self.give_up).await,
                    Err(_) => {}
                },
            }
        }
    }

    /// Sends a batch until each item is settled, set aside, or dropped at the end.
    async fn carry(&self, mut batch: Batch, mut backoff: Backoff) {
        while !batch.is_empty() {
            let sent = batch.len();
            let Some(judgement) = self.unless_given_up(self.write(&batch)).await else {
                return self.drop_rest(&batch);
            };
            batch = self.settle(&batch, &judgement);
            self.rooms.spool.set_flowing(batch.len() < sent);
            if batch.is_empty() {
                return;
            }
            let pause = backoff.next_pause();
            if batch.len() < sent {
                return self.aside.put(batch, backoff.tries(), pause);
            }
            if self.unless_given_up(tokio::time::sleep(pause)).await.is_none() {
                return self.drop_rest(&batch);
            }
        }
    }

    async fn write(&self, batch: &Batch) -> Judgement {
        let started = Instant::now();
        let judgement = self.rooms.writer.write(batch).await;
        self.measure(&judgement.verdicts, started.elapsed());
        self.rooms.metrics.possibly_doubled(judgement.possibly_doubled);
        for &(mend, documents) in &judgement.mended {
            self.rooms.metrics.mended(mend, documents);
        }
        judgement
    }

    fn measure(&self, verdicts: &[Verdict], latency: Duration) {
        let good = verdicts.iter().filter(|verdict| matches!(verdict, Verdict::Stored | Verdict::AlreadyThere)).count();
        let errors = verdicts.len() - good;
        self.rooms.metrics.bulk(verdicts.len() as u64, good as u64, errors as u64, latency, errors < verdicts.len());
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

#[cfg(test)]
mod tests;
