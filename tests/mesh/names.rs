//! Every metric that a rule or a panel names is exposed, and so are Jaeger's.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use crate::made;
use crate::scrape::exposed;
use crate::spaniel::{Start, until};
use crate::stand_in::StandIn;
use crate::story::rules;
use crate::{read, yaml};

/// What others expose: Prometheus itself, and kube-state-metrics.
const OTHERS: [&str; 2] = ["up", "kube_persistentvolumeclaim_info"];

/// The metrics that an expression of PromQL names: words that are no function, no label and no
/// keyword.
pub(crate) fn metrics_of(expression: &str) -> BTreeSet<String> {
    let bare = without_texts(expression);
    let mut found = BTreeSet::new();
    let mut rest = bare.as_str();
    while let Some(start) = rest.find(|letter: char| letter.is_ascii_alphabetic() || letter == '_' || letter == ':') {
        let before = rest[..start].chars().next_back();
        let word_end = rest[start..].find(|letter: char| !(letter.is_ascii_alphanumeric() || "_:".contains(letter)));
        let end = word_end.map_or(rest.len(), |length| start + length);
        let (word, after) = (&rest[start..end], rest[end..].trim_start());
        rest = &rest[end..];
        if ["by", "without", "on", "ignoring", "group_left", "group_right"].contains(&word) {
            // A list of labels.
            rest = after.strip_prefix('(').and_then(|list| Some(list.split_once(')')?.1)).unwrap_or(after);
        } else if !before.is_some_and(|letter| letter.is_ascii_digit())
            && !["(", "by ", "without "].iter().any(|next| after.starts_with(next))
            && !["and", "or", "unless", "bool", "offset"].contains(&word)
        {
            found.insert(word.to_string());
        }
    }
    found
}

/// Without matchers, ranges and strings.
fn without_texts(expression: &str) -> String {
    let (mut bare, mut in_text, mut until) = (String::new(), false, None);
    for letter in expression.chars() {
        match (in_text, until, letter) {
            (_, _, '"') => in_text = !in_text,
            (true, ..) => {}
            (_, Some(end), _) => until = Some(end).filter(|end| letter != *end),
            (_, None, '{') => until = Some('}'),
            (_, None, '[') => until = Some(']'),
            (_, None, _) => bare.push(letter),
        }
    }
    bare
}

