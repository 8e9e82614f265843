//! Zipkin's protobuf (`zipkin.proto3.ListOfSpans`) → spans, as posted to `/api/v2/spans` and sent
//! to `SpanService/Report`.
//!
//! Takes what either Zipkin or jaeger-collector takes: ids of up to their full length, strings that
//! are not UTF-8 (Envoy sends such), fields that nobody knows. A span that makes no sense is refused
//! alone, as the list says where the next one begins; where the list itself makes no sense nothing
//! behind can be found, so that the spans before stand and one refusal tells of the rest. Spans come
//! out as jaeger-collector 1.76 makes them of protobuf: as of JSON, but for the tag that marks an
//! absent start. Ids are those on the wire; that Envoy writes some of them backwards is known where
//! spans are [mended](crate::span::repair).
//!
//! One pass, field by field, into the [`Draft`] that all of Zipkin's formats share.

mod endpoint;

use super::fault::{Fault, Read};
use super::protobuf::{Field, Message, Wire};
use super::stretch::Stretch;
use super::zipkin::{AbsentStart, Draft, Kind};
use super::{Limits, Scratch, Sink, Unreadable};
use crate::span::{Reason, Refusal, Text, TraceId, Value};

const TRACE: &Fault = &Fault::new(Reason::TraceId, "trace id is not 1 to 16 bytes");
const SPAN: &Fault = &Fault::new(Reason::SpanId, "span id is not 1 to 8 bytes");
const PARENT: &Fault = &Fault::new(Reason::ParentId, "parent id is not 1 to 8 bytes");

/// The key of field 11, an entry of the map of tags, and that of the entry's value.
const TAG: u8 = 11 << 3 | 2;
const VALUE: u8 = 2 << 3 | 2;

/// Reads a list of spans. An empty body is an empty list.
///
/// `scratch` takes the text that must be built; it is made beside the body, and empty.
pub fn zipkin_proto<'a>(
    body: &'a [u8],
    scratch: &'a Scratch,
    limits: &Limits,
    sink: &mut impl Sink<'a>,
) -> Result<(), Unreadable> {
    let mut list = Message::new(body);
    let mut decoder = Decoder { draft: Draft::new(body.len(), scratch, *limits), stretch: Stretch::default() };
    let mut found = false;
    match decoder.list(&mut list, &mut found, sink) {
        Ok(()) => Ok(()),
        Err(fault) if !found => Err(fault.unreadable(list.offset())),
        Err(fault) => {
            sink.refuse(fault.at(list.offset()));
            Ok(())
        }
    }
}

#[derive(Debug)]
struct Decoder<'a> {
    draft: Draft<'a>,
    stretch: Stretch<'a>,
}

impl<'a> Decoder<'a> {
    /// All spans; `found`: there was one, good or bad. An error: what follows cannot be found.
    fn list(&mut self, list: &mut Message<'a>, found: &mut bool, sink: &mut impl Sink<'a>) -> Read<()> {
        while let Some(field) = list.field()? {
            let Field { number: 1, wire: Wire::Bytes } = field else {
                list.skip(field, self.draft.limits.depth)?;
                continue;
            };
            let mut span = list.message()?;
            *found = true;
            let wire = span.rest();
            match self.span(&mut span) {
                Ok(()) => {
                    self.draft.span.wire = wire;
                    self.draft.hand_over(sink);
                }
                Err(fault) => sink.refuse(refusal(fault, &span)),
            }
        }
        Ok(())
    }

    #[inline]
    fn span(&mut self, span: &mut Message<'a>) -> Read<()> {
        self.draft.begin()?;
        loop {
            while self.plain_tag(span)? {}
            let Some(field) = span.field()? else { break };
            match field {
                Field { number: 11, wire: Wire::Bytes } => self.tag(span.message()?)?,
                Field { number: 1, wire: Wire::Bytes } => {
                    self.draft.members.trace_id = trace_id(span.bytes()?).ok_or(TRACE)?;
                }
                Field { number: 2, wire: Wire::Bytes } => {
                    self.draft.members.parent_id = id(span.bytes()?).ok_or(PARENT)?;
                }
                Field { number: 3, wire: Wire::Bytes } => {
                    self.draft.members.span_id = id(span.bytes()?).ok_or(SPAN)?;
                }
                Field { number: 4, wire: Wire::Varint } => self.draft.members.kind = kind(span.varint()?),
                Field { number: 5, wire: Wire::Bytes } => self.draft.span.operation = span.text()?,
                Field { number: 6, wire: Wire::Fixed64 } => self.draft.members.timestamp = time(span.fixed64()?),
                Field { number: 7, wire: Wire::Varint } => {
                    self.draft.span.duration = i64::try_from(span.varint()?).unwrap_or(0);
                }
                Field { number: 8, wire: Wire::Bytes } => self.local_endpoint(span.message()?)?,
                Field { number: 9, wire: Wire::Bytes } => self.remote_endpoint(span.message()?)?,
                Field { number: 10, wire: Wire::Bytes } => self.annotation(span.message()?)?,
                Field { number: 12, wire: Wire::Varint } => self.draft.span.debug = span.varint()? != 0,
                other => span.skip(other, self.draft.limits.depth)?,
            }
        }
        self.draft.finish(AbsentStart::Left)
    }

