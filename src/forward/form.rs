//! Where a copy goes, and in which form.
//!
//! | came by | goes to | as |
//! |---|---|---|
//! | Zipkin over HTTP | `--forward.zipkin.url` | the same body, path and type |
//! | Zipkin over gRPC | `--forward.zipkin.url` | protobuf over HTTP: the message is the body |
//! | Jaeger Thrift over HTTP, binary | `--forward.jaeger-http.url` | the same |
//! | the same, compact; UDP | `--forward.jaeger-http.url` | a batch in the binary protocol: jaeger-collector reads no other |
//! | Jaeger over gRPC | `--forward.jaeger-grpc.url` | the same: `PostSpans` has no form over HTTP |
//! | OTLP over HTTP | `--forward.otlp.url` | the same |
//! | OTLP over gRPC | `--forward.otlp.url` | protobuf over HTTP: the message is the body |

use crate::decode;
use crate::pipeline::Protocol;
use crate::settings::Forward as Settings;

/// A port of the second collector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Endpoint {
    Zipkin,
    JaegerHttp,
    JaegerGrpc,
    Otlp,
}

impl Endpoint {
    pub(super) const ALL: [Endpoint; 4] =
        [Endpoint::Zipkin, Endpoint::JaegerHttp, Endpoint::JaegerGrpc, Endpoint::Otlp];

    /// As in the names of its settings.
    pub(super) fn name(self) -> &'static str {
        match self {
            Endpoint::Zipkin => "zipkin",
            Endpoint::JaegerHttp => "jaeger-http",
            Endpoint::JaegerGrpc => "jaeger-grpc",
            Endpoint::Otlp => "otlp",
        }
    }

    pub(super) fn url(self, settings: &Settings) -> Option<&str> {
        match self {
            Endpoint::Zipkin => settings.zipkin.as_deref(),
            Endpoint::JaegerHttp => settings.jaeger_http.as_deref(),
            Endpoint::JaegerGrpc => settings.jaeger_grpc.as_deref(),
            Endpoint::Otlp => settings.otlp.as_deref(),
        }
    }
}

/// What is done with a body before it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    None,
    /// Thrift that jaeger-collector does not read over HTTP becomes a batch that it does.
    Batch(decode::ThriftForm),
}

/// Where a protocol's bodies go.
#[derive(Debug, Clone, Copy)]
pub(super) struct Form {
    pub(super) endpoint: Endpoint,
    pub(super) path: &'static str,
    pub(super) content_type: &'static str,
    pub(super) change: Change,
}

const JSON: &str = "application/json";
const PROTOBUF: &str = "application/x-protobuf";
const THRIFT: &str = "application/x-thrift";

pub(super) fn of(protocol: Protocol) -> Form {
    use decode::ThriftForm;
    let form = |endpoint, path, content_type| Form { endpoint, path, content_type, change: Change::None };
    let thrift = form(Endpoint::JaegerHttp, "/api/traces?format=jaeger.thrift", THRIFT);
    match protocol {
        Protocol::ZipkinJson => form(Endpoint::Zipkin, "/api/v2/spans", JSON),
        Protocol::ZipkinJsonV1 => form(Endpoint::Zipkin, "/api/v1/spans", JSON),
        Protocol::ZipkinThrift => form(Endpoint::Zipkin, "/api/v1/spans", THRIFT),
        Protocol::ZipkinProto | Protocol::ZipkinGrpc => form(Endpoint::Zipkin, "/api/v2/spans", PROTOBUF),
        Protocol::JaegerThriftHttp => thrift,
        Protocol::JaegerCompactHttp => Form { change: Change::Batch(ThriftForm::CompactBatch), ..thrift },
        Protocol::AgentCompact => Form { change: Change::Batch(ThriftForm::CompactMessage), ..thrift },
        Protocol::AgentBinary => Form { change: Change::Batch(ThriftForm::BinaryMessage), ..thrift },
        Protocol::JaegerGrpc => {
            form(Endpoint::JaegerGrpc, "/jaeger.api_v2.CollectorService/PostSpans", "application/grpc")
        }
        Protocol::OtlpGrpc | Protocol::OtlpHttp => form(Endpoint::Otlp, "/v1/traces", PROTOBUF),
        Protocol::OtlpJson => form(Endpoint::Otlp, "/v1/traces", JSON),
    }
}
