//! The members of a span, in whatever order they come.

use super::Decoder;
use super::endpoint::{Endpoint, Which};
use super::id;
use crate::decode::fault::{Fault, Read};
use crate::decode::json::{Number, integer_of};
use crate::span::{Reason, Text, TraceId};

const NO_TIME: &Fault = &Fault::new(Reason::Time, "a time or duration is no number");
const TIME_TOO_LARGE: &Fault = &Fault::new(Reason::Time, "a time or duration is beyond 64 bits");
const NO_SCALAR: &Fault = &Fault::new(Reason::Structure, "a text was expected, not an object or a list");

/// What waits until the span's object ends.
#[derive(Debug, Default)]
pub(super) struct Members<'a> {
    pub(super) trace_id: TraceId,
    pub(super) span_id: u64,
    /// 0: none.
    pub(super) parent_id: u64,
    pub(super) kind: Kind,
    /// Microseconds since 1970; 0: none.
    pub(super) timestamp: u64,
    pub(super) local: Endpoint<'a>,
    pub(super) remote: Endpoint<'a>,
    /// True if a tag needs [`special`](super::special) treatment.
    pub(super) has_special: bool,
    /// True if a key may be equal to another one in a way that only a close look shows.
    pub(super) has_odd_keys: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Kind {
    #[default]
    None,
    Client,
    Server,
    Producer,
    Consumer,
}

impl Kind {
    /// Of any case; what Zipkin does not know is none.
    #[inline]
    fn of(text: &str) -> Self {
        match text {
            "CLIENT" => Kind::Client,
            "SERVER" => Kind::Server,
            _ => Self::of_any_case(text),
        }
    }

    fn of_any_case(text: &str) -> Self {
        let known = [
            ("CLIENT", Kind::Client),
            ("SERVER", Kind::Server),
            ("PRODUCER", Kind::Producer),
            ("CONSUMER", Kind::Consumer),
        ];
        known.iter().find(|(name, _)| text.eq_ignore_ascii_case(name)).map_or(Kind::None, |&(_, kind)| kind)
    }
}

/// The names of a span's members. jaeger-collector reads them in any case.
const NAMES: [&str; 11] = [
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
            "id" => self.members.span_id = self.id(id::SPAN)?,
            "kind" => match self.reader.plain_string() {
                Some(text) => self.members.kind = Kind::of(text),
                None => self.members.kind = Kind::of(&self.odd_scalar()?.decoded()),
            },
            "name" => match self.reader.plain_string() {
                Some(text) => self.span.operation = Text::Clean(text),
                None => self.odd_name()?,
            },
            "tags" => self.tags()?,
            "traceId" => self.members.trace_id = self.trace_id()?,
            "parentId" => self.members.parent_id = self.parent_id()?,
            "duration" => self.span.duration = self.time()?,
            "timestamp" => self.members.timestamp = self.time()?.unsigned_abs(),
            "annotations" => self.annotations()?,
            "localEndpoint" => self.endpoint(Which::Local)?,
            "remoteEndpoint" => self.endpoint(Which::Remote)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// A name in another case or with escapes, or one that nobody knows.
    #[cold]
    fn odd_member(&mut self, name: &str) -> Read<()> {
        match NAMES.iter().find(|known| name.eq_ignore_ascii_case(known)) {
            Some(known) => self.member(known).map(|_| ()),
            None => self.reader.skip(self.limits.depth),
        }
    }

    #[cold]
    fn odd_name(&mut self) -> Read<()> {
        self.span.operation = self.odd_scalar()?;
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
