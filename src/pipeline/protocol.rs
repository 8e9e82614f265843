//! The protocols that spans come in by.

use crate::item::Label;
use crate::span::repair::Family;
use crate::telemetry::metrics::Source;

/// A way for spans to come in: a page of the books, and labels of Jaeger's metrics.
///
/// Their numbers are written into the spool: a new one goes to the end, none is taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// Zipkin v2 JSON over HTTP.
    ZipkinJson,
    /// Jaeger Thrift, binary, over HTTP.
    JaegerThriftHttp,
    /// Zipkin v1 JSON over HTTP.
    ZipkinJsonV1,
    /// Zipkin v1 Thrift, binary, over HTTP.
    ZipkinThrift,
    /// Zipkin's protobuf over HTTP.
    ZipkinProto,
    /// Zipkin's `SpanService/Report`.
    ZipkinGrpc,
    /// Jaeger Thrift, compact, over HTTP.
    JaegerCompactHttp,
    /// Jaeger's `CollectorService/PostSpans`.
    JaegerGrpc,
    /// jaeger-agent's compact Thrift over UDP.
    AgentCompact,
    /// jaeger-agent's binary Thrift over UDP.
    AgentBinary,
    /// OpenTelemetry's `TraceService/Export`.
    OtlpGrpc,
    /// OpenTelemetry's protobuf over HTTP.
    OtlpHttp,
    /// OpenTelemetry's JSON over HTTP.
    OtlpJson,
}

/// What is said of a protocol: its page in the books, whose sanitizers apply, and Jaeger's labels
/// `format` and `transport`.
struct Said(&'static str, Family, &'static str, &'static str);

impl Protocol {
    pub const ALL: [Protocol; 13] = [
        Protocol::ZipkinJson,
        Protocol::JaegerThriftHttp,
        Protocol::ZipkinJsonV1,
        Protocol::ZipkinThrift,
        Protocol::ZipkinProto,
        Protocol::ZipkinGrpc,
        Protocol::JaegerCompactHttp,
        Protocol::JaegerGrpc,
        Protocol::AgentCompact,
        Protocol::AgentBinary,
        Protocol::OtlpGrpc,
        Protocol::OtlpHttp,
        Protocol::OtlpJson,
    ];

    /// The names of the pages of the books, in the order of their labels.
    pub const NAMES: [&'static str; Self::ALL.len()] = {
        let mut names = [""; Self::ALL.len()];
        let mut index = 0;
        while index < names.len() {
            names[index] = Self::ALL[index].name();
            index += 1;
        }
        names
    };

    const fn said(self) -> Said {
        match self {
            Protocol::ZipkinJson => Said("zipkin-json", Family::Otel, "zipkin", "http"),
            Protocol::JaegerThriftHttp => Said("jaeger-thrift-http", Family::Native, "jaeger", "http"),
            Protocol::ZipkinJsonV1 => Said("zipkin-json-v1", Family::Otel, "zipkin", "http"),
            Protocol::ZipkinThrift => Said("zipkin-thrift", Family::Otel, "zipkin", "http"),
            Protocol::ZipkinProto => Said("zipkin-proto", Family::Otel, "zipkin", "http"),
            Protocol::ZipkinGrpc => Said("zipkin-grpc", Family::Otel, "zipkin", "grpc"),
            Protocol::JaegerCompactHttp => Said("jaeger-compact-http", Family::Native, "jaeger", "http"),
            Protocol::JaegerGrpc => Said("jaeger-grpc", Family::Native, "proto", "grpc"),
            Protocol::AgentCompact => Said("agent-compact", Family::Native, "jaeger", "udp"),
            Protocol::AgentBinary => Said("agent-binary", Family::Native, "jaeger", "udp"),
            Protocol::OtlpGrpc => Said("otlp-grpc", Family::Otel, "otlp", "grpc"),
            Protocol::OtlpHttp => Said("otlp-http", Family::Otel, "otlp", "http"),
            Protocol::OtlpJson => Said("otlp-json", Family::Otel, "otlp", "http"),
        }
    }

    pub fn label(self) -> Label {
        Label(self as u8)
    }

    pub const fn name(self) -> &'static str {
        self.said().0
    }

    /// Whose sanitizers apply.
    pub fn family(self) -> Family {
        self.said().1
    }

    /// True for Zipkin's protobuf, whatever it comes by.
    pub fn is_zipkin_proto(self) -> bool {
        matches!(self, Protocol::ZipkinProto | Protocol::ZipkinGrpc)
    }

    /// Jaeger's `format` label.
    pub fn format(self) -> &'static str {
        self.said().2
    }

    /// Jaeger's `transport` label.
    pub fn transport(self) -> &'static str {
        self.said().3
    }
}

impl From<Protocol> for Source {
    fn from(protocol: Protocol) -> Self {
        Source { format: protocol.format(), transport: protocol.transport() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_the_place_of_its_page() {
        for (index, protocol) in Protocol::ALL.into_iter().enumerate() {
            assert_eq!(usize::from(protocol.label().0), index);
            assert_eq!(Protocol::NAMES[index], protocol.name());
        }
    }
}
