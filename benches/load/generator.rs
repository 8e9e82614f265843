//! Posts bodies over keep-alive connections, each as fast as the answers come. All of them live on
//! one thread: waking a thread for each answer would be done in the collector's `write`, and
//! charged to it, which no network does.

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use hdrhistogram::Histogram;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::bodies::{self, Template};

/// A load: how many spans a POST, over how many connections, for how long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) spans: usize,
    pub(crate) connections: usize,
    pub(crate) length: Duration,
    /// From one request of a connection to its next; without it each goes as fast as it is answered.
    pub(crate) every: Option<Duration>,
}

/// What was offered, and what the answers were.
#[derive(Debug)]
pub(crate) struct Offered {
    pub(crate) accepted: u64,
    pub(crate) refused: u64,
    pub(crate) posts: u64,
    pub(crate) statuses: BTreeMap<u16, u64>,
    pub(crate) wall: Duration,
    /// Microseconds from the first byte of a request to the last of its answer.
    pub(crate) answer: Histogram<u64>,
}

impl Offered {
    fn new() -> Result<Self> {
        let answer = Histogram::new_with_bounds(1, 60_000_000, 3)?;
        let statuses = BTreeMap::new();
        Ok(Offered { accepted: 0, refused: 0, posts: 0, statuses, wall: Duration::ZERO, answer })
    }

    pub(crate) fn spans(&self) -> u64 {
        self.accepted + self.refused
    }

    fn enter(&mut self, status: u16, spans: u64, answer: Duration) {
        self.posts += 1;
        *self.statuses.entry(status).or_default() += 1;
        if status == 202 {
            self.accepted += spans
        } else {
            self.refused += spans
        }
        self.answer.saturating_record(answer.as_micros() as u64);
    }

    fn add(&mut self, other: &Offered) -> Result<()> {
        self.accepted += other.accepted;
        self.refused += other.refused;
        self.posts += other.posts;
        for (status, count) in &other.statuses {
            *self.statuses.entry(*status).or_default() += count;
        }
        self.answer.add(&other.answer)?;
        Ok(())
    }
}

/// Drives the collector at `address` (host:port).
pub(crate) fn run(address: &str, load: &Load) -> Result<Offered> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(drive(address, load))
}

async fn drive(address: &str, load: &Load) -> Result<Offered> {
    let templates = bodies::templates(load.spans, 16.min(400 / load.spans.max(1)).max(2))?;
    let started = Instant::now();
    let connections: Vec<_> = (0..load.connections)
        .map(|number| {
            // Ids of different connections never meet: the number is in their high bits. The time
            // keeps the ids of one run apart from those of the next.
            let serial = (number as u64) << 48 | (micros() & 0xffff) << 32;
            tokio::spawn(connection(address.to_owned(), *load, templates.clone(), serial))
        })
        .collect();
    let mut offered = Offered::new()?;
    for connection in connections {
        offered.add(&connection.await??)?;
    }
    offered.wall = started.elapsed();
    Ok(offered)
}

async fn connection(address: String, load: Load, mut templates: Vec<Template>, mut serial: u64) -> Result<Offered> {
    let mut stream = connect(&address).await?;
    let mut offered = Offered::new()?;
    let (mut request, mut answer) = (Vec::new(), Vec::new());
    let started = Instant::now();
    // Not all at once: each connection has a beat of its own.
    let mut next = started + load.every.unwrap_or_default().mul_f64((serial >> 48) as f64 / load.connections as f64);
    for index in (0..templates.len()).cycle() {
        if started.elapsed() >= load.length {
            break;
        }
        if let Some(every) = load.every {
            next += every;
            tokio::time::sleep_until(next.into()).await;
        }
        templates[index].freshen(&mut serial, micros());
        write_request(&mut request, &address, &templates[index].body);
        let sent = Instant::now();
        stream.write_all(&request).await?;
        let answer = read_answer(&mut stream, &mut answer).await?;
        offered.enter(answer.status, load.spans as u64, sent.elapsed());
        if answer.closes {
            stream = connect(&address).await?;
        }
    }
    Ok(offered)
}

async fn connect(address: &str) -> Result<TcpStream> {
    let stream = TcpStream::connect(address).await.with_context(|| format!("cannot connect to {address}"))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// The request as Envoy's tracer sends it.
fn write_request(request: &mut Vec<u8>, address: &str, body: &[u8]) {
    request.clear();
    let length = body.len();
    let head = format!(
        "POST /api/v2/spans HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    );
    request.extend_from_slice(head.as_bytes());
    request.extend_from_slice(body);
}

struct Answer {
    status: u16,
    closes: bool,
}

/// Reads one answer, which has a content-length or no body.
async fn read_answer(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> Result<Answer> {
    bytes.clear();
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        read_some(stream, bytes).await?;
    };
    let text = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
    let header = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let length: usize = header("content-length:").and_then(|length| length.parse().ok()).unwrap_or(0);
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok()).context("no status in the answer")?;
    let closes = header("connection:") == Some("close");
    while bytes.len() < head + length {
        read_some(stream, bytes).await?;
    }
    Ok(Answer { status, closes })
}

async fn read_some(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> Result<()> {
    if stream.read_buf(bytes).await? == 0 {
        bail!("the collector closed the connection without an answer");
    }
    Ok(())
}

fn micros() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as u64)
}
