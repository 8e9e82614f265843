//! What is mended in a trace before it is shown, as jaeger-query 1.76 does, in its order. Nothing
//! of it is stored, and `raw=true` leaves it out.
//!
//! 1. Zipkin's client and server share one span id: the server's span gets an id of its own and
//!    the client's as its parent.
//! 2. Tags, process tags and log fields are sorted.
//! 3. Of equal spans one is left.
//! 4. Clock skew between parent and child is told in a warning; times stay as they are, for
//!    Jaeger's `--query.max-clock-skew-adjustment` is 0 unless set.
//! 5. Addresses packed into an integer become text.
//! 6. Tags that tell the OpenTelemetry library go to the process.
//! 7. References to the trace 0 are dropped, and the parent comes first.

mod references;
mod skew;
mod span_ids;
mod tags;

use std::collections::HashSet;
use std::fmt::Write;

use xxhash_rust::xxh3::Xxh3;

use crate::document::StoredSpan;
use crate::span::SpanId;

pub(super) use references::reference_kind;

/// A span on its way to the eye.
#[derive(Debug, Default)]
pub(super) struct ShownSpan {
    pub span: StoredSpan,
    /// What was found odd in it.
    pub warnings: Vec<String>,
}

impl From<StoredSpan> for ShownSpan {
    fn from(span: StoredSpan) -> Self {
        ShownSpan { span, warnings: Vec::new() }
    }
}

impl ShownSpan {
    /// The id of the parent in the same trace, 0 if there is none.
    fn parent_id(&self) -> SpanId {
        references::parent_id(&self.span)
    }
}

/// Mends the spans of one trace, in place.
pub(super) fn adjust(spans: &mut Vec<ShownSpan>) {
    span_ids::separate_shared_ids(spans);
    spans.iter_mut().for_each(|shown| tags::sort(&mut shown.span));
    drop_doubles(spans);
    skew::warn(spans);
    for shown in spans {
        tags::write_addresses(&mut shown.span);
        tags::move_library_tags(&mut shown.span);
        references::drop_invalid(shown);
        references::put_parent_first(&mut shown.span);
    }
}

/// Of spans that are equal in all they hold, the first is left.
fn drop_doubles(spans: &mut Vec<ShownSpan>) {
    let mut seen = HashSet::with_capacity(spans.len());
    spans.retain(|shown| {
        let mut fingerprint = Fingerprint(Xxh3::new());
        // Writing into a hash cannot fail.
        _ = write!(fingerprint, "{shown:?}");
        seen.insert(fingerprint.0.digest128())
    });
}

/// A hash of what is written into it.
struct Fingerprint(Xxh3);

impl Write for Fingerprint {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0.update(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{StoredTag, StoredValue};

    fn span(id: SpanId, tags: &[&str]) -> ShownSpan {
        let tag = |key: &&str| StoredTag { key: key.to_string(), value: StoredValue::Bool(true) };
        StoredSpan { span_id: id, tags: tags.iter().map(tag).collect(), ..StoredSpan::default() }.into()
    }

    #[test]
    fn doubles_are_dropped_whatever_the_order_of_their_tags() {
        let mut spans = vec![span(1, &["a", "b"]), span(2, &["a"]), span(1, &["b", "a"]), span(1, &["a"])];
        adjust(&mut spans);
        let left: Vec<_> = spans.iter().map(|shown| (shown.span.span_id, shown.span.tags.len())).collect();
        assert_eq!(left, [(1, 2), (2, 1), (1, 1)]);
    }
}
