use super::*;
use crate::decode::test_sink::{decode_zipkin_thrift, decode_zipkin_thrift_within};
use crate::span::Limit;

fn field(kind: u8, id: u8, value: &[u8]) -> Vec<u8> {
    [&[kind, 0, id][..], value].concat()
}

fn text(id: u8, text: &[u8]) -> Vec<u8> {
    field(11, id, &[&(text.len() as u32).to_be_bytes(), text].concat())
}

fn list(elements: &[Vec<u8>]) -> Vec<u8> {
    [&[12][..], &(elements.len() as u32).to_be_bytes(), &elements.concat()].concat()
}

/// A span that has ids and these further fields.
fn span(fields: &[Vec<u8>]) -> Vec<u8> {
    let ids = [field(10, 1, &7_u64.to_be_bytes()), field(10, 4, &5_u64.to_be_bytes())];
    [ids.concat(), fields.concat(), vec![0]].concat()
}

fn tag(key: &str, value_type: u8, value: &[u8]) -> Vec<u8> {
    [text(1, key.as_bytes()), text(2, value), field(8, 3, &[0, 0, 0, value_type]), vec![0]].concat()
}

fn tags(tags: &[Vec<u8>]) -> Vec<u8> {
    field(15, 8, &list(tags))
}

#[test]
fn an_empty_body_or_list_is_an_empty_list() {
    for body in [&b""[..], b"\x0c\0\0\0\0", b"\0\0\0\0\0", b"\x0c\0\0\0\0trailing"] {
        let collected = decode_zipkin_thrift(body);
        assert_eq!((collected.spans.len(), collected.refusals.len(), collected.unreadable), (0, 0, None), "{body:?}");
    }
}

#[test]
fn what_is_no_list_is_unreadable() {
    for body in [&b"[]"[..], b"\x0a\0\0\0\x01", b"\x0c\0\0", b"\x0c\xff\xff\xff\xff", b"\x08\0\0\0\x01\0\0\0\0"] {
        assert!(decode_zipkin_thrift(body).unreadable.is_some(), "{body:?}");
    }
}

#[test]
fn a_bad_span_is_refused_alone() {
    for (bad, reason) in [
        (vec![0], Reason::TraceId),
        ([field(10, 1, &[1; 8]), vec![0]].concat(), Reason::SpanId),
        (span(&[field(15, 6, &[8, 0, 0, 0, 1, 0, 0, 0, 0])]), Reason::Structure),
        (span(&[field(15, 8, &[8, 0, 0, 0, 1, 0, 0, 0, 0])]), Reason::Structure),
    ] {
        let collected = decode_zipkin_thrift(&list(&[span(&[]), bad, span(&[])]));
        let reasons: Vec<_> = collected.refusals.iter().map(|refusal| refusal.reason).collect();
        assert_eq!((collected.spans.len(), reasons), (2, vec![reason]));
    }
}

#[test]
fn spans_before_the_cut_stand() {
    let body = list(&[span(&[]), span(&[])]);
    let collected = decode_zipkin_thrift(&body[..body.len() - 1]);
    assert_eq!((collected.spans.len(), collected.refusals.len()), (1, 1));
    assert_eq!(collected.refusals[0].reason, Reason::Truncated);
}

#[test]
fn values_have_the_types_that_they_say() {
    let body = list(&[span(&[tags(&[
        tag("yes", 0, &[1]),
        tag("no", 0, &[2]),
        tag("bytes", 1, b"\x01\xff"),
        tag("i16", 2, &(-2_i16).to_be_bytes()),
        tag("i32", 3, &(-3_i32).to_be_bytes()),
        tag("i64", 4, &i64::MIN.to_be_bytes()),
        tag("double", 5, &0.5_f64.to_be_bytes()),
        tag("text", 6, "é".as_bytes()),
        tag("short", 3, &[1]),
        tag("odd", 7, b"x"),
    ])])]);
    let expected =
        "yes=true no=false bytes=Af8= i16=-2 i32=-3 i64=-9223372036854775808 double=0.5 text=é short=AQ== odd=eA==";
    assert_eq!(decode_zipkin_thrift(&body).spans[0].tags.join(" "), expected);
}

