//! The end of a span: what waited for it becomes tags and references, and times Jaeger's.

use super::{Draft, Members};
use crate::decode::fault::{Fault, Read};
use crate::span::{Reason, Reference, ReferenceKind, Tag, Text, Value};

const ZERO_TRACE: &Fault = &Fault::new(Reason::TraceId, "trace id is missing or zero");
const ZERO_SPAN: &Fault = &Fault::new(Reason::SpanId, "span id is missing or zero");

/// A name that was no UTF-8, in Jaeger's words.
const BAD_NAME: &str = "invalid-span-name";

impl Draft<'_> {
    /// Ends a span, or says why it cannot be taken.
    #[inline]
    pub(in crate::decode) fn finish(&mut self) -> Read<()> {
        if self.span.trace_id.is_zero() {
            return Err(ZERO_TRACE);
        }
        if self.span.span_id == 0 {
            return Err(ZERO_SPAN);
        }
        self.add_parent();
        if let Text::Broken { bytes, json: false } = self.span.operation {
            self.span.operation = Text::Clean(BAD_NAME);
            self.span.tags.push(Tag::new(BAD_NAME, Value::Binary(bytes)));
        }
        let Members { start, end, .. } = self.members;
        self.span.start = microseconds(start);
        self.span.duration = duration(start, end);
        self.add_tags();
        Ok(())
    }

    #[inline]
    fn add_tags(&mut self) {
        let (members, tags) = (&self.members, &mut self.span.tags);
        let kind = match members.kind {
            1 => "internal",
            2 => "server",
            3 => "client",
            4 => "producer",
            5 => "consumer",
            _ => "",
        };
        if !kind.is_empty() {
            tags.push(Tag::new("span.kind", Value::Text(Text::Clean(kind))));
        }
        match members.status {
            1 => tags.push(Tag::new("otel.status_code", Value::Text(Text::Clean("OK")))),
            2 => {
                tags.push(Tag::new("otel.status_code", Value::Text(Text::Clean("ERROR"))));
                tags.push(Tag::new("error", Value::Bool(true)));
            }
            _ => {}
        }
        if !members.description.is_empty() {
            tags.push(Tag::new("otel.status_description", Value::Text(members.description)));
        }
        if !members.trace_state.is_empty() {
            tags.push(Tag::new("w3c.tracestate", Value::Text(members.trace_state)));
        }
    }

    /// The parent goes first. Links to it only say of what kind that reference is.
    #[inline]
    fn add_parent(&mut self) {
        let (trace_id, span_id) = (self.span.trace_id, self.members.parent);
        if span_id == 0 {
            return;
        }
        let mut parent = Reference { kind: ReferenceKind::ChildOf, trace_id, span_id };
        self.span.references.retain(|link| {
            let is_other = link.trace_id != trace_id || link.span_id != span_id;
            if !is_other {
                parent.kind = link.kind;
            }
            is_other
        });
        self.span.references.insert(0, parent);
    }
}

/// Microseconds since 1970, as Jaeger counts them: through signed 64-bit nanoseconds, so that a time
/// from the year 2262 on lies before 1970.
#[inline]
pub(super) fn microseconds(nanoseconds: u64) -> u64 {
    (nanoseconds.cast_signed() / 1000).cast_unsigned()
}

/// Microseconds between two times; what ended before it began is negative.
#[inline]
fn duration(start: u64, end: u64) -> i64 {
    let nanoseconds = end.cast_signed().saturating_sub(start.cast_signed());
    if nanoseconds < 0 { (nanoseconds / 1000).min(-1) } else { nanoseconds / 1000 }
}
