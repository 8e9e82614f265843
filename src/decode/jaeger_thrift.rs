//! Jaeger Thrift (`jaeger.thrift`) → spans: a `Batch`, as posted to `/api/traces`.
//!
//! A batch is a process and a list of spans, in either order; if the spans stand first, the
//! process behind them is looked up before they are read. A span that lacks a required field or
//! passes a limit is refused alone. Where the bytes stop making sense nothing behind can be
//! found, so that the spans before stand and one refusal tells of the rest. What
//! jaeger-collector 1.76 reads is read alike; it refuses a whole body for one bad span.

mod span;
mod tag;

use super::fault::{Fault, Read};
use super::stretch::Stretch;
use super::thrift::{Binary, Compact, Field, Protocol, Type};
use super::{Limits, Sink, Unreadable};
use crate::span::{Limit, Process, Reason, Span, Text};

const NO_SPANS: &str = "a batch without a list of spans";
/// How deep the schema itself nests: batch, spans, span, logs, log, fields, tag.
const OWN_DEPTH: usize = 7;
const TOO_MANY_SPANS: &Fault = &Fault::limit(Limit::Spans, "too many spans in one request");

/// Reads one bare `Batch` in binary protocol; what stands behind it is ignored.
pub fn jaeger_thrift<'a>(body: &'a [u8], limits: &Limits, sink: &mut impl Sink<'a>) -> Result<(), Unreadable> {
    batch(Binary::new(body), limits, sink)
}

/// The same in compact protocol.
pub fn jaeger_compact<'a>(body: &'a [u8], limits: &Limits, sink: &mut impl Sink<'a>) -> Result<(), Unreadable> {
    batch(Compact::new(body), limits, sink)
}

/// Reads the batch that begins where `wire` stands.
pub(super) fn batch<'a>(wire: impl Protocol<'a>, limits: &Limits, sink: &mut impl Sink<'a>) -> Result<(), Unreadable> {
    Batch::new(wire, *limits).read(sink)
}

/// A batch being read, and what is kept from span to span.
#[derive(Debug)]
struct Batch<'a, P> {
    wire: P,
    limits: Limits,
    process: Process<'a>,
    has_process: bool,
    span: Span<'a>,
    stretch: Stretch<'a>,
    /// Spans handed over or refused.
    spans: usize,
    has_spans: bool,
}

impl<'a, P: Protocol<'a>> Batch<'a, P> {
    fn new(wire: P, limits: Limits) -> Self {
        Batch {
            wire,
            limits,
            process: Process::default(),
            has_process: false,
            span: Span { tags: Vec::with_capacity(32), ..Span::default() },
            stretch: Stretch::default(),
            spans: 0,
            has_spans: false,
        }
    }

    fn read(mut self, sink: &mut impl Sink<'a>) -> Result<(), Unreadable> {
        let outcome = self.fields(sink);
        let offset = self.wire.offset();
        match outcome {
            Ok(()) if self.has_spans => Ok(()),
            Ok(()) => Err(Unreadable { offset, what: NO_SPANS, limit: None }),
            Err(fault) if self.spans == 0 => Err(fault.unreadable(offset)),
            Err(fault) => {
                sink.refuse(fault.at(offset));
                Ok(())
            }
        }
    }

    fn fields(&mut self, sink: &mut impl Sink<'a>) -> Read<()> {
        let outer = self.wire.enter();
        while let Some(field) = self.wire.field()? {
            match field {
                Field { id: 1, kind: Type::Struct } => self.process()?,
                Field { id: 2, kind: Type::List } => {
                    if !self.has_process {
                        self.look_ahead();
                    }
                    self.has_spans = true;
                    sink.process(&self.process);
                    self.spans(sink)?;
                }
                other => self.wire.skip(other.kind, self.limits.depth)?,
            }
        }
        self.wire.leave(outer);
        Ok(())
    }

    /// Reads the process that stands behind the spans; none if there is none to be found.
    #[cold]
    fn look_ahead(&mut self) {
        let here = self.wire.place();
        let mut kind = Type::List;
        while self.wire.skip(kind, self.limits.depth.saturating_add(OWN_DEPTH)).is_ok() {
            match self.wire.field() {
                Ok(Some(Field { id: 1, kind: Type::Struct })) => {
                    if self.process().is_err() {
                        self.process.clear();
                    }
                    break;
                }
                Ok(Some(field)) => kind = field.kind,
                Ok(None) | Err(_) => break,
            }
        }
        self.wire.seek(here);
    }

    /// A process; without a service name, or with one of the wrong type, it names none.
    fn process(&mut self) -> Read<()> {
        self.process.clear();
        let start = self.wire.offset();
        let outer = self.wire.enter();
        while let Some(field) = self.wire.field()? {
            match field {
                Field { id: 1, kind: Type::Binary } => self.process.service = Some(text(self.wire.binary()?)),
                Field { id: 2, kind: Type::List } => {
                    let list = self.wire.list()?;
                    for _ in 0..list.length {
                        let tag = tag::tag(&mut self.wire, list.kind, self.limits.depth)?;
                        if self.process.tags.len() >= self.limits.tags {
                            return Err(tag::TOO_MANY);
                        }
                        self.process.tags.extend(tag);
                    }
                }
                other => self.wire.skip(other.kind, self.limits.depth)?,
            }
        }
        self.wire.leave(outer);
        self.process.wire = self.wire.since(start);
        self.has_process = true;
        Ok(())
    }

    fn spans(&mut self, sink: &mut impl Sink<'a>) -> Read<()> {
        let list = self.wire.list()?;
        for _ in 0..list.length {
            if list.kind == Type::Struct {
                self.one(sink)?;
            } else {
                self.wire.skip(list.kind, self.limits.depth)?;
                self.spans += 1;
                sink.refuse(span::NO_STRUCT.at(self.wire.offset()));
            }
        }
        Ok(())
    }

    /// Hands over or refuses one span. An error: what follows cannot be found.
    #[inline]
    fn one(&mut self, sink: &mut impl Sink<'a>) -> Read<()> {
        let (start, place) = (self.wire.offset(), self.wire.place());
        let read = if self.spans < self.limits.spans { self.span() } else { Err(TOO_MANY_SPANS) };
        match read {
            Ok(()) => {
                self.span.wire = self.wire.since(start);
                sink.span(&mut self.span);
            }
            Err(fault) if fault.reason == Reason::Truncated => return Err(fault),
            Err(fault) => {
                let refusal = fault.at(self.wire.offset());
                self.wire.seek(place);
                self.wire.skip(Type::Struct, self.limits.depth.saturating_add(OWN_DEPTH))?;
                sink.refuse(refusal);
            }
        }
        self.spans += 1;
        Ok(())
    }
}

/// Text from the wire; Thrift does not promise UTF-8.
#[inline]
fn text(bytes: &[u8]) -> Text<'_> {
    simdutf8::basic::from_utf8(bytes).map_or(Text::Broken { bytes, json: false }, Text::Plain)
}

#[cfg(test)]
mod tests;
