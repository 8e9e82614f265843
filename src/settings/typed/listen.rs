//! Where is listened, and the manners of each port.

use super::{Age, Connections, ListenerTls, ServerTls};

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

/// Where commands ask a running Spaniel: `--status.http.host-port`, or its admin port.
#[derive(Debug, Clone)]
pub struct AdminAddress {
    pub host_port: String,
    pub tls: ServerTls,
}

impl Default for AdminAddress {
    fn default() -> Self {
        AdminAddress { host_port: ":14269".into(), tls: ListenerTls::default().admin }
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
