//! Texts, and the escapes in them.

use std::borrow::Cow;

use super::{Kind, Read, Reader};

impl<'a> Reader<'a> {
    /// A text, its escapes undone.
    pub(in super::super) fn text(&mut self) -> Read<Cow<'a, str>> {
        self.expect(Kind::Text)?;
        let start = self.at + 1;
        let mut is_plain = true;
        self.at = start;
        loop {
            match self.bytes.get(self.at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    is_plain = false;
                    self.escape()?;
                }
                Some(0..0x20) => return Err(self.fault("a control character in a text: write it as an escape")),
                Some(_) => self.at += 1,
                None => return Err(self.fault("the document ends within a text")),
            }
        }
        let body = self.bytes.get(start..self.at).unwrap_or_default();
        self.at += 1;
        Ok(match std::str::from_utf8(body) {
            Ok(text) if is_plain => Cow::Borrowed(text),
            _ => Cow::Owned(decoded(body)),
        })
    }

    /// Steps over the escape that stands here.
    fn escape(&mut self) -> Read<()> {
        let rest = self.bytes.get(self.at + 1..).unwrap_or_default();
        self.at += match rest {
            [b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => 2,
            [b'u', digits @ ..] if hex(digits).is_some() => 6,
            _ => return Err(self.fault("this is no escape of JSON")),
        };
        Ok(())
    }
}

/// The number of four hexadecimal digits.
fn hex(digits: &[u8]) -> Option<u32> {
    let digits: &[u8; 4] = digits.first_chunk()?;
    digits.iter().try_fold(0, |number, &digit| Some(number << 4 | char::from(digit).to_digit(16)?))
}

/// The text of a body whose escapes were checked.
fn decoded(body: &[u8]) -> String {
    let mut text = String::with_capacity(body.len());
    let mut rest = body;
    while let Some(at) = rest.iter().position(|&byte| byte == b'\\') {
        let (plain, escape) = rest.split_at(at);
        push_lossy(&mut text, plain);
        let (letter, length) = character(escape);
        text.push(letter);
        rest = escape.get(length..).unwrap_or_default();
    }
    push_lossy(&mut text, rest);
    text
}

/// U+FFFD for each byte that is no UTF-8, as in Go.
fn push_lossy(text: &mut String, bytes: &[u8]) {
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
}

/// The character that an escape stands for, and how long the escape is.
fn character(escape: &[u8]) -> (char, usize) {
    let unit = |at: usize| escape.get(at..).and_then(|rest| rest.strip_prefix(b"\\u")).and_then(hex);
    match escape.get(1) {
        Some(b'b') => ('\u{8}', 2),
        Some(b'f') => ('\u{c}', 2),
        Some(b'n') => ('\n', 2),
        Some(b'r') => ('\r', 2),
        Some(b't') => ('\t', 2),
        Some(b'u') => match (unit(0).unwrap_or_default(), unit(6)) {
            (high @ 0xd800..0xdc00, Some(low @ 0xdc00..0xe000)) => {
                let code = 0x1_0000 + ((high - 0xd800) << 10 | (low - 0xdc00));
                (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 12)
            }
            (code, _) => (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 6),
        },
        // A quote, a backslash, a slash.
        Some(&byte) => (char::from(byte), 2),
        None => (char::REPLACEMENT_CHARACTER, 1),
    }
}
