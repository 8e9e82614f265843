//! What does a span cost Elasticsearch in Jaeger's layout and in the lean one? The same 50,000
//! spans, as real Envoys sent them, written by our own writer to a real Elasticsearch 8.19.
//!
//! ```text
//! cargo bench --bench elasticsearch_cost
//! cargo bench --bench elasticsearch_cost -- --rounds 5 --spans 50000
//! ```
//!
//! The captured bodies are sent again and again, each time with other ids of traces, spans and
//! requests, and other times; spans of one trace stay together. CPU time is that of the server's
//! process, all threads. A round writes all spans of a layout, has them found (`_refresh`), and
//! has them merged to one segment a shard: *written* is the time up to the second, *merged* up to
//! the third. Merging counts: an index of a day is merged several times before it rests. Three rounds
//! of each layout go before, for the compiler of the JVM to be done. Of the others the best counts,
//! for each layout: what else runs on the machine only adds.
//!
//! It fails unless lean takes 2.5 times the spans per CPU-second (merged) and a third of the bytes.

#![allow(clippy::print_stdout, reason = "the table is what it is for")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use serde_json::Value as Json;
use spaniel::decode::{Limits, Scratch, Sink, zipkin_json};
use spaniel::document::{Shape, hour_of, span_id};
use spaniel::item::{Batch, Item, Kind, Label, Run, Verdict};
use spaniel::memory::Budget;
use spaniel::settings::{self, Indices, Layout, Lean, LeanFields};
use spaniel::span::repair::{self, Family};
use spaniel::span::{Process, Refusal, Span, Text, Value};
use spaniel::store::Writer as _;
use spaniel::store::elasticsearch::BulkWriter;
use support::releases::ES_8_19;
use support::server::{self, Server};

/// All spans are of one day, and lie this far from each other; microseconds.
const FIRST_START: u64 = 1_795_219_200_000_000;
const STEP: u64 = 1700;

/// Documents of a bulk request, as by default.
const DOCUMENTS: usize = 1000;

const MAX_FIELDS: usize = 500;

/// Rounds that go before, and do not count.
const WARMING: usize = 3;

/// A JVM as in production, where tests have one that starts quickly.
const JVM: &str = "-Xms1g\n-Xmx1g\n-XX:TieredStopAtLevel=4\n";

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if !arguments.iter().any(|argument| argument == "--bench") {
        // Not asked to measure: `cargo test` builds and runs benches too.
        return Ok(());
    }
    let number = |name: &str, default: usize| -> Result<usize> {
        let value = arguments.iter().skip_while(|argument| *argument != name).nth(1);
        value.map_or(Ok(default), |value| value.parse().with_context(|| format!("{name} wants a number")))
    };
    let (rounds, spans) = (number("--rounds", 3)?, number("--spans", 50_000)?);
    match server::own_with(ES_8_19, &[], &[("jvm.options.d/bench.options", JVM)]) {
        Some(server) => measure(&Site::new(&server)?, rounds.max(1), spans.max(1)),
        None => Ok(()),
    }
}

fn layouts() -> [(&'static str, Layout); 3] {
    let lean = |search_logs| Layout::Lean(Lean { num_shards: 1, max_fields: MAX_FIELDS, search_logs });
    [("jaeger", Layout::Jaeger), ("lean", lean(false)), ("lean, logs searched", lean(true))]
}

fn measure(site: &Site<'_>, rounds: usize, spans: usize) -> Result<()> {
    let bodies = bodies()?;
    let mut best = [Cost::MOST; 3];
    for round in 0..rounds + WARMING {
        for (index, (name, layout)) in layouts().into_iter().enumerate() {
            let batches = batches(&bodies, spans, layout)?;
            let cost = site.round(&format!("cost-{round}-{index}"), layout, &batches, spans)?;
            if round >= WARMING {
                println!("round {}, {name}: {cost}", round + 1 - WARMING);
                best[index] = best[index].better(&cost);
            }
        }
    }
    println!("\nbest of {rounds} rounds of {spans} spans");
    for ((name, _), cost) in layouts().iter().zip(&best) {
        println!("{name:20} {cost}");
    }
    let [jaeger, lean, _] = &best;
    let (written, merged) = (jaeger.written / lean.written, jaeger.merged / lean.merged);
    let bytes = lean.bytes / jaeger.bytes;
    println!(
        "lean takes {written:.2} times the spans per CPU-second written, {merged:.2} merged, {bytes:.3} of the bytes"
    );
    ensure!(merged >= 2.5 && bytes <= 1.0 / 3.0, "lean must reach 2.5 and a third");
    Ok(())
}

/// What one span costs.
#[derive(Debug, Clone, Copy)]
struct Cost {
    /// Microseconds of CPU until it can be found, and until it is merged.
    written: f64,
    merged: f64,
    lucene_documents: f64,
    bytes: f64,
}

impl Cost {
    const MOST: Cost =
        Cost { written: f64::INFINITY, merged: f64::INFINITY, lucene_documents: f64::INFINITY, bytes: f64::INFINITY };

    /// The less of each.
    fn better(&self, other: &Cost) -> Cost {
        Cost {
            written: self.written.min(other.written),
            merged: self.merged.min(other.merged),
            lucene_documents: self.lucene_documents.min(other.lucene_documents),
            bytes: self.bytes.min(other.bytes),
        }
    }
}

impl std::fmt::Display for Cost {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Cost { written, merged, lucene_documents, bytes } = self;
        let (written, merged) = (1e6 / written, 1e6 / merged);
        write!(
            formatter,
            "{written:6.0} spans per CPU-second written, {merged:6.0} merged; {lucene_documents:5.2} Lucene documents \
             and {bytes:4.0} bytes a span"
        )
    }
}

