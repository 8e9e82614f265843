//! Tags: text to text, whatever JSON value the sender chose.

use super::Decoder;
use crate::decode::fault::{Fault, Read};
use crate::decode::zipkin::TOO_LONG;
use crate::span::{Reason, Text, Value};

const NO_OBJECT: &Fault = &Fault::new(Reason::Structure, "tags are no object");

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
                self.draft.add(key, Text::Clean(key), Value::Text(Text::Clean(value)))?;
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

    /// A tag whose value is not written plainly, or not even its key.
    #[cold]
    fn odd_tag(&mut self, key: Option<&'a str>) -> Read<()> {
        let key = key.map_or_else(|| self.reader.key(), |key| Ok(Text::Clean(key)))?;
        let value = self.odd_value()?;
        match key {
            Text::Clean(name) => self.draft.add(name, key, Value::Text(value)),
            _ => self.draft.add_odd(key, Value::Text(value)),
        }
    }

    /// A value that is no string: as it is written, an object or list without its blanks.
    #[cold]
    pub(super) fn odd_value(&mut self) -> Read<Text<'a>> {
        if !matches!(self.reader.peek(), Some(b'{' | b'[')) {
            return self.odd_scalar();
        }
        let start = self.reader.offset();
        self.reader.skip(self.draft.limits.depth)?;
        let bytes = self.reader.since(start);
        let text = std::str::from_utf8(bytes).map_or(Text::Broken { bytes, json: false }, Text::Plain);
        match without_blanks(&text.decoded()) {
            None => Ok(text),
            Some(compact) => self.draft.scratch.keep(compact).map(Text::Plain).ok_or(TOO_LONG),
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
