//! Zipkin v1: spans written by serde_json and by the `thrift` crate, beside what was written.

use std::net::Ipv4Addr;

use proptest::prelude::*;
use serde_json::{Value as Json, json};
use thrift::protocol::{TBinaryOutputProtocol, TFieldIdentifier, TListIdentifier, TOutputProtocol, TType};

use crate::decode::test_sink::{Collected, Owned, decode_zipkin_thrift, decode_zipkin_v1};

#[derive(Debug, Clone)]
struct Endpoint {
    service: String,
    ip: Ipv4Addr,
    port: u16,
}

/// A span of v1 whose tags have different keys, as have its annotations texts.
#[derive(Debug, Clone)]
struct Old {
    trace_id: u128,
    id: u64,
    parent: u64,
    name: String,
    timestamp: Option<i64>,
    duration: Option<i64>,
    annotations: Vec<(i64, String, Option<Endpoint>)>,
    tags: Vec<(String, String, Option<Endpoint>)>,
}

fn endpoint(services: &'static [&'static str]) -> impl Strategy<Value = Option<Endpoint>> {
    let endpoint = (prop::sample::select(services), 1..u32::MAX, any::<u16>());
    prop::option::weighted(
        0.8,
        endpoint.prop_map(|(service, ip, port)| Endpoint { service: service.to_owned(), ip: ip.into(), port }),
    )
}

const CORE: [&str; 8] = ["cs", "cr", "sr", "ss", "ms", "mr", "ws", "wr"];

fn old(services: &'static [&'static str], core: bool) -> impl Strategy<Value = Old> {
    let time = || 1..2_000_000_000_000_000_i64;
    let word = prop_oneof![
        3 => any::<String>(),
        if core { 3 } else { 0 } => prop::sample::select(&CORE[..]).prop_map(str::to_owned),
    ];
    let annotations = prop::collection::vec((time(), word, endpoint(services)), 0..7);
    let tags = prop::collection::vec((any::<String>(), any::<String>(), endpoint(services)), 0..7);
    let ids = (1..u128::MAX, 1..u64::MAX, any::<u64>());
    let times = (prop::option::of(time()), prop::option::of(1..9_000_000_000_i64));
    (ids, any::<String>(), times, annotations, tags).prop_map(
        |((trace_id, id, parent), name, (timestamp, duration), mut annotations, mut tags)| {
            for (index, (_, value, _)) in annotations.iter_mut().enumerate() {
                if !CORE.contains(&value.as_str()) {
                    value.push_str(&format!(" {index}"));
                }
            }
            for (index, (key, ..)) in tags.iter_mut().enumerate() {
                key.push_str(&format!(" {index}"));
            }
            Old { trace_id, id, parent, name, timestamp, duration, annotations, tags }
        },
    )
}

fn json_of(old: &Old) -> Json {
    let endpoint = |endpoint: &Option<Endpoint>| match endpoint {
        Some(Endpoint { service, ip, port }) => json!({"serviceName": service, "ipv4": ip.to_string(), "port": port}),
        None => Json::Null,
    };
    let annotations = old
        .annotations
        .iter()
        .map(|(timestamp, value, host)| json!({"timestamp": timestamp, "value": value, "endpoint": endpoint(host)}));
    let annotations: Vec<_> = annotations.collect();
    let tags: Vec<_> = old
        .tags
        .iter()
        .map(|(key, value, host)| json!({"key": key, "value": value, "endpoint": endpoint(host)}))
        .collect();
    json!({
        "traceId": format!("{:032x}", old.trace_id), "id": format!("{:x}", old.id),
        "parentId": format!("{:016x}", old.parent), "name": old.name, "timestamp": old.timestamp,
        "duration": old.duration, "annotations": annotations, "binaryAnnotations": tags,
    })
}

type Output<'a> = TBinaryOutputProtocol<&'a mut Vec<u8>>;

fn field(output: &mut Output<'_>, id: i16, kind: TType) -> thrift::Result<()> {
    output.write_field_begin(&TFieldIdentifier::new("field", kind, id))
}

