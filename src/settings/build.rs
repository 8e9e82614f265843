//! From checked values to the typed ones that the rooms are built from.

mod listeners;

use std::time::Duration;

use super::layers::{ReadFile, Values};
use super::{
    AdminAddress, Age, Annotate, ClientTls, Collector, Connections, Cors, Document, Downsampling, Elasticsearch,
    Embedded, EnvoyIds, Forward, GrpcServer, Http2, Indices, Layout, Lean, LeanFields, Limits, Listen, Log,
    LogEncoding, Memory, Metrics, Rotation, Sampling, SamplingLimits, Secret, Settings, Shutdown, SpanTimes, Spool,
    SpoolSync, Strategies, StrategiesSource, TagsAsFields, checks, quotas, tags, urls,
};

/// Builds the settings; `values` have passed every check.
pub(crate) fn build(values: &Values, read_file: ReadFile<'_>) -> Settings {
    Settings {
        storage: checks::storage_type(values).unwrap_or_default(),
        elasticsearch: elasticsearch(values),
        embedded: embedded(values),
        indices: indices(values),
        document: document(values, read_file),
        downsampling: Downsampling {
            ratio: values.number("downsampling.ratio"),
            hashsalt: values.text("downsampling.hashsalt").into(),
        },
        sampling: sampling(values),
        strategies: strategies(values),
        sampling_limits: sampling_limits(values),
        spans: SpanTimes {
            max_age: unless_zero(values, "span.max-age"),
            max_future: unless_zero(values, "span.max-future"),
        },
        collector: Collector {
            tags: tags::read(values.text("collector.tags"), &values.environment).unwrap_or_default(),
            envoy_ids: match values.text("collector.zipkin.envoy-ids") {
                "as-sent" => EnvoyIds::AsSent,
                _ => EnvoyIds::Auto,
            },
        },
        listen: listen(values),
        agent: listeners::agent(values),
        admin: admin(values),
        tls: listeners::tls(values),
        auth: listeners::auth(values),
        tenancy: listeners::tenancy(values),
        connections: connections(values),
        jaeger_grpc: grpc_server(values, GRPC_SERVER),
        otlp_grpc: grpc_server(values, OTLP_GRPC),
        otlp_http_cors: Cors {
            origins: values.list("collector.otlp.http.cors.allowed-origins"),
            headers: values.list("collector.otlp.http.cors.allowed-headers"),
        },
        limits: limits(values),
        memory: Memory { limit: values.count("memory.limit") },
        spool: spool(values),
        shutdown: Shutdown { delay: values.time("shutdown.delay"), timeout: values.time("shutdown.timeout") },
        forward: forward(values),
        log: log(values),
        metrics: Metrics {
            enabled: values.text("metrics-backend") == "prometheus",
            route: values.text("metrics-http-route").into(),
            span_series: if values.switch("metrics.spans.enabled") {
                values.count("metrics.spans.max-series")
            } else {
                0
            },
            span_expiration: Some(values.time("metrics.spans.expiration")).filter(|time| !time.is_zero()),
        },
    }
}

/// Where a running Spaniel with these settings is asked.
pub(crate) fn admin(values: &Values) -> AdminAddress {
    let own = values.is_set("status.http.host-port");
    let name = if own { "status.http.host-port" } else { "admin.http.host-port" };
    AdminAddress { host_port: values.text(name).into(), tls: listeners::tls(values).admin }
}

fn sampling_limits(values: &Values) -> SamplingLimits {
    let some = |name| Some(values.number(name)).filter(|rate| *rate > 0.0);
    SamplingLimits {
        spans_per_second: some("sampling.max-spans-per-second"),
        spans_per_second_per_service: some("sampling.max-spans-per-second-per-service"),
        spans_per_second_by_service: quotas::read(values.text("sampling.max-spans-per-second-by-service"))
            .unwrap_or_default(),
        bulk_latency: Some(values.time("sampling.max-bulk-latency")).filter(|most| !most.is_zero()),
        replicas: narrow(values, "sampling.replicas"),
        pressure: values.number("spool.pressure"),
    }
}

