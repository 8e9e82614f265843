//! What is asked for at each scrape: memory, the queue, the store, the books, the process.

use std::fmt::Error;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use super::Labels;
use crate::telemetry::books::{Books, Counts, Page};
use crate::telemetry::process::Process;

/// Answers with a number now.
pub type Number = Box<dyn Fn() -> u64 + Send + Sync>;

/// How the store does.
#[derive(Debug, Clone, Default)]
pub struct StoreState {
    pub store: String,
    pub version: Option<String>,
    pub reachable: bool,
}

/// What lies on disk, and how much may; all of it is 0 where the spool is in memory.
#[derive(Debug, Clone, Copy, Default)]
pub struct SpoolState {
    /// Bytes of the files in use, and `--spool.max-bytes`.
    pub disk: Fill,
    /// Bytes held apart for indices that do not take them, and `--spool.held-max-bytes`.
    pub held: Fill,
    /// Bytes of dead letters, and `--dead-letter.max-bytes`.
    pub dead_letters: Fill,
    /// Items that are on disk and not in memory.
    pub backlog: u64,
}

/// How full something is, in bytes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Fill {
    pub used: u64,
    pub limit: u64,
}

/// Where the numbers come from.
pub struct Watched {
    pub host: String,
    pub memory_limit: Number,
    pub memory_used: Number,
    pub memory_overhead: Number,
    /// Items that are safe and not settled yet.
    pub waiting_items: Number,
    pub waiting_bytes: Number,
    /// Items that may wait.
    pub waiting_capacity: Number,
    pub spool: Box<dyn Fn() -> SpoolState + Send + Sync>,
    /// Whether `/ready` is good.
    pub ready: Box<dyn Fn() -> bool + Send + Sync>,
    pub store: Box<dyn Fn() -> StoreState + Send + Sync>,
    pub books: Arc<Books>,
}

impl std::fmt::Debug for Watched {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Watched").field("host", &self.host).finish_non_exhaustive()
    }
}

impl Collector for Watched {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        self.queue(&mut encoder)?;
        self.store(&mut encoder)?;
        spans(&mut encoder, &self.books)?;
        process(&mut encoder, &Process::read())
    }
}

impl Watched {
    fn queue(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let host = || vec![("host", self.host.clone())];
        let (items, bytes) = ((self.waiting_items)(), (self.waiting_bytes)());
        gauge(encoder, "jaeger_collector_queue_length", "documents that wait for the store", [(host(), items)])?;
        let capacity = [(host(), (self.waiting_capacity)())];
        gauge(encoder, "jaeger_collector_queue_capacity", "documents that may wait for the store", capacity)?;
        let dropped = self.books.spans().values().map(|page| page.dropped.values().sum::<u64>()).sum();
        let help = "spans that were acknowledged and are lost";
        counter(encoder, "jaeger_collector_spans_dropped", help, [(host(), dropped)])?;
        one(encoder, "spaniel_waiting_items", "documents that wait for the store", items)?;
        one(encoder, "spaniel_waiting_bytes", "bytes of documents that wait for the store", bytes)?;
        spool(encoder, &(self.spool)())?;
        one(encoder, "spaniel_ready", "1 while /ready is good: spans can be made safe", (self.ready)().into())?;
        one(encoder, "spaniel_memory_limit_bytes", "--memory.limit", (self.memory_limit)())?;
        one(encoder, "spaniel_memory_used_bytes", "bytes charged against --memory.limit", (self.memory_used)())?;
        let overhead = "bytes that the process holds beside them, which take their place under the limit";
        one(encoder, "spaniel_memory_overhead_bytes", overhead, (self.memory_overhead)())
    }

    fn store(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let StoreState { store, version, reachable } = (self.store)();
        one(encoder, "spaniel_store_reachable", "1 if the last answer of the store was good", reachable.into())?;
        let labels = vec![("store", store), ("version", version.unwrap_or_default())];
        gauge(encoder, "spaniel_store_info", "the store and its version", [(labels, 1)])
    }
}

