//! `otlp_proto` and `otlp_json` beside opentelemetry-proto's own reading: prost for protobuf, serde for
//! JSON.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use proptest::prelude::*;
use prost::Message;
use serde_json::Value as Json;

use crate::decode::test_sink::{Collected, decode_otlp, decode_otlp_json};
use crate::span::ReferenceKind;

/// A list or a map as JSON, through `serde_json`, whose objects are sorted.
fn json(value: &AnyValue) -> Json {
    match &value.value {
        None | Some(Value::StringValueStrindex(_)) => Json::Null,
        Some(Value::StringValue(text)) => text.as_str().into(),
        Some(Value::BoolValue(value)) => (*value).into(),
        Some(Value::IntValue(value)) => (*value).into(),
        // Go writes whole numbers without a point.
        Some(Value::DoubleValue(value)) if value.fract() == 0.0 && value.abs() < 1e15 => (*value as i64).into(),
        Some(Value::DoubleValue(value)) => (*value).into(),
        Some(Value::BytesValue(bytes)) => {
            base64::Engine::encode(&base64::engine::general_purpose::STANDARD, bytes).into()
        }
        Some(Value::ArrayValue(list)) => list.values.iter().map(json).collect(),
        Some(Value::KvlistValue(map)) => {
            let value = |member: &KeyValue| member.value.as_ref().map_or(Json::Null, json);
            Json::Object(map.values.iter().map(|member| (member.key.clone(), value(member))).collect())
        }
    }
}

/// An attribute as the tests' sink writes it; lists and maps are compared as JSON, not as text.
fn tag(attribute: &KeyValue) -> String {
    let value = match attribute.value.as_ref().and_then(|value| value.value.as_ref()) {
        None | Some(Value::StringValueStrindex(_)) => String::new(),
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::BoolValue(value)) => value.to_string(),
        Some(Value::IntValue(value)) => value.to_string(),
        Some(Value::DoubleValue(value)) => value.to_string(),
        Some(Value::BytesValue(bytes)) => format!("{bytes:?}"),
        Some(Value::ArrayValue(_) | Value::KvlistValue(_)) => {
            json(attribute.value.as_ref().expect("a value")).to_string().replace('<', "\\u003c").replace('>', "\\u003e")
        }
    };
    format!("{}={value}", attribute.key)
}

/// Ours with lists and maps written as `serde_json` writes them.
fn normal(tag: &str) -> String {
    let Some((key, value)) = tag.split_once('=').filter(|(_, value)| value.starts_with(['[', '{'])) else {
        return tag.to_owned();
    };
    serde_json::from_str::<Json>(value).map_or_else(|_| tag.to_owned(), |value| format!("{key}={value}"))
}

fn tags(attributes: &[KeyValue]) -> Vec<String> {
    attributes.iter().map(|attribute| normal(&tag(attribute))).collect()
}

fn number(bytes: &[u8]) -> u128 {
    bytes.iter().fold(0, |number, byte| number << 8 | u128::from(*byte))
}

fn references(span: &Span) -> Vec<String> {
    let parent = number(&span.parent_span_id);
    let trace = number(&span.trace_id);
    let mut references = Vec::new();
    if parent != 0 {
        references.push(format!("child {trace:x} {parent:x}"));
    }
    for link in &span.links {
        let kind = link.attributes.iter().find(|attribute| attribute.key == "opentracing.ref_type");
        let kind = if kind.is_some_and(|kind| tag(kind).ends_with("=child_of")) { "child" } else { "follows" };
        let (to, id) = (number(&link.trace_id), number(&link.span_id));
        let written = format!("{kind} {to:x} {id:x}");
        if parent != 0 && (to, id) == (trace, parent) {
            references[0] = written;
        } else {
            references.push(written);
        }
    }
    references
}

fn event(event: &Event) -> String {
    // Lists are compared as text here: those of events hold nothing that Go writes in another way.
    let mut fields: Vec<_> = event.attributes.iter().map(tag).collect();
    if !event.name.is_empty() && event.attributes.iter().all(|attribute| attribute.key != "event") {
        fields.insert(0, format!("event={}", event.name));
    }
    format!("{}[{}]", (event.time_unix_nano as i64 / 1000) as u64, fields.join(" "))
}

