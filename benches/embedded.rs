//! What does a span cost in the embedded store: CPU, bytes on disk, memory, and how long is a
//! question?
//!
//! `cargo bench --profile quick --bench embedded [-- spans [spans-a-batch [writers]]]`. Spans are
//! documents that jaeger-collector wrote for Envoy's bodies, each with ids and a time of its own,
//! ten to a trace. The generator's own CPU is measured before and taken off.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark's word is what it prints")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use spaniel::clock::Clock;
use spaniel::document::{hour_of, span_id};
use spaniel::item::{Batch, Item, Kind, Label, Run, Verdict};
use spaniel::memory::Budget;
use spaniel::settings::{Embedded, Indices};
use spaniel::span::TraceId;
use spaniel::store::embedded::EmbeddedStore;
use spaniel::store::{Reader, Search, Writer};

/// 2026-11-21T06:00:00Z
const MORNING: u64 = 1_795_240_800_000_000;
const SPANS_PER_TRACE: u64 = 10;

/// A document, cut where its ids and times stand.
struct Template {
    parts: Vec<String>,
}

fn templates() -> Vec<Template> {
    #[derive(serde::Deserialize)]
    struct Line<'a> {
        input: &'a str,
        kind: &'a str,
        #[serde(borrow)]
        document: &'a serde_json::value::RawValue,
    }
    let lines = include_str!("../tests/data/embedded/golden.ndjson").lines();
    let lines = lines.map(|line| serde_json::from_str::<Line<'_>>(line).unwrap());
    let envoy = lines.filter(|line| line.kind == "span" && line.input.starts_with("envoy"));
    envoy.map(|line| template(line.document.get())).collect()
}

fn template(line: &str) -> Template {
    let value: serde_json::Value = serde_json::from_str(line).unwrap();
    let mut cut = line.to_string();
    for (name, mark) in
        [("traceID", "\u{1}"), ("spanID", "\u{2}"), ("startTime", "\u{3}"), ("startTimeMillis", "\u{4}")]
    {
        let old = value[name].as_str().map_or_else(|| value[name].to_string(), |text| format!("\"{text}\""));
        cut = cut.replacen(&format!("\"{name}\":{old}"), &format!("\"{name}\":{mark}"), 1);
    }
    for tag in value["tags"].as_array().unwrap() {
        if tag["key"] == "guid:x-request-id" {
            cut = cut.replace(tag["value"].as_str().unwrap(), "\u{5}");
        }
    }
    let parts = cut.split_inclusive(|mark| ('\u{1}'..='\u{5}').contains(&mark));
    Template { parts: parts.map(str::to_string).collect() }
}

/// A number that looks random.
fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 31)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (number ^ (number >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}

fn trace_of(number: u64) -> TraceId {
    TraceId { high: mix(number / SPANS_PER_TRACE), low: mix(!(number / SPANS_PER_TRACE)) }
}

fn batch(templates: &[Template], first: u64, count: u64) -> Batch {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(count as usize * 1600);
    let mut items = Vec::with_capacity(count as usize);
    for number in first..first + count {
        let begin = text.len();
        let (trace, start) = (trace_of(number), MORNING + number * 40);
        for part in &templates[number as usize % templates.len()].parts {
            let mark = part.as_bytes()[part.len() - 1];
            let plain = if mark <= 5 { &part[..part.len() - 1] } else { part };
            text.push_str(plain);
            match mark {
                1 => write!(text, "\"{:016x}{:016x}\"", trace.high, trace.low),
                2 => write!(text, "\"{:016x}\"", mix(number)),
                3 => write!(text, "{start}"),
                4 => write!(text, "{}", start / 1000),
                5 => write!(text, "{:016x}-{:016x}", trace.low, trace.high),
                _ => Ok(()),
            }
            .unwrap();
        }
        let id = span_id(start, &text.as_bytes()[begin..], 0);
        let (start_at, end_at) = (begin as u32, text.len() as u32);
        items.push(Item { kind: Kind::Span, hour: hour_of(start), id, start: start_at, end: end_at });
    }
    let reservation = Budget::new(1).reserve();
    Batch::of(vec![Arc::new(Run::new(Label(0), items, text.into_bytes(), reservation))])
}

/// CPU of this process, and its anonymous memory in MiB.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields = stat.rsplit(") ").next().unwrap().split(' ').collect::<Vec<_>>();
    let ticks = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}

