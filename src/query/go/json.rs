//! A JSON object of strings, as `encoding/json` reads it into a `map[string]string`: first the
//! syntax of the whole text is checked, then each value must be a string or null.

use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::quote;

/// Keys and values in order. The error is Go's text.
pub(crate) fn parse_string_map(text: &str) -> Result<Vec<(String, String)>, String> {
    Scanner { bytes: text.as_bytes(), at: 0, open: Vec::new() }.check()?;
    let text = text.trim_matches([' ', '\t', '\r', '\n']);
    match kind(text) {
        "object" => {}
        "null" => return Ok(Vec::new()),
        other => return Err(format!("json: cannot unmarshal {other} into Go value of type map[string]string")),
    }
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let Members(members) = deserializer.deserialize_map(Members::default()).map_err(|error| error.to_string())?;
    members.into_iter().map(|(key, value)| Ok((key, string(value.get())?))).collect()
}

fn string(value: &str) -> Result<String, String> {
    match kind(value) {
        "string" => serde_json::from_str(value).map_err(|error| error.to_string()),
        "null" => Ok(String::new()),
        other => Err(format!("json: cannot unmarshal {other} into Go value of type string")),
    }
}

/// What a valid value is, told from its first byte.
fn kind(value: &str) -> &'static str {
    match value.as_bytes().first() {
        Some(b'{') => "object",
        Some(b'[') => "array",
        Some(b'"') => "string",
        Some(b't' | b'f') => "bool",
        Some(b'n') => "null",
        _ => "number",
    }
}

/// Members of an object in their order, doubles included.
#[derive(Default)]
struct Members(Vec<(String, Box<RawValue>)>);

impl<'de> Visitor<'de> for Members {
    type Value = Self;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut access: A) -> Result<Self, A::Error> {
        while let Some(member) = access.next_entry()? {
            self.0.push(member);
        }
        Ok(self)
    }
}

/// Go's limit on nesting.
const DEPTH: usize = 10_000;

#[derive(Clone, Copy, PartialEq)]
enum Open {
    Object,
    Array,
}

/// What may come next.
#[derive(Clone, Copy, PartialEq)]
enum Next {
    Value,
    ValueOrEnd,
    Key,
    KeyOrEnd,
    AfterValue,
}

struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
    open: Vec<Open>,
}

