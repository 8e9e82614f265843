//! A sink for tests: owned copies in a form that is easy to compare.

use super::{
    Limits, Scratch, Sink, Unreadable, agent_binary, agent_compact, jaeger_compact, jaeger_proto, jaeger_thrift,
    otlp_json, otlp_proto, zipkin_json, zipkin_proto, zipkin_thrift, zipkin_v1_json,
};
use crate::span::{Process, Refusal, Span, Tag, Text, Value};

/// What a decoder handed out.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    pub(crate) spans: Vec<Owned>,
    pub(crate) refusals: Vec<Refusal>,
    pub(crate) unreadable: Option<Unreadable>,
    /// How often a process was told.
    pub(crate) processes: usize,
    service: Option<String>,
    process_tags: Vec<String>,
    process_wire: Vec<u8>,
    scope_wire: Vec<u8>,
}

/// A span with its process; tags as `key=value`.
#[derive(Debug)]
pub(crate) struct Owned {
    pub(crate) service: Option<String>,
    pub(crate) process_tags: Vec<String>,
    pub(crate) process_wire: Vec<u8>,
    pub(crate) scope_wire: Vec<u8>,
    pub(crate) trace_id: crate::span::TraceId,
    pub(crate) span_id: u64,
    pub(crate) operation: String,
    pub(crate) references: Vec<crate::span::Reference>,
    pub(crate) start: u64,
    pub(crate) duration: i64,
    pub(crate) flags: u32,
    pub(crate) debug: bool,
    pub(crate) tags: Vec<String>,
    pub(crate) logs: Vec<String>,
    pub(crate) wire: Vec<u8>,
}

impl<'a> Sink<'a> for Collected {
    fn process(&mut self, process: &Process<'a>) {
        self.processes += 1;
        self.service = process.service.map(|service| service.decoded().into_owned());
        self.process_tags = process.tags.iter().map(tag).collect();
        self.process_wire = process.wire.to_vec();
        self.scope_wire = process.scope_wire.to_vec();
    }

    fn span(&mut self, span: &mut Span<'a>) {
        let log = |log| {
            let fields: Vec<_> = span.fields_of(log).iter().map(tag).collect();
            format!("{}[{}]", log.timestamp, fields.join(" "))
        };
        self.spans.push(Owned {
            service: self.service.clone(),
            process_tags: self.process_tags.clone(),
            process_wire: self.process_wire.clone(),
            scope_wire: self.scope_wire.clone(),
            trace_id: span.trace_id,
            span_id: span.span_id,
            operation: span.operation.decoded().into_owned(),
            references: span.references.clone(),
            start: span.start,
            duration: span.duration,
            flags: span.flags,
            debug: span.debug,
            tags: span.tags.iter().map(tag).collect(),
            logs: span.logs.iter().map(log).collect(),
            wire: span.wire.to_vec(),
        });
    }

    fn refuse(&mut self, refusal: Refusal) {
        self.refusals.push(refusal);
    }
}

fn tag(tag: &Tag<'_>) -> String {
    for text in [Some(tag.key), if let Value::Text(text) = tag.value { Some(text) } else { None }].into_iter().flatten()
    {
        let is_odd = |byte: &u8| *byte < 0x20 || matches!(byte, b'"' | b'\\');
        assert!(!matches!(text, Text::Clean(clean) if clean.as_bytes().iter().any(is_odd)), "{text:?}");
    }
    let value = match tag.value {
        Value::Text(text) => text.decoded().into_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Int64(value) => value.to_string(),
        Value::Float64(value) => value.to_string(),
        Value::Binary(bytes) => format!("{bytes:?}"),
        Value::Address(address) => address.to_string(),
    };
    format!("{}={value}", tag.key.decoded())
}

/// The decoders of Zipkin's formats, each under the same form.
macro_rules! zipkin {
    ($($name:ident, $within:ident: $decoder:ident;)*) => {$(
        pub(crate) fn $name(body: &[u8]) -> Collected {
            $within(body, &Limits::default())
        }

        pub(crate) fn $within(body: &[u8], limits: &Limits) -> Collected {
            let mut collected = Collected::default();
            let scratch = Scratch::new();
            let outcome = $decoder(body, &scratch, limits, &mut collected);
            collected.unreadable = outcome.err();
            collected
        }
    )*};
}

zipkin! {
    decode_zipkin, decode_zipkin_within: zipkin_json;
    decode_zipkin_v1, decode_zipkin_v1_within: zipkin_v1_json;
    decode_zipkin_proto, decode_zipkin_proto_within: zipkin_proto;
    decode_zipkin_thrift, decode_zipkin_thrift_within: zipkin_thrift;
}

pub(crate) fn decode_thrift(body: &[u8]) -> Collected {
    decode_thrift_within(body, &Limits::default())
}

pub(crate) fn decode_thrift_within(body: &[u8], limits: &Limits) -> Collected {
    let mut collected = Collected::default();
    let outcome = jaeger_thrift(body, limits, &mut collected);
    collected.unreadable = outcome.err();
    collected
}

pub(crate) fn decode_compact(body: &[u8]) -> Collected {
    let mut collected = Collected::default();
    collected.unreadable = jaeger_compact(body, &Limits::default(), &mut collected).err();
    collected
}

pub(crate) fn decode_agent_binary(body: &[u8]) -> Collected {
    let mut collected = Collected::default();
    collected.unreadable = agent_binary(body, &Limits::default(), &mut collected).err();
    collected
}

pub(crate) fn decode_agent_compact(body: &[u8]) -> Collected {
    let mut collected = Collected::default();
    collected.unreadable = agent_compact(body, &Limits::default(), &mut collected).err();
    collected
}

pub(crate) fn decode_otlp(body: &[u8]) -> Collected {
    decode_otlp_within(body, &Limits::default())
}

pub(crate) fn decode_otlp_within(body: &[u8], limits: &Limits) -> Collected {
    let mut collected = Collected::default();
    let scratch = Scratch::new();
    let outcome = otlp_proto(body, &scratch, limits, &mut collected);
    collected.unreadable = outcome.err();
    collected
}

pub(crate) fn decode_otlp_json(body: &[u8]) -> Collected {
    decode_otlp_json_within(body, &Limits::default())
}

pub(crate) fn decode_otlp_json_within(body: &[u8], limits: &Limits) -> Collected {
    let mut collected = Collected::default();
    let scratch = Scratch::new();
    let outcome = otlp_json(body, &scratch, limits, &mut collected);
    collected.unreadable = outcome.err();
    collected
}

pub(crate) fn decode_jaeger_proto(body: &[u8]) -> Collected {
    decode_jaeger_proto_within(body, &Limits::default())
}

pub(crate) fn decode_jaeger_proto_within(body: &[u8], limits: &Limits) -> Collected {
    let mut collected = Collected::default();
    let outcome = jaeger_proto(body, limits, &mut collected);
    collected.unreadable = outcome.err();
    collected
}