fn elasticsearch(values: &Values) -> Elasticsearch {
    let nodes = urls::read(values.text("es.server-urls")).unwrap_or_default();
    let (username, password) = credentials(values, nodes.credentials);
    let defaults = Elasticsearch::default();
    let bulk_workers = or(values.count("es.bulk.workers"), defaults.bulk_workers);
    Elasticsearch {
        server_urls: nodes.urls,
        username,
        password,
        password_file: path(values, "es.password-file"),
        password_reload_interval: values.time("es.password-reload-interval"),
        token_file: path(values, "es.token-file"),
        bearer_token_reload_interval: values.time("es.bearer-token-reload-interval"),
        api_key_file: path(values, "es.api-key-file"),
        api_key_reload_interval: values.time("es.api-key-reload-interval"),
        tls: client_tls(values),
        timeout: values.time("es.timeout"),
        version: narrow(values, "es.version"),
        bulk_size: or(values.count("es.bulk.size"), defaults.bulk_size),
        bulk_actions: or(values.count("es.bulk.actions"), defaults.bulk_actions),
        bulk_flush_interval: or(values.time("es.bulk.flush-interval"), defaults.bulk_flush_interval),
        bulk_workers,
        bulk_max_workers: or(values.count("es.bulk.max-workers"), defaults.bulk_max_workers).max(bulk_workers),
        layout: layout(values),
        num_shards: or(narrow(values, "es.num-shards"), defaults.num_shards),
        num_replicas: narrow(values, "es.num-replicas"),
        priority_span_template: priority(values, "es.prioirity-span-template"),
        priority_service_template: priority(values, "es.prioirity-service-template"),
        create_index_templates: values.switch("es.create-index-templates"),
        use_ilm: values.switch("es.use-ilm"),
        http_compression: values.switch("es.http-compression"),
        document_ids: values.text("es.document-ids") == "content",
        max_doc_count: values.count("es.max-doc-count"),
        max_span_age: values.time("es.max-span-age"),
        remote_read_clusters: values.list("es.remote-read-clusters"),
        service_cache_ttl: or(values.time("es.service-cache-ttl"), defaults.service_cache_ttl),
    }
}

fn forward(values: &Values) -> Forward {
    let url = |name| Some(values.text(name).to_string()).filter(|url| !url.is_empty());
    Forward {
        zipkin: url("forward.zipkin.url"),
        jaeger_http: url("forward.jaeger-http.url"),
        jaeger_grpc: url("forward.jaeger-grpc.url"),
        otlp: url("forward.otlp.url"),
        ca_file: path(values, "forward.ca-file"),
        max_bytes: values.count("forward.max-bytes"),
        timeout: values.time("forward.timeout"),
    }
}

fn sampling(values: &Values) -> Sampling {
    Sampling {
        // As Zipkin: read as a float of 32 bits at once.
        zipkin_rate: values.written("collector-sample-rate").parse().unwrap_or(1.0),
        enforce: values.switch("sampling.enforce"),
        rules_file: path(values, "sampling.rules-file"),
        rules_reload_interval: values.time("sampling.rules-reload-interval"),
        head_rate: values.number("sampling.head-rate"),
        annotate: if values.text("sampling.annotate") == "all" { Annotate::All } else { Annotate::None },
    }
}

fn strategies(values: &Values) -> Strategies {
    let text = values.text("sampling.strategies-file");
    let source = match urls::is_url(text) {
        _ if text.is_empty() => None,
        true => Some(StrategiesSource::Url(Secret(text.into()))),
        false => Some(StrategiesSource::File(text.into())),
    };
    let default_probability = values.number("sampling.default-sampling-probability");
    Strategies {
        source,
        reload_interval: values.time("sampling.strategies-reload-interval"),
        default_probability,
        default_is_written: default_probability != Strategies::default().default_probability,
    }
}

fn spool(values: &Values) -> Spool {
    Spool {
        sync: match values.text("spool.sync") {
            "off" => SpoolSync::Off,
            "process" => SpoolSync::Process,
            _ => SpoolSync::Disk,
        },
        directory: values.text("spool.directory").into(),
        max_bytes: values.whole("spool.max-bytes"),
        segment_bytes: values.whole("spool.segment-bytes"),
        commit_interval: values.time("spool.commit-interval"),
        compress: values.text("spool.compression") == "zstd",
        drop_oldest: values.text("spool.on-full") == "drop-oldest",
        max_age: unless_zero(values, "spool.max-age"),
        carry_after: values.time("spool.carry-after"),
        held_max_bytes: values.whole("spool.held-max-bytes"),
        pace_bytes: values.count("spool.pace-bytes"),
        dead_letter_max_bytes: values.whole("dead-letter.max-bytes"),
    }
}

