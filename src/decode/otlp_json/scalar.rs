//! Numbers, enums and ids, in all the ways in which senders write them.

use super::Decoder;
use crate::decode::fault::{Fault, Read};
use crate::decode::json::{Number, integer_of};
use crate::decode::zipkin::id::hex;
use crate::span::{Reason, TraceId};

const NO_TIME: &Fault = &Fault::new(Reason::Time, "a time is no integer of 64 bits");
const NO_INTEGER: &Fault = &Fault::new(Reason::Structure, "a value is no integer of 64 bits");
const NO_NUMBER: &Fault = &Fault::new(Reason::Structure, "a value is no number");
const NO_BOOL: &Fault = &Fault::new(Reason::Structure, "a value is neither true nor false");

impl<'a> Decoder<'a> {
    /// Nanoseconds, as text or as a number.
    #[inline]
    pub(super) fn unsigned(&mut self) -> Read<u64> {
        if let Some(value) = self.reader.plain_integer() {
            return Ok(value);
        }
        match self.integer(NO_TIME)? {
            Number::Natural(value) => Ok(value),
            Number::Negative(_) | Number::Huge => Err(NO_TIME),
        }
    }

    #[inline]
    pub(super) fn signed(&mut self) -> Read<i64> {
        match self.integer(NO_INTEGER)? {
            Number::Natural(value) => i64::try_from(value).map_err(|_| NO_INTEGER),
            Number::Negative(value) => Ok(value),
            Number::Huge => Err(NO_INTEGER),
        }
    }

    #[inline]
    fn integer(&mut self, fault: &'static Fault) -> Read<Number> {
        match self.reader.peek() {
            Some(b'"') => match self.reader.plain_string() {
                Some(text) => integer_of(text),
                None => integer_of(&self.reader.string()?.decoded()),
            },
            Some(b'n') => self.reader.word().map(|_| Some(Number::Natural(0)))?,
            Some(b'-' | b'0'..=b'9') => integer_of(self.reader.number()?),
            _ => None,
        }
        .ok_or(fault)
    }

    /// A number, or one of the words that stand for what JSON's numbers cannot be.
    pub(super) fn double(&mut self) -> Read<f64> {
        match self.reader.peek() {
            Some(b'"') => self.reader.string()?.decoded().parse().ok(),
            Some(b'n') => self.reader.word().map(|_| Some(0.0))?,
            Some(b'-' | b'0'..=b'9') => self.reader.number()?.parse().ok(),
            _ => None,
        }
        .ok_or(NO_NUMBER)
    }

    pub(super) fn bool(&mut self) -> Read<bool> {
        match self.reader.peek() {
            Some(b't' | b'f' | b'n') => self.reader.word().map(|word| word == "true"),
            _ => Err(NO_BOOL),
        }
    }

    /// The number of an enum's value, or its name; 0 for what nobody knows.
    pub(super) fn enumeration(&mut self, names: &[&str]) -> Read<u64> {
        if self.reader.peek() == Some(b'"') {
            let text = self.reader.string()?.decoded();
            let place = names.iter().position(|name| *name == text);
            return Ok(place.map_or_else(|| text.parse().unwrap_or(0), |place| place as u64));
        }
        match self.integer(NO_INTEGER)? {
            Number::Natural(value) => Ok(value),
            Number::Negative(_) | Number::Huge => Ok(0),
        }
    }

    /// 32 digits; nothing at all is the id that names nothing.
    #[inline]
    pub(super) fn trace_id(&mut self, fault: &'static Fault) -> Read<TraceId> {
        let Some(digits) = self.reader.plain_string() else {
            let text = self.text()?;
            return digits_of_trace(text.decoded().as_bytes()).ok_or(fault);
        };
        digits_of_trace(digits.as_bytes()).ok_or(fault)
    }

    /// 16 digits, or nothing at all.
    #[inline]
    pub(super) fn span_id(&mut self, fault: &'static Fault) -> Read<u64> {
        let Some(digits) = self.reader.plain_string() else {
            let text = self.text()?;
            return digits_of_span(text.decoded().as_bytes()).ok_or(fault);
        };
        digits_of_span(digits.as_bytes()).ok_or(fault)
    }
}

#[inline]
fn digits_of_trace(digits: &[u8]) -> Option<TraceId> {
    if digits.is_empty() {
        return Some(TraceId::default());
    }
    let (high, low) = digits.split_first_chunk::<16>()?;
    Some(TraceId { high: hex(high)?, low: digits_of_span(low).filter(|_| !low.is_empty())? })
}

#[inline]
fn digits_of_span(digits: &[u8]) -> Option<u64> {
    match digits.len() {
        0 => Some(0),
        16 => hex(digits),
        _ => None,
    }
}
