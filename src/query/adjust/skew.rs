//! Clock skew: where a child does not lie within its parent, the difference of the two clocks is
//! estimated and told in a warning. Times are not changed.
//!
//! A span of another host than its parent's, or of no known host, is compared with its parent; a
//! span of the same host shares what was found there.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};

use super::ShownSpan;
use crate::document::{StoredSpan, StoredValue};
use crate::query::go::format_duration;
use crate::span::SpanId;

/// What is known of the clock a span was measured with.
#[derive(Clone, Default)]
struct Skew {
    host: String,
    /// Nanoseconds.
    delta: i64,
}

/// Puts the warnings into the spans of one trace.
pub(super) fn warn(spans: &mut [ShownSpan]) {
    let nodes = index_by_id(spans);
    let (roots, children) = subgraphs(spans, &nodes);
    let hosts: Vec<String> = spans.iter().map(|shown| host(&shown.span)).collect();
    let mut open: Vec<(usize, Skew)> =
        roots.into_iter().map(|root| (root, Skew { host: hosts[root].clone(), delta: 0 })).collect();
    while let Some((parent, skew)) = open.pop() {
        if skew.delta != 0 {
            let delta = format_duration(skew.delta);
            let warning = format!("clock skew adjustment disabled; not applying calculated delta of {delta}");
            spans[parent].warnings.push(warning);
        }
        for &child in children.get(&parent).into_iter().flatten() {
            let host = &hosts[child];
            let apart = *host != skew.host || host.is_empty();
            let delta = if apart { delta(&spans[child].span, &spans[parent].span) } else { skew.delta };
            open.push((child, Skew { host: host.clone(), delta }));
        }
    }
}

/// Where the span of each id is. A span whose id is taken stays out and gets a warning.
fn index_by_id(spans: &mut [ShownSpan]) -> HashMap<SpanId, usize> {
    let mut nodes = HashMap::with_capacity(spans.len());
    for (index, shown) in spans.iter_mut().enumerate() {
        if *nodes.entry(shown.span.span_id).or_insert(index) != index {
            shown.warnings.push("duplicate span IDs; skipping clock skew adjustment".into());
        }
    }
    nodes
}

/// The spans without parent, those whose parent is missing included, and the children of each
/// span. Spans of a circle are in no root's reach.
fn subgraphs(spans: &mut [ShownSpan], nodes: &HashMap<SpanId, usize>) -> (Vec<usize>, HashMap<usize, Vec<usize>>) {
    let mut roots = Vec::new();
    let mut children: HashMap<usize, Vec<usize>> = HashMap::new();
    for (index, shown) in spans.iter_mut().enumerate() {
        if nodes.get(&shown.span.span_id) != Some(&index) {
            continue;
        }
        let parent = shown.parent_id();
        match nodes.get(&parent) {
            _ if parent == 0 => roots.push(index),
            Some(&parent) => children.entry(parent).or_default().push(index),
            None => {
                shown.warnings.push(format!("invalid parent span IDs={parent:016x}; skipping clock skew adjustment"));
                roots.push(index);
            }
        }
    }
    (roots, children)
}

/// Nanoseconds by which the child's clock seems to be behind.
fn delta(child: &StoredSpan, parent: &StoredSpan) -> i64 {
    let nanoseconds = |microseconds: u64| i128::from(microseconds) * 1000;
    let (child_start, parent_start) = (nanoseconds(child.start), nanoseconds(parent.start));
    let (child_duration, parent_duration) = (nanoseconds(child.duration), nanoseconds(parent.duration));
    let delta = if child_duration > parent_duration {
        (parent_start - child_start).max(0)
    } else if child_start >= parent_start && child_start + child_duration <= parent_start + parent_duration {
        0
    } else {
        parent_start + (parent_duration - child_duration) / 2 - child_start
    };
    delta.clamp(i64::MIN.into(), i64::MAX.into()) as i64
}

