//! The typed values that the rooms are built from: a struct per part. Defaults are those of the
//! table.

mod strategies;

use std::path::PathBuf;
use std::time::Duration;

pub use strategies::{Strategies, StrategiesSource};

/// Everything that was set.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    pub storage: StorageType,
    pub elasticsearch: Elasticsearch,
    pub embedded: Embedded,
    pub indices: Indices,
    pub document: Document,
    pub downsampling: Downsampling,
    pub strategies: Strategies,
    pub spans: SpanTimes,
    pub collector: Collector,
    pub listen: Listen,
    pub agent: Agent,
    pub tls: ListenerTls,
    pub auth: Auth,
    pub tenancy: Tenancy,
    pub connections: Connections,
    pub jaeger_grpc: GrpcServer,
    pub otlp_grpc: GrpcServer,
    pub otlp_http_cors: Cors,
    pub limits: Limits,
    pub memory: Memory,
    pub spool: Spool,
    pub shutdown: Shutdown,
    pub log: Log,
    pub metrics: Metrics,
}

/// `SPAN_STORAGE_TYPE`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum StorageType {
    #[default]
    Embedded,
    Elasticsearch,
    OpenSearch,
}

/// A secret: never printed.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(if self.0.is_empty() { "(none)" } else { "(secret)" })
    }
}

/// `--es.*`: the connection and the writer.
#[derive(Debug, Clone)]
pub struct Elasticsearch {
    pub server_urls: Vec<String>,
    pub username: String,
    pub password: Secret,
    pub password_file: Option<PathBuf>,
    pub password_reload_interval: Duration,
    pub token_file: Option<PathBuf>,
    pub bearer_token_reload_interval: Duration,
    pub api_key_file: Option<PathBuf>,
    pub api_key_reload_interval: Duration,
    pub tls: ClientTls,
    /// Zero: none was set; ours is then 30 s, for a request without limit would wedge a worker.
    pub timeout: Duration,
    /// Major version; 0: ask the server.
    pub version: u32,
    pub bulk_size: usize,
    pub bulk_actions: usize,
    pub bulk_flush_interval: Duration,
    pub bulk_workers: usize,
    /// At least `bulk_workers`.
    pub bulk_max_workers: usize,
    /// `--es.layout`: what the template of spans looks like.
    pub layout: Layout,
    pub num_shards: u32,
    pub num_replicas: u32,
    pub priority_span_template: i64,
    pub priority_service_template: i64,
    pub create_index_templates: bool,
    pub use_ilm: bool,
    pub http_compression: bool,
    /// `--es.document-ids`: names from the content and `create`, or none and `index` as Jaeger.
    pub document_ids: bool,
    pub max_doc_count: usize,
    pub max_span_age: Duration,
    pub remote_read_clusters: Vec<String>,
    pub service_cache_ttl: Duration,
}

impl Default for Elasticsearch {
    fn default() -> Self {
        Elasticsearch {
            server_urls: vec!["http://127.0.0.1:9200".into()],
            username: String::new(),
            password: Secret::default(),
            password_file: None,
            password_reload_interval: Duration::from_secs(10),
            token_file: None,
            bearer_token_reload_interval: Duration::from_secs(10),
            api_key_file: None,
            api_key_reload_interval: Duration::from_secs(10),
            tls: ClientTls::default(),
            timeout: Duration::ZERO,
            version: 0,
            bulk_size: 5_000_000,
            bulk_actions: 1000,
            bulk_flush_interval: Duration::from_millis(200),
            bulk_workers: 1,
            bulk_max_workers: 4,
            layout: Layout::Jaeger,
            num_shards: 5,
            num_replicas: 1,
            priority_span_template: 0,
            priority_service_template: 0,
            create_index_templates: true,
            use_ilm: false,
            http_compression: false,
            document_ids: true,
            max_doc_count: 10_000,
            max_span_age: Duration::from_secs(72 * 3600),
            remote_read_clusters: Vec::new(),
            service_cache_ttl: Duration::from_secs(12 * 3600),
        }
    }
}

/// `--es.layout`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Layout {
    #[default]
    Jaeger,
    Lean(Lean),
}

/// `--es.lean.*`, as the template needs them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lean {
    /// Shards of an index of spans: `--es.num-shards` where it was set, else 1.
    pub num_shards: u32,
    /// `--es.lean.max-fields`.
    pub max_fields: usize,
    pub search_logs: bool,
}

/// `--es.tls.*`.
#[derive(Debug, Clone, Default)]
pub struct ClientTls {
    pub enabled: bool,
    pub ca: Option<PathBuf>,
    pub cert: Option<PathBuf>,
    pub key: Option<PathBuf>,
    pub server_name: String,
    pub skip_host_verify: bool,
}

