//! Posts bodies over keep-alive connections, each as fast as the answers come, or at a pace. What is
//! not answered is counted and its connection made anew: a load outlives the restart of a collector.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use hdrhistogram::Histogram;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::bodies::{self, Template};

/// Time for an answer; the second, once the load is asked to stop.
const PATIENCE: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(3));
/// The pauses after a connection that failed: the first, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));
/// Bytes of an answer, which nobody reads.
const LONGEST: usize = 1 << 20;

/// Where spans are posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// host:port.
    pub address: String,
    pub path: String,
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
    /// Microseconds from the first byte of a request to the last of its answer.
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

    fn enter(&mut self, status: u16, spans: u64, answer: Duration) {
        self.posts += 1;
        *self.statuses.entry(status).or_default() += 1;
        if (200..300).contains(&status) {
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

/// Drives the collector until the load is over, or until `stop`.
pub async fn drive(place: &Place, load: &Load, stop: &watch::Receiver<bool>) -> Offered {
    let templates = bodies::templates(load.spans, 16.min(400 / load.spans.max(1)).max(2));
    let (started, chance) = (Instant::now(), RandomState::new());
    let connections: Vec<_> = (0..load.connections)
        .map(|number| {
            // Ids of different connections never meet: the number is in their high bits. Chance keeps
            // those of one run apart from those of another.
            let serial = (number as u64) << 52 | (chance.hash_one(0) & 0xf_ffff) << 32;
            let connection = Connection {
                place: place.clone(),
                load: *load,
                templates: templates.clone(),
                serial,
                stream: None,
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
struct Connection {
    place: Place,
    load: Load,
    templates: Vec<Template>,
    serial: u64,
    stream: Option<TcpStream>,
    offered: Offered,
    stop: watch::Receiver<bool>,
}

impl Connection {
    async fn run(mut self, number: usize) -> Offered {
        let end = tokio::time::Instant::now() + self.load.length;
        // Not all at once: each connection has a beat of its own.
        let every = self.load.every.unwrap_or_default();
        let mut next = end - self.load.length + every.mul_f64(number as f64 / self.load.connections as f64);
        let (mut request, mut pause) = (Vec::new(), PAUSES.0);
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
            if let Some(template) = self.templates.get_mut(index) {
                template.freshen(&mut self.serial, micros());
                write_request(&mut request, &self.place, &template.body);
            }
            self.post(&request).await;
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
        if self.stream.is_none() {
            let connecting = TcpStream::connect(&self.place.address);
            let stream = tokio::time::timeout(Duration::from_secs(5), connecting).await??;
            stream.set_nodelay(true)?;
            self.stream = Some(stream);
        }
        Ok(())
    }

    async fn post(&mut self, request: &[u8]) {
        let Some(mut stream) = self.stream.take() else { return };
        let sent = Instant::now();
        let answer = tokio::select! {
            answer = exchange(&mut stream, request) => answer,
            () = out_of_patience(&mut self.stop) => Err(io::ErrorKind::TimedOut.into()),
        };
        match answer {
            Ok(answer) => {
                self.offered.enter(answer.status, self.load.spans as u64, sent.elapsed());
                self.stream = Some(stream).filter(|_| !answer.closes);
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

/// The request as Envoy's tracer sends it.
fn write_request(request: &mut Vec<u8>, place: &Place, body: &[u8]) {
    request.clear();
    let (Place { address, path }, length) = (place, body.len());
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    );
    request.extend_from_slice(head.as_bytes());
    request.extend_from_slice(body);
}

struct Answer {
    status: u16,
    closes: bool,
}

async fn exchange(stream: &mut TcpStream, request: &[u8]) -> io::Result<Answer> {
    stream.write_all(request).await?;
    let mut bytes = Vec::with_capacity(512);
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        read_some(stream, &mut bytes).await?;
    };
    let text = String::from_utf8_lossy(bytes.get(..head).unwrap_or_default()).to_ascii_lowercase();
    let header = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let length: usize = header("content-length:").and_then(|length| length.parse().ok()).unwrap_or(0);
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| io::Error::other("the answer is not HTTP"))?;
    let (closes, chunked) = (header("connection:") == Some("close"), header("transfer-encoding:") == Some("chunked"));
    while if chunked { !bytes.ends_with(b"\r\n0\r\n\r\n") } else { bytes.len() < head + length } {
        read_some(stream, &mut bytes).await?;
    }
    Ok(Answer { status, closes })
}

async fn read_some(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> io::Result<()> {
    if bytes.len() > LONGEST {
        return Err(io::Error::other("the answer is too long"));
    }
    if stream.read_buf(bytes).await? == 0 {
        return Err(io::Error::other("the connection was closed without an answer"));
    }
    Ok(())
}

fn micros() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or_default()
}