/// A server, and what is asked of it.
struct Site<'a> {
    server: &'a Server,
    pid: u64,
    runtime: tokio::runtime::Runtime,
}

impl<'a> Site<'a> {
    fn new(server: &'a Server) -> Result<Self> {
        let nodes = server.get("/_nodes/process");
        let node = nodes["nodes"].as_object().and_then(|nodes| nodes.values().next()).context("no node")?;
        let pid = node["process"]["id"].as_u64().context("no process id")?;
        Ok(Site { server, pid, runtime: tokio::runtime::Runtime::new()? })
    }

    /// Writes the batches to an index of their own and says what it cost.
    fn round(&self, prefix: &str, layout: Layout, batches: &[Batch], spans: usize) -> Result<Cost> {
        let server_urls = vec![self.server.url.clone()];
        let settings = settings::Elasticsearch { server_urls, layout, num_replicas: 0, ..Default::default() };
        let writer = BulkWriter::new(&settings, &Indices { prefix: prefix.into(), ..Indices::default() })?;
        self.runtime.block_on(writer.meet()).map_err(|error| anyhow::anyhow!("{error}"))?;
        let index = format!("/{prefix}-jaeger-span-*");
        let began = self.cpu_seconds()?;
        for batch in batches {
            let verdicts = self.runtime.block_on(writer.write(batch)).verdicts;
            ensure!(verdicts.iter().all(|verdict| *verdict == Verdict::Stored), "{verdicts:?}");
        }
        self.post(&format!("{index}/_refresh"))?;
        let written = self.cpu_seconds()? - began;
        self.post(&format!("{index}/_forcemerge?max_num_segments=1"))?;
        self.post(&format!("{index}/_flush"))?;
        let merged = self.cpu_seconds()? - began;
        let each = |total: f64| total / spans as f64;
        let cost = Cost {
            written: each(written * 1e6),
            merged: each(merged * 1e6),
            lucene_documents: each(self.of_segments(&index, "docs.count")?),
            bytes: each(self.of_segments(&index, "size")?),
        };
        self.server.call("DELETE", &format!("/{prefix}-jaeger-span-2026-11-21"), None);
        Ok(cost)
    }

    fn post(&self, path: &str) -> Result<()> {
        let (status, body) = self.server.call("POST", path, None);
        ensure!(status == 200, "{path}: {status} {body}");
        Ok(())
    }

    /// A column of `_cat/segments`, summed up.
    fn of_segments(&self, index: &str, column: &str) -> Result<f64> {
        let rows = self.server.get(&format!("/_cat/segments{index}?format=json&bytes=b&h={column}"));
        let rows = rows.as_array().context("no list of segments")?;
        let number = |row: &Json| row[column].as_str().and_then(|number| number.parse::<f64>().ok());
        rows.iter().map(number).sum::<Option<f64>>().filter(|sum| *sum > 0.0).context("no segments")
    }

    /// User and system time of the server's process.
    fn cpu_seconds(&self) -> Result<f64> {
        /// Kernel ticks a second, which Linux has fixed for user space.
        const TICKS: f64 = 100.0;
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid)).context("the server is gone")?;
        let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
        Ok(fields.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / TICKS)
    }
}

