//! A span, with its events and links.

use super::Decoder;
use crate::decode::fault::Read;
use crate::decode::otlp::{self, Link, Owner};
use crate::span::Text;

const KINDS: [&str; 6] = [
    "SPAN_KIND_UNSPECIFIED",
    "SPAN_KIND_INTERNAL",
    "SPAN_KIND_SERVER",
    "SPAN_KIND_CLIENT",
    "SPAN_KIND_PRODUCER",
    "SPAN_KIND_CONSUMER",
];
const STATUSES: [&str; 3] = ["STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR"];

impl<'a> Decoder<'a> {
    #[inline]
    pub(super) fn span(&mut self) -> Read<()> {
        self.draft.begin_span();
        self.object(|this, name| {
            match name {
                "traceId" | "trace_id" => this.draft.span.trace_id = this.trace_id(otlp::TRACE)?,
                "spanId" | "span_id" => this.draft.span.span_id = this.span_id(otlp::SPAN)?,
                "parentSpanId" | "parent_span_id" => this.draft.members.parent = this.span_id(otlp::PARENT)?,
                "traceState" | "trace_state" => this.draft.members.trace_state = this.text()?,
                "name" => this.draft.span.operation = this.text()?,
                "kind" => this.draft.members.kind = this.enumeration(&KINDS)?,
                "startTimeUnixNano" | "start_time_unix_nano" => this.draft.members.start = this.unsigned()?,
                "endTimeUnixNano" | "end_time_unix_nano" => this.draft.members.end = this.unsigned()?,
                "attributes" => this.attributes(Owner::Span)?,
                "events" => this.list(Decoder::event)?,
                "links" => this.list(Decoder::link)?,
                "status" => this.status()?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        self.draft.finish()
    }

    fn status(&mut self) -> Read<()> {
        self.object(|this, name| {
            match name {
                "code" => this.draft.members.status = this.enumeration(&STATUSES)?,
                "message" => this.draft.members.description = this.text()?,
                _ => return Ok(false),
            }
            Ok(true)
        })
    }

    fn event(&mut self) -> Read<()> {
        let start = self.draft.begin_event()?;
        let (mut event, mut time) = (Text::default(), 0);
        self.object(|this, name| {
            match name {
                "timeUnixNano" | "time_unix_nano" => time = this.unsigned()?,
                "name" => event = this.text()?,
                "attributes" => this.attributes(Owner::Event)?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        self.draft.end_event(start, event, time);
        Ok(())
    }

    fn link(&mut self) -> Read<()> {
        let mut link = Link::default();
        self.object(|this, name| {
            match name {
                "traceId" | "trace_id" => link.trace_id = this.trace_id(otlp::LINK)?,
                "spanId" | "span_id" => link.span_id = this.span_id(otlp::LINK)?,
                "attributes" => this.list(|this| {
                    let (key, value) = this.key_value()?;
                    link.attribute(key, value);
                    Ok(())
                })?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        self.draft.link(link)
    }
}
