//! Jaeger's protobuf (`jaeger.api_v2.PostSpansRequest`) → spans, borrowed from the body.
//!
//! A batch is a list of spans and, behind it as Jaeger's own clients write it, the process that they
//! came under; so the process is looked for first, in the few fields beside the spans. A span that has
//! a process of its own came under that one. What jaeger-collector 1.76 reads is read alike; it refuses
//! a whole request for one bad span, here that one is refused alone. Ids that were not sent are zero, as
//! there and in Thrift. A request that is cut off has most likely lost the process of all of its spans,
//! and is refused.

mod plain;
mod span;
mod time;

use super::fault::{Fault, Read};
use super::protobuf::{Field, Message, Wire};
use super::stretch::Stretch;
use super::{Limits, Sink, Unreadable};
use crate::span::{Limit, Process, Reason, Span, Tag, Text, Value};

const TOO_MANY_SPANS: &Fault = &Fault::limit(Limit::Spans, "too many spans in one request");
const TOO_MANY_TAGS: &Fault = &Fault::limit(Limit::Tags, "too many tags");
const NO_BATCH: &Fault = &Fault::new(Reason::Structure, "the batch is no message");

/// What a tag of a type that nobody knows says.
const UNKNOWN: &str = "Unknown VType";

/// Reads a `PostSpansRequest`; an empty body is one without spans.
pub fn jaeger_proto<'a>(body: &'a [u8], limits: &Limits, sink: &mut impl Sink<'a>) -> Result<(), Unreadable> {
    let mut walk = Walk {
        limits: *limits,
        process: Process::default(),
        own: Process::default(),
        told: Told::Nothing,
        span: Span { tags: Vec::with_capacity(32), ..Span::default() },
        stretch: Stretch::default(),
        spans: 0,
    };
    let mut request = Message::new(body);
    let read = walk.look_ahead(&mut request).and_then(|()| {
        request = Message::new(body);
        walk.request(&mut request, sink)
    });
    read.map_err(|fault| fault.unreadable(request.offset()))
}

/// A field that holds bytes, text or a message.
const fn bytes(number: u32) -> Field {
    Field { number, wire: Wire::Bytes }
}

const ONE: Field = bytes(1);
const TWO: Field = bytes(2);

/// Whose process the sink was told last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Nothing,
    Batch,
    Span,
}

#[derive(Debug)]
struct Walk<'a> {
    limits: Limits,
    /// The batch's process.
    process: Process<'a>,
    /// That of the span being read; it has a service if the span has a process.
    own: Process<'a>,
    told: Told,
    span: Span<'a>,
    stretch: Stretch<'a>,
    /// Spans handed over or refused.
    spans: usize,
}

impl<'a> Walk<'a> {
    /// Reads the process, and sees that all spans can be found: what the second walk meets was met
    /// here. Batches of one request are one batch.
    fn look_ahead(&mut self, request: &mut Message<'a>) -> Read<()> {
        while let Some(field) = request.field()? {
            match field {
                ONE => self.look_into(request.message()?)?,
                Field { number: 1, .. } => return Err(NO_BATCH),
                other => request.skip(other, self.limits.depth)?,
            }
        }
        Ok(())
    }

    fn look_into(&mut self, mut batch: Message<'a>) -> Read<()> {
        while let Some(field) = batch.field()? {
            match field {
                TWO => {
                    let process = batch.message()?;
                    self.process.wire = process.rest();
                    read_process(&mut self.process, process, &self.limits)?;
                }
                other => batch.skip(other, self.limits.depth)?,
            }
        }
        Ok(())
    }

    fn request(&mut self, request: &mut Message<'a>, sink: &mut impl Sink<'a>) -> Read<()> {
        while let Some(field) = request.field()? {
            match field {
                ONE => self.batch(request.message()?, sink)?,
                other => request.skip(other, self.limits.depth)?,
            }
        }
        Ok(())
    }

    fn batch(&mut self, mut batch: Message<'a>, sink: &mut impl Sink<'a>) -> Read<()> {
        while let Some(field) = batch.field()? {
            match field {
                ONE => self.one(batch.message()?, sink),
                other => batch.skip(other, self.limits.depth)?,
            }
        }
        Ok(())
    }

    /// Hands over or refuses one span.
    #[inline]
    fn one(&mut self, mut span: Message<'a>, sink: &mut impl Sink<'a>) {
        let wire = span.rest();
        let read = if self.spans < self.limits.spans { self.span(&mut span) } else { Err(TOO_MANY_SPANS) };
        self.spans += 1;
        if let Err(fault) = read {
            return sink.refuse(fault.at(span.offset()));
        }
        self.span.wire = wire;
        if self.own.service.is_some() {
            // Its bytes are among the span's.
            sink.process(&self.own);
            self.told = Told::Span;
        } else if self.told != Told::Batch {
            sink.process(&self.process);
            self.told = Told::Batch;
        }
        sink.span(&mut self.span);
    }
}

/// Adds what a `Process` says; its service is named from then on, if only by an empty name.
fn read_process<'a>(process: &mut Process<'a>, mut message: Message<'a>, limits: &Limits) -> Read<()> {
    process.service.get_or_insert_default();
    while let Some(field) = message.field()? {
        match field {
            ONE => process.service = Some(message.text()?),
            TWO => add_tag(&mut process.tags, message.message()?, limits)?,
            other => message.skip(other, limits.depth)?,
        }
    }
    Ok(())
}

/// Reads a `KeyValue`: a key, a type, and one value per type of which the type chooses.
#[inline]
fn add_tag<'a>(tags: &mut Vec<Tag<'a>>, mut message: Message<'a>, limits: &Limits) -> Read<()> {
    if tags.len() >= limits.tags {
        return Err(TOO_MANY_TAGS);
    }
    let (mut key, mut kind) = (Text::default(), 0);
    let (mut text, mut bool, mut int64, mut float64, mut binary) = (Text::default(), false, 0, 0.0, &[][..]);
    while let Some(field) = message.field()? {
        match field {
            ONE => key = message.text()?,
            Field { number: 2, wire: Wire::Varint } => kind = message.varint()?,
            Field { number: 3, wire: Wire::Bytes } => text = message.text()?,
            Field { number: 4, wire: Wire::Varint } => bool = message.varint()? != 0,
            Field { number: 5, wire: Wire::Varint } => int64 = message.varint()?.cast_signed(),
            Field { number: 6, wire: Wire::Fixed64 } => float64 = f64::from_bits(message.fixed64()?),
            Field { number: 7, wire: Wire::Bytes } => binary = message.bytes()?,
            other => message.skip(other, limits.depth)?,
        }
    }
    let value = match kind {
        0 => Value::Text(text),
        1 => Value::Bool(bool),
        2 => Value::Int64(int64),
        3 => Value::Float64(float64),
        4 => Value::Binary(binary),
        _ => Value::Text(Text::Clean(UNKNOWN)),
    };
    tags.push(Tag { key, value });
    Ok(())
}

#[cfg(test)]
mod tests;
