//! The members of a span of v1.

use super::endpoint::Which;
use super::{Decoder, OTHER_DIALECT};
use crate::decode::fault::{Fault, Read};
use crate::decode::zipkin::{Endpoint, id};
use crate::span::{Reason, Text, Value};

const NO_LIST: &Fault = &Fault::new(Reason::Structure, "annotations are no list of objects");
const SPAN: &Fault = &Fault::new(Reason::SpanId, "span id is not 1 to 32 hexadecimal digits");
const PARENT: &Fault = &Fault::new(Reason::ParentId, "parent id is not 1 to 32 hexadecimal digits");

/// The names of a span's members; the last ones are v2's alone.
const NAMES: [&str; 14] = [
    "traceId",
    "id",
    "parentId",
    "name",
    "timestamp",
    "duration",
    "annotations",
    "binaryAnnotations",
    "debug",
    "kind",
    "localEndpoint",
    "remoteEndpoint",
    "tags",
    "shared",
];

/// What an annotation or a tag says; what is absent or null is empty.
#[derive(Debug, Default)]
struct Said<'a> {
    timestamp: u64,
    key: Text<'a>,
    value: Text<'a>,
    endpoint: Endpoint<'a>,
}

impl<'a> Decoder<'a> {
    pub(super) fn read_old_members(&mut self) -> Read<()> {
        let mut more = self.reader.open(b'{', b'}')?;
        while more {
            match self.reader.plain_key() {
                Some(name) => {
                    if !self.old_member(name)? {
                        self.odd_old_member(name)?;
                    }
                }
                None => {
                    let name = self.reader.key()?.decoded();
                    self.odd_old_member(&name)?;
                }
            }
            more = self.reader.more(b'}')?;
        }
        Ok(())
    }

    /// Reads the value of the member `name`; false, and nothing is read, if the name is unknown.
    fn old_member(&mut self, name: &str) -> Read<bool> {
        match name {
            "traceId" => self.old.trace_id = self.trace_id()?,
            "id" => self.old.span_id = self.old_id(SPAN)?,
            "parentId" => self.old.parent_id = self.old_id(PARENT)?,
            "name" => self.old.name = self.text()?,
            "timestamp" => self.old.timestamp = self.time()?.unsigned_abs(),
            "duration" => self.old.duration = self.time()?,
            "annotations" => self.old_list(Self::old_annotation)?,
            "binaryAnnotations" => self.old_list(Self::old_tag)?,
            "debug" => self.old.debug = self.debug()?,
            "kind" | "localEndpoint" | "remoteEndpoint" | "tags" | "shared" => {
                if !self.is_mixed && self.reader.peek() != Some(b'n') {
                    return Err(OTHER_DIALECT);
                }
                self.reader.skip(self.draft.limits.depth)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    #[cold]
    fn odd_old_member(&mut self, name: &str) -> Read<()> {
        match NAMES.iter().find(|known| name.eq_ignore_ascii_case(known)) {
            Some(known) => self.old_member(known).map(|_| ()),
            None => self.reader.skip(self.draft.limits.depth),
        }
    }

    /// An id, of which the last 16 digits count; 0 for null and for an empty one.
    fn old_id(&mut self, fault: &'static Fault) -> Read<u64> {
        if self.reader.peek() == Some(b'n') {
            return self.reader.word().map(|_| 0);
        }
        let digits = match self.reader.plain_string() {
            Some(digits) => digits.into(),
            None => self.odd_digits(fault)?,
        };
        match digits.as_bytes() {
            b"" => Ok(0),
            digits => id::trace_id(digits).map(|id| id.low).ok_or(fault),
        }
    }

    fn text(&mut self) -> Read<Text<'a>> {
        match self.reader.plain_string() {
            Some(text) => Ok(Text::Clean(text)),
            None => self.odd_scalar(),
        }
    }

    fn old_list(&mut self, keep: fn(&mut Self, &Said<'a>) -> Read<()>) -> Read<()> {
        match self.reader.peek() {
            Some(b'[') => {}
            Some(b'n') => return self.reader.word().map(|_| ()),
            _ => return Err(NO_LIST),
        }
        let mut more = self.reader.open(b'[', b']')?;
        while more {
            match self.reader.peek() {
                Some(b'{') => {
                    let said = self.said()?;
                    keep(self, &said)?;
                }
                Some(b'n') => self.reader.word().map(|_| ())?,
                _ => return Err(NO_LIST),
            }
            more = self.reader.more(b']')?;
        }
        Ok(())
    }

    fn said(&mut self) -> Read<Said<'a>> {
        let mut said = Said::default();
        let mut more = self.reader.open(b'{', b'}')?;
        while more {
            match self.reader.plain_key() {
                Some(name) => {
                    if !self.said_member(&mut said, name)? {
                        self.odd_said_member(&mut said, name)?;
                    }
                }
                None => {
                    let name = self.reader.key()?.decoded();
                    self.odd_said_member(&mut said, &name)?;
                }
            }
            more = self.reader.more(b'}')?;
        }
        Ok(said)
    }

    fn said_member(&mut self, said: &mut Said<'a>, name: &str) -> Read<bool> {
        match name {
            "timestamp" => said.timestamp = self.time()?.unsigned_abs(),
            "key" => said.key = self.text()?,
            "value" => {
                said.value = match self.reader.plain_string() {
                    Some(text) => Text::Clean(text),
                    None => self.odd_value()?,
                };
            }
            "endpoint" => {
                // The other end of a span of v2 is free to be used as long as this is one of v1.
                self.endpoint(Which::Remote)?;
                said.endpoint = std::mem::take(&mut self.draft.members.remote);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    #[cold]
    fn odd_said_member(&mut self, said: &mut Said<'a>, name: &str) -> Read<()> {
        match ["timestamp", "key", "value", "endpoint"].iter().find(|known| name.eq_ignore_ascii_case(known)) {
            Some(known) => self.said_member(said, known).map(|_| ()),
            None => self.reader.skip(self.draft.limits.depth),
        }
    }

    fn old_annotation(&mut self, said: &Said<'a>) -> Read<()> {
        self.old.annotate(said.timestamp, said.value, said.endpoint, &self.draft.limits)
    }

    fn old_tag(&mut self, said: &Said<'a>) -> Read<()> {
        self.old.tag(said.key, Value::Text(said.value), said.endpoint, &self.draft.limits)
    }
}
