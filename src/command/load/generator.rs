//! Sends bodies over connections that stay, each as fast as the answers come, or at a pace. What is
//! not answered is counted and its connection made anew: a load outlives the restart of a collector.
//!
//! The protocol is a [`Client`]'s; that of HTTP/1.1 is in [`super::http`].

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use hdrhistogram::Histogram;
use tokio::sync::watch;

use super::bodies::Template;

/// Time for an answer; the second, once the load is asked to stop.
const PATIENCE: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(3));
/// The pauses after a connection that failed: the first, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));
/// Time for a connection.
const CONNECTING: Duration = Duration::from_secs(5);

/// One connection after another to a collector.
pub trait Client: Send + 'static {
    /// Makes a connection if there is none.
    fn connect(&mut self) -> impl Future<Output = io::Result<()>> + Send;

    /// Sends a body over the connection; the status of the answer. A client that fails, or is not
    /// waited for, has no connection any more.
    fn send(&mut self, body: &[u8]) -> impl Future<Output = io::Result<u16>> + Send;

    /// True for the status of an answer that all was taken.
    fn is_good(&self, status: u16) -> bool;
}

/// A load: how many spans a POST, over how many connections, for how long.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    pub spans: usize,
    pub connections: usize,
    pub length: Duration,
    /// From one request of a connection to its next; without it each goes as fast as it is answered.
    pub every: Option<Duration>,
}

/// What was offered, and what the answers were.
#[derive(Debug)]
pub struct Offered {
    /// Spans of requests that were acknowledged, answered otherwise, and not answered.
    pub accepted: u64,
    pub refused: u64,
    pub unanswered: u64,
    pub posts: u64,
    pub statuses: BTreeMap<u16, u64>,
    /// What went wrong without an answer, and how often.
    pub failures: BTreeMap<String, u64>,
    pub wall: Duration,
    /// Microseconds from when a body was made to the last byte of its answer.
    pub answer: Histogram<u64>,
}

impl Offered {
    fn new() -> Self {
        #[expect(clippy::expect_used, reason = "these bounds are within those of the crate")]
        let answer = Histogram::new_with_bounds(1, 60_000_000, 3).expect("bounds that it knows");
        Offered {
            accepted: 0,
            refused: 0,
            unanswered: 0,
            posts: 0,
            statuses: BTreeMap::new(),
            failures: BTreeMap::new(),
            wall: Duration::ZERO,
            answer,
        }
    }

    pub fn spans(&self) -> u64 {
        self.accepted + self.refused + self.unanswered
    }

    fn enter(&mut self, (status, is_good): (u16, bool), spans: u64, answer: Duration) {
        self.posts += 1;
        *self.statuses.entry(status).or_default() += 1;
        if is_good {
            self.accepted += spans;
        } else {
            self.refused += spans;
        }
        self.answer.saturating_record(u64::try_from(answer.as_micros()).unwrap_or(u64::MAX));
    }

    fn add(&mut self, other: &Offered) {
        self.accepted += other.accepted;
        self.refused += other.refused;
        self.unanswered += other.unanswered;
        self.posts += other.posts;
        for (status, count) in &other.statuses {
            *self.statuses.entry(*status).or_default() += count;
        }
        for (failure, count) in &other.failures {
            *self.failures.entry(failure.clone()).or_default() += count;
        }
        // They have the same bounds.
        let _ = self.answer.add(&other.answer);
    }
}

/// Drives a collector until the load is over, or until `stop`: each connection with a client of its
/// own, each request with the next of the templates, which are of as many spans as the load says.
pub async fn drive<C: Client>(
    client: impl Fn() -> C,
    templates: &[Template],
    load: &Load,
    stop: &watch::Receiver<bool>,
) -> Offered {
    let (started, chance) = (Instant::now(), RandomState::new());
    let connections: Vec<_> = (0..load.connections)
        .map(|number| {
            // Ids of different connections never meet: the number is in their high bits. Chance keeps
            // those of one run apart from those of another.
            let serial = (number as u64) << 52 | (chance.hash_one(0) & 0xf_ffff) << 32;
            let connection = Connection {
                client: client(),
                load: *load,
                templates: templates.to_vec(),
                serial,
                offered: Offered::new(),
                stop: stop.clone(),
            };
            tokio::spawn(connection.run(number))
        })
        .collect();
    let mut offered = Offered::new();
    for connection in connections {
        if let Ok(one) = connection.await {
            offered.add(&one);
        }
    }
    offered.wall = started.elapsed();
    offered
}

/// One connection after the other, as one client.
struct Connection<C> {
    client: C,
    load: Load,
    templates: Vec<Template>,
    serial: u64,
    offered: Offered,
    stop: watch::Receiver<bool>,
}

impl<C: Client> Connection<C> {
    async fn run(mut self, number: usize) -> Offered {
        let end = tokio::time::Instant::now() + self.load.length;
        // Not all at once: each connection has a beat of its own.
        let every = self.load.every.unwrap_or_default();
        let mut next = end - self.load.length + every.mul_f64(number as f64 / self.load.connections as f64);
        let mut pause = PAUSES.0;
        for index in (0..self.templates.len()).cycle() {
            if self.stopped_before(next.min(end)).await || tokio::time::Instant::now() >= end {
                break;
            }
            if let Err(error) = self.connect().await {
                self.fail(format!("no connection: {error}"));
                if self.stopped_before((tokio::time::Instant::now() + pause).min(end)).await {
                    break;
                }
                pause = PAUSES.1.min(pause * 2);
                continue;
            }
            pause = PAUSES.0;
            self.post(index).await;
            next += every;
        }
        self.offered
    }

    /// Waits until then. True: the load was asked to stop.
    async fn stopped_before(&mut self, then: tokio::time::Instant) -> bool {
        let stopped = tokio::time::timeout_at(then, self.stop.wait_for(|stop| *stop)).await;
        matches!(stopped, Ok(Ok(_)))
    }

    async fn connect(&mut self) -> io::Result<()> {
        tokio::time::timeout(CONNECTING, self.client.connect()).await?
    }

    async fn post(&mut self, index: usize) {
        let Some(template) = self.templates.get_mut(index) else { return };
        template.freshen(&mut self.serial, micros());
        let sent = Instant::now();
        let answer = tokio::select! {
            answer = self.client.send(&template.body) => answer,
            () = out_of_patience(&mut self.stop) => Err(io::ErrorKind::TimedOut.into()),
        };
        match answer {
            Ok(status) => {
                let answer = (status, self.client.is_good(status));
                self.offered.enter(answer, self.load.spans as u64, sent.elapsed());
            }
            Err(error) => {
                self.offered.posts += 1;
                self.offered.unanswered += self.load.spans as u64;
                self.fail(error.to_string());
            }
        }
    }

    fn fail(&mut self, why: String) {
        *self.offered.failures.entry(why).or_default() += 1;
    }
}

async fn out_of_patience(stop: &mut watch::Receiver<bool>) {
    // Without a stop that can come, the first patience is all there is.
    if matches!(tokio::time::timeout(PATIENCE.0, stop.wait_for(|stop| *stop)).await, Ok(Ok(_))) {
        tokio::time::sleep(PATIENCE.1).await;
    }
}

fn micros() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or_default()
}
