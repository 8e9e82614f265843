//! `zipkin_proto` beside prost.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;
use prost::Message;

use crate::decode::test_sink::{Owned, decode_zipkin_proto};

/// `zipkin.proto3`, with bytes for strings, as they need not be UTF-8.
#[derive(Clone, PartialEq, Message)]
struct ListOfSpans {
    #[prost(message, repeated, tag = "1")]
    spans: Vec<Span>,
}

#[derive(Clone, PartialEq, Message)]
struct Span {
    #[prost(bytes = "vec", tag = "1")]
    trace_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    parent_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    id: Vec<u8>,
    #[prost(int32, tag = "4")]
    kind: i32,
    #[prost(bytes = "vec", tag = "5")]
    name: Vec<u8>,
    #[prost(fixed64, tag = "6")]
    timestamp: u64,
    #[prost(uint64, tag = "7")]
    duration: u64,
    #[prost(message, optional, tag = "8")]
    local: Option<Endpoint>,
    #[prost(message, optional, tag = "9")]
    remote: Option<Endpoint>,
    #[prost(message, repeated, tag = "10")]
    annotations: Vec<Annotation>,
    #[prost(message, repeated, tag = "11")]
    tags: Vec<Entry>,
    #[prost(bool, tag = "12")]
    debug: bool,
    #[prost(bool, tag = "13")]
    shared: bool,
    /// What nobody knows.
    #[prost(bytes = "vec", tag = "99")]
    unknown: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct Endpoint {
    #[prost(bytes = "vec", tag = "1")]
    service: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    ipv4: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    ipv6: Vec<u8>,
    #[prost(int32, tag = "4")]
    port: i32,
}

#[derive(Clone, PartialEq, Message)]
struct Annotation {
    #[prost(fixed64, tag = "1")]
    timestamp: u64,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct Entry {
    #[prost(bytes = "vec", tag = "1")]
    key: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => super::any_text().prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 0..12),
    ]
}

fn id(most: usize) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => prop::collection::vec(any::<u8>(), most),
        1 => prop::collection::vec(any::<u8>(), 0..=most + 1),
    ]
}

fn endpoint() -> impl Strategy<Value = Option<Endpoint>> {
    let address = |length: usize| prop_oneof![prop::collection::vec(any::<u8>(), length), Just(vec![1, 2, 3])];
    let endpoint = (bytes(), address(4), address(16), -1..70_000_i32)
        .prop_map(|(service, ipv4, ipv6, port)| Endpoint { service, ipv4, ipv6, port });
    prop::option::of(endpoint)
}

fn span() -> impl Strategy<Value = Span> {
    let time = || prop_oneof![Just(0), 1..u64::MAX, Just(1_795_238_539_752_374)];
    // Without bars, which OpenTelemetry's events have.
    let annotation =
        (time(), "[a-z é]{0,9}").prop_map(|(timestamp, value)| Annotation { timestamp, value: value.into_bytes() });
    let key = prop_oneof![bytes(), "[ab]{1,2}".prop_map(String::into_bytes)];
    let tag = (key, bytes()).prop_map(|(key, value)| Entry { key, value });
    let ids = (id(16), prop_oneof![Just(Vec::new()), id(8)], id(8));
    let lists = (prop::collection::vec(annotation, 0..4), prop::collection::vec(tag, 0..12));
    (ids, -1..6_i32, bytes(), time(), time(), (endpoint(), endpoint()), lists, (any::<bool>(), bytes())).prop_map(
        |(ids, kind, name, timestamp, duration, (local, remote), (annotations, tags), (flag, unknown))| {
            let (trace_id, parent_id, id) = ids;
            let (debug, shared) = (flag, !flag);
            Span {
                trace_id,
                parent_id,
                id,
                kind,
                name,
                timestamp,
                duration,
                local,
                remote,
                annotations,
                tags,
                debug,
                shared,
                unknown,
            }
        },
    )
}

/// Each bad byte as one U+FFFD, as Go reads it.
fn text(bytes: &[u8]) -> String {
    bytes.utf8_chunks().map(|chunk| chunk.valid().to_owned() + &"\u{fffd}".repeat(chunk.invalid().len())).collect()
}

fn number(bytes: &[u8]) -> u128 {
    bytes.iter().fold(0, |number, &byte| number << 8 | u128::from(byte))
}

