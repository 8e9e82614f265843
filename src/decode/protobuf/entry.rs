//! A key and a value as nearly every tag has them: short, and plainly written.
//!
//! The formats write a tag as a message whose field 1 is its key; behind it stands the value. Where
//! both fit a length of one byte and the key is ASCII, few comparisons tell all of it. Anything else
//! is left to the walk over fields, which takes the same meaning from it, at twice the cost
//! (`captured` in `benches/decode`).

use super::Message;
use crate::decode::stretch::{Short, Stretch};

/// The key of field 1.
const KEY: u8 = 1 << 3 | 2;
/// Lengths and numbers from here on have more than one byte.
const LONG: u8 = 0x80;

/// An entry whose key was read.
#[derive(Debug, Clone, Copy)]
pub(in crate::decode) struct Entry<'a> {
    pub(in crate::decode) key: Short<'a>,
    /// Where the value stands in the body, and where the entry ends.
    at: usize,
    end: usize,
}

impl<'a> Message<'a> {
    /// The entry that stands here under the key `outer`, if it is plain; it is not passed over.
    #[inline(always)]
    pub(in crate::decode) fn entry(&self, outer: u8, stretch: &mut Stretch<'a>) -> Option<Entry<'a>> {
        let &[first, length, KEY, key] = self.rest().first_chunk::<4>()? else { return None };
        let end = self.at + 2 + usize::from(length);
        if first != outer || (length | key) >= LONG || end > self.body.len() {
            return None;
        }
        stretch.reach(self.body, self.at);
        let (at, key) = (self.at + 4, usize::from(key));
        Some(Entry { key: stretch.short(self.body, at, key)?, at: at + key, end })
    }

    /// The `N` bytes that an entry goes on with.
    #[inline(always)]
    pub(in crate::decode) fn behind_key<const N: usize>(&self, entry: &Entry<'a>) -> Option<[u8; N]> {
        self.body.get(entry.at..entry.end)?.first_chunk::<N>().copied()
    }

    /// True if `length` more bytes, `before` bytes behind its key, are the rest of an entry.
    #[inline(always)]
    pub(in crate::decode) fn is_rest(&self, entry: &Entry<'a>, before: usize, length: u8) -> bool {
        entry.at + before + usize::from(length) == entry.end
    }

    /// The short text that ends an entry, `before` bytes behind its key, and passes over the entry.
    #[inline(always)]
    pub(in crate::decode) fn entry_text(
        &mut self,
        entry: &Entry<'a>,
        before: usize,
        length: u8,
        stretch: &Stretch<'a>,
    ) -> Option<Short<'a>> {
        let (at, length) = (entry.at + before, usize::from(length));
        if at + length != entry.end {
            return None;
        }
        let text = stretch.short(self.body, at, length)?;
        self.at = entry.end;
        Some(text)
    }

    /// The number that ends an entry, `before` bytes behind its key, and passes over the entry.
    #[inline(always)]
    pub(in crate::decode) fn entry_number(&mut self, entry: &Entry<'a>, before: usize) -> Option<u64> {
        let mut inner = Message { body: self.body.get(..entry.end)?, at: entry.at + before };
        let number = inner.varint().ok()?;
        if !inner.is_at_end() {
            return None;
        }
        self.at = entry.end;
        Some(number)
    }
}
