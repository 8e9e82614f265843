use crate::decode::Limits;
use crate::decode::test_sink::{Collected, decode_otlp, decode_otlp_within};
use crate::span::{Limit, Reason};

/// Writes protobuf by hand: enough to make messages that no library would write.
#[derive(Default, Clone)]
struct Bytes(Vec<u8>);

impl Bytes {
    fn varint(mut self, mut value: u64) -> Self {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
        self
    }

    fn bytes(self, number: u64, value: impl AsRef<[u8]>) -> Self {
        let mut bytes = self.varint(number << 3 | 2).varint(value.as_ref().len() as u64);
        bytes.0.extend(value.as_ref());
        bytes
    }

    fn inner(self, number: u64, inner: &Bytes) -> Self {
        self.bytes(number, &inner.0)
    }

    fn int(self, number: u64, value: u64) -> Self {
        self.varint(number << 3).varint(value)
    }

    fn fixed(self, number: u64, value: u64) -> Self {
        let mut bytes = self.varint(number << 3 | 1);
        bytes.0.extend(value.to_le_bytes());
        bytes
    }
}

fn bytes() -> Bytes {
    Bytes::default()
}

fn attribute(key: &str, value: &str) -> Bytes {
    bytes().bytes(1, key).inner(2, &bytes().bytes(1, value))
}

fn resource(service: &str) -> Bytes {
    bytes().inner(1, &attribute("service.name", service))
}

fn scope() -> Bytes {
    bytes().bytes(1, "lib").bytes(2, "1.0")
}

fn span(id: u64) -> Bytes {
    bytes().bytes(1, [7; 16]).bytes(2, id.to_be_bytes()).bytes(5, "op").fixed(7, 5_000_000).fixed(8, 9_000_999)
}

fn one_group(spans: &[Bytes]) -> Bytes {
    let scope_spans = spans.iter().fold(bytes().inner(1, &scope()), |group, span| group.inner(2, span));
    bytes().inner(1, &bytes().inner(1, &resource("web")).inner(2, &scope_spans))
}

fn decode(spans: &[Bytes]) -> Collected {
    decode_otlp(&one_group(spans).0)
}

#[test]
fn what_stands_over_spans_may_stand_behind_them() {
    let scope_before = bytes().inner(1, &scope()).inner(2, &span(1)).inner(2, &span(2));
    let scope_behind = bytes().inner(2, &span(1)).inner(2, &span(2)).inner(1, &scope());
    for scope_spans in [scope_before, scope_behind] {
        for group in [
            bytes().inner(1, &resource("web")).inner(2, &scope_spans),
            bytes().inner(2, &scope_spans).inner(1, &resource("web")),
            bytes().int(99, 1).inner(2, &scope_spans).bytes(3, "url").inner(1, &resource("web")),
        ] {
            let collected = decode_otlp(&bytes().inner(1, &group).0);
            assert_eq!((collected.spans.len(), collected.processes), (2, 1));
            let last = &collected.spans[1];
            assert_eq!(last.service.as_deref(), Some("web"));
            assert_eq!(last.tags, ["otel.scope.name=lib", "otel.scope.version=1.0"]);
            assert_eq!((&last.process_wire, &last.scope_wire), (&resource("web").0, &scope().0));
            assert_eq!((&last.wire, last.start, last.duration), (&span(2).0, 5000, 4000));
        }
    }
}

#[test]
fn a_resource_or_scope_is_not_that_of_the_group_before() {
    let named = bytes().inner(1, &resource("web")).inner(2, &bytes().inner(1, &scope()).inner(2, &span(1)));
    let bare = bytes().inner(2, &bytes().inner(2, &span(2)));
    let collected = decode_otlp(&bytes().inner(1, &named).inner(1, &bare).0);
    let last = &collected.spans[1];
    assert_eq!((&last.service, last.tags.len(), last.process_wire.len(), last.scope_wire.len()), (&None, 0, 0, 0));
}

#[test]
fn a_span_that_cannot_be_read_is_refused_alone() {
    for (bad, reason) in [
        (bytes().bytes(2, [1; 8]), Reason::TraceId),
        (bytes().bytes(1, [0; 16]).bytes(2, [1; 8]), Reason::TraceId),
        (span(1).bytes(1, [1; 8]), Reason::TraceId),
        (span(0), Reason::SpanId),
        (span(1).bytes(2, [1; 16]), Reason::SpanId),
        (span(1).bytes(4, [1; 4]), Reason::ParentId),
        (span(1).inner(13, &bytes().bytes(1, [1; 8])), Reason::Structure),
        (span(1).int(0, 1), Reason::Truncated),
        (span(1).inner(9, &bytes().varint(1 << 3 | 2).varint(1 << 60)), Reason::Truncated),
    ] {
        let collected = decode(&[span(1), bad, span(3)]);
        assert_eq!((collected.spans.len(), collected.refusals.len()), (2, 1), "{reason:?}");
        assert_eq!((collected.refusals[0].reason, collected.unreadable), (reason, None));
    }
}