/// Names of indices, in both stores.
#[derive(Debug, Clone)]
pub struct Indices {
    /// Without trailing dash; empty: none.
    pub prefix: String,
    pub date_separator: String,
    pub spans: Rotation,
    pub services: Rotation,
    pub use_aliases: bool,
}

impl Default for Indices {
    fn default() -> Self {
        Indices {
            prefix: String::new(),
            date_separator: "-".into(),
            spans: Rotation::Day,
            services: Rotation::Day,
            use_aliases: false,
        }
    }
}

/// How often a new index begins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Rotation {
    #[default]
    Day,
    Hour,
}

/// The form of documents.
#[derive(Debug, Clone)]
pub struct Document {
    /// `--es.trace-id-digits=16|32`: digits of a 64-bit trace id, 16 as Jaeger 1 or 32 as Jaeger 2.
    pub trace_id_digits: usize,
    pub tags_as_fields: TagsAsFields,
    /// `--es.layout=lean`: all tags become fields, within limits.
    pub lean: Option<LeanFields>,
}

impl Default for Document {
    fn default() -> Self {
        Document { trace_id_digits: 16, tags_as_fields: TagsAsFields::default(), lean: None }
    }
}

/// How many names of tags become fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeanFields {
    /// `--es.lean.max-fields`; at most 4096.
    pub most: usize,
    /// Hours of an index, after which names are counted anew; 0: never, for nobody tells when an
    /// alias gets another index.
    pub period_hours: u64,
}

/// `--es.tags-as-fields.*`; `include` is the list and the file merged.
#[derive(Debug, Clone)]
pub struct TagsAsFields {
    pub all: bool,
    pub include: Vec<String>,
    pub dot_replacement: String,
}

impl Default for TagsAsFields {
    fn default() -> Self {
        TagsAsFields { all: false, include: Vec::new(), dot_replacement: "@".into() }
    }
}

/// The embedded store.
#[derive(Debug, Clone)]
pub struct Embedded {
    pub directory: PathBuf,
    /// Days older than this are deleted; zero: never.
    pub max_age: Duration,
    /// Oldest days are deleted while the store is larger; zero: never.
    pub max_bytes: u64,
    pub commit_interval: Duration,
}

impl Default for Embedded {
    fn default() -> Self {
        Embedded {
            directory: "spaniel-data".into(),
            max_age: Duration::from_secs(7 * 24 * 3600),
            max_bytes: 10 << 30,
            commit_interval: Duration::from_secs(1),
        }
    }
}

/// `--downsampling.*`.
#[derive(Debug, Clone)]
pub struct Downsampling {
    pub ratio: f64,
    /// Empty: Jaeger's default salt.
    pub hashsalt: String,
}

impl Default for Downsampling {
    fn default() -> Self {
        Downsampling { ratio: 1.0, hashsalt: String::new() }
    }
}

/// `--span.max-age`, `--span.max-future`: spans that start outside start when they arrive.
/// `None`: off.
#[derive(Debug, Clone, Copy)]
pub struct SpanTimes {
    pub max_age: Option<Duration>,
    pub max_future: Option<Duration>,
}

impl SpanTimes {
    /// Every start is written as it was sent.
    pub const ANY: SpanTimes = SpanTimes { max_age: None, max_future: None };
}

impl Default for SpanTimes {
    fn default() -> Self {
        let hours = |count: u64| Some(Duration::from_secs(count * 3600));
        SpanTimes { max_age: hours(72), max_future: hours(1) }
    }
}

/// `--collector.*` that change spans.
#[derive(Debug, Clone, Default)]
pub struct Collector {
    /// `--collector.tags`, environment references resolved.
    pub tags: Vec<(String, String)>,
    pub envoy_ids: EnvoyIds,
}

/// `--collector.zipkin.envoy-ids`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum EnvoyIds {
    /// Those of spans that Envoy sent as protobuf are turned round.
    #[default]
    Auto,
    AsSent,
}

/// Host and port of each listener, as Go writes them (`:9411` is every address, both families);
/// `None`: closed.
#[derive(Debug, Clone)]
pub struct Listen {
    pub zipkin: Option<String>,
    pub jaeger_http: Option<String>,
    pub jaeger_grpc: Option<String>,
    pub otlp_grpc: Option<String>,
    pub otlp_http: Option<String>,
    pub query: Option<String>,
    pub admin: Option<String>,
}

