//! A document cut to a size that a store takes: its longest texts lose their ends.
//!
//! It promises a document that reads as a span with the same ids, times, numbers and number of tags,
//! and says of itself that it was cut: a tag [`SHORTENED`] in front of its tags tells the longest
//! text that was left, in bytes. Nothing shorter than [`SHORTEST`] is ever cut: no id, no type, and no
//! key that anybody would search.
//!
//! The document is never taken apart: one walk over its bytes finds the texts that are values, and a
//! second one copies everything but their ends. A cut never falls into a character, an escape or a
//! pair of surrogates.

use std::ops::Range;

use super::number::write_integer;

/// The key of the tag that marks a document which was cut.
pub const SHORTENED: &str = "spaniel.shortened";

/// No text is cut below this; even, for bytes are written as pairs of digits.
const SHORTEST: usize = 64;

/// Room for the mark.
const MARK: usize = 80;

/// The document with no text of more than `longest` bytes; `None` if none was longer.
pub fn to_values_of(document: &[u8], longest: usize) -> Option<Vec<u8>> {
    let parts = Parts::of(document);
    let longest = (longest & !1).max(SHORTEST);
    let is_longer = parts.texts.iter().any(|text| text.len() > longest);
    is_longer.then(|| parts.cut(document, longest))
}

/// The document in `bytes` or fewer, or as short as it gets; `None` if nothing can be cut.
pub fn to_size(document: &[u8], bytes: usize) -> Option<Vec<u8>> {
    let parts = Parts::of(document);
    let mut lengths: Vec<usize> = parts.texts.iter().map(Range::len).collect();
    lengths.sort_unstable();
    let too_much = (document.len() + MARK).saturating_sub(bytes);
    to_values_of(document, longest_that_saves(&lengths, too_much))
}

/// The largest length to which texts of these lengths (sorted) must be cut so that together they
/// lose `too_much`.
fn longest_that_saves(lengths: &[usize], too_much: usize) -> usize {
    let mut over = 0;
    for (count, &length) in (1..).zip(lengths.iter().rev()) {
        over += length;
        // All of the `count` longest cut to the same length.
        let longest = over.saturating_sub(too_much) / count;
        let next = lengths.len().checked_sub(count + 1).and_then(|index| lengths.get(index));
        if over >= too_much && next.is_none_or(|&next| next <= longest) {
            return longest;
        }
    }
    0
}

/// What there is to know of a document.
#[derive(Debug, Default)]
struct Parts {
    /// The bodies of the texts that are values, without their quotes.
    texts: Vec<Range<usize>>,
    /// Where the elements of the span's own list of tags begin.
    tags: Option<usize>,
}

impl Parts {
    fn of(document: &[u8]) -> Self {
        let (mut parts, mut at, mut depth) = (Parts::default(), 0, 0_usize);
        while let Some(&byte) = document.get(at) {
            match byte {
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth = depth.saturating_sub(1),
                b'"' => {
                    let text = at + 1..text_end(document, at + 1);
                    at = text.end;
                    let colon = next_sign(document, at + 1).filter(|&next| document[next] == b':');
                    match colon {
                        None => parts.texts.push(text),
                        Some(colon) if depth == 1 && document.get(text) == Some(b"tags") => {
                            let list = next_sign(document, colon + 1).filter(|&next| document[next] == b'[');
                            parts.tags = list.map(|list| list + 1);
                        }
                        Some(_) => {}
                    }
                }
                _ => {}
            }
            at += 1;
        }
        parts
    }

    fn cut(&self, document: &[u8], longest: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(document.len());
        let mut copied = 0;
        let copy = |out: &mut Vec<u8>, from: usize, to: usize| {
            if let Some(tags) = self.tags.filter(|tags| (from..to).contains(tags)) {
                out.extend_from_slice(&document[from..tags]);
                write_mark(out, longest, next_sign(document, tags).is_none_or(|next| document[next] == b']'));
                out.extend_from_slice(&document[tags..to]);
            } else {
                out.extend_from_slice(&document[from..to]);
            }
        };
        for text in self.texts.iter().filter(|text| text.len() > longest) {
            copy(&mut out, copied, text.start + cut_at(&document[text.clone()], longest));
            copied = text.end;
        }
        copy(&mut out, copied, document.len());
        out
    }
}

fn write_mark(out: &mut Vec<u8>, longest: usize, alone: bool) {
    out.extend_from_slice(b"{\"key\":\"");
    out.extend_from_slice(SHORTENED.as_bytes());
    out.extend_from_slice(b"\",\"type\":\"int64\",\"value\":");
    write_integer(out, longest);
    out.extend_from_slice(if alone { b"}" } else { b"}," });
}

