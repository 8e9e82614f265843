//! Thrift's binary protocol: fixed widths, big endian.

use super::{Field, List, Message, NEGATIVE, Place, Protocol, TRUNCATED, Type, UNKNOWN_TYPE, VERSION};
use crate::decode::fault::Read;
use crate::decode::stretch::{Short, Stretch};

/// The upper half of a message's first number, if it is of today's form.
const VERSION_1: u32 = 0x8001;

/// What stands before the key of a tag, between its key and its value, and behind that; lengths of
/// one byte follow the first two.
const BEFORE_KEY: [u8; 6] = [11, 0, 1, 0, 0, 0];
const BEFORE_VALUE: [u8; 13] = [8, 0, 2, 0, 0, 0, 0, 11, 0, 3, 0, 0, 0];

/// Reads the binary protocol.
#[derive(Debug)]
pub(crate) struct Binary<'a> {
    body: &'a [u8],
    at: usize,
}

impl<'a> Binary<'a> {
    pub(crate) fn new(body: &'a [u8]) -> Self {
        Binary { body, at: 0 }
    }

    #[inline]
    fn fixed<const N: usize>(&mut self) -> Read<[u8; N]> {
        let bytes = self.body.get(self.at..).and_then(|rest| rest.first_chunk::<N>()).ok_or(TRUNCATED)?;
        self.at += N;
        Ok(*bytes)
    }

    /// The short text that stands at `at` behind `before` and a length of one byte.
    #[inline(always)]
    fn short<const N: usize>(&self, at: usize, before: &[u8; N], stretch: &Stretch<'a>) -> Option<Short<'a>> {
        let (head, rest) = self.body.get(at..)?.split_first_chunk::<N>()?;
        let length = *rest.first()?;
        if head != before || length >= 0x80 {
            return None;
        }
        stretch.short(self.body, at + N + 1, length.into())
    }

    /// An integer that no span of Jaeger's has, so that the trait need not know it.
    pub(crate) fn i16(&mut self) -> Read<i16> {
        self.fixed().map(i16::from_be_bytes)
    }

    #[inline]
    fn bytes(&mut self, length: usize) -> Read<&'a [u8]> {
        let rest = self.body.get(self.at..).unwrap_or(&[]);
        let bytes = rest.get(..length).ok_or(TRUNCATED)?;
        self.at += length;
        Ok(bytes)
    }

    #[inline]
    fn kind(&mut self) -> Read<Type> {
        let [byte] = self.fixed()?;
        kind_of(byte)
    }

    #[inline]
    fn length(&mut self) -> Read<u32> {
        u32::try_from(self.i32()?).map_err(|_| NEGATIVE)
    }
}

#[inline]
fn kind_of(byte: u8) -> Read<Type> {
    Ok(match byte {
        2 => Type::Bool,
        3 => Type::I8,
        4 => Type::Double,
        6 => Type::I16,
        8 => Type::I32,
        10 => Type::I64,
        11 => Type::Binary,
        12 => Type::Struct,
        13 => Type::Map,
        14 => Type::Set,
        15 => Type::List,
        _ => return Err(UNKNOWN_TYPE),
    })
}

impl<'a> Protocol<'a> for Binary<'a> {
    #[inline]
    fn offset(&self) -> usize {
        self.at
    }

    #[inline]
    fn place(&self) -> Place {
        Place { offset: self.at, last: 0 }
    }

    fn seek(&mut self, place: Place) {
        self.at = place.offset;
    }

    #[inline]
    fn since(&self, start: usize) -> &'a [u8] {
        self.body.get(start..self.at).unwrap_or(&[])
    }

    /// Today's form begins with a version, which is a negative number; the old one with the length
    /// of the name.
    fn message(&mut self) -> Read<Message<'a>> {
        let first = u32::from_be_bytes(self.fixed()?);
        let is_old = i32::try_from(first).is_ok();
        if !is_old && first >> 16 != VERSION_1 {
            return Err(VERSION);
        }
        let name = if is_old { self.bytes(first as usize)? } else { self.binary()? };
        if is_old {
            self.fixed::<1>()?;
        }
        self.fixed::<4>()?;
        Ok(Message { name })
    }

    #[inline]
    fn enter(&mut self) -> i16 {
        0
    }

    #[inline]
    fn leave(&mut self, _outer: i16) {}

    #[inline]
    fn field(&mut self) -> Read<Option<Field>> {
        let [kind] = self.fixed()?;
        if kind == 0 {
            return Ok(None);
        }
        let kind = kind_of(kind)?;
        Ok(Some(Field { kind, id: i16::from_be_bytes(self.fixed()?) }))
    }

    /// An empty list may name any type, as some writers leave it at 0.
    #[inline]
    fn list(&mut self) -> Read<List> {
        let [kind] = self.fixed()?;
        let length = self.length()?;
        let kind = if length == 0 { kind_of(kind).unwrap_or(Type::Bool) } else { kind_of(kind)? };
        Ok(List { kind, length })
    }

    fn map(&mut self) -> Read<(Option<(Type, Type)>, u32)> {
        let (key, value) = (self.kind(), self.kind());
        match self.length()? {
            0 => Ok((None, 0)),
            length => Ok((Some((key?, value?)), length)),
        }
    }

    #[inline]
    fn bool(&mut self) -> Read<bool> {
        let [byte] = self.fixed()?;
        Ok(byte == 1)
    }

    #[inline]
    fn i32(&mut self) -> Read<i32> {
        self.fixed().map(i32::from_be_bytes)
    }

    #[inline]
    fn i64(&mut self) -> Read<i64> {
        self.fixed().map(i64::from_be_bytes)
    }

    #[inline]
    fn double(&mut self) -> Read<f64> {
        self.fixed().map(f64::from_be_bytes)
    }

    #[inline]
    fn binary(&mut self) -> Read<&'a [u8]> {
        let length = self.length()? as usize;
        self.bytes(length)
    }

    #[inline(always)]
    fn pair(&mut self, stretch: &mut Stretch<'a>) -> Option<(Short<'a>, Short<'a>)> {
        stretch.reach(self.body, self.at);
        let key = self.short(self.at, &BEFORE_KEY, stretch)?;
        let value = self.short(self.at + BEFORE_KEY.len() + 1 + key.name().len(), &BEFORE_VALUE, stretch)?;
        let end = self.at + BEFORE_KEY.len() + BEFORE_VALUE.len() + 2 + key.name().len() + value.name().len();
        if self.body.get(end) != Some(&0) {
            return None;
        }
        self.at = end + 1;
        Some((key, value))
    }

    fn skip_small(&mut self, kind: Type) -> Read<()> {
        match kind {
            Type::I16 => self.fixed::<2>().map(|_| ()),
            _ => self.fixed::<1>().map(|_| ()),
        }
    }
}
