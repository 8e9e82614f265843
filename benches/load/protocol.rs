//! The protocols that a load may speak.

use ::spaniel::command::load::http::Place;
use anyhow::{Result, bail};

/// A protocol, with the names of `--protocol`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    ZipkinJson,
    ZipkinProto,
    JaegerThrift,
    JaegerGrpc,
    OtlpHttp,
    OtlpGrpc,
    OtlpJson,
    Udp,
}

/// What is said of a protocol: its name, the flag of its listener, path, content type, and the
/// status of an answer that all was taken.
struct Said(&'static str, &'static str, &'static str, &'static str, u16);

impl Protocol {
    pub(crate) const ALL: [Protocol; 8] = [
        Protocol::ZipkinJson,
        Protocol::ZipkinProto,
        Protocol::JaegerThrift,
        Protocol::JaegerGrpc,
        Protocol::OtlpHttp,
        Protocol::OtlpGrpc,
        Protocol::OtlpJson,
        Protocol::Udp,
    ];

    fn said(self) -> Said {
        const ZIPKIN: &str = "collector.zipkin.host-port";
        const OTLP_HTTP: &str = "collector.otlp.http.host-port";
        const PROTO: &str = "application/x-protobuf";
        match self {
            Protocol::ZipkinJson => Said("zipkin-json", ZIPKIN, "/api/v2/spans", "application/json", 202),
            Protocol::ZipkinProto => Said("zipkin-proto", ZIPKIN, "/api/v2/spans", PROTO, 202),
            Protocol::JaegerThrift => {
                let path = "/api/traces?format=jaeger.thrift";
                Said("jaeger-thrift", "collector.http-server.host-port", path, "application/x-thrift", 202)
            }
            Protocol::JaegerGrpc => {
                let path = "/jaeger.api_v2.CollectorService/PostSpans";
                Said("jaeger-grpc", "collector.grpc-server.host-port", path, "application/grpc", 0)
            }
            Protocol::OtlpHttp => Said("otlp-http", OTLP_HTTP, "/v1/traces", PROTO, 200),
            Protocol::OtlpGrpc => {
                let path = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
                Said("otlp-grpc", "collector.otlp.grpc.host-port", path, "application/grpc", 0)
            }
            Protocol::OtlpJson => Said("otlp-json", OTLP_HTTP, "/v1/traces", "application/json", 200),
            Protocol::Udp => Said("udp", "processor.jaeger-compact.server-host-port", "", "", 0),
        }
    }

    pub(crate) fn named(name: &str) -> Result<Self> {
        if let Some(protocol) = Protocol::ALL.into_iter().find(|protocol| protocol.name() == name) {
            return Ok(protocol);
        }
        let names = Protocol::ALL.map(Protocol::name).join(", ");
        bail!("unknown protocol {name}: {names}")
    }

    pub(crate) fn name(self) -> &'static str {
        self.said().0
    }

    /// The flag of the address where it is spoken.
    pub(crate) fn listener(self) -> &'static str {
        self.said().1
    }

    pub(crate) fn path(self) -> &'static str {
        self.said().2
    }

    pub(crate) fn content_type(self) -> &'static str {
        self.said().3
    }

    /// True if this is the status of an answer that all was taken; for gRPC its own status.
    pub(crate) fn is_good(self, status: u16) -> bool {
        self.said().4 == status
    }

    /// Where bodies are posted, for the protocols over HTTP/1.1.
    pub(crate) fn place(self, address: &str) -> Place {
        let Said(_, _, path, content_type, good) = self.said();
        Place { address: address.into(), path: path.into(), content_type, good: good..good + 1 }
    }

    pub(crate) fn is_grpc(self) -> bool {
        matches!(self, Protocol::JaegerGrpc | Protocol::OtlpGrpc)
    }
}
