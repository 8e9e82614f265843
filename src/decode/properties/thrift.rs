//! `jaeger_thrift` and `jaeger_compact` beside the `thrift` crate.

use proptest::prelude::*;
use thrift::protocol::{
    TBinaryInputProtocol, TBinaryOutputProtocol, TCompactInputProtocol, TCompactOutputProtocol, TFieldIdentifier,
    TInputProtocol, TListIdentifier, TOutputProtocol, TStructIdentifier, TType,
};

use crate::decode::test_sink::{Collected, decode_compact, decode_thrift};
use crate::span::ReferenceKind;

/// Any Thrift value, as the `thrift` crate reads and writes it.
#[derive(Debug, Clone, PartialEq)]
enum Any {
    Bool(bool),
    I8(i8),
    I16(i16),
    I32(i32),
    I64(i64),
    Double(f64),
    Bytes(Vec<u8>),
    Struct(Vec<(i16, Any)>),
    List(Vec<Any>),
    Map(usize),
}

/// A protocol: ours, and the other reader and writer.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Wire {
    Binary,
    Compact,
}

const WIRES: [Wire; 2] = [Wire::Binary, Wire::Compact];

impl Wire {
    fn decode(self, body: &[u8]) -> Collected {
        match self {
            Wire::Binary => decode_thrift(body),
            Wire::Compact => decode_compact(body),
        }
    }

    fn read(self, body: &[u8]) -> thrift::Result<Any> {
        match self {
            Wire::Binary => read_struct(&mut TBinaryInputProtocol::new(body, true)),
            Wire::Compact => read_struct(&mut TCompactInputProtocol::new(body)),
        }
    }

    fn write(self, value: &Any) -> Vec<u8> {
        let mut body = Vec::new();
        let written = match self {
            Wire::Binary => write(&mut TBinaryOutputProtocol::new(&mut body, true), value),
            Wire::Compact => write(&mut TCompactOutputProtocol::new(&mut body), value),
        };
        written.expect("written");
        body
    }
}

type Input<'a> = dyn TInputProtocol + 'a;
type Output<'a> = dyn TOutputProtocol + 'a;

fn read(input: &mut Input<'_>, kind: TType) -> thrift::Result<Any> {
    Ok(match kind {
        TType::Bool => Any::Bool(input.read_bool()?),
        TType::I08 => Any::I8(input.read_i8()?),
        TType::I16 => Any::I16(input.read_i16()?),
        TType::I32 => Any::I32(input.read_i32()?),
        TType::I64 => Any::I64(input.read_i64()?),
        TType::Double => Any::Double(input.read_double()?),
        TType::String => Any::Bytes(input.read_bytes()?),
        TType::Struct => read_struct(input)?,
        TType::Map => {
            let map = input.read_map_begin()?;
            for _ in 0..map.size {
                read(input, map.key_type.expect("a map with elements has types"))?;
                read(input, map.value_type.expect("a map with elements has types"))?;
            }
            Any::Map(map.size as usize)
        }
        _ => {
            let list = input.read_list_begin()?;
            Any::List((0..list.size).map(|_| read(input, list.element_type)).collect::<thrift::Result<_>>()?)
        }
    })
}

fn read_struct(input: &mut Input<'_>) -> thrift::Result<Any> {
    input.read_struct_begin()?;
    let mut fields = Vec::new();
    loop {
        let field = input.read_field_begin()?;
        if field.field_type == TType::Stop {
            input.read_struct_end()?;
            return Ok(Any::Struct(fields));
        }
        fields.push((field.id.unwrap_or_default(), read(input, field.field_type)?));
    }
}

fn kind(value: &Any) -> TType {
    match value {
        Any::Bool(_) => TType::Bool,
        Any::I8(_) => TType::I08,
        Any::I16(_) => TType::I16,
        Any::I32(_) => TType::I32,
        Any::I64(_) => TType::I64,
        Any::Double(_) => TType::Double,
        Any::Bytes(_) => TType::String,
        Any::Struct(_) => TType::Struct,
        Any::List(_) => TType::List,
        Any::Map(_) => TType::Map,
    }
}

