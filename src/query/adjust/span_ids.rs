//! Spans that share an id: Zipkin's client and server sides of one call.

use std::collections::{HashMap, HashSet};

use super::{ShownSpan, references};
use crate::document::{StoredSpan, StoredValue};
use crate::span::SpanId;

/// Gives each server's span that shares its id with a client's span a new id, the smallest that
/// is free, and makes the client's its parent; children of the shared id become the server's.
pub(super) fn separate_shared_ids(spans: &mut [ShownSpan]) {
    let used: HashSet<SpanId> = spans.iter().map(|shown| shown.span.span_id).collect();
    let client_ids: HashSet<SpanId> =
        spans.iter().filter(|shown| is_kind(&shown.span, "client")).map(|shown| shown.span.span_id).collect();
    let mut free = (1..SpanId::MAX).filter(|id| !used.contains(id));
    let mut new_ids = HashMap::new();
    for shown in spans.iter_mut() {
        let shared = shown.span.span_id;
        if !is_kind(&shown.span, "server") || !client_ids.contains(&shared) {
            continue;
        }
        let Some(id) = free.next() else { return };
        new_ids.insert(shared, id);
        references::replace_parent(&mut shown.span, shared);
        shown.span.span_id = id;
    }
    for shown in spans {
        if let Some(&id) = new_ids.get(&shown.parent_id())
            && shown.span.span_id != id
        {
            references::replace_parent(&mut shown.span, id);
        }
    }
}

/// True if the first tag `span.kind` says so.
fn is_kind(span: &StoredSpan, kind: &str) -> bool {
    let tag = span.tags.iter().find(|tag| tag.key == "span.kind");
    tag.is_some_and(|tag| matches!(&tag.value, StoredValue::String(text) if text == kind))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{StoredReference, StoredTag};
    use crate::span::{ReferenceKind, TraceId};

    fn span(id: SpanId, parent: SpanId, kind: &str) -> ShownSpan {
        let trace_id = TraceId { high: 0, low: 9 };
        let reference = StoredReference { kind: ReferenceKind::ChildOf, trace_id, span_id: parent };
        let kind = StoredTag { key: "span.kind".into(), value: StoredValue::String(kind.into()) };
        let references = if parent == 0 { vec![] } else { vec![reference] };
        StoredSpan { trace_id, span_id: id, references, tags: vec![kind], ..StoredSpan::default() }.into()
    }

    #[test]
    fn the_server_becomes_a_child_of_the_client() {
        let mut spans = [span(1, 0, "client"), span(1, 0, "server"), span(5, 1, "client"), span(7, 0, "server")];
        separate_shared_ids(&mut spans);
        let ids: Vec<_> = spans.iter().map(|shown| (shown.span.span_id, shown.parent_id())).collect();
        assert_eq!(ids, [(1, 0), (2, 1), (5, 2), (7, 0)]);
    }

    #[test]
    fn spans_of_other_kinds_may_share_an_id() {
        let mut spans = [span(1, 0, "server"), span(1, 0, "server"), span(1, 0, "producer")];
        separate_shared_ids(&mut spans);
        assert!(spans.iter().all(|shown| shown.span.span_id == 1));
    }
}
