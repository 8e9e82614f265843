//! The typed values that the rooms are built from: a struct per part. Defaults are those of the
//! table.

mod document;
mod elasticsearch;
mod embedded;
mod forward;
mod guard;
mod limits;
mod listen;
mod process;
mod sampling;
mod sampling_limits;
mod spans;
mod spool;
mod strategies;
mod tls;

pub use document::{Document, Indices, LeanFields, Rotation, TagsAsFields};
pub use elasticsearch::{ClientTls, Elasticsearch, Layout, Lean};
pub use embedded::Embedded;
pub use forward::Forward;
pub use guard::{Auth, Tenancy};
pub use limits::{Age, Connections, Http2, Limits, Memory};
pub use listen::{AdminAddress, Agent, AgentPort, Cors, GrpcServer, Listen};
pub use process::{Log, LogEncoding, Metrics, Shutdown};
pub use sampling::{Annotate, Sampling};
pub use sampling_limits::SamplingLimits;
pub use spans::{Collector, Downsampling, EnvoyIds, SpanTimes};
pub use spool::{Spool, SpoolSync};
pub use strategies::{Strategies, StrategiesSource};
pub use tls::{ListenerTls, ServerTls, TlsVersion};

/// Everything that was set.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    pub storage: StorageType,
    pub elasticsearch: Elasticsearch,
    pub embedded: Embedded,
    pub indices: Indices,
    pub document: Document,
    pub downsampling: Downsampling,
    pub sampling: Sampling,
    pub strategies: Strategies,
    pub sampling_limits: SamplingLimits,
    pub spans: SpanTimes,
    pub collector: Collector,
    pub listen: Listen,
    pub agent: Agent,
    pub admin: AdminAddress,
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
    pub forward: Forward,
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
