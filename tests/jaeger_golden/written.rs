//! Bodies decoded, repaired and written as the pipeline does.

use serde_json::Value as Json;
use spaniel::decode::{Limits, Scratch, Sink, Unreadable, agent_binary, agent_compact};
use spaniel::decode::{jaeger_thrift, zipkin_json, zipkin_proto, zipkin_thrift, zipkin_v1_json};
use spaniel::document::{Shape, scope_seed, span_id};
use spaniel::item::Id;
use spaniel::pipeline::Protocol;
use spaniel::span::repair::{self, Family};
use spaniel::span::{Process, Refusal, Span, Tag};

/// Writes what it gets as the pipeline does.
#[derive(Debug)]
pub struct Writer {
    shape: Shape,
    family: Family,
    /// Jaeger's label `format`.
    format: &'static str,
    process: Vec<u8>,
    seed: u64,
    documents: Vec<Json>,
    ids: Vec<Id>,
    refusals: Vec<Refusal>,
}

impl<'a> Sink<'a> for Writer {
    fn process(&mut self, process: &Process<'a>) {
        self.process.clear();
        self.seed = scope_seed(process.wire, process.scope_wire);
        let (service, _) = repair::service(process.service, self.family);
        self.shape.write_process(&mut self.process, service, &process.tags);
    }

    fn span(&mut self, span: &mut Span<'a>) {
        match self.family {
            Family::Native => {
                span.tags.push(Tag::new("@jaeger@format", self.format));
                repair::native(span);
            }
            Family::Otel => {
                repair::otel(span);
            }
        }
        let mut line = Vec::new();
        self.shape.write_span(&mut line, span, &self.process);
        self.ids.push(span_id(span.start, span.wire, self.seed));
        self.documents.push(serde_json::from_slice(&line).expect("a document is JSON"));
    }

    fn refuse(&mut self, refusal: Refusal) {
        self.refusals.push(refusal);
    }
}

/// What became of a body: an HTTP status, and its documents.
#[derive(Debug)]
pub struct Outcome {
    pub status: u64,
    pub documents: Vec<Json>,
    /// The names of the documents.
    pub ids: Vec<Id>,
    pub refusals: Vec<Refusal>,
    /// False if the body was refused as a whole, with what could be read before the fault.
    pub readable: bool,
}

/// A decoder.
pub type Decode = for<'a> fn(&'a [u8], &'a Scratch, &Limits, &mut Writer) -> Result<(), Unreadable>;

/// The decoder of a captured body of Zipkin's, which its name tells.
pub fn zipkin_decoder(input: &str) -> Decode {
    match input.rsplit_once('.') {
        Some((_, "thrift")) => |body, scratch, limits, sink| zipkin_thrift(body, scratch, limits, sink),
        Some((_, "pb")) => |body, scratch, limits, sink| zipkin_proto(body, scratch, limits, sink),
        _ if super::is_v1(input) => |body, scratch, limits, sink| zipkin_v1_json(body, scratch, limits, sink),
        _ => |body, scratch, limits, sink| zipkin_json(body, scratch, limits, sink),
    }
}

/// What becomes of a body of Zipkin v2 JSON, or of Jaeger's Thrift.
pub fn written(body: &[u8], family: Family) -> Outcome {
    match family {
        Family::Otel => {
            written_by(|body, scratch, limits, sink| zipkin_json(body, scratch, limits, sink), body, family)
        }
        Family::Native => written_by(|body, _, limits, sink| jaeger_thrift(body, limits, sink), body, family),
    }
}

pub fn written_by(decode: Decode, body: &[u8], family: Family) -> Outcome {
    let scratch = Scratch::new();
    written_as(family, "jaeger", |writer| decode(body, &scratch, &Limits::default(), writer))
}

/// What becomes of a datagram that came to a port of jaeger-agent.
pub fn written_from(body: &[u8], protocol: Protocol) -> Outcome {
    let limits = Limits::default();
    written_as(protocol.family(), protocol.format(), |writer| match protocol {
        Protocol::AgentCompact => agent_compact(body, &limits, writer),
        Protocol::AgentBinary => agent_binary(body, &limits, writer),
        other => panic!("{other:?} does not come by UDP"),
    })
}

/// What becomes of the spans that `decode` hands out, which came in Jaeger's `format`.
pub fn written_as(
    family: Family,
    format: &'static str,
    decode: impl FnOnce(&mut Writer) -> Result<(), Unreadable>,
) -> Outcome {
    let shape = Shape::new(&spaniel::settings::Document::default());
    let (documents, ids, refusals) = (Vec::new(), Vec::new(), Vec::new());
    let mut writer = Writer { shape, family, format, process: Vec::new(), seed: 0, documents, ids, refusals };
    let outcome = decode(&mut writer);
    let nothing_read = writer.documents.is_empty() && !writer.refusals.is_empty();
    let status = if outcome.is_err() || nothing_read { 400 } else { 202 };
    let Writer { documents, ids, refusals, .. } = writer;
    Outcome { status, documents, ids, refusals, readable: outcome.is_ok() }
}
