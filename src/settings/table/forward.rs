//! `--forward.*`: a copy of what is taken, for a second collector.

use super::Kind::{File, Size, Time, Url};
use super::{Setting, row};

pub(super) const FORWARD: &[Setting] = &[
    row(
        "forward.zipkin.url",
        Url,
        "",
        "Where a copy of what is taken by Zipkin's protocols goes: `http://zipkin:9411`. Empty: nowhere.",
    ),
    row(
        "forward.jaeger-http.url",
        Url,
        "",
        "The same for Jaeger Thrift over HTTP and UDP: `http://jaeger-collector:14268`.",
    ),
    row("forward.jaeger-grpc.url", Url, "", "The same for Jaeger over gRPC: `http://jaeger-collector:14250`."),
    row(
        "forward.otlp.url",
        Url,
        "",
        "The same for OTLP, over HTTP whatever it came by: `http://jaeger-collector:4318`.",
    ),
    row(
        "forward.ca-file",
        File,
        "",
        "File of certificates (PEM) of authorities that are trusted for these URLs, beside those of the web.",
    ),
    row(
        "forward.max-bytes",
        Size,
        "16MiB",
        "Bytes of copies that may wait, the same share for each URL; taken of `--memory.limit` at the start, at most an \
         eighth of it. What does not fit is dropped and counted.",
    ),
    row(
        "forward.timeout",
        Time,
        "10s",
        "A copy that the second collector has not taken within this, all tries together, is dropped and counted.",
    ),
];
