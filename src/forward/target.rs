//! One URL that copies go to: its room, its queue, its senders.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::ForwardStatus;
use super::form::{self, Change, Endpoint};
use super::standing::Standing;
use super::way::{Sent, Way};
use crate::decode;
use crate::pipeline::Protocol;
use crate::telemetry::metrics::Metrics;

/// Copies that are sent at once.
const SENDERS: usize = 16;
/// Bytes of a copy beside its body: its place in the queue, and while it is sent its task and request.
const OVERHEAD: usize = 1024;
/// The pauses before a copy is tried again: the first, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// See the module.
#[derive(Debug)]
pub(super) struct Target {
    endpoint: Endpoint,
    url: String,
    way: Way,
    /// Bytes that may wait, and those that do.
    most: usize,
    used: AtomicUsize,
    timeout: Duration,
    queue: mpsc::UnboundedSender<Copy>,
    standing: Standing,
    metrics: Arc<Metrics>,
}

/// What became of a body before it is known whether it is taken.
#[derive(Debug)]
pub(super) enum Copied {
    Body(Bytes, Room),
    /// There is no copy, for this reason.
    Not(&'static str),
}

/// Bytes of a target's room, given back when dropped.
#[derive(Debug)]
pub(super) struct Room {
    target: Arc<Target>,
    bytes: usize,
}

/// A copy of a body that was taken. One that is dropped unsettled is counted as such.
#[derive(Debug)]
struct Copy {
    protocol: Protocol,
    body: Bytes,
    room: Room,
    settled: bool,
}

impl Target {
    /// Begins to send, until `stopping`.
    pub(super) fn start(
        endpoint: Endpoint,
        url: &str,
        way: Way,
        most: usize,
        timeout: Duration,
        metrics: Arc<Metrics>,
        stopping: watch::Receiver<bool>,
    ) -> Arc<Self> {
        let (queue, copies) = mpsc::unbounded_channel();
        metrics.forward_failing(endpoint.name(), false);
        let (used, standing) = (AtomicUsize::new(0), Standing::default());
        let target = Arc::new(Target { endpoint, url: url.into(), way, most, used, timeout, queue, standing, metrics });
        tokio::spawn(target.clone().carry(copies, stopping));
        target
    }

    /// The body in the form in which it goes on, if there is room. It is copied: what it lies in may be
    /// a buffer much larger than it.
    pub(super) fn copy(self: &Arc<Self>, protocol: Protocol, body: &Bytes) -> Copied {
        match form::of(protocol).change {
            Change::None => match Room::take(self, body.len() + OVERHEAD) {
                Some(room) => Copied::Body(Bytes::copy_from_slice(body), room),
                None => Copied::Not("full"),
            },
            Change::Batch(form) => {
                let free = self.most.saturating_sub(self.waiting_bytes() + OVERHEAD);
                match decode::binary_batch(form, body, free) {
                    Ok(batch) => match Room::take(self, batch.capacity() + OVERHEAD) {
                        Some(room) => Copied::Body(batch.into(), room),
                        None => Copied::Not("full"),
                    },
                    Err(decode::NoBatch::TooLong) => Copied::Not("full"),
                    Err(decode::NoBatch::Unreadable) => Copied::Not("unreadable"),
                }
            }
        }
    }

    pub(super) fn waiting_bytes(&self) -> usize {
        self.used.load(Ordering::Acquire)
    }

    pub(super) fn status(&self) -> ForwardStatus {
        ForwardStatus {
            endpoint: self.endpoint.name(),
            url: self.url.clone(),
            waiting_bytes: self.waiting_bytes(),
            failing: self.standing.failing(),
        }
    }

    async fn carry(self: Arc<Self>, mut copies: mpsc::UnboundedReceiver<Copy>, mut stopping: watch::Receiver<bool>) {
        let mut sending = JoinSet::new();
        loop {
            tokio::select! {
                biased;
                _ = stopping.wait_for(|stopping| *stopping) => break,
                Some(_) = sending.join_next(), if !sending.is_empty() => {}
                Some(copy) = copies.recv(), if sending.len() < SENDERS => {
                    sending.spawn(self.clone().send(copy));
                }
            }
        }
        // What is cut off here, or still lies in the queue, is counted by its drop.
        sending.shutdown().await;
        copies.close();
        while copies.try_recv().is_ok() {}
    }

    async fn send(self: Arc<Self>, copy: Copy) {
        let sent = tokio::time::timeout(self.timeout, self.try_until_decided(&copy)).await;
        let sent = sent.unwrap_or_else(|_| Sent::Lost(format!("not taken within {:?}", self.timeout)));
        match sent {
            Sent::Taken => {
                self.well();
                copy.sent();
            }
            Sent::Refused(why) => {
                self.ill(&why);
                copy.dropped("refused");
            }
            Sent::Lost(why) | Sent::NotNow(why) => {
                self.ill(&why);
                copy.dropped("failed");
            }
        }
    }

    /// Tries again while it is sure that the copy was not taken.
    async fn try_until_decided(&self, copy: &Copy) -> Sent {
        let mut pause = PAUSES.0;
        loop {
            match self.way.send(form::of(copy.protocol), &copy.body).await {
                Sent::NotNow(why) => self.ill(&why),
                decided => return decided,
            }
            tokio::time::sleep(pause).await;
            pause = PAUSES.1.min(pause * 2);
        }
    }

    fn ill(&self, why: &str) {
        if self.standing.ill(why) {
            self.metrics.forward_failing(self.endpoint.name(), true);
            let (endpoint, url) = (self.endpoint.name(), &self.url);
            tracing::warn!(
                endpoint,
                url,
                error = why,
                "copies cannot be forwarded: they are dropped and counted in spaniel_forward_dropped_total; spans are \
                 taken and stored here as before"
            );
        }
    }

    fn well(&self) {
        if let Some(failed_for) = self.standing.well() {
            self.metrics.forward_failing(self.endpoint.name(), false);
            let (endpoint, url) = (self.endpoint.name(), &self.url);
            tracing::info!(endpoint, url, ?failed_for, "copies are forwarded again");
        }
    }
}

impl Copied {
    /// The body was taken: its copy goes into the queue, or is counted as dropped.
    pub(super) fn send(self, protocol: Protocol, metrics: &Metrics) {
        match self {
            Copied::Body(body, room) => {
                let target = room.target.clone();
                let copy = Copy { protocol, body, room, settled: false };
                // After the stop nobody receives: the drop of the copy counts it.
                let _ = target.queue.send(copy);
            }
            Copied::Not(reason) => metrics.forward_dropped(protocol.name(), reason),
        }
    }
}

impl Room {
    fn take(target: &Arc<Target>, bytes: usize) -> Option<Self> {
        let fits = |used: usize| used.checked_add(bytes).filter(|sum| *sum <= target.most);
        target.used.fetch_update(Ordering::AcqRel, Ordering::Relaxed, fits).ok()?;
        target.metrics.forward_waiting(target.endpoint.name(), bytes as i64);
        Some(Room { target: target.clone(), bytes })
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.target.metrics.forward_waiting(self.target.endpoint.name(), -(self.bytes as i64));
        self.target.used.fetch_sub(self.bytes, Ordering::AcqRel);
    }
}

impl Copy {
    fn sent(mut self) {
        self.settled = true;
        self.room.target.metrics.forward_sent(self.protocol.name());
    }

    fn dropped(mut self, reason: &'static str) {
        self.settled = true;
        self.room.target.metrics.forward_dropped(self.protocol.name(), reason);
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        if !self.settled {
            self.room.target.metrics.forward_dropped(self.protocol.name(), "shutdown");
        }
    }
}
