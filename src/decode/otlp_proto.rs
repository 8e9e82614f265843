//! OpenTelemetry's protobuf (`ExportTraceServiceRequest`) → spans, borrowed from the body.
//!
//! One walk, with two looks ahead: protobuf lets a resource stand behind the spans that it is for, and
//! a scope, too. The resource is looked for in the few fields beside it; the scope only if the first
//! span comes before it. A span that cannot be read is refused alone; under a resource or a scope that
//! cannot be read each span is. Where the body is cut off the spans before stand, if what they came
//! under stands before them.

mod plain;
mod span;
mod value;

use super::fault::{Fault, Read};
use super::otlp::{self, Draft, Owner};
use super::protobuf::{Field, Message, Wire};
use super::stretch::Stretch;
use super::{Limits, Scratch, Sink, Unreadable};
use crate::span::Reason;

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
    let (draft, stretch) = (Draft::new(body, scratch, *limits), Stretch::default());
    let mut walk = Walk { draft, stretch, depth: limits.depth, spans: 0 };
    let mut request = Message::new(body);
    match walk.request(&mut request, sink) {
        Ok(()) => Ok(()),
        Err(fault) if walk.spans == 0 => Err(fault.unreadable(request.offset())),
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
    stretch: Stretch<'a>,
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
}

#[cfg(test)]
mod tests;
