//! `zipkin_json` beside serde_json.

use proptest::prelude::*;
use serde_json::Value as Json;

use crate::decode::test_sink::{Owned, decode_zipkin};

/// A span's members as `"key":value`, in any order, some absent, numbers in any spelling.
fn span() -> impl Strategy<Value = String> {
    let id = |digits: usize| prop::string::string_regex(&format!("\"[0-9a-f]{{1,{digits}}}\"")).expect("a pattern");
    let members = (
        (id(32), id(16), prop::option::of(id(16)), text()),
        (number(), number(), object(text(), 0..30), annotations()),
        (endpoint(), endpoint(), object(anything(), 0..3)),
    );
    (members, any::<bool>(), any::<[u8; 10]>()).prop_map(|(members, spaced, order)| {
        let ((trace, id, parent, name), (time, duration, tags, logs), (local, remote, unknown)) = members;
        let mut members = vec![
            format!(r#""traceId":{trace}"#),
            format!(r#""id":{id}"#),
            format!(r#""name":{name}"#),
            format!(r#""timestamp":{time}"#),
            format!(r#""duration":{duration}"#),
            format!(r#""tags":{tags}"#),
            format!(r#""annotations":{logs}"#),
            format!(r#""localEndpoint":{local}"#),
            format!(r#""remoteEndpoint":{remote}"#),
            format!(r#""unknown":{unknown}"#),
        ];
        members.extend(parent.map(|parent| format!(r#""parentId":{parent}"#)));
        for (place, other) in order.into_iter().enumerate() {
            let other = usize::from(other) % members.len();
            members.swap(place, other);
        }
        let comma = if spaced { " ,\n\t" } else { "," };
        format!("{{{}}}", members.join(comma))
    })
}

/// A string literal, escaped as serde_json does it, or every character as `\u`.
fn text() -> impl Strategy<Value = String> {
    let escaped = |text: &str| text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect::<String>();
    (any::<String>(), 0..8_u8).prop_map(move |(text, way)| match way {
        0 => format!("\"{}\"", escaped(&text)),
        _ => serde_json::to_string(&text).expect("text is JSON"),
    })
}

/// A time that fits 53 bits even with a digit behind the point, so that every spelling means the same to everybody.
fn number() -> impl Strategy<Value = String> {
    (1..900_000_000_000_000_u64, 0..6_u8).prop_map(|(number, way)| match way {
        0 => format!("\"{number}\""),
        1 => format!("{number}.0"),
        2 => format!("{number}e0"),
        3 => format!("\"{:e}\"", number as f64),
        4 => format!(" {number} "),
        _ => number.to_string(),
    })
}

fn object(value: impl Strategy<Value = String>, size: std::ops::Range<usize>) -> impl Strategy<Value = String> {
    prop::collection::vec((text(), value), size).prop_map(|members| {
        let members: Vec<_> = members.into_iter().map(|(key, value)| format!("{key}:{value}")).collect();
        format!("{{{}}}", members.join(","))
    })
}

fn anything() -> impl Strategy<Value = String> {
    prop_oneof![text(), number(), Just("null".to_owned()), Just("[{},[1,true]]".to_owned())]
}

fn annotations() -> impl Strategy<Value = String> {
    let annotation = (number(), "[a-z \u{e9}\u{1f600}\"\\\\]{1,12}").prop_map(|(time, text)| {
        format!(r#"{{"value":{},"timestamp":{time}}}"#, serde_json::to_string(&text).expect("text is JSON"))
    });
    prop::collection::vec(annotation, 0..4).prop_map(|annotations| format!("[{}]", annotations.join(", ")))
}

fn endpoint() -> impl Strategy<Value = String> {
    (text(), any::<std::net::Ipv4Addr>(), any::<u16>())
        .prop_map(|(service, ip, port)| format!(r#"{{"port":{port},"ipv4":"{ip}","serviceName":{service}}}"#))
}

/// Microseconds, in whatever spelling.
fn micros(value: &Json) -> u64 {
    let parsed = value.as_str().map(|text| text.parse::<f64>().expect("a number"));
    parsed.or(value.as_f64()).expect("a number") as u64
}

fn id(value: &Json) -> u128 {
    u128::from_str_radix(value.as_str().expect("an id"), 16).expect("hexadecimal")
}

fn text_of<'j>(value: &'j Json, key: &str) -> &'j str {
    value[key].as_str().expect("text")
}

/// The tags of a span in Jaeger's model, sorted.
fn expected_tags(span: &Json) -> Vec<String> {
    let tags = span["tags"].as_object().expect("an object").iter();
    let mut tags: Vec<String> = tags.map(|(key, value)| format!("{key}={}", value.as_str().expect("text"))).collect();
    for (endpoint, host) in [("localEndpoint", "net.host"), ("remoteEndpoint", "net.peer")] {
        let endpoint = &span[endpoint];
        tags.push(format!("{host}.ip={}", text_of(endpoint, "ipv4")));
        if endpoint["port"] != 0 {
            tags.push(format!("{host}.port={}", endpoint["port"]));
        }
    }
    let peer = text_of(&span["remoteEndpoint"], "serviceName");
    tags.extend((!peer.is_empty()).then(|| format!("peer.service={peer}")));
    tags.sort();
    tags
}

fn expected_logs(span: &Json) -> Vec<String> {
    let logs = span["annotations"].as_array().expect("a list").iter();
    logs.map(|log| format!("{}[event={}]", micros(&log["timestamp"]), text_of(log, "value"))).collect()
}

fn check(ours: &Owned, span: &Json) {
    let mut tags = ours.tags.clone();
    tags.sort();
    assert_eq!(tags, expected_tags(span));
    assert_eq!(ours.logs, expected_logs(span));
    assert_eq!(ours.operation, text_of(span, "name"));
    assert_eq!(ours.service.as_deref().unwrap_or(""), text_of(&span["localEndpoint"], "serviceName"));
    assert_eq!((ours.start, ours.duration), (micros(&span["timestamp"]), micros(&span["duration"]) as i64));
    let trace_id = u128::from(ours.trace_id.high) << 64 | u128::from(ours.trace_id.low);
    assert_eq!((trace_id, u128::from(ours.span_id)), (id(&span["traceId"]), id(&span["id"])));
    let parent = span.get("parentId").map_or(0, id);
    let parent = if parent == id(&span["id"]) { 0 } else { parent };
    assert_eq!(ours.references.first().map_or(0, |reference| u128::from(reference.span_id)), parent);
    assert_eq!(&serde_json::from_slice::<Json>(&ours.wire).expect("a span is JSON"), span);
}

proptest! {
    #[test]
    fn reads_what_serde_json_reads(spans in prop::collection::vec(span(), 0..5)) {
        let body = format!("[{}]", spans.join(","));
        let theirs: Vec<Json> = serde_json::from_str(&body).expect("good JSON");
        let has_ids = |span: &&Json| id(&span["traceId"]) != 0 && id(&span["id"]) != 0;
        let ours = decode_zipkin(body.as_bytes());
        let theirs: Vec<&Json> = theirs.iter().filter(has_ids).collect();
        prop_assert_eq!(ours.spans.len(), theirs.len(), "{:?}", ours.refusals);
        for (ours, theirs) in ours.spans.iter().zip(theirs) {
            check(ours, theirs);
        }
    }

    /// Two good spans around one with a byte changed: the neighbours are never lost, unless the
    /// change is one that moves where the span ends.
    #[test]
    fn a_damaged_span_costs_no_neighbour(
        spans in prop::collection::vec(span(), 3), place in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let mut middle = spans[1].clone().into_bytes();
        let place = place.index(middle.len());
        let structural = |byte: u8| b"\"\\{}[],".contains(&byte);
        prop_assume!(!structural(byte) && !structural(middle[place]));
        middle[place] = byte;
        let body = [b"[", spans[0].as_bytes(), b",", &middle, b",", spans[2].as_bytes(), b"]"].concat();
        let good = |span: &String| decode_zipkin(span.as_bytes()).spans.len();
        let ours = decode_zipkin(&body);
        prop_assert!(ours.spans.len() >= good(&spans[0]) + good(&spans[2]));
        prop_assert_eq!(ours.spans.len() + ours.refusals.len(), 3);
    }

    #[test]
    fn never_panics(body in prop::collection::vec(prop_oneof![Just(b'"'), Just(b'{'), Just(b'}'), any::<u8>()], 0..300)) {
        decode_zipkin(&body);
        decode_zipkin(&[b"[{\"tags\":{\"", body.as_slice()].concat());
    }
}
