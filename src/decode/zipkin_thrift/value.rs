//! Values of binary annotations: bytes and a type that says what they are.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::decode::fault::Read;
use crate::decode::scratch::Writer;
use crate::decode::zipkin::TOO_LONG;
use crate::span::{Text, Value};

/// The value that the bytes stand for. Bytes of a type that nobody knows, or of another length than
/// their type's, are base64, as Jaeger writes bytes.
pub(super) fn value<'a>(value_type: i32, bytes: &'a [u8], scratch: &mut Writer<'a>) -> Read<Value<'a>> {
    let value = match value_type {
        0 => bytes.first().map(|&byte| Value::Bool(byte == 1)),
        2 => bytes.try_into().ok().map(|bytes| Value::Int64(i16::from_be_bytes(bytes).into())),
        3 => bytes.try_into().ok().map(|bytes| Value::Int64(i32::from_be_bytes(bytes).into())),
        4 => bytes.try_into().ok().map(|bytes| Value::Int64(i64::from_be_bytes(bytes))),
        5 => bytes.try_into().ok().map(|bytes| Value::Float64(f64::from_be_bytes(bytes))),
        6 => Some(Value::Text(super::text(bytes))),
        _ => None,
    };
    match value {
        Some(value) => Ok(value),
        None => Ok(Value::Text(Text::Clean(scratch.keep(STANDARD.encode(bytes)).ok_or(TOO_LONG)?))),
    }
}
