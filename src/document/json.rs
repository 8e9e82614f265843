//! Text as the body of a JSON string: copied where it may be, escaped where it must be.
//!
//! What decoders know of a [`Text`] decides the work: clean text is one copy; the others are
//! looked through eight bytes at a time, and what lies between two characters that need care is
//! copied in one piece. Whatever comes in, what goes out is valid JSON.

use crate::span::Text;

const EVERY_BYTE: u64 = 0x0101_0101_0101_0101;
const HIGH_BITS: u64 = 0x8080_8080_8080_8080;

/// U+FFFD as UTF-8.
const REPLACEMENT: &[u8] = "\u{fffd}".as_bytes();

/// Appends a text with its quotes.
pub(super) fn write_string(out: &mut Vec<u8>, text: Text<'_>) {
    out.push(b'"');
    write_text(out, text);
    out.push(b'"');
}

/// Appends a text as the body of a JSON string.
#[inline]
pub(super) fn write_text(out: &mut Vec<u8>, text: Text<'_>) {
    match text {
        Text::Clean(text) => out.extend_from_slice(text.as_bytes()),
        Text::Plain(text) => write_plain(out, text.as_bytes()),
        Text::Json(body) => write_body(out, body),
        Text::Broken { .. } => write_broken(out, text),
    }
}

/// Bad bytes are rare, and one may stand inside of an escape: the text is put right first.
#[cold]
fn write_broken(out: &mut Vec<u8>, text: Text<'_>) {
    write_plain(out, text.decoded().as_bytes());
}

/// Appends plain text, with what JSON escapes escaped.
pub(super) fn write_plain(out: &mut Vec<u8>, text: &[u8]) {
    let mut rest = text;
    while let Some(at) = find_special(rest) {
        let (clean, special) = rest.split_at(at);
        out.extend_from_slice(clean);
        let Some((&byte, after)) = special.split_first() else { return };
        write_escape(out, byte);
        rest = after;
    }
    out.extend_from_slice(rest);
}

/// Appends the body of a JSON string literal: escapes stay as they are, but for those that stand
/// for no character.
fn write_body(out: &mut Vec<u8>, body: &str) {
    let mut rest = body;
    while let Some(at) = find_special(rest.as_bytes()) {
        let (clean, special) = rest.split_at(at);
        out.extend_from_slice(clean.as_bytes());
        let length = match special.as_bytes() {
            [b'\\', ..] => copy_escape(out, special),
            [byte, ..] => {
                write_escape(out, *byte);
                1
            }
            [] => return,
        };
        rest = special.get(length..).unwrap_or("");
    }
    out.extend_from_slice(rest.as_bytes());
}

/// Copies the escape at the start of `rest`, or writes U+FFFD for it; returns its length. The
/// same escapes are good here as for [`Text::decoded`].
fn copy_escape(out: &mut Vec<u8>, rest: &str) -> usize {
    let good = match rest.as_bytes().get(1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 2,
        Some(b'u') => match (hex_unit(rest, 0), hex_unit(rest, 6)) {
            (Some(0xd800..0xdc00), Some(0xdc00..0xe000)) => 12,
            (Some(0xd800..0xe000), _) => return replace(out, 6),
            (Some(_), _) => 6,
            (None, _) => return replace(out, 2),
        },
        _ => return replace(out, 1 + rest.chars().nth(1).map_or(0, char::len_utf8)),
    };
    out.extend_from_slice(rest.as_bytes().get(..good).unwrap_or_default());
    good
}

fn replace(out: &mut Vec<u8>, length: usize) -> usize {
    out.extend_from_slice(REPLACEMENT);
    length
}

/// The number in `\uXXXX` at `at`.
fn hex_unit(text: &str, at: usize) -> Option<u32> {
    let digits = text.as_bytes().get(at..at + 6)?.strip_prefix(b"\\u")?;
    digits.iter().try_fold(0, |unit, &digit| Some(unit << 4 | char::from(digit).to_digit(16)?))
}