fn all_tags(scope: Option<&InstrumentationScope>, span: &Span) -> Vec<String> {
    let scope = scope.cloned().unwrap_or_default();
    let status = span.status.clone().unwrap_or_default();
    let kinds = ["", "internal", "server", "client", "producer", "consumer"];
    let kind = usize::try_from(span.kind).ok().and_then(|kind| kinds.get(kind)).copied().unwrap_or_default();
    let code = ["", "OK", "ERROR"].get(status.code as usize).copied().unwrap_or_default();
    let some = |key: &str, value: &str| (!value.is_empty()).then(|| format!("{key}={value}"));
    let mut all: Vec<String> = Vec::new();
    all.extend(some("otel.scope.name", &scope.name));
    all.extend(some("otel.scope.version", &scope.version));
    all.extend(tags(&span.attributes));
    all.extend(some("span.kind", kind));
    all.extend(some("otel.status_code", code));
    all.extend((code == "ERROR").then(|| "error=true".to_owned()));
    all.extend(some("otel.status_description", &status.message));
    all.extend(some("w3c.tracestate", &span.trace_state));
    all
}

/// What is compared of a span; `None` if it must be refused.
fn expected(group: &ResourceSpans, scope: Option<&InstrumentationScope>, span: &Span) -> Option<String> {
    let is_id = |id: &[u8], length: usize| id.len() == length || id.is_empty();
    let good_ids = is_id(&span.trace_id, 16) && is_id(&span.span_id, 8) && is_id(&span.parent_span_id, 8);
    let good_links = span.links.iter().all(|link| is_id(&link.trace_id, 16) && is_id(&link.span_id, 8));
    let (trace, id) = (number(&span.trace_id), number(&span.span_id));
    if !good_ids || !good_links || trace == 0 || id == 0 {
        return None;
    }
    let resource = group.resource.clone().unwrap_or_default();
    let (names, others): (Vec<_>, Vec<_>) =
        resource.attributes.into_iter().partition(|attribute| attribute.key == "service.name");
    let name = |name: &KeyValue| match name.value.as_ref().and_then(|value| value.value.clone()) {
        Some(Value::StringValue(name)) => name,
        _ => "service-name-wrong-type".to_owned(),
    };
    let (start, end) = (span.start_time_unix_nano as i64, span.end_time_unix_nano as i64);
    let nanoseconds = i128::from(end) - i128::from(start);
    let duration = if nanoseconds < 0 { "negative".to_owned() } else { (nanoseconds / 1000).to_string() };
    Some(format!(
        "{trace:x} {id:x} {:?} {:?} {:?} {:?} {} {duration} {:?} {:?}",
        names.first().map(name),
        tags(&others),
        span.name,
        references(span),
        (start / 1000) as u64,
        all_tags(scope, span),
        span.events.iter().map(event).collect::<Vec<_>>(),
    ))
}

fn ours(collected: &Collected) -> Vec<String> {
    let reference = |reference: &crate::span::Reference| {
        let kind = if reference.kind == ReferenceKind::FollowsFrom { "follows" } else { "child" };
        let trace = u128::from(reference.trace_id.high) << 64 | u128::from(reference.trace_id.low);
        format!("{kind} {trace:x} {:x}", reference.span_id)
    };
    let normal = |tags: &[String]| tags.iter().map(|tag| normal(tag)).collect::<Vec<_>>();
    let span = |span: &crate::decode::test_sink::Owned| {
        let duration = if span.duration < 0 { "negative".to_owned() } else { span.duration.to_string() };
        format!(
            "{:x} {:x} {:?} {:?} {:?} {:?} {} {duration} {:?} {:?}",
            u128::from(span.trace_id.high) << 64 | u128::from(span.trace_id.low),
            span.span_id,
            span.service,
            normal(&span.process_tags),
            span.operation,
            span.references.iter().map(reference).collect::<Vec<_>>(),
            span.start,
            normal(&span.tags),
            span.logs,
        )
    };
    collected.spans.iter().map(span).collect()
}

