//! What jaeger-collector 1.76 writes for a span of a client: the document as JSON, tags in one order.

use serde_json::{Value as Json, json};

use crate::report::{Endpoint, Log, Span, Tag};

/// In whose terms a report speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    OpenTelemetry,
    /// With Jaeger's name of the format, which its collector adds as a tag.
    Jaeger(&'static str),
    Zipkin,
}

/// The document of a span; lists without an order of their own sorted.
pub(crate) fn document(span: &Span, dialect: Dialect) -> Json {
    let (mut tags, references) = match dialect {
        Dialect::OpenTelemetry => (of_open_telemetry(span), links(span)),
        Dialect::Jaeger(format) => {
            let format = text("@jaeger@format", format);
            (tags(&span.tags).into_iter().chain([format]).collect(), references(span))
        }
        Dialect::Zipkin => (of_zipkin(span), parent(span)),
    };
    if dialect == Dialect::Zipkin {
        tags.extend(span.local.iter().flat_map(|local| endpoint(local, "net.host")));
        tags.extend(span.remote.iter().flat_map(|remote| endpoint(remote, "net.peer")));
        tags.extend(span.remote.iter().map(|remote| text("peer.service", &remote.service)));
    }
    let mut document = json!({
        "traceID": trace_id(&span.trace_id),
        "spanID": span_id(&span.span_id),
        "operationName": span.name,
        "references": references,
        "startTime": span.start / 1_000,
        "startTimeMillis": span.start / 1_000_000,
        "duration": (span.end - span.start) / 1_000,
        "tags": tags,
        "logs": span.logs.iter().map(log).collect::<Vec<_>>(),
        "process": { "serviceName": span.service, "tags": self::tags(&span.resource) },
    });
    if span.flags != 0 {
        document["flags"] = span.flags.into();
    }
    in_order(document)
}

/// Sorts what clients keep in no order.
pub(crate) fn in_order(mut document: Json) -> Json {
    let process = document["process"]["tags"].take();
    document["process"]["tags"] = sorted(process);
    let tags = document["tags"].take();
    document["tags"] = sorted(tags);
    let logs = document["logs"].take();
    document["logs"] = sorted(logs);
    document
}

fn sorted(mut list: Json) -> Json {
    list.as_array_mut().unwrap().sort_by_cached_key(Json::to_string);
    list
}

/// Kind, status, scope and trace state are tags there.
fn of_open_telemetry(span: &Span) -> Vec<Json> {
    let mut all = tags(&span.tags);
    let said = [
        ("otel.scope.name", span.scope.name.as_str()),
        ("otel.scope.version", &span.scope.version),
        ("otel.status_description", &span.status.message),
        ("w3c.tracestate", &span.trace_state),
        ("span.kind", &span.kind),
    ];
    all.extend(said.into_iter().filter(|(_, value)| !value.is_empty()).map(|(key, value)| text(key, value)));
    match span.status.code.as_str() {
        "Unset" => {}
        "Ok" => all.push(text("otel.status_code", "OK")),
        "Error" => all.extend([text("otel.status_code", "ERROR"), error()]),
        other => panic!("no status {other}"),
    }
    all
}

/// A tag `error` is a status, and stays as text.
fn of_zipkin(span: &Span) -> Vec<Json> {
    let mut all = tags(&span.tags);
    if span.tags.iter().any(|tag| tag.key == "error") {
        all.extend([text("otel.status_code", "ERROR"), error()]);
    }
    if !span.kind.is_empty() {
        all.push(text("span.kind", &span.kind.to_lowercase()));
    }
    all
}

fn endpoint(endpoint: &Endpoint, prefix: &str) -> [Json; 2] {
    let port = json!({ "key": format!("{prefix}.port"), "type": "int64", "value": endpoint.port });
    [text(&format!("{prefix}.ip"), &endpoint.ip), port]
}

fn text(key: &str, value: &str) -> Json {
    json!({ "key": key, "type": "string", "value": value })
}

fn error() -> Json {
    json!({ "key": "error", "type": "bool", "value": true })
}

/// Lists are written as the text of their JSON.
fn tags(tags: &[Tag]) -> Vec<Json> {
    let tag = |tag: &Tag| match tag.kind.as_str() {
        "list" => text(&tag.key, &tag.value.to_string()),
        kind => json!({ "key": tag.key, "type": kind, "value": tag.value }),
    };
    tags.iter().map(tag).collect()
}

/// The name of an event is its first field.
fn log(log: &Log) -> Json {
    let name = (!log.name.is_empty()).then(|| text("event", &log.name));
    let fields: Vec<Json> = name.into_iter().chain(tags(&log.fields)).collect();
    json!({ "timestamp": log.time / 1_000, "fields": fields })
}

fn parent(span: &Span) -> Vec<Json> {
    let parent = (!span.parent_id.is_empty()).then(|| reference("CHILD_OF", &span.trace_id, &span.parent_id));
    parent.into_iter().collect()
}

fn links(span: &Span) -> Vec<Json> {
    let links = span.links.iter().map(|link| reference("FOLLOWS_FROM", &link.trace_id, &link.span_id));
    parent(span).into_iter().chain(links).collect()
}

/// The references that were sent, the parent before them unless it is among them.
fn references(span: &Span) -> Vec<Json> {
    let sent: Vec<Json> = span.links.iter().map(|link| reference(&link.kind, &link.trace_id, &link.span_id)).collect();
    let is_sent = |parent: &Json| {
        sent.iter().any(|sent| sent["spanID"] == parent["spanID"] && sent["traceID"] == parent["traceID"])
    };
    let parent = parent(span).into_iter().filter(|parent| !is_sent(parent));
    parent.chain(sent.clone()).collect()
}

fn reference(kind: &str, trace: &str, span: &str) -> Json {
    json!({ "refType": kind, "traceID": trace_id(trace), "spanID": span_id(span) })
}

/// In 32 digits, or 16 if that is enough; clients leave zeros out.
fn trace_id(digits: &str) -> String {
    let padded = format!("{digits:0>32}");
    padded.strip_prefix("0000000000000000").map(str::to_string).unwrap_or(padded)
}

fn span_id(digits: &str) -> String {
    format!("{digits:0>16}")
}