impl Scanner<'_> {
    fn check(&mut self) -> Result<(), String> {
        let mut next = Next::Value;
        loop {
            self.skip_blanks();
            if next == Next::AfterValue && self.open.is_empty() {
                return if self.at == self.bytes.len() { Ok(()) } else { Err(self.fault("after top-level value")) };
            }
            let byte = self.peek()?;
            next = match next {
                Next::KeyOrEnd if byte == b'}' => self.close(),
                Next::Key | Next::KeyOrEnd => self.key(byte)?,
                Next::ValueOrEnd if byte == b']' => self.close(),
                Next::Value | Next::ValueOrEnd => self.value(byte)?,
                Next::AfterValue => self.after_value(byte)?,
            };
        }
    }

    fn close(&mut self) -> Next {
        self.at += 1;
        self.open.pop();
        Next::AfterValue
    }

    fn key(&mut self, byte: u8) -> Result<Next, String> {
        if byte != b'"' {
            return Err(self.fault("looking for beginning of object key string"));
        }
        self.string()?;
        self.skip_blanks();
        if self.peek()? != b':' {
            return Err(self.fault("after object key"));
        }
        self.at += 1;
        Ok(Next::Value)
    }

    fn after_value(&mut self, byte: u8) -> Result<Next, String> {
        match (byte, self.open.last()) {
            (b',', Some(Open::Object)) => {
                self.at += 1;
                Ok(Next::Key)
            }
            (b',', _) => {
                self.at += 1;
                Ok(Next::Value)
            }
            (b'}', Some(Open::Object)) | (b']', Some(Open::Array)) => Ok(self.close()),
            (_, Some(Open::Object)) => Err(self.fault("after object key:value pair")),
            _ => Err(self.fault("after array element")),
        }
    }

    fn value(&mut self, byte: u8) -> Result<Next, String> {
        match byte {
            b'{' => return self.begin(Open::Object, Next::KeyOrEnd),
            b'[' => return self.begin(Open::Array, Next::ValueOrEnd),
            b'"' => self.string()?,
            b't' => self.literal("true")?,
            b'f' => self.literal("false")?,
            b'n' => self.literal("null")?,
            b'-' | b'0'..=b'9' => self.number()?,
            _ => return Err(self.fault("looking for beginning of value")),
        }
        Ok(Next::AfterValue)
    }

    fn begin(&mut self, open: Open, next: Next) -> Result<Next, String> {
        if self.open.len() == DEPTH {
            return Err("exceeded max depth".into());
        }
        self.at += 1;
        self.open.push(open);
        Ok(next)
    }

    fn string(&mut self) -> Result<(), String> {
        self.at += 1;
        loop {
            match self.peek()? {
                b'"' => break,
                b'\\' => self.escape()?,
                0..0x20 => return Err(self.fault("in string literal")),
                _ => self.at += 1,
            }
        }
        self.at += 1;
        Ok(())
    }

    fn escape(&mut self) -> Result<(), String> {
        self.at += 1;
        match self.peek()? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => self.at += 1,
            b'u' => {
                self.at += 1;
                for _ in 0..4 {
                    if !self.peek()?.is_ascii_hexdigit() {
                        return Err(self.fault("in \\u hexadecimal character escape"));
                    }
                    self.at += 1;
                }
            }
            _ => return Err(self.fault("in string escape code")),
        }
        Ok(())
    }

    fn literal(&mut self, word: &str) -> Result<(), String> {
        for expected in word.bytes() {
            if self.peek()? != expected {
                return Err(self.fault(&format!("in literal {word} (expecting '{}')", char::from(expected))));
            }
            self.at += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> Result<(), String> {
        if self.peek()? == b'-' {
            self.at += 1;
        }
        if self.peek()? == b'0' {
            self.at += 1;
        } else {
            self.digits("in numeric literal")?;
        }
        if self.peek() == Ok(b'.') {
            self.at += 1;
            self.digits("after decimal point in numeric literal")?;
        }
        if matches!(self.peek(), Ok(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek()?, b'+' | b'-') {
                self.at += 1;
            }
            self.digits("in exponent of numeric literal")?;
        }
        Ok(())
    }

    fn digits(&mut self, context: &str) -> Result<(), String> {
        if !self.peek()?.is_ascii_digit() {
            return Err(self.fault(context));
        }
        while self.peek().is_ok_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        Ok(())
    }

    fn skip_blanks(&mut self) {
        while matches!(self.bytes.get(self.at), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Result<u8, String> {
        self.bytes.get(self.at).copied().ok_or_else(|| "unexpected end of JSON input".into())
    }

    fn fault(&self, context: &str) -> String {
        let byte = self.bytes.get(self.at).copied().unwrap_or(0);
        let character = match byte {
            b'\'' => r"'\''".to_string(),
            b'"' => "'\"'".to_string(),
            _ => quote(&char::from(byte).to_string()).replace('"', "'"),
        };
        format!("invalid character {character} {context}")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn maps_are_read() {
        let read = parse_string_map(r#" {"a":"1", "b" : null,"a":"\u003c"} "#);
        let expected = [("a", "1"), ("b", ""), ("a", "<")].map(|(key, value)| (key.to_string(), value.to_string()));
        assert_eq!(read, Ok(expected.to_vec()));
        assert_eq!(parse_string_map("null"), Ok(Vec::new()));
        assert_eq!(parse_string_map("{}"), Ok(Vec::new()));
    }

    /// Texts from the tests and the source of Go's encoding/json.
    #[test]
    fn faults_are_told_in_the_words_of_go() {
        let cases = [
            ("", "unexpected end of JSON input"),
            ("{", "unexpected end of JSON input"),
            (r#"{"a":"b"#, "unexpected end of JSON input"),
            ("x", "invalid character 'x' looking for beginning of value"),
            ("'", r"invalid character '\'' looking for beginning of value"),
            ("\u{e9}", "invalid character 'Ã' looking for beginning of value"),
            ("{} x", "invalid character 'x' after top-level value"),
            ("{1:2}", "invalid character '1' looking for beginning of object key string"),
            (r#"{"a":"b",}"#, "invalid character '}' looking for beginning of object key string"),
            (r#"{"a" "b"}"#, "invalid character '\"' after object key"),
            (r#"{"a":"b" "c"}"#, "invalid character '\"' after object key:value pair"),
            ("[1 2]", "invalid character '2' after array element"),
            ("[1,]", "invalid character ']' looking for beginning of value"),
            ("\"\n\"", r"invalid character '\n' in string literal"),
            (r#""\q""#, "invalid character 'q' in string escape code"),
            (r#""\u00x0""#, r"invalid character 'x' in \u hexadecimal character escape"),
            ("-x", "invalid character 'x' in numeric literal"),
            ("1.x", "invalid character 'x' after decimal point in numeric literal"),
            ("1ex", "invalid character 'x' in exponent of numeric literal"),
            ("01", "invalid character '1' after top-level value"),
            ("trux", "invalid character 'x' in literal true (expecting 'e')"),
            ("[]", "json: cannot unmarshal array into Go value of type map[string]string"),
            (r#""a""#, "json: cannot unmarshal string into Go value of type map[string]string"),
            (r#"{"z":[],"a":1}"#, "json: cannot unmarshal array into Go value of type string"),
            (r#"{"a":true}"#, "json: cannot unmarshal bool into Go value of type string"),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_string_map(text), Err(expected.to_string()), "{text}");
        }
    }

    proptest! {
        /// serde_json takes the same texts for JSON, nesting and lone surrogates aside.
        #[test]
        fn the_syntax_is_that_of_another_reader(text in "[\\[\\]{}\",:0-9eE+.\\\\ntrufals -]{0,12}") {
            let ours = Scanner { bytes: text.as_bytes(), at: 0, open: Vec::new() }.check();
            let theirs = serde_json::from_str::<serde::de::IgnoredAny>(&text);
            prop_assert_eq!(ours.is_ok(), theirs.is_ok(), "{:?} {:?}", ours, theirs);
        }

        #[test]
        fn no_text_is_too_odd(text in any::<String>()) {
            _ = parse_string_map(&text);
        }
    }

    #[test]
    fn nesting_is_limited() {
        assert_eq!(parse_string_map(&"[".repeat(10_001)), Err("exceeded max depth".into()));
        let deep = format!("{}{}", "[".repeat(9_999), "]".repeat(9_999));
        let expected = "json: cannot unmarshal array into Go value of type map[string]string";
        assert_eq!(parse_string_map(&deep), Err(expected.into()));
    }
}
