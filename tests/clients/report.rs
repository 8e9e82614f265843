//! What a program says that it sent, in the terms of its client; see `go/report.go`.

use serde::{Deserialize, Deserializer};
use serde_json::Value as Json;

#[derive(Debug, Deserialize)]
pub(crate) struct Report {
    pub(crate) spans: Vec<Span>,
}

impl Report {
    pub(crate) fn parse(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }
}

/// A span; what a client does not know stays empty.
#[derive(Debug, Deserialize)]
pub(crate) struct Span {
    #[serde(rename = "traceID")]
    pub(crate) trace_id: String,
    #[serde(rename = "spanID")]
    pub(crate) span_id: String,
    /// Empty for a root.
    #[serde(rename = "parentID", default)]
    pub(crate) parent_id: String,
    pub(crate) service: String,
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) kind: String,
    /// Nanoseconds since 1970.
    pub(crate) start: u64,
    pub(crate) end: u64,
    #[serde(default)]
    pub(crate) flags: u32,
    #[serde(default, deserialize_with = "or_none")]
    pub(crate) tags: Vec<Tag>,
    #[serde(default, deserialize_with = "or_none")]
    pub(crate) logs: Vec<Log>,
    #[serde(default, deserialize_with = "or_none")]
    pub(crate) links: Vec<Link>,
    #[serde(default, deserialize_with = "or_none")]
    pub(crate) resource: Vec<Tag>,
    #[serde(default)]
    pub(crate) status: Status,
    #[serde(default)]
    pub(crate) scope: Scope,
    #[serde(rename = "traceState", default)]
    pub(crate) trace_state: String,
    #[serde(default)]
    pub(crate) local: Option<Endpoint>,
    #[serde(default)]
    pub(crate) remote: Option<Endpoint>,
}

/// A key and a typed value: string, bool, int64, float64, binary (in hex) or list.
#[derive(Debug, Deserialize)]
pub(crate) struct Tag {
    pub(crate) key: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) value: Json,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Log {
    /// Nanoseconds since 1970.
    pub(crate) time: u64,
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default, deserialize_with = "or_none")]
    pub(crate) fields: Vec<Tag>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Link {
    #[serde(rename = "traceID")]
    pub(crate) trace_id: String,
    #[serde(rename = "spanID")]
    pub(crate) span_id: String,
    /// Of a reference of Jaeger's: `CHILD_OF` or `FOLLOWS_FROM`.
    #[serde(rename = "type")]
    pub(crate) kind: String,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Status {
    pub(crate) code: String,
    pub(crate) message: String,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Scope {
    pub(crate) name: String,
    pub(crate) version: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Endpoint {
    pub(crate) service: String,
    pub(crate) ip: String,
    pub(crate) port: u16,
}

/// Go writes an empty list as null.
fn or_none<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}
