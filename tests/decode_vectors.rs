//! Zipkin's own decoders beside ours: small inputs with the answer and the spans of
//! openzipkin/zipkin 3.6. Where ours differs, one table says so and why.

#![allow(clippy::expect_used, reason = "a test fails loudly")]

use std::collections::{BTreeMap, BTreeSet};

mod zipkin_differences;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value as Json, json};
use spaniel::decode::{Limits, Scratch, Sink, zipkin_json, zipkin_proto, zipkin_thrift, zipkin_v1_json};
use spaniel::span::{Process, Refusal, Span, Tag, Value};

use zipkin_differences::Ours::{Refused, Taken};
use zipkin_differences::differences;

/// Spans as Zipkin writes them, as far as Jaeger's model keeps what they say: `debug` and
/// `shared` are not in it, an endpoint has one address, names keep their case.
#[derive(Default)]
struct Collected {
    service: Option<String>,
    /// Of v1, where the endpoint's address is said of the process.
    address: Option<String>,
    port: Option<String>,
    spans: Vec<Json>,
    refusals: usize,
}

impl<'a> Sink<'a> for Collected {
    fn process(&mut self, process: &Process<'a>) {
        let service = process.service.map(|service| service.decoded().to_lowercase());
        self.service = service.filter(|service| service != "unknown-service");
        let mut tags: BTreeMap<String, String> = process.tags.iter().map(text_of).collect();
        self.address = tags.remove("ipv6").or(tags.remove("ipv4"));
        self.port = tags.remove("port");
    }

    fn span(&mut self, span: &mut Span<'a>) {
        let mut tags: BTreeMap<String, String> = span.tags.iter().map(text_of).collect();
        let mut zipkin = Map::new();
        let high = if span.trace_id.high == 0 { String::new() } else { format!("{:016x}", span.trace_id.high) };
        zipkin.insert("traceId".into(), format!("{high}{:016x}", span.trace_id.low).into());
        zipkin.insert("id".into(), format!("{:016x}", span.span_id).into());
        if let Some(parent) = span.references.first() {
            zipkin.insert("parentId".into(), format!("{:016x}", parent.span_id).into());
        }
        if tags.remove("otel.zipkin.absentField.startTime").is_none() && span.start > 0 {
            zipkin.insert("timestamp".into(), span.start.into());
        }
        if span.duration != 0 {
            zipkin.insert("duration".into(), span.duration.into());
        }
        put(&mut zipkin, "name", Some(span.operation.decoded().to_lowercase()).filter(|name| !name.is_empty()));
        put(&mut zipkin, "kind", tags.remove("span.kind").map(|kind| kind.to_uppercase()));
        let ip = tags.remove("net.host.ip").or(self.address.clone());
        let port = tags.remove("net.host.port").or(self.port.clone());
        put_endpoint(&mut zipkin, "localEndpoint", [self.service.clone(), ip, port]);
        let (name, ip, port) = (tags.remove("peer.service"), tags.remove("net.peer.ip"), tags.remove("net.peer.port"));
        put_endpoint(&mut zipkin, "remoteEndpoint", [name.map(|name| name.to_lowercase()), ip, port]);
        let logs: BTreeSet<(u64, String)> = span
            .logs
            .iter()
            .map(|log| (log.timestamp, span.fields_of(log).first().map(|field| text_of(field).1).unwrap_or_default()))
            .collect();
        if !logs.is_empty() {
            let logs: Vec<_> = logs.iter().map(|(time, text)| json!({"timestamp": time, "value": text})).collect();
            zipkin.insert("annotations".into(), logs.into());
        }
        if !tags.is_empty() {
            zipkin.insert("tags".into(), json!(tags));
        }
        self.spans.push(Json::Object(zipkin));
    }

    fn refuse(&mut self, _refusal: Refusal) {
        self.refusals += 1;
    }
}

fn text_of(tag: &Tag<'_>) -> (String, String) {
    let value = match tag.value {
        Value::Text(text) => text.decoded().into_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Int64(value) => value.to_string(),
        Value::Address(address) => address.to_string(),
        Value::Float64(value) => value.to_string(),
        Value::Binary(_) => panic!("Zipkin has no such values: {tag:?}"),
    };
    (tag.key.decoded().into_owned(), value)
}