fn is_lean(values: &Values) -> bool {
    values.text("es.layout") == "lean"
}

fn layout(values: &Values) -> Layout {
    if !is_lean(values) {
        return Layout::Jaeger;
    }
    let shards = narrow(values, "es.num-shards");
    Layout::Lean(Lean {
        num_shards: if values.is_set("es.num-shards") && shards > 0 { shards } else { 1 },
        max_fields: values.count("es.lean.max-fields"),
        search_logs: values.switch("es.lean.search-logs"),
    })
}

/// User and password of their own settings win over those in a URL.
fn credentials(values: &Values, of_url: Option<(String, String)>) -> (String, Secret) {
    let username = values.text("es.username");
    match of_url {
        Some((username, password)) if !values.is_set("es.username") => (username, Secret(password)),
        _ => (username.into(), Secret(values.text("es.password").into())),
    }
}

fn client_tls(values: &Values) -> ClientTls {
    ClientTls {
        enabled: values.switch("es.tls.enabled"),
        ca: path(values, "es.tls.ca"),
        cert: path(values, "es.tls.cert"),
        key: path(values, "es.tls.key"),
        server_name: values.text("es.tls.server-name").into(),
        skip_host_verify: values.switch("es.tls.skip-host-verify"),
    }
}

fn embedded(values: &Values) -> Embedded {
    Embedded {
        directory: values.text("embedded.directory").into(),
        max_age: values.time("embedded.max-age"),
        max_bytes: values.whole("embedded.max-bytes"),
        commit_interval: values.time("embedded.commit-interval"),
    }
}

fn indices(values: &Values) -> Indices {
    let rotation = |name| if values.text(name) == "hour" { Rotation::Hour } else { Rotation::Day };
    let prefix = values.text("es.index-prefix");
    Indices {
        prefix: prefix.strip_suffix('-').unwrap_or(prefix).into(),
        date_separator: values.text("es.index-date-separator").into(),
        spans: rotation("es.index-rollover-frequency-spans"),
        services: rotation("es.index-rollover-frequency-services"),
        use_aliases: values.switch("es.use-aliases"),
    }
}

fn lean_fields(values: &Values) -> LeanFields {
    let period_hours = match indices(values) {
        Indices { use_aliases: true, .. } => 0,
        Indices { spans: Rotation::Hour, .. } => 1,
        Indices { spans: Rotation::Day, .. } => 24,
    };
    LeanFields { most: values.count("es.lean.max-fields"), period_hours }
}

fn document(values: &Values, read_file: ReadFile<'_>) -> Document {
    let listed = values.text("es.tags-as-fields.include").split(',').map(str::to_string);
    let file = path(values, "es.tags-as-fields.config-file").and_then(|path| read_file(&path).ok()).unwrap_or_default();
    let lines = file.lines().map(|line| line.trim().to_string());
    Document {
        trace_id_digits: if values.text("es.trace-id-digits") == "32" { 32 } else { 16 },
        tags_as_fields: TagsAsFields {
            all: values.switch("es.tags-as-fields.all"),
            include: listed.chain(lines).filter(|key| !key.is_empty()).collect(),
            dot_replacement: values.text("es.tags-as-fields.dot-replacement").into(),
        },
        lean: is_lean(values).then(|| lean_fields(values)),
    }
}

fn listen(values: &Values) -> Listen {
    let open = |name| Some(values.text(name).to_string()).filter(|address| !address.is_empty());
    let zipkin = values.switch("collector-http-enabled") || values.is_set("collector.zipkin.host-port");
    Listen {
        zipkin: open("collector.zipkin.host-port").filter(|_| zipkin),
        jaeger_http: open("collector.http-server.host-port"),
        jaeger_grpc: open("collector.grpc-server.host-port"),
        otlp_grpc: open("collector.otlp.grpc.host-port").filter(|_| values.switch("collector.otlp.enabled")),
        otlp_http: open("collector.otlp.http.host-port").filter(|_| values.switch("collector.otlp.enabled")),
        query: open("query.http-server.host-port"),
        admin: open("admin.http.host-port"),
    }
}