/// What is compared of a span; `None` if it is to be refused.
fn expected(span: &Span) -> Option<String> {
    let lengths = span.trace_id.len() <= 16 && span.id.len() <= 8 && span.parent_id.len() <= 8;
    let (trace_id, id, parent) = (number(&span.trace_id), number(&span.id), number(&span.parent_id));
    if !lengths || trace_id == 0 || id == 0 {
        return None;
    }
    let parent = if parent == id { 0 } else { parent };
    let mut tags: Vec<(String, String)> = Vec::new();
    for Entry { key, value } in &span.tags {
        match tags.iter_mut().find(|(other, _)| *other == text(key)) {
            Some((_, old)) => *old = text(value),
            None => tags.push((text(key), text(value))),
        }
    }
    for (endpoint, host) in [(&span.local, "net.host"), (&span.remote, "net.peer")] {
        let Some(endpoint) = endpoint else { continue };
        let address = |bytes: &[u8]| {
            <[u8; 4]>::try_from(bytes).map(|bytes| IpAddr::V4(Ipv4Addr::from(bytes))).ok().or_else(|| {
                <[u8; 16]>::try_from(bytes).map(|bytes| IpAddr::V6(Ipv6Addr::from(bytes)).to_canonical()).ok()
            })
        };
        if host == "net.peer" && !endpoint.service.is_empty() {
            tags.push(("peer.service".to_owned(), text(&endpoint.service)));
        }
        let address = address(&endpoint.ipv6).or(address(&endpoint.ipv4));
        tags.extend(address.map(|address| (format!("{host}.ip"), address.to_string())));
        if (1..=65_535).contains(&endpoint.port) {
            tags.push((format!("{host}.port"), endpoint.port.to_string()));
        }
    }
    if let Some(kind) = [None, Some("client"), Some("server"), Some("producer"), Some("consumer")]
        .get(usize::try_from(span.kind).unwrap_or(9))
        .copied()
        .flatten()
    {
        tags.push(("span.kind".to_owned(), kind.to_owned()));
    }
    let time = |micros: u64| if micros > i64::MAX as u64 { 0 } else { micros };
    let log = |log: &Annotation| match &*log.value {
        b"" => format!("{}[]", time(log.timestamp)),
        value => format!("{}[event={}]", time(log.timestamp), text(value)),
    };
    let logs: Vec<_> = span.annotations.iter().map(log).collect();
    let tags: Vec<_> = tags.into_iter().map(|(key, value)| format!("{key}={value}")).collect();
    let service = span.local.as_ref().map(|local| text(&local.service)).filter(|name| !name.is_empty());
    let (start, duration) = (time(span.timestamp), time(span.duration));
    let (name, debug) = (text(&span.name), span.debug);
    Some(format!("{trace_id:x} {id:x} {parent:x} {name:?} {service:?} {start} {duration} {debug} {tags:?} {logs:?}"))
}

fn ours(span: &Owned) -> String {
    let trace_id = u128::from(span.trace_id.high) << 64 | u128::from(span.trace_id.low);
    let parent = span.references.first().map_or(0, |reference| reference.span_id);
    let Owned { span_id, operation, service, start, duration, debug, tags, logs, .. } = span;
    format!(
        "{trace_id:x} {span_id:x} {parent:x} {operation:?} {service:?} {start} {duration} {debug} {tags:?} {logs:?}"
    )
}

/// Holds a body against prost's reading, if that can read it.
fn check(name: &str, body: &[u8]) -> bool {
    let Ok(list) = ListOfSpans::decode(body) else { return false };
    let theirs: Vec<Option<String>> = list.spans.iter().map(expected).collect();
    let collected = decode_zipkin_proto(body);
    assert_eq!(collected.unreadable, None, "{name}");
    assert_eq!(
        collected.spans.iter().map(ours).collect::<Vec<_>>(),
        theirs.iter().flatten().cloned().collect::<Vec<_>>()
    );
    assert_eq!(collected.refusals.len(), theirs.iter().filter(|span| span.is_none()).count(), "{name}");
    for span in &collected.spans {
        let alone = Span::decode(&*span.wire).expect("a span's bytes are a span");
        assert_eq!(expected(&alone), Some(ours(span)), "{name}");
    }
    true
}

#[test]
fn captured_bodies() {
    // Tags that mean something, as errors do, are the business of the golden tests.
    let is_plain = |body: &[u8]| !body.windows(7).any(|window| window == b"\x0a\x05error");
    let bodies: Vec<_> = super::captured("envoy", ".pb").into_iter().filter(|(_, body)| is_plain(body)).collect();
    assert!(bodies.len() > 8);
    for (name, body) in bodies {
        assert!(check(&name, &body), "{name}");
    }
}

proptest! {
    #[test]
    fn reads_what_prost_reads(spans in prop::collection::vec(span(), 0..4)) {
        let list = ListOfSpans { spans };
        prop_assert!(check("generated", &list.encode_to_vec()));
    }

    /// A message may come in pieces, in any order: later ones count, lists go on. (An id that is
    /// none is refused even if another one comes later.)
    #[test]
    fn pieces_are_put_together(one in span(), other in span()) {
        prop_assume!(one.trace_id.len() <= 16 && one.id.len() <= 8 && one.parent_id.len() <= 8);
        let pieces = [one.encode_to_vec(), other.encode_to_vec()].concat();
        let mut body = Vec::new();
        prost::encoding::bytes::encode(1, &pieces, &mut body);
        prop_assert!(check("in pieces", &body));
    }

    #[test]
    fn never_panics(spans in prop::collection::vec(span(), 1..3), place in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut body = ListOfSpans { spans }.encode_to_vec();
        let place = place.index(body.len());
        body[place] = byte;
        decode_zipkin_proto(&body);
        decode_zipkin_proto(&body[place..]);
    }
}
