//! A string of a span, in the form in which it lies in the request.
//!
//! The body of a Zipkin JSON string is already a valid body of a JSON string in the document, so
//! decoders say what they know of a string and the document writer copies what it may.

use std::borrow::Cow;

/// A borrowed string and what is known of it.
#[derive(Debug, Clone, Copy)]
pub enum Text<'a> {
    /// Stands in JSON as it is: no quote, no backslash, no control character.
    Clean(&'a str),
    /// The body of a JSON string literal: holds escapes, or raw control characters.
    Json(&'a str),
    /// Plain text that nobody has looked at for characters which JSON escapes.
    Plain(&'a str),
    /// Bytes that are not UTF-8; each bad byte is read as U+FFFD, as Go does. `json`: the good
    /// part is the body of a JSON string literal, otherwise plain text.
    Broken { bytes: &'a [u8], json: bool },
}

impl Default for Text<'_> {
    fn default() -> Self {
        Text::Clean("")
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Text::Plain(text)
    }
}

impl<'a> Text<'a> {
    /// The bytes as they lie in the request: equal for equal senders, good as a key of a cache
    /// or a hash, not for comparison with text of another form.
    pub fn raw(self) -> &'a [u8] {
        match self {
            Text::Clean(text) | Text::Json(text) | Text::Plain(text) => text.as_bytes(),
            Text::Broken { bytes, .. } => bytes,
        }
    }

    pub fn is_empty(self) -> bool {
        self.raw().is_empty()
    }

    /// The text as a reader of the document will see it. Borrowed unless it holds escapes or bad
    /// bytes; for cold paths.
    pub fn decoded(self) -> Cow<'a, str> {
        match self {
            Text::Clean(text) | Text::Plain(text) => Cow::Borrowed(text),
            Text::Json(text) => Cow::Owned(unescape(text)),
            Text::Broken { bytes, json } => {
                let text = replace_bad_bytes(bytes);
                Cow::Owned(if json { unescape(&text) } else { text })
            }
        }
    }
}

/// Reads bytes as UTF-8, each bad byte as one U+FFFD (Go's rule, which Jaeger's documents show).
pub(super) fn replace_bad_bytes(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() + 8);
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| '\u{fffd}'));
    }
    text
}

/// Undoes JSON escapes; a lone surrogate, or an escape that JSON does not know, becomes U+FFFD.
fn unescape(body: &str) -> String {
    let mut text = String::with_capacity(body.len());
    let mut rest = body;
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        let (character, length) = escape(&rest[at..]);
        text.push(character);
        rest = &rest[at + length..];
    }
    text.push_str(rest);
    text
}

/// The character that the escape at the start of `rest` stands for, and the escape's length.
fn escape(rest: &str) -> (char, usize) {
    let Some(second) = rest[1..].chars().next() else { return ('\u{fffd}', 1) };
    let character = match second {
        '"' | '\\' | '/' => second,
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'u' => return unicode_escape(rest),
        _ => '\u{fffd}',
    };
    (character, 1 + second.len_utf8())
}

fn unicode_escape(rest: &str) -> (char, usize) {
    let Some(unit) = hex_unit(rest) else { return ('\u{fffd}', 2) };
    if !(0xd800..0xdc00).contains(&unit) {
        return (char::from_u32(unit).unwrap_or('\u{fffd}'), 6);
    }
    match rest.get(6..).and_then(hex_unit) {
        Some(low @ 0xdc00..0xe000) => {
            let code = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
            (char::from_u32(code).unwrap_or('\u{fffd}'), 12)
        }
        _ => ('\u{fffd}', 6),
    }
}

/// The number in `\uXXXX` at the start of `rest`.
fn hex_unit(rest: &str) -> Option<u32> {
    let digits = rest.strip_prefix("\\u")?.get(..4)?;
    digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str, expected: &str) {
        assert_eq!(Text::Json(body).decoded(), expected, "{body}");
    }

    #[test]
    fn escapes_are_undone() {
        check(r#"a\"b\\c\/d"#, "a\"b\\c/d");
        check(r"\b\f\n\r\t", "\u{8}\u{c}\n\r\t");
        check(r"\u0041\u00e9", "Aé");
        check(r"\ud83d\ude00!", "😀!");
    }

    #[test]
    fn what_is_no_character_becomes_the_replacement() {
        check(r"\ud800x", "\u{fffd}x");
        check(r"\ud800\u0041", "\u{fffd}A");
        check(r"\udc00", "\u{fffd}");
        check(r"\q", "\u{fffd}");
        check("\\", "\u{fffd}");
        check(r"\u12", "\u{fffd}12");
    }

    #[test]
    fn each_bad_byte_is_replaced() {
        let text = Text::Broken { bytes: b"a\xff\xe2\x82b", json: false };
        assert_eq!(text.decoded(), "a\u{fffd}\u{fffd}\u{fffd}b");
    }
}
