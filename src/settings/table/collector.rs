//! `--collector.*` of jaeger-collector 1.76.

use super::Kind::{Address, List, Size, Switch, Time, Words};
use super::{Setting, from, row};

const CORS: &str =
    "CORS is not built yet: remove the setting and let browsers send through a proxy that adds the headers";

pub(super) const ZIPKIN: &[Setting] = &[
    row(
        "collector.zipkin.host-port",
        Address,
        ":9411",
        "Zipkin: JSON, protobuf and Thrift, v2 and v1. Empty on the command line or in the file, or `off`, closes it; Jaeger's default is closed.",
    ),
    row("collector.zipkin.keep-alive", Switch, "true", "Keeps connections open.")
        .ignored("connections are always kept open; see `--limits.idle-timeout` and `--limits.connection-age`"),
    row(
        "collector.zipkin.envoy-ids",
        Words(&["auto", "as-sent"]),
        "auto",
        "Envoy writes the ids of spans with their bytes reversed when it sends protobuf (`HTTP_PROTO`). `auto` turns \
         round those of spans that come as protobuf with Envoy's tags; `as-sent` is for spans that something else than \
         Envoy made protobuf of.",
    ),
    row("collector.zipkin.cors.allowed-origins", List, "", "Origins that browsers may send from.").refused(CORS),
    row("collector.zipkin.cors.allowed-headers", List, "", "Headers that browsers may send.").refused(CORS),
];

pub(super) const HTTP: &[Setting] = &[
    row("collector.http-server.host-port", Address, ":14268", "Jaeger Thrift over HTTP."),
    row(
        "collector.http-server.read-header-timeout",
        Time,
        "10s",
        "Jaeger's name for `--limits.header-timeout`, which wins if both are set. It holds for every listener. Jaeger's \
         default is 2s.",
    ),
    row(
        "collector.http-server.read-timeout",
        Time,
        "30s",
        "Jaeger's name for `--limits.body-timeout`, which wins if both are set. It holds for every listener. Jaeger's \
         default is 0s, no limit.",
    ),
    row(
        "collector.http-server.idle-timeout",
        Time,
        "3m",
        "Jaeger's name for `--limits.idle-timeout`, which wins if both are set. It holds for every listener. Jaeger's \
         default is 0s.",
    ),
];

const NO_QUEUE: &str = "there is no queue that is counted in spans: what waits is limited in bytes by `--memory.limit`";

pub(super) const QUEUE: &[Setting] = &[
    row("collector.num-workers", from(0), "50", "Workers on the queue.").ignored(NO_QUEUE),
    row("collector.queue-size", from(0), "2000", "Spans in the queue.").ignored(NO_QUEUE),
    row("collector.queue-size-memory", from(0), "0", "MiB in the queue.").ignored(NO_QUEUE),
    row("collector.enable-span-size-metrics", Switch, "false", "Measures spans as protobuf.")
        .ignored("spans are never turned into protobuf; bodies and documents are counted in bytes always"),
];

const NO_GRPC: &str = "gRPC on 14250 is not built yet: remove the setting and send to 14268 (Jaeger Thrift over HTTP) or \
     9411 (Zipkin)";
const GRPC_ABSENT: &str = "gRPC on 14250 is not built yet";

pub(super) const GRPC: &[Setting] = &[
    row("collector.grpc-server.host-port", Address, "", "Jaeger over gRPC. Jaeger's default is `:14250`.")
        .refused(NO_GRPC),
    row("collector.grpc-server.max-message-size", Size, "4194304", "Bytes of a message.").ignored(GRPC_ABSENT),
    row("collector.grpc-server.max-connection-age", Time, "0s", "Age of a connection.").ignored(GRPC_ABSENT),
    row("collector.grpc-server.max-connection-age-grace", Time, "0s", "Time for calls after that.")
        .ignored(GRPC_ABSENT),
];

const NO_OTLP: &str = "OTLP is not built yet: remove the setting or set `--collector.otlp.enabled=false`, and send Zipkin \
     to 9411 or Jaeger Thrift to 14268";
const OTLP_ABSENT: &str = "OTLP is not built yet";

pub(super) const OTLP: &[Setting] = &[
    row("collector.otlp.enabled", Switch, "false", "Opens the ports of OTLP. Jaeger's default is true.")
        .refused(NO_OTLP),
    row("collector.otlp.grpc.host-port", Address, "", "OTLP over gRPC. Jaeger's default is `:4317`.").refused(NO_OTLP),
    row("collector.otlp.grpc.max-message-size", Size, "4194304", "Bytes of a message.").ignored(OTLP_ABSENT),
    row("collector.otlp.grpc.max-connection-age", Time, "0s", "Age of a connection.").ignored(OTLP_ABSENT),
    row("collector.otlp.grpc.max-connection-age-grace", Time, "0s", "Time for calls after that.").ignored(OTLP_ABSENT),
    row("collector.otlp.http.host-port", Address, "", "OTLP over HTTP. Jaeger's default is `:4318`.").refused(NO_OTLP),
    row("collector.otlp.http.read-timeout", Time, "0s", "For a whole request.").ignored(OTLP_ABSENT),
    row("collector.otlp.http.idle-timeout", Time, "0s", "Between requests.").ignored(OTLP_ABSENT),
    row("collector.otlp.http.read-header-timeout", Time, "2s", "For the head of a request.").ignored(OTLP_ABSENT),
    row("collector.otlp.http.cors.allowed-origins", List, "", "Origins that browsers may send from.").refused(CORS),
    row("collector.otlp.http.cors.allowed-headers", List, "", "Headers that browsers may send.").refused(CORS),
];
