//! Span ⇄ Jaeger's Elasticsearch document.
//!
//! What leaves here is the one document: the line of JSON that jaeger-collector 1.76 writes. The
//! spool keeps it, Elasticsearch gets it, the embedded store indexes it, the query side reads it.

mod fields;
mod json;
mod number;
mod stored;
mod tag;
mod write;

pub use stored::{StoredLog, StoredProcess, StoredReference, StoredSpan, StoredTag, StoredValue};
pub use write::Shape;

#[cfg(test)]
mod tests;
