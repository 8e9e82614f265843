//! The connection to Elasticsearch or OpenSearch, and its writer.

use std::path::PathBuf;
use std::time::Duration;

use super::Secret;

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