fn write(output: &mut Output<'_>, value: &Any) -> thrift::Result<()> {
    match value {
        Any::Bool(value) => output.write_bool(*value),
        Any::I8(value) => output.write_i8(*value),
        Any::I16(value) => output.write_i16(*value),
        Any::I32(value) => output.write_i32(*value),
        Any::I64(value) => output.write_i64(*value),
        Any::Double(value) => output.write_double(*value),
        Any::Bytes(value) => output.write_bytes(value),
        Any::Struct(fields) => {
            output.write_struct_begin(&TStructIdentifier::new("any"))?;
            for (id, value) in fields {
                output.write_field_begin(&TFieldIdentifier::new("any", kind(value), *id))?;
                write(output, value)?;
            }
            output.write_field_stop()?;
            output.write_struct_end()
        }
        Any::List(values) => {
            let element = values.first().map_or(TType::Struct, kind);
            output.write_list_begin(&TListIdentifier::new(element, values.len() as i32))?;
            values.iter().try_for_each(|value| write(output, value))
        }
        Any::Map(_) => unreachable!("maps are only read"),
    }
}

impl Any {
    /// The last field of that number.
    fn field(&self, id: i16) -> Option<&Any> {
        let Any::Struct(fields) = self else { return None };
        fields.iter().rev().find(|(other, _)| *other == id).map(|(_, value)| value)
    }

    fn list(&self, id: i16) -> &[Any] {
        match self.field(id) {
            Some(Any::List(values)) => values,
            _ => &[],
        }
    }

    fn i64(&self, id: i16) -> Option<i64> {
        if let Some(Any::I64(value)) = self.field(id) { Some(*value) } else { None }
    }

    fn i32(&self, id: i16) -> Option<i32> {
        if let Some(Any::I32(value)) = self.field(id) { Some(*value) } else { None }
    }

    fn bytes(&self, id: i16) -> Option<&[u8]> {
        if let Some(Any::Bytes(value)) = self.field(id) { Some(value) } else { None }
    }

    /// Each bad byte as one U+FFFD, as Go reads it.
    fn text(&self, id: i16) -> Option<String> {
        let chunks = self.bytes(id)?.utf8_chunks();
        Some(chunks.map(|chunk| chunk.valid().to_owned() + &"\u{fffd}".repeat(chunk.invalid().len())).collect())
    }

    fn tag(&self) -> Option<String> {
        let value = match self.i32(2)? {
            0 => self.text(3).unwrap_or_default(),
            1 => if let Some(Any::Double(value)) = self.field(4) { *value } else { 0.0 }.to_string(),
            2 => (self.field(5) == Some(&Any::Bool(true))).to_string(),
            3 => self.i64(6).unwrap_or(0).to_string(),
            4 => format!("{:?}", self.bytes(7).unwrap_or(&[])),
            _ => "Unknown VType".to_owned(),
        };
        Some(format!("{}={value}", self.text(1)?))
    }

    fn log(&self) -> Option<String> {
        let fields: Vec<String> = self.list(2).iter().map(Any::tag).collect::<Option<_>>()?;
        let Some(Any::List(_)) = self.field(2) else { return None };
        Some(format!("{}[{}]", self.i64(1)? as u64, fields.join(" ")))
    }

    fn reference(&self) -> Option<String> {
        let kind = if self.i32(1)? == 1 { "follows" } else { "child" };
        Some(format!("{kind} {:x} {:x} {:x}", self.i64(3)?, self.i64(2)?, self.i64(4)?))
    }