fn connections(values: &Values) -> Connections {
    Connections {
        max: values.count("limits.connections"),
        handshake_timeout: values.time("limits.handshake-timeout"),
        header_timeout: limit(values, "limits.header-timeout", "read-header-timeout"),
        body_timeout: limit(values, "limits.body-timeout", "read-timeout"),
        idle_timeout: limit(values, "limits.idle-timeout", "idle-timeout"),
        age: Age { max: values.time("limits.connection-age"), grace: Duration::ZERO },
        header_bytes: values.count("limits.header-bytes"),
        http2: Http2 {
            streams: narrow(values, "limits.http2-streams"),
            stream_window: narrow(values, "limits.http2-stream-window"),
            connection_window: narrow(values, "limits.http2-connection-window"),
            pending_resets: values.count("limits.http2-pending-resets"),
            error_resets: values.count("limits.http2-error-resets"),
            unasked_bytes: narrow(values, "limits.http2-unasked-bytes"),
        },
    }
}

/// Names of the settings of a gRPC server: message size, age, grace.
const GRPC_SERVER: [&str; 3] = [
    "collector.grpc-server.max-message-size",
    "collector.grpc-server.max-connection-age",
    "collector.grpc-server.max-connection-age-grace",
];
const OTLP_GRPC: [&str; 3] = [
    "collector.otlp.grpc.max-message-size",
    "collector.otlp.grpc.max-connection-age",
    "collector.otlp.grpc.max-connection-age-grace",
];

/// Below a MiB Jaeger takes the default for the size of a message, and so its senders may send it.
fn grpc_server(values: &Values, [size, age, grace]: [&str; 3]) -> GrpcServer {
    let size = values.count(size);
    let max = values.time(if values.is_set(age) { age } else { "limits.connection-age" });
    GrpcServer {
        max_message_size: if size < 1 << 20 { GrpcServer::default().max_message_size } else { size },
        age: Age { max, grace: values.time(grace) },
    }
}

/// Ours, unless only one of Jaeger's names for it was set.
fn limit(values: &Values, ours: &str, jaegers: &str) -> Duration {
    let names = ["collector.http-server", "collector.otlp.http"].map(|server| format!("{server}.{jaegers}"));
    let set = names.iter().map(String::as_str).find(|name| values.is_set(name));
    values.time(set.filter(|_| !values.is_set(ours)).unwrap_or(ours))
}

fn limits(values: &Values) -> Limits {
    Limits {
        body_bytes: values.count("limits.body-bytes"),
        inflated_bytes: values.count("limits.inflated-bytes"),
        request_output_bytes: Some(values.count("limits.request-output-bytes")).filter(|bytes| *bytes > 0),
        depth: values.count("limits.depth"),
        tags_per_span: values.count("limits.tags-per-span"),
        logs_per_span: values.count("limits.logs-per-span"),
        spans_per_request: values.count("limits.spans-per-request"),
    }
}

fn log(values: &Values) -> Log {
    let console = values.text("log-encoding") == "console";
    Log {
        level: values.text("log-level").into(),
        encoding: if console { LogEncoding::Console } else { LogEncoding::Json },
    }
}

fn path(values: &Values, name: &str) -> Option<std::path::PathBuf> {
    Some(values.text(name)).filter(|path| !path.is_empty()).map(Into::into)
}

fn unless_zero(values: &Values, name: &str) -> Option<Duration> {
    Some(values.time(name)).filter(|duration| !duration.is_zero())
}

/// Zero means the default for these, as in Jaeger 1.76.
fn or<T: Default + PartialEq>(value: T, default: T) -> T {
    if value == T::default() { default } else { value }
}

fn narrow(values: &Values, name: &str) -> u32 {
    u32::try_from(values.whole(name)).unwrap_or(u32::MAX)
}

fn priority(values: &Values, name: &str) -> i64 {
    i64::try_from(values.whole(name)).unwrap_or(i64::MAX)
}
