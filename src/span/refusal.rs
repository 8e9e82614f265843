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
    /// Over one of the limits on a span or a request.
    Limit(Limit),
    /// The request's documents outgrew `--limits.request-output-bytes`.
    Amplification,
}

/// A limit on what a span or a request may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Limit {
    /// Depth of nesting.
    Depth,
    /// Tags of a span and of a process, fields of its logs, members of a map.
    Tags,
    /// Logs of a span, and its references.
    Logs,
    /// Spans of a request.
    Spans,
    /// Text that is built because it does not stand in the body: three times the body.
    Built,
}

impl Limit {
    pub const ALL: [Limit; 5] = [Limit::Depth, Limit::Tags, Limit::Logs, Limit::Spans, Limit::Built];

    /// The setting of the limit, by which it is counted.
    pub fn name(self) -> &'static str {
        match self {
            Limit::Depth => "limits.depth",
            Limit::Tags => "limits.tags-per-span",
            Limit::Logs => "limits.logs-per-span",
            Limit::Spans => "limits.spans-per-request",
            Limit::Built => "built-text",
        }
    }
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
            Reason::Limit(_) => "limit",
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
