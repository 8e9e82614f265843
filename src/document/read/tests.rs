//! Documents of Jaeger's writers, read.

use serde_json::{Value as Json, json};

use super::*;
use crate::document::tests::golden;
use crate::document::{StoredTag, StoredValue};

fn parse(document: &Json) -> StoredSpan {
    StoredSpan::parse(document.to_string().as_bytes()).unwrap()
}

/// A document with these members beside the least that a span has.
fn with(members: &Json) -> StoredSpan {
    let mut document = json!({"traceID": "1f", "spanID": "2", "startTime": 1});
    let members = members.as_object().unwrap().clone();
    document.as_object_mut().unwrap().extend(members);
    parse(&document)
}

fn tag(key: &str, value: StoredValue) -> StoredTag {
    StoredTag { key: key.into(), value }
}

fn string(text: &str) -> StoredValue {
    StoredValue::String(text.into())
}

fn is_same(stored: &StoredTag, json: &Json) -> bool {
    let value = match &stored.value {
        StoredValue::String(text) => json!(text),
        StoredValue::Bool(value) => json!(value),
        StoredValue::Int64(number) => json!(number),
        StoredValue::Float64(number) => {
            return json["type"] == "float64" && json["value"].as_f64() == Some(*number);
        }
        StoredValue::Binary(bytes) => {
            json!(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
        }
    };
    stored.key == json["key"] && value == json["value"]
}

fn assert_same(stored: &[StoredTag], json: &Json) {
    let json = json.as_array().map_or(&[][..], Vec::as_slice);
    assert_eq!(stored.len(), json.len());
    for (stored, json) in stored.iter().zip(json) {
        // What 1.76 wrote for types that Jaeger's model does not have comes back as text.
        let no_type = json["type"] == "9" || json["type"] == "-1";
        assert!(is_same(stored, json) || no_type, "{stored:?} {json}");
    }
}

#[test]
fn what_jaeger_wrote_is_read() {
    let mut count = 0;
    for golden in golden() {
        let json: Json = serde_json::from_str(golden.source.get()).unwrap();
        let span = StoredSpan::parse(golden.source.get().as_bytes()).unwrap();
        let digits = |id: TraceId| match id.high {
            0 => format!("{:016x}", id.low),
            high => format!("{high:016x}{:016x}", id.low),
        };
        assert_eq!(json["traceID"], digits(span.trace_id));
        assert_eq!(json["spanID"], format!("{:016x}", span.span_id));
        assert_eq!(json.get("flags").and_then(Json::as_u64).unwrap_or(0), u64::from(span.flags));
        assert_eq!(json["operationName"], *span.operation);
        assert_eq!((json["startTime"].as_u64(), json["duration"].as_u64()), (Some(span.start), Some(span.duration)));
        assert_eq!(json["process"]["serviceName"], *span.process.service);
        assert_same(&span.tags, &json["tags"]);
        assert_same(&span.process.tags, &json["process"]["tags"]);
        let references = span.references.iter().map(|reference| {
            let kind = if reference.kind == ReferenceKind::ChildOf { "CHILD_OF" } else { "FOLLOWS_FROM" };
            let span_id = format!("{:016x}", reference.span_id);
            json!({"refType": kind, "traceID": digits(reference.trace_id), "spanID": span_id})
        });
        assert_eq!(json["references"], Json::Array(references.collect()));
        assert_eq!(json["logs"].as_array().unwrap().len(), span.logs.len());
        for (log, json) in span.logs.iter().zip(json["logs"].as_array().unwrap()) {
            assert_eq!(json["timestamp"], log.timestamp);
            assert_same(&log.fields, &json["fields"]);
        }
        count += 1;
    }
    assert!(count > 300, "{count}");
}

#[test]
fn lists_may_be_missing_or_null() {
    let nothing = with(&json!({}));
    let process = json!({"serviceName": "", "tags": null, "tag": null});
    let nulls = json!({"tags": null, "tag": null, "logs": null, "references": null, "process": process});
    assert_eq!(with(&nulls), nothing);
    let log = with(&json!({"logs": [{"timestamp": 7, "fields": null}]}));
    assert_eq!(log.logs, [StoredLog { timestamp: 7, fields: Vec::new() }]);
}

#[test]
fn strings_of_old_writers_are_values() {
    let element = |kind: &str, value: Json| json!({"key": "k", "type": kind, "value": value});
    let cases = [
        (element("bool", json!("true")), StoredValue::Bool(true)),
        (element("int64", json!("-9223372036854775808")), StoredValue::Int64(i64::MIN)),
        (element("int64", json!(i64::MAX)), StoredValue::Int64(i64::MAX)),
        (element("float64", json!("0.75")), StoredValue::Float64(0.75)),
        (element("float64", json!(3)), StoredValue::Float64(3.0)),
        (element("binary", json!("00FF10")), StoredValue::Binary(vec![0, 255, 16])),
        // What makes no sense comes back as text.
        (element("float64", json!("NaN")), string("NaN")),
        (element("int64", json!("many")), string("many")),
        (element("int64", json!(1.5)), string("1.5")),
        (element("int64", json!(u64::MAX)), string("18446744073709551615")),
        (element("bool", json!(null)), string("")),
        (element("string", json!(17)), string("17")),
        (element("string", json!({"a": 1})), string(r#"{"a":1}"#)),
        (element("binary", json!("abc")), string("abc")),
        (element("9", json!("word")), string("word")),
    ];
    for (element, expected) in cases {
        assert_eq!(with(&json!({"tags": [element.clone()]})).tags, [tag("k", expected)], "{element}");
    }
}

#[test]
fn a_tag_that_is_none_costs_nothing_else() {
    let good = json!({"key": "a", "type": "string", "value": "b"});
    let span = with(&json!({"tags": [null, 7, {"key": 1}, good, {"key": "bare"}]}));
    let keys = span.tags.iter().map(|tag| tag.key.as_str()).collect::<Vec<_>>();
    assert_eq!(keys, ["unreadable tag", "unreadable tag", "unreadable tag", "a", "bare"]);
    assert_eq!(span.tags[2].value, string(r#"{"key":1}"#));
}

#[test]
fn fields_come_after_the_tags_and_get_their_dots_back() {
    let fields = json!({
        "http@status_code": 200, "load": 0.5, "huge": 1e300, "error": true, "odd": {"x": 1}, "n\"": "v", "none": null
    });
    let tags = json!([{"key": "first", "type": "string", "value": "1"}]);
    let span = with(&json!({"tags": tags, "tag": fields, "process": {"serviceName": "s", "tag": {"a@b": "c"}}}));
    let mut read = span.tags;
    assert_eq!(read.remove(0).key, "first");
    read.sort_by(|one, other| one.key.cmp(&other.key));
    let expected = [
        tag("error", StoredValue::Bool(true)),
        tag("http.status_code", StoredValue::Int64(200)),
        tag("huge", StoredValue::Float64(1e300)),
        tag("load", StoredValue::Float64(0.5)),
        tag("n\"", string("v")),
        tag("none", string("")),
        tag("odd", string(r#"{"x":1}"#)),
    ];
    assert_eq!(read, expected);
    assert_eq!(span.process.tags, [tag("a.b", string("c"))]);
    let source = br#"{"traceID":"1","spanID":"2","startTime":1,"tag":{"a##b":"c","d@e":"f"}}"#;
    let read = StoredSpan::parse_with(source, "##").unwrap().tags;
    assert_eq!(read, [tag("a.b", string("c")), tag("d@e", string("f"))]);
}

#[test]
fn a_parent_of_its_own_is_a_reference() {
    let child_of = |high, low, span_id| {
        let trace_id = TraceId { high, low };
        StoredReference { kind: ReferenceKind::ChildOf, trace_id, span_id }
    };
    let other = json!({"refType": "CHILD_OF", "traceID": "00000000000000010000000000000002", "spanID": "3"});
    let span = with(&json!({"parentSpanID": "0000000000000003", "references": [other]}));
    assert_eq!(span.references, [child_of(0, 0x1f, 3), child_of(1, 2, 3)]);
    let known = json!({"refType": "FOLLOWS_FROM", "traceID": "000000000000001f", "spanID": "3"});
    let span = with(&json!({"parentSpanID": "3", "references": [known]}));
    assert_eq!(span.references, [StoredReference { kind: ReferenceKind::FollowsFrom, ..child_of(0, 0x1f, 3) }]);
    assert_eq!(with(&json!({"parentSpanID": ""})).references, []);
}

#[test]
fn ids_of_all_lengths_are_read() {
    let read = |text: &str| with(&json!({"traceID": text})).trace_id;
    assert_eq!(read("1f"), TraceId { high: 0, low: 0x1f });
    assert_eq!(read("10000000000000002"), TraceId { high: 1, low: 2 });
    assert_eq!(read("0000000000000000000000000000001F"), TraceId { high: 0, low: 0x1f });
    for bad in ["", "x", "+1", "000000000000000000000000000000001"] {
        let document = json!({"traceID": bad, "spanID": "2", "startTime": 1}).to_string();
        assert!(StoredSpan::parse(document.as_bytes()).is_err(), "{bad:?}");
    }
    assert!(StoredSpan::parse(br#"{"traceID":"1","spanID":"00000000000000001","startTime":1}"#).is_err());
}

#[test]
fn what_is_no_span_is_an_error() {
    for source in ["", "[]", "{}", "\u{0}", r#"{"traceID":"1","spanID":"2","startTime":-1}"#] {
        assert!(StoredSpan::parse(source.as_bytes()).is_err(), "{source:?}");
    }
}
