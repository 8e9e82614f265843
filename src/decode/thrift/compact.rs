//! Thrift's compact protocol: integers as zig-zag varints, field numbers as steps from the one
//! before, a boolean field in its own header, doubles with their lowest byte first.

use super::{Field, List, MALFORMED, Message, NEGATIVE, Place, Protocol, TRUNCATED, Type, UNKNOWN_TYPE, VERSION};
use crate::decode::fault::Read;
use crate::decode::stretch::{Short, Stretch};

/// The first byte of a message.
const PROTOCOL: u8 = 0x82;
/// Its version, in the lower five bits of the second byte.
const VERSION_1: u8 = 1;
/// A list's size in its first byte says that the size follows.
const SIZE_FOLLOWS: u8 = 15;

/// A field of bytes, and one of an integer, that follows the field before.
const NEXT_BYTES: u8 = 1 << 4 | 8;
const NEXT_INTEGER: u8 = 1 << 4 | 5;

/// Reads the compact protocol.
#[derive(Debug)]
pub(crate) struct Compact<'a> {
    body: &'a [u8],
    at: usize,
    /// The number of the last field of this struct.
    last: i16,
    /// The value of the boolean field whose header was read.
    flag: Option<bool>,
}

impl<'a> Compact<'a> {
    pub(crate) fn new(body: &'a [u8]) -> Self {
        Compact { body, at: 0, last: 0, flag: None }
    }

    #[inline]
    fn byte(&mut self) -> Read<u8> {
        let byte = self.body.get(self.at).ok_or(TRUNCATED)?;
        self.at += 1;
        Ok(*byte)
    }

    /// Up to ten bytes of seven bits, the lowest first.
    #[inline]
    fn varint(&mut self) -> Read<u64> {
        let first = self.byte()?;
        if first < 0x80 {
            return Ok(u64::from(first));
        }
        let mut value = u64::from(first & 0x7f);
        for shift in (7..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(MALFORMED)
    }

    #[inline]
    fn zigzag(&mut self) -> Read<i64> {
        let value = self.varint()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// A length or a size; as with Go's reader, of a longer number the lower 32 bits.
    #[inline]
    fn length(&mut self) -> Read<u32> {
        let value = self.varint()? as u32;
        if value > i32::MAX as u32 { Err(NEGATIVE) } else { Ok(value) }
    }
}

/// The type in the lower four bits.
#[inline]
fn kind_of(nibble: u8) -> Read<Type> {
    Ok(match nibble {
        1 | 2 => Type::Bool,
        3 => Type::I8,
        4 => Type::I16,
        5 => Type::I32,
        6 => Type::I64,
        7 => Type::Double,
        8 => Type::Binary,
        9 => Type::List,
        10 => Type::Set,
        11 => Type::Map,
        12 => Type::Struct,
        _ => return Err(UNKNOWN_TYPE),
    })
}

impl<'a> Protocol<'a> for Compact<'a> {
    #[inline]
    fn offset(&self) -> usize {
        self.at
    }

    #[inline]
    fn place(&self) -> Place {
        Place { offset: self.at, last: self.last }
    }

    fn seek(&mut self, place: Place) {
        (self.at, self.last, self.flag) = (place.offset, place.last, None);
    }

    #[inline]
    fn since(&self, start: usize) -> &'a [u8] {
        self.body.get(start..self.at).unwrap_or(&[])
    }

    #[inline]
    fn enter(&mut self) -> i16 {
        std::mem::take(&mut self.last)
    }

    #[inline]
    fn leave(&mut self, outer: i16) {
        self.last = outer;
    }

    fn message(&mut self) -> Read<Message<'a>> {
        if self.byte()? != PROTOCOL || self.byte()? & 0x1f != VERSION_1 {
            return Err(VERSION);
        }
        self.varint()?;
        Ok(Message { name: self.binary()? })
    }

    #[inline]
    fn field(&mut self) -> Read<Option<Field>> {
        let header = self.byte()?;
        let (step, kind) = (header >> 4, header & 0x0f);
        if kind == 0 {
            return Ok(None);
        }
        self.last = match step {
            0 => self.zigzag()? as i16,
            step => self.last.wrapping_add(i16::from(step)),
        };
        let kind_read = kind_of(kind)?;
        if kind_read == Type::Bool {
            self.flag = Some(kind == 1);
        }
        Ok(Some(Field { kind: kind_read, id: self.last }))
    }

    /// An empty list may name any type.
    #[inline]
    fn list(&mut self) -> Read<List> {
        let header = self.byte()?;
        let length = match header >> 4 {
            SIZE_FOLLOWS => self.length()?,
            size => u32::from(size),
        };
        let kind = kind_of(header & 0x0f);
        Ok(List { kind: if length == 0 { kind.unwrap_or(Type::Bool) } else { kind? }, length })
    }

    fn map(&mut self) -> Read<(Option<(Type, Type)>, u32)> {
        match self.length()? {
            0 => Ok((None, 0)),
            length => {
                let kinds = self.byte()?;
                Ok((Some((kind_of(kinds >> 4)?, kind_of(kinds & 0x0f)?)), length))
            }
        }
    }

    /// In a field the value came with the header; in a list it is a byte of its own.
    #[inline]
    fn bool(&mut self) -> Read<bool> {
        match self.flag.take() {
            Some(value) => Ok(value),
            None => Ok(self.byte()? == 1),
        }
    }

    #[inline]
    fn i32(&mut self) -> Read<i32> {
        let value = self.varint()? as u32;
        Ok((value >> 1) as i32 ^ -((value & 1) as i32))
    }

    #[inline]
    fn i64(&mut self) -> Read<i64> {
        self.zigzag()
    }

    #[inline]
    fn double(&mut self) -> Read<f64> {
        let bytes = self.body.get(self.at..).and_then(|rest| rest.first_chunk::<8>()).ok_or(TRUNCATED)?;
        self.at += 8;
        Ok(f64::from_le_bytes(*bytes))
    }

    #[inline]
    fn binary(&mut self) -> Read<&'a [u8]> {
        let length = self.length()? as usize;
        let rest = self.body.get(self.at..).unwrap_or(&[]);
        let bytes = rest.get(..length).ok_or(TRUNCATED)?;
        self.at += length;
        Ok(bytes)
    }

    #[inline(always)]
    fn pair(&mut self, stretch: &mut Stretch<'a>) -> Option<(Short<'a>, Short<'a>)> {
        stretch.reach(self.body, self.at);
        let &[NEXT_BYTES, key] = self.body.get(self.at..)?.first_chunk::<2>()? else { return None };
        let between = self.at + 2 + usize::from(key);
        let &[NEXT_INTEGER, 0, NEXT_BYTES, value] = self.body.get(between..)?.first_chunk::<4>()? else { return None };
        let end = between + 4 + usize::from(value);
        if (key | value) >= 0x80 || self.body.get(end) != Some(&0) {
            return None;
        }
        let key = stretch.short(self.body, self.at + 2, key.into())?;
        let value = stretch.short(self.body, between + 4, value.into())?;
        self.at = end + 1;
        Some((key, value))
    }

    fn skip_small(&mut self, kind: Type) -> Read<()> {
        match kind {
            Type::I16 => self.varint().map(|_| ()),
            _ => self.byte().map(|_| ()),
        }
    }
}

#[cfg(test)]
mod tests;
