//! Tags: key, type and value, as elements of `tags` and `fields`.
//!
//! Values are native JSON, as Jaeger writes them since 1.69; binary is lower-case hexadecimal.
//! NaN and the infinities, which JSON cannot hold and for which Jaeger loses the span, are strings.

use std::io::Write as _;
use std::net::IpAddr;

use super::json::{write_string, write_text};
use super::number::{write_finite, write_hex, write_integer};
use crate::span::{Tag, Value};

/// Appends tags as elements of a list, each with a comma after it.
pub(super) fn write_tags(out: &mut Vec<u8>, tags: &[Tag<'_>]) {
    for tag in tags {
        write_tag(out, tag);
    }
}

/// Appends a tag as an element of a list, with a comma after it.
#[inline]
pub(super) fn write_tag(out: &mut Vec<u8>, tag: &Tag<'_>) {
    out.extend_from_slice(b"{\"key\":\"");
    write_text(out, tag.key);
    // Nearly all tags are strings, for which the constant parts join into one.
    if let Value::Text(text) = tag.value {
        out.extend_from_slice(b"\",\"type\":\"string\",\"value\":\"");
        write_text(out, text);
        return out.extend_from_slice(b"\"},");
    }
    out.extend_from_slice(b"\",\"type\":\"");
    out.extend_from_slice(type_name(&tag.value).as_bytes());
    out.extend_from_slice(b"\",\"value\":");
    write_value(out, &tag.value);
    out.extend_from_slice(b"},");
}

/// Jaeger's word for the type of a value as it is written.
fn type_name(value: &Value<'_>) -> &'static str {
    match value {
        Value::Float64(number) if number.is_finite() => "float64",
        Value::Text(_) | Value::Address(_) | Value::Float64(_) => "string",
        Value::Bool(_) => "bool",
        Value::Int64(_) => "int64",
        Value::Binary(_) => "binary",
    }
}

/// Appends a value as JSON.
pub(super) fn write_value(out: &mut Vec<u8>, value: &Value<'_>) {
    match *value {
        Value::Text(text) => write_string(out, text),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Int64(number) => write_integer(out, number),
        Value::Float64(number) => write_float(out, number),
        Value::Binary(bytes) => {
            out.push(b'"');
            write_hex(out, bytes);
            out.push(b'"');
        }
        Value::Address(address) => write_address(out, address),
    }
}

fn write_float(out: &mut Vec<u8>, number: f64) {
    if number.is_finite() {
        return write_finite(out, number);
    }
    let name: &[u8] = match number {
        f64::INFINITY => b"\"+Inf\"",
        f64::NEG_INFINITY => b"\"-Inf\"",
        _ => b"\"NaN\"",
    };
    out.extend_from_slice(name);
}

fn write_address(out: &mut Vec<u8>, address: IpAddr) {
    out.push(b'"');
    match address {
        IpAddr::V4(address) => {
            for (index, octet) in address.octets().into_iter().enumerate() {
                if index > 0 {
                    out.push(b'.');
                }
                write_integer(out, octet);
            }
        }
        IpAddr::V6(address) => {
            let written = write!(out, "{address}");
            debug_assert!(written.is_ok(), "writing into memory cannot fail");
        }
    }
    out.push(b'"');
}
