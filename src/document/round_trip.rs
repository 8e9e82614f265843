//! Made-up spans, nasty text included, written by us and read by another reader and by our own.

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use crate::settings;
use crate::span::{Log, Reference, ReferenceKind, Span, Tag, Text, TraceId, Value};

/// A string in one of the forms that a decoder hands over.
#[derive(Debug, Clone)]
enum Owned {
    Plain(String),
    /// The body of a JSON string, as serde_json writes it.
    Json(String),
    Broken {
        bytes: Vec<u8>,
        json: bool,
    },
}

#[derive(Debug, Clone)]
enum OwnedValue {
    Text(Owned),
    Bool(bool),
    Int64(i64),
    Float64(f64),
    Binary(Vec<u8>),
    Address(std::net::IpAddr),
}

type OwnedTag = (Owned, OwnedValue);

impl Owned {
    fn borrowed(&self) -> Text<'_> {
        match self {
            Owned::Plain(text) => Text::Plain(text),
            Owned::Json(body) => Text::Json(body),
            Owned::Broken { bytes, json } => Text::Broken { bytes, json: *json },
        }
    }
}

impl OwnedValue {
    fn borrowed(&self) -> Value<'_> {
        match self {
            OwnedValue::Text(text) => Value::Text(text.borrowed()),
            OwnedValue::Bool(value) => Value::Bool(*value),
            OwnedValue::Int64(number) => Value::Int64(*number),
            OwnedValue::Float64(number) => Value::Float64(*number),
            OwnedValue::Binary(bytes) => Value::Binary(bytes),
            OwnedValue::Address(address) => Value::Address(*address),
        }
    }
}

fn text() -> impl Strategy<Value = Owned> {
    let words = prop_oneof![Just("http.url".to_string()), "[a-z.]{0,12}", "[\\x00-\\x7f]{0,20}", "\\PC{0,12}"];
    let body = |text: String| json!(text).to_string().trim_matches('"').to_string();
    // Trimming quotes may cut an escape in two, which is one more nasty body.
    prop_oneof![
        4 => words.clone().prop_map(Owned::Plain),
        4 => words.prop_map(move |text| Owned::Json(body(text))),
        1 => (prop::collection::vec(any::<u8>(), 0..20), any::<bool>())
            .prop_map(|(bytes, json)| Owned::Broken { bytes, json }),
    ]
}

fn value() -> impl Strategy<Value = OwnedValue> {
    prop_oneof![
        text().prop_map(OwnedValue::Text),
        any::<bool>().prop_map(OwnedValue::Bool),
        any::<i64>().prop_map(OwnedValue::Int64),
        any::<u64>().prop_map(|bits| OwnedValue::Float64(f64::from_bits(bits))),
        any::<i32>().prop_map(|number| OwnedValue::Float64(f64::from(number) / 8.0)),
        prop::collection::vec(any::<u8>(), 0..9).prop_map(OwnedValue::Binary),
        any::<std::net::IpAddr>().prop_map(OwnedValue::Address),
    ]
}

fn owned_tags() -> impl Strategy<Value = Vec<OwnedTag>> {
    prop::collection::vec((text(), value()), 0..6)
}

fn borrow(tags: &[OwnedTag]) -> Vec<Tag<'_>> {
    tags.iter().map(|(key, value)| Tag { key: key.borrowed(), value: value.borrowed() }).collect()
}

/// What a reader of the document must find, by the rules of Jaeger's documents.
fn expected(tag: &Tag<'_>) -> Json {
    let (kind, value) = match tag.value {
        Value::Text(text) => ("string", json!(text.decoded())),
        Value::Bool(value) => ("bool", json!(value)),
        Value::Int64(number) => ("int64", json!(number)),
        Value::Float64(number) if number.is_nan() => ("string", json!("NaN")),
        Value::Float64(number) if number.is_infinite() && number > 0.0 => ("string", json!("+Inf")),
        Value::Float64(number) if number.is_infinite() => ("string", json!("-Inf")),
        Value::Float64(number) => ("float64", json!(number)),
        Value::Binary(bytes) => ("binary", json!(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())),
        Value::Address(address) => ("string", json!(address.to_string())),
    };
    json!({"key": tag.key.decoded(), "type": kind, "value": value})
}

fn is_near(one: &Json, other: &Json) -> bool {
    let (Some(one), Some(other)) = (one.as_f64(), other.as_f64()) else { return false };
    (one - other).abs() <= (other.abs() * 1e-15).max(1e-322)
}

