//! From bytes to spans: a pure function per wire format.
//!
//! A decoder walks a request's body once and hands each span to a [`Sink`], borrowed from the
//! body. It believes no length from the wire before the bytes are there, recurses nowhere without
//! a limit, does no I/O and knows no clock. A span that cannot be read is refused alone.

mod agent;
mod fault;
mod jaeger_proto;
mod jaeger_thrift;
mod json;
mod otlp;
mod otlp_json;
mod otlp_proto;
#[cfg(test)]
mod properties;
mod protobuf;
mod scan;
mod scratch;
mod stretch;
#[cfg(test)]
mod test_sink;
mod thrift;
mod zipkin;
mod zipkin_json;
mod zipkin_proto;
mod zipkin_thrift;
mod zipkin_v1_json;

pub use agent::{NoBatch, ThriftForm, agent_binary, agent_compact, binary_batch};
pub use jaeger_proto::jaeger_proto;
pub use jaeger_thrift::{jaeger_compact, jaeger_thrift};
pub use otlp_json::otlp_json;
pub use otlp_proto::otlp_proto;
pub use scratch::Scratch;
pub use zipkin_json::zipkin_json;
pub use zipkin_proto::zipkin_proto;
pub use zipkin_thrift::zipkin_thrift;
pub use zipkin_v1_json::zipkin_v1_json;

use crate::span::{Limit, Process, Refusal, Span};

/// Takes what a decoder reads, in the order of the body.
///
/// `process` is called before the first span and again whenever the process changes; `span` may
/// change the span that it gets (repairs), the decoder clears it afterwards.
pub trait Sink<'a> {
    fn process(&mut self, process: &Process<'a>);
    fn span(&mut self, span: &mut Span<'a>);
    fn refuse(&mut self, refusal: Refusal);
}

/// Limits on what one span may hold.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Depth of nesting of values that are skipped or kept as text.
    pub depth: usize,
    /// Tags of a span, tags of a process, and fields of all logs of a span, each.
    pub tags: usize,
    /// Logs of a span, and references of a span, each.
    pub logs: usize,
    /// Spans of a request.
    pub spans: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { depth: 64, tags: 4096, logs: 4096, spans: 1_000_000 }
    }
}

/// Nothing in the body could be read: the request is refused as a whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} at byte {offset}")]
pub struct Unreadable {
    pub offset: usize,
    pub what: &'static str,
    /// The limit that was passed, if that is why.
    pub limit: Option<Limit>,
}
