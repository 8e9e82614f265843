//! Metrics, by Jaeger's names and labels and by our own.
//!
//! Whoever takes jaeger-collector's place has its dashboards and alerts pointed at him: names,
//! labels and buckets are those of jaeger-collector 1.76, and Zipkin's spans are counted too,
//! which 1.76 forgot. What Jaeger has no name for is called `spaniel_…`.
//!
//! What happens is counted in handles that were resolved once; labels that senders choose (service
//! names, paths) are looked up once per request and service, and each set of them is bounded. What
//! *is* (memory, waiting bytes, the books) is asked for when Prometheus comes. The answer is the
//! classic text format, which is what Jaeger gives and every scraper reads.

mod arrivals;
mod asked;
mod bulk;
mod connections;
mod datagrams;
mod forwarded;
mod http;
mod limits;
mod queue;
mod register;
mod sampled;
mod service;
mod spans;
mod spooled;
mod strategies;
mod text;
mod tls;
mod watched;

pub use arrivals::Stray;
pub use asked::Operation;
pub use datagrams::{Datagrams, Refusal, SocketState};
pub use limits::LimitsState;
pub use service::Source;
pub use spans::{Gathered, Names, Sent, Series, SpanClass, SpanKind, SpanSeries, SpanStatus};
pub use strategies::{StrategyForm, StrategyRefusal};
pub use watched::{Fill, Number, SpoolState, StoreState, Watched};

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::clock::Clock;
use arrivals::Arrivals;
use asked::Asked;
use bulk::Bulk;
use connections::Connections;
use datagrams::{DatagramCounts, Sockets};
use forwarded::Forwarded;
use http::HttpDurations;
use limits::LimitsWatch;
use queue::Queue;
use register::{counter, family};
use sampled::Sampled;
use service::{Received, Saved, ServiceCounts};
use spooled::Spooled;
use strategies::StrategyCounts;
use tls::TlsCounts;