    /// What is compared of a span; `None` if it lacks something.
    fn span(&self) -> Option<String> {
        let (low, high, id, parent) = (self.i64(1)?, self.i64(2)?, self.i64(3)?, self.i64(4)?);
        let mut references: Vec<String> = self.list(6).iter().map(Any::reference).collect::<Option<_>>()?;
        let ids = format!(" {high:x} {low:x} {parent:x}");
        if parent != 0 && !references.iter().any(|reference| reference.ends_with(&ids)) {
            references.insert(0, format!("child{ids}"));
        }
        let tags: Vec<String> = self.list(10).iter().map(Any::tag).collect::<Option<_>>()?;
        let logs: Vec<String> = self.list(11).iter().map(Any::log).collect::<Option<_>>()?;
        let (flags, start, duration) = (self.i32(7)? as u32, self.i64(8)? as u64, self.i64(9)?);
        let duration = if duration.checked_mul(1000).is_some() { duration } else { -1 };
        let operation = self.text(5)?;
        Some(format!(
            "{high:x} {low:x} {id:x} {operation:?} {references:?} {flags} {start} {duration} {tags:?} {logs:?}"
        ))
    }
}

/// The same of what we read.
fn ours(collected: &Collected) -> Vec<String> {
    let reference = |reference: &crate::span::Reference| {
        let kind = if reference.kind == ReferenceKind::FollowsFrom { "follows" } else { "child" };
        format!("{kind} {:x} {:x} {:x}", reference.trace_id.high, reference.trace_id.low, reference.span_id)
    };
    let span = |span: &crate::decode::test_sink::Owned| {
        let references: Vec<_> = span.references.iter().map(reference).collect();
        format!(
            "{:x} {:x} {:x} {:?} {references:?} {} {} {} {:?} {:?}",
            span.trace_id.high,
            span.trace_id.low,
            span.span_id,
            span.operation,
            span.flags,
            span.start,
            span.duration,
            span.tags,
            span.logs
        )
    };
    collected.spans.iter().map(span).collect()
}

/// Holds a body against the reading of the `thrift` crate, if that can read it.
fn check(name: &str, wire: Wire, body: &[u8]) -> bool {
    let Ok(batch) = wire.read(body) else { return false };
    let theirs: Vec<Option<String>> = batch.list(2).iter().map(Any::span).collect();
    let collected = wire.decode(body);
    assert_eq!(collected.unreadable.is_none(), matches!(batch.field(2), Some(Any::List(_))), "{name}");
    assert_eq!(ours(&collected), theirs.iter().flatten().cloned().collect::<Vec<_>>(), "{name}");
    assert_eq!(collected.refusals.len(), theirs.iter().filter(|span| span.is_none()).count(), "{name}");
    let Some(process) = batch.field(1) else { return true };
    for span in &collected.spans {
        assert_eq!(span.service, process.text(1), "{name}");
        assert_eq!(span.process_tags, process.list(2).iter().filter_map(Any::tag).collect::<Vec<_>>(), "{name}");
    }
    true
}

#[test]
fn captured_bodies() {
    let bodies = super::captured("jaeger/thrift-http", ".thrift");
    let read = bodies.iter().filter(|(name, body)| check(name, Wire::Binary, body)).count();
    assert!(read > 40, "the other reader must be able to read most: {read}");
}

