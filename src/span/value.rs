//! Tags and their values.

use std::net::IpAddr;

use super::Text;

/// The value of a tag: Jaeger's five types, and the forms that save us a copy.
#[derive(Debug, Clone, Copy)]
pub enum Value<'a> {
    Text(Text<'a>),
    Bool(bool),
    Int64(i64),
    Float64(f64),
    Binary(&'a [u8]),
    /// A string: the address in its canonical form.
    Address(IpAddr),
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Value::Text(Text::Plain(text))
    }
}

/// A key and its value: a span's tag, a process's tag, a field of a log.
#[derive(Debug, Clone, Copy)]
pub struct Tag<'a> {
    pub key: Text<'a>,
    pub value: Value<'a>,
}

impl<'a> Tag<'a> {
    /// A tag of ours: `key` must be text that stands in JSON as it is.
    pub fn new(key: &'static str, value: impl Into<Value<'a>>) -> Self {
        Tag { key: Text::Clean(key), value: value.into() }
    }
}