/// Labels of one series, in the order in which they are written.
type Labels = Vec<(&'static str, String)>;

/// The content type of [`Metrics::text`].
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What does not change while the process lives.
#[derive(Debug, Clone, Default)]
pub struct Identity {
    pub version: String,
    pub revision: String,
    pub build_date: String,
    /// The name of this host, Jaeger's label `host`.
    pub host: String,
    /// Jaeger's label `kind` of storage metrics: `elasticsearch`, `opensearch`; ours: `embedded`.
    pub store: String,
    /// True if `--downsampling.ratio` is not 1: only then Jaeger has the metrics of it.
    pub downsampling: bool,
    /// `--metrics.spans.max-series`; 0: spans are not counted by service and operation.
    pub span_series: usize,
    /// `--metrics.spans.expiration`; `None`: a series stays.
    pub span_expiration: Option<Duration>,
}

/// All metrics of this process.
#[derive(Debug)]
pub struct Metrics {
    registry: Mutex<Registry>,
    received: ServiceCounts<Received>,
    saved: ServiceCounts<Saved>,
    asked: Asked,
    queue: Queue,
    bulk: Bulk,
    spans_attempts: Counter,
    sampled: Sampled,
    http: HttpDurations,
    connections: Connections,
    datagrams: DatagramCounts,
    tls: TlsCounts,
    strategies: StrategyCounts,
    requests_refused: Family<Labels, Counter>,
    limits_reached: Family<Labels, Counter>,
    mended: Family<Labels, Counter>,
    spool: Spooled,
    arrivals: Arrivals,
    forwarded: Forwarded,
    books_violations: Counter,
    possibly_doubled: Counter,
    span_series: Option<Arc<SpanSeries>>,
}

impl Metrics {
    /// Metrics of which everything is 0; the series of `sources` are there from the start.
    pub fn new(identity: &Identity, sources: &[Source]) -> Self {
        let mut all = Registry::default();
        let store = [("kind".into(), identity.store.clone().into()), ("role".into(), "primary".into())];
        build_info(&mut all, identity);
        let metrics = Metrics {
            received: ServiceCounts::register(&mut all, "received"),
            saved: ServiceCounts::register(&mut all, "saved_by_svc"),
            asked: Asked::register(&mut all, &store),
            queue: Queue::register(&mut all, &identity.host),
            bulk: Bulk::register(&mut all, &store),
            spans_attempts: counter(
                all.sub_registry_with_labels(store.into_iter()),
                "jaeger_storage_spans_attempts",
                "spans handed to the store's writer",
            ),
            sampled: Sampled::register(&mut all, identity.downsampling),
            http: HttpDurations::register(&mut all),
            connections: Connections::register(&mut all),
            datagrams: DatagramCounts::register(&mut all),
            tls: TlsCounts::register(&mut all),
            strategies: StrategyCounts::register(&mut all),
            requests_refused: family(
                &mut all,
                "spaniel_requests_refused",
                "requests answered with an error, by protocol and status",
            ),
            limits_reached: family(&mut all, "spaniel_limits_reached", "how often a limit was reached, by its name"),
            mended: family(&mut all, "spaniel_mended", "what was mended in spans, by kind"),
            spool: Spooled::register(&mut all),
            arrivals: Arrivals::register(&mut all),
            forwarded: Forwarded::register(&mut all),
            books_violations: counter(
                &mut all,
                "spaniel_books_violations",
                "how often the books did not balance: never, unless spans were lost count of",
            ),
            possibly_doubled: counter(
                &mut all,
                "spaniel_possibly_doubled",
                "documents sent to another index than an earlier try whose end is not known",
            ),
            span_series: span_series(&mut all, identity),
            registry: Mutex::new(all),
        };
        let rejected = ServiceCounts::register(&mut metrics.registry(), "rejected");
        for &source in sources {
            rejected.prepare(Received { source, debug: false });
            metrics.received.prepare(Received { source, debug: false });
            metrics.received.prepare(Received { source, debug: true });
        }
        for (good, debug) in [(true, false), (true, true), (false, false), (false, true)] {
            metrics.saved.prepare(Saved { good, debug });
        }
        metrics.prepare();
        metrics
    }

    /// Metrics of a process that nobody asks.
    #[cfg(test)]
    pub(crate) fn for_tests() -> Self {
        Metrics::new(&Identity::default(), &[])
    }

    /// Shows what alerts look at before it has happened: a rate needs a 0 to begin from.
    fn prepare(&self) {
        for limit in ["dead-letter.max-bytes", "memory.limit", "spool.held-max-bytes", "spool.max-bytes"] {
            self.limits_reached.get_or_create_owned(&vec![("limit", limit.to_string())]);
        }
        self.spool("damage", 0);
        self.spool("write-failed", 0);
    }

    fn registry(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Spans of one service that one request brought; `roots` of them have no parent.
    pub fn received(&self, source: impl Into<Source>, service: &str, debug: bool, spans: u64, roots: u64) {
        self.received.count(Received { source: source.into(), debug }, service, spans, roots);
    }

    /// Spans of one service that were made safe, or could not be.
    pub fn saved(&self, service: &str, debug: bool, good: bool, spans: u64, roots: u64) {
        self.saved.count(Saved { good, debug }, service, spans, roots);
    }

    /// Requests, errors and durations of spans, if they are wanted.
    pub fn span_series(&self) -> Option<&SpanSeries> {
        self.span_series.as_deref()
    }

    /// The query side asked its store.
    pub fn asked(&self, operation: Operation, good: bool, latency: Duration) {
        self.asked.count(operation, good, latency);
    }

    /// Spans were handed to the store's writer.
    pub fn spans_attempted(&self, spans: u64) {
        self.spans_attempts.inc_by(spans);
    }

    /// A request on 14268 was answered.
    pub fn http_request(&self, method: &str, path: &str, status: u16, latency: Duration) {
        self.http.observe(method, path, status, latency);
    }

    /// A request was answered with an error.
    pub fn request_refused(&self, protocol: &'static str, status: u16) {
        let labels = vec![("protocol", protocol.to_string()), ("status", status.to_string())];
        self.requests_refused.get_or_create(&labels).inc();
    }

    /// A limit was reached: the name of its setting without the dashes.
    pub fn limit_reached(&self, limit: &'static str) {
        self.limit_passed(limit, 1);
    }

    /// The same for so many spans of a request.
    pub fn limit_passed(&self, limit: &'static str, spans: u64) {
        self.limits_reached.get_or_create(&vec![("limit", limit.to_string())]).inc_by(spans);
    }

    /// Something was mended in so many spans or processes.
    pub fn mended(&self, mend: &'static str, count: u64) {
        self.mended.get_or_create(&vec![("mend", mend.to_string())]).inc_by(count);
    }

    /// The books did not balance.
    pub fn books_violated(&self) {
        self.books_violations.inc();
    }

    /// So many documents may be in the store twice.
    pub fn possibly_doubled(&self, documents: u64) {
        self.possibly_doubled.inc_by(documents);
    }

    /// Adds what is asked for at each scrape.
    pub fn watch(&self, watched: Watched) {
        self.registry().register_collector(Box::new(watched));
    }

    /// Asks how the limits of sampling stand at each scrape.
    pub fn watch_limits(&self, state: impl Fn() -> LimitsState + Send + Sync + 'static) {
        let limits = LimitsWatch(Box::new(state));
        self.registry.lock().unwrap_or_else(PoisonError::into_inner).register_collector(Box::new(limits));
    }

    /// A handshake on a listener gave no connection.
    pub fn handshake_failed(&self, listener: &'static str, reason: &'static str) {
        self.tls.failed(listener, reason);
    }

    /// The certificates of a listener had changed, and could be used or not.
    pub fn tls_reloaded(&self, listener: &'static str, good: bool) {
        self.tls.reloaded(listener, good);
    }

    /// A client was told its strategy over HTTP.
    pub fn strategy_told(&self, form: StrategyForm) {
        self.strategies.told(form);
    }

    /// A client that asked for its strategy over HTTP was refused, or could not be answered.
    pub fn strategy_refused(&self, refusal: StrategyRefusal) {
        self.strategies.refused(refusal);
    }

    /// The source of the strategies was looked at; `good` if what is in force is what it gives.
    pub fn strategies_looked_at(&self, result: &'static str, good: bool) {
        self.strategies.looked_at(result, good);
    }

    /// The counters of a protocol whose messages are datagrams.
    pub fn datagrams(&self, protocol: &'static str) -> Datagrams {
        self.datagrams.of(protocol)
    }

    /// Asks for the state of sockets at each scrape.
    pub fn watch_sockets(&self, states: impl Fn() -> Vec<SocketState> + Send + Sync + 'static) {
        let sockets = Sockets(Box::new(states));
        self.registry().register_collector(Box::new(sockets));
    }

    /// All of it in Prometheus' classic text format.
    pub fn text(&self) -> String {
        let mut open_metrics = String::new();
        let registry = self.registry();
        match prometheus_client::encoding::text::encode(&mut open_metrics, &registry) {
            Ok(()) => text::classic(&open_metrics),
            Err(_) => String::new(),
        }
    }
}

fn build_info(all: &mut Registry, identity: &Identity) {
    let info = Family::<Labels, Gauge>::default();
    let labels =
        [("build_date", &identity.build_date), ("revision", &identity.revision), ("version", &identity.version)];
    info.get_or_create(&labels.map(|(name, value)| (name, value.clone())).to_vec()).set(1);
    all.register("jaeger_collector_build_info", "what was built", info);
}

fn span_series(all: &mut Registry, identity: &Identity) -> Option<Arc<SpanSeries>> {
    let (most, expiration) = (identity.span_series, identity.span_expiration);
    let series = (most > 0).then(|| Arc::new(SpanSeries::new(most)))?;
    all.register_collector(Box::new(spans::Encoder { series: series.clone(), expiration, clock: Clock::System }));
    Some(series)
}

#[cfg(test)]
mod tests;
