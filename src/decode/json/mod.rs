//! A pull parser for JSON that borrows everything from the body.
//!
//! The caller asks for what it expects (a member, a string, a number) and gets slices. The whole
//! body is checked for UTF-8 once, before; in a body that is not UTF-8 each string is checked
//! alone, so that one bad string costs no neighbour. A string without escapes is handed on as
//! [`Text::Clean`], any other as [`Text::Json`]: escapes are checked here and undone nowhere.
//! Grammar is RFC 8259, with one leniency: control characters may stand in strings as they are.
//! Nothing recurses deeper than the limit it was given.

mod number;
mod skip;

pub(super) use number::{Number, integer_of};

use crate::decode::fault::{Fault, Read};
use crate::decode::scan;
use crate::span::{Reason, Text};

const MALFORMED: &Fault = &Fault::new(Reason::Structure, "malformed JSON");
const BAD_ESCAPE: &Fault = &Fault::new(Reason::Structure, "bad escape in a string");
const NO_STRING: &Fault = &Fault::new(Reason::Structure, "a string was expected");

/// Reads a body from front to back.
///
/// It can be copied into a local variable, worked with, and copied back: inner loops do so, to
/// keep it in registers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a> {
    /// All of the body.
    body: &'a [u8],
    /// The same bytes, if all of them are UTF-8; otherwise empty, so that the plain ways find
    /// nothing and leave everything to the others.
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(body: &'a [u8]) -> Self {
        Reader { body, text: simdutf8::basic::from_utf8(body).unwrap_or_default(), at: 0 }
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
    #[inline(always)]
    pub(super) fn peek(&mut self) -> Option<u8> {
        match self.text.as_bytes().get(self.at) {
            Some(&byte) if byte > b' ' => Some(byte),
            _ => {
                self.at = after_blanks(self.body, self.at);
                self.body.get(self.at).copied()
            }
        }
    }

    /// Takes the next byte that is no blank, if it is `byte`.
    #[inline(always)]
    pub(super) fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// Enters an object or a list: true if it has something in it.
    #[inline(always)]
    pub(super) fn open(&mut self, opening: u8, closing: u8) -> Read<bool> {
        if !self.take(opening) {
            return Err(MALFORMED);
        }
        Ok(!self.take(closing))
    }

    /// After a member or an element: true if another follows, false if the object or list ends.
    #[inline(always)]
    pub(super) fn more(&mut self, closing: u8) -> Read<bool> {
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                Ok(true)
            }
            Some(byte) if byte == closing => {
                self.at += 1;
                Ok(false)
            }
            _ => Err(MALFORMED),
        }
    }

    /// A member's key without escapes, and the colon behind it: the way nearly all of them are.
    /// `None`, and nothing is taken, if [`key`](Self::key) must have a closer look.
    ///
    /// The plain ways give their text in registers; an enum would go through memory at every step.
    #[inline(always)]
    pub(super) fn plain_key(&mut self) -> Option<&'a str> {
        let start = self.at;
        let key = self.plain_string()?;
        if self.text.as_bytes().get(self.at) != Some(&b':') {
            self.at = start;
            return None;
        }
        self.at += 1;
        Some(key)
    }

    /// Any key, and the colon behind it.
    pub(super) fn key(&mut self) -> Read<Text<'a>> {
        let key = self.string()?;
        if self.take(b':') { Ok(key) } else { Err(MALFORMED) }
    }

    /// A string without escapes. `None`, and nothing is taken, if there is anything else.
    #[inline(always)]
    pub(super) fn plain_string(&mut self) -> Option<&'a str> {
        let body = self.text.as_bytes();
        if body.get(self.at) != Some(&b'"') {
            return None;
        }
        let start = self.at + 1;
        let end = scan::plain_run(body, start);
        if body.get(end) != Some(&b'"') {
            return None;
        }
        let text = self.text.get(start..end)?;
        self.at = end + 1;
        Some(text)
    }

    /// A string, escapes and all.
    #[inline]
    pub(super) fn string(&mut self) -> Read<Text<'a>> {
        match self.plain_string() {
            Some(text) => Ok(Text::Clean(text)),
            None => self.odd_string(),
        }
    }

    /// A string that holds an escape or a control character, or lies in a body that is not UTF-8,
    /// or behind a blank.
    #[cold]
    fn odd_string(&mut self) -> Read<Text<'a>> {
        if self.peek() != Some(b'"') {
            return Err(NO_STRING);
        }
        let start = self.at + 1;
        let mut at = scan::plain_run(self.body, start);
        let mut kind: fn(&'a str) -> Text<'a> = Text::Clean;
        loop {
            self.at = at;
            at = match self.body.get(at) {
                None => return Err(MALFORMED),
                Some(b'"') => break,
                Some(b'\\') => at + self.escape_length()?,
                Some(_) => at + 1,
            };
            kind = Text::Json;
            at = scan::plain_run(self.body, at);
        }
        self.at = at + 1;
        let bytes = self.body.get(start..at).unwrap_or(&[]);
        Ok(std::str::from_utf8(bytes).map_or(Text::Broken { bytes, json: true }, kind))
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

/// Where the blanks end that stand at `at`, if any do.
#[cold]
fn after_blanks(body: &[u8], at: usize) -> usize {
    let blank = |byte: &u8| matches!(byte, b' ' | b'\n' | b'\r' | b'\t');
    let rest = body.get(at..).unwrap_or(&[]);
    at + rest.iter().take_while(|byte| blank(byte)).count()
}

#[cfg(test)]
mod tests;