fn spool(encoder: &mut DescriptorEncoder<'_>, state: &SpoolState) -> Result<(), Error> {
    let SpoolState { disk, held, dead_letters, backlog } = state;
    one(encoder, "spaniel_spool_disk_bytes", "bytes of the spool's files in use", disk.used)?;
    one(encoder, "spaniel_spool_disk_limit_bytes", "--spool.max-bytes; 0: nothing is on disk", disk.limit)?;
    one(encoder, "spaniel_spool_held_bytes", "bytes held apart for indices that do not take them", held.used)?;
    one(encoder, "spaniel_spool_held_limit_bytes", "--spool.held-max-bytes; 0: nothing is on disk", held.limit)?;
    one(encoder, "spaniel_spool_backlog_items", "documents that wait on disk and not in memory", *backlog)?;
    let limit = dead_letters.limit;
    one(encoder, "spaniel_dead_letter_bytes", "bytes of the files of dead letters", dead_letters.used)?;
    one(encoder, "spaniel_dead_letter_limit_bytes", "--dead-letter.max-bytes; 0: there are none", limit)
}

/// The books, a series per row: those that only grow, and what is held.
fn spans(encoder: &mut DescriptorEncoder<'_>, books: &Books) -> Result<(), Error> {
    let mut pages: Vec<(&str, Page)> = books.spans().into_iter().collect();
    pages.push(("service-documents", books.services()));
    let rows = pages.iter().flat_map(|(protocol, page)| {
        rows(page).into_iter().map(move |(row, reason, count)| {
            (
                vec![("protocol", (*protocol).to_string()), ("reason", reason.to_string()), ("row", row.to_string())],
                count,
            )
        })
    });
    counter(encoder, "spaniel_spans", "the books: what became of every span", rows)?;
    let held = pages.iter().map(|(protocol, page)| (vec![("protocol", (*protocol).to_string())], page.held));
    gauge(encoder, "spaniel_spans_held", "the books: spans that are safe and not settled yet", held)
}

fn rows(page: &Page) -> Vec<(&'static str, &'static str, u64)> {
    let mut rows = vec![
        ("opening", "", page.opening),
        ("received", "", page.received),
        ("stored", "", page.stored),
        ("already-there", "", page.already_there),
    ];
    let mut add = |row, counts: &Counts| rows.extend(counts.iter().map(|(&reason, &count)| (row, reason, count)));
    add("sampled-out", &page.sampled_out);
    add("refused", &page.refused);
    add("dead-lettered", &page.dead_lettered);
    add("dropped", &page.dropped);
    rows
}

/// The process collector of Prometheus' clients; what cannot be read is left out.
fn process(encoder: &mut DescriptorEncoder<'_>, process: &Process) -> Result<(), Error> {
    if let Some(seconds) = process.cpu_seconds {
        let kind = MetricType::Counter;
        let cpu = encoder.encode_descriptor("process_cpu_seconds", "user and system CPU time", None, kind)?;
        ConstCounter::new(seconds).encode(cpu)?;
    }
    let gauges = [
        ("process_open_fds", "open file descriptors", process.open_fds),
        ("process_max_fds", "most open file descriptors", process.max_fds),
        ("process_resident_memory_bytes", "resident memory", process.resident_bytes),
        ("process_virtual_memory_bytes", "virtual memory", process.virtual_bytes),
        ("process_start_time_seconds", "start of the process, seconds since 1970", process.start_seconds),
        ("process_threads", "threads", process.threads),
    ];
    for (name, help, value) in gauges {
        if let Some(value) = value {
            one(encoder, name, help, value)?;
        }
    }
    Ok(())
}

pub(super) fn one(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: u64) -> Result<(), Error> {
    ConstGauge::new(value).encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)
}

pub(super) fn gauge(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    series: impl IntoIterator<Item = (Labels, u64)>,
) -> Result<(), Error> {
    let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    for (labels, value) in series {
        ConstGauge::new(value).encode(metric.encode_family(&labels)?)?;
    }
    Ok(())
}

pub(super) fn counter(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    series: impl IntoIterator<Item = (Labels, u64)>,
) -> Result<(), Error> {
    let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    for (labels, value) in series {
        ConstCounter::new(value).encode(metric.encode_family(&labels)?)?;
    }
    Ok(())
}
