//! Tags as read back: elements of lists, and members of the object `tag`.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::stored::{StoredTag, StoredValue};

/// An object of raw members, such as `tag`, in the order of the document.
#[derive(Debug, Default)]
pub(super) struct Fields<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Fields<'a> {
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        self.0.iter().map(|(key, value)| (&**key, *value))
    }

    pub(super) fn get(&self, wanted: &str) -> Option<&'a RawValue> {
        self.iter().find(|(key, _)| *key == wanted).map(|(_, value)| value)
    }
}

#[derive(serde::Deserialize)]
struct Element<'a> {
    #[serde(borrow)]
    key: Cow<'a, str>,
    #[serde(borrow, default)]
    r#type: Cow<'a, str>,
    #[serde(borrow, default)]
    value: Option<&'a RawValue>,
}

/// Reads a list of tags and the fields that belong to it.
pub(super) fn read_tags(
    list: Option<Vec<&RawValue>>,
    fields: Option<Fields<'_>>,
    dot_replacement: &str,
) -> Vec<StoredTag> {
    let listed = list.unwrap_or_default().into_iter().map(read_element);
    let fields = fields.map_or_else(Vec::new, |fields| fields.0);
    listed.chain(fields.into_iter().map(|(key, value)| read_field(&key, value, dot_replacement))).collect()
}

fn read_element(raw: &RawValue) -> StoredTag {
    match serde_json::from_str::<Element<'_>>(raw.get()) {
        Ok(element) => {
            let value = element.value.map_or("null", RawValue::get);
            StoredTag { key: element.key.into_owned(), value: read_value(&element.r#type, value) }
        }
        Err(_) => StoredTag { key: "unreadable tag".into(), value: StoredValue::String(raw.get().into()) },
    }
}

/// A value of a type that the document names; text where it does not fit.
fn read_value(kind: &str, raw: &str) -> StoredValue {
    let text = text(raw);
    let value = match kind {
        "bool" => boolean(&text).map(StoredValue::Bool),
        "int64" => text.parse().ok().map(StoredValue::Int64),
        "float64" => text.parse().ok().filter(|number: &f64| number.is_finite()).map(StoredValue::Float64),
        "binary" if raw.starts_with('"') => bytes(&text).map(StoredValue::Binary),
        _ => None,
    };
    value.unwrap_or_else(|| StoredValue::String(text.into_owned()))
}

/// A string's text, nothing for `null`, and the JSON itself of everything else.
fn text(raw: &str) -> Cow<'_, str> {
    match raw {
        "null" => Cow::Borrowed(""),
        _ if raw.starts_with('"') => serde_json::from_str(raw).map_or(Cow::Borrowed(raw), Cow::Owned),
        _ => Cow::Borrowed(raw),
    }
}

/// What Go's `strconv.ParseBool` takes, which reads the strings of old documents.
fn boolean(text: &str) -> Option<bool> {
    match text {
        "true" | "1" | "t" | "T" | "TRUE" | "True" => Some(true),
        "false" | "0" | "f" | "F" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

fn bytes(digits: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    let digit = |digit: u8| char::from(digit).to_digit(16);
    let byte = |&[high, low]: &[u8; 2]| Some((digit(high)? << 4 | digit(low)?) as u8);
    if rest.is_empty() { pairs.iter().map(byte).collect() } else { None }
}

fn read_field(key: &str, raw: &RawValue, dot_replacement: &str) -> StoredTag {
    StoredTag { key: dotted(key, dot_replacement), value: read_value(type_of_field(raw.get()), raw.get()) }
}

/// The key of a field with its dots back.
pub(super) fn dotted(key: &str, dot_replacement: &str) -> String {
    if dot_replacement.is_empty() { key.into() } else { key.replace(dot_replacement, ".") }
}

/// A field has lost its type: JSON's is taken, and a whole number is an integer.
pub(super) fn type_of_field(raw: &str) -> &'static str {
    match raw.bytes().next() {
        Some(b't' | b'f') => "bool",
        Some(b'-' | b'0'..=b'9') if is_whole(raw) => "int64",
        Some(b'-' | b'0'..=b'9') => "float64",
        _ => "string",
    }
}

fn is_whole(number: &str) -> bool {
    number.parse::<i64>().is_ok()
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor).map(Fields)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Vec<(Cow<'de, str>, &'de RawValue)>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object of fields")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::new();
        while let Some((Key(key), value)) = map.next_entry()? {
            fields.push((key, value));
        }
        Ok(fields)
    }
}

/// A key, borrowed where it holds no escapes.
#[derive(serde::Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);