/// The captured bodies of Zipkin v2 in JSON, by name.
fn bodies() -> Result<Vec<Vec<u8>>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/envoy");
    let mut names: Vec<_> = std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    names.retain(|path| {
        let name = path.to_string_lossy();
        name.contains("-json-") && !name.contains("v1json") && !name.contains("badpath")
    });
    names.sort();
    ensure!(names.len() > 50, "the captured bodies are gone");
    Ok(names.iter().map(std::fs::read).collect::<std::io::Result<_>>()?)
}

/// So many spans in this layout, from the bodies again and again.
fn batches(bodies: &[Vec<u8>], spans: usize, layout: Layout) -> Result<Vec<Batch>> {
    let lean = matches!(layout, Layout::Lean(_)).then_some(LeanFields { most: MAX_FIELDS, period_hours: 24 });
    let shape = Shape::new(&settings::Document { lean, ..settings::Document::default() });
    let mut maker = Maker { shape, copy: 0, spans, process: Vec::new(), written: Vec::new() };
    while maker.written.len() < spans {
        maker.copy += 1;
        for body in bodies {
            zipkin_json(body, &Scratch::new(), &Limits::default(), &mut maker).or_else(cut_short)?;
        }
    }
    Ok(maker.written.chunks(DOCUMENTS).map(batch).collect())
}

/// One of the captured bodies is broken on purpose; what comes before the fault counts.
#[expect(clippy::unnecessary_wraps, reason = "stands where an error would")]
fn cut_short(_: spaniel::decode::Unreadable) -> Result<()> {
    Ok(())
}

fn batch(written: &[(u64, Vec<u8>)]) -> Batch {
    let mut documents = Vec::new();
    let items = written.iter().map(|(start_time, document)| {
        let start = documents.len() as u32;
        documents.extend_from_slice(document);
        let id = span_id(*start_time, document, 0);
        Item { kind: Kind::Span, hour: hour_of(*start_time), id, start, end: documents.len() as u32 }
    });
    let items = items.collect();
    Batch::of(vec![Arc::new(Run::new(Label(0), items, documents, Budget::new(0).reserve()))])
}

/// Writes spans as the pipeline does, each copy of the bodies with other ids.
struct Maker {
    shape: Shape,
    copy: u64,
    /// How many are wanted.
    spans: usize,
    process: Vec<u8>,
    /// Start and document.
    written: Vec<(u64, Vec<u8>)>,
}

impl Maker {
    /// Another id for this one, the same for the same one.
    fn other(&self, id: u64) -> u64 {
        span_id(0, &id.to_le_bytes(), self.copy).0[8..].iter().fold(0, |id, &byte| id << 8 | u64::from(byte))
    }

    fn renew(&self, span: &mut Span<'_>) {
        let trace_id = span.trace_id;
        let renewed = |id: u64| if id == 0 { 0 } else { self.other(id) };
        for id in std::iter::once(&mut span.trace_id).chain(span.references.iter_mut().map(|each| &mut each.trace_id)) {
            (id.high, id.low) = (renewed(id.high), renewed(id.low));
        }
        span.span_id = self.other(span.span_id);
        span.references.iter_mut().for_each(|reference| reference.span_id = self.other(reference.span_id));
        span.start = FIRST_START + self.written.len() as u64 * STEP;
        span.duration += (self.other(span.span_id) % 1000) as i64;
        for tag in span.tags.iter_mut().filter(|tag| tag.key.raw() == b"guid:x-request-id") {
            let (one, two) = (self.other(trace_id.low ^ 1), self.other(trace_id.low ^ 2));
            let text = format!(
                "{:08x}-{:04x}-4{:03x}-9{:03x}-{:012x}",
                one >> 32,
                one & 0xffff,
                two >> 52,
                two & 0xfff,
                (one ^ two) >> 16
            );
            // A few megabytes, for as long as the bench runs.
            tag.value = Value::Text(Text::Clean(&*Box::leak(text.into_boxed_str())));
        }
    }
}

impl<'a> Sink<'a> for Maker {
    fn process(&mut self, process: &Process<'a>) {
        self.process.clear();
        let (service, _) = repair::service(process.service, Family::Otel);
        self.shape.write_process(&mut self.process, service, &process.tags);
    }

    fn span(&mut self, span: &mut Span<'a>) {
        if self.written.len() == self.spans {
            return;
        }
        repair::otel(span);
        self.renew(span);
        let mut document = Vec::new();
        self.shape.write_span(&mut document, span, &self.process);
        self.written.push((span.start, document));
    }

    fn refuse(&mut self, _: Refusal) {}
}
