//! The members of a span, in whatever order they come.

use super::endpoint::Which;
use super::{Decoder, OTHER_DIALECT, id};
use crate::decode::fault::{Fault, Read};
use crate::decode::json::{Number, integer_of};
use crate::decode::zipkin::Kind;
use crate::span::{Reason, Text};

const NO_TIME: &Fault = &Fault::new(Reason::Time, "a time or duration is no number");
const TIME_TOO_LARGE: &Fault = &Fault::new(Reason::Time, "a time or duration is beyond 64 bits");
const NO_SCALAR: &Fault = &Fault::new(Reason::Structure, "a text was expected, not an object or a list");

/// The names of a span's members. jaeger-collector reads them in any case.
const NAMES: [&str; 12] = [
    "traceId",
    "id",
    "parentId",
    "kind",
    "name",
    "timestamp",
    "duration",
    "localEndpoint",
    "remoteEndpoint",
    "annotations",
    "tags",
    "debug",
];

impl<'a> Decoder<'a> {
    #[inline]
    pub(super) fn read_members(&mut self) -> Read<()> {
        let mut more = self.reader.open(b'{', b'}')?;
        while more {
            match self.reader.plain_key() {
                Some(name) => {
                    if !self.member(name)? {
                        self.odd_member(name)?;
                    }
                }
                None => {
                    let name = self.reader.key()?.decoded();
                    self.odd_member(&name)?;
                }
            }
            more = self.reader.more(b'}')?;
        }
        Ok(())
    }

    /// Reads the value of the member `name`; false, and nothing is read, if the name is unknown.
    #[inline(always)]
    fn member(&mut self, name: &str) -> Read<bool> {
        match name {
            "id" => self.draft.members.span_id = self.id(id::SPAN)?,
            "kind" => match self.reader.plain_string() {
                Some(text) => self.draft.members.kind = Kind::of(text),
                None => self.draft.members.kind = Kind::of(&self.odd_scalar()?.decoded()),
            },
            "name" => match self.reader.plain_string() {
                Some(text) => self.draft.span.operation = Text::Clean(text),
                None => self.odd_name()?,
            },
            "tags" => self.tags()?,
            "traceId" => self.draft.members.trace_id = self.trace_id()?,
            "parentId" => self.draft.members.parent_id = self.parent_id()?,
            "duration" => self.draft.span.duration = self.time()?,
            "timestamp" => self.draft.members.timestamp = self.time()?.unsigned_abs(),
            "annotations" => self.annotations()?,
            "localEndpoint" => self.endpoint(Which::Local)?,
            "remoteEndpoint" => self.endpoint(Which::Remote)?,
            "debug" => self.draft.span.debug = self.debug()?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// A name in another case or with escapes, or one that nobody knows.
    #[cold]
    fn odd_member(&mut self, name: &str) -> Read<()> {
        if name.eq_ignore_ascii_case("binaryAnnotations") && !self.is_mixed && self.reader.peek() != Some(b'n') {
            return Err(OTHER_DIALECT);
        }
        match NAMES.iter().find(|known| name.eq_ignore_ascii_case(known)) {
            Some(known) => self.member(known).map(|_| ()),
            None => self.reader.skip(self.draft.limits.depth),
        }
    }

    /// What is not `true` is no wish.
    #[cold]
    pub(super) fn debug(&mut self) -> Read<bool> {
        if self.reader.peek() == Some(b't') {
            return self.reader.word().map(|word| word == "true");
        }
        self.reader.skip(self.draft.limits.depth).map(|()| false)
    }

    #[cold]
    fn odd_name(&mut self) -> Read<()> {
        self.draft.span.operation = self.odd_scalar()?;
        Ok(())
    }

    /// A string, or another scalar as the text that it is written as; null is empty. For what is
    /// no plain string: the plain way goes without the enum, which would go through memory.
    #[cold]
    pub(super) fn odd_scalar(&mut self) -> Read<Text<'a>> {
        match self.reader.peek() {
            Some(b'"') => self.reader.string(),
            Some(b'{' | b'[') => Err(NO_SCALAR),
            Some(b'-' | b'0'..=b'9') => self.reader.number().map(Text::Clean),
            _ => self.reader.word().map(|word| Text::Clean(if word == "null" { "" } else { word })),
        }
    }

    /// A time or duration in microseconds; what is absent, null, zero or negative is 0. What is
    /// too large for Java's `long` is its largest value, as with Zipkin.
    #[inline]
    pub(super) fn time(&mut self) -> Read<i64> {
        if matches!(self.reader.peek(), Some(b'0'..=b'9'))
            && let Some(value) = self.reader.plain_integer()
        {
            return Ok(value.min(i64::MAX as u64) as i64);
        }
        match self.odd_integer()? {
            None | Some(Number::Negative(_)) => Ok(0),
            Some(Number::Natural(value)) => Ok(i64::try_from(value).unwrap_or(i64::MAX)),
            Some(Number::Huge) => Err(TIME_TOO_LARGE),
        }
    }

    /// An integer that is a fraction, has an exponent or stands in quotes; `None` for null.
    #[cold]
    pub(super) fn odd_integer(&mut self) -> Read<Option<Number>> {
        let text = match self.reader.peek() {
            Some(b'"') => self.reader.string()?.decoded(),
            Some(b'-' | b'0'..=b'9') => self.reader.number()?.into(),
            _ if self.reader.word()? == "null" => return Ok(None),
            _ => return Err(NO_TIME),
        };
        integer_of(text.trim()).map(Some).ok_or(NO_TIME)
    }
}
