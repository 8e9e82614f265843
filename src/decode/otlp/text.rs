//! Lists and maps as text: what Go's `json.Marshal` makes of them, because Jaeger's tags hold that.
//!
//! No blanks, the keys of an object sorted, the last of equal ones kept, `<`, `>`, `&` and two line
//! separators escaped, each byte that is no UTF-8 written as an escaped U+FFFD, bytes as base64,
//! floats as short as they can be. NaN and the infinities, for which Jaeger leaves the whole text
//! empty, are strings.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::decode::fault::{Fault, Read};
use crate::decode::scratch::Scratch;
use crate::span::{Limit, Text, Value};

pub(super) const TOO_LONG: &Fault = &Fault::limit(Limit::Built, "lists and maps are too long as text");
const TOO_MANY: &Fault = &Fault::limit(Limit::Tags, "too many members in a map");

/// The first room of a text.
const FIRST_ROOM: usize = 256;

/// Room for a number, however long.
const NUMBER: usize = 400;

/// Text of JSON that is being written. Its room is charged before it is made.
#[derive(Debug)]
pub(in crate::decode) struct JsonText<'a> {
    out: String,
    /// Bytes that it may have.
    room: usize,
    /// Members of a map, at most.
    members: usize,
    scratch: &'a Scratch,
    charged: usize,
}

/// An object that is being written: where it began, and its members.
#[derive(Debug)]
pub(in crate::decode) struct Object<'a> {
    start: usize,
    /// Each member's key, and where the member stands.
    members: Vec<(Cow<'a, [u8]>, Range<usize>)>,
}

impl<'a> JsonText<'a> {
    pub(in crate::decode) fn new(scratch: &'a Scratch, room: usize, members: usize) -> Self {
        JsonText { out: String::new(), room, members, scratch, charged: 0 }
    }

    /// Another text with the same limits.
    pub(in crate::decode) fn beside(&self) -> Self {
        JsonText::new(self.scratch, self.room, self.members)
    }

    /// Makes sure that `more` bytes can be written.
    fn make_room(&mut self, more: usize) -> Read<()> {
        let needed = self.out.len() + more;
        if needed <= self.out.capacity() {
            return Ok(());
        }
        if needed > self.room.saturating_add(NUMBER) {
            return Err(TOO_LONG);
        }
        let room = needed.max(2 * self.out.capacity()).max(FIRST_ROOM);
        if !self.scratch.charge(room - self.charged) {
            return Err(TOO_LONG);
        }
        self.charged = room;
        self.out.reserve_exact(room - self.out.len());
        Ok(())
    }

    pub(in crate::decode) fn len(&self) -> usize {
        self.out.len()
    }

    /// The text. What keeps it charges it anew.
    pub(in crate::decode) fn into_string(mut self) -> String {
        let mut out = std::mem::take(&mut self.out);
        out.shrink_to_fit();
        out
    }

    pub(in crate::decode) fn append(&mut self, other: &JsonText<'_>) -> Read<()> {
        self.make_room(other.out.len())?;
        self.out.push_str(&other.out);
        Ok(())
    }

    /// Takes back what was written there.
    pub(in crate::decode) fn cut_out(&mut self, place: Range<usize>) {
        self.out.replace_range(place, "");
    }

    pub(in crate::decode) fn null(&mut self) -> Read<()> {
        self.make_room(NUMBER)?;
        self.out.push_str("null");
        Ok(())
    }

    /// A value that is neither list nor object.
    pub(in crate::decode) fn value(&mut self, value: &Value<'_>) -> Read<()> {
        self.make_room(match value {
            Value::Binary(bytes) => bytes.len() / 3 * 4 + 8,
            _ => NUMBER,
        })?;
        match *value {
            Value::Text(text) => return self.string(text),
            Value::Bool(value) => self.display(value),
            Value::Int64(value) => self.display(value),
            Value::Float64(value) => self.float(value),
            Value::Binary(bytes) => {
                self.out.push('"');
                STANDARD.encode_string(bytes, &mut self.out);
                self.out.push('"');
            }
            Value::Address(address) => self.display(address),
        }
        Ok(())
    }

    fn display(&mut self, value: impl std::fmt::Display) {
        let written = write!(self.out, "{value}");
        debug_assert!(written.is_ok(), "writing into memory cannot fail");
    }

    fn float(&mut self, value: f64) {
        if value.is_finite() {
            return self.out.push_str(&finite(value));
        }
        self.out.push_str(match value {
            f64::INFINITY => "\"+Inf\"",
            f64::NEG_INFINITY => "\"-Inf\"",
            _ => "\"NaN\"",
        });
    }

    fn string(&mut self, text: Text<'_>) -> Read<()> {
        self.make_room(escaped_length(text))?;
        self.out.push('"');
        match text {
            Text::Broken { bytes, json: false } => {
                for chunk in bytes.utf8_chunks() {
                    self.escaped(chunk.valid());
                    chunk.invalid().iter().for_each(|_| self.out.push_str("\\ufffd"));
                }
            }
            text => self.escaped(&text.decoded()),
        }
        self.out.push('"');
        Ok(())
    }