#[test]
fn the_status_comes_from_the_first_tag_that_says_one() {
    for (sent, expected) in [
        (
            vec![tag("http.status_code", 2, &500_i16.to_be_bytes())],
            "http.status_code=500 otel.status_code=ERROR error=true",
        ),
        (vec![tag("http.status_code", 6, b"503")], "http.status_code=503 otel.status_code=ERROR error=true"),
        (vec![tag("http.status_code", 6, b"204")], "http.status_code=204"),
        (vec![tag("error", 0, &[1])], "otel.status_code=ERROR error=true"),
        (vec![tag("error", 6, b"boom")], "error=boom otel.status_code=ERROR error=true"),
        (vec![tag("error", 6, b""), tag("otel.status_code", 6, b"0")], "otel.status_code=OK"),
        (
            vec![tag("census.status_code", 3, &[0, 0, 0, 5]), tag("census.status_description", 6, b"gone")],
            "otel.status_code=ERROR error=true otel.status_description=gone",
        ),
    ] {
        let body = list(&[span(&[tags(&sent)])]);
        assert_eq!(decode_zipkin_thrift(&body).spans[0].tags.join(" "), expected);
    }
}

#[test]
fn limits_refuse_the_span_that_passes_them() {
    let limits = Limits { depth: 3, tags: 2, logs: 1, spans: 3 };
    let log = || [text(2, b"x"), vec![0]].concat();
    let tag = || tag("a", 6, b"");
    let body = list(&[
        span(&[tags(&[tag(), tag(), tag()])]),
        span(&[field(15, 6, &list(&[log(), log()]))]),
        span(&[tags(&[tag(), tag()]), field(15, 6, &list(&[log()]))]),
        span(&[]),
    ]);
    let collected = decode_zipkin_thrift_within(&body, &limits);
    let reasons: Vec<_> = collected.refusals.iter().map(|refusal| refusal.reason).collect();
    assert_eq!(
        (collected.spans.len(), reasons),
        (1, [Limit::Tags, Limit::Logs, Limit::Spans].map(Reason::Limit).to_vec())
    );
}

#[test]
fn bombs_cost_nothing() {
    // Lists that claim 2³¹ elements: of spans, of annotations, of things nobody knows.
    let huge = b"\x0c\x7f\xff\xff\xff";
    assert!(decode_zipkin_thrift(huge).unreadable.is_some());
    for bomb in [field(15, 6, huge), field(15, 8, huge), field(15, 50, b"\x0f\x7f\xff\xff\xff"), text(3, b"")] {
        let mut body = list(&[span(&[bomb])]);
        body.truncate(body.len() - 1);
        assert_eq!(decode_zipkin_thrift(&body).spans.len(), 0);
    }
    // Structs in structs, and lists in lists.
    for nested in [b"\x0c\0\x32".repeat(1_000_000), [&b"\x0f\0\x32"[..], &b"\x0f\0\0\0\x01".repeat(1_000_000)].concat()]
    {
        let collected = decode_zipkin_thrift(&[b"\x0c\0\0\0\x01", nested.as_slice()].concat());
        assert_eq!(collected.spans.len(), 0);
        assert!(collected.unreadable.is_some());
    }
}

#[test]
fn wire_is_the_span_and_nothing_else() {
    let span = span(&[text(3, b"name")]);
    let collected = decode_zipkin_thrift(&list(std::slice::from_ref(&span)));
    assert_eq!(collected.spans[0].wire, span);
}

/// Field 9; what a span is split into wishes what it wishes.
#[test]
fn a_wish_to_be_kept_is_read() {
    let collected = decode_zipkin_thrift(&list(&[span(&[field(2, 9, &[1])]), span(&[field(2, 9, &[0])]), span(&[])]));
    let wishes: Vec<_> = collected.spans.iter().map(|span| span.debug).collect();
    assert_eq!(wishes, [true, false, false]);
}