fn long(output: &mut Output<'_>, id: i16, value: i64) -> thrift::Result<()> {
    field(output, id, TType::I64)?;
    output.write_i64(value)
}

fn string(output: &mut Output<'_>, id: i16, value: &str) -> thrift::Result<()> {
    field(output, id, TType::String)?;
    output.write_string(value)
}

fn list(output: &mut Output<'_>, id: i16, length: usize) -> thrift::Result<()> {
    field(output, id, TType::List)?;
    output.write_list_begin(&TListIdentifier::new(TType::Struct, length as i32))
}

fn host(output: &mut Output<'_>, id: i16, endpoint: &Option<Endpoint>) -> thrift::Result<()> {
    let Some(Endpoint { service, ip, port }) = endpoint else { return Ok(()) };
    field(output, id, TType::Struct)?;
    field(output, 1, TType::I32)?;
    output.write_i32(u32::from(*ip) as i32)?;
    field(output, 2, TType::I16)?;
    output.write_i16(*port as i16)?;
    string(output, 3, service)?;
    output.write_field_stop()
}

fn write(output: &mut Output<'_>, old: &Old) -> thrift::Result<()> {
    long(output, 1, old.trace_id as i64)?;
    string(output, 3, &old.name)?;
    long(output, 4, old.id as i64)?;
    long(output, 5, old.parent as i64)?;
    list(output, 6, old.annotations.len())?;
    for (timestamp, value, endpoint) in &old.annotations {
        long(output, 1, *timestamp)?;
        string(output, 2, value)?;
        host(output, 3, endpoint)?;
        output.write_field_stop()?;
    }
    list(output, 8, old.tags.len())?;
    for (key, value, endpoint) in &old.tags {
        string(output, 1, key)?;
        string(output, 2, value)?;
        field(output, 3, TType::I32)?;
        output.write_i32(6)?;
        host(output, 4, endpoint)?;
        output.write_field_stop()?;
    }
    if let Some(timestamp) = old.timestamp {
        long(output, 10, timestamp)?;
    }
    if let Some(duration) = old.duration {
        long(output, 11, duration)?;
    }
    long(output, 12, (old.trace_id >> 64) as i64)?;
    output.write_field_stop()
}

/// Both ways to write the spans, read.
fn read_both(spans: &[Old]) -> [Collected; 2] {
    let json = Json::Array(spans.iter().map(json_of).collect()).to_string();
    let mut body = Vec::new();
    let mut output = TBinaryOutputProtocol::new(&mut body, true);
    output.write_list_begin(&TListIdentifier::new(TType::Struct, spans.len() as i32)).expect("written");
    spans.iter().for_each(|old| write(&mut output, old).expect("written"));
    let read = [decode_zipkin_v1(json.as_bytes()), decode_zipkin_thrift(&body)];
    for collected in &read {
        assert_eq!((&collected.refusals, &collected.unreadable), (&vec![], &None), "{json}");
    }
    read
}

/// What is compared of a span.
fn shown(span: &Owned) -> String {
    // Only JSON says that there is no start.
    let tags: Vec<_> = span.tags.iter().filter(|tag| !tag.starts_with("otel.zipkin.absentField")).collect();
    let Owned { trace_id, span_id, service, process_tags, operation, references, start, duration, logs, .. } = span;
    format!(
        "{trace_id:?} {span_id:x} {service:?} {process_tags:?} {operation:?} {references:?} {start} {duration} {tags:?} {logs:?}"
    )
}

