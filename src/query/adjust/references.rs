//! References of a span: its parent, and those that refer to nothing.

use super::ShownSpan;
use crate::document::{StoredReference, StoredSpan};
use crate::span::{ReferenceKind, SpanId};

/// The id of the parent: the first `CHILD_OF` in the same trace, else the first `FOLLOWS_FROM` in
/// it, else 0.
pub(super) fn parent_id(span: &StoredSpan) -> SpanId {
    parent_index(span).and_then(|index| span.references.get(index)).map_or(0, |reference| reference.span_id)
}

fn parent_index(span: &StoredSpan) -> Option<usize> {
    let of_kind = |kind| {
        span.references.iter().position(|reference| reference.kind == kind && reference.trace_id == span.trace_id)
    };
    of_kind(ReferenceKind::ChildOf).or_else(|| of_kind(ReferenceKind::FollowsFrom))
}

/// Gives the span another parent: in the reference to the old one, or in a new first reference.
pub(super) fn replace_parent(span: &mut StoredSpan, parent: SpanId) {
    let old = parent_id(span);
    let trace_id = span.trace_id;
    let refers_to =
        |id: SpanId| move |reference: &&mut StoredReference| reference.span_id == id && reference.trace_id == trace_id;
    if let Some(reference) = span.references.iter_mut().find(refers_to(old)) {
        reference.span_id = parent;
    } else if parent != 0 {
        span.references.insert(0, StoredReference { kind: ReferenceKind::ChildOf, trace_id, span_id: parent });
    }
}

/// Drops references to the trace 0, each with a warning in the words of Jaeger's `%+v`.
pub(super) fn drop_invalid(shown: &mut ShownSpan) {
    let warnings = &mut shown.warnings;
    shown.span.references.retain(|reference| {
        let valid = !reference.trace_id.is_zero();
        if !valid {
            let kind = reference_kind(reference.kind);
            warnings.push(format!(
                "Invalid span reference removed {{TraceID:0000000000000000 SpanID:{:016x} RefType:{kind} \
                 XXX_NoUnkeyedLiteral:{{}} XXX_unrecognized:[] XXX_sizecache:0}}",
                reference.span_id
            ));
        }
        valid
    });
}

/// Puts the parent's reference first, which jaeger-ui takes for the parent.
pub(super) fn put_parent_first(span: &mut StoredSpan) {
    if let Some(index) = parent_index(span) {
        span.references.swap(0, index);
    }
}

/// The word for a kind in documents and answers.
pub(in crate::query) fn reference_kind(kind: ReferenceKind) -> &'static str {
    match kind {
        ReferenceKind::ChildOf => "CHILD_OF",
        ReferenceKind::FollowsFrom => "FOLLOWS_FROM",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::span::TraceId;

    fn reference(kind: ReferenceKind, trace: u64, span_id: SpanId) -> StoredReference {
        StoredReference { kind, trace_id: TraceId { high: 0, low: trace }, span_id }
    }

    fn span(references: Vec<StoredReference>) -> StoredSpan {
        StoredSpan { trace_id: TraceId { high: 0, low: 1 }, references, ..StoredSpan::default() }
    }

    #[test]
    fn a_child_of_in_the_same_trace_is_the_parent() {
        use ReferenceKind::{ChildOf, FollowsFrom};
        let mut span = span(vec![reference(ChildOf, 2, 7), reference(FollowsFrom, 1, 8), reference(ChildOf, 1, 9)]);
        assert_eq!(parent_id(&span), 9);
        put_parent_first(&mut span);
        assert_eq!(span.references[0], reference(ChildOf, 1, 9));
        assert_eq!(span.references[2], reference(ChildOf, 2, 7));
    }

    #[test]
    fn a_parent_is_replaced_or_put_first() {
        use ReferenceKind::{ChildOf, FollowsFrom};
        let mut follows = span(vec![reference(FollowsFrom, 1, 8)]);
        replace_parent(&mut follows, 5);
        assert_eq!(follows.references, [reference(FollowsFrom, 1, 5)]);
        let mut root = span(vec![reference(ChildOf, 2, 7)]);
        replace_parent(&mut root, 5);
        assert_eq!(root.references, [reference(ChildOf, 1, 5), reference(ChildOf, 2, 7)]);
    }

    #[test]
    fn references_to_no_trace_are_dropped_with_a_warning() {
        let mut shown = ShownSpan::from(span(vec![reference(ReferenceKind::ChildOf, 0, 10)]));
        drop_invalid(&mut shown);
        assert!(shown.span.references.is_empty());
        assert_eq!(
            shown.warnings,
            ["Invalid span reference removed {TraceID:0000000000000000 SpanID:000000000000000a RefType:CHILD_OF \
                 XXX_NoUnkeyedLiteral:{} XXX_unrecognized:[] XXX_sizecache:0}"]
        );
    }
}
