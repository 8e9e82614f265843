use std::collections::BTreeMap;

use prometheus_client::registry::Registry;

use super::*;
use crate::clock::Clock;

const SERVER: SpanClass = SpanClass { kind: SpanKind::Server, status: SpanStatus::Unset };
const FAILED: SpanClass = SpanClass { kind: SpanKind::Client, status: SpanStatus::Error };

fn observe(all: &SpanSeries, service: &str, operation: &str, class: SpanClass, micros: u64) {
    let sent = Sent { service: all.hash_service(service.as_bytes()), operation: operation.as_bytes(), class };
    let series = all.find(sent, all.hash(sent), || (service.into(), operation.into()));
    let mut gathered = Gathered::default();
    gathered.observe(micros);
    series.add(&gathered);
}

fn text(all: Arc<SpanSeries>) -> String {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Encoder { series: all, expiration: None, clock: Clock::System }));
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
    crate::telemetry::metrics::text::classic(&text)
}

/// Calls by service and operation.
fn calls(all: &SpanSeries) -> BTreeMap<(String, String), u64> {
    let mut calls = BTreeMap::new();
    for series in all.all() {
        let [(_, service), _, (_, operation), _] = series.labels();
        *calls.entry((service.to_string(), operation.to_string())).or_default() +=
            series.counts().0.iter().sum::<u64>();
    }
    calls.retain(|_, calls| *calls > 0);
    calls
}

fn of(calls: &BTreeMap<(String, String), u64>, service: &str, operation: &str) -> u64 {
    calls.get(&(service.to_string(), operation.to_string())).copied().unwrap_or(0)
}

#[test]
fn series_are_named_labelled_and_cut_as_the_connectors() {
    let all = Arc::new(SpanSeries::new(100));
    for micros in [0, 2000, 2001, 9_999, 15_000_000, 15_000_001] {
        observe(&all, "front", "GET /\"a\\b\"\n", SERVER, micros);
    }
    observe(&all, "front", "GET /\"a\\b\"\n", FAILED, 1500);
    let text = text(all);
    let labels = r#"service_name="front",span_kind="SPAN_KIND_SERVER",span_name="GET /\"a\\b\"\n",status_code="STATUS_CODE_UNSET""#;
    for line in [
        "# TYPE traces_span_metrics_calls_total counter".to_string(),
        "# TYPE traces_span_metrics_duration_milliseconds histogram".to_string(),
        format!("traces_span_metrics_calls_total{{{labels}}} 6"),
        format!("traces_span_metrics_duration_milliseconds_sum{{{labels}}} 30014.001"),
        format!("traces_span_metrics_duration_milliseconds_count{{{labels}}} 6"),
    ] {
        assert!(text.lines().any(|found| found == line), "no {line}\n{text}");
    }
    // The connector's default bounds: 2ms, 4ms, … 15s. A bound belongs to its bucket.
    let expected = [
        ("2", 2),
        ("4", 3),
        ("6", 3),
        ("8", 3),
        ("10", 4),
        ("50", 4),
        ("100", 4),
        ("200", 4),
        ("400", 4),
        ("800", 4),
        ("1000", 4),
        ("1400", 4),
        ("2000", 4),
        ("5000", 4),
        ("10000", 4),
        ("15000", 5),
        ("+Inf", 6),
    ];
    for (bound, count) in expected {
        let is_bucket = |line: &&str| {
            line.contains("_bucket{") && line.contains("SERVER") && line.contains(&format!("le=\"{bound}\""))
        };
        let line = text.lines().find(is_bucket).unwrap_or_else(|| panic!("no bucket {bound}"));
        assert!(line.ends_with(&format!(" {count}")), "{line}");
    }
    let failed = "traces_span_metrics_calls_total{service_name=\"front\",span_kind=\"SPAN_KIND_CLIENT\"";
    assert!(
        text.lines().any(|line| line.starts_with(failed) && line.ends_with("status_code=\"STATUS_CODE_ERROR\"} 1"))
    );
}

