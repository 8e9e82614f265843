//! Counts by service: a label that senders choose, so it is written as Jaeger writes it and
//! bounded as Jaeger bounds it.
//!
//! A service is looked up by its name as it came, under a lock that many readers share; only a
//! name seen for the first time costs more. After 4000 services of one kind the rest are counted
//! as `other-services`.

use std::fmt::Debug;
use std::sync::{PoisonError, RwLock};

use foldhash::{HashMap, HashMapExt};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use super::Labels;
use super::register::family;

/// Services of one kind that get a series of their own, as in Jaeger.
const MOST_SERVICES: usize = 4000;

/// Spellings of their names that are remembered; the rest are looked up the long way.
const MOST_SPELLINGS: usize = 2 * MOST_SERVICES;

/// Bytes of a name; longer ones are counted with the others (Jaeger has no such limit).
const LONGEST_NAME: usize = 256;

const OTHERS: &str = "other-services";

/// Where spans came from, in Jaeger's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    /// `jaeger`, `zipkin`, `proto`, `otlp`.
    pub format: &'static str,
    /// `http`, `grpc`, `udp`.
    pub transport: &'static str,
}

/// The labels beside the service.
pub(super) trait ServiceKind: Copy + Eq + Debug {
    /// All labels in alphabetical order; `sampler` is one of them for traces.
    fn labels(self, service: &str, sampler: Option<&str>) -> Labels;
}

/// Of `jaeger_collector_{spans,traces}_received_total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Received {
    pub(super) source: Source,
    pub(super) debug: bool,
}

impl ServiceKind for Received {
    fn labels(self, service: &str, sampler: Option<&str>) -> Labels {
        let Received { source: Source { format, transport }, debug } = self;
        let mut labels = vec![("debug", debug.to_string()), ("format", format.to_string())];
        labels.extend(sampler.map(|sampler| ("sampler_type", sampler.to_string())));
        labels.extend([("svc", service.to_string()), ("transport", transport.to_string())]);
        labels
    }
}

/// Of `jaeger_collector_{spans,traces}_saved_by_svc_total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Saved {
    pub(super) good: bool,
    pub(super) debug: bool,
}

impl ServiceKind for Saved {
    fn labels(self, service: &str, sampler: Option<&str>) -> Labels {
        let result = if self.good { "ok" } else { "err" };
        let mut labels = vec![("debug", self.debug.to_string()), ("result", result.to_string())];
        labels.extend(sampler.map(|sampler| ("sampler_type", sampler.to_string())));
        labels.push(("svc", service.to_string()));
        labels
    }
}

/// The two counters of one service.
#[derive(Debug, Clone)]
struct Handles {
    spans: Counter,
    traces: Counter,
}

impl Handles {
    fn count(&self, spans: u64, roots: u64) {
        self.spans.inc_by(spans);
        self.traces.inc_by(roots);
    }
}

/// The services of one kind.
#[derive(Debug)]
struct Table {
    /// By the name as it came.
    spellings: HashMap<Box<str>, Handles>,
    /// By the name as it is written.
    services: HashMap<String, Handles>,
    others: Handles,
}

/// Spans and traces by kind and service.
#[derive(Debug)]
pub(super) struct ServiceCounts<K> {
    spans: Family<Labels, Counter>,
    traces: Family<Labels, Counter>,
    /// A handful of kinds.
    tables: RwLock<Vec<(K, Table)>>,
}

impl<K: ServiceKind> ServiceCounts<K> {
    /// `jaeger_collector_spans_{what}_total` and the same of traces.
    pub(super) fn register(registry: &mut Registry, what: &str) -> Self {
        let mut one = |of| family(registry, &format!("jaeger_collector_{of}_{what}"), &format!("{of} by service"));
        ServiceCounts { spans: one("spans"), traces: one("traces"), tables: RwLock::default() }
    }

    /// Shows a kind with its `other-services` before anything has come.
    pub(super) fn prepare(&self, kind: K) {
        self.with_table(kind, |_| ());
    }

    /// Counts spans of one service.
    pub(super) fn count(&self, kind: K, service: &str, spans: u64, roots: u64) {
        if !self.count_known(kind, service, spans, roots) {
            self.learn(kind, service).count(spans, roots);
        }
    }

