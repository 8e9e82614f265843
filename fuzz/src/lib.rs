//! What the fuzz targets share. The decoders and the spool's log are compiled from their
//! sources, without the rest of the collector (a store, a TLS library, …), so that a target is
//! built in seconds.
//!
//! `./seed` fills the corpus with the captured bodies; then `cargo +nightly fuzz run zipkin_json`.

#[path = "../../src/decode/mod.rs"]
pub mod decode;
#[path = "../../tests/power/hostile.rs"]
pub mod hostile;
#[path = "../../src/item.rs"]
pub mod item;
#[path = "../../src/memory.rs"]
pub mod memory;
#[path = "."]
pub mod sample {
    #[allow(unused_imports, reason = "what the rest of the room takes from it")]
    #[path = "../../src/sample/expression/mod.rs"]
    pub mod expression;
}
#[path = "../../src/span/mod.rs"]
pub mod span;
pub mod spool;
pub mod strategies;

use decode::Sink;
use span::{Process, Reason, Refusal, Span, Text, Value};

/// A field of protobuf that holds these bytes.
pub fn framed(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut framed = vec![number << 3 | 2];
    let mut length = bytes.len();
    while length >= 0x80 {
        framed.push(length as u8 | 0x80);
        length >>= 7;
    }
    framed.push(length as u8);
    framed.extend_from_slice(bytes);
    framed
}

/// Looks at everything that a decoder hands out.
#[derive(Debug, Default)]
pub struct Looker {
    pub spans: usize,
    pub refusals: usize,
    /// Refusals that say that the body ended or stopped making sense.
    pub truncated: usize,
    pub wires: Vec<Vec<u8>>,
}

impl Looker {
    fn text(&self, text: Text<'_>) {
        let decoded = text.decoded();
        match text {
            Text::Clean(raw) => assert!(raw.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\')),
            // Apart from control characters it can be copied between quotes as it is.
            Text::Json(raw) if raw.bytes().all(|byte| byte >= b' ') => {
                let literal = format!("\"{raw}\"");
                if let Ok(theirs) = serde_json::from_str::<String>(&literal) {
                    assert_eq!(theirs, decoded);
                }
                assert!(serde_json::from_str::<serde::de::IgnoredAny>(&literal).is_ok());
            }
            Text::Broken { bytes, .. } => assert!(std::str::from_utf8(bytes).is_err()),
            _ => {}
        }
    }

    fn tag(&self, key: Text<'_>, value: Value<'_>) {
        self.text(key);
        if let Value::Text(text) = value {
            self.text(text);
        }
    }
}

impl<'a> Sink<'a> for Looker {
    fn process(&mut self, process: &Process<'a>) {
        process.service.into_iter().for_each(|service| self.text(service));
        process.tags.iter().for_each(|tag| self.tag(tag.key, tag.value));
    }

    fn span(&mut self, span: &mut Span<'a>) {
        self.spans += 1;
        self.text(span.operation);
        span.tags.iter().chain(&span.log_fields).for_each(|tag| self.tag(tag.key, tag.value));
        let fields: usize = span.logs.iter().map(|log| span.fields_of(log).len()).sum();
        assert_eq!(fields, span.log_fields.len());
        self.wires.push(span.wire.to_vec());
    }

    fn refuse(&mut self, refusal: Refusal) {
        self.refusals += 1;
        self.truncated += usize::from(refusal.reason == Reason::Truncated);
    }
}