/// Holds what was read against the other reader's request.
fn check(name: &str, request: &ExportTraceServiceRequest, collected: &Collected) {
    let mut theirs = Vec::new();
    for group in &request.resource_spans {
        for scope_spans in &group.scope_spans {
            theirs.extend(scope_spans.spans.iter().map(|span| expected(group, scope_spans.scope.as_ref(), span)));
        }
    }
    assert_eq!(collected.unreadable, None, "{name}");
    assert_eq!(collected.refusals.len(), theirs.iter().filter(|span| span.is_none()).count(), "{name}");
    assert_eq!(ours(collected), theirs.into_iter().flatten().collect::<Vec<_>>(), "{name}");
}

#[test]
fn captured_bodies() {
    let bodies = super::captured("jaeger/otlp", ".pb").into_iter().chain(super::captured("jaeger/otlp-grpc", ".pb"));
    let mut read = 0;
    for (name, body) in bodies {
        // Lists in events are compared as text, with other numbers than these bodies have.
        let Ok(request) = ExportTraceServiceRequest::decode(&body[..]) else { continue };
        if !name.contains("/attributes") && !name.contains("/escapes") {
            check(&name, &request, &decode_otlp(&body));
            read += 1;
        }
    }
    assert!(read > 35, "the other reader must be able to read most: {read}");
}

fn text() -> BoxedStrategy<String> {
    prop_oneof![Just(String::new()), "[a-z.]{1,8}", super::any_text()].boxed()
}

fn key() -> BoxedStrategy<String> {
    let known = prop::sample::select(vec!["event", "service.name", "opentracing.ref_type", "error", "span.kind"]);
    prop_oneof![1 => known.prop_map(str::to_owned), 3 => "[a-z.]{0,8}"].boxed()
}

fn value() -> BoxedStrategy<Option<AnyValue>> {
    let leaf = prop_oneof![
        Just(None),
        text().prop_map(|text| Some(Value::StringValue(text))),
        Just(Some(Value::StringValue("child_of".to_owned()))),
        any::<bool>().prop_map(|value| Some(Value::BoolValue(value))),
        any::<i64>().prop_map(|value| Some(Value::IntValue(value))),
        (-1_000_000..1_000_000_i64).prop_map(|value| Some(Value::DoubleValue(value as f64 + 0.5))),
        prop::collection::vec(any::<u8>(), 0..6).prop_map(|bytes| Some(Value::BytesValue(bytes))),
    ];
    let tree = leaf.prop_map(|value| AnyValue { value }).prop_recursive(4, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|values| Value::ArrayValue(ArrayValue { values })),
            prop::collection::vec((key(), prop::option::of(inner)), 0..4).prop_map(|members| {
                let member = |(key, value)| KeyValue { key, value, ..KeyValue::default() };
                Value::KvlistValue(KeyValueList { values: members.into_iter().map(member).collect() })
            }),
        ]
        .prop_map(|value| AnyValue { value: Some(value) })
    });
    prop::option::of(tree).boxed()
}

/// Without lists and maps inside if `is_flat`.
fn attributes(is_flat: bool) -> BoxedStrategy<Vec<KeyValue>> {
    let attribute = (key(), value()).prop_map(move |(key, value)| {
        let is_compound = |value: &AnyValue| matches!(value.value, Some(Value::ArrayValue(_) | Value::KvlistValue(_)));
        let value = value.filter(|value| !is_flat || !is_compound(value));
        KeyValue { key, value, ..KeyValue::default() }
    });
    prop::collection::vec(attribute, 0..5).boxed()
}

fn id(length: usize) -> BoxedStrategy<Vec<u8>> {
    prop_oneof![
        12 => prop::collection::vec(0..3_u8, length),
        1 => Just(vec![0; length]),
        1 => Just(Vec::new()),
        1 => prop::collection::vec(any::<u8>(), length / 2),
    ]
    .boxed()
}

fn time() -> BoxedStrategy<u64> {
    prop_oneof![Just(0), Just(u64::MAX), 1_700_000_000_000_000_000..1_800_000_000_000_000_000_u64].boxed()
}

