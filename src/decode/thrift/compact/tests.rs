use super::*;
use crate::decode::test_sink::decode_compact;
use crate::span::Reason;

/// A batch up to the size of its list of spans.
const SPANS: &[u8] = &[0x1c, 0x18, 1, b'w', 0, 0x19];

fn batch(rest: &[u8]) -> Vec<u8> {
    [SPANS, rest].concat()
}

/// A span of zeros with an empty name, without its end.
const SPAN: &[u8] = &[0x16, 0, 0x16, 0, 0x16, 2, 0x16, 0, 0x18, 0, 0x25, 0, 0x16, 2, 0x16, 2];

#[test]
fn numbers_are_read_to_their_ends() {
    for (bytes, expected) in [
        (&[0][..], Ok(0)),
        (&[1], Ok(-1)),
        (&[0xac, 0x02], Ok(150)),
        (&[0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1], Ok(i64::MAX)),
        (&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1], Ok(i64::MIN)),
        (&[0x80, 0], Ok(0)),
        (&[0x80], Err(TRUNCATED)),
        (&[0x80; 11], Err(MALFORMED)),
    ] {
        assert_eq!(Compact::new(bytes).i64(), expected, "{bytes:?}");
    }
    assert_eq!(Compact::new(&[0xff, 0xff, 0xff, 0xff, 0x0f]).i32(), Ok(i32::MIN));
}

#[test]
fn a_flag_stands_in_its_header_and_in_a_list_alone() {
    let mut wire = Compact::new(&[0x11, 0x12, 0x19, 0x31, 1, 2, 0, 0]);
    for expected in [true, false] {
        assert_eq!(wire.field().map(|field| field.map(|field| field.kind)), Ok(Some(Type::Bool)));
        assert_eq!(wire.bool(), Ok(expected));
    }
    assert_eq!(wire.field().map(|field| field.map(|field| field.id)), Ok(Some(3)));
    assert_eq!(wire.list().map(|list| list.length), Ok(3));
    assert_eq!([wire.bool(), wire.bool(), wire.bool()], [Ok(true), Ok(false), Ok(false)]);
    assert!(matches!(wire.field(), Ok(None)));
}

#[test]
fn looking_ahead_for_the_process_does_not_shift_the_fields() {
    // Spans, then an unknown list that looks like spans, one number further, then the process.
    let span = [SPAN, &[0]].concat();
    let body = [&[0x29, 0x1c], &span[..], &[0x19, 0x1c], &span, &[0x0c, 2, 0x18, 1, b'w', 0, 0]].concat();
    let collected = decode_compact(&body);
    assert_eq!((collected.spans.len(), collected.processes, collected.unreadable), (1, 1, None));
    assert_eq!(collected.spans[0].service.as_deref(), Some("w"));
}

#[test]
fn a_refused_span_leaves_those_behind_it() {
    // The first span stops inside a tag, deep in a struct, for its key is missing.
    let bad = [SPAN, &[0x19, 0x1c, 0x25, 0, 0, 0]].concat();
    let good = [SPAN, &[0]].concat();
    let collected = decode_compact(&batch(&[&[0x2c], &bad[..], &good[..], &[0x16, 2, 0]].concat()));
    assert_eq!((collected.spans.len(), collected.refusals.len(), collected.unreadable), (1, 1, None));
    assert_eq!(collected.refusals[0].reason, Reason::Structure);
}

#[test]
fn lists_of_two_billion_end_with_the_body() {
    // 2^31 does not fit and is refused; 2^31 - 1 spans, tags, booleans are looked for in vain.
    let huge = [0xff, 0xff, 0xff, 0xff, 0x07];
    assert_eq!(
        decode_compact(&batch(&[0xfc, 0x80, 0x80, 0x80, 0x80, 0x08])).unreadable.unwrap().what,
        "a negative length"
    );
    assert!(decode_compact(&batch(&[&[0xfc][..], &huge].concat())).unreadable.is_some());
    for list in [0xfc, 0xf1, 0xf8] {
        let tags = [&[0x1c], SPAN, &[0x19, list], &huge].concat();
        assert!(decode_compact(&batch(&tags)).unreadable.is_some());
        let unknown = [&[0x1c], SPAN, &[0x19 | 0x60, list], &huge].concat();
        assert!(decode_compact(&batch(&unknown)).unreadable.is_some());
    }
    let map = [&[0x1c], SPAN, &[0x7b], &huge, &[0x11]].concat();
    assert!(decode_compact(&batch(&map)).unreadable.is_some());
    let text = [&[0x1c, 0x18], &huge[..]].concat();
    assert!(decode_compact(&text).unreadable.is_some());
}

#[test]
fn a_million_levels_cost_their_span_alone_where_its_end_is_found() {
    for (open, close) in [(&[0x1c][..], &[0][..]), (&[0x19, 0x19], &[]), (&[0x1a, 0x1a], &[]), (&[0x1b, 1, 0xbb], &[])]
    {
        let deep = [open.repeat(1_000_000), close.repeat(1_000_000)].concat();
        let span = [SPAN, &[0x70 | open[0] & 0x0f], &deep, &[0]].concat();
        let collected = decode_compact(&batch(&[&[0x1c], &span[..], &[0]].concat()));
        assert_eq!(collected.spans.len(), 0);
        assert!(collected.unreadable.is_some() || collected.refusals.len() == 1);
    }
}