impl Default for Listen {
    fn default() -> Self {
        let some = |port: &str| Some(port.to_string());
        Listen {
            zipkin: some(":9411"),
            jaeger_http: some(":14268"),
            jaeger_grpc: some(":14250"),
            otlp_grpc: some(":4317"),
            otlp_http: some(":4318"),
            query: some(":16686"),
            admin: some(":14269"),
        }
    }
}

/// Ports of jaeger-agent.
#[derive(Debug, Clone)]
pub struct Agent {
    pub compact: AgentPort,
    pub binary: AgentPort,
    /// 5778; `None`: closed.
    pub http: Option<String>,
}

impl Default for Agent {
    fn default() -> Self {
        let port = |address: &str| AgentPort { host_port: Some(address.into()), ..AgentPort::default() };
        Agent { compact: port(":6831"), binary: port(":6832"), http: Some(":5778".into()) }
    }
}

/// `--processor.jaeger-compact.*`, `--processor.jaeger-binary.*`: a UDP port.
#[derive(Debug, Clone)]
pub struct AgentPort {
    /// `None`: closed.
    pub host_port: Option<String>,
    pub max_packet_bytes: usize,
    /// `None`: none was set.
    pub socket_buffer_bytes: Option<usize>,
    pub workers: usize,
    /// Datagrams that were read and are not safe yet.
    pub queue: usize,
}

impl Default for AgentPort {
    fn default() -> Self {
        AgentPort { host_port: None, max_packet_bytes: 65_000, socket_buffer_bytes: None, workers: 1, queue: 65_536 }
    }
}

/// TLS of each listener.
#[derive(Debug, Clone)]
pub struct ListenerTls {
    pub zipkin: ServerTls,
    pub jaeger_http: ServerTls,
    pub jaeger_grpc: ServerTls,
    pub otlp_grpc: ServerTls,
    pub otlp_http: ServerTls,
    pub query: ServerTls,
    pub admin: ServerTls,
}

impl Default for ListenerTls {
    fn default() -> Self {
        let off = |prefix| ServerTls { prefix, ..ServerTls::default() };
        ListenerTls {
            zipkin: off("collector.zipkin"),
            jaeger_http: off("collector.http"),
            jaeger_grpc: off("collector.grpc"),
            otlp_grpc: off("collector.otlp.grpc"),
            otlp_http: off("collector.otlp.http"),
            query: off("query.http"),
            admin: off("admin.http"),
        }
    }
}

/// `--….tls.*` of one listener.
#[derive(Debug, Clone)]
pub struct ServerTls {
    /// What the names of the settings begin with: `collector.zipkin`.
    pub prefix: &'static str,
    pub enabled: bool,
    pub cert: PathBuf,
    pub key: PathBuf,
    /// Clients must show a certificate of one of these.
    pub client_ca: Option<PathBuf>,
    /// Names of suites of TLS 1.2; empty: all.
    pub cipher_suites: Vec<String>,
    pub min_version: TlsVersion,
    pub max_version: TlsVersion,
    /// Zero: the files are read at start only.
    pub reload_interval: Duration,
}

impl Default for ServerTls {
    fn default() -> Self {
        ServerTls {
            prefix: "",
            enabled: false,
            cert: PathBuf::new(),
            key: PathBuf::new(),
            client_ca: None,
            cipher_suites: Vec::new(),
            min_version: TlsVersion::V1_2,
            max_version: TlsVersion::V1_3,
            reload_interval: Duration::from_secs(10),
        }
    }
}

/// The versions that are spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    V1_2,
    V1_3,
}

/// `--collector.auth.*`.
#[derive(Debug, Clone)]
pub struct Auth {
    pub bearer_token_file: Option<PathBuf>,
    /// Zero: read at start only.
    pub bearer_token_reload_interval: Duration,
}

impl Default for Auth {
    fn default() -> Self {
        Auth { bearer_token_file: None, bearer_token_reload_interval: Duration::from_secs(10) }
    }
}

/// `--multi-tenancy.*`.
#[derive(Debug, Clone)]
pub struct Tenancy {
    pub enabled: bool,
    pub header: String,
    /// Empty: any.
    pub tenants: Vec<String>,
}

impl Default for Tenancy {
    fn default() -> Self {
        Tenancy { enabled: false, header: "x-tenant".into(), tenants: Vec::new() }
    }
}

/// Limits on connections, the same for every listener. Zero: no limit.
#[derive(Debug, Clone)]
pub struct Connections {
    /// `--limits.connections`: open at once, over all listeners.
    pub max: usize,
    /// `--limits.handshake-timeout`: for TLS.
    pub handshake_timeout: Duration,
    /// `--collector.http-server.read-header-timeout`, and for the other listeners.
    pub header_timeout: Duration,
    /// A body must arrive within this.
    pub body_timeout: Duration,
    pub idle_timeout: Duration,
    pub age: Age,
}

