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
mod tests;
