//! A reader of protobuf that borrows from the body.
//!
//! [`Message`] walks one message field by field: [`field`](Message::field) gives a number and a
//! [`Wire`] type, the caller matches on both and takes the value ([`varint`](Message::varint),
//! [`bytes`](Message::bytes), …) or passes over it ([`skip`](Message::skip)). A number under another
//! wire type than the schema's is thereby an unknown field, as everywhere in protobuf. A message
//! inside is a [`Message`] of its own that ends where its length says; the outer one stands behind
//! it already, so that an inner one which makes no sense costs no neighbour. All offsets count from
//! the start of the body. No length is believed before the bytes are there, nothing is copied, and
//! groups, which nobody sends, are passed over to a limited depth.
//!
//! ```text
//! while let Some(field) = span.field()? {
//!     match field {
//!         Field { number: 1, wire: Wire::Bytes } => id = span.bytes()?,
//!         Field { number: 8, wire: Wire::Bytes } => endpoint(span.message()?)?,
//!         other => span.skip(other, depth)?,
//!     }
//! }
//! ```
//!
//! A packed list of scalars is entered as a message and its values taken one after the other until
//! [`is_at_end`](Message::is_at_end).

mod entry;

use super::fault::{Fault, Read};
use crate::span::{Limit, Reason, Text};

const TRUNCATED: &Fault = &Fault::new(Reason::Truncated, "the message ends inside a value");
const OVERLONG: &Fault = &Fault::new(Reason::Truncated, "a number of more than 64 bits");
const BAD_KEY: &Fault = &Fault::new(Reason::Truncated, "no field of protobuf begins so");
const BAD_GROUP: &Fault = &Fault::new(Reason::Truncated, "a group that nobody began");
const TOO_DEEP: &Fault = &Fault::limit(Limit::Depth, "nested too deep");

/// How a value lies on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wire {
    /// Integers, enums, booleans.
    Varint,
    Fixed64,
    /// Bytes, strings, messages, packed lists.
    Bytes,
    Group,
    GroupEnd,
    Fixed32,
}

/// What stands before a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) number: u32,
    pub(super) wire: Wire,
}

/// A message, read from front to back.
///
/// It can be copied: a copy reads the same bytes again.
#[derive(Debug, Clone, Copy)]
pub(super) struct Message<'a> {
    /// The body up to the end of this message.
    body: &'a [u8],
    at: usize,
}

impl<'a> Message<'a> {
    pub(super) fn new(body: &'a [u8]) -> Self {
        Message { body, at: 0 }
    }

    /// Where the next byte stands in the body.
    #[inline]
    pub(super) fn offset(&self) -> usize {
        self.at
    }

    /// The bytes of this message from here on.
    #[inline]
    pub(super) fn rest(&self) -> &'a [u8] {
        self.body.get(self.at..).unwrap_or(&[])
    }

    #[inline]
    pub(super) fn is_at_end(&self) -> bool {
        self.at >= self.body.len()
    }

    /// The next field; `None` at the end of the message.
    #[inline]
    pub(super) fn field(&mut self) -> Read<Option<Field>> {
        if self.is_at_end() {
            return Ok(None);
        }
        let key = u32::try_from(self.varint()?).map_err(|_| BAD_KEY)?;
        let wire = match key & 7 {
            0 => Wire::Varint,
            1 => Wire::Fixed64,
            2 => Wire::Bytes,
            3 => Wire::Group,
            4 => Wire::GroupEnd,
            5 => Wire::Fixed32,
            _ => return Err(BAD_KEY),
        };
        match key >> 3 {
            0 => Err(BAD_KEY),
            number => Ok(Some(Field { number, wire })),
        }
    }

    /// An integer; a signed one is its two's complement, a boolean is true if it is not 0.
    #[inline]
    pub(super) fn varint(&mut self) -> Read<u64> {
        match self.body.get(self.at) {
            Some(&byte) if byte < 0x80 => {
                self.at += 1;
                Ok(byte.into())
            }
            _ => self.long_varint(),
        }
    }

    fn long_varint(&mut self) -> Read<u64> {
        let mut value = 0;
        for (index, &byte) in self.rest().iter().take(10).enumerate() {
            value |= u64::from(byte & 0x7f) << (7 * index);
            if byte < 0x80 {
                if index == 9 && byte > 1 {
                    return Err(OVERLONG);
                }
                self.at += index + 1;
                return Ok(value);
            }
        }
        Err(if self.rest().len() < 10 { TRUNCATED } else { OVERLONG })
    }

    /// A fixed-width integer or the bits of a double.
    #[inline]
    pub(super) fn fixed64(&mut self) -> Read<u64> {
        self.fixed().map(u64::from_le_bytes)
    }

    #[inline]
    fn fixed<const N: usize>(&mut self) -> Read<[u8; N]> {
        let bytes = self.rest().first_chunk::<N>().ok_or(TRUNCATED)?;
        self.at += N;
        Ok(*bytes)
    }

    #[inline]
    pub(super) fn bytes(&mut self) -> Read<&'a [u8]> {
        let length = usize::try_from(self.varint()?).map_err(|_| TRUNCATED)?;
        let bytes = self.rest().get(..length).ok_or(TRUNCATED)?;
        self.at += length;
        Ok(bytes)
    }

    /// A string; senders do write other bytes than UTF-8 there.
    #[inline]
    pub(super) fn text(&mut self) -> Read<Text<'a>> {
        let bytes = self.bytes()?;
        Ok(simdutf8::basic::from_utf8(bytes).map_or(Text::Broken { bytes, json: false }, Text::Plain))
    }

    /// The message that stands here; this one goes on behind it.
    #[inline]
    pub(super) fn message(&mut self) -> Read<Message<'a>> {
        let length = self.bytes()?.len();
        Ok(Message { body: self.body.get(..self.at).unwrap_or(&[]), at: self.at - length })
    }

    /// The message that stands here, or what there is of it; true if it is whole.
    pub(super) fn message_or_part(&mut self) -> Read<(Message<'a>, bool)> {
        let mut behind = *self;
        let length = usize::try_from(behind.varint()?).unwrap_or(usize::MAX);
        if length <= behind.rest().len() {
            return self.message().map(|message| (message, true));
        }
        self.at = self.body.len();
        Ok((behind, false))
    }

    /// Passes over the value of `field`, groups at most `depth` deep.
    pub(super) fn skip(&mut self, field: Field, depth: usize) -> Read<()> {
        match field.wire {
            Wire::Varint => self.varint().map(|_| ()),
            Wire::Fixed64 => self.fixed::<8>().map(|_| ()),
            Wire::Bytes => self.bytes().map(|_| ()),
            Wire::Fixed32 => self.fixed::<4>().map(|_| ()),
            Wire::Group => self.skip_group(field.number, depth),
            Wire::GroupEnd => Err(BAD_GROUP),
        }
    }

    #[cold]
    fn skip_group(&mut self, number: u32, depth: usize) -> Read<()> {
        let depth = depth.checked_sub(1).ok_or(TOO_DEEP)?;
        while let Some(field) = self.field()? {
            if field == (Field { number, wire: Wire::GroupEnd }) {
                return Ok(());
            }
            self.skip(field, depth)?;
        }
        Err(TRUNCATED)
    }
}

#[cfg(test)]
mod tests;
