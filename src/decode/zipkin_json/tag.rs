//! Tags: text to text, whatever JSON value the sender chose.

use std::borrow::Cow;

use super::{Decoder, key};
use crate::decode::fault::{Fault, Read};
use crate::span::{Reason, Tag, Text, Value};

const NO_OBJECT: &Fault = &Fault::new(Reason::Structure, "tags are no object");
pub(super) const TOO_MANY: &Fault = &Fault::new(Reason::Limit, "too many tags on a span");
pub(super) const TOO_LONG: &Fault = &Fault::new(Reason::Limit, "too much text that must be rewritten");

/// Up to this many tags, looking at all of them for an equal key is cheaper than sorting.
const FEW: usize = 64;

impl<'a> Decoder<'a> {
    #[inline]
    pub(super) fn tags(&mut self) -> Read<()> {
        match self.reader.peek() {
            Some(b'{') => {}
            Some(b'n') => return self.reader.word().map(|_| ()),
            _ => return Err(NO_OBJECT),
        }
        let mut reader = self.reader;
        let mut more = reader.open(b'{', b'}')?;
        while more {
            let key = reader.plain_key();
            let value = key.and_then(|_| reader.plain_string());
            if let (Some(key), Some(value)) = (key, value) {
                self.add(key, Text::Clean(value))?;
            } else {
                self.reader = reader;
                self.odd_tag(key)?;
                reader = self.reader;
            }
            more = reader.more(b'}')?;
        }
        self.reader = reader;
        Ok(())
    }

    #[inline(always)]
    fn add(&mut self, key: &'a str, text: Text<'a>) -> Read<()> {
        let value = Value::Text(text);
        let noted = self.keys.note(key);
        self.members.has_special |= noted.meaningful;
        if noted.seen && self.replaced(key, value) {
            return Ok(());
        }
        self.push(Text::Clean(key), value)
    }

    #[inline(always)]
    fn push(&mut self, key: Text<'a>, value: Value<'a>) -> Read<()> {
        if self.span.tags.len() >= self.limits.tags {
            return Err(TOO_MANY);
        }
        self.span.tags.push(Tag { key, value });
        Ok(())
    }

    /// A tag whose value is not written plainly, or not even its key.
    #[cold]
    fn odd_tag(&mut self, key: Option<&'a str>) -> Read<()> {
        let key = key.map_or_else(|| self.reader.key(), |key| Ok(Text::Clean(key)))?;
        let value = self.odd_value()?;
        if let Text::Clean(key) = key {
            return self.add(key, value);
        }
        self.members.has_odd_keys = true;
        self.push(key, Value::Text(value))
    }

    /// Of tags with one key the last counts, in the place of the first.
    #[cold]
    fn replaced(&mut self, key: &str, value: Value<'a>) -> bool {
        if self.span.tags.len() > FEW {
            self.members.has_odd_keys = true;
            return false;
        }
        let same = |tag: &&mut Tag<'a>| matches!(tag.key, Text::Clean(other) if other == key);
        match self.span.tags.iter_mut().find(same) {
            Some(tag) => tag.value = value,
            None => return false,
        }
        true
    }

    /// The same for keys that are many or not written plainly: sorts them.
    #[cold]
    pub(super) fn tidy_keys(&mut self) {
        let tags = &mut self.span.tags;
        let mut keys: Vec<(Cow<'a, str>, usize)> =
            tags.iter().enumerate().map(|(index, tag)| (tag.key.decoded(), index)).collect();
        keys.sort_unstable();
        self.members.has_special |= keys.iter().any(|(key, _)| key::meaning(key).is_some());
        let mut keep = vec![true; tags.len()];
        for equal in keys.chunk_by(|one, other| one.0 == other.0) {
            if let [(_, first), .., (_, last)] = equal {
                tags[*first].value = tags[*last].value;
                equal.iter().skip(1).for_each(|(_, index)| keep[*index] = false);
            }
        }
        let mut keep = keep.into_iter();
        tags.retain(|_| keep.next().unwrap_or(true));
    }

    /// A value that is no string: as it is written, an object or list without its blanks.
    #[cold]
    fn odd_value(&mut self) -> Read<Text<'a>> {
        if !matches!(self.reader.peek(), Some(b'{' | b'[')) {
            return self.odd_scalar();
        }
        let start = self.reader.offset();
        self.reader.skip(self.limits.depth)?;
        let bytes = self.reader.since(start);
        let text = std::str::from_utf8(bytes).map_or(Text::Broken { bytes, json: false }, Text::Plain);
        match without_blanks(&text.decoded()) {
            None => Ok(text),
            Some(compact) => self.scratch.keep(compact).map(Text::Plain).ok_or(TOO_LONG),
        }
    }
}

/// A JSON value without the blanks outside its strings; `None` if it has none.
fn without_blanks(value: &str) -> Option<String> {
    let mut within = false;
    let mut escaped = false;
    let mut is_kept = |character: char| {
        let blank = !within && matches!(character, ' ' | '\n' | '\r' | '\t');
        within ^= character == '"' && !escaped;
        escaped = within && character == '\\' && !escaped;
        !blank
    };
    let compact: String = value.chars().filter(|&character| is_kept(character)).collect();
    (compact.len() < value.len()).then_some(compact)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_go_only_outside_strings() {
        assert_eq!(without_blanks(r#"{"a b":[1,"\" x"]}"#), None);
        assert_eq!(
            without_blanks("{ \"a b\" :\n[ 1 , \"\\\" x\\\\\" ,\t2 ] }").as_deref(),
            Some(r#"{"a b":[1,"\" x\\",2]}"#)
        );
    }
}
