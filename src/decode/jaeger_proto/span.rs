//! `Span`, with its references and logs.

use super::{Field, ONE, TWO, Walk, Wire, add_tag, read_process, time};
use crate::decode::fault::{Fault, Read};
use crate::decode::protobuf::Message;
use crate::span::{Limit, Log, Reason, Reference, ReferenceKind, TraceId};

const BAD_TRACE: &Fault = &Fault::new(Reason::TraceId, "trace id is neither 16 nor 8 bytes");
const BAD_SPAN: &Fault = &Fault::new(Reason::SpanId, "span id is not 8 bytes");
const TOO_MANY_LOGS: &Fault = &Fault::limit(Limit::Logs, "too many logs on a span");
const TOO_MANY_REFERENCES: &Fault = &Fault::limit(Limit::Logs, "too many references on a span");

impl<'a> Walk<'a> {
    #[inline]
    pub(super) fn span(&mut self, message: &mut Message<'a>) -> Read<()> {
        self.span.clear();
        self.own.clear();
        self.span.start = time::ABSENT;
        loop {
            while self.plain_tag(message) {}
            let Some(field) = message.field()? else { return Ok(()) };
            match field {
                ONE => self.span.trace_id = trace_id(message.bytes()?)?,
                TWO => self.span.span_id = span_id(message.bytes()?)?,
                Field { number: 3, wire: Wire::Bytes } => self.span.operation = message.text()?,
                Field { number: 5, wire: Wire::Varint } => self.span.flags = message.varint()? as u32,
                Field { number: 6, wire: Wire::Bytes } => self.span.start = time::timestamp(message.message()?)?,
                Field { number: 7, wire: Wire::Bytes } => self.span.duration = time::duration(message.message()?)?,
                Field { number: 8, wire: Wire::Bytes } => {
                    add_tag(&mut self.span.tags, message.message()?, &self.limits)?;
                }
                Field { number: 4, wire: Wire::Bytes } => self.reference(message.message()?)?,
                Field { number: 9, wire: Wire::Bytes } => self.log(message.message()?)?,
                Field { number: 10, wire: Wire::Bytes } => {
                    read_process(&mut self.own, message.message()?, &self.limits)?;
                }
                other => message.skip(other, self.limits.depth)?,
            }
        }
    }

    /// A reference; a type that nobody knows counts as `CHILD_OF`.
    fn reference(&mut self, mut message: Message<'a>) -> Read<()> {
        if self.span.references.len() >= self.limits.logs {
            return Err(TOO_MANY_REFERENCES);
        }
        let mut reference = Reference { kind: ReferenceKind::ChildOf, trace_id: TraceId::default(), span_id: 0 };
        while let Some(field) = message.field()? {
            match field {
                ONE => reference.trace_id = trace_id(message.bytes()?)?,
                TWO => reference.span_id = span_id(message.bytes()?)?,
                Field { number: 3, wire: Wire::Varint } => {
                    let follows = message.varint()? == 1;
                    reference.kind = if follows { ReferenceKind::FollowsFrom } else { ReferenceKind::ChildOf };
                }
                other => message.skip(other, self.limits.depth)?,
            }
        }
        self.span.references.push(reference);
        Ok(())
    }

    fn log(&mut self, mut message: Message<'a>) -> Read<()> {
        if self.span.logs.len() >= self.limits.logs {
            return Err(TOO_MANY_LOGS);
        }
        let start = self.span.log_fields.len() as u32;
        let mut timestamp = time::ABSENT;
        while let Some(field) = message.field()? {
            match field {
                ONE => timestamp = time::timestamp(message.message()?)?,
                TWO => add_tag(&mut self.span.log_fields, message.message()?, &self.limits)?,
                other => message.skip(other, self.limits.depth)?,
            }
        }
        self.span.logs.push(Log { timestamp, start, end: self.span.log_fields.len() as u32 });
        Ok(())
    }
}

/// 16 bytes, or 8: the low half.
#[inline]
fn trace_id(bytes: &[u8]) -> Read<TraceId> {
    if let Ok(bytes) = <[u8; 16]>::try_from(bytes) {
        let id = u128::from_be_bytes(bytes);
        return Ok(TraceId { high: (id >> 64) as u64, low: id as u64 });
    }
    let low = <[u8; 8]>::try_from(bytes).map_err(|_| BAD_TRACE)?;
    Ok(TraceId { high: 0, low: u64::from_be_bytes(low) })
}

#[inline]
fn span_id(bytes: &[u8]) -> Read<u64> {
    <[u8; 8]>::try_from(bytes).map(u64::from_be_bytes).map_err(|_| BAD_SPAN)
}
