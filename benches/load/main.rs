//! The end-to-end load benchmark: the real binary in its own process, a stand-in for Elasticsearch
//! that reads every document in another, and a generator that posts what real Envoys posted, with
//! fresh ids and times, over keep-alive connections.
//!
//! ```text
//! cargo bench --bench load                               Spaniel, at 1, 5, 10 and 100 spans a POST
//! cargo bench --bench load -- --spans 5,100 --seconds 10 --connections 64
//! cargo bench --bench load -- --target http://127.0.0.1:9411 [--pid N]   any Zipkin collector
//! cargo bench --bench load -- sink 9200                  the stand-in alone, for another collector
//! ```
//!
//! Absolute times mean little on a shared machine; *spans per CPU-second of the collector* is what
//! to read. The run fails if the spans offered are not exactly those stored and those refused.

#![allow(clippy::print_stdout, reason = "the table is what it is for")]

mod bodies;
mod generator;
mod process;
mod report;
mod sink;
mod spaniel;

use std::time::Duration;

use anyhow::{Context, Result, bail};

/// What was asked for on the command line.
#[derive(Debug)]
struct Options {
    spans: Vec<usize>,
    seconds: u64,
    connections: usize,
    target: Option<String>,
    pid: Option<u32>,
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
    match &options.target {
        Some(target) => drive(target, &options),
        None => measure(&options),
    }
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Options> {
    let mut options =
        Options { spans: vec![1, 5, 10, 100], seconds: 5, connections: 32, target: None, pid: None, flags: vec![] };
    while let Some(name) = arguments.next() {
        if name == "--" {
            options.flags = arguments.collect();
            break;
        }
        let value = arguments.next().with_context(|| format!("{name} wants a value"))?;
        match name.as_str() {
            "--spans" => options.spans = value.split(',').map(str::parse).collect::<Result<_, _>>()?,
            "--seconds" => options.seconds = value.parse()?,
            "--connections" => options.connections = value.parse()?,
            "--target" => options.target = Some(value),
            "--pid" => options.pid = Some(value.parse()?),
            _ => bail!("unknown option {name}: --spans, --seconds, --connections, --target, --pid, -- FLAGS"),
        }
    }
    Ok(options)
}

/// Spaniel against the sink, a fresh process for each size of POST.
fn measure(options: &Options) -> Result<()> {
    println!("{}", report::HEADER);
    let mut balanced = true;
    for &spans in &options.spans {
        let sink = sink::Child::start()?;
        let spaniel = spaniel::Spaniel::start(&sink.url(), &options.flags)?;
        let idle = process::memory(spaniel.pid())?;
        let before = process::cpu_seconds(spaniel.pid())?;
        let load = generator::Load { spans, connections: options.connections, length: seconds(options) };
        let peak = process::PeakMemory::watch(spaniel.pid());
        let offered = generator::run(&spaniel.zipkin, &load)?;
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
        let load = generator::Load { spans, connections: options.connections, length: seconds(options) };
        let address = target.trim_start_matches("http://").trim_end_matches('/');
        let offered = generator::run(address, &load)?;
        let after = options.pid.map(process::cpu_seconds).transpose()?;
        println!(
            "{}",
            report::line_of_target(spans, &offered, after.zip(before).map(|(after, before)| after - before))
        );
    }
    Ok(())
}

fn seconds(options: &Options) -> Duration {
    Duration::from_secs(options.seconds)
}