#[test]
fn the_names_of_an_expression_are_found() {
    for (expression, names) in [
        ("absent(spaniel_ready)", vec!["spaniel_ready"]),
        (r#"sum by (le, job) (rate(a_bucket{x="b",y=~"c{1,3}"}[5m])) / on (job) (c > 0) > 0.5"#, vec!["a_bucket", "c"]),
        ("up == 0 and on (job, instance) max_over_time(d[6h]) >= 1e3", vec!["d", "up"]),
        (
            r#"label_replace(e, "pod", "$1", "f", "[a-z]+-(.+)") or spaniel:g unless on () h offset 5m"#,
            vec!["e", "h", "spaniel:g"],
        ),
    ] {
        assert_eq!(metrics_of(expression), names.into_iter().map(str::to_string).collect(), "{expression}");
    }
}

/// All names of a Spaniel over Elasticsearch that samples. What has labels that nobody knows before is
/// exposed as soon as it has happened once: a request was refused, a span mended, a datagram refused.
fn all_exposed() -> BTreeSet<String> {
    let store = StandIn::nodes(1);
    store.up(0);
    let flags = ["--downsampling.ratio=0.5", "--span.max-age=1h"];
    let spaniel = Start::elasticsearch(&store.urls(), "").without("--span.max-age").flags(&flags).run();
    assert_eq!(spaniel.post("no spans").status(), 400);
    let old = made::request(1, 1, 0).replacen("\"timestamp\":17", "\"timestamp\":16", 1);
    assert_eq!(spaniel.post(old).status(), 202);
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.send_to(b"no batch", spaniel.address("agent-compact")).unwrap();
    until("all of it is exposed", || {
        let exposed = exposed(&spaniel);
        let late = ["spaniel_datagrams_refused_total", "spaniel_mended_total", "spaniel_requests_refused_total"];
        late.iter().all(|name| exposed.contains(*name)).then_some(exposed)
    })
}

/// The queries of the dashboard, by panel, and of its variables.
pub(crate) fn queries() -> Vec<(String, String)> {
    let dashboard: Json = serde_json::from_str(&read("helm/spaniel/files/dashboard.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let panel = |panel: &Json| {
        let title = panel["title"].as_str().unwrap().to_string();
        let targets = panel["targets"].as_array().cloned().unwrap_or_default();
        targets.into_iter().map(move |target| (title.clone(), target["expr"].as_str().unwrap().to_string()))
    };
    let variables = dashboard["templating"]["list"].as_array().unwrap().iter().filter(|list| list["type"] == "query");
    let variable = |list: &Json| {
        let text = list["query"]["query"].as_str().unwrap();
        let series = text.strip_prefix("label_values(").unwrap().split_once(',').unwrap().0;
        ("a variable".to_string(), series.split('{').next().unwrap().to_string())
    };
    panels.flat_map(panel).chain(variables.map(variable)).collect()
}

#[test]
fn every_metric_of_a_rule_or_a_panel_is_exposed() {
    let exposed = all_exposed();
    let rules = rules();
    let recorded: BTreeSet<_> = rules.iter().filter_map(|rule| rule["record"].as_str()).collect();
    let of_rules = rules.iter().map(|rule| {
        let name = rule["alert"].as_str().or(rule["record"].as_str()).unwrap();
        (name.to_string(), rule["expr"].as_str().unwrap().to_string())
    });
    let mut names = 0;
    for (place, expression) in of_rules.chain(queries()) {
        let used = metrics_of(&expression);
        assert!(!used.is_empty(), "{place}: no metric in {expression}");
        for name in used {
            let is_known =
                exposed.contains(&name) || OTHERS.contains(&name.as_str()) || recorded.contains(name.as_str());
            assert!(is_known, "{place}: {name} is not exposed");
            names += 1;
        }
    }
    assert!(names > 60, "only {names} names were read");
}

#[test]
fn the_dashboard_has_a_row_for_each_thing_that_is_asked() {
    let dashboard: Json = serde_json::from_str(&read("helm/spaniel/files/dashboard.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let of = |kind: &str| panels.iter().filter(|panel| (panel["type"] == "row") == (kind == "row")).collect::<Vec<_>>();
    let rows: Vec<_> = of("row").iter().map(|row| row["title"].as_str().unwrap().split(':').next().unwrap()).collect();
    assert_eq!(rows, ["Received", "Safe", "Stored", "Refused", "Spool", "Elasticsearch", "Memory and processor"]);
    let ids: BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len());
    for panel in of("panel") {
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{panel}");
    }
}

/// What Jaeger 1.76's own dashboard and alerts (jaeger-mixin: `dashboard-for-grafana.json`,
/// `prometheus_alerts.yml`) name of a collector and a query service.
const MIXIN: [&str; 6] = [
    "jaeger_collector_in_queue_latency_bucket",
    "jaeger_collector_queue_length",
    "jaeger_collector_spans_dropped_total",
    "jaeger_collector_spans_received_total",
    "jaeger_query_latency_bucket",
    "jaeger_query_requests_total",
];

/// What they name of clients and agents, which expose it themselves.
const MIXIN_OF_OTHERS: [&str; 9] = [
    "jaeger_agent_http_server_errors_total",
    "jaeger_agent_http_server_total",
    "jaeger_agent_reporter_batches_failures_total",
    "jaeger_agent_reporter_batches_submitted_total",
    "jaeger_client_jaeger_rpc_http_requests",
    "jaeger_reporter_spans",
    "jaeger_sampler_queries",
    "jaeger_throttler_updates",
    "jaeger_tracer_reporter_spans_total",
];

/// What jaeger-collector and jaeger-query 1.76 expose besides, and others' dashboards use.
const JAEGER: [&str; 30] = [
    "jaeger_collector_batch_size",
    "jaeger_collector_build_info",
    "jaeger_collector_http_request_duration_bucket",
    "jaeger_collector_queue_capacity",
    "jaeger_collector_save_latency_bucket",
    "jaeger_collector_spans_bytes",
    "jaeger_collector_spans_rejected_total",
    "jaeger_collector_spans_saved_by_svc_total",
    "jaeger_collector_spans_serviceNames",
    "jaeger_collector_traces_received_total",
    "jaeger_collector_traces_rejected_total",
    "jaeger_collector_traces_saved_by_svc_total",
    "jaeger_storage_bulk_index_attempts_total",
    "jaeger_storage_bulk_index_errors_total",
    "jaeger_storage_bulk_index_inserts_total",
    "jaeger_storage_bulk_index_latency_err_bucket",
    "jaeger_storage_bulk_index_latency_ok_bucket",
    "jaeger_storage_spans_attempts_total",
    "jaeger_storage_requests_total",
    "jaeger_storage_latency_bucket",
    "jaeger_bulk_index_attempts_total",
    "jaeger_bulk_index_errors_total",
    "jaeger_bulk_index_inserts_total",
    "jaeger_downsampling_writer_spans_accepted_total",
    "jaeger_downsampling_writer_spans_dropped_total",
    "process_cpu_seconds_total",
    "process_max_fds",
    "process_open_fds",
    "process_resident_memory_bytes",
    "process_start_time_seconds",
];

/// What they expose and we do not; each stands in docs/compatibility.md.
const NOT_EXPOSED: [&str; 8] = [
    "go_goroutines",
    "jaeger_collector_adaptive_sampling_processor_operations_calculated",
    "jaeger_collector_sampling_operations_total",
    "jaeger_collector_sampling_services_total",
    "jaeger_query_responses_bucket",
    "jaeger_storage_responses_bucket",
    "otelcol_receiver_accepted_spans_total",
    "otelcol_exporter_sent_spans_total",
];

#[test]
fn every_name_of_jaegers_dashboards_is_exposed_or_told_not_to_be() {
    let exposed = all_exposed();
    for name in MIXIN.iter().chain(&JAEGER) {
        assert!(exposed.contains(*name), "{name} is not exposed");
    }
    let page = include_str!("../../docs/compatibility.md");
    for name in NOT_EXPOSED {
        assert!(!exposed.contains(name), "{name} is exposed: say so");
        assert!(page.contains(name), "docs/compatibility.md does not tell of {name}");
    }
    for name in MIXIN_OF_OTHERS {
        assert!(!exposed.contains(name), "{name} is a client's");
    }
}

/// The labels that the mixin's expressions sum and match by.
#[test]
fn jaegers_own_alerts_find_their_labels() {
    let store = StandIn::nodes(1);
    store.up(0);
    let spaniel = Start::elasticsearch(&store.urls(), "").run();
    assert_eq!(spaniel.post(made::request(1, 3, 0)).status(), 202);
    spaniel.settled_books();
    assert_eq!(spaniel.get("query", "/api/services").status(), 500, "the stand-in cannot be searched");
    let scrape = crate::scrape::scrape(&spaniel).unwrap();
    let wanted: BTreeMap<&str, f64> = BTreeMap::from([
        (r#"jaeger_collector_spans_received_total{debug="false",format="zipkin",svc="load",transport="http"}"#, 3.0),
        (r#"jaeger_query_requests_total{operation="get_services",result="err"}"#, 1.0),
        (r#"jaeger_query_requests_total{operation="get_services",result="ok"}"#, 0.0),
        (r#"jaeger_query_latency_count{operation="get_services",result="err"}"#, 1.0),
        (
            r#"jaeger_storage_requests_total{kind="elasticsearch",role="primary",operation="get_services",result="err"}"#,
            1.0,
        ),
        (
            r#"jaeger_collector_traces_rejected_total{debug="false",format="zipkin",sampler_type="unrecognized",svc="other-services",transport="http"}"#,
            0.0,
        ),
    ]);
    for (series, value) in wanted {
        assert_eq!(scrape.get(series), Some(&value), "{series}");
    }
}

/// The rules for an operator that are no metrics: each has what a person needs.
#[test]
fn every_alert_says_how_bad_it_is_and_what_to_do() {
    for rule in rules().iter().filter(|rule| rule["alert"].is_string()) {
        let severity = rule["labels"]["severity"].as_str().unwrap();
        assert!(["critical", "warning", "info"].contains(&severity), "{rule}");
        for name in ["summary", "description"] {
            assert!(rule["annotations"][name].as_str().is_some_and(|text| text.len() > 20), "{rule}");
        }
    }
    assert!(yaml(&read("prometheus/prometheus.yml"))["rule_files"][0] == "alerts.yaml");
}
