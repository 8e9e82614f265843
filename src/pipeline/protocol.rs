//! The protocols that spans come in by.

use crate::item::Label;

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
