//! The parts of a span of v1 → spans, as jaeger-collector 1.76 writes them.

use super::OldSpan;
use crate::decode::Sink;
use crate::decode::fault::Read;
use crate::decode::zipkin::{AbsentStart, Draft, Endpoint};
use crate::span::{Tag, Text, Value};

/// What Jaeger calls the service of a span that names none.
const UNKNOWN_SERVICE: &str = "unknown-service";

/// Stands for the process of the second part and those behind it: their spans came in the same
/// bytes and need names of their own.
static PART: [u8; 16] = [b'.'; 16];

impl<'a> OldSpan<'a> {
    /// Splits the span, that came in `wire`, and hands its parts over. `draft` has begun a span.
    pub(in crate::decode) fn hand_over(
        &mut self,
        draft: &mut Draft<'a>,
        wire: &'a [u8],
        start: AbsentStart,
        sink: &mut impl Sink<'a>,
    ) -> Read<()> {
        draft.members.trace_id = self.trace_id;
        draft.members.span_id = self.span_id;
        draft.check_ids()?;
        self.split();
        for index in 0..self.parts.len() {
            draft.clear();
            self.fill(draft, index)?;
            draft.span.wire = wire;
            draft.process.wire = PART.get(..index).unwrap_or(&PART);
            draft.finish_old(start)?;
            draft.hand_over(sink);
        }
        Ok(())
    }

    fn fill(&mut self, draft: &mut Draft<'a>, index: usize) -> Read<()> {
        let Some(&part) = self.parts.get(index) else { return Ok(()) };
        draft.members.trace_id = self.trace_id;
        draft.members.span_id = self.span_id;
        draft.members.parent_id = self.parent_id;
        draft.members.timestamp = part.timestamp;
        draft.members.kind = part.kind;
        draft.members.remote = part.remote;
        draft.span.operation = self.name;
        draft.span.debug = self.debug;
        draft.span.duration = part.duration;
        self.process(draft, &part.endpoint);
        for tag in self.tags.iter().filter(|tag| tag.part == Some(index)) {
            match tag.key {
                Text::Clean("lc") | Text::Plain("lc") => {
                    draft.add("component", Text::Clean("component"), tag.value)?;
                }
                Text::Clean(name) | Text::Plain(name) => draft.add(name, tag.key, tag.value)?,
                _ => draft.add_odd(tag.key, tag.value)?,
            }
        }
        let events = self.annotations.iter().filter(|annotation| annotation.is_event && annotation.part == index);
        for annotation in events.filter(|annotation| !annotation.value.is_empty()) {
            draft.plain_log(annotation.timestamp, annotation.value)?;
        }
        Ok(())
    }

    fn process(&mut self, draft: &mut Draft<'a>, endpoint: &Endpoint<'a>) {
        let service = Some(endpoint.service).filter(|name| !name.is_empty()).or_else(|| self.local_component());
        draft.process.service = Some(service.unwrap_or(Text::Clean(UNKNOWN_SERVICE)));
        let mut add = |key, value| draft.process.tags.push(Tag { key: Text::Clean(key), value });
        if let Some(address) = endpoint.ipv4 {
            add("ipv4", address);
        }
        if let Some(address) = endpoint.ipv6 {
            add("ipv6", address);
        }
        if endpoint.port == 0 {
            return;
        }
        if self.port.is_none_or(|(port, _)| port != endpoint.port) {
            self.port = draft.scratch.keep(endpoint.port.to_string()).map(|text| (endpoint.port, text));
        }
        if let Some((_, text)) = self.port {
            draft.process.tags.push(Tag { key: Text::Clean("port"), value: Value::Text(Text::Clean(text)) });
        }
    }

    /// The value of `lc`, which stands for the service if no endpoint names it.
    fn local_component(&self) -> Option<Text<'a>> {
        let tag = self.tags.iter().rev().find(|tag| tag.key.raw() == b"lc")?;
        if let Value::Text(text) = tag.value { Some(text).filter(|text| !text.is_empty()) } else { None }
    }
}