    /// Takes the tag that stands here, if it is plain: for such, [`tag`](Self::tag) does the same.
    #[inline(always)]
    fn plain_tag(&mut self, span: &mut Message<'a>) -> Read<bool> {
        let Some(entry) = span.entry(TAG, &mut self.stretch) else { return Ok(false) };
        let Some([VALUE, length]) = span.behind_key(&entry) else { return Ok(false) };
        let Some(text) = span.entry_text(&entry, 2, length, &self.stretch) else { return Ok(false) };
        self.draft.add(entry.key.name(), entry.key.text(), Value::Text(text.text()))?;
        Ok(true)
    }

    /// An entry of the map of tags.
    #[inline]
    fn tag(&mut self, mut entry: Message<'a>) -> Read<()> {
        let (mut key, mut value) = (Text::default(), Text::default());
        while let Some(field) = entry.field()? {
            match field {
                Field { number: 1, wire: Wire::Bytes } => key = entry.text()?,
                Field { number: 2, wire: Wire::Bytes } => value = entry.text()?,
                other => entry.skip(other, self.draft.limits.depth)?,
            }
        }
        match key {
            Text::Plain(name) | Text::Clean(name) => self.draft.add(name, key, Value::Text(value)),
            _ => self.draft.add_odd(key, Value::Text(value)),
        }
    }

    #[inline]
    fn annotation(&mut self, mut annotation: Message<'a>) -> Read<()> {
        let (mut timestamp, mut value) = (0, Text::default());
        while let Some(field) = annotation.field()? {
            match field {
                Field { number: 1, wire: Wire::Fixed64 } => timestamp = time(annotation.fixed64()?),
                Field { number: 2, wire: Wire::Bytes } => value = annotation.text()?,
                other => annotation.skip(other, self.draft.limits.depth)?,
            }
        }
        self.draft.log_text(timestamp, value)
    }

    fn local_endpoint(&mut self, message: Message<'a>) -> Read<()> {
        let local = &mut self.draft.members.local;
        endpoint::endpoint(message, local, self.draft.limits.depth)?;
        self.draft.process.service = Some(local.service).filter(|name| !name.is_empty());
        Ok(())
    }

    fn remote_endpoint(&mut self, message: Message<'a>) -> Read<()> {
        endpoint::endpoint(message, &mut self.draft.members.remote, self.draft.limits.depth)
    }
}

/// A span that ends too early is not cut off: the list goes on behind it.
#[cold]
fn refusal(fault: &Fault, span: &Message<'_>) -> Refusal {
    let reason = if fault.reason == Reason::Truncated { Reason::Structure } else { fault.reason };
    Refusal { reason, ..fault.at(span.offset()) }
}

/// Up to 16 bytes, big endian.
#[inline]
fn trace_id(bytes: &[u8]) -> Option<TraceId> {
    if let Ok(bytes) = <[u8; 16]>::try_from(bytes) {
        let id = u128::from_be_bytes(bytes);
        return Some(TraceId { high: (id >> 64) as u64, low: id as u64 });
    }
    let (high, low) = bytes.split_at(bytes.len().saturating_sub(8));
    Some(TraceId { high: id(high)?, low: id(low)? })
}

/// Up to 8 bytes, big endian; none are 0.
#[inline]
fn id(bytes: &[u8]) -> Option<u64> {
    if let Ok(bytes) = <[u8; 8]>::try_from(bytes) {
        return Some(u64::from_be_bytes(bytes));
    }
    (bytes.len() < 8).then(|| bytes.iter().fold(0, |id, &byte| id << 8 | u64::from(byte)))
}

/// What Zipkin does not know is none.
#[inline]
fn kind(number: u64) -> Kind {
    match number {
        1 => Kind::Client,
        2 => Kind::Server,
        3 => Kind::Producer,
        4 => Kind::Consumer,
        _ => Kind::None,
    }
}

/// Microseconds since 1970; a negative number is none.
#[inline]
fn time(micros: u64) -> u64 {
    if micros > i64::MAX as u64 { 0 } else { micros }
}

#[cfg(test)]
mod tests;
