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
    /// `--limits.header-bytes`: of a request's head, over HTTP/2 each header with 32 bytes for its
    /// keeping; and what is read ahead on HTTP/1.1.
    pub header_bytes: usize,
    pub http2: Http2,
}

/// `--limits.http2-*`: what one connection of HTTP/2 may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Http2 {
    /// Streams that are open at once.
    pub streams: u32,
    /// Bytes of one stream that are not read yet.
    pub stream_window: u32,
    /// The same over all streams of a connection.
    pub connection_window: u32,
    /// Streams that their sender reset before they were looked at.
    pub pending_resets: usize,
    /// Streams that were reset because of what their sender did wrong in them.
    pub error_resets: usize,
    /// Bytes of frames between the end of the requests and the next one.
    pub unasked_bytes: u32,
}

impl Default for Http2 {
    fn default() -> Self {
        Http2 {
            streams: 128,
            stream_window: 128 << 10,
            connection_window: 256 << 10,
            pending_resets: 32,
            error_resets: 256,
            unasked_bytes: 1 << 20,
        }
    }
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
            header_bytes: 64 << 10,
            http2: Http2::default(),
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
