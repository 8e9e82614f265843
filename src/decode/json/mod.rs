//! A pull parser for JSON that borrows everything from the body.
//!
//! The caller asks for what it expects (a member, a string, a number) and gets slices. The whole
//! body is checked for UTF-8 once, before; in a body that is not UTF-8 each string is checked
//! alone, so that one bad string costs no neighbour. A string without escapes is handed on as
//! [`Text::Clean`], any other as [`Text::Json`]: escapes are checked here and undone nowhere.
//! Grammar is RFC 8259, with one leniency: control characters may stand in strings as they are.
//! Nothing recurses deeper than the limit it was given.

mod number;
mod scan;
mod skip;

pub(super) use number::{Number, integer_of};

use crate::decode::fault::{Fault, Read};
use crate::span::{Reason, Text};

const MALFORMED: &Fault = &Fault::new(Reason::Structure, "malformed JSON");
const BAD_ESCAPE: &Fault = &Fault::new(Reason::Structure, "bad escape in a string");
const NO_STRING: &Fault = &Fault::new(Reason::Structure, "a string was expected");

/// Reads a body from front to back.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    body: &'a [u8],
    /// The same bytes, if all of them are UTF-8.
    text: Option<&'a str>,
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(body: &'a [u8]) -> Self {
        Reader { body, text: simdutf8::basic::from_utf8(body).ok(), at: 0 }
    }

    /// Where the next byte stands.
    #[inline]
    pub(super) fn offset(&self) -> usize {
        self.at
    }

    pub(super) fn seek(&mut self, offset: usize) {
        self.at = offset;
    }

    /// The bytes from `start` to here.
    #[inline]
    pub(super) fn since(&self, start: usize) -> &'a [u8] {
        self.body.get(start..self.at).unwrap_or(&[])
    }

    /// The next byte that is no blank, left where it is. `None` at the end.
    #[inline]
    pub(super) fn peek(&mut self) -> Option<u8> {
        match self.body.get(self.at) {
            Some(&byte) if byte > b' ' => Some(byte),
            _ => self.peek_after_blanks(),
        }
    }

    fn peek_after_blanks(&mut self) -> Option<u8> {
        let blank = |byte: &u8| matches!(byte, b' ' | b'\n' | b'\r' | b'\t');
        let rest = self.body.get(self.at..)?;
        self.at += rest.iter().take_while(|byte| blank(byte)).count();
        self.body.get(self.at).copied()
    }

    /// Takes the next byte that is no blank, if it is `byte`.
    #[inline]
    pub(super) fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// Enters an object; its first key, or `None` if it is empty.
    #[inline]
    pub(super) fn first_key(&mut self) -> Read<Option<Text<'a>>> {
        if !self.take(b'{') {
            return Err(MALFORMED);
        }
        if self.take(b'}') { Ok(None) } else { self.key().map(Some) }
    }

    /// After a member's value: the next key, or `None` at the end of the object.
    #[inline]
    pub(super) fn next_key(&mut self) -> Read<Option<Text<'a>>> {
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                self.key().map(Some)
            }
            Some(b'}') => {
                self.at += 1;
                Ok(None)
            }
            _ => Err(MALFORMED),
        }
    }

    #[inline]
    fn key(&mut self) -> Read<Text<'a>> {
        let key = self.string()?;
        if self.take(b':') { Ok(key) } else { Err(MALFORMED) }
    }

    /// Enters a list: true if it has an element.
    #[inline]
    pub(super) fn first_item(&mut self) -> Read<bool> {
        if !self.take(b'[') {
            return Err(MALFORMED);
        }
        Ok(!self.take(b']'))
    }

    /// After an element: true if another follows.
    #[inline]
    pub(super) fn next_item(&mut self) -> Read<bool> {
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                Ok(true)
            }
            Some(b']') => {
                self.at += 1;
                Ok(false)
            }
            _ => Err(MALFORMED),
        }
    }

    /// A string, escapes and all.
    #[inline]
    pub(super) fn string(&mut self) -> Read<Text<'a>> {
        if self.peek() != Some(b'"') {
            return Err(NO_STRING);
        }
        let start = self.at + 1;
        let end = scan::plain_run(self.body, start);
        if self.body.get(end) != Some(&b'"') {
            return self.odd_string(start, end);
        }
        self.at = end + 1;
        Ok(self.clean(start, end))
    }

    #[inline]
    fn clean(&self, start: usize, end: usize) -> Text<'a> {
        match self.text.and_then(|text| text.get(start..end)) {
            Some(text) => Text::Clean(text),
            None => self.checked(start, end, Text::Clean),
        }
    }

    /// A string of a body that is not UTF-8 as a whole.
    #[cold]
    fn checked(&self, start: usize, end: usize, kind: fn(&'a str) -> Text<'a>) -> Text<'a> {
        let bytes = self.body.get(start..end).unwrap_or(&[]);
        std::str::from_utf8(bytes).map_or(Text::Broken { bytes, json: true }, kind)
    }

    /// A string that holds an escape or a control character, the first of them at `at`.
    #[cold]
    fn odd_string(&mut self, start: usize, mut at: usize) -> Read<Text<'a>> {
        loop {
            self.at = at;
            at = match self.body.get(at) {
                None => return Err(MALFORMED),
                Some(b'"') => break,
                Some(b'\\') => at + self.escape_length()?,
                Some(_) => at + 1,
            };
            at = scan::plain_run(self.body, at);
        }
        self.at = at + 1;
        Ok(match self.text.and_then(|text| text.get(start..at)) {
            Some(text) => Text::Json(text),
            None => self.checked(start, at, Text::Json),
        })
    }

    /// Length of the escape that stands here.
    fn escape_length(&self) -> Read<usize> {
        let rest = self.body.get(self.at + 1..).unwrap_or(&[]);
        match rest {
            [b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => Ok(2),
            [b'u', a, b, c, d, ..] if [a, b, c, d].iter().all(|digit| digit.is_ascii_hexdigit()) => Ok(6),
            _ => Err(BAD_ESCAPE),
        }
    }

    /// One of `true`, `false` and `null`.
    pub(super) fn word(&mut self) -> Read<&'static str> {
        self.peek();
        let rest = self.body.get(self.at..).unwrap_or(&[]);
        let Some(word) = ["true", "false", "null"].into_iter().find(|word| rest.starts_with(word.as_bytes())) else {
            return Err(MALFORMED);
        };
        self.at += word.len();
        Ok(word)
    }
}

#[cfg(test)]
mod tests;