/// Equal as values: Go's form of a whole float is an integer to serde_json, which is also off by
/// a last digit at times.
fn assert_tags(json: &Json, tags: &[Tag<'_>]) {
    let json = json.as_array().unwrap();
    assert_eq!(json.len(), tags.len());
    for (json, tag) in json.iter().zip(tags) {
        let expected = expected(tag);
        let same_float = json["type"] == "float64" && is_near(&json["value"], &expected["value"]);
        assert!(*json == expected || same_float && json["key"] == expected["key"], "{json} {expected}");
    }
}

fn assert_stored(stored: &[StoredTag], tags: &[Tag<'_>]) {
    assert_eq!(stored.len(), tags.len());
    for (stored, tag) in stored.iter().zip(tags) {
        let value = match tag.value {
            Value::Text(text) => StoredValue::String(text.decoded().into_owned()),
            Value::Bool(value) => StoredValue::Bool(value),
            Value::Int64(number) => StoredValue::Int64(number),
            Value::Float64(number) if number.is_finite() => StoredValue::Float64(number),
            Value::Float64(_) => StoredValue::String(expected(tag)["value"].as_str().unwrap().into()),
            Value::Binary(bytes) => StoredValue::Binary(bytes.into()),
            Value::Address(address) => StoredValue::String(address.to_string()),
        };
        assert_eq!((stored.key.as_str(), &stored.value), (&*tag.key.decoded(), &value));
    }
}

/// What a field cannot tell: a whole float that fits is read as an integer.
fn as_of_a_field(mut tags: Vec<StoredTag>) -> Vec<StoredTag> {
    for tag in &mut tags {
        if let StoredValue::Float64(number) = tag.value {
            let mut text = Vec::new();
            number::write_finite(&mut text, number);
            let whole = std::str::from_utf8(&text).unwrap().parse();
            tag.value = whole.map_or(StoredValue::Float64(number), StoredValue::Int64);
        }
    }
    tags.sort_by_cached_key(|tag| format!("{tag:?}"));
    tags
}

proptest! {
    /// The lean layout holds the same tags, whatever they are and however few may be fields.
    #[test]
    fn lean_documents_hold_the_tags_of_jaegers_form(
        spans in prop::collection::vec((owned_tags(), owned_tags()), 1..5),
        most in 1_usize..12,
        sign in prop_oneof![Just("@"), Just("__"), Just("#")],
    ) {
        let tags_as_fields = settings::TagsAsFields { dot_replacement: sign.into(), ..Default::default() };
        let lean = Some(settings::LeanFields { most, period_hours: 24 });
        let jaeger = Shape::new(&settings::Document { tags_as_fields: tags_as_fields.clone(), ..Default::default() });
        let lean = Shape::new(&settings::Document { tags_as_fields, lean, ..Default::default() });
        let mut names = std::collections::HashSet::new();
        for (span_tags, process_tags) in &spans {
            let span = Span { tags: borrow(span_tags), ..Span::default() };
            let write = |shape: &Shape| {
                let (mut process, mut out) = (Vec::new(), Vec::new());
                shape.write_process(&mut process, "s".into(), &borrow(process_tags));
                shape.write_span(&mut out, &span, &process);
                out
            };
            let (jaeger, lean) = (write(&jaeger), write(&lean));
            let json: Json = serde_json::from_slice(&lean).unwrap();
            for object in [&json["tag"], &json["process"]["tag"]] {
                names.extend(object.as_object().into_iter().flatten().map(|(name, _)| name.clone()));
            }
            prop_assert!(names.len() <= most && names.iter().all(|name| !name.contains('.') && !name.trim().is_empty()));
            let jaeger = StoredSpan::parse_with(&jaeger, sign).unwrap();
            let lean = StoredSpan::parse_with(&lean, sign).unwrap();
            prop_assert_eq!(as_of_a_field(lean.tags), as_of_a_field(jaeger.tags));
            prop_assert_eq!(as_of_a_field(lean.process.tags), as_of_a_field(jaeger.process.tags));
        }
    }

    #[test]
    fn what_is_written_is_read(
        (ids, flags, times) in (any::<[u64; 6]>(), any::<u32>(), any::<[u64; 2]>()),
        (operation, service) in (text(), text()),
        (span_tags, process_tags, log_fields) in (owned_tags(), owned_tags(), owned_tags()),
        (child, long) in (any::<bool>(), any::<bool>()),
    ) {
        // Times that Jaeger can count; the others are a case of their own.
        let [start, duration] = times.map(|time| time >> 11);
        let kind = if child { ReferenceKind::ChildOf } else { ReferenceKind::FollowsFrom };
        let reference = Reference { kind, trace_id: TraceId { high: ids[2], low: ids[3] }, span_id: ids[4] };
        let log_fields = borrow(&log_fields);
        let span = Span {
            trace_id: TraceId { high: if child { 0 } else { ids[0] }, low: ids[1] },
            span_id: ids[5],
            flags,
            debug: false,
            operation: operation.borrowed(),
            references: vec![reference; usize::from(child)],
            start,
            duration: duration as i64,
            tags: borrow(&span_tags),
            logs: vec![Log { timestamp: start, start: 0, end: log_fields.len() as u32 }],
            log_fields,
            wire: &[],
        };
        let process_tags = borrow(&process_tags);
        let trace_id_digits = if long { 32 } else { 16 };
        let shape = Shape::new(&settings::Document { trace_id_digits, ..settings::Document::default() });
        let (mut process, mut out) = (Vec::new(), Vec::new());
        shape.write_process(&mut process, service.borrowed(), &process_tags);
        shape.write_span(&mut out, &span, &process);

        let json: Json = serde_json::from_slice(&out).unwrap();
        prop_assert_eq!(&json["operationName"], &*operation.borrowed().decoded());
        prop_assert_eq!(&json["process"]["serviceName"], &*service.borrowed().decoded());
        prop_assert_eq!(json["startTimeMillis"].as_u64(), Some(start / 1000));
        prop_assert_eq!(json.get("flags").is_some(), flags != 0);
        assert_tags(&json["tags"], &span.tags);
        assert_tags(&json["process"]["tags"], &process_tags);
        assert_tags(&json["logs"][0]["fields"], &span.log_fields);

        let stored = StoredSpan::parse(&out).unwrap();
        prop_assert_eq!((stored.trace_id, stored.span_id, stored.flags), (span.trace_id, span.span_id, flags));
        prop_assert_eq!((stored.start, stored.duration), (start, duration));
        let StoredReference { kind, trace_id, span_id } = stored.references.first().cloned().unwrap_or(
            StoredReference { kind, trace_id: reference.trace_id, span_id: reference.span_id });
        prop_assert_eq!(Reference { kind, trace_id, span_id }, reference);
        prop_assert_eq!(stored.references.len(), span.references.len());
        assert_stored(&stored.tags, &span.tags);
        assert_stored(&stored.process.tags, &process_tags);
        assert_stored(&stored.logs[0].fields, &span.log_fields);
    }
}
