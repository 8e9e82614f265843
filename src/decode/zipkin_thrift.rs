//! Zipkin v1 Thrift → spans: a list of `zipkincore.Span` in binary protocol, without any envelope,
//! as posted to `/api/v1/spans`.
//!
//! A span that makes no sense is refused alone. Where the bytes stop making sense nothing behind
//! can be found, so that the spans before stand and one refusal tells of the rest. What stands
//! behind the list is ignored. The spans that come out are told of in [`OldSpan`].

mod value;

use super::fault::{Fault, Read};
use super::thrift::{Binary, Field, Protocol, Type};
use super::zipkin::{AbsentStart, Draft, Endpoint, OldSpan};
use super::{Limits, Scratch, Sink, Unreadable};
use crate::span::{Reason, Text, Value};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const NO_LIST: &Fault = &Fault::new(Reason::Structure, "no list of spans");
const NO_STRUCT: &Fault = &Fault::new(Reason::Structure, "an annotation is no struct");
/// How deep the schema itself nests: span, annotations, annotation, endpoint.
const OWN_DEPTH: usize = 4;

/// Reads a list of spans. An empty body is an empty list.
///
/// `scratch` takes the text that must be built; it is made beside the body, and empty.
pub fn zipkin_thrift<'a>(
    body: &'a [u8],
    scratch: &'a Scratch,
    limits: &Limits,
    sink: &mut impl Sink<'a>,
) -> Result<(), Unreadable> {
    if body.is_empty() {
        return Ok(());
    }
    let draft = Draft::new(body.len(), scratch, *limits);
    let mut decoder = Decoder { wire: Binary::new(body), draft, old: OldSpan::default(), found: false };
    match decoder.list(sink) {
        Ok(()) => Ok(()),
        Err(fault) if !decoder.found => Err(fault.unreadable(decoder.wire.offset())),
        Err(fault) => {
            sink.refuse(fault.at(decoder.wire.offset()));
            Ok(())
        }
    }
}

#[derive(Debug)]
struct Decoder<'a> {
    wire: Binary<'a>,
    draft: Draft<'a>,
    old: OldSpan<'a>,
    /// A span was read or refused.
    found: bool,
}

impl<'a> Decoder<'a> {
    /// Zipkin and Jaeger take a list that says to be of strings for one of structs.
    fn list(&mut self, sink: &mut impl Sink<'a>) -> Read<()> {
        let list = self.wire.list()?;
        if list.length > 0 && !matches!(list.kind, Type::Struct | Type::Binary) {
            return Err(NO_LIST);
        }
        for _ in 0..list.length {
            self.one(sink)?;
            self.found = true;
        }
        Ok(())
    }

    /// Hands over or refuses one span. An error: what follows cannot be found.
    fn one(&mut self, sink: &mut impl Sink<'a>) -> Read<()> {
        let (start, place) = (self.wire.offset(), self.wire.place());
        let read = self.span().and_then(|()| {
            let wire = self.wire.since(start);
            self.old.hand_over(&mut self.draft, wire, AbsentStart::Left, sink)
        });
        match read {
            Ok(()) => Ok(()),
            Err(fault) if fault.reason == Reason::Truncated => Err(fault),
            Err(fault) => {
                let refusal = fault.at(self.wire.offset());
                self.wire.seek(place);
                self.wire.skip(Type::Struct, self.draft.limits.depth.saturating_add(OWN_DEPTH))?;
                sink.refuse(refusal);
                Ok(())
            }
        }
    }

    fn span(&mut self) -> Read<()> {
        self.draft.begin()?;
        self.old.clear();
        while let Some(field) = self.wire.field()? {
            match field {
                Field { id: 1, kind: Type::I64 } => self.old.trace_id.low = self.wire.i64()? as u64,
                Field { id: 3, kind: Type::Binary } => self.old.name = text(self.wire.binary()?),
                Field { id: 4, kind: Type::I64 } => self.old.span_id = self.wire.i64()? as u64,
                Field { id: 5, kind: Type::I64 } => self.old.parent_id = self.wire.i64()? as u64,
                Field { id: 6, kind: Type::List } => self.annotations()?,
                Field { id: 8, kind: Type::List } => self.tags()?,
                Field { id: 9, kind: Type::Bool } => self.old.debug = self.wire.bool()?,
                Field { id: 10, kind: Type::I64 } => self.old.timestamp = time(self.wire.i64()?),
                Field { id: 11, kind: Type::I64 } => self.old.duration = self.wire.i64()?.max(0),
                Field { id: 12, kind: Type::I64 } => self.old.trace_id.high = self.wire.i64()? as u64,
                other => self.wire.skip(other.kind, self.draft.limits.depth)?,
            }
        }
        Ok(())
    }

