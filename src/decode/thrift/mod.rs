//! A reader of Thrift that borrows from the body.
//!
//! [`Protocol`] is the wire format: what a field header, a list header, an integer and a string
//! look like: [`Binary`] or [`Compact`]. The decoders above it know only the trait. No length is believed before the bytes are there, and
//! nothing is skipped deeper than a limit.

mod binary;
mod compact;
mod rewrite;

pub(super) use binary::Binary;
pub(super) use compact::Compact;
pub(super) use rewrite::{TOO_LONG, to_binary};

use super::fault::{Fault, Read};
use super::stretch::{Short, Stretch};
use crate::span::{Limit, Reason};

pub(super) const TRUNCATED: &Fault = &Fault::new(Reason::Truncated, "the body ends inside a value");
pub(super) const UNKNOWN_TYPE: &Fault = &Fault::new(Reason::Truncated, "an unknown Thrift type");
const NEGATIVE: &Fault = &Fault::new(Reason::Truncated, "a negative length");
const MALFORMED: &Fault = &Fault::new(Reason::Truncated, "a number of more than ten bytes");
const VERSION: &Fault = &Fault::new(Reason::Truncated, "no message of this protocol and version");
const TOO_DEEP: &Fault = &Fault::limit(Limit::Depth, "nested too deep");

/// The types of values on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    Bool,
    I8,
    Double,
    I16,
    I32,
    I64,
    /// Text or bytes.
    Binary,
    Struct,
    Map,
    Set,
    List,
}

/// A field of a struct: its type and its number.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    pub(super) kind: Type,
    pub(super) id: i16,
}

/// A list or set that was entered.
#[derive(Debug, Clone, Copy)]
pub(super) struct List {
    pub(super) kind: Type,
    /// As the sender claims; nothing is reserved for it.
    pub(super) length: u32,
}

/// The head of a message: the method that is called. Whether it is a call or a one-way call, and
/// its number, are of no matter to one who does not answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Message<'a> {
    pub(super) name: &'a [u8],
}

/// A place to come back to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    offset: usize,
    /// The number of the field before it, from which the compact protocol counts on.
    last: i16,
}

/// A wire format, read from front to back.
pub(super) trait Protocol<'a> {
    /// Where the next byte stands.
    fn offset(&self) -> usize;
    fn place(&self) -> Place;
    fn seek(&mut self, place: Place);
    /// The bytes from `start` to here.
    fn since(&self, start: usize) -> &'a [u8];
    /// Reads the head of a message; the struct of its arguments follows.
    fn message(&mut self) -> Read<Message<'a>>;
    /// Enters a struct; gives what [`leave`](Self::leave) wants back.
    fn enter(&mut self) -> i16;
    /// Leaves a struct, after its last field.
    fn leave(&mut self, outer: i16);
    /// The next field of the struct; `None` at its end.
    fn field(&mut self) -> Read<Option<Field>>;
    fn list(&mut self) -> Read<List>;
    /// A map's types of keys and values, and how many pairs it claims.
    fn map(&mut self) -> Read<(Option<(Type, Type)>, u32)>;
    fn bool(&mut self) -> Read<bool>;
    fn i32(&mut self) -> Read<i32>;
    fn i64(&mut self) -> Read<i64>;
    fn double(&mut self) -> Read<f64>;
    fn binary(&mut self) -> Read<&'a [u8]>;
    /// The struct that stands here and is passed over, if it is a tag as nearly all are: field 1 a short text, field 2 the
    /// number 0, field 3 a short text, and no more. Nothing is passed over if it is not.
    fn pair(&mut self, stretch: &mut Stretch<'a>) -> Option<(Short<'a>, Short<'a>)>;
    /// Passes over an integer of another width than those above.
    fn skip_small(&mut self, kind: Type) -> Read<()>;

    /// Passes over one value, at most `depth` structs and lists deep.
    fn skip(&mut self, kind: Type, depth: usize) -> Read<()> {
        match kind {
            Type::Bool => self.bool().map(|_| ()),
            Type::I8 | Type::I16 => self.skip_small(kind),
            Type::I32 => self.i32().map(|_| ()),
            Type::I64 => self.i64().map(|_| ()),
            Type::Double => self.double().map(|_| ()),
            Type::Binary => self.binary().map(|_| ()),
            Type::Struct => self.skip_struct(depth.checked_sub(1).ok_or(TOO_DEEP)?),
            Type::Set | Type::List => self.skip_list(depth.checked_sub(1).ok_or(TOO_DEEP)?),
            Type::Map => self.skip_map(depth.checked_sub(1).ok_or(TOO_DEEP)?),
        }
    }

    fn skip_struct(&mut self, depth: usize) -> Read<()> {
        let outer = self.enter();
        while let Some(field) = self.field()? {
            self.skip(field.kind, depth)?;
        }
        self.leave(outer);
        Ok(())
    }

    /// Every element takes at least a byte, so a length that lies ends with the body.
    fn skip_list(&mut self, depth: usize) -> Read<()> {
        let list = self.list()?;
        for _ in 0..list.length {
            self.skip(list.kind, depth)?;
        }
        Ok(())
    }

    fn skip_map(&mut self, depth: usize) -> Read<()> {
        let (Some((key, value)), length) = self.map()? else { return Ok(()) };
        for _ in 0..length {
            self.skip(key, depth)?;
            self.skip(value, depth)?;
        }
        Ok(())
    }
}
