//! What tantivy is told of a document. The same fields serve both kinds; a service document has
//! only a name, a service and an operation.
//!
//! Every term is bytes or a number: text would go through a tokenizer. Ids, services, operations
//! and tags are terms; times, durations and the trace id are columns; the document itself is kept
//! as it came, compressed in blocks.

use tantivy::TantivyDocument;
use tantivy::schema::{BytesOptions, Field, NumericOptions, Schema};
use tantivy::store::{Compressor, ZstdCompressor};
use tantivy::{IndexSettings, schema::SchemaBuilder};

/// Between a key and its value, a service and its operation: no byte of UTF-8, so that no key and
/// value can be taken for others.
pub(super) const SEPARATOR: u8 = 0xff;
/// The same for a tag that is a field (`tag.http@status_code`): found under its field's name only.
pub(super) const FIELD_SEPARATOR: u8 = 0xfe;

/// The documents are compressed in blocks of so many bytes: sidecars repeat themselves, and a
/// larger block sees more of it; a smaller one costs less to read a span from.
const BLOCK: usize = 32 * 1024;

/// The places of the fields; the same in every index, for all are made by [`schema`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields {
    /// `_id`, 16 bytes.
    pub(super) id: Field,
    /// The low half of the trace id: term and column.
    pub(super) trace_low: Field,
    pub(super) trace_high: Field,
    /// Microseconds since 1970.
    pub(super) start: Field,
    /// Microseconds.
    pub(super) duration: Field,
    pub(super) service: Field,
    /// Service, [`SEPARATOR`], operation.
    pub(super) operation: Field,
    /// Key, [`SEPARATOR`] or [`FIELD_SEPARATOR`], value; many.
    pub(super) tag: Field,
    /// The document.
    pub(super) source: Field,
}

/// Names of columns.
pub(super) const START: &str = "start";
pub(super) const DURATION: &str = "duration";
pub(super) const TRACE_LOW: &str = "trace_low";
pub(super) const TRACE_HIGH: &str = "trace_high";

/// The schema and its fields.
pub(super) fn schema() -> (Schema, Fields) {
    let mut builder = SchemaBuilder::new();
    let term = || BytesOptions::default().set_indexed();
    let column = || NumericOptions::default().set_fast();
    let fields = Fields {
        id: builder.add_bytes_field("id", term()),
        trace_low: builder.add_u64_field(TRACE_LOW, column().set_indexed()),
        trace_high: builder.add_u64_field(TRACE_HIGH, column()),
        start: builder.add_u64_field(START, column()),
        duration: builder.add_u64_field(DURATION, column()),
        service: builder.add_bytes_field("service", term()),
        operation: builder.add_bytes_field("operation", term()),
        tag: builder.add_bytes_field("tag", term()),
        source: builder.add_bytes_field("source", BytesOptions::default().set_stored()),
    };
    (builder.build(), fields)
}

/// How an index is kept.
pub(super) fn settings() -> IndexSettings {
    IndexSettings {
        docstore_compression: Compressor::Zstd(ZstdCompressor { compression_level: Some(1) }),
        // One thread less for each open day; the indexing thread is not the narrow place.
        docstore_compress_dedicated_thread: false,
        docstore_blocksize: BLOCK,
        ..IndexSettings::default()
    }
}

/// The source of a document as read from the store of documents.
pub(super) fn source(document: &TantivyDocument, fields: Fields) -> &[u8] {
    use tantivy::schema::Value;
    document.get_first(fields.source).and_then(|value| value.as_bytes()).unwrap_or(&[])
}