/// A struct of fields in any order, some of them left out, and some that nobody knows.
fn structure(fields: Vec<(i16, BoxedStrategy<Any>)>, left_out: u32) -> BoxedStrategy<Any> {
    let field = move |(id, value): (i16, BoxedStrategy<Any>)| {
        let is_there = (0..100_u32).prop_map(move |chance| chance >= left_out);
        (Just(id), value, is_there).boxed()
    };
    let fields: Vec<_> = fields.into_iter().map(field).collect();
    (fields, prop::collection::vec((50..60_i16, scalar()), 0..2), any::<u64>())
        .prop_map(|(fields, unknown, seed)| {
            let known = fields.into_iter().filter(|(_, _, is_there)| *is_there).map(|(id, value, _)| (id, value));
            let mut fields: Vec<_> = known.chain(unknown).collect();
            fields.sort_by_key(|(id, _)| (seed ^ *id as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
            Any::Struct(fields)
        })
        .boxed()
}

fn scalar() -> BoxedStrategy<Any> {
    prop_oneof![
        any::<bool>().prop_map(Any::Bool),
        any::<i8>().prop_map(Any::I8),
        any::<i16>().prop_map(Any::I16),
        any::<i32>().prop_map(Any::I32),
        any::<i64>().prop_map(Any::I64),
        (-1e9..1e9_f64).prop_map(Any::Double),
        bytes(),
        Just(Any::List(vec![Any::Struct(vec![(1, Any::I8(5))]), Any::Struct(Vec::new())])),
    ]
    .boxed()
}

fn bytes() -> BoxedStrategy<Any> {
    prop_oneof![
        4 => super::any_text().prop_map(|text| Any::Bytes(text.into_bytes())),
        1 => prop::collection::vec(any::<u8>(), 0..12).prop_map(Any::Bytes),
    ]
    .boxed()
}

fn long() -> BoxedStrategy<Any> {
    prop_oneof![Just(0), 1..50_i64, any::<i64>()].prop_map(Any::I64).boxed()
}

fn list(element: BoxedStrategy<Any>) -> BoxedStrategy<Any> {
    prop::collection::vec(element, 0..4).prop_map(Any::List).boxed()
}

fn tag() -> BoxedStrategy<Any> {
    let value_type = (-1..6_i32).prop_map(Any::I32).boxed();
    let double = (-1e9..1e9_f64).prop_map(Any::Double).boxed();
    let bool = any::<bool>().prop_map(Any::Bool).boxed();
    let must = vec![(1, bytes()), (2, value_type)];
    let may = vec![(3, bytes()), (4, double), (5, bool), (6, long()), (7, bytes())];
    // As clients write texts.
    let plain = (bytes(), bytes()).prop_map(|(key, value)| Any::Struct(vec![(1, key), (2, Any::I32(0)), (3, value)]));
    prop_oneof![structure(must.into_iter().chain(may).collect(), 1), plain].boxed()
}

fn batch() -> BoxedStrategy<Any> {
    let small = || (0..4_i32).prop_map(Any::I32).boxed();
    let reference = structure(vec![(1, small()), (2, long()), (3, long()), (4, long())], 1);
    let log = structure(vec![(1, long()), (2, list(tag()))], 1);
    let ids = vec![(1, long()), (2, long()), (3, long()), (4, long()), (5, bytes()), (6, list(reference))];
    let rest = vec![(7, small()), (8, long()), (9, long()), (10, list(tag())), (11, list(log))];
    let span = structure(ids.into_iter().chain(rest).collect(), 1);
    let process = structure(vec![(1, bytes()), (2, list(tag()))], 5);
    structure(vec![(1, process), (2, list(span)), (3, long())], 2)
}

proptest! {
    #[test]
    fn reads_what_the_thrift_crate_reads(batch in batch()) {
        for wire in WIRES {
            prop_assert!(check("generated", wire, &wire.write(&batch)), "{wire:?}");
        }
    }

    #[test]
    fn both_protocols_say_the_same(batch in batch()) {
        let [binary, compact] = WIRES.map(|wire| wire.decode(&wire.write(&batch)));
        prop_assert_eq!(ours(&binary), ours(&compact));
        prop_assert_eq!(binary.refusals.len(), compact.refusals.len());
        prop_assert_eq!(binary.unreadable.is_some(), compact.unreadable.is_some());
    }

    #[test]
    fn never_panics(batch in batch(), place in any::<prop::sample::Index>(), byte in any::<u8>()) {
        for wire in WIRES {
            let mut body = wire.write(&batch);
            let place = place.index(body.len());
            body[place] = byte;
            wire.decode(&body);
            wire.decode(&body[place..]);
        }
    }

    #[test]
    fn a_part_says_the_beginning_of_the_whole(batch in batch(), end in any::<prop::sample::Index>()) {
        for wire in WIRES {
            let body = wire.write(&batch);
            let (whole, part) = (ours(&wire.decode(&body)), ours(&wire.decode(&body[..end.index(body.len())])));
            prop_assert!(whole.starts_with(&part), "{:?}", wire);
        }
    }
}
