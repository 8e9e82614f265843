//! Zipkin's JSON, v2 and v1, → spans.
//!
//! Which of the two a span is, its members say: `binaryAnnotations`, or an annotation with an
//! `endpoint`, are v1's alone, `kind`, `tags`, `localEndpoint` and others v2's. A span whose members
//! say nothing, or both, is what the path says. So a sender that posts to the wrong path loses
//! nothing. Of v1 is told in [`OldSpan`].
//!
//! Takes all that either Zipkin or jaeger-collector takes, and refuses what both refuse, span by
//! span: a span that makes no sense is left behind and its neighbours go on. The spans that come
//! out are those that jaeger-collector 1.76 makes of the same body (through OpenTelemetry's
//! Zipkin translator): same tags in the same order, same references, same logs.
//!
//! One pass: members are read in the order in which they stand, into a [`Draft`] of the span.

mod annotation;
mod endpoint;
mod id;
mod members;
mod old;
mod tag;

use super::fault::{Fault, Read};
use super::json::Reader;
use super::zipkin::{AbsentStart, Draft, OldSpan};
use super::{Limits, Scratch, Sink, Unreadable};
use crate::span::{Reason, Refusal};

/// The span has members that only the other dialect has.
const OTHER_DIALECT: &Fault = &Fault::new(Reason::Structure, "members of another version of Zipkin");
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads a list of Zipkin v2 spans, or one span as a list of one. An empty body is an empty list.
///
/// `scratch` takes the text that must be built; it is made beside the body, and empty.
pub fn zipkin_json<'a>(
    body: &'a [u8],
    scratch: &'a Scratch,
    limits: &Limits,
    sink: &mut impl Sink<'a>,
) -> Result<(), Unreadable> {
    read(Dialect::New, body, scratch, limits, sink)
}

/// The same, of spans that are of `dialect` unless their members say otherwise.
pub(super) fn read<'a>(
    dialect: Dialect,
    body: &'a [u8],
    scratch: &'a Scratch,
    limits: &Limits,
    sink: &mut impl Sink<'a>,
) -> Result<(), Unreadable> {
    let mut decoder = Decoder::new(dialect, body, scratch, *limits);
    if body.starts_with(BYTE_ORDER_MARK) {
        decoder.reader.seek(BYTE_ORDER_MARK.len());
    }
    decoder.body(sink)
}

/// The two versions of Zipkin's JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// v1.
    Old,
    /// v2.
    New,
}

#[derive(Debug)]
struct Decoder<'a> {
    reader: Reader<'a>,
    draft: Draft<'a>,
    old: OldSpan<'a>,
    /// What the path says.
    dialect: Dialect,
    /// The span at hand has members of both.
    is_mixed: bool,
}

impl<'a> Decoder<'a> {
    fn new(dialect: Dialect, body: &'a [u8], scratch: &'a Scratch, limits: Limits) -> Self {
        let draft = Draft::new(body.len(), scratch, limits);
        Decoder { reader: Reader::new(body), draft, old: OldSpan::default(), dialect, is_mixed: false }
    }

    fn body(&mut self, sink: &mut impl Sink<'a>) -> Result<(), Unreadable> {
        match self.reader.peek() {
            None => return Ok(()),
            Some(b'[') => {
                if !self.list(sink) {
                    return Ok(());
                }
            }
            Some(b'{') => {
                if !self.item(sink) {
                    return Ok(());
                }
            }
            // What jaeger-collector takes for an empty list.
            Some(b'n') if self.reader.word() == Ok("null") => {}
            Some(_) => {
                return Err(Unreadable {
                    offset: self.reader.offset(),
                    what: "neither a list nor a span",
                    limit: None,
                });
            }
        }
        if self.reader.peek().is_some() {
            sink.refuse(self.refusal(Reason::Structure, "something stands behind the list"));
        }
        Ok(())
    }

    /// The list, to its end: false if the body ends or stops making sense before.
    fn list(&mut self, sink: &mut impl Sink<'a>) -> bool {
        let mut more = self.reader.open(b'[', b']');
        while more == Ok(true) {
            if !self.item(sink) {
                return false;
            }
            more = self.reader.more(b']');
        }
        if more.is_err() {
            sink.refuse(self.refusal(Reason::Truncated, "the list of spans is cut off"));
        }
        more.is_ok()
    }

    /// One element: a span for the sink, or a refusal. False if the body ends in it.
    fn item(&mut self, sink: &mut impl Sink<'a>) -> bool {
        let is_null = self.reader.peek() == Some(b'n') && self.reader.word() == Ok("null");
        if is_null {
            return true;
        }
        let start = self.reader.offset();
        match self.span(start, sink) {
            Ok(()) => true,
            Err(fault) => self.leave_behind(start, fault, sink),
        }
    }

    #[inline]
    fn span(&mut self, start: usize, sink: &mut impl Sink<'a>) -> Read<()> {
        self.draft.begin()?;
        match self.read(self.dialect, start, sink) {
            Err(fault) if *fault == *OTHER_DIALECT => self.read_otherwise(start, sink),
            outcome => outcome,
        }
    }

    #[inline]
    fn read(&mut self, dialect: Dialect, start: usize, sink: &mut impl Sink<'a>) -> Read<()> {
        if dialect == Dialect::Old {
            return self.read_old(start, sink);
        }
        self.read_members()?;
        self.draft.span.wire = self.reader.since(start);
        self.draft.finish(AbsentStart::Marked)?;
        self.draft.hand_over(sink);
        Ok(())
    }

    /// Apart, so that the way of v2 stays short.
    #[inline(never)]
    fn read_old(&mut self, start: usize, sink: &mut impl Sink<'a>) -> Read<()> {
        self.old.clear();
        self.read_old_members()?;
        self.old.hand_over(&mut self.draft, self.reader.since(start), AbsentStart::Marked, sink)
    }

    /// Reads a span that is not of the path's dialect alone.
    #[cold]
    fn read_otherwise(&mut self, start: usize, sink: &mut impl Sink<'a>) -> Read<()> {
        let other = if self.dialect == Dialect::New { Dialect::Old } else { Dialect::New };
        let outcome = self.read_again(other, start, sink);
        if !outcome.is_err_and(|fault| *fault == *OTHER_DIALECT) {
            return outcome;
        }
        self.is_mixed = true;
        let outcome = self.read_again(self.dialect, start, sink);
        self.is_mixed = false;
        outcome
    }

    fn read_again(&mut self, dialect: Dialect, start: usize, sink: &mut impl Sink<'a>) -> Read<()> {
        self.reader.seek(start);
        self.draft.clear();
        self.read(dialect, start, sink)
    }

    /// Refuses the span that began at `start` and goes to its end, however odd its inside is.
    #[cold]
    fn leave_behind(&mut self, start: usize, fault: &Fault, sink: &mut impl Sink<'a>) -> bool {
        let refusal = fault.at(self.reader.offset());
        self.reader.seek(start);
        let ended = self.reader.skip_blindly();
        sink.refuse(if ended { refusal } else { Refusal { reason: Reason::Truncated, ..refusal } });
        ended
    }

    fn refusal(&self, reason: Reason, what: &'static str) -> Refusal {
        Refusal { reason, offset: self.reader.offset(), what }
    }
}

#[cfg(test)]
mod tests;
