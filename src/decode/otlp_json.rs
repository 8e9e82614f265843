//! OpenTelemetry's JSON (`ExportTraceServiceRequest`) → spans, borrowed from the body.
//!
//! OTLP's mapping: ids in hexadecimal, enums as numbers, 64-bit integers as text. As lenient as
//! jaeger-collector's reader: names in camel or snake case, enums by name, integers as numbers, `null`
//! for anything, unknown members, a list sent twice (joined), bytes behind the object. A span that
//! cannot be read is refused alone; under a resource or a scope that cannot be read each span is.
//! Where the body is cut off the spans before stand. A resource or a scope that stands behind its
//! spans is looked up before they are read.

mod group;
mod scalar;
mod span;
mod value;

use super::fault::{Fault, Read};
use super::json::Reader;
use super::otlp::Draft;
use super::{Limits, Scratch, Sink, Unreadable};
use crate::span::{Reason, Text};

const NO_OBJECT: &Fault = &Fault::new(Reason::Structure, "an object was expected");
const NO_LIST: &Fault = &Fault::new(Reason::Structure, "a list was expected");
const CUT_OFF: &Fault = &Fault::new(Reason::Truncated, "the body is cut off");

/// Reads an `ExportTraceServiceRequest`; `{}` is one without spans, an empty body is none at all.
///
/// `scratch` takes the text that must be built; it is made beside the body, and empty.
pub fn otlp_json<'a>(
    body: &'a [u8],
    scratch: &'a Scratch,
    limits: &Limits,
    sink: &mut impl Sink<'a>,
) -> Result<(), Unreadable> {
    let draft = Draft::new(body, scratch, *limits);
    let mut decoder = Decoder { reader: Reader::new(body), draft, depth: limits.depth, spans: 0, is_cut: false };
    match decoder.request(sink) {
        Ok(()) => Ok(()),
        Err(fault) if decoder.spans == 0 => Err(fault.unreadable(decoder.reader.offset())),
        Err(fault) => {
            if !decoder.is_cut {
                sink.refuse(fault.at(decoder.reader.offset()));
            }
            Ok(())
        }
    }
}

#[derive(Debug)]
struct Decoder<'a> {
    reader: Reader<'a>,
    draft: Draft<'a>,
    depth: usize,
    /// Spans handed over or refused.
    spans: usize,
    /// The body ended in what was refused last: there is nothing more.
    is_cut: bool,
}

impl<'a> Decoder<'a> {
    /// Calls `member` with the name of each member of the object that stands here; what it leaves
    /// (false) is passed over. `null` is an empty object.
    #[inline]
    fn object(&mut self, mut member: impl FnMut(&mut Self, &str) -> Read<bool>) -> Read<()> {
        if self.null()? {
            return Ok(());
        }
        if self.reader.peek() != Some(b'{') {
            return Err(NO_OBJECT);
        }
        let mut more = self.reader.open(b'{', b'}')?;
        while more {
            let is_known = match self.plain_key() {
                Some(name) => self.value_of(name, &mut member)?,
                None => {
                    let name = self.reader.key()?.decoded();
                    self.value_of(&name, &mut member)?
                }
            };
            if !is_known {
                self.reader.skip(self.depth)?;
            }
            more = self.reader.more(b'}')?;
        }
        Ok(())
    }

    #[inline]
    fn plain_key(&mut self) -> Option<&'a str> {
        self.reader.peek();
        self.reader.plain_key()
    }

    #[inline]
    fn value_of(&mut self, name: &str, member: &mut impl FnMut(&mut Self, &str) -> Read<bool>) -> Read<bool> {
        self.reader.peek();
        member(self, name)
    }

    /// Calls `element` at each element of the list that stands here. `null` is an empty list.
    #[inline]
    fn list(&mut self, mut element: impl FnMut(&mut Self) -> Read<()>) -> Read<()> {
        if self.null()? {
            return Ok(());
        }
        if self.reader.peek() != Some(b'[') {
            return Err(NO_LIST);
        }
        let mut more = self.reader.open(b'[', b']')?;
        while more {
            self.reader.peek();
            element(self)?;
            more = self.reader.more(b']')?;
        }
        Ok(())
    }

    /// Takes `null`, if it stands here.
    #[inline]
    fn null(&mut self) -> Read<bool> {
        if self.reader.peek() == Some(b'n') {
            return self.reader.word().map(|_| true);
        }
        Ok(false)
    }

    /// Refuses what began at `start` for `fault`, and goes to its end, however odd its inside is.
    #[cold]
    fn leave_behind(&mut self, start: usize, fault: &'static Fault, sink: &mut impl Sink<'a>) -> Read<()> {
        if self.is_cut {
            return Err(fault);
        }
        let mut refusal = fault.at(self.reader.offset());
        self.reader.seek(start);
        self.is_cut = !self.reader.skip_blindly();
        if self.is_cut {
            refusal.reason = Reason::Truncated;
        }
        self.spans += 1;
        sink.refuse(refusal);
        if self.is_cut { Err(CUT_OFF) } else { Ok(()) }
    }

    #[inline]
    fn text(&mut self) -> Read<Text<'a>> {
        if self.null()? { Ok(Text::default()) } else { self.reader.string() }
    }
}

#[cfg(test)]
mod tests;