fn put(zipkin: &mut Map<String, Json>, key: &str, value: Option<String>) {
    if let Some(value) = value {
        zipkin.insert(key.to_owned(), value.into());
    }
}

fn put_endpoint(zipkin: &mut Map<String, Json>, key: &str, parts: [Option<String>; 3]) {
    let mut endpoint = Map::new();
    for (name, value) in ["serviceName", "ip", "port"].into_iter().zip(parts) {
        put(&mut endpoint, name, value);
    }
    if !endpoint.is_empty() {
        zipkin.insert(key.to_owned(), Json::Object(endpoint));
    }
}

/// Zipkin's span in the same form.
fn comparable(mut span: Json) -> Json {
    let members = span.as_object_mut().expect("a span is an object");
    members.remove("debug");
    members.remove("shared");
    for key in ["localEndpoint", "remoteEndpoint"] {
        let Some(endpoint) = members.get_mut(key).and_then(Json::as_object_mut) else { continue };
        let (ipv4, ipv6) = (endpoint.remove("ipv4"), endpoint.remove("ipv6"));
        endpoint.extend(ipv6.or(ipv4).map(|ip| ("ip".to_owned(), ip)));
        endpoint.entry("port").and_modify(|port| *port = port.to_string().into());
    }
    span
}

fn ours(decoder: &str, body: &[u8]) -> (u64, Vec<Json>) {
    let mut collected = Collected::default();
    let (scratch, limits) = (Scratch::new(), Limits::default());
    let outcome = match decoder {
        "JSON_V2" => zipkin_json(body, &scratch, &limits, &mut collected),
        "JSON_V1" => zipkin_v1_json(body, &scratch, &limits, &mut collected),
        "THRIFT" => zipkin_thrift(body, &scratch, &limits, &mut collected),
        "PROTO3" => zipkin_proto(body, &scratch, &limits, &mut collected),
        other => panic!("no decoder of {other}"),
    };
    let nothing_read = collected.spans.is_empty() && collected.refusals > 0;
    (if outcome.is_err() || nothing_read { 400 } else { 202 }, collected.spans)
}

fn vectors() -> Vec<Json> {
    let text = std::fs::read_to_string("tests/data/zipkin/decode-vectors.json").expect("the vectors");
    let mut file: Json = serde_json::from_str(&text).expect("the vectors are JSON");
    let Json::Array(vectors) = file["vectors"].take() else { panic!("a list of vectors") };
    vectors
}

fn body(vector: &Json) -> Vec<u8> {
    match vector["body"].as_str() {
        Some(body) => body.as_bytes().to_vec(),
        None => STANDARD.decode(vector["body_base64"].as_str().expect("a body")).expect("base64"),
    }
}

fn without_ids(spans: &[Json]) -> Vec<Json> {
    let mut spans = spans.to_vec();
    for span in spans.iter_mut().filter_map(Json::as_object_mut) {
        span.remove("traceId");
        span.remove("id");
    }
    spans
}

#[test]
fn zipkins_vectors() {
    let vectors = vectors();
    assert_eq!(vectors.len(), 387);
    for vector in vectors {
        let name = vector["name"].as_str().expect("a name");
        let decoder = vector["decoder"].as_str().expect("a decoder");
        let (status, spans) = ours(decoder, &body(&vector));
        let theirs = vector["spans"].as_array().cloned().unwrap_or_default();
        let theirs: Vec<Json> = theirs.into_iter().map(comparable).collect();
        let is_same = vector["status"] == status && spans == theirs;
        match differences().find(|(other, _, _)| *other == name) {
            None => assert_eq!((&vector["status"], &theirs), (&json!(status), &spans), "{name}"),
            Some((_, Refused, reason)) => assert_eq!((status, is_same), (400, false), "{name}: {reason}"),
            Some((_, Taken(expected), reason)) => {
                let expected: Vec<Json> =
                    expected.iter().map(|span| serde_json::from_str(span).expect("JSON")).collect();
                assert_eq!((status, &without_ids(&spans)), (202, &expected), "{name}: {reason}");
                assert!(!is_same, "{name}: the difference is gone, take it out of the table");
            }
        }
    }
}
