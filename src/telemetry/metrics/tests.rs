use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::*;
use crate::telemetry::books::{Books, Outcome};

const ZIPKIN: Source = Source { format: "zipkin", transport: "http" };
const JAEGER: Source = Source { format: "jaeger", transport: "http" };

fn identity() -> Identity {
    let text = |text: &str| text.to_string();
    Identity {
        version: text("1.2.3"),
        revision: text("abc"),
        build_date: text("2026-01-01"),
        host: text("node-1"),
        store: text("elasticsearch"),
        downsampling: true,
        span_series: 0,
        span_expiration: None,
    }
}

/// What one metric is in the text format: its type and its samples.
#[derive(Debug, Default)]
struct Parsed {
    kind: String,
    samples: BTreeMap<String, f64>,
}

/// A strict reading of the classic text format, by its specification: every sample belongs to the
/// family whose TYPE stands before it, names and labels are well formed, no sample is there twice,
/// and buckets grow to their count.
fn parse(text: &str) -> BTreeMap<String, Parsed> {
    assert!(text.ends_with('\n'));
    let mut families: BTreeMap<String, Parsed> = BTreeMap::new();
    let mut current = String::new();
    let mut helped = BTreeSet::new();
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            assert!(helped.insert(help.split(' ').next().unwrap().to_string()), "HELP twice: {line}");
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            assert!(helped.contains(name), "no HELP before {line}");
            let family = Parsed { kind: kind.into(), ..Parsed::default() };
            assert!(families.insert(name.into(), family).is_none(), "TYPE twice: {line}");
            current = name.into();
        } else {
            let (series, value) = line.rsplit_once(' ').unwrap();
            let name = series.split('{').next().unwrap();
            check_series(series);
            let family = families.get_mut(&current).expect("a TYPE before the first sample");
            let suffixes: &[&str] = if family.kind == "histogram" { &["_bucket", "_sum", "_count"] } else { &[""] };
            assert!(suffixes.iter().any(|suffix| name == format!("{current}{suffix}")), "{line} under {current}");
            let value = value.parse().unwrap_or_else(|_| panic!("{line}"));
            assert!(family.samples.insert(series.into(), value).is_none(), "twice: {line}");
        }
    }
    families
}

