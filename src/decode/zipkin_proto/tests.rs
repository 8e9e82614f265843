use super::*;
use crate::decode::test_sink::{Collected, decode_zipkin_proto, decode_zipkin_proto_within};
use crate::span::Limit;
use prost::encoding;

fn bytes(number: u32, content: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    encoding::bytes::encode(number, &content.to_vec(), &mut out);
    out
}

/// A list of one span that has ids and these further fields.
fn with(fields: &[&[u8]]) -> Vec<u8> {
    let ids = [bytes(1, &[7; 8]), bytes(3, &[5; 8])].concat();
    bytes(1, &[&ids, fields.concat().as_slice()].concat())
}

fn one(fields: &[&[u8]]) -> Collected {
    let collected = decode_zipkin_proto(&with(fields));
    assert_eq!((&collected.refusals, &collected.unreadable, collected.spans.len()), (&vec![], &None, 1));
    collected
}

fn tag(key: &str, value: &str) -> Vec<u8> {
    bytes(11, &[bytes(1, key.as_bytes()), bytes(2, value.as_bytes())].concat())
}

#[test]
fn an_empty_body_is_an_empty_list() {
    let collected = decode_zipkin_proto(b"");
    assert_eq!((collected.spans.len(), collected.refusals.len(), collected.unreadable), (0, 0, None));
}

#[test]
fn lists_can_be_put_one_behind_the_other() {
    let body = [with(&[]), bytes(9, b"unknown"), with(&[&bytes(5, b"second")])].concat();
    let collected = decode_zipkin_proto(&body);
    assert_eq!(collected.spans.iter().map(|span| &*span.operation).collect::<Vec<_>>(), ["", "second"]);
}

#[test]
fn a_bad_span_is_refused_alone() {
    let good = with(&[]);
    for (bad, reason) in [
        (bytes(1, b""), Reason::TraceId),
        (bytes(1, &bytes(1, &[7; 8])), Reason::SpanId),
        (bytes(1, &bytes(1, &[7; 17])), Reason::TraceId),
        (with(&[&bytes(3, &[7; 9])]), Reason::SpanId),
        (with(&[&bytes(2, &[7; 9])]), Reason::ParentId),
        (with(&[&bytes(1, &[0; 16])]), Reason::TraceId),
        // It ends too early, or makes no sense: the list goes on behind it.
        (with(&[b"\x5a\x7f"]), Reason::Structure),
        (with(&[b"\x0f"]), Reason::Structure),
        (with(&[&[0x7b; 70]]), Reason::Limit(Limit::Depth)),
    ] {
        let collected = decode_zipkin_proto(&[&good[..], &bad, &good].concat());
        let reasons: Vec<_> = collected.refusals.iter().map(|refusal| refusal.reason).collect();
        assert_eq!((collected.spans.len(), reasons), (2, vec![reason]), "{bad:?}");
    }
}

#[test]
fn spans_before_the_cut_stand() {
    let body = [with(&[]), with(&[])].concat();
    let collected = decode_zipkin_proto(&body[..body.len() - 1]);
    assert_eq!((collected.spans.len(), collected.refusals.len()), (1, 1));
    assert_eq!(collected.refusals[0].reason, Reason::Truncated);
    assert!(decode_zipkin_proto(b"hello").unreadable.is_some());
    assert!(decode_zipkin_proto(&with(&[])[..9]).unreadable.is_some());
}

#[test]
fn groups_are_passed_over() {
    let group = [&[0x7b][..], &bytes(3, b"in it"), &[0x7c]].concat();
    assert_eq!(one(&[&group, &bytes(5, b"name")]).spans[0].operation, "name");
}

#[test]
fn limits_refuse_the_span_that_passes_them() {
    let limits = Limits { depth: 3, tags: 2, logs: 1, spans: 3 };
    let log = bytes(10, &bytes(2, b"x"));
    let body = [
        with(&[&tag("a", ""), &tag("b", ""), &tag("c", "")]),
        with(&[&log, &log]),
        with(&[&tag("a", ""), &tag("b", ""), &log]),
        with(&[]),
    ];
    let collected = decode_zipkin_proto_within(&body.concat(), &limits);
    let reasons: Vec<_> = collected.refusals.iter().map(|refusal| refusal.reason).collect();
    assert_eq!(
        (collected.spans.len(), reasons),
        (1, [Limit::Tags, Limit::Logs, Limit::Spans].map(Reason::Limit).to_vec())
    );
}

#[test]
fn bombs_cost_nothing() {
    let collected = decode_zipkin_proto(&with(&[&vec![0x7b; 1_000_000]]));
    assert_eq!((collected.spans.len(), collected.refusals[0].reason), (0, Reason::Limit(Limit::Depth)));
    assert!(decode_zipkin_proto(&vec![0x0b; 1_000_000]).unreadable.is_some());
    // Lengths that lie, at each level.
    for lie in [&b"\x0a\xff\xff\xff\xff\x07"[..], b"\x0a\x06\x5a\xff\xff\xff\xff\x07", b"\x0a\x02\x42\x7f"] {
        assert_eq!(decode_zipkin_proto(lie).spans.len(), 0);
    }
}

#[test]
fn tags_that_mean_something_do_so() {
    let span = &one(&[&tag("error", "boom"), &tag("service.version", "3"), &tag("otel.status_code", "Ok")]).spans[0];
    assert_eq!(span.tags.join(" "), "error=boom otel.status_code=ERROR error=true");
    assert_eq!(span.process_tags, ["service.version=3"]);
}

#[test]
fn events_of_opentelemetry_get_their_attributes_back() {
    let log = bytes(10, &bytes(2, br#"done|{"n":5,"bad":"a"}|0"#));
    let broken = bytes(10, &bytes(2, b"b\xff|x"));
    assert_eq!(one(&[&log, &broken]).spans[0].logs, ["0[event=done n=5 bad=a]", "0[event=b\u{fffd}]"]);
}

#[test]
fn wire_is_the_span_and_nothing_else() {
    let body = with(&[&tag("a", "b")]);
    let collected = one(&[&tag("a", "b")]);
    assert_eq!(collected.spans[0].wire, &body[2..]);
    assert!(collected.spans[0].process_wire.is_empty());
}