/// The address of the host that a span comes from, empty if it tells none.
fn host(span: &StoredSpan) -> String {
    let Some(tag) = span.process.tags.iter().find(|tag| tag.key == "ip") else { return String::new() };
    match &tag.value {
        StoredValue::String(text) => text.clone(),
        StoredValue::Int64(packed) => Ipv4Addr::from_bits(*packed as u32).to_string(),
        StoredValue::Binary(bytes) => address(bytes).map_or_else(String::new, |address| address.to_string()),
        StoredValue::Bool(_) | StoredValue::Float64(_) => String::new(),
    }
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let short = <[u8; 4]>::try_from(bytes).map(IpAddr::from).ok();
    short.or_else(|| <[u8; 16]>::try_from(bytes).map(|bytes| IpAddr::from(bytes).to_canonical()).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{StoredProcess, StoredReference, StoredTag};
    use crate::span::{ReferenceKind, TraceId};

    fn span(id: SpanId, parent: SpanId, times: (u64, u64), ip: &str) -> ShownSpan {
        let trace_id = TraceId { high: 1, low: 1 };
        let reference = StoredReference { kind: ReferenceKind::ChildOf, trace_id, span_id: parent };
        let tag = StoredTag { key: "ip".into(), value: StoredValue::String(ip.into()) };
        let process = StoredProcess { service: "s".into(), tags: vec![tag] };
        let references = if parent == 0 { vec![] } else { vec![reference] };
        let (start, duration) = times;
        StoredSpan { trace_id, span_id: id, references, start, duration, process, ..StoredSpan::default() }.into()
    }

    fn warnings(mut spans: Vec<ShownSpan>) -> Vec<Vec<String>> {
        warn(&mut spans);
        spans.into_iter().map(|shown| shown.warnings).collect()
    }

    fn off_by(delta: &str) -> Vec<String> {
        vec![format!("clock skew adjustment disabled; not applying calculated delta of {delta}")]
    }

    #[test]
    fn a_child_of_another_host_is_compared_and_its_host_shares_the_result() {
        let spans = vec![
            span(1, 0, (1000, 100), "a"),
            span(2, 1, (500, 49), "b"),
            span(3, 2, (9000, 1), "b"),
            span(4, 1, (5, 1), "a"),
            span(5, 1, (1010, 10), "c"),
        ];
        assert_eq!(warnings(spans), [vec![], off_by("525.5µs"), off_by("525.5µs"), vec![], vec![]]);
    }

    #[test]
    fn a_child_that_lasts_longer_may_end_later_but_not_start_earlier() {
        let early = vec![span(1, 0, (1000, 10), ""), span(2, 1, (990, 50), "")];
        assert_eq!(warnings(early), [vec![], off_by("10µs")]);
        let late = vec![span(1, 0, (1000, 10), ""), span(2, 1, (2000, 50), "")];
        assert_eq!(warnings(late), [vec![], vec![]] as [Vec<String>; 2]);
    }

    #[test]
    fn missing_parents_double_ids_and_circles_are_endured() {
        let spans = vec![
            span(1, 9, (0, 0), ""),
            span(1, 0, (0, 0), ""),
            span(2, 3, (0, 0), ""),
            span(3, 2, (0, 0), ""),
            span(4, 4, (0, 0), ""),
        ];
        let missing = "invalid parent span IDs=0000000000000009; skipping clock skew adjustment";
        let double = "duplicate span IDs; skipping clock skew adjustment";
        let none: Vec<String> = vec![];
        let expected = [vec![missing.to_string()], vec![double.to_string()], none.clone(), none.clone(), none];
        assert_eq!(warnings(spans), expected);
    }

    #[test]
    fn extreme_times_do_not_overflow() {
        let spans = vec![span(1, 0, (u64::MAX, u64::MAX), ""), span(2, 1, (0, u64::MAX), "")];
        assert_eq!(warnings(spans)[1], off_by("2562047h47m16.854775807s"));
    }
}
