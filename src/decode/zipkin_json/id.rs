//! Ids, as JSON has them.

use std::borrow::Cow;

use super::Decoder;
use crate::decode::fault::{Fault, Read};
use crate::decode::zipkin::id::{hex, trace_id};
use crate::span::{Reason, TraceId};

const TRACE: &Fault = &Fault::new(Reason::TraceId, "trace id is not 1 to 32 hexadecimal digits");
pub(super) const SPAN: &Fault = &Fault::new(Reason::SpanId, "span id is not 1 to 16 hexadecimal digits");
const PARENT: &Fault = &Fault::new(Reason::ParentId, "parent id is not 1 to 16 hexadecimal digits");

impl<'a> Decoder<'a> {
    /// The digits of an id that is written in another way than most: escaped, or as a number,
    /// which is not converted.
    #[cold]
    pub(super) fn odd_digits(&mut self, fault: &'static Fault) -> Read<Cow<'a, str>> {
        match self.reader.peek() {
            Some(b'"') => Ok(self.reader.string()?.decoded()),
            Some(b'0'..=b'9') => Ok(Cow::Borrowed(self.reader.number()?)),
            _ => Err(fault),
        }
    }

    #[inline]
    pub(super) fn id(&mut self, fault: &'static Fault) -> Read<u64> {
        match self.reader.plain_string() {
            Some(digits) => hex(digits.as_bytes()),
            None => hex(self.odd_digits(fault)?.as_bytes()),
        }
        .ok_or(fault)
    }

    /// 0 for none: null, empty, all zeros.
    #[inline]
    pub(super) fn parent_id(&mut self) -> Read<u64> {
        match self.reader.plain_string() {
            Some("") => Ok(0),
            Some(digits) => hex(digits.as_bytes()).ok_or(PARENT),
            None if self.reader.peek() == Some(b'n') => self.reader.word().map(|_| 0),
            None => match &*self.odd_digits(PARENT)? {
                "" => Ok(0),
                digits => hex(digits.as_bytes()).ok_or(PARENT),
            },
        }
    }

    #[inline]
    pub(super) fn trace_id(&mut self) -> Read<TraceId> {
        match self.reader.plain_string() {
            Some(digits) => trace_id(digits.as_bytes()),
            None => trace_id(self.odd_digits(TRACE)?.as_bytes()),
        }
        .ok_or(TRACE)
    }
}
