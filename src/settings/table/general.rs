//! Settings of the process, of strategies and of tenancy, as jaeger-collector 1.76 names them.

use super::Kind::{Address, File, FileOrUrl, List, Number, Switch, Text, Time, Words};
use super::{Setting, from, row};

const STORAGE: &str = "Where spans are stored: `embedded` (in a directory, nothing else is needed), `elasticsearch` or \
     `opensearch` (the same `--es.*` settings). Jaeger's default is `cassandra`.";

pub(super) const GENERAL: &[Setting] = &[
    row("config-file", File, "", "A YAML or JSON file. Its keys are the names of flags, flat or nested at the dots."),
    row("span-storage.type", Text, "embedded", STORAGE),
    row(
        "log-level",
        Words(&["debug", "info", "warn", "error", "dpanic", "panic", "fatal"]),
        "info",
        "Least level of a log line. The last three mean `error`.",
    ),
    row("log-encoding", Words(&["json", "console"]), "json", "Form of log lines."),
    row("metrics-backend", Words(&["prometheus", "none"]), "prometheus", "`none` closes the route of metrics."),
    row("metrics-http-route", Text, "/metrics", "Path of metrics on the admin port."),
    row("admin.http.host-port", Address, ":14269", "Health, readiness, status, metrics, books and log level."),
    row(
        "status.http.host-port",
        Address,
        ":14269",
        "Where the command `status` asks for health; if it is not set, at `--admin.http.host-port`.",
    ),
    row("feature-gates", Text, "", "Feature gates of OpenTelemetry's collector.")
        .ignored("there are no feature gates here"),
];

const ADAPTIVE: &str = "adaptive sampling is not built yet, and with Elasticsearch jaeger-collector 1.76 has none either: \
     remove the setting";

const ANY: super::Kind = Number { least: 0.0, most: f64::MAX };
const SHARE: super::Kind = Number { least: 0.0, most: 1.0 };

pub(super) const SAMPLING: &[Setting] = &[
    row(
        "sampling.strategies-file",
        FileOrUrl,
        "",
        "Jaeger's strategies file, or an `http` or `https` URL that gives it: what SDKs are told that ask on 14268, 14250 \
         or 5778. None: every service is told `--sampling.default-sampling-probability`.",
    ),
    row(
        "sampling.strategies-reload-interval",
        Time,
        "0s",
        "How often it is looked at for a change; 0: only at start, as in Jaeger. What cannot be used changes nothing.",
    ),
    row(
        "sampling.default-sampling-probability",
        SHARE,
        "0.001",
        "What services are told for which the file says nothing, or nothing that is known.",
    ),
    row("sampling.target-samples-per-second", ANY, "1", "Adaptive sampling.").refused(ADAPTIVE),
    row("sampling.delta-tolerance", ANY, "0.3", "Adaptive sampling.").refused(ADAPTIVE),
    row("sampling.buckets-for-calculation", from(0), "1", "Adaptive sampling.").refused(ADAPTIVE),
    row("sampling.calculation-interval", Time, "1m", "Adaptive sampling.").refused(ADAPTIVE),
    row("sampling.aggregation-buckets", from(0), "10", "Adaptive sampling.").refused(ADAPTIVE),
    row("sampling.delay", Time, "2m", "Adaptive sampling.").refused(ADAPTIVE),
    row("sampling.initial-sampling-probability", SHARE, "0.001", "Adaptive sampling.").refused(ADAPTIVE),
    row("sampling.min-sampling-probability", SHARE, "1e-05", "Adaptive sampling.").refused(ADAPTIVE),
    row("sampling.min-samples-per-second", ANY, "0.016666666666666666", "Adaptive sampling.").refused(ADAPTIVE),
    row("sampling.leader-lease-refresh-interval", Time, "5s", "Adaptive sampling.").refused(ADAPTIVE),
    row("sampling.follower-lease-refresh-interval", Time, "1m", "Adaptive sampling.").refused(ADAPTIVE),
];

pub(super) const TENANCY: &[Setting] = &[
    row(
        "multi-tenancy.enabled",
        Switch,
        "false",
        "Refuses requests without the header of a tenant on 9411, 14250, 4317, 4318 and 16686. As with Jaeger, 14268 and \
         UDP are not asked, and all tenants' spans are stored together: run a collector for each tenant, with its own \
         `--es.index-prefix`, to keep them apart.",
    ),
    row("multi-tenancy.header", Text, "x-tenant", "Header that names the tenant."),
    row("multi-tenancy.tenants", List, "", "Tenants that are accepted, blanks around commas included; empty: all."),
];

pub(super) const ENVIRONMENT: &[Setting] = &[
    row("sampling-config-type", Words(&["file", "adaptive"]), "file", "Where sampling strategies come from.")
        .refused(ADAPTIVE)
        .environment_only(),
    row("sampling-storage-type", Text, "", "Storage of adaptive sampling.")
        .ignored("only adaptive sampling uses it, which is not built yet")
        .environment_only(),
    row("dependency-storage-type", Text, "", "Storage of dependencies.")
        .ignored("a collector writes no dependencies")
        .environment_only(),
    row("metrics-storage-type", Text, "", "Storage of the query's metrics page.")
        .ignored("there is no metrics page")
        .environment_only(),
    row("gomaxprocs", Text, "", "Threads of a Go program.")
        .ignored("as many threads run as the CPU quota allows")
        .environment_only(),
    row("collector-http-enabled", Switch, "true", "Zipkin's name: `false` closes the Zipkin port.").environment_only(),
    row(
        "collector-sample-rate",
        SHARE,
        "1.0",
        "Zipkin's name: the share of traces that is kept, and of them the very ones; those with `debug` always.",
    )
    .environment_only(),
];
