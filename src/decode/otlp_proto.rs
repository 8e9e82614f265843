//! OpenTelemetry's protobuf (`ExportTraceServiceRequest`) → spans, borrowed from the body.
//!
//! One walk, with two looks ahead: protobuf lets a resource stand behind the spans that it is for, and
//! a scope, too. The resource is looked for in the few fields beside it; the scope only if the first
//! span comes before it. A span that cannot be read is refused alone; under a resource or a scope that
//! cannot be read each span is. Where the body is cut off the spans before stand, if what they came
//! under stands before them.

mod value;

use super::fault::{Fault, Read};
use super::otlp::{self, Draft, Found, Link, Owner};
use super::protobuf::{Field, Message, Wire};
use super::{Limits, Scratch, Sink, Unreadable};
use crate::span::{Reason, Text};
use value::{LIST, MAP, compound, scalar};

const CUT_OFF: &Fault = &Fault::new(Reason::Truncated, "the body is cut off");

/// Reads an `ExportTraceServiceRequest`; an empty body is one without spans.
///
/// `scratch` takes the text that must be built; it is made beside the body, and empty.
pub fn otlp_proto<'a>(
    body: &'a [u8],
    scratch: &'a Scratch,
    limits: &Limits,
    sink: &mut impl Sink<'a>,
) -> Result<(), Unreadable> {
    let mut walk = Walk { draft: Draft::new(body, scratch, *limits), depth: limits.depth, spans: 0 };
    let mut request = Message::new(body);
    match walk.request(&mut request, sink) {
        Ok(()) => Ok(()),
        Err(fault) if walk.spans == 0 => Err(Unreadable { offset: request.offset(), what: fault.what }),
        Err(fault) => {
            sink.refuse(fault.at(request.offset()));
            Ok(())
        }
    }
}

/// A field that holds bytes, text or a message.
const fn bytes(number: u32) -> Field {
    Field { number, wire: Wire::Bytes }
}

const ONE: Field = bytes(1);
const TWO: Field = bytes(2);
const THREE: Field = bytes(3);
const FOUR: Field = bytes(4);

#[derive(Debug)]
struct Walk<'a> {
    draft: Draft<'a>,
    depth: usize,
    /// Spans handed over or refused.
    spans: usize,
}

impl<'a> Walk<'a> {
    fn request(&mut self, request: &mut Message<'a>, sink: &mut impl Sink<'a>) -> Read<()> {
        while let Some(field) = request.field()? {
            if field != ONE {
                request.skip(field, self.depth)?;
                continue;
            }
            let (mut group, is_whole) = request.message_or_part()?;
            let read = self.resource_spans(&mut group, is_whole, sink);
            self.settle(read, is_whole, &group, sink)?;
        }
        Ok(())
    }

    /// After a message inside: what is wrong in it costs only what follows in it. An error if it was
    /// cut off, for then nothing follows anywhere.
    fn settle(&mut self, read: Read<()>, is_whole: bool, inner: &Message<'a>, sink: &mut impl Sink<'a>) -> Read<()> {
        match read {
            Ok(()) if is_whole => {}
            Ok(()) => return Err(CUT_OFF),
            Err(fault) if is_whole => self.refuse(fault, inner, sink),
            Err(fault) => return Err(fault),
        }
        Ok(())
    }

    fn refuse(&mut self, fault: &Fault, at: &Message<'a>, sink: &mut impl Sink<'a>) {
        self.spans += 1;
        sink.refuse(fault.at(at.offset()));
    }

    fn resource_spans(&mut self, group: &mut Message<'a>, is_whole: bool, sink: &mut impl Sink<'a>) -> Read<()> {
        self.draft.begin_resource();
        let found = self.find(*group, ONE, Walk::resource);
        if found == Ok(false) && !is_whole {
            return Err(CUT_OFF);
        }
        let blocked = found.err();
        while let Some(field) = group.field()? {
            if field != TWO {
                group.skip(field, self.depth)?;
                continue;
            }
            let (mut scope_spans, is_whole) = group.message_or_part()?;
            let read = self.scope_spans(&mut scope_spans, is_whole, blocked, sink);
            self.settle(read, is_whole, &scope_spans, sink)?;
        }
        Ok(())
    }