/// Where the text that begins at `start` ends: its quote, or the end of all.
fn text_end(document: &[u8], start: usize) -> usize {
    let mut at = start;
    while let Some(&byte) = document.get(at) {
        match byte {
            b'"' => return at,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    document.len()
}

/// The place of the next byte that is no white space.
fn next_sign(document: &[u8], from: usize) -> Option<usize> {
    let rest = document.get(from..)?;
    rest.iter().position(|byte| !byte.is_ascii_whitespace()).map(|at| from + at)
}

/// The last place, at most `longest`, where a text may be cut.
fn cut_at(text: &[u8], longest: usize) -> usize {
    let (mut good, mut at) = (0, 0);
    while at <= longest {
        good = at;
        let length = match text.get(at..) {
            Some([b'\\', b'u', b'd' | b'D', b'8'..=b'9' | b'a' | b'b' | b'A' | b'B', ..]) => 12,
            Some([b'\\', b'u', ..]) => 6,
            Some([b'\\', ..]) => 2,
            Some([first, ..]) => character_length(*first),
            _ => break,
        };
        at += length;
    }
    good
}

/// Bytes of the character that begins so.
fn character_length(first: u8) -> usize {
    match first {
        0xf0.. => 4,
        0xe0.. => 3,
        0xc0.. => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::document::tests::golden;
    use crate::document::{StoredSpan, StoredTag, StoredValue};

    fn mark(longest: i64) -> StoredTag {
        StoredTag { key: SHORTENED.into(), value: StoredValue::Int64(longest) }
    }

    #[test]
    fn real_documents_lose_only_what_is_too_long() {
        let mut cut = 0;
        for golden in golden() {
            let document = golden.source.get().as_bytes();
            let before = StoredSpan::parse(document).unwrap();
            let Some(short) = to_values_of(document, 100) else { continue };
            let mut after = StoredSpan::parse(&short).unwrap();
            assert!(after.tags.contains(&mark(100)), "{after:?}");
            after.tags.retain(|tag| tag.key != SHORTENED);
            assert_eq!((after.trace_id, after.span_id, after.start), (before.trace_id, before.span_id, before.start));
            assert_eq!((&after.references, after.duration), (&before.references, before.duration));
            assert_eq!(after.tags.len(), before.tags.len());
            let keys = |span: &StoredSpan| span.tags.iter().map(|tag| tag.key.clone()).collect::<Vec<_>>();
            assert_eq!(keys(&after), keys(&before));
            for (after, before) in after.tags.iter().zip(&before.tags) {
                match (&after.value, &before.value) {
                    (StoredValue::String(short), StoredValue::String(long)) => assert!(long.starts_with(short)),
                    (StoredValue::Binary(short), StoredValue::Binary(long)) => assert!(long.starts_with(short)),
                    (short, long) => assert_eq!(short, long),
                }
            }
            cut += 1;
        }
        assert!(cut > 10, "{cut}");
    }

    #[test]
    fn what_fits_is_left_alone() {
        for golden in golden() {
            let document = golden.source.get().as_bytes();
            assert_eq!(to_values_of(document, 1 << 30), None);
        }
        assert_eq!(to_size(br#"{"tags":[],"operationName":"short"}"#, 10), None);
    }

    #[test]
    fn the_longest_lose_first_and_as_much_as_need_be() {
        let text = |length| "x".repeat(length);
        let document = format!(
            r#"{{"operationName":"{}","tags":[],"process":{{"tags":[{{"key":"k","value":"{}"}}]}}}}"#,
            text(1000),
            text(100_000)
        );
        let short = to_size(document.as_bytes(), 20_000).unwrap();
        assert!(short.len() <= 20_000 && short.len() > 19_900, "{}", short.len());
        let short: serde_json::Value = serde_json::from_slice(&short).unwrap();
        assert_eq!(short["operationName"], text(1000));
        assert_eq!(short["tags"][0]["key"], SHORTENED);
        let shorter = to_size(document.as_bytes(), 1000).unwrap();
        assert!(shorter.len() <= 1000, "{}", shorter.len());
        let shortest = to_size(document.as_bytes(), 0).unwrap();
        assert!(shortest.len() < 400, "{}", shortest.len());
    }

    proptest! {
        #[test]
        fn every_cut_leaves_json_and_the_beginning_of_each_text(
            texts in prop::collection::vec("(\\\\|\"|[\\x00-\\x7f]|é|€|😀|\u{fffd}){0,200}", 1..5),
            ascii: bool,
            bytes in 0_usize..3000,
        ) {
            let tags = texts.iter().map(|text| serde_json::json!({"key": text, "type": "string", "value": text}));
            let document = serde_json::json!({"spanID": "1", "tags": tags.collect::<Vec<_>>()}).to_string();
            let document = if ascii { escaped(&document) } else { document };
            let Some(short) = to_size(document.as_bytes(), bytes) else { return Ok(()) };
            prop_assert!(short.len() < document.len() + MARK);
            let short: serde_json::Value = serde_json::from_slice(&short).unwrap();
            let tags = short["tags"].as_array().unwrap();
            prop_assert_eq!(&tags[0]["key"], SHORTENED);
            for (tag, text) in tags[1..].iter().zip(&texts) {
                prop_assert!(text.starts_with(tag["key"].as_str().unwrap()));
                prop_assert!(text.starts_with(tag["value"].as_str().unwrap()));
            }
        }
    }

    /// The same JSON in ASCII, with pairs of surrogates.
    fn escaped(json: &str) -> String {
        let escape = |character: char| match character {
            '\0'..='\x7f' => character.to_string(),
            _ => character.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect(),
        };
        json.chars().map(escape).collect()
    }
}
