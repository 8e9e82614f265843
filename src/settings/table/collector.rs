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

pub(super) const GRPC: &[Setting] = &[
    row("collector.grpc-server.host-port", Address, ":14250", "Jaeger over gRPC, with health and reflection."),
    row("collector.grpc-server.max-message-size", Size, "4194304", MESSAGE_SIZE),
    row("collector.grpc-server.max-connection-age", Time, "2m", CONNECTION_AGE),
    row("collector.grpc-server.max-connection-age-grace", Time, "0s", GRACE),
];

const MESSAGE_SIZE: &str = "Bytes of a message, as it comes and after decompression, within `--limits.body-bytes` and \
     `--limits.inflated-bytes`. Below 1 MiB it is the default, as in Jaeger.";
const CONNECTION_AGE: &str = "Age at which a connection is told to go when its calls have ended, plus or minus a tenth; 0: \
     never. If it is not set, `--limits.connection-age` holds. Jaeger's default is 0s.";
const GRACE: &str = "Calls that have not ended so long after that are cut; 0: never.";

pub(super) const OTLP: &[Setting] = &[
    row("collector.otlp.enabled", Switch, "true", "Opens the ports of OTLP."),
    row("collector.otlp.grpc.host-port", Address, ":4317", "OTLP over gRPC."),
    row("collector.otlp.grpc.max-message-size", Size, "4194304", MESSAGE_SIZE),
    row("collector.otlp.grpc.max-connection-age", Time, "2m", CONNECTION_AGE),
    row("collector.otlp.grpc.max-connection-age-grace", Time, "0s", GRACE),
    row("collector.otlp.http.host-port", Address, ":4318", "OTLP over HTTP: `/v1/traces`, protobuf and JSON."),
    row(
        "collector.otlp.http.read-timeout",
        Time,
        "30s",
        "Another name for `--limits.body-timeout`, after `--collector.http-server.read-timeout`: the first that is set \
         holds for every listener. Jaeger's default is 0s, no limit.",
    ),
    row(
        "collector.otlp.http.idle-timeout",
        Time,
        "3m",
        "Another name for `--limits.idle-timeout`, after `--collector.http-server.idle-timeout`: the first that is set \
         holds for every listener. Jaeger's default is 0s.",
    ),
    row(
        "collector.otlp.http.read-header-timeout",
        Time,
        "10s",
        "Another name for `--limits.header-timeout`, after `--collector.http-server.read-header-timeout`: the first that \
         is set holds for every listener. Jaeger's default is 2s.",
    ),
    row(
        "collector.otlp.http.cors.allowed-origins",
        List,
        "",
        "Origins that browsers may send from: in full, or with one `*` for any letters; `*` is any origin. None: no page \
         may send.",
    ),
    row(
        "collector.otlp.http.cors.allowed-headers",
        List,
        "",
        "Headers that browsers may send, or `*`. None: `accept`, `content-type` and `x-requested-with`.",
    ),
];