    /// Reads the fields `wanted` in what follows, as far as they can be found; false if there are none.
    fn find(
        &mut self,
        mut message: Message<'a>,
        wanted: Field,
        read: fn(&mut Self, Message<'a>) -> Read<()>,
    ) -> Read<bool> {
        let mut found = false;
        while let Ok(Some(field)) = message.field() {
            if field == wanted {
                let Ok(inner) = message.message() else { break };
                read(self, inner)?;
                found = true;
            } else if message.skip(field, self.depth).is_err() {
                break;
            }
        }
        Ok(found)
    }

    fn resource(&mut self, mut resource: Message<'a>) -> Read<()> {
        self.draft.process.wire = resource.rest();
        while let Some(field) = resource.field()? {
            match field {
                ONE => self.attribute(Owner::Resource, resource.message()?)?,
                other => resource.skip(other, self.depth)?,
            }
        }
        Ok(())
    }

    fn scope(&mut self, mut scope: Message<'a>) -> Read<()> {
        self.draft.process.scope_wire = scope.rest();
        while let Some(field) = scope.field()? {
            match field {
                ONE => self.draft.scope_name = scope.text()?,
                TWO => self.draft.scope_version = scope.text()?,
                other => scope.skip(other, self.depth)?,
            }
        }
        Ok(())
    }

    /// `blocked`: what is wrong with the resource.
    fn scope_spans(
        &mut self,
        group: &mut Message<'a>,
        is_whole: bool,
        mut blocked: Option<&'static Fault>,
        sink: &mut impl Sink<'a>,
    ) -> Read<()> {
        self.draft.begin_scope();
        let (mut has_scope, mut is_told) = (false, false);
        loop {
            let before = *group;
            let Some(field) = group.field()? else { return Ok(()) };
            match field {
                ONE if !is_told => {
                    let read = self.scope(group.message()?);
                    blocked = blocked.or(read.err());
                    has_scope = true;
                }
                TWO => {
                    if !is_told && blocked.is_none() {
                        blocked = self.tell(before, has_scope, is_whole, sink)?;
                    }
                    is_told = true;
                    let (span, is_whole) = group.message_or_part()?;
                    if !is_whole {
                        return Err(CUT_OFF);
                    }
                    self.one(span, blocked, sink);
                }
                other => group.skip(other, self.depth)?,
            }
        }
    }

    /// Before the first span, which stands at `here`: looks for a scope behind it and tells the sink
    /// whose spans come. What is wrong with the scope.
    fn tell(
        &mut self,
        here: Message<'a>,
        has_scope: bool,
        is_whole: bool,
        sink: &mut impl Sink<'a>,
    ) -> Read<Option<&'static Fault>> {
        if !has_scope {
            match self.find(here, ONE, Walk::scope) {
                Ok(false) if !is_whole => return Err(CUT_OFF),
                Ok(_) => {}
                Err(fault) => return Ok(Some(fault)),
            }
        }
        sink.process(&self.draft.process);
        Ok(None)
    }

    /// Hands over or refuses one span.
    #[inline]
    fn one(&mut self, mut span: Message<'a>, blocked: Option<&'static Fault>, sink: &mut impl Sink<'a>) {
        let wire = span.rest();
        let read = match blocked {
            None if self.spans < self.draft.limits.spans => self.span(&mut span),
            None => Err(otlp::TOO_MANY_SPANS),
            Some(fault) => Err(fault),
        };
        match read {
            Ok(()) => {
                self.spans += 1;
                self.draft.span.wire = wire;
                sink.span(&mut self.draft.span);
            }
            Err(fault) => self.refuse(fault, &span, sink),
        }
    }

