//! Tags of the lean layout (`--es.layout=lean`): every tag is a member of the object `tag`, and
//! the list `tags` is empty, so that a span is one document to Lucene.
//!
//! It promises that no tag is lost: what cannot be a field stays in the list. That are bytes, whose
//! type a field would lose; a whole float too large for an integer; a key that was there before; a
//! key that Elasticsearch refuses, or that would not be read back as it was sent; and a new key when
//! there are as many as `--es.lean.max-fields` allows. What a field cannot tell is a whole float
//! from an integer.
//!
//! A key that is known costs a look-up: its name, escaped and in quotes, lies ready to be copied.

use std::borrow::Cow;

use super::field_names::{FieldNames, MOST};
use super::tag::{write_tag, write_value};
use super::write::close_list;
use crate::settings::LeanFields;
use crate::span::{Tag, Text, Value};

/// Which tags become fields in the lean layout.
#[derive(Debug)]
pub(super) struct LeanTags {
    names: FieldNames,
}

/// The fields that a span has already, by their number.
struct Seen([u64; MOST / 64]);

impl LeanTags {
    pub(super) fn new(settings: LeanFields, dot_replacement: &str) -> Self {
        LeanTags { names: FieldNames::new(settings, dot_replacement) }
    }

    pub(super) fn names(&self) -> &FieldNames {
        &self.names
    }

    /// Appends the member `tag`, where there are any, and the member `tags`.
    pub(super) fn write_tags(&self, out: &mut Vec<u8>, tags: &[Tag<'_>]) {
        // Holds nothing for nearly all spans, and then costs nothing.
        let mut listed = Vec::new();
        self.write_fields(out, tags, &mut listed);
        out.extend_from_slice(b",\"tags\":[");
        for tag in listed {
            write_tag(out, tag);
        }
        close_list(out);
    }

    fn write_fields<'t, 'a>(&self, out: &mut Vec<u8>, tags: &'t [Tag<'a>], listed: &mut Vec<&'t Tag<'a>>) {
        let start = out.len();
        out.extend_from_slice(b",\"tag\":{");
        let empty = out.len();
        let mut known = self.names.known();
        let mut seen = Seen([0; MOST / 64]);
        for tag in tags {
            let name = name(tag.key);
            let field = match known.field(&name) {
                _ if !can_be_a_field(&tag.value) => None,
                None if self.names.admit(&name, &known) => {
                    known = self.names.known();
                    known.field(&name)
                }
                found => found,
            };
            match field {
                Some(field) if seen.is_first(field.number) => {
                    out.extend_from_slice(&field.member);
                    write_value(out, &tag.value);
                    out.push(b',');
                }
                _ => listed.push(tag),
            }
        }
        if out.len() == empty {
            return out.truncate(start);
        }
        out.pop();
        out.push(b'}');
    }
}

impl Seen {
    fn is_first(&mut self, number: u16) -> bool {
        let bit = 1 << (number % 64);
        let Some(word) = self.0.get_mut(usize::from(number / 64)) else { return false };
        let is_first = *word & bit == 0;
        *word |= bit;
        is_first
    }
}

/// Elasticsearch 6 refuses a new field whose first value is an integer of more than 64 bits, as
/// which floats from 2^63 up to 1e21 are written.
fn can_be_a_field(value: &Value<'_>) -> bool {
    const BEYOND: f64 = 9_223_372_036_854_775_808.0;
    match *value {
        Value::Binary(_) => false,
        Value::Float64(number) => !(BEYOND..1e21).contains(&number.abs()),
        _ => true,
    }
}

/// The key as a reader sees it, borrowed if it holds no escapes.
fn name(key: Text<'_>) -> Cow<'_, str> {
    match key {
        Text::Json(body) if !body.as_bytes().contains(&b'\\') => Cow::Borrowed(body),
        _ => key.decoded(),
    }
}

#[cfg(test)]
mod tests;