    fn escaped(&mut self, text: &str) {
        for letter in text.chars() {
            match letter {
                '"' => self.out.push_str("\\\""),
                '\\' => self.out.push_str("\\\\"),
                '\n' => self.out.push_str("\\n"),
                '\r' => self.out.push_str("\\r"),
                '\t' => self.out.push_str("\\t"),
                '\u{8}' => self.out.push_str("\\b"),
                '\u{c}' => self.out.push_str("\\f"),
                '\0'..' ' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                    let written = write!(self.out, "\\u{:04x}", u32::from(letter));
                    debug_assert!(written.is_ok(), "writing into memory cannot fail");
                }
                letter => self.out.push(letter),
            }
        }
    }

    /// Begins a list; each element is written after a call of [`element`](Self::element).
    pub(in crate::decode) fn begin_list(&mut self) -> Read<()> {
        self.make_room(2)?;
        self.out.push('[');
        Ok(())
    }

    pub(in crate::decode) fn element(&mut self) -> Read<()> {
        self.make_room(1)?;
        if !self.out.ends_with('[') {
            self.out.push(',');
        }
        if self.out.len() > self.room { Err(TOO_LONG) } else { Ok(()) }
    }

    pub(in crate::decode) fn end_list(&mut self) -> Read<()> {
        self.make_room(1)?;
        self.out.push(']');
        Ok(())
    }

    pub(in crate::decode) fn begin_object<'k>(&mut self) -> Read<Object<'k>> {
        self.make_room(2)?;
        self.out.push('{');
        Ok(Object { start: self.out.len(), members: Vec::new() })
    }

    /// Begins a member; its value is written next, and then [`end_member`](Self::end_member) called.
    pub(in crate::decode) fn begin_member<'k>(&mut self, object: &mut Object<'k>, key: Text<'k>) -> Read<()> {
        if object.members.len() >= self.members {
            return Err(TOO_MANY);
        }
        if !object.members.is_empty() {
            self.make_room(1)?;
            self.out.push(',');
        }
        let start = self.out.len();
        self.string(key)?;
        self.make_room(1)?;
        self.out.push(':');
        let key = match key {
            Text::Json(_) | Text::Broken { json: true, .. } => Cow::Owned(key.decoded().into_owned().into_bytes()),
            key => Cow::Borrowed(key.raw()),
        };
        object.members.push((key, start..start));
        if start > self.room { Err(TOO_LONG) } else { Ok(()) }
    }

    pub(in crate::decode) fn end_member(&mut self, object: &mut Object<'_>) {
        if let Some((_, place)) = object.members.last_mut() {
            place.end = self.out.len();
        }
    }

    /// Ends an object: its members are brought into order, unless they came so.
    pub(in crate::decode) fn end_object(&mut self, mut object: Object<'_>) -> Read<()> {
        let in_order = object.members.is_sorted_by(|(one, _), (other, _)| one < other);
        if !in_order {
            object.members.sort_by(|(one, _), (other, _)| one.cmp(other));
            let moved = self.out.len() - object.start;
            if !self.scratch.charge(moved) {
                return Err(TOO_LONG);
            }
            let written = self.out.split_off(object.start);
            for (index, (key, place)) in object.members.iter().enumerate() {
                if object.members.get(index + 1).is_some_and(|(next, _)| next == key) {
                    continue;
                }
                if self.out.len() > object.start {
                    self.out.push(',');
                }
                let place = place.start - object.start..place.end - object.start;
                self.out.push_str(written.get(place).unwrap_or_default());
            }
            drop(written);
            self.scratch.release(moved);
        }
        self.make_room(1)?;
        self.out.push('}');
        Ok(())
    }
}

impl Drop for JsonText<'_> {
    fn drop(&mut self) {
        self.scratch.release(self.charged);
    }
}

/// The most that a text may be when it is escaped and quoted. That of a short one is guessed: each
/// byte becomes six at most.
fn escaped_length(text: Text<'_>) -> usize {
    const SHORT: usize = 64;
    let raw = text.raw();
    if raw.len() <= SHORT {
        return 6 * raw.len() + 2;
    }
    // Bytes that are no UTF-8 become six; of others beyond ASCII only the two separators become more,
    // and those twice as many. What stands escaped in a body is escaped here at most once.
    let beyond = if matches!(text, Text::Broken { .. }) { 6 } else { 2 };
    let weight = |byte: &u8| match byte {
        b'<' | b'>' | b'&' | 0..b' ' => 6,
        b'"' | b'\\' => 2,
        0x80.. => beyond,
        _ => 1,
    };
    raw.iter().map(weight).sum::<usize>() + 2
}

