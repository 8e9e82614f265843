//! The span model: Jaeger's, because Jaeger's documents are what we write.
//!
//! A [`Span`] borrows its strings from the bytes of the request that brought it and lives only
//! while that request is decoded. Decoders fill one `Span` again and again, so that a span costs
//! no allocation. What a decoder cannot take it reports as a [`Refusal`]; what we mend is done in
//! [`repair`] and counted.

mod refusal;
pub mod repair;
mod text;
mod value;

pub use refusal::{Limit, Reason, Refusal};
pub use text::Text;
pub use value::{Tag, Value};

/// A trace id: 128 bits; the high half is 0 for a 64-bit id.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TraceId {
    pub high: u64,
    pub low: u64,
}

impl TraceId {
    /// True for the id that names no trace.
    pub fn is_zero(self) -> bool {
        self.high == 0 && self.low == 0
    }
}

/// A span id: 64 bits, 0 names no span.
pub type SpanId = u64;

/// How a span refers to another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReferenceKind {
    ChildOf,
    FollowsFrom,
}

/// A reference to another span, of this trace or of another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reference {
    pub kind: ReferenceKind,
    pub trace_id: TraceId,
    pub span_id: SpanId,
}

/// One log entry (annotation, event). Its fields are `log_fields[start..end]` of its span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Log {
    /// Microseconds since 1970.
    pub timestamp: u64,
    pub start: u32,
    pub end: u32,
}

/// The process (Zipkin: local endpoint, OpenTelemetry: resource) that spans were sent under.
#[derive(Debug, Default)]
pub struct Process<'a> {
    /// `None`: the sender named no service. An empty name is `Some` of an empty text.
    pub service: Option<Text<'a>>,
    pub tags: Vec<Tag<'a>>,
    /// The bytes it came in, for the name of its spans' documents; empty where the process is
    /// part of the span's own bytes (Zipkin).
    pub wire: &'a [u8],
    /// The bytes of the instrumentation scope under it, which are part of that name, too; empty
    /// where there is none.
    pub scope_wire: &'a [u8],
}

impl Process<'_> {
    pub fn clear(&mut self) {
        self.service = None;
        self.tags.clear();
        self.wire = &[];
        self.scope_wire = &[];
    }
}

/// One span, as borrowed from a request's bytes.
#[derive(Debug, Default)]
pub struct Span<'a> {
    pub trace_id: TraceId,
    pub span_id: SpanId,
    /// Jaeger's flags: bit 0 sampled, bit 1 debug.
    pub flags: u32,
    /// Zipkin's `debug`: the trace is to be kept whatever happens. It stands apart from `flags`
    /// because Jaeger's documents do not show it.
    pub debug: bool,
    pub operation: Text<'a>,
    /// The parent, if any, is the first one.
    pub references: Vec<Reference>,
    /// Microseconds since 1970.
    pub start: u64,
    /// Microseconds; may be negative until repaired.
    pub duration: i64,
    pub tags: Vec<Tag<'a>>,
    pub logs: Vec<Log>,
    pub log_fields: Vec<Tag<'a>>,
    /// The bytes it came in, for the name of its document.
    pub wire: &'a [u8],
}

impl<'a> Span<'a> {
    /// Empties the span and keeps its room.
    pub fn clear(&mut self) {
        self.trace_id = TraceId::default();
        self.span_id = 0;
        self.flags = 0;
        self.debug = false;
        self.operation = Text::default();
        self.references.clear();
        self.start = 0;
        self.duration = 0;
        self.tags.clear();
        self.logs.clear();
        self.log_fields.clear();
        self.wire = &[];
    }

    /// The fields of one of this span's logs.
    pub fn fields_of(&self, log: &Log) -> &[Tag<'a>] {
        self.log_fields.get(log.start as usize..log.end as usize).unwrap_or(&[])
    }

    /// True if the sender asked by Jaeger's flag for this trace to be kept whatever happens.
    pub fn is_debug(&self) -> bool {
        self.flags & 2 != 0
    }

    /// True if the span has no parent in its own trace (Jaeger's rule for "root").
    pub fn is_root(&self) -> bool {
        !self.references.iter().any(|reference| reference.trace_id == self.trace_id)
    }
}
