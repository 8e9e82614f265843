//! Why a span was not taken.

/// What is wrong with a span, in the words of the books and of the metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// Trace id missing, zero, too long, or not hex.
    TraceId,
    /// Span id missing, zero, too long, or not hex.
    SpanId,
    /// Parent id too long or not hex.
    ParentId,
    /// A time or duration that is no number, or out of range.
    Time,
    /// A member of the wrong kind, or a required one missing.
    Structure,
    /// The bytes ended, or stopped making sense, in or before this span.
    Truncated,
    /// Over one of the limits on a span (tags, nesting, lengths).
    Limit,
    /// The request's documents outgrew `--limits.request-output-bytes`.
    Amplification,
}

impl Reason {
    /// The word for it in `/books` and in metrics.
    pub fn label(self) -> &'static str {
        match self {
            Reason::TraceId => "trace-id",
            Reason::SpanId => "span-id",
            Reason::ParentId => "parent-id",
            Reason::Time => "time",
            Reason::Structure => "structure",
            Reason::Truncated => "truncated",
            Reason::Limit => "limit",
            Reason::Amplification => "amplification",
        }
    }
}

/// One refused span: why, where, and what a sender would have to change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    pub reason: Reason,
    /// Offset of the fault in the (inflated) body.
    pub offset: usize,
    /// What was wrong, in words: no values of the sender's in it.
    pub what: &'static str,
}