/// A number as Go writes it in JSON: with an exponent below 1e-6 and from 1e21 on.
fn finite(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 || (1e-6..1e21).contains(&size) {
        return format!("{value}");
    }
    let text = format!("{value:e}");
    match text.split_once('e') {
        Some((digits, exponent)) if !exponent.starts_with('-') => format!("{digits}e+{exponent}"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Budget;

    fn text(write: impl FnOnce(&mut JsonText<'_>)) -> String {
        let scratch = Scratch::new();
        let mut text = JsonText::new(&scratch, 1000, 10);
        write(&mut text);
        text.into_string()
    }

    /// As Go's `encoding/json` writes them (golden bodies `attributes`, `escapes`, `not-utf8`).
    #[test]
    fn scalars_are_gos() {
        let broken = Text::Broken { bytes: b"x\xff\xfey", json: false };
        for (value, expected) in [
            (
                Value::Text(Text::Plain("a<b>&\"c\" \u{2028} é \u{7f}\u{1}\n")),
                r#""a\u003cb\u003e\u0026\"c\" \u2028 é "#,
            ),
            (Value::Text(Text::Json(r"\u00e9\/\n")), r#""é/\n""#),
            (Value::Text(broken), r#""x\ufffd\ufffdy""#),
            (Value::Bool(true), "true"),
            (Value::Int64(i64::MIN), "-9223372036854775808"),
            (Value::Binary(&[1, 2, 250]), "\"AQL6\""),
            (Value::Float64(1.0), "1"),
            (Value::Float64(-0.0), "-0"),
            (Value::Float64(0.5), "0.5"),
            (Value::Float64(1e20), "100000000000000000000"),
            (Value::Float64(1e21), "1e+21"),
            (Value::Float64(-1.5e300), "-1.5e+300"),
            (Value::Float64(1e-6), "0.000001"),
            (Value::Float64(1e-7), "1e-7"),
            (Value::Float64(f64::NAN), "\"NaN\""),
            (Value::Float64(f64::NEG_INFINITY), "\"-Inf\""),
        ] {
            let written = text(|text| text.value(&value).unwrap());
            assert!(written.starts_with(expected), "{written} {expected}");
            assert!(serde_json::from_str::<serde_json::Value>(&written).is_ok(), "{written}");
        }
    }

    #[test]
    fn members_are_sorted_and_the_last_of_equal_ones_stays() {
        let members = |keys: &[&'static str]| {
            text(|text| {
                let mut object = text.begin_object().unwrap();
                for (index, key) in keys.iter().enumerate() {
                    text.begin_member(&mut object, Text::Plain(key)).unwrap();
                    text.begin_list().unwrap();
                    for number in 0..index {
                        text.element().unwrap();
                        text.value(&Value::Int64(number as i64)).unwrap();
                    }
                    text.end_list().unwrap();
                    text.end_member(&mut object);
                }
                text.end_object(object).unwrap();
            })
        };
        assert_eq!(members(&[]), "{}");
        assert_eq!(members(&["a", "b", "c"]), r#"{"a":[],"b":[0],"c":[0,1]}"#);
        assert_eq!(members(&["b", "a", "b", ""]), r#"{"":[0,1,2],"a":[0],"b":[0,1]}"#);
    }

    /// Whatever is in a text, there is room for what it becomes.
    #[test]
    fn room_is_made_and_charged_before_it_is_written() {
        let budget = Budget::new(100_000);
        let scratch = Scratch::charged(budget.reserve());
        let odd: String = (0..300_u32).filter_map(char::from_u32).chain(['\u{2028}', '<', '\u{10ffff}']).collect();
        let broken = Text::Broken { bytes: &[0xff; 100], json: false };
        for value in [Text::Plain(&odd), Text::Plain("<"), broken, Text::Json(r"\u0001\n\u2028"), Text::Clean("a")] {
            let mut text = JsonText::new(&scratch, 10_000, 10);
            text.value(&Value::Text(value)).unwrap();
            assert!(text.out.len() <= text.charged && text.out.capacity() == text.charged, "{}", text.out);
            assert!(text.out.len() <= escaped_length(value), "{}", text.out);
            assert_eq!(budget.used(), text.charged);
        }
        assert_eq!(budget.used(), 0);
        let large = "<".repeat(20_000);
        let mut text = JsonText::new(&scratch, 1_000_000, 10);
        assert_eq!(text.value(&Value::Text(Text::Plain(&large))).err(), Some(TOO_LONG));
        assert!(scratch.is_starved());
    }

    #[test]
    fn text_and_members_are_bounded() {
        let scratch = Scratch::new();
        let mut text = JsonText::new(&scratch, 7, 2);
        text.begin_list().unwrap();
        for element in 0..9 {
            assert_eq!(text.element().is_ok(), element < 4, "{element}");
            let _ = text.value(&Value::Int64(0));
        }
        let mut text = JsonText::new(&scratch, 100, 2);
        let mut object = text.begin_object().unwrap();
        for member in 0..3 {
            assert_eq!(text.begin_member(&mut object, Text::Plain("k")).is_ok(), member < 2);
        }
    }
}
