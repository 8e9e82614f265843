use crate::decode::Limits;
use crate::decode::test_sink::{decode_jaeger_proto, decode_jaeger_proto_within};
use crate::span::Reason;

fn field(number: u8, value: impl AsRef<[u8]>) -> Vec<u8> {
    let value = value.as_ref();
    assert!(value.len() < 1 << 14, "two bytes of length");
    [&[number << 3 | 2, value.len() as u8 | 0x80, (value.len() >> 7) as u8], value].concat()
}

fn span(id: u64, more: &[Vec<u8>]) -> Vec<u8> {
    let start = field(6, [8, 5]);
    [field(1, [7; 16]), field(2, id.to_be_bytes()), field(3, "op"), start, more.concat()].concat()
}

fn process(name: &str) -> Vec<u8> {
    field(1, name)
}

fn request(spans: &[Vec<u8>]) -> Vec<u8> {
    let spans: Vec<_> = spans.iter().map(|span| field(1, span)).collect();
    field(1, [spans.concat(), field(2, process("web"))].concat())
}

#[test]
fn the_process_stands_behind_the_spans_or_in_them() {
    let own = field(10, process("own"));
    let body = request(&[span(1, &[]), span(2, &[own]), span(3, &[]), span(4, &[]), span(5, &[field(10, "")])]);
    let collected = decode_jaeger_proto(&body);
    let services: Vec<_> = collected.spans.iter().map(|span| span.service.as_deref().unwrap_or("none")).collect();
    assert_eq!((services, collected.processes), (vec!["web", "own", "web", "web", ""], 4));
    assert_eq!(collected.spans[0].process_wire, process("web"));
    // Its bytes are among those of the span.
    assert!(collected.spans[1].process_wire.is_empty());
    assert_eq!((collected.spans[0].start, &collected.spans[0].wire), (5_000_000, &span(1, &[])));
    let without = decode_jaeger_proto(&field(1, field(1, span(1, &[]))));
    assert_eq!(without.spans[0].service, None);
    let nameless = decode_jaeger_proto(&field(1, field(1, field(3, "op"))));
    assert!(nameless.spans[0].trace_id.is_zero());
}

#[test]
fn a_span_that_cannot_be_read_is_refused_alone() {
    for (bad, reason) in [
        (span(1, &[field(1, "")]), Reason::TraceId),
        (span(1, &[field(1, [1; 5])]), Reason::TraceId),
        (span(1, &[field(2, [1; 4])]), Reason::SpanId),
        (span(1, &[field(6, [16, 0xff, 0xff, 0xff, 0xff, 0x7f])]), Reason::Time),
        (span(1, &[field(7, [8, 1, 16, 0xfb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1])]), Reason::Time),
        (span(1, &[field(4, field(1, [1; 3]))]), Reason::TraceId),
        (span(1, &[vec![8 << 3 | 2, 90]]), Reason::Truncated),
    ] {
        let collected = decode_jaeger_proto(&request(&[span(1, &[]), bad, span(2, &[])]));
        assert_eq!((collected.spans.len(), collected.refusals.len()), (2, 1), "{reason:?}");
        assert_eq!((collected.refusals[0].reason, collected.unreadable), (reason, None));
    }
}

#[test]
fn limits_refuse_the_span_that_passes_them() {
    let limits = Limits { depth: 4, tags: 1, logs: 1, spans: 5 };
    let (tag, log) = (field(1, "k"), field(9, field(2, field(1, "k"))));
    let reference = field(4, field(2, [1; 8]));
    let body = request(&[
        span(1, &[field(8, &tag), field(8, &tag)]),
        span(2, &[log.clone(), log.clone()]),
        span(3, &[reference.clone(), reference.clone()]),
        span(4, &[field(10, [field(2, &tag), field(2, &tag)].concat())]),
        span(5, &[field(8, &tag), log, reference]),
        span(6, &[]),
    ]);
    let collected = decode_jaeger_proto_within(&body, &limits);
    assert_eq!((collected.spans.len(), collected.refusals.len()), (1, 5));
    assert!(collected.refusals.iter().all(|refusal| matches!(refusal.reason, Reason::Limit(_))));
}

#[test]
fn what_cannot_be_found_is_refused_as_a_whole() {
    let body = request(&[span(1, &[]), span(2, &[])]);
    for body in [&body[..body.len() - 1], &body[..20], b"\x08\x01", b"\x0a\xff\xff\xff\xff\x0f", b"\x0b"] {
        let collected = decode_jaeger_proto(body);
        assert!(collected.unreadable.is_some(), "{body:?}");
        assert_eq!((collected.spans.len(), collected.refusals.len()), (0, 0));
    }
    assert_eq!(decode_jaeger_proto(b"").unreadable, None);
}