/// What Jaeger 1.76 asks Prometheus for with its defaults, with `normalize_calls` and
/// `normalize_duration`: every metric and every label of it is there.
#[test]
fn what_jaegers_monitor_page_asks_for_is_there() {
    let all = Arc::new(SpanSeries::new(100));
    observe(&all, "driver", "/FindNearest", SpanClass { status: SpanStatus::Error, ..SERVER }, 700);
    let text = text(all);
    let filter = r#"service_name =~ "driver", span_kind =~ "SPAN_KIND_SERVER""#;
    let error = r#"service_name =~ "driver", status_code = "STATUS_CODE_ERROR", span_kind =~ "SPAN_KIND_SERVER""#;
    let by = "service_name,span_name";
    let calls = "traces_span_metrics_calls_total";
    let bucket = "traces_span_metrics_duration_milliseconds_bucket";
    for query in [
        format!("sum(rate({calls}{{{filter}}}[10m])) by ({by})"),
        format!("sum(rate({calls}{{{error}}}[10m])) by ({by}) / sum(rate({calls}{{{filter}}}[10m])) by ({by})"),
        format!("histogram_quantile(0.95, sum(rate({bucket}{{{filter}}}[10m])) by ({by},le))"),
    ] {
        let selected = selectors(&query).into_iter().map(|(name, matchers)| matching(&text, &name, &matchers));
        for lines in selected {
            assert!(!lines.is_empty(), "{query} finds nothing in\n{text}");
            let (_, labels) = query.rsplit_once(" by (").unwrap();
            for label in labels.trim_end_matches(')').split(',') {
                assert!(lines.iter().all(|line| line.contains(&format!("{label}=\""))), "no {label}: {lines:?}");
            }
        }
    }
}

/// The metrics of a query, each with its matchers: `name{a =~ "b", c = "d"}`.
fn selectors(query: &str) -> Vec<(String, Vec<(String, String)>)> {
    let mut all = Vec::new();
    let mut rest = query;
    while let Some((before, after)) = rest.split_once('{') {
        let name = before.rsplit('(').next().unwrap().to_string();
        let (matchers, after) = after.split_once('}').unwrap();
        let matchers = matchers.split(", ").map(|matcher| {
            let (label, value) = matcher.split_once('=').unwrap();
            (label.trim().to_string(), value.trim_start_matches('~').trim().trim_matches('"').to_string())
        });
        all.push((name, matchers.collect()));
        rest = after;
    }
    all
}

fn matching<'t>(text: &'t str, name: &str, matchers: &[(String, String)]) -> Vec<&'t str> {
    let has = |line: &&str| {
        let all = matchers.iter().all(|(label, value)| line.contains(&format!("{label}=\"{value}\"")));
        all && line.split('{').next() == Some(name)
    };
    text.lines().filter(has).collect()
}

#[test]
fn operations_without_end_take_no_more_than_their_services_part() {
    let all = SpanSeries::new(1000);
    for turn in 0..5000 {
        observe(&all, "loud", &format!("GET /{turn}"), SERVER, 1);
        observe(&all, "quiet", "GET /", SERVER, 1);
    }
    observe(&all, "quiet", &"x".repeat(257), SERVER, 1);
    let calls = calls(&all);
    assert_eq!((of(&calls, "loud", "GET /49"), of(&calls, "loud", "GET /50")), (1, 0));
    assert_eq!((of(&calls, "loud", "other-operations"), of(&calls, "quiet", "GET /")), (4950, 5000));
    assert_eq!(of(&calls, "quiet", "other-operations"), 1);
    // An operation that is known gets its further statuses though no other has room.
    observe(&all, "loud", "GET /7", FAILED, 1);
    assert_eq!(of(&self::calls(&all), "loud", "GET /7"), 2);
}

#[test]
fn services_without_end_are_counted_together_and_no_span_is_forgotten() {
    let all = SpanSeries::new(100);
    for turn in 0..3000 {
        observe(&all, &format!("service-{turn}"), "GET /", SERVER, 1);
    }
    for _ in 0..2 {
        for turn in 0..3000 {
            observe(&all, "service-1", &format!("GET /{turn}"), FAILED, 1);
        }
    }
    observe(&all, &"x".repeat(257), "GET /", SERVER, 1);
    let calls = calls(&all);
    assert_eq!((of(&calls, "service-74", "GET /"), of(&calls, "service-75", "GET /")), (1, 0));
    assert_eq!(of(&calls, "other-services", "other-operations"), 3000 - 75 + 1);
    assert_eq!(of(&calls, "service-1", "other-operations"), 6000);
    assert_eq!(calls.values().sum::<u64>(), 9001);
    assert!(all.all().len() <= 100 + SpanClass::COUNT);
    assert!(all.shards.iter().map(|shard| shard.read().unwrap().len()).sum::<usize>() <= 4 * 100 + 4 * SHARDS);
    assert!(all.admitted.read().unwrap().len() <= 8 * 100 + 1);
}

