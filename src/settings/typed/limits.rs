//! Limits on connections and requests, and on memory.

use std::time::Duration;

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

/// How old a connection may get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Age {
    /// After this, plus or minus a tenth, it is closed with an answer. Zero: never.
    pub max: Duration,
    /// What has not ended so long after that is cut. Zero: never.
    pub grace: Duration,
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
