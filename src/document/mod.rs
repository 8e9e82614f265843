//! Span ⇄ Jaeger's Elasticsearch document.
//!
//! What leaves here is the one document: the line of JSON that jaeger-collector 1.76 writes. The
//! spool keeps it, Elasticsearch gets it, the embedded store indexes it, the query side reads it.

mod field_names;
mod fields;
mod id;
mod json;
mod lean;
mod names;
mod nested_form;
mod number;
mod read;
mod services;
mod shorten;
mod stored;
mod stored_tag;
mod tag;
mod write;

pub use id::{process_seed, scope_seed, service_id, span_id, write_id};
pub use names::{IndexNames, hour_of};
pub use nested_form::{LEFT_OUT, with_fewer_nested, with_nested_tags};
pub use read::UnreadableDocument;
pub use services::{Services, write_service};
pub use shorten::{SHORTENED, to_size, to_values_of};
pub use stored::{StoredLog, StoredProcess, StoredReference, StoredSpan, StoredTag, StoredValue};
pub use write::Shape;

#[cfg(test)]
mod round_trip;
#[cfg(test)]
mod tests;
