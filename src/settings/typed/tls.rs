//! TLS of each listener.

use std::path::PathBuf;
use std::time::Duration;

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