    fn annotations(&mut self) -> Read<()> {
        let list = self.wire.list()?;
        for _ in 0..list.length {
            if list.kind != Type::Struct {
                return Err(NO_STRUCT);
            }
            self.annotation()?;
        }
        Ok(())
    }

    fn annotation(&mut self) -> Read<()> {
        let (mut timestamp, mut value, mut endpoint) = (0, Text::default(), Endpoint::default());
        while let Some(field) = self.wire.field()? {
            match field {
                Field { id: 1, kind: Type::I64 } => timestamp = time(self.wire.i64()?),
                Field { id: 2, kind: Type::Binary } => value = text(self.wire.binary()?),
                Field { id: 3, kind: Type::Struct } => endpoint = self.endpoint()?,
                other => self.wire.skip(other.kind, self.draft.limits.depth)?,
            }
        }
        self.old.annotate(timestamp, value, endpoint, &self.draft.limits)
    }

    fn tags(&mut self) -> Read<()> {
        let list = self.wire.list()?;
        for _ in 0..list.length {
            if list.kind != Type::Struct {
                return Err(NO_STRUCT);
            }
            self.tag()?;
        }
        Ok(())
    }

    fn tag(&mut self) -> Read<()> {
        let (mut key, mut value, mut value_type) = (Text::default(), &[][..], 0);
        let mut endpoint = Endpoint::default();
        while let Some(field) = self.wire.field()? {
            match field {
                Field { id: 1, kind: Type::Binary } => key = text(self.wire.binary()?),
                Field { id: 2, kind: Type::Binary } => value = self.wire.binary()?,
                Field { id: 3, kind: Type::I32 } => value_type = self.wire.i32()?,
                Field { id: 4, kind: Type::Struct } => endpoint = self.endpoint()?,
                other => self.wire.skip(other.kind, self.draft.limits.depth)?,
            }
        }
        let value = value::value(value_type, value, &mut self.draft.scratch)?;
        self.old.tag(key, value, endpoint, &self.draft.limits)
    }

    fn endpoint(&mut self) -> Read<Endpoint<'a>> {
        let mut endpoint = Endpoint::default();
        while let Some(field) = self.wire.field()? {
            match field {
                Field { id: 1, kind: Type::I32 } => {
                    let address = Ipv4Addr::from(self.wire.i32()?.cast_unsigned());
                    endpoint.ipv4 = (!address.is_unspecified()).then_some(Value::Address(IpAddr::V4(address)));
                }
                Field { id: 2, kind: Type::I16 } => endpoint.port = self.wire.i16()?.cast_unsigned(),
                Field { id: 3, kind: Type::Binary } => endpoint.service = text(self.wire.binary()?),
                Field { id: 4, kind: Type::Binary } => {
                    let address = <[u8; 16]>::try_from(self.wire.binary()?).ok();
                    endpoint.ipv6 = address.map(|bytes| Value::Address(IpAddr::V6(Ipv6Addr::from(bytes))));
                }
                other => self.wire.skip(other.kind, self.draft.limits.depth)?,
            }
        }
        Ok(endpoint)
    }
}

/// Microseconds since 1970; a negative number is none.
fn time(micros: i64) -> u64 {
    u64::try_from(micros).unwrap_or(0)
}

/// Text from the wire; Thrift does not promise UTF-8.
fn text(bytes: &[u8]) -> Text<'_> {
    simdutf8::basic::from_utf8(bytes).map_or(Text::Broken { bytes, json: false }, Text::Plain)
}

#[cfg(test)]
mod tests;
