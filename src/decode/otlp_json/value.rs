//! Attributes, and the values they hold.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::Decoder;
use crate::decode::fault::{Fault, Read};
use crate::decode::otlp::text::{JsonText, Object};
use crate::decode::otlp::{self, Found, Owner};
use crate::span::{Reason, Text, Value};

const NO_BASE64: &Fault = &Fault::new(Reason::Structure, "bytes are not in base64");

/// With padding or without, as all readers of protobuf's JSON take it.
const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

impl<'a> Decoder<'a> {
    #[inline]
    pub(super) fn attributes(&mut self, owner: Owner) -> Read<()> {
        self.list(|this| {
            let (key, value) = this.key_value()?;
            this.draft.attribute(owner, key, value)
        })
    }

    /// A key, and a value that may be absent.
    #[inline]
    pub(super) fn key_value(&mut self) -> Read<(Text<'a>, Found<'a>)> {
        let (mut key, mut value) = (Text::default(), Found::Nothing);
        self.object(|this, name| {
            match name {
                "key" => key = this.text()?,
                "value" => value = this.value()?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok((key, value))
    }

    #[inline]
    fn value(&mut self) -> Read<Found<'a>> {
        let mut value = Found::Nothing;
        self.object(|this, name| {
            if let Some(scalar) = this.scalar(name)? {
                value = Found::Scalar(scalar);
            } else if let Some(kind) = compound(name) {
                let mut text = this.draft.text();
                this.compound(&mut text, kind, this.depth)?;
                value = this.draft.built(text)?;
            } else {
                return Ok(false);
            }
            Ok(true)
        })?;
        Ok(value)
    }

    /// A value that is neither list nor map; `None`, and nothing is read, if it is another member.
    #[inline]
    fn scalar(&mut self, name: &str) -> Read<Option<Value<'a>>> {
        Ok(Some(match name {
            "stringValue" | "string_value" => Value::Text(self.text()?),
            "boolValue" | "bool_value" => Value::Bool(self.bool()?),
            "intValue" | "int_value" => Value::Int64(self.signed()?),
            "doubleValue" | "double_value" => Value::Float64(self.double()?),
            "bytesValue" | "bytes_value" => Value::Binary(self.bytes()?),
            _ => return Ok(None),
        }))
    }

    #[cold]
    fn bytes(&mut self) -> Read<&'a [u8]> {
        let text = self.text()?.decoded();
        let bytes = STANDARD.decode(&*text).or_else(|_| URL_SAFE.decode(&*text)).map_err(|_| NO_BASE64)?;
        self.draft.keep_bytes(bytes)
    }

    /// Writes `{"values":[…]}` as a list or as an object, whose elements nest `depth` deep at most.
    #[cold]
    fn compound(&mut self, text: &mut JsonText<'_>, kind: Compound, depth: usize) -> Read<()> {
        let depth = depth.checked_sub(1).ok_or(otlp::TOO_DEEP)?;
        match kind {
            Compound::List => {
                text.begin_list()?;
                self.values(|this| {
                    text.element()?;
                    this.element(text, depth)
                })?;
                text.end_list()
            }
            Compound::Map => {
                let mut object = text.begin_object()?;
                self.values(|this| this.member(text, &mut object, depth))?;
                text.end_object(object)
            }
        }
    }

    fn values(&mut self, mut each: impl FnMut(&mut Self) -> Read<()>) -> Read<()> {
        self.object(|this, name| match name {
            "values" => this.list(&mut each).map(|()| true),
            _ => Ok(false),
        })
    }

    /// A map's member. Its key may stand behind its value.
    fn member(&mut self, text: &mut JsonText<'_>, object: &mut Object<'a>, depth: usize) -> Read<()> {
        let (mut key, mut value) = (Text::default(), None);
        self.object(|this, name| {
            match name {
                "key" => key = this.text()?,
                "value" => {
                    let mut text = text.beside();
                    this.element(&mut text, depth)?;
                    value = Some(text);
                }
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        text.begin_member(object, key)?;
        match value {
            Some(value) => text.append(&value)?,
            None => text.null()?,
        }
        text.end_member(object);
        Ok(())
    }

    /// Writes a value inside a list or a map: of several values the last.
    fn element(&mut self, text: &mut JsonText<'_>, depth: usize) -> Read<()> {
        let start = text.len();
        self.object(|this, name| {
            let before = text.len();
            if let Some(scalar) = this.scalar(name)? {
                text.value(&scalar)?;
            } else if let Some(kind) = compound(name) {
                this.compound(text, kind, depth)?;
            } else {
                return Ok(false);
            }
            text.cut_out(start..before);
            Ok(true)
        })?;
        if text.len() == start { text.null() } else { Ok(()) }
    }
}

#[derive(Debug, Clone, Copy)]
enum Compound {
    List,
    Map,
}

fn compound(name: &str) -> Option<Compound> {
    match name {
        "arrayValue" | "array_value" => Some(Compound::List),
        "kvlistValue" | "kvlist_value" => Some(Compound::Map),
        _ => None,
    }
}
