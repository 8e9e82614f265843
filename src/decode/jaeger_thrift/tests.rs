use super::*;
use crate::decode::test_sink::{Collected, decode_thrift, decode_thrift_within};

/// Writes the binary protocol by hand: enough to make batches that no library would write.
#[derive(Default, Clone)]
struct Bytes(Vec<u8>);

impl Bytes {
    fn field(mut self, kind: u8, id: i16) -> Self {
        self.0.push(kind);
        self.0.extend(id.to_be_bytes());
        self
    }

    fn i64(self, id: i16, value: i64) -> Self {
        let mut bytes = self.field(10, id);
        bytes.0.extend(value.to_be_bytes());
        bytes
    }

    fn i32(self, id: i16, value: i32) -> Self {
        let mut bytes = self.field(8, id);
        bytes.0.extend(value.to_be_bytes());
        bytes
    }

    fn text(self, id: i16, value: &str) -> Self {
        let mut bytes = self.field(11, id);
        bytes.0.extend((value.len() as i32).to_be_bytes());
        bytes.0.extend(value.as_bytes());
        bytes
    }

    fn inner(self, id: i16, inner: Bytes) -> Self {
        let mut bytes = self.field(12, id);
        bytes.0.extend(inner.stop());
        bytes
    }

    fn list(self, id: i16, elements: &[Bytes]) -> Self {
        let mut bytes = self.field(15, id);
        bytes.0.push(12);
        bytes.0.extend((elements.len() as i32).to_be_bytes());
        elements.iter().for_each(|element| bytes.0.extend(element.clone().stop()));
        bytes
    }

    fn stop(self) -> Vec<u8> {
        [self.0, vec![0]].concat()
    }
}

fn bytes() -> Bytes {
    Bytes::default()
}

fn process() -> Bytes {
    bytes().text(1, "web").list(2, &[bytes().text(1, "host").i32(2, 0).text(3, "n1")])
}

fn span(id: i64) -> Bytes {
    bytes().i64(1, 5).i64(2, 0).i64(3, id).i64(4, 0).text(5, "op").i32(7, 1).i64(8, 10).i64(9, 20)
}

fn decode(batch: Bytes) -> Collected {
    decode_thrift(&batch.stop())
}

#[test]
fn the_process_may_stand_behind_the_spans() {
    let spans = [span(1), span(2)];
    for batch in [
        bytes().inner(1, process()).list(2, &spans),
        bytes().list(2, &spans).inner(1, process()),
        bytes().list(2, &spans).i64(3, 9).inner(1, process()).i64(4, 9),
    ] {
        let collected = decode(batch);
        assert_eq!((collected.spans.len(), collected.unreadable), (2, None));
        assert_eq!(collected.spans[1].service.as_deref(), Some("web"));
        assert_eq!(collected.spans[1].process_tags, ["host=n1"]);
        assert_eq!(collected.spans[1].process_wire, process().stop());
        assert_eq!(collected.spans[1].wire, span(2).stop());
        assert_eq!(collected.spans[1].flags, 1);
    }
}

#[test]
fn a_batch_without_process_names_no_service() {
    let collected = decode(bytes().list(2, &[span(1)]));
    assert_eq!((collected.spans.len(), &collected.spans[0].service), (1, &None));
}

#[test]
fn a_span_without_a_required_field_is_refused_alone() {
    let whole = |id: i64, left_out: i16| {
        let mut bytes = bytes();
        for (field, value) in [(1, 5), (2, 0), (3, id), (4, 0), (8, 10), (9, 20)] {
            bytes = if field == left_out { bytes } else { bytes.i64(field, value) };
        }
        bytes = if left_out == 5 { bytes.i64(5, 0) } else { bytes.text(5, "op") };
        if left_out == 7 { bytes } else { bytes.i32(7, 1) }
    };
    for (field, reason) in [
        (1, Reason::TraceId),
        (2, Reason::TraceId),
        (3, Reason::SpanId),
        (4, Reason::ParentId),
        (5, Reason::Structure),
        (7, Reason::Structure),
        (8, Reason::Time),
        (9, Reason::Time),
    ] {
        let collected = decode(bytes().inner(1, process()).list(2, &[whole(1, 0), whole(2, field), whole(3, 0)]));
        assert_eq!(collected.spans.len(), 2, "{field}");
        assert_eq!(collected.refusals.iter().map(|refusal| refusal.reason).collect::<Vec<_>>(), [reason], "{field}");
    }
}