fn anonymous() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("RssAnon")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let numbers = std::env::args().skip(1).filter_map(|argument| argument.parse::<u64>().ok()).collect::<Vec<_>>();
    let number = |at: usize, default| numbers.get(at).copied().unwrap_or(default);
    let (spans, size, writers) = (number(0, 200_000), number(1, 1000), number(2, 4));
    let templates = Arc::new(templates());
    let before = cpu();
    let mut source = 0;
    for first in (0..spans).step_by(size as usize) {
        source += batch(&templates, first, size).bytes as u64;
    }
    let generator = cpu() - before;

    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let settings = Embedded { directory: directory.path().into(), max_age: Duration::ZERO, ..Embedded::default() };
    let store = EmbeddedStore::open(&settings, &Indices::default(), Clock::at(MORNING)).unwrap();
    let idle = anonymous();
    let (before, began) = (cpu(), Instant::now());
    let peak = write_all(&store, &templates, spans, size, writers).await;
    let took = began.elapsed();
    let used = (cpu() - before).saturating_sub(generator);
    let figures = store.figures();
    assert_eq!(figures.documents, spans.div_ceil(size) * size);
    let of_span = |total: f64| total / figures.documents as f64;
    println!("{spans} spans of {:.0} bytes, {size} a batch, {writers} writers", of_span(source as f64));
    println!(
        "  {:.1} µs of CPU a span (generator: {:.1})",
        of_span(used.as_secs_f64() * 1e6),
        of_span(generator.as_secs_f64() * 1e6)
    );
    println!("  {:.0} spans/s", figures.documents as f64 / took.as_secs_f64());
    println!("  {:.0} bytes a span on disk", of_span(figures.bytes as f64));
    println!("  {idle:.0} MiB before, {peak:.0} MiB at most, {:.0} MiB after", anonymous());
    ask(&store, spans).await;

    let before = cpu();
    for first in (0..20_000.min(spans)).step_by(1000) {
        let verdicts = store.write(&batch(&templates, first, 1000)).await.verdicts;
        assert!(verdicts.iter().all(|verdict| *verdict == Verdict::AlreadyThere));
    }
    println!(
        "  {:.1} µs a span that is there already",
        (cpu() - before).as_secs_f64() * 1e6 / 20_000.min(spans) as f64
    );
    std::thread::sleep(Duration::from_secs(20));
    println!("  {:.0} MiB after 20 idle seconds", anonymous());
    store.close().await;
}

async fn write_all(
    store: &Arc<EmbeddedStore>,
    templates: &Arc<Vec<Template>>,
    spans: u64,
    size: u64,
    writers: u64,
) -> f64 {
    let next = Arc::new(AtomicU64::new(0));
    let tasks = (0..writers).map(|_| {
        let (store, templates, next) = (store.clone(), templates.clone(), next.clone());
        tokio::spawn(async move {
            let mut peak = 0.0f64;
            loop {
                let first = next.fetch_add(size, Ordering::Relaxed);
                if first >= spans {
                    return peak;
                }
                let verdicts = store.write(&batch(&templates, first, size)).await.verdicts;
                assert!(verdicts.iter().all(|verdict| *verdict == Verdict::Stored));
                peak = peak.max(anonymous());
            }
        })
    });
    let mut peak = 0.0f64;
    for task in tasks.collect::<Vec<_>>() {
        peak = peak.max(task.await.unwrap());
    }
    peak
}

async fn ask(store: &EmbeddedStore, spans: u64) {
    let service = "demo.default".to_string();
    let base = Search { service, start: MORNING, end: MORNING + 86_400_000_000, limit: 20, ..Search::default() };
    let tag = |key: &str, value: &str| Search { tags: vec![(key.into(), value.into())], ..base.clone() };
    let searches = [
        ("a service", base.clone()),
        ("a tag", tag("http.status_code", "503")),
        ("an expression", tag("guid:x-request-id", ".*abc.*")),
    ];
    for (name, search) in searches {
        let began = Instant::now();
        let found = store.find_trace_ids(&search).await.unwrap();
        println!("  {:.1} ms to find {} traces by {name}", began.elapsed().as_secs_f64() * 1e3, found.len());
    }
    let began = Instant::now();
    for number in 0..100 {
        let trace = store.traces(&[trace_of(mix(number) % spans)]).await.unwrap();
        assert_eq!(trace[0].len() as u64, SPANS_PER_TRACE);
    }
    println!("  {:.2} ms to fetch a trace", began.elapsed().as_secs_f64() * 10.0);
}