/// How old a connection may get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Age {
    /// After this, plus or minus a tenth, it is closed with an answer. Zero: never.
    pub max: Duration,
    /// What has not ended so long after that is cut. Zero: never.
    pub grace: Duration,
}

impl Default for Connections {
    fn default() -> Self {
        Connections {
            max: 10_000,
            handshake_timeout: Duration::from_secs(10),
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(180),
            age: Age { max: Duration::from_secs(120), grace: Duration::ZERO },
        }
    }
}

/// `--collector.grpc-server.*`, `--collector.otlp.grpc.*`.
#[derive(Debug, Clone, Copy)]
pub struct GrpcServer {
    /// Bytes of a message, as it comes and when inflated.
    pub max_message_size: usize,
    pub age: Age,
}

impl Default for GrpcServer {
    fn default() -> Self {
        GrpcServer { max_message_size: 4 << 20, age: Connections::default().age }
    }
}

/// `*.cors.*` of a listener: what pages may send to it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cors {
    /// In full, or with one `*` in them. None: no page may send.
    pub origins: Vec<String>,
    /// None: those that are usual.
    pub headers: Vec<String>,
}

/// Limits on what one request may hold.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes of a body as it arrives; an eighth of the memory limit if that is less.
    pub body_bytes: usize,
    /// Bytes of a body when inflated; an eighth of the memory limit if that is less.
    pub inflated_bytes: usize,
    /// Documents of one request; `None`: 16 × body + 1 MiB.
    pub request_output_bytes: Option<usize>,
    pub depth: usize,
    pub tags_per_span: usize,
    pub logs_per_span: usize,
    pub spans_per_request: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            body_bytes: 64 << 20,
            inflated_bytes: 64 << 20,
            request_output_bytes: None,
            depth: 64,
            tags_per_span: 4096,
            logs_per_span: 4096,
            spans_per_request: 1_000_000,
        }
    }
}

/// `--memory.limit` in bytes; 0: three quarters of the cgroup's or the machine's memory.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    pub limit: usize,
}

/// `--spool.*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spool {
    pub sync: SpoolSync,
    pub directory: PathBuf,
    pub max_bytes: u64,
    pub segment_bytes: u64,
    pub commit_interval: Duration,
    /// `--spool.compression=zstd`.
    pub compress: bool,
    /// `--spool.on-full=drop-oldest`.
    pub drop_oldest: bool,
    pub max_age: Option<Duration>,
    pub carry_after: Duration,
    pub held_max_bytes: u64,
    /// `--spool.pace-bytes`: while the store takes spans and more than this waits for it, answers
    /// are held back. 0: never.
    pub pace_bytes: usize,
    /// `--dead-letter.max-bytes`.
    pub dead_letter_max_bytes: u64,
}

/// What *safe* means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SpoolSync {
    /// Synced to disk.
    #[default]
    Disk,
    /// Written.
    Process,
    /// In memory.
    Off,
}

impl Default for Spool {
    fn default() -> Self {
        Spool {
            sync: SpoolSync::Disk,
            directory: "spaniel-spool".into(),
            max_bytes: 8 << 30,
            segment_bytes: 64 << 20,
            commit_interval: Duration::from_millis(1),
            compress: false,
            drop_oldest: false,
            max_age: Some(Duration::from_secs(168 * 3600)),
            carry_after: Duration::from_secs(60),
            held_max_bytes: 1 << 30,
            pace_bytes: 8 << 20,
            dead_letter_max_bytes: 1 << 30,
        }
    }
}

/// How the process stops.
#[derive(Debug, Clone)]
pub struct Shutdown {
    /// Accepts on for so long after readiness has failed.
    pub delay: Duration,
    /// Everything after that must be done within this.
    pub timeout: Duration,
}

impl Default for Shutdown {
    fn default() -> Self {
        Shutdown { delay: Duration::ZERO, timeout: Duration::from_secs(25) }
    }
}

/// `--log-level`, `--log-encoding`.
#[derive(Debug, Clone)]
pub struct Log {
    pub level: String,
    pub encoding: LogEncoding,
}

impl Default for Log {
    fn default() -> Self {
        Log { level: "info".into(), encoding: LogEncoding::Json }
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogEncoding {
    #[default]
    Json,
    Console,
}

/// `--metrics-backend`, `--metrics-http-route`.
#[derive(Debug, Clone)]
pub struct Metrics {
    pub enabled: bool,
    pub route: String,
}

impl Default for Metrics {
    fn default() -> Self {
        Metrics { enabled: true, route: "/metrics".into() }
    }
}