/// Appends the escape of a quote, a backslash or a control character.
fn write_escape(out: &mut Vec<u8>, byte: u8) {
    match byte {
        b'"' => out.extend_from_slice(b"\\\""),
        b'\\' => out.extend_from_slice(b"\\\\"),
        b'\n' => out.extend_from_slice(b"\\n"),
        b'\r' => out.extend_from_slice(b"\\r"),
        b'\t' => out.extend_from_slice(b"\\t"),
        _ => {
            out.extend_from_slice(b"\\u00");
            out.extend_from_slice(&super::number::hex_pair(byte));
        }
    }
}

/// Where the first quote, backslash or control character is.
#[inline]
fn find_special(text: &[u8]) -> Option<usize> {
    let (words, tail) = text.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        if let Some(place) = first_mark(word) {
            return Some(index * 8 + place);
        }
    }
    if tail.is_empty() {
        return None;
    }
    // The last eight bytes once more: those before the tail are known to need no care.
    if let Some(last) = text.last_chunk::<8>() {
        return first_mark(last).map(|place| text.len() - 8 + place);
    }
    tail.iter().position(|&byte| byte < 0x20 || byte == b'"' || byte == b'\\')
}

/// Which byte of eight is the first that needs care.
#[inline]
fn first_mark(word: &[u8; 8]) -> Option<usize> {
    let marks = marks(u64::from_le_bytes(*word));
    (marks != 0).then(|| marks.trailing_zeros() as usize / 8)
}

/// The high bit of each byte that needs care. Bits above the first mark may be wrong, for the
/// subtractions borrow from there.
#[inline]
fn marks(word: u64) -> u64 {
    // With bit 1 turned, the quote (0x22) falls beside the control characters (below 0x20), and
    // nothing else falls below 0x21.
    let turned = word ^ (EVERY_BYTE * 0x02);
    let low = turned.wrapping_sub(EVERY_BYTE * 0x21) & !turned;
    let slashes = word ^ (EVERY_BYTE * b'\\' as u64);
    let backslash = slashes.wrapping_sub(EVERY_BYTE) & !slashes;
    (low | backslash) & HIGH_BITS
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(text: Text<'_>) -> String {
        let mut out = Vec::new();
        write_string(&mut out, text);
        serde_json::from_slice(&out).unwrap_or_else(|error| panic!("{text:?} {}: {error}", out.escape_ascii()))
    }

    /// Pieces that make trouble, alone and beside one another.
    fn nasty() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            Just("\\".to_string()),
            Just("\"".to_string()),
            Just("\\u".to_string()),
            Just("\\ud83d\\ude00".to_string()),
            Just("\\ud800".to_string()),
            Just("\\udc00".to_string()),
            Just("\\u00e9".to_string()),
            Just("d8".to_string()),
            Just("\u{fffd}é😀".to_string()),
            "[\\x00-\\x7f]{0,9}",
            "\\PC{0,9}",
        ];
        prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn plain_text_is_read_back_by_another(text in nasty()) {
            prop_assert_eq!(written(Text::Plain(&text)), text);
        }

        #[test]
        fn any_body_becomes_valid_json_and_means_the_same(body in nasty()) {
            prop_assert_eq!(written(Text::Json(&body)), Text::Json(&body).decoded());
        }

        #[test]
        fn a_good_body_means_what_another_reads(text in nasty()) {
            let literal = serde_json::to_string(&text).unwrap();
            let body = &literal[1..literal.len() - 1];
            let mut out = Vec::new();
            write_text(&mut out, Text::Json(body));
            prop_assert_eq!(out, body.as_bytes());
        }

        #[test]
        fn bad_bytes_become_one_replacement_each(bytes in prop::collection::vec(any::<u8>(), 0..40), json: bool) {
            let text = Text::Broken { bytes: &bytes, json };
            prop_assert_eq!(written(text), text.decoded());
        }

        #[test]
        fn special_bytes_are_found_where_a_byte_loop_finds_them(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let expected = bytes.iter().position(|&byte| byte < 0x20 || byte == b'"' || byte == b'\\');
            prop_assert_eq!(find_special(&bytes), expected);
        }
    }

    #[test]
    fn lone_surrogates_are_replaced_and_pairs_are_copied() {
        assert_eq!(written(Text::Json(r"a\ud800b")), "a\u{fffd}b");
        assert_eq!(written(Text::Json(r"\ud83d\ude00")), "😀");
        assert_eq!(written(Text::Json("raw\tcontrol")), "raw\tcontrol");
    }
}
