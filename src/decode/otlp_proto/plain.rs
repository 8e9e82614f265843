//! Attributes of spans as nearly all of them are: a short key, and a short text or an integer.

use super::Walk;
use crate::decode::protobuf::Message;
use crate::span::{Tag, Value};

/// The key of field 9, an attribute of a span.
const ATTRIBUTE: u8 = 9 << 3 | 2;
/// Those of an attribute's value, and of the fields of a value.
const VALUE: u8 = 2 << 3 | 2;
const TEXT: u8 = 1 << 3 | 2;
const BOOL: u8 = 2 << 3;
const INTEGER: u8 = 3 << 3;

impl<'a> Walk<'a> {
    /// Takes the attribute that stands here, if it is plain: for such, [`attribute`](Self::attribute) does
    /// the same. It goes straight into its place in the list.
    #[inline(always)]
    pub(super) fn plain_attribute(&mut self, span: &mut Message<'a>) -> bool {
        let tags = &mut self.draft.span.tags;
        if tags.len() >= self.draft.limits.tags {
            return false;
        }
        let Some(entry) = span.entry(ATTRIBUTE, &mut self.stretch) else { return false };
        let Some([VALUE, length, kind, first]) = span.behind_key(&entry) else { return false };
        match kind {
            TEXT if first.wrapping_add(2) == length => {
                let Some(text) = span.entry_text(&entry, 4, first, &self.stretch) else { return false };
                tags.push(Tag { key: entry.key.text(), value: Value::Text(text.text()) });
            }
            INTEGER | BOOL if span.is_rest(&entry, 2, length) => {
                let Some(number) = span.entry_number(&entry, 3) else { return false };
                let value = if kind == BOOL { Value::Bool(number != 0) } else { Value::Int64(number.cast_signed()) };
                tags.push(Tag { key: entry.key.text(), value });
            }
            _ => return false,
        }
        true
    }
}