#[test]
fn parts_that_lack_what_they_need_cost_their_span() {
    for bad in [
        span(1).list(10, &[bytes().text(1, "no type")]),
        span(1).list(11, &[bytes().i64(1, 5)]),
        span(1).list(11, &[bytes().list(2, &[])]),
        span(1).list(6, &[bytes().i32(1, 0).i64(2, 1).i64(3, 1)]),
    ] {
        let collected = decode(bytes().inner(1, process()).list(2, &[bad, span(2)]));
        assert_eq!((collected.spans.len(), collected.refusals.len()), (1, 1));
        assert_eq!(collected.refusals[0].reason, Reason::Structure);
    }
}

#[test]
fn limits_refuse_the_span_that_passes_them() {
    let limits = Limits { depth: 4, tags: 1, logs: 1, spans: 5 };
    let tag = bytes().text(1, "k").i32(2, 3).i64(6, 7);
    let log = bytes().i64(1, 5).list(2, std::slice::from_ref(&tag));
    let reference = bytes().i32(1, 1).i64(2, 1).i64(3, 1).i64(4, 1);
    let spans = [
        span(1).list(10, &[tag.clone(), tag.clone()]),
        span(2).list(11, &[log.clone(), log.clone()]),
        span(3).list(11, &[bytes().i64(1, 5).list(2, &[tag.clone(), tag.clone()])]),
        span(4).list(6, &[reference.clone(), reference.clone()]),
        span(5).list(6, &[reference]).list(10, &[tag]).list(11, &[log]),
        span(6),
    ];
    let collected = decode_thrift_within(&bytes().inner(1, process()).list(2, &spans).stop(), &limits);
    assert_eq!((collected.spans.len(), collected.refusals.len()), (1, 5));
    assert!(collected.refusals.iter().all(|refusal| matches!(refusal.reason, Reason::Limit(_))));
}

#[test]
fn unknown_fields_are_skipped_to_a_depth() {
    let nested = |levels: usize| (0..levels).fold(bytes(), |inner, _| bytes().inner(1, inner));
    let shallow = decode(bytes().inner(1, process()).list(2, &[span(1).inner(99, nested(50)), span(2)]));
    assert_eq!((shallow.spans.len(), shallow.refusals.len()), (2, 0));
    let deep = decode(bytes().inner(1, process()).list(2, &[span(1), span(2).inner(99, nested(100)), span(3)]));
    assert_eq!((deep.spans.len(), deep.refusals.len()), (1, 1));
}

#[test]
fn spans_before_the_cut_stand() {
    let body = bytes().inner(1, process()).list(2, &[span(1), span(2), span(3)]).stop();
    let collected = decode_thrift(&body[..body.len() - 10]);
    assert_eq!(collected.spans.len(), 2);
    assert_eq!(collected.refusals[0].reason, Reason::Truncated);
    assert!(decode_thrift(&body[..60]).unreadable.is_some());
}

#[test]
fn lengths_are_not_believed() {
    let mut body = bytes().inner(1, process()).field(15, 2).0;
    body.extend([12, 0x7f, 0xff, 0xff, 0xff]);
    assert!(decode_thrift(&body).unreadable.is_some());
    let negative = [bytes().field(12, 1).field(11, 1).0, (-1_i32).to_be_bytes().to_vec()].concat();
    assert_eq!(decode_thrift(&negative).unreadable.map(|unreadable| unreadable.what), Some("a negative length"));
}

#[test]
fn the_parent_goes_first_unless_it_is_there() {
    let reference = |low: i64, id: i64| bytes().i32(1, 1).i64(2, low).i64(3, 0).i64(4, id);
    let with_parent = |references: &[Bytes]| {
        let span = bytes().i64(1, 5).i64(2, 0).i64(3, 1).i64(4, 7).text(5, "op").i32(7, 1).i64(8, 1).i64(9, 1);
        decode(bytes().inner(1, process()).list(2, &[span.list(6, references)])).spans.remove(0).references
    };
    assert_eq!(with_parent(&[reference(5, 8)]).iter().map(|reference| reference.span_id).collect::<Vec<_>>(), [7, 8]);
    assert_eq!(with_parent(&[reference(5, 7)]).len(), 1);
    assert_eq!(with_parent(&[reference(6, 7)]).len(), 2);
}

#[test]
fn durations_that_jaeger_cannot_count_are_negative() {
    for (microseconds, expected) in
        [(0, 0), (-5, -5), (9_223_372_036_854_775, 9_223_372_036_854_775), (9_223_372_036_854_776, -1), (i64::MAX, -1)]
    {
        let span =
            bytes().i64(1, 5).i64(2, 0).i64(3, 1).i64(4, 0).text(5, "").i32(7, 1).i64(8, -1).i64(9, microseconds);
        let collected = decode(bytes().inner(1, process()).list(2, &[span]));
        assert_eq!((collected.spans[0].duration, collected.spans[0].start), (expected, u64::MAX));
    }
}
