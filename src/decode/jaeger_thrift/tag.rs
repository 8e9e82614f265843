//! `Tag`: a key, a type, and one value per type of which the type chooses.

use super::text;
use crate::decode::fault::{Fault, Read};
use crate::decode::thrift::{Field, Protocol, Type};
use crate::span::{Limit, Tag, Text, Value};

pub(super) const TOO_MANY: &Fault = &Fault::limit(Limit::Tags, "too many tags");

/// What a tag of a type that nobody knows says, as Jaeger's text begins. (Jaeger goes on with
/// addresses in its memory.)
const UNKNOWN: &str = "Unknown VType";

/// A tag, or `None` if it lacks its key or its type, or is no struct at all.
#[inline]
pub(super) fn tag<'a>(wire: &mut impl Protocol<'a>, kind: Type, depth: usize) -> Read<Option<Tag<'a>>> {
    if kind != Type::Struct {
        return wire.skip(kind, depth).map(|()| None);
    }
    let mut key = None;
    let mut value_type = None;
    let mut values = Values::default();
    let outer = wire.enter();
    while let Some(field) = wire.field()? {
        match field {
            Field { id: 1, kind: Type::Binary } => key = Some(text(wire.binary()?)),
            Field { id: 2, kind: Type::I32 } => value_type = Some(wire.i32()?),
            Field { id: 3, kind: Type::Binary } => values.text = wire.binary()?,
            Field { id: 4, kind: Type::Double } => values.double = wire.double()?,
            Field { id: 5, kind: Type::Bool } => values.bool = wire.bool()?,
            Field { id: 6, kind: Type::I64 } => values.long = wire.i64()?,
            Field { id: 7, kind: Type::Binary } => values.binary = wire.binary()?,
            other => wire.skip(other.kind, depth)?,
        }
    }
    wire.leave(outer);
    Ok(key.zip(value_type).map(|(key, value_type)| Tag { key, value: values.of(value_type) }))
}

/// A value per type; one that was not sent is empty or zero.
#[derive(Debug, Default)]
struct Values<'a> {
    text: &'a [u8],
    double: f64,
    bool: bool,
    long: i64,
    binary: &'a [u8],
}

impl<'a> Values<'a> {
    #[inline]
    fn of(&self, value_type: i32) -> Value<'a> {
        match value_type {
            0 => Value::Text(text(self.text)),
            1 => Value::Float64(self.double),
            2 => Value::Bool(self.bool),
            3 => Value::Int64(self.long),
            4 => Value::Binary(self.binary),
            _ => Value::Text(Text::Clean(UNKNOWN)),
        }
    }
}
