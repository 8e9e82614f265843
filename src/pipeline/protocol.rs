//! The protocols that spans come in by.

use crate::item::Label;
use crate::span::repair::Family;
use crate::telemetry::metrics::Source;

/// A way for spans to come in: a page of the books, and labels of Jaeger's metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// Zipkin v2 JSON over HTTP.
    ZipkinJson,
    /// Jaeger Thrift, binary, over HTTP.
    JaegerThriftHttp,
}

impl Protocol {
    pub const ALL: [Protocol; 2] = [Protocol::ZipkinJson, Protocol::JaegerThriftHttp];

    /// The names of the pages of the books, in the order of their labels.
    pub const NAMES: [&'static str; 2] = ["zipkin-json", "jaeger-thrift-http"];

    pub fn label(self) -> Label {
        Label(self as u8)
    }

    pub fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }

    /// Whose sanitizers apply.
    pub fn family(self) -> Family {
        match self {
            Protocol::ZipkinJson => Family::Otel,
            Protocol::JaegerThriftHttp => Family::Native,
        }
    }

    /// Jaeger's `format` label.
    pub fn format(self) -> &'static str {
        match self {
            Protocol::ZipkinJson => "zipkin",
            Protocol::JaegerThriftHttp => "jaeger",
        }
    }

    /// Jaeger's `transport` label.
    pub fn transport(self) -> &'static str {
        "http"
    }
}

impl From<Protocol> for Source {
    fn from(protocol: Protocol) -> Self {
        Source { format: protocol.format(), transport: protocol.transport() }
    }
}
