//! One span: its members, events, links and status, and attributes of all owners.

use super::value::{LIST, MAP, compound, scalar};
use super::{FOUR, ONE, THREE, TWO, Walk};
use crate::decode::fault::Read;
use crate::decode::otlp::{self, Found, Link, Owner};
use crate::decode::protobuf::{Field, Message, Wire};
use crate::span::Text;

impl<'a> Walk<'a> {
    #[inline]
    pub(super) fn span(&mut self, span: &mut Message<'a>) -> Read<()> {
        self.draft.begin_span();
        loop {
            while self.plain_attribute(span) {}
            let Some(field) = span.field()? else { break };
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
    pub(super) fn attribute(&mut self, owner: Owner, message: Message<'a>) -> Read<()> {
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
