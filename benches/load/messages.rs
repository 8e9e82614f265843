//! Messages of the other protocols over kept connections, each as fast as the answers come, all on one
//! thread as in `generator`.

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail, ensure};
use hdrhistogram::Histogram;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::grpc::Caller;
use crate::protocol::Protocol;
use crate::spaniel::Spaniel;
use crate::template::Template;
use crate::{Options, encode, process, sink};

const HEADER: &str = "spans/message |  offered spans |  spans/s wall | spans/CPU-s | p50 ms | p99 ms | answers";

/// What was offered, and what the answers were.
struct Offered {
    accepted: u64,
    refused: u64,
    statuses: BTreeMap<u16, u64>,
    /// Microseconds from the first byte of a message to the last of its answer.
    answer: Histogram<u64>,
}

impl Offered {
    fn new() -> Result<Self> {
        let answer = Histogram::new_with_bounds(1, 60_000_000, 3)?;
        Ok(Offered { accepted: 0, refused: 0, statuses: BTreeMap::new(), answer })
    }

    fn add(&mut self, other: &Offered) -> Result<()> {
        self.accepted += other.accepted;
        self.refused += other.refused;
        for (status, count) in &other.statuses {
            *self.statuses.entry(*status).or_default() += count;
        }
        Ok(self.answer.add(&other.answer)?)
    }
}

/// Spaniel against the sink, a fresh process for each size of message.
pub(crate) fn measure(options: &Options) -> Result<()> {
    println!("{}\n{HEADER}", options.protocol.name());
    for &spans in &options.spans {
        let templates = encode::templates(options.protocol, spans, 16.min(400 / spans.max(1)).max(2))?;
        let sink = sink::Child::start()?;
        let spaniel = Spaniel::start_for(options.protocol, &sink.url(), &options.flags)?;
        let before = process::cpu_seconds(spaniel.pid())?;
        let began = Instant::now();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let offered = runtime.block_on(drive(&spaniel.address, spans, &templates, options))?;
        let wall = began.elapsed();
        let books = spaniel.wait_until_settled()?;
        let cpu = process::cpu_seconds(spaniel.pid())? - before;
        let stored = sink.counts()?;
        let all = offered.accepted + offered.refused;
        let answer = |quantile| offered.answer.value_at_quantile(quantile) as f64 / 1000.0;
        let answers: Vec<_> = offered.statuses.iter().map(|(status, count)| format!("{status}: {count}")).collect();
        println!(
            "{spans:13} | {all:14} | {:13.0} | {:11.0} | {:6.2} | {:6.2} | {}",
            all as f64 / wall.as_secs_f64(),
            stored.spans as f64 / cpu,
            answer(0.5),
            answer(0.99),
            answers.join(", ")
        );
        let is_good = offered.accepted == stored.spans && stored.doubled == 0 && stored.unreadable == 0;
        ensure!(is_good && books["balanced"] == true, "accepted {}: {stored:?}, {books}", offered.accepted);
    }
    Ok(())
}

async fn drive(address: &str, spans: usize, templates: &[Template], options: &Options) -> Result<Offered> {
    let connections: Vec<_> = (0..options.connections())
        .map(|number| {
            // Ids of different connections never meet: the number is in their high bits. The time
            // keeps the ids of one run apart from those of the next.
            let serial = (number as u64) << 48 | (micros() & 0xffff) << 32;
            let (address, protocol) = (address.to_owned(), options.protocol);
            let length = Duration::from_secs(options.seconds);
            tokio::spawn(connection(address, protocol, spans as u64, length, templates.to_vec(), serial))
        })
        .collect();
    let mut offered = Offered::new()?;
    for connection in connections {
        offered.add(&connection.await??)?;
    }
    Ok(offered)
}

async fn connection(
    address: String,
    protocol: Protocol,
    spans: u64,
    length: Duration,
    mut templates: Vec<Template>,
    mut serial: u64,
) -> Result<Offered> {
    let mut sender = Sender::connect(&address, protocol).await?;
    let mut offered = Offered::new()?;
    let started = Instant::now();
    for index in (0..templates.len()).cycle() {
        if started.elapsed() >= length {
            break;
        }
        templates[index].freshen(&mut serial);
        let (status, took) = sender.send(&templates[index].body).await?;
        *offered.statuses.entry(status).or_default() += 1;
        if protocol.is_good(status) {
            offered.accepted += spans
        } else {
            offered.refused += spans
        }
        offered.answer.saturating_record(took.as_micros() as u64);
    }
    Ok(offered)
}

/// A connection, of HTTP/1.1 or of gRPC.
enum Sender {
    Http { stream: TcpStream, address: String, protocol: Protocol, request: Vec<u8>, answer: Vec<u8> },
    Grpc(Caller),
}

impl Sender {
    async fn connect(address: &str, protocol: Protocol) -> Result<Self> {
        if protocol.is_grpc() {
            return Ok(Sender::Grpc(Caller::connect(address, protocol).await?));
        }
        let stream = connect(address).await?;
        Ok(Sender::Http { stream, address: address.into(), protocol, request: Vec::new(), answer: Vec::new() })
    }

    /// Sends a body; the status of the answer, and how long it took to come.
    async fn send(&mut self, body: &[u8]) -> Result<(u16, Duration)> {
        match self {
            Sender::Http { stream, address, protocol, request, answer } => {
                write_request(request, address, *protocol, body);
                let sent = Instant::now();
                stream.write_all(request).await?;
                let answer = read_answer(stream, answer).await?;
                let took = sent.elapsed();
                if answer.closes {
                    *stream = connect(address).await?;
                }
                Ok((answer.status, took))
            }
            Sender::Grpc(caller) => {
                let sent = Instant::now();
                let status = caller.call(body).await?;
                Ok((status, sent.elapsed()))
            }
        }
    }
}

async fn connect(address: &str) -> Result<TcpStream> {
    let stream = TcpStream::connect(address).await.with_context(|| format!("cannot connect to {address}"))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// The request as Envoy's tracer sends it, to the path of the protocol.
fn write_request(request: &mut Vec<u8>, address: &str, protocol: Protocol, body: &[u8]) {
    request.clear();
    let (path, content_type, length) = (protocol.path(), protocol.content_type(), body.len());
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\n\r\n"
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
