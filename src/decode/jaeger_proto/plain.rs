//! Tags of spans as nearly all of them are: a short key, and a short text, a boolean or an integer.

use super::Walk;
use crate::decode::protobuf::Message;
use crate::span::{Tag, Value};

/// The key of field 8, a tag of a span.
const TAG: u8 = 8 << 3 | 2;
/// Those of a tag's fields; a type that is not there is that of texts.
const KIND: u8 = 2 << 3;
const TEXT: u8 = 3 << 3 | 2;
const BOOL: u8 = 4 << 3;
const INTEGER: u8 = 5 << 3;
/// Numbers of types.
const OF_BOOL: u8 = 1;
const OF_INTEGER: u8 = 2;

impl<'a> Walk<'a> {
    /// Takes the tag that stands here, if it is plain: for such, [`add_tag`](super::add_tag) does the
    /// same. It goes straight into its place in the list.
    #[inline(always)]
    pub(super) fn plain_tag(&mut self, span: &mut Message<'a>) -> bool {
        let tags = &mut self.span.tags;
        if tags.len() >= self.limits.tags {
            return false;
        }
        let Some(entry) = span.entry(TAG, &mut self.stretch) else { return false };
        match span.behind_key(&entry) {
            Some([TEXT, length]) => {
                let Some(text) = span.entry_text(&entry, 2, length, &self.stretch) else { return false };
                tags.push(Tag { key: entry.key.text(), value: Value::Text(text.text()) });
            }
            Some([KIND, kind]) => {
                let Some([KIND, _, field]) = span.behind_key(&entry) else { return false };
                if !matches!((kind, field), (OF_BOOL, BOOL) | (OF_INTEGER, INTEGER)) {
                    return false;
                }
                let Some(number) = span.entry_number(&entry, 3) else { return false };
                let value = if field == BOOL { Value::Bool(number != 0) } else { Value::Int64(number.cast_signed()) };
                tags.push(Tag { key: entry.key.text(), value });
            }
            _ => return false,
        }
        true
    }
}
