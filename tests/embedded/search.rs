//! Searches mean what they mean in Jaeger's Elasticsearch reader.

use serde_json::{Value, json};
use spaniel::span::TraceId;
use spaniel::store::{Reader, Search, Writer};

use crate::support::*;

fn with(mut span: Value, change: impl FnOnce(&mut Value)) -> Value {
    change(&mut span);
    span
}

fn tag(key: &str, value: impl Into<Value>) -> Value {
    json!({"key": key, "type": "string", "value": value.into()})
}

fn tagged(tags: &[(&str, &str)]) -> Search {
    let tags = tags.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
    Search { tags, ..everything("cart.shop") }
}

#[tokio::test]
async fn every_condition_holds_for_one_and_the_same_span() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let operation = |span, name: &str| with(span, |span| span["operationName"] = name.into());
    let values = [
        with(span(1, 1, NOON), |span| span["tags"] = json!([tag("a", "1")])),
        with(span(1, 2, NOON), |span| span["duration"] = 9000.into()),
        with(operation(span(2, 3, NOON + 1), "POST /cart"), |span| {
            span["tags"] = json!([tag("a", "1"), tag("b", "2")])
        }),
        with(span(3, 4, NOON + 2), |span| span["process"] = json!({"serviceName": "other", "tags": [tag("a", "1")]})),
        with(span(4, 5, NOON + 3), |span| span["duration"] = (25 * HOUR).into()),
    ];
    store.write(&spans(&values)).await;
    let base = everything("cart.shop");
    assert_eq!(find(&store, &base).await, [4, 2, 1]);
    assert_eq!(find(&store, &everything("other")).await, [3]);
    assert_eq!(find(&store, &everything("")).await, [4, 3, 2, 1]);
    assert_eq!(find(&store, &everything("car")).await, [0; 0]);
    let named = |name: &str, service: &str| Search { operation: Some(name.into()), ..everything(service) };
    assert_eq!(find(&store, &named("POST /cart", "cart.shop")).await, [2]);
    assert_eq!(find(&store, &named("POST /cart", "other")).await, [0; 0]);
    assert_eq!(find(&store, &named("GET /cart", "")).await, [4, 3, 1]);
    assert_eq!(find(&store, &tagged(&[("a", "1")])).await, [2, 1]);
    assert_eq!(find(&store, &tagged(&[("a", "1"), ("b", "2")])).await, [2]);
    let long = Search { min_duration: Some(9000), ..tagged(&[("a", "1")]) };
    assert_eq!(find(&store, &long).await, [0; 0]);
    assert_eq!(find(&store, &Search { min_duration: Some(9000), ..base.clone() }).await, [4, 1]);
    assert_eq!(find(&store, &Search { max_duration: Some(1500), ..base.clone() }).await, [2, 1]);
    let between = Search { min_duration: Some(1501), max_duration: Some(9000), ..base };
    assert_eq!(find(&store, &between).await, [1]);
}

#[tokio::test]
async fn tags_are_found_wherever_they_stand() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let log = |fields: Value| json!([{"timestamp": NOON, "fields": fields}]);
    let values = [
        with(span(1, 1, NOON), |span| span["tags"] = json!([tag("k.x", "v")])),
        with(span(2, 1, NOON + 1), |span| span["process"]["tags"] = json!([tag("k.x", "v")])),
        with(span(3, 1, NOON + 2), |span| span["logs"] = log(json!([tag("a", "b"), tag("k.x", "v")]))),
        with(span(4, 1, NOON + 3), |span| span["tag"] = json!({"k@x": "v"})),
        with(span(5, 1, NOON + 4), |span| span["process"]["tag"] = json!({"k@x": "v"})),
        // Key and value of two different tags.
        with(span(6, 1, NOON + 5), |span| span["tags"] = json!([tag("k.x", "w"), tag("y", "v")])),
        // Nothing at all, in Jaeger 2's spelling.
        with(span(7, 1, NOON + 6), |span| (span["tags"], span["logs"]) = (Value::Null, log(Value::Null))),
    ];
    store.write(&spans(&values)).await;
    assert_eq!(find(&store, &tagged(&[("k.x", "v")])).await, [5, 4, 3, 2, 1]);
    assert_eq!(find(&store, &tagged(&[("k.x", "[v]")])).await, [5, 4, 3, 2, 1]);
    assert_eq!(find(&store, &tagged(&[("k.x", "v|w")])).await, [6, 5, 4, 3, 2, 1]);
    assert_eq!(find(&store, &everything("cart.shop")).await.len(), 7);
}

#[tokio::test]
async fn values_of_any_type_are_found_by_their_text() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let typed = |kind: &str, value: Value| json!({"key": "k", "type": kind, "value": value});
    let values = [
        typed("bool", true.into()),
        typed("int64", i64::MIN.into()),
        typed("float64", 0.75.into()),
        typed("binary", "00ff10".into()),
        typed("string", "".into()),
        typed("string", "a\"b\\c\n\u{1}é😀".into()),
        typed("string", "x".repeat(256).into()),
        typed("string", "y".repeat(257).into()),
        typed("string", "😀".repeat(129).into()),
    ];
    let values = values.into_iter().enumerate();
    let values =
        values.map(|(number, tag)| with(span(1 + number as u128, 1, NOON), |span| span["tags"] = json!([tag])));
    store.write(&spans(&values.collect::<Vec<_>>())).await;
    let cases = [
        ("true", 1),
        ("-9223372036854775808", 2),
        ("0\\.75", 3),
        ("0.75", 3),
        ("00ff10", 4),
        ("", 5),
        ("a\\\"b\\\\c\n\u{1}é😀", 6),
        ("a.b.c.+", 6),
        (&"x".repeat(256), 7),
    ];
    for (value, trace) in cases {
        assert_eq!(find(&store, &tagged(&[("k", value)])).await, [trace], "{value}");
    }
    // Longer than what the mapping indexes.
    for value in ["y".repeat(257), "y+".into(), "😀+".into()] {
        assert_eq!(find(&store, &tagged(&[("k", &value)])).await, [0; 0], "{value}");
    }
    assert_eq!(find(&store, &tagged(&[("k", "@")])).await.len(), 7);
}