fn span() -> BoxedStrategy<Span> {
    let event = (time(), text(), attributes(true)).prop_map(|(time_unix_nano, name, attributes)| Event {
        time_unix_nano,
        name,
        attributes,
        dropped_attributes_count: 3,
    });
    let link = (id(16), id(8), attributes(false)).prop_map(|(trace_id, span_id, attributes)| Link {
        trace_id,
        span_id,
        attributes,
        ..Link::default()
    });
    let status = (0..4, text()).prop_map(|(code, message)| Status { code, message });
    let ids = (id(16), id(8), id(8), text());
    let lists = (attributes(false), prop::collection::vec(event, 0..3), prop::collection::vec(link, 0..3));
    (ids, text(), 0..7, (time(), time()), lists, prop::option::of(status))
        .prop_map(|(ids, name, kind, times, lists, status)| Span {
            trace_id: ids.0,
            span_id: ids.1,
            parent_span_id: ids.2,
            trace_state: ids.3,
            name,
            kind,
            start_time_unix_nano: times.0,
            end_time_unix_nano: times.1,
            attributes: lists.0,
            events: lists.1,
            links: lists.2,
            status,
            flags: 257,
            ..Span::default()
        })
        .boxed()
}

fn request() -> BoxedStrategy<ExportTraceServiceRequest> {
    let scope = (text(), text(), attributes(false)).prop_map(|(name, version, attributes)| InstrumentationScope {
        name,
        version,
        attributes,
        dropped_attributes_count: 1,
    });
    let scope_spans = (prop::option::of(scope), prop::collection::vec(span(), 0..3))
        .prop_map(|(scope, spans)| ScopeSpans { scope, spans, schema_url: "url".to_owned() });
    let resource = attributes(false).prop_map(|attributes| Resource { attributes, ..Resource::default() });
    let group = (prop::option::of(resource), prop::collection::vec(scope_spans, 0..3))
        .prop_map(|(resource, scope_spans)| ResourceSpans { resource, scope_spans, schema_url: String::new() });
    prop::collection::vec(group, 0..3).prop_map(|resource_spans| ExportTraceServiceRequest { resource_spans }).boxed()
}

proptest! {
    #[test]
    fn reads_what_prost_reads(request in request()) {
        check("generated", &request, &decode_otlp(&request.encode_to_vec()));
    }

    #[test]
    fn reads_what_serde_reads(request in request()) {
        let body = serde_json::to_vec(&request).expect("written");
        let read: ExportTraceServiceRequest = serde_json::from_slice(&body).expect("read");
        prop_assert_eq!(&read, &request);
        check("generated", &request, &decode_otlp_json(&body));
    }

    #[test]
    fn never_panics(request in request(), place in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut proto = request.encode_to_vec();
        let mut json = serde_json::to_vec(&request).expect("written");
        for body in [&mut proto, &mut json] {
            if !body.is_empty() {
                let place = place.index(body.len());
                body[place] = byte;
            }
        }
        decode_otlp(&proto);
        decode_otlp_json(&json);
    }

    /// A span in the middle with one byte changed: its neighbours are never lost.
    #[test]
    fn a_damaged_span_costs_no_neighbour(
        spans in prop::collection::vec(span(), 3), place in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let encoded: Vec<Vec<u8>> = spans.iter().map(Message::encode_to_vec).collect();
        let group = |middle: &[u8]| {
            let field = |bytes: &[u8]| {
                let mut field = Vec::new();
                prost::encoding::bytes::encode(2, &bytes.to_vec(), &mut field);
                field
            };
            let spans = [field(&encoded[0]), field(middle), field(&encoded[2])].concat();
            let mut body = Vec::new();
            prost::encoding::bytes::encode(1, &field(&spans), &mut body);
            body
        };
        let mut middle = encoded[1].clone();
        prop_assume!(!middle.is_empty());
        let place = place.index(middle.len());
        middle[place] = byte;
        let (whole, damaged) = (decode_otlp(&group(&encoded[1])), decode_otlp(&group(&middle)));
        prop_assert_eq!(damaged.spans.len() + damaged.refusals.len(), 3);
        let neighbours = |collected: &Collected| {
            let wires = collected.spans.iter().map(|span| span.wire.clone());
            wires.filter(|wire| *wire == encoded[0] || *wire == encoded[2]).count()
        };
        prop_assert!(neighbours(&damaged) + usize::from(encoded[1] == encoded[0] || encoded[1] == encoded[2]) >= neighbours(&whole));
    }
}
