//! The end-to-end load benchmark: the real binary in its own process, a stand-in for Elasticsearch
//! that reads every document in another, and the generator of `spaniel load`, which sends what real
//! Envoys posted, with fresh ids and times, over connections that stay.
//!
//! ```text
//! cargo bench --bench load                               Spaniel, at 1, 5, 10 and 100 spans a POST
//! cargo bench --bench load -- --spans 5,100 --seconds 10 --connections 64
//! cargo bench --bench load -- --protocol otlp-grpc --spans 10,100        the same spans by another protocol
//! cargo bench --bench load -- --protocol otlp-grpc --connections 8 --streams 8      eight calls at a time over each
//! cargo bench --bench load -- --protocol udp --spans 1 --rate 50000      datagrams a second; counts those lost
//! cargo bench --bench load -- --safety 3 --spans 5,100    what each --spool.sync costs, three rounds
//! cargo bench --bench load -- --sampled 3 --spans 5,100   what 1 % kept saves, three rounds
//! cargo bench --bench load -- --target http://127.0.0.1:9411 [--pid N]   any collector, of the protocol
//! cargo bench --bench load -- sink 9200                  the stand-in alone, for another collector
//! ```
//!
//! Absolute times mean little on a shared machine; *spans per CPU-second of the collector* is what
//! to read. The run fails if the spans offered are not exactly those stored and those refused.

#![allow(clippy::print_stdout, reason = "the table is what it is for")]

mod datagrams;
mod encode;
mod grpc;
mod process;
mod protocol;
mod report;
mod safety;
mod sampled;
mod sink;
mod spaniel;

use std::path::PathBuf;
use std::time::Duration;

use ::spaniel::command::load::bodies;
use ::spaniel::command::load::generator::{self, Load, Offered};
use ::spaniel::command::load::http::Http;
use anyhow::{Context, Result, bail, ensure};

use grpc::Callers;
use protocol::Protocol;

