//! Bodies decoded, repaired and written as the pipeline does.

use serde_json::Value as Json;
use spaniel::decode::{Limits, Scratch, Sink, agent_binary, agent_compact, jaeger_thrift, zipkin_json};
use spaniel::document::{Shape, process_seed, span_id};
use spaniel::item::Id;
use spaniel::pipeline::Protocol;
use spaniel::span::repair::{self, Family};
use spaniel::span::{Process, Refusal, Span, Tag};

/// Writes what it gets as the pipeline does.
struct Writer {
    shape: Shape,
    family: Family,
    process: Vec<u8>,
    seed: u64,
    documents: Vec<Json>,
    ids: Vec<Id>,
    refusals: Vec<Refusal>,
}

impl<'a> Sink<'a> for Writer {
    fn process(&mut self, process: &Process<'a>) {
        self.process.clear();
        self.seed = process_seed(process.wire);
        let (service, _) = repair::service(process.service, self.family);
        self.shape.write_process(&mut self.process, service, &process.tags);
    }

    fn span(&mut self, span: &mut Span<'a>) {
        match self.family {
            Family::Native => {
                span.tags.push(Tag::new("@jaeger@format", "jaeger"));
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

pub fn written(body: &[u8], family: Family) -> Outcome {
    written_as(body, if family == Family::Otel { Protocol::ZipkinJson } else { Protocol::JaegerThriftHttp })
}

pub fn written_as(body: &[u8], protocol: Protocol) -> Outcome {
    let (shape, family) = (Shape::new(&spaniel::settings::Document::default()), protocol.family());
    let (documents, ids, refusals) = (Vec::new(), Vec::new(), Vec::new());
    let mut writer = Writer { shape, family, process: Vec::new(), seed: 0, documents, ids, refusals };
    let (scratch, limits) = (Scratch::new(), Limits::default());
    let outcome = match protocol {
        Protocol::ZipkinJson => zipkin_json(body, &scratch, &limits, &mut writer),
        Protocol::JaegerThriftHttp => jaeger_thrift(body, &limits, &mut writer),
        Protocol::AgentCompact => agent_compact(body, &limits, &mut writer),
        Protocol::AgentBinary => agent_binary(body, &limits, &mut writer),
        other => panic!("{other:?} has no golden bodies here"),
    };
    let nothing_read = writer.documents.is_empty() && !writer.refusals.is_empty();
    let status = if outcome.is_err() || nothing_read { 400 } else { 202 };
    let Writer { documents, ids, refusals, .. } = writer;
    Outcome { status, documents, ids, refusals, readable: outcome.is_ok() }
}