proptest! {
    #[test]
    fn json_and_thrift_say_the_same(spans in prop::collection::vec(old(&["web", "app", "db", ""], true), 0..4)) {
        let [json, thrift] = read_both(&spans);
        let shown = |collected: &Collected| collected.spans.iter().map(shown).collect::<Vec<_>>();
        prop_assert_eq!(shown(&json), shown(&thrift));
        prop_assert!(json.spans.len() >= spans.len());
    }

    /// However a span is split: ids and name stand in each part, each tag and each annotation
    /// without a meaning of its own in one.
    #[test]
    fn nothing_is_lost_or_doubled(span in old(&["web", "app", "db", ""], true)) {
        for collected in read_both(std::slice::from_ref(&span)) {
            let mut tags: Vec<_> = collected.spans.iter().flat_map(|part| part.tags.clone()).collect();
            tags.retain(|tag| !tag.starts_with("span.kind=") && !tag.starts_with("otel.zipkin.absentField"));
            let mut sent: Vec<_> = span.tags.iter().map(|(key, value, _)| format!("{key}={value}")).collect();
            tags.sort();
            sent.sort();
            prop_assert_eq!(tags, sent);
            let mut logs: Vec<_> = collected.spans.iter().flat_map(|part| part.logs.clone()).collect();
            logs.retain(|log| !CORE.iter().any(|core| log.ends_with(&format!("[event={core}]"))));
            let events = span.annotations.iter().filter(|(_, value, _)| !CORE.contains(&value.as_str()));
            let mut sent: Vec<_> = events.map(|(time, value, _)| format!("{time}[event={value}]")).collect();
            logs.sort();
            sent.sort();
            prop_assert_eq!(logs, sent);
            for part in &collected.spans {
                let trace_id = u128::from(part.trace_id.high) << 64 | u128::from(part.trace_id.low);
                prop_assert_eq!((trace_id, part.span_id, &part.operation), (span.trace_id, span.id, &span.name));
                let parent = part.references.first().map_or(0, |reference| reference.span_id);
                prop_assert_eq!(parent, if span.parent == span.id { 0 } else { span.parent });
            }
            let services: Vec<_> = collected.spans.iter().map(|part| (&part.service, &part.process_wire)).collect();
            for (index, service) in services.iter().enumerate() {
                prop_assert!(!services[..index].contains(service), "parts need names of their own: {services:?}");
            }
        }
    }

    /// Without other ends a span is one, with the span's own times or those of its annotations.
    #[test]
    fn a_span_of_one_service_is_one(span in old(&["web"], false)) {
        for collected in read_both(std::slice::from_ref(&span)) {
            prop_assert_eq!(collected.spans.len(), 1);
            let part = &collected.spans[0];
            let times = span.annotations.iter().map(|(time, ..)| *time);
            let (first, last) = (times.clone().min().unwrap_or(0), times.max().unwrap_or(0));
            let (start, duration) = match span.timestamp {
                Some(timestamp) => (timestamp, span.duration.unwrap_or(0)),
                None => (first, last - first),
            };
            prop_assert_eq!((part.start as i64, part.duration), (start, duration));
            let mut hosts = span.annotations.iter().map(|(time, _, host)| (*time, host.clone())).collect::<Vec<_>>();
            hosts.sort_by_key(|(time, _)| *time);
            let mut hosts = hosts.into_iter().map(|(_, host)| host).chain(span.tags.iter().map(|(.., host)| host.clone()));
            let host = hosts.find_map(|host| host);
            let expected = host.map_or_else(Vec::new, |Endpoint { ip, port, .. }| {
                let port = (port > 0).then(|| format!("port={port}"));
                std::iter::once(format!("ipv4={ip}")).chain(port).collect()
            });
            prop_assert_eq!(&part.process_tags, &expected);
            prop_assert_eq!(part.service.as_deref(), Some(if expected.is_empty() { "unknown-service" } else { "web" }));
        }
    }

    #[test]
    fn never_panics(span in old(&["web", "app"], true), place in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut body = Vec::new();
        let mut output = TBinaryOutputProtocol::new(&mut body, true);
        output.write_list_begin(&TListIdentifier::new(TType::Struct, 1)).expect("written");
        write(&mut output, &span).expect("written");
        for mut body in [body, Json::Array(vec![json_of(&span)]).to_string().into_bytes()] {
            let place = place.index(body.len());
            body[place] = byte;
            decode_zipkin_v1(&body);
            decode_zipkin_thrift(&body);
            decode_zipkin_thrift(&body[place..]);
        }
    }
}