/// The searches and the answers of a real jaeger-query 1.76 over a tag with this value.
#[tokio::test]
async fn nasty_values_are_regular_expressions_of_lucene() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let cluster = "outbound|9080||reviews.default.svc.cluster.local";
    let values = [("cluster", cluster), ("url", "http://reviews:9080/reviews/0?a=b"), ("list", "[\"a\",\"\\u003cb\"]")];
    let values = values.into_iter().enumerate().map(|(number, (key, value))| {
        with(span(1 + number as u128, 1, NOON), |span| span["tags"] = json!([tag(key, value)]))
    });
    store.write(&spans(&values.collect::<Vec<_>>())).await;
    let found = [
        ("cluster", "outbound\\|9080\\|\\|reviews.default.svc.cluster.local", 1),
        ("cluster", "outbound.*", 1),
        ("url", "http://reviews:9080/reviews/0\\?a=b", 2),
        ("url", "http://reviews:<9000-9100>/@", 2),
        ("list", "\\[\"\\\"a\\\",\\\"\"\\\\u003cb\\\"\\]|\\[\\\"a\\\",.*", 3),
    ];
    for (key, value, trace) in found {
        assert_eq!(find(&store, &tagged(&[(key, value)])).await, [trace], "{value}");
    }
    for (key, value) in [("cluster", cluster), ("url", "http://reviews:9080/reviews/0?a=b"), ("cluster", "outbound")] {
        assert_eq!(find(&store, &tagged(&[(key, value)])).await, [0; 0], "{value}");
    }
    // Jaeger finds nothing and says nothing, if it cannot be read.
    for value in ["a(b", "[", "<1-", &format!("{}.", "a".repeat(1001))] {
        assert_eq!(find(&store, &tagged(&[("url", value)])).await, [0; 0], "{value}");
    }
}

#[tokio::test]
async fn times_are_compared_in_whole_milliseconds() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    store.write(&spans(&[span(1, 1, NOON + 1_000), span(2, 1, NOON + 1_999), span(3, 1, NOON + 2_000)])).await;
    let between = |start, end| Search { start: NOON + start, end: NOON + end, ..everything("cart.shop") };
    assert_eq!(find(&store, &between(1_500, 1_500)).await, [2, 1]);
    assert_eq!(find(&store, &between(1_999, 2_000)).await, [3, 2, 1]);
    assert_eq!(find(&store, &between(2_000, u64::MAX - NOON)).await, [3]);
    assert_eq!(find(&store, &between(0, 999)).await, [0; 0]);
    assert_eq!(find(&store, &between(3_000, 1_000)).await, [0; 0]);
}

#[tokio::test]
async fn the_traces_with_the_latest_spans_come_first_over_days_and_commits() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    // Trace n has a span on each of three days; the order on the last day is what counts.
    for day in 0..3u64 {
        for trace in 1..=9u64 {
            let start = NOON - (2 - day) * DAY + (trace * (day * 2 + 5) % 11) * 1000;
            store.write(&spans(&[span(u128::from(trace), day, start)])).await;
        }
    }
    let mut expected = (1..=9u64).collect::<Vec<_>>();
    expected.sort_by_key(|trace| std::cmp::Reverse(trace * 9 % 11));
    for limit in [9, 4, 1, 0] {
        let search = Search { limit, ..everything("cart.shop") };
        assert_eq!(find(&store, &search).await, expected[..limit], "{limit}");
    }
    let first_day = Search { end: NOON - DAY - 12 * HOUR, ..everything("cart.shop") };
    expected.sort_by_key(|trace| std::cmp::Reverse(trace * 5 % 11));
    assert_eq!(find(&store, &first_day).await, expected);
}

/// Every tag of every golden document leads back to its trace.
#[tokio::test]
async fn golden_documents_are_found_by_each_of_their_tags() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let documents = golden_spans();
    write(&store, &documents).await;
    let mut searched = 0;
    for document in documents.iter().step_by(2) {
        let value: Value = serde_json::from_str(&document.line).unwrap();
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let fields = list(&value["logs"]).into_iter().flat_map(|log| list(&log["fields"]));
        let span = document.parsed();
        for tag in list(&value["tags"]).into_iter().chain(list(&value["process"]["tags"])).chain(fields).step_by(4) {
            let (key, value) = (tag["key"].as_str().unwrap(), text(&tag["value"]));
            if key.encode_utf16().count() > 256 || value.encode_utf16().count() > 256 || span.operation.len() > 256 {
                continue;
            }
            let search = Search {
                operation: Some(span.operation.clone()),
                start: span.start,
                end: span.start,
                tags: vec![(key.into(), escaped(&value))],
                ..everything(&span.process.service)
            };
            let found: Vec<TraceId> = store.find_trace_ids(&search).await.unwrap();
            assert!(found.contains(&span.trace_id), "{search:?}");
            searched += 1;
        }
    }
    assert!(searched > 500, "{searched}");
}

/// The text of a number as the document has it, which here is as serde_json prints it.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_string)
}

fn escaped(value: &str) -> String {
    let operators = |character: char| ".?+*|{}[]()\"\\#@&<>~".contains(character);
    value.chars().flat_map(|character| operators(character).then_some('\\').into_iter().chain([character])).collect()
}