    #[inline]
    fn span(&mut self, span: &mut Message<'a>) -> Read<()> {
        self.draft.begin_span();
        while let Some(field) = span.field()? {
            match field {
                ONE => self.draft.span.trace_id = otlp::trace_id(span.bytes()?, otlp::TRACE)?,
                TWO => self.draft.span.span_id = otlp::span_id(span.bytes()?, otlp::SPAN)?,
                THREE => self.draft.members.trace_state = span.text()?,
                FOUR => self.draft.members.parent = otlp::span_id(span.bytes()?, otlp::PARENT)?,
                Field { number: 5, wire: Wire::Bytes } => self.draft.span.operation = span.text()?,
                Field { number: 6, wire: Wire::Varint } => self.draft.members.kind = span.varint()?,
                Field { number: 7, wire: Wire::Fixed64 } => self.draft.members.start = span.fixed64()?,
                Field { number: 8, wire: Wire::Fixed64 } => self.draft.members.end = span.fixed64()?,
                Field { number: 9, wire: Wire::Bytes } => self.attribute(Owner::Span, span.message()?)?,
                Field { number: 11, wire: Wire::Bytes } => self.event(span.message()?)?,
                Field { number: 13, wire: Wire::Bytes } => self.link(span.message()?)?,
                Field { number: 15, wire: Wire::Bytes } => self.status(span.message()?)?,
                other => span.skip(other, self.depth)?,
            }
        }
        self.draft.finish()
    }

    fn status(&mut self, mut status: Message<'a>) -> Read<()> {
        while let Some(field) = status.field()? {
            match field {
                TWO => self.draft.members.description = status.text()?,
                Field { number: 3, wire: Wire::Varint } => self.draft.members.status = status.varint()?,
                other => status.skip(other, self.depth)?,
            }
        }
        Ok(())
    }

    fn event(&mut self, mut event: Message<'a>) -> Read<()> {
        let start = self.draft.begin_event()?;
        let (mut name, mut time) = (Text::default(), 0);
        while let Some(field) = event.field()? {
            match field {
                Field { number: 1, wire: Wire::Fixed64 } => time = event.fixed64()?,
                TWO => name = event.text()?,
                THREE => self.attribute(Owner::Event, event.message()?)?,
                other => event.skip(other, self.depth)?,
            }
        }
        self.draft.end_event(start, name, time);
        Ok(())
    }

    fn link(&mut self, mut message: Message<'a>) -> Read<()> {
        let mut link = Link::default();
        while let Some(field) = message.field()? {
            match field {
                ONE => link.trace_id = otlp::trace_id(message.bytes()?, otlp::LINK)?,
                TWO => link.span_id = otlp::span_id(message.bytes()?, otlp::LINK)?,
                FOUR => {
                    let (key, value) = self.key_value(message.message()?)?;
                    link.attribute(key, value);
                }
                other => message.skip(other, self.depth)?,
            }
        }
        self.draft.link(link)
    }

    #[inline]
    fn attribute(&mut self, owner: Owner, message: Message<'a>) -> Read<()> {
        let (key, value) = self.key_value(message)?;
        self.draft.attribute(owner, key, value)
    }

    /// A key, and a value that may be absent.
    #[inline]
    fn key_value(&mut self, mut message: Message<'a>) -> Read<(Text<'a>, Found<'a>)> {
        let (mut key, mut value) = (Text::default(), Found::Nothing);
        while let Some(field) = message.field()? {
            match field {
                ONE => key = message.text()?,
                TWO => value = self.value(message.message()?)?,
                other => message.skip(other, self.depth)?,
            }
        }
        Ok((key, value))
    }

    #[inline]
    fn value(&mut self, mut message: Message<'a>) -> Read<Found<'a>> {
        let mut value = Found::Nothing;
        while let Some(field) = message.field()? {
            if let Some(scalar) = scalar(field, &mut message)? {
                value = Found::Scalar(scalar);
                continue;
            }
            match field {
                LIST | MAP => {
                    let mut text = self.draft.text();
                    compound(&mut text, field, message.message()?, self.depth)?;
                    value = self.draft.built(text)?;
                }
                other => message.skip(other, self.depth)?,
            }
        }
        Ok(value)
    }
}

#[cfg(test)]
mod tests;