#[test]
fn under_a_bad_resource_or_scope_each_span_is_refused() {
    let good = bytes().inner(1, &resource("web")).inner(2, &bytes().inner(2, &span(1)));
    let broken = bytes().varint(1 << 3 | 2).varint(50);
    for bad in [
        bytes().inner(1, &broken).inner(2, &bytes().inner(2, &span(1)).inner(2, &span(2))),
        bytes().inner(1, &resource("web")).inner(2, &bytes().inner(1, &broken).inner(2, &span(1)).inner(2, &span(2))),
    ] {
        let collected = decode_otlp(&bytes().inner(1, &good).inner(1, &bad).inner(1, &good).0);
        assert_eq!((collected.spans.len(), collected.refusals.len()), (2, 2));
    }
}

#[test]
fn spans_before_the_cut_stand() {
    let body = one_group(&[span(1), span(2), span(3)]).0;
    let collected = decode_otlp(&body[..body.len() - 10]);
    assert_eq!((collected.spans.len(), collected.refusals.len()), (2, 1));
    assert_eq!(collected.refusals[0].reason, Reason::Truncated);
    // Without the resource behind it nobody knows whose spans these are.
    let behind = bytes().inner(1, &bytes().inner(2, &bytes().inner(2, &span(1))).inner(1, &resource("web"))).0;
    assert!(decode_otlp(&behind[..behind.len() - 1]).unreadable.is_some());
}

#[test]
fn lengths_are_not_believed() {
    for body in [&b"\x0a"[..], b"\x0a\xff\xff\xff\xff\x0f", b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", b"{}"] {
        assert!(decode_otlp(body).unreadable.is_some(), "{body:?}");
    }
    let collected = decode_otlp(b"");
    assert_eq!((collected.spans.len(), collected.unreadable), (0, None));
}

/// Lists in lists, or maps in maps, so many deep.
fn nested(levels: usize, is_map: bool) -> Vec<u8> {
    // From the inside outwards; the pieces are joined in reverse, so that it costs no squares.
    let (mut pieces, mut length) = (Vec::new(), 0);
    for _ in 0..levels {
        for number in if is_map { &[2, 1, 6][..] } else { &[1, 5] } {
            let head = bytes().varint(number << 3 | 2).varint(length as u64).0;
            length += head.len();
            pieces.push(head);
        }
    }
    pieces.reverse();
    pieces.concat()
}

#[test]
fn values_nest_to_a_depth() {
    let limits = Limits { depth: 10, ..Limits::default() };
    for is_map in [false, true] {
        let with = |levels| span(1).inner(9, &bytes().bytes(1, "deep").bytes(2, nested(levels, is_map)));
        let body = |levels| one_group(&[with(levels), span(2)]).0;
        let shallow = decode_otlp_within(&body(10), &limits);
        assert_eq!((shallow.spans.len(), shallow.refusals.len()), (2, 0));
        for levels in [11, 1_000_000] {
            let deep = decode_otlp_within(&body(levels), &limits);
            assert_eq!((deep.spans.len(), deep.refusals.len()), (1, 1));
            assert_eq!(deep.refusals[0].reason, Reason::Limit(Limit::Depth));
        }
    }
}

#[test]
fn limits_refuse_the_span_that_passes_them() {
    let limits = Limits { depth: 4, tags: 3, logs: 1, spans: 5 };
    let (tag, event, link) = (attribute("k", "v"), bytes().bytes(2, "e"), bytes().bytes(1, [1; 16]));
    let spans = [
        span(1).inner(9, &tag).inner(9, &tag),
        span(2).inner(11, &event).inner(11, &event),
        span(3).inner(13, &link).inner(13, &link),
        span(4).inner(11, &event.clone().inner(3, &tag).inner(3, &tag).inner(3, &tag)),
        span(5).inner(9, &tag).inner(11, &event.inner(3, &tag)).inner(13, &link),
        span(6),
    ];
    let collected = decode_otlp_within(&one_group(&spans).0, &limits);
    assert_eq!((collected.spans.len(), collected.refusals.len()), (1, 5));
    assert!(collected.refusals.iter().all(|refusal| matches!(refusal.reason, Reason::Limit(_))));
}

/// What a small body makes as text is bounded by its length.
#[test]
fn text_that_is_built_is_bounded() {
    let list = bytes().bytes(5, bytes().bytes(1, bytes().bytes(1, "<".repeat(5000)).0).0).0;
    let with_list = span(1).inner(9, &bytes().bytes(1, "list").bytes(2, &list));
    let collected = decode(&[with_list, span(2)]);
    assert_eq!((collected.spans.len(), collected.refusals.len()), (1, 1));
    assert_eq!(collected.refusals[0].reason, Reason::Limit(Limit::Built));
}
