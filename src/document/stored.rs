//! The one reader of the document.

use crate::span::{ReferenceKind, SpanId, TraceId};

/// A span as read back from its document.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StoredSpan {
    pub trace_id: TraceId,
    pub span_id: SpanId,
    pub flags: u32,
    pub operation: String,
    pub references: Vec<StoredReference>,
    /// Microseconds since 1970.
    pub start: u64,
    /// Microseconds.
    pub duration: u64,
    pub tags: Vec<StoredTag>,
    pub logs: Vec<StoredLog>,
    pub process: StoredProcess,
}

/// A reference as read back.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredReference {
    pub kind: ReferenceKind,
    pub trace_id: TraceId,
    pub span_id: SpanId,
}

/// A process as read back.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StoredProcess {
    pub service: String,
    pub tags: Vec<StoredTag>,
}

/// A log as read back.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StoredLog {
    /// Microseconds since 1970.
    pub timestamp: u64,
    pub fields: Vec<StoredTag>,
}

/// A tag as read back.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredTag {
    pub key: String,
    pub value: StoredValue,
}

/// A tag's value as read back.
#[derive(Debug, Clone, PartialEq)]
pub enum StoredValue {
    String(String),
    Bool(bool),
    Int64(i64),
    Float64(f64),
    Binary(Vec<u8>),
}