fn check_series(series: &str) {
    let is_name = |name: &str| {
        !name.is_empty()
            && !name.starts_with(|letter: char| letter.is_ascii_digit())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
    assert!(is_name(name), "{series}");
    let mut rest = labels;
    while rest != "}" {
        let (label, after) = rest.split_once("=\"").expect(series);
        assert!(is_name(label), "{series}");
        let mut escaped = false;
        let end = after.find(|letter| {
            let ends = letter == '"' && !escaped;
            escaped = letter == '\\' && !escaped;
            ends
        });
        rest = &after[end.expect(series) + 1..];
        rest = rest.strip_prefix(',').unwrap_or(rest);
    }
}

fn sample(families: &BTreeMap<String, Parsed>, series: &str) -> f64 {
    let all = families.values().flat_map(|family| &family.samples);
    *all.filter(|(name, _)| *name == series).map(|(_, value)| value).next().unwrap_or_else(|| panic!("no {series}"))
}

fn busy() -> Metrics {
    let metrics = Metrics::new(&identity(), &[ZIPKIN, JAEGER]);
    metrics.received(ZIPKIN, "Front End", false, 5, 2);
    metrics.received(ZIPKIN, "front end", false, 1, 0);
    metrics.received(JAEGER, "back\"\\\n", true, 7, 7);
    metrics.saved("front end", false, true, 6, 2);
    metrics.batch_size(6);
    metrics.in_queue(Duration::from_millis(3));
    metrics.bulk(10, 8, 2, Duration::from_millis(700), true);
    metrics.bulk(4, 0, 4, Duration::from_secs(30), false);
    metrics.spans_attempted(12);
    metrics.downsampled(6, 3);
    metrics.http_request("POST", "/api/traces", 202, Duration::from_millis(1));
    metrics.http_request("GET", "/x", 404, Duration::from_millis(1));
    metrics.connection_accepted();
    metrics.connection_refused("limits.connections");
    metrics.request_refused("zipkin-json", 503);
    metrics
}

#[test]
fn series_are_named_and_labelled_as_jaegers() {
    let families = parse(&busy().text());
    for (series, value) in [
        (r#"jaeger_collector_build_info{build_date="2026-01-01",revision="abc",version="1.2.3"}"#, 1.0),
        (
            r#"jaeger_collector_spans_received_total{debug="false",format="zipkin",svc="front_end",transport="http"}"#,
            6.0,
        ),
        (r#"jaeger_collector_spans_received_total{debug="true",format="jaeger",svc="back___",transport="http"}"#, 7.0),
        (
            r#"jaeger_collector_spans_received_total{debug="false",format="jaeger",svc="other-services",transport="http"}"#,
            0.0,
        ),
        (
            r#"jaeger_collector_traces_received_total{debug="false",format="zipkin",sampler_type="unrecognized",svc="front_end",transport="http"}"#,
            2.0,
        ),
        (r#"jaeger_collector_spans_saved_by_svc_total{debug="false",result="ok",svc="front_end"}"#, 6.0),
        (r#"jaeger_collector_batch_size{host="node-1"}"#, 6.0),
        (r#"jaeger_collector_in_queue_latency_bucket{host="node-1",le="0.005"}"#, 1.0),
        (r#"jaeger_collector_save_latency_bucket{host="node-1",le="1"}"#, 1.0),
        (r#"jaeger_collector_save_latency_bucket{host="node-1",le="+Inf"}"#, 2.0),
        (r#"jaeger_collector_http_request_duration_count{method="POST",path="/api/traces",status="202"}"#, 1.0),
        (r#"jaeger_storage_bulk_index_attempts_total{kind="elasticsearch",role="primary"}"#, 14.0),
        (r#"jaeger_storage_bulk_index_inserts_total{kind="elasticsearch",role="primary"}"#, 8.0),
        (r#"jaeger_storage_bulk_index_errors_total{kind="elasticsearch",role="primary"}"#, 6.0),
        (r#"jaeger_storage_bulk_index_latency_err_count{kind="elasticsearch",role="primary"}"#, 1.0),
        ("jaeger_bulk_index_attempts_total", 14.0),
        ("jaeger_bulk_index_latency_ok_count", 1.0),
        (r#"jaeger_storage_spans_attempts_total{kind="elasticsearch",role="primary"}"#, 12.0),
        ("jaeger_downsampling_writer_spans_dropped_total", 3.0),
        ("spaniel_connections_open", 1.0),
        (r#"spaniel_limits_reached_total{limit="limits.connections"}"#, 1.0),
        (r#"spaniel_requests_refused_total{protocol="zipkin-json",status="503"}"#, 1.0),
    ] {
        assert_eq!(sample(&families, series), value, "{series}");
    }
}

#[test]
fn buckets_are_jaegers_and_grow_to_the_count() {
    let families = parse(&busy().text());
    let family = &families["jaeger_storage_bulk_index_latency_ok"];
    let bounds = ["0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf"];
    let bucket = |bound: &str| {
        let series = format!(
            r#"jaeger_storage_bulk_index_latency_ok_bucket{{kind="elasticsearch",role="primary",le="{bound}"}}"#
        );
        family.samples[&series]
    };
    assert_eq!(bounds.map(bucket), [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0]);
    assert_eq!(family.samples.len(), bounds.len() + 2);
}

#[test]
fn what_is_watched_is_asked_for_at_each_scrape() {
    let books = Arc::new(Books::new(&["zipkin-json"]));
    let metrics = Metrics::for_tests();
    let number = |value: u64| -> Number { Box::new(move || value) };
    let store = || StoreState { store: "elasticsearch".into(), version: Some("6.6.1".into()), reachable: true };
    metrics.watch(Watched {
        host: "node-1".into(),
        memory_limit: number(1000),
        memory_used: number(10),
        memory_overhead: number(20),
        waiting_items: number(3),
        waiting_bytes: number(300),
        waiting_capacity: number(900),
        spool: Box::new(|| SpoolState { disk: Fill { used: 4, limit: 9 }, backlog: 3, ..SpoolState::default() }),
        ready: Box::new(|| true),
        store: Box::new(store),
        books: books.clone(),
    });
    let refused = [("span-id", 2)].into();
    books.enter(0, &Outcome { received: 5, refused, held: 3, ..Outcome::default() });
    let families = parse(&metrics.text());
    for (series, value) in [
        (r#"jaeger_collector_queue_length{host="node-1"}"#, 3.0),
        (r#"jaeger_collector_queue_capacity{host="node-1"}"#, 900.0),
        ("spaniel_memory_limit_bytes", 1000.0),
        ("spaniel_memory_used_bytes", 10.0),
        ("spaniel_memory_overhead_bytes", 20.0),
        ("spaniel_waiting_bytes", 300.0),
        ("spaniel_spool_disk_bytes", 4.0),
        ("spaniel_spool_disk_limit_bytes", 9.0),
        ("spaniel_spool_backlog_items", 3.0),
        ("spaniel_dead_letter_limit_bytes", 0.0),
        ("spaniel_ready", 1.0),
        ("spaniel_store_reachable", 1.0),
        (r#"spaniel_store_info{store="elasticsearch",version="6.6.1"}"#, 1.0),
        (r#"spaniel_spans_total{protocol="zipkin-json",reason="",row="received"}"#, 5.0),
        (r#"spaniel_spans_total{protocol="zipkin-json",reason="span-id",row="refused"}"#, 2.0),
        (r#"spaniel_spans_held{protocol="zipkin-json"}"#, 3.0),
    ] {
        assert_eq!(sample(&families, series), value, "{series}");
    }
    assert!(families["process_cpu_seconds_total"].kind == "counter");
    assert!(sample(&families, "process_resident_memory_bytes") > 1e6);
}

#[test]
fn the_limits_of_sampling_are_shown_as_they_stand() {
    let metrics = Metrics::for_tests();
    let budget = Some([1000.0, 800.0, 512.5]);
    let state = LimitsState {
        budget,
        budget_factor: 0.25,
        pressure_factor: 0.5,
        services_over_quota: 3,
        outside: 7,
        untold: 9,
    };
    metrics.watch_limits(move || state.clone());
    metrics.pushed_back(11);
    let families = parse(&metrics.text());
    for (series, value) in [
        (r#"spaniel_sampling_budget_spans_per_second{state="target"}"#, 1000.0),
        (r#"spaniel_sampling_budget_spans_per_second{state="effective"}"#, 800.0),
        (r#"spaniel_sampling_budget_spans_per_second{state="used"}"#, 512.5),
        ("spaniel_sampling_g", 0.25),
        ("spaniel_sampling_pressure", 0.5),
        ("spaniel_sampling_services_over_quota", 3.0),
        ("spaniel_sampling_start_outside_total", 7.0),
        ("spaniel_sampling_rate_table_stale_total", 9.0),
        ("spaniel_store_pushed_back_total", 11.0),
    ] {
        assert_eq!(sample(&families, series), value, "{series}");
    }
}

/// Names with every sign that the format escapes, read strictly.
#[test]
fn series_of_spans_are_well_formed() {
    let metrics = Metrics::new(&Identity { span_series: 100, ..Identity::default() }, &[]);
    let all = metrics.span_series().unwrap();
    for (service, operation) in [("front", "GET /"), ("a\"b\\", "x{le=\"1.0\"}\n,"), ("日本", ""), ("", "é")] {
        let class = SpanClass { kind: SpanKind::Server, status: SpanStatus::Error };
        let sent = Sent { service: all.hash_service(service.as_bytes()), operation: operation.as_bytes(), class };
        let series = all.find(sent, all.hash(sent), || (service.into(), operation.into()));
        let mut gathered = Gathered::default();
        gathered.observe(3000);
        series.add(&gathered);
    }
    let families = parse(&metrics.text());
    assert_eq!(families["traces_span_metrics_calls_total"].samples.len(), 4);
    assert_eq!(families["traces_span_metrics_duration_milliseconds"].samples.len(), 4 * (17 + 2));
    let bucket = r#"traces_span_metrics_duration_milliseconds_bucket{le="4",service_name="front",span_kind="SPAN_KIND_SERVER",span_name="GET /",status_code="STATUS_CODE_ERROR"}"#;
    assert_eq!(sample(&families, bucket), 1.0);
}