/// What was asked for on the command line.
#[derive(Debug)]
struct Options {
    protocol: Protocol,
    spans: Vec<usize>,
    /// Datagrams a second.
    rate: u64,
    seconds: u64,
    connections: Option<usize>,
    /// Calls of gRPC at a time over each connection.
    streams: usize,
    target: Option<String>,
    pid: Option<u32>,
    /// Rounds in which what each way of being safe costs is measured.
    safety: Option<usize>,
    /// Rounds in which all kept and a hundredth kept are measured by turns.
    sampled: Option<usize>,
    /// Flags for the binary, after `--`.
    flags: Vec<String>,
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench").peekable();
    if arguments.peek().is_some_and(|first| first == "sink") {
        let port = arguments.nth(1).map_or(Ok(0), |port| port.parse()).context("sink wants a port")?;
        return sink::serve(port);
    }
    let options = parse(arguments)?;
    let alone = options.target.is_none() && options.safety.is_none() && options.sampled.is_none();
    if options.protocol == Protocol::Udp && !alone {
        bail!("nobody answers a datagram: --target, --safety and --sampled are for the other protocols");
    }
    match (&options.target, options.safety, options.sampled) {
        (Some(target), ..) => drive(target, &options),
        (None, Some(rounds), _) => safety::measure(&options, rounds),
        (None, None, Some(rounds)) => sampled::measure(&options, rounds),
        (None, None, None) if options.protocol == Protocol::Udp => datagrams::measure(&options),
        (None, None, None) => measure(&options),
    }
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Options> {
    let mut options = Options {
        protocol: Protocol::ZipkinJson,
        rate: 50_000,
        spans: vec![1, 5, 10, 100],
        seconds: 5,
        connections: None,
        streams: 1,
        target: None,
        pid: None,
        safety: None,
        sampled: None,
        flags: vec![],
    };
    while let Some(name) = arguments.next() {
        if name == "--" {
            options.flags = arguments.collect();
            break;
        }
        let value = arguments.next().with_context(|| format!("{name} wants a value"))?;
        match name.as_str() {
            "--protocol" => options.protocol = Protocol::named(&value)?,
            "--rate" => options.rate = value.parse()?,
            "--spans" => options.spans = value.split(',').map(str::parse).collect::<Result<_, _>>()?,
            "--seconds" => options.seconds = value.parse()?,
            "--connections" => options.connections = Some(value.parse()?),
            "--streams" => options.streams = value.parse()?,
            "--target" => options.target = Some(value),
            "--safety" => options.safety = Some(value.parse()?),
            "--sampled" => options.sampled = Some(value.parse()?),
            "--pid" => options.pid = Some(value.parse()?),
            _ => bail!(
                "unknown option {name}: --protocol, --spans, --rate, --seconds, --connections, --streams, --safety, --sampled, \
                 --target, --pid, -- FLAGS"
            ),
        }
    }
    let can_share = options.streams == 1 || (options.streams > 1 && options.protocol.is_grpc());
    ensure!(can_share, "--streams wants a number from 1 on, and gRPC");
    let answers = options.target.is_some() || options.safety.is_some();
    ensure!(
        options.protocol != Protocol::Udp || !answers,
        "--target and --safety want a protocol that answers, not udp"
    );
    Ok(options)
}

/// Drives the collector at `address` (host:port). All connections live on one thread: waking a thread
/// for each answer would be done in the collector's `write`, and charged to it, which no network does.
fn offer(address: &str, options: &Options, load: &Load) -> Result<Offered> {
    let (protocol, streams) = (options.protocol, options.streams);
    let templates = encode::templates(protocol, load.spans, bodies::variety(load.spans))?;
    let (_stop, stopped) = tokio::sync::watch::channel(false);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let offered = if protocol.is_grpc() {
        let callers = Callers::new(address, protocol, streams)?;
        let load = Load { connections: load.connections * streams, ..*load };
        runtime.block_on(generator::drive(|| callers.next(), &templates, &load, &stopped))
    } else {
        let client = || Http::new(protocol.place(address));
        runtime.block_on(generator::drive(client, &templates, load, &stopped))
    };
    ensure!(offered.failures.is_empty(), "requests without an answer: {:?}", offered.failures);
    Ok(offered)
}

/// Spaniel against the sink, a fresh process for each size of POST.
fn measure(options: &Options) -> Result<()> {
    println!("{}\n{}", options.protocol.name(), report::HEADER);
    let mut balanced = true;
    for &spans in &options.spans {
        let sink = sink::Child::start()?;
        let spaniel = spaniel::Spaniel::start_for(options.protocol, &sink.url(), &options.flags)?;
        let idle = process::memory(spaniel.pid())?;
        let before = process::cpu_seconds(spaniel.pid())?;
        let load = options.load(spans);
        let peak = process::PeakMemory::watch(spaniel.pid());
        let offered = offer(&spaniel.address, options, &load)?;
        let books = spaniel.wait_until_settled()?;
        let cpu = process::cpu_seconds(spaniel.pid())? - before;
        let stored = sink.counts()?;
        let memory = report::Memory { idle, peak: peak.stop() };
        println!("{}", report::line(spans, &offered, &stored, cpu, &memory));
        balanced &= report::check(&offered, &stored, &books);
    }
    if !balanced {
        bail!("offered is not stored + refused: spans were lost or doubled");
    }
    Ok(())
}

/// Any collector: what it answered, and its CPU time if its process is known.
fn drive(target: &str, options: &Options) -> Result<()> {
    println!("{}", report::HEADER);
    for &spans in &options.spans {
        let before = options.pid.map(process::cpu_seconds).transpose()?;
        let load = options.load(spans);
        let address = target.trim_start_matches("http://").trim_end_matches('/');
        let offered = offer(address, options, &load)?;
        let after = options.pid.map(process::cpu_seconds).transpose()?;
        println!(
            "{}",
            report::line_of_target(spans, &offered, after.zip(before).map(|(after, before)| after - before))
        );
    }
    Ok(())
}

impl Options {
    /// What safety costs is asked of a mesh: while few wait for the disk, the rest idles.
    fn connections(&self) -> usize {
        self.connections.unwrap_or(if self.safety.is_some() { 128 } else { 32 })
    }

    /// Such a load, as fast as the answers come.
    fn load(&self, spans: usize) -> Load {
        let length = Duration::from_secs(self.seconds);
        Load { spans, connections: self.connections(), length, every: None }
    }

    /// Where spools lie: on the disk of the build, not in memory.
    fn folder(&self) -> PathBuf {
        PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("load")
    }
}
