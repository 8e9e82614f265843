//! Annotations → logs.
//!
//! An annotation's text becomes the field `event`. OpenTelemetry writes events with attributes as
//! `name|{attributes}|dropped`; these become fields of their own, as jaeger-collector makes them.

use super::Draft;
use super::tag::{TOO_LONG, TOO_MANY};
use crate::decode::fault::{Fault, Read};
use crate::decode::json::Reader;
use crate::span::{Limit, Log, Reason, Tag, Text, Value};

const NO_ATTRIBUTES: &Fault = &Fault::new(Reason::Structure, "no attributes of an event");
pub(super) const TOO_MANY_LOGS: &Fault = &Fault::limit(Limit::Logs, "too many annotations on a span");

impl<'a> Draft<'a> {
    /// A log of an annotation whose text is `value`, as it stands in JSON, or `odd_value`.
    #[inline]
    pub(in crate::decode) fn log(&mut self, timestamp: u64, value: &'a str, odd_value: Option<Text<'a>>) -> Read<()> {
        let start = self.span.log_fields.len();
        match odd_value {
            Some(value) => self.odd_event(value)?,
            None if value.as_bytes().contains(&b'|') => self.odd_event(Text::Clean(value))?,
            None => self.event(Text::Clean(value))?,
        }
        self.add_log(timestamp, start)
    }

    /// The same of any text.
    #[inline]
    pub(in crate::decode) fn log_text(&mut self, timestamp: u64, value: Text<'a>) -> Read<()> {
        let start = self.span.log_fields.len();
        match value {
            Text::Clean(text) | Text::Plain(text) if !text.as_bytes().contains(&b'|') => self.event(value)?,
            _ => self.odd_event(value)?,
        }
        self.add_log(timestamp, start)
    }

    /// A log whose text is taken as it is.
    #[inline]
    pub(super) fn plain_log(&mut self, timestamp: u64, value: Text<'a>) -> Read<()> {
        let start = self.span.log_fields.len();
        self.event(value)?;
        self.add_log(timestamp, start)
    }

    #[inline]
    fn add_log(&mut self, timestamp: u64, start: usize) -> Read<()> {
        if self.span.logs.len() >= self.limits.logs {
            return Err(TOO_MANY_LOGS);
        }
        let end = self.span.log_fields.len();
        self.span.logs.push(Log { timestamp, start: start as u32, end: end as u32 });
        Ok(())
    }

    /// The field `event`; an empty one is left out.
    #[inline]
    fn event(&mut self, name: Text<'a>) -> Read<()> {
        if name.is_empty() {
            return Ok(());
        }
        self.field(Tag { key: Text::Clean("event"), value: Value::Text(name) })
    }

    #[inline]
    fn field(&mut self, field: Tag<'a>) -> Read<()> {
        if self.span.log_fields.len() >= self.limits.tags {
            return Err(TOO_MANY);
        }
        self.span.log_fields.push(field);
        Ok(())
    }

    /// Text with escapes or bars in it.
    #[cold]
    fn odd_event(&mut self, value: Text<'a>) -> Read<()> {
        let decoded = value.decoded();
        let Some((name, rest)) = decoded.split_once('|') else { return self.event(value) };
        let (name, rest) = (name.len(), rest.rsplit_once('|').map(|(attributes, dropped)| (attributes.len(), dropped)));
        let (attributes, is_whole) = match rest {
            Some((attributes, dropped)) => (attributes, dropped.parse::<u32>().is_ok()),
            None => (0, false),
        };
        let is_event = rest.is_some();
        let text = match decoded {
            std::borrow::Cow::Borrowed(text) => text,
            std::borrow::Cow::Owned(text) => self.scratch.keep(text).ok_or(TOO_LONG)?,
        };
        let name_text = Text::Plain(text.get(..name).unwrap_or_default());
        if !is_event {
            return self.event(name_text);
        }
        let start = self.span.log_fields.len();
        let attributes = text.get(name + 1..name + 1 + attributes).unwrap_or_default();
        if is_whole && self.event(name_text).is_ok() && self.attributes(attributes, start).is_ok() {
            return Ok(());
        }
        self.span.log_fields.truncate(start);
        self.event(value)
    }

    /// The members of a JSON object, as fields. Objects, lists and nulls in it are left out, and
    /// a field `event` takes the place of the name, which is the field at `start`.
    fn attributes(&mut self, object: &'a str, start: usize) -> Read<()> {
        let mut reader = Reader::new(object.as_bytes());
        let first = self.span.log_fields.len();
        let mut more = reader.open(b'{', b'}')?;
        while more {
            let name = reader.key()?;
            if let Some(value) = attribute(&mut reader, self.limits.depth)? {
                self.field(Tag { key: name, value })?;
            }
            more = reader.more(b'}')?;
        }
        if reader.peek().is_some() {
            return Err(NO_ATTRIBUTES);
        }
        let fields = self.span.log_fields.get(first..).unwrap_or(&[]);
        if first > start && fields.iter().any(|field| field.key.decoded() == "event") {
            self.span.log_fields.remove(start);
        }
        Ok(())
    }
}

/// Whole numbers become integers, as in Go, where all of them are floating point first.
fn attribute<'a>(reader: &mut Reader<'a>, depth: usize) -> Read<Option<Value<'a>>> {
    Ok(match reader.peek() {
        Some(b'"') => Some(Value::Text(reader.string()?)),
        Some(b'-' | b'0'..=b'9') => {
            let number: f64 = reader.number()?.parse().map_err(|_| NO_ATTRIBUTES)?;
            let whole = number.trunc() == number && number.abs() < 9_223_372_036_854_775_808.0;
            Some(if whole { Value::Int64(number as i64) } else { Value::Float64(number) })
        }
        Some(b't' | b'f') => Some(Value::Bool(reader.word()? == "true")),
        _ => {
            reader.skip(depth)?;
            None
        }
    })
}
