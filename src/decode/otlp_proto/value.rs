//! The values of attributes: scalars, and lists and maps as text.

use super::{ONE, TWO, bytes};
use crate::decode::fault::Read;
use crate::decode::otlp;
use crate::decode::otlp::text::JsonText;
use crate::decode::protobuf::{Field, Message, Wire};
use crate::span::{Text, Value};

pub(super) const LIST: Field = bytes(5);
pub(super) const MAP: Field = bytes(6);

/// A value that is neither list nor map; `None`, and nothing is read, if it is another field.
#[inline]
pub(super) fn scalar<'a>(field: Field, message: &mut Message<'a>) -> Read<Option<Value<'a>>> {
    Ok(Some(match field {
        ONE => Value::Text(message.text()?),
        Field { number: 2, wire: Wire::Varint } => Value::Bool(message.varint()? != 0),
        Field { number: 3, wire: Wire::Varint } => Value::Int64(message.varint()?.cast_signed()),
        Field { number: 4, wire: Wire::Fixed64 } => Value::Float64(f64::from_bits(message.fixed64()?)),
        Field { number: 7, wire: Wire::Bytes } => Value::Binary(message.bytes()?),
        _ => return Ok(None),
    }))
}

/// Writes an `ArrayValue` or a `KeyValueList`, whose elements nest `depth` deep at most.
pub(super) fn compound<'a>(text: &mut JsonText<'_>, field: Field, mut message: Message<'a>, depth: usize) -> Read<()> {
    let depth = depth.checked_sub(1).ok_or(otlp::TOO_DEEP)?;
    if field == LIST {
        text.begin_list()?;
        while let Some(field) = message.field()? {
            if field == ONE {
                text.element()?;
                element(text, message.message()?, depth)?;
            } else {
                message.skip(field, depth)?;
            }
        }
        return text.end_list();
    }
    let mut object = text.begin_object()?;
    while let Some(field) = message.field()? {
        if field == ONE {
            let (key, value) = member(message.message()?, depth)?;
            text.begin_member(&mut object, key)?;
            match value {
                Some(value) => element(text, value, depth)?,
                None => text.null()?,
            }
            text.end_member(&mut object);
        } else {
            message.skip(field, depth)?;
        }
    }
    text.end_object(object)
}

/// The key and the value of a map's member.
fn member<'a>(mut message: Message<'a>, depth: usize) -> Read<(Text<'a>, Option<Message<'a>>)> {
    let (mut key, mut value) = (Text::default(), None);
    while let Some(field) = message.field()? {
        match field {
            ONE => key = message.text()?,
            TWO => value = Some(message.message()?),
            other => message.skip(other, depth)?,
        }
    }
    Ok((key, value))
}

/// Writes an `AnyValue` inside a list or a map: of several values the last.
fn element(text: &mut JsonText<'_>, mut message: Message<'_>, depth: usize) -> Read<()> {
    let (mut last, mut inner) = (None, None);
    while let Some(field) = message.field()? {
        if let Some(value) = scalar(field, &mut message)? {
            (last, inner) = (Some(value), None);
        } else if matches!(field, LIST | MAP) {
            (last, inner) = (None, Some((field, message.message()?)));
        } else {
            message.skip(field, depth)?;
        }
    }
    match (last, inner) {
        (Some(value), _) => text.value(&value),
        (None, Some((field, message))) => compound(text, field, message, depth),
        (None, None) => text.null(),
    }
}
