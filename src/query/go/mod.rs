//! The words of Go's standard library that clients of Jaeger's query API get to read.
//!
//! Jaeger answers a bad parameter with the text of the Go function that could not read it. These
//! are the same readings with the same texts, so that what a client recognises stays recognisable.
//! Nothing here knows spans or HTTP.

mod duration;
mod form;
mod json;
mod number;

pub(super) use duration::{format_duration, parse_duration};
pub(super) use form::{Form, is_escaped_well, unescape};
pub(super) use json::parse_string_map;
pub(super) use number::{format_float, parse_bool, parse_hex, parse_integer};

use std::fmt::Write;

/// Go's `strconv.Quote`: the text in double quotes, what does not print as an escape.
fn quote(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '\u{7}' => quoted.push_str("\\a"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{c}' => quoted.push_str("\\f"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\u{b}' => quoted.push_str("\\v"),
            '\0'..='\u{1f}' | '\u{7f}' => _ = write!(quoted, "\\x{:02x}", u32::from(character)),
            '\u{80}'..='\u{a0}' | '\u{ad}' | '\u{2028}' | '\u{2029}' | '\u{feff}' => {
                _ = write!(quoted, "\\u{:04x}", u32::from(character));
            }
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::quote;

    #[test]
    fn texts_are_quoted() {
        assert_eq!(quote("a\"b\\c"), r#""a\"b\\c""#);
        assert_eq!(quote("\n\x01\x7f\u{85}é"), r#""\n\x01\x7f\u0085é""#);
    }
}