#[test]
fn a_full_table_still_counts_every_span() {
    let all = SpanSeries::new(16);
    let classes: Vec<_> = SpanClass::all().collect();
    for turn in 0..2000 {
        observe(&all, ["a", "b", "c"][turn % 3], ["x", "y"][turn % 2], classes[turn % classes.len()], 1);
    }
    assert_eq!(calls(&all).values().sum::<u64>(), 2000);
    assert!(all.all().len() <= 16 + SpanClass::COUNT);
}

#[test]
fn counts_from_many_threads_add_up() {
    let all = SpanSeries::new(100);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..1000).for_each(|turn| observe(&all, ["a", "b"][turn % 2], "x", SERVER, 1000)));
        }
    });
    let calls = calls(&all);
    assert_eq!((of(&calls, "a", "x"), of(&calls, "b", "x")), (2000, 2000));
    let sum: f64 = all.all().iter().map(|series| series.counts().1).sum();
    assert_eq!(sum, 4000.0);
}

/// What nothing has touched for a day goes at the next scrape, and its place is free; nothing is lost of
/// what a request holds at that time.
#[test]
fn series_that_no_span_touches_are_forgotten() {
    const HOUR: u64 = 3_600_000_000;
    let (all, clock) = (Arc::new(SpanSeries::new(16)), Clock::at(1000 * HOUR));
    let expiration = Some(std::time::Duration::from_secs(24 * 3600));
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Encoder { series: all.clone(), expiration, clock: clock.clone() }));
    let scrape = |hour: u64| {
        clock.turn_to((1000 + hour) * HOUR);
        prometheus_client::encoding::text::encode(&mut String::new(), &registry).unwrap();
    };
    let counted = || calls(&all).into_keys().map(|(service, _)| service).collect::<Vec<_>>();
    (0..20).for_each(|turn| observe(&all, &format!("{turn:02}"), "x", SERVER, 1));
    scrape(0);
    let full = counted();
    assert_eq!((full.len(), full.last().unwrap().as_str()), (13, "other-services"));
    // One goes on, one is held by a request, the others went away.
    scrape(20);
    observe(&all, "00", "x", SERVER, 1);
    scrape(24);
    assert_eq!(counted(), full);
    let held = Sent { service: all.hash_service(b"01"), operation: b"x", class: SERVER };
    let held = all.find(held, all.hash(held), || unreachable!());
    scrape(25);
    assert_eq!(counted(), ["00", "01", "other-services"]);
    let mut gathered = Gathered::default();
    gathered.observe(1);
    held.add(&gathered);
    drop(held);
    observe(&all, "01", "x", SERVER, 1);
    observe(&all, "new", "x", SERVER, 1);
    observe(&all, "02", "x", FAILED, 1);
    scrape(26);
    assert_eq!(counted(), ["00", "01", "02", "new", "other-services"]);
    assert_eq!((of(&calls(&all), "01", "x"), of(&calls(&all), "other-services", "other-operations")), (3, 8));
    let mut numbers: Vec<_> = all.all().iter().map(|series| series.number()).collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), all.all().len());
}

/// Prometheus refuses a page on which a series is there twice.
#[test]
fn nobody_can_take_the_names_of_the_others() {
    let all = Arc::new(SpanSeries::new(16));
    for service in ["a", "other-services"] {
        for operation in ["x", "other-operations", "y", "z", "w", "v"] {
            observe(&all, service, operation, SERVER, 1);
        }
    }
    observe(&all, &"x".repeat(257), "x", SERVER, 1);
    observe(&all, "b", "x", SERVER, 1);
    assert_eq!(of(&calls(&all), "b", "x"), 1);
    let text = text(all);
    let series = text.lines().map(|line| line.rsplit_once(' ').unwrap().0);
    let mut seen = std::collections::BTreeSet::new();
    assert!(series.filter(|line| !line.starts_with('#')).all(|line| seen.insert(line.to_string())), "{text}");
}