    fn count_known(&self, kind: K, service: &str, spans: u64, roots: u64) -> bool {
        let tables = self.tables.read().unwrap_or_else(PoisonError::into_inner);
        let table = tables.iter().find(|(of, _)| *of == kind).map(|(_, table)| table);
        let Some(handles) = table.and_then(|table| table.spellings.get(service)) else { return false };
        handles.count(spans, roots);
        true
    }

    /// The handles of a service that is not known by this spelling.
    fn learn(&self, kind: K, service: &str) -> Handles {
        let name = normalised(service);
        self.with_table(kind, |table| {
            let room = table.services.len() < MOST_SERVICES && name.len() <= LONGEST_NAME;
            let handles = match table.services.get(&name) {
                Some(handles) => handles.clone(),
                None if room => self.add(kind, table, name),
                None => table.others.clone(),
            };
            if table.spellings.len() < MOST_SPELLINGS && service.len() <= LONGEST_NAME {
                table.spellings.insert(service.into(), handles.clone());
            }
            handles
        })
    }

    fn add(&self, kind: K, table: &mut Table, name: String) -> Handles {
        let handles = self.handles(kind, &name);
        table.services.insert(name, handles.clone());
        handles
    }

    fn with_table<T>(&self, kind: K, work: impl FnOnce(&mut Table) -> T) -> T {
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, table)) = tables.iter_mut().find(|(of, _)| *of == kind) {
            return work(table);
        }
        let others = self.handles(kind, OTHERS);
        let mut table = Table { spellings: HashMap::new(), services: HashMap::new(), others };
        let result = work(&mut table);
        tables.push((kind, table));
        result
    }

    fn handles(&self, kind: K, service: &str) -> Handles {
        let spans = self.spans.get_or_create_owned(&kind.labels(service, None));
        // The type of the sampler is a tag of the root span; nobody has used it in a dashboard.
        let traces = self.traces.get_or_create_owned(&kind.labels(service, Some("unrecognized")));
        Handles { spans, traces }
    }
}

/// A service's name as Jaeger writes it in a label.
fn normalised(service: &str) -> String {
    if service.is_empty() {
        return "__unknown".into();
    }
    let letter = |letter: char| match letter {
        'A'..='Z' => letter.to_ascii_lowercase(),
        'a'..='z' | '0'..='9' | '.' | '-' => letter,
        '\0'..='\u{ff}' => '_',
        _ => letter,
    };
    service.chars().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: Saved = Saved { good: true, debug: false };

    #[test]
    fn names_are_written_as_jaeger_writes_them() {
        for (name, written) in [
            ("Frontend.Default", "frontend.default"),
            ("my service/1_a", "my_service_1_a"),
            ("café", "caf_"),
            ("日本", "日本"),
            ("", "__unknown"),
        ] {
            assert_eq!(normalised(name), written);
        }
    }

    #[test]
    fn services_beyond_the_limit_are_counted_together() {
        let mut registry = Registry::default();
        let counts = ServiceCounts::<Saved>::register(&mut registry, "saved_by_svc");
        for service in 0..MOST_SERVICES + 3 {
            counts.count(KIND, &format!("Service-{service}"), 2, 1);
            counts.count(KIND, &format!("service-{service}"), 1, 0);
        }
        counts.count(KIND, &"x".repeat(LONGEST_NAME + 1), 5, 0);
        let of = |name| counts.spans.get_or_create_owned(&KIND.labels(name, None)).get();
        assert_eq!((of("service-0"), of("service-3999")), (3, 3));
        assert_eq!(of(OTHERS), 3 * 3 + 5);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        assert_eq!(text.matches("spans_saved_by_svc_total{").count(), MOST_SERVICES + 1);
    }

    #[test]
    fn counts_from_many_threads_add_up() {
        let counts = ServiceCounts::<Saved>::register(&mut Registry::default(), "saved_by_svc");
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..1000).for_each(|turn| counts.count(KIND, ["a", "b"][turn % 2], 1, 0)));
            }
        });
        let of = |name| counts.spans.get_or_create_owned(&KIND.labels(name, None)).get();
        assert_eq!((of("a"), of("b")), (2000, 2000));
    }
}
