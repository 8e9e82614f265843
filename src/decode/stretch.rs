//! The many short texts of a binary format, found to be text by one look.
//!
//! Beside the short strings of a span's tags stand only small numbers, so that the tags lie in the body
//! as one stretch of ASCII. It is checked as a whole, and each string is a slice of it; whether JSON
//! must escape something in it is seen sixteen bytes at a time, so that nobody looks at it again. Two
//! checks and an enum's way through memory for each of twenty tags cost twice as much (`captured` in
//! `benches/decode`).
//!
//! What does not lie so is for the reader of the format: long strings, and those beyond ASCII.

use super::scan;
use crate::span::Text;

/// The most that is looked at in one go: what follows may be no tags.
const MOST: usize = 4096;

/// A stretch of ASCII in a body. Places count from the start of the body.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Stretch<'a> {
    text: &'a str,
    start: usize,
}

/// A text, and whether it stands in JSON as it is: in registers, where a [`Text`] is not.
#[derive(Debug, Clone, Copy)]
pub(super) struct Short<'a> {
    text: &'a str,
    is_clean: bool,
}

impl<'a> Short<'a> {
    #[inline(always)]
    pub(super) fn text(self) -> Text<'a> {
        if self.is_clean { Text::Clean(self.text) } else { Text::Plain(self.text) }
    }

    #[inline(always)]
    pub(super) fn name(self) -> &'a str {
        self.text
    }
}

impl<'a> Stretch<'a> {
    /// Goes to the stretch that begins at `at`, unless it is in one.
    #[inline(always)]
    pub(super) fn reach(&mut self, body: &'a [u8], at: usize) {
        if at.wrapping_sub(self.start) >= self.text.len() {
            self.find(body, at);
        }
    }

    #[inline(never)]
    fn find(&mut self, body: &'a [u8], at: usize) {
        let rest = body.get(at..).unwrap_or(&[]);
        let rest = rest.get(..MOST).unwrap_or(rest);
        let ascii = rest.get(..scan::ascii_run(rest)).unwrap_or(&[]);
        self.text = simdutf8::basic::from_utf8(ascii).unwrap_or_default();
        self.start = at;
    }

    /// `length` bytes at `at`, if all of them lie in this stretch.
    #[inline(always)]
    pub(super) fn short(&self, body: &[u8], at: usize, length: usize) -> Option<Short<'a>> {
        let start = at.wrapping_sub(self.start);
        let text = self.text.get(start..start.wrapping_add(length))?;
        Some(Short { text, is_clean: scan::is_plain(body, at, length) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_slices_of_what_is_ascii() {
        let body = b"\xff\x05clean\x04\"odd\xc3\xa9 and what is behind \x80";
        let mut stretch = Stretch::default();
        stretch.reach(body, 1);
        let read = |stretch: &Stretch<'_>, at, length| {
            stretch.short(body, at, length).map(|short| format!("{:?}", short.text()))
        };
        assert_eq!(read(&stretch, 2, 5).as_deref(), Some("Clean(\"clean\")"));
        assert_eq!(read(&stretch, 8, 4).as_deref(), Some("Plain(\"\\\"odd\")"));
        assert_eq!(read(&stretch, 12, 0).as_deref(), Some("Clean(\"\")"));
        for (at, length) in [(0, 1), (0, 0), (8, 5), (12, 1), (12, usize::MAX), (40, 1), (usize::MAX, 1)] {
            assert_eq!(read(&stretch, at, length), None, "{at} {length}");
        }
        stretch.reach(body, 14);
        assert_eq!(read(&stretch, 15, 8).as_deref(), Some("Clean(\"and what\")"));
        assert_eq!(read(&stretch, 2, 5), None);
        stretch.reach(body, 99);
        assert_eq!(read(&stretch, 99, 1), None);
    }

    #[test]
    fn a_stretch_ends_where_it_is_long_enough() {
        let body = vec![b'a'; 3 * MOST];
        let mut stretch = Stretch::default();
        stretch.reach(&body, 7);
        assert!(stretch.short(&body, 7 + MOST - 1, 1).is_some() && stretch.short(&body, 7 + MOST, 1).is_none());
        stretch.reach(&body, 7 + MOST);
        assert!(stretch.short(&body, 7 + MOST, 1).is_some());
    }
}
