//! Jaeger's query API over the Reader: `GET /api/services`, `/api/services/{service}/operations`,
//! `/api/operations`, `/api/traces` and `/api/traces/{id}`, in the JSON that jaeger-query 1.76
//! answers, so that jaeger-ui, Kiali and Grafana need no change.
//!
//! A request goes through three steps: its parameters are read ([`parameters`], with the texts of
//! Go's library in [`go`]), the [`Reader`] is asked, and its spans are mended for the eye
//! ([`adjust`]) and written ([`trace`], [`answer`]). It is a cold path: values are owned and
//! written by serde_json. Answers are deterministic, where Jaeger's depend on the order of a hash
//! map: spans by start and id, processes by first appearance, names sorted.

mod adjust;
mod answer;
mod go;
mod measured;
mod page;
mod parameters;
mod routes;
mod trace;
mod traces;

use std::sync::Arc;

use crate::clock::Clock;
use crate::memory::Budget;
use crate::store::Reader;

pub use measured::Measured;
pub use routes::router;

/// What the query API works with.
#[derive(Debug, Clone)]
pub struct Query {
    pub reader: Arc<dyn Reader>,
    pub clock: Clock,
    /// Path that everything lies under, as Jaeger's `--query.base-path`: empty, `/`, or `/jaeger`.
    pub base_path: String,
    pub limits: Limits,
    /// The memory that answers are counted against.
    pub memory: Arc<Budget>,
    /// What listens where, for the page at `/`: what it is, and its address.
    pub listeners: Vec<(String, String)>,
}

impl Query {
    /// A query API at the root, with the default limits.
    pub fn new(reader: Arc<dyn Reader>, clock: Clock, memory: Arc<Budget>) -> Self {
        Query { reader, clock, base_path: String::new(), limits: Limits::default(), memory, listeners: Vec::new() }
    }
}

/// What bounds one answer.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Traces that one search finds or one request names.
    pub traces: usize,
    /// Spans of one trace; the rest is left out and the trace says so in its warnings.
    pub spans_per_trace: usize,
    /// Spans of one answer; traces beyond it are left out and named in its errors.
    pub spans: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { traces: 1500, spans_per_trace: 20_000, spans: 100_000 }
    }
}

#[cfg(test)]
mod tests;
