//! Traces of one answer: asked for, put in order, bounded.

use std::collections::HashMap;

use axum::body::Body;
use axum::http::Response;

use super::adjust::{ShownSpan, adjust};
use super::answer::{self, Fault};
use super::trace::{Trace, trace_id};
use super::{Limits, Query};
use crate::document::StoredSpan;
use crate::span::TraceId;
use crate::store::{ReadError, Search};

/// What is said of a trace that the store does not hold.
pub(super) const NOT_FOUND: &str = "trace not found";

/// Traces are asked for so many at a time, so that an answer over its limit is noticed before all
/// of it was read.
const TRACES_A_READ: usize = 20;

/// The traces of one answer.
#[derive(Debug, Default)]
pub(super) struct Found {
    traces: Vec<FoundTrace>,
    faults: Vec<Fault>,
}

#[derive(Debug, Clone)]
struct FoundTrace {
    spans: Vec<StoredSpan>,
    warnings: Vec<String>,
}

impl Found {
    pub(super) fn is_empty(&self) -> bool {
        self.traces.is_empty()
    }

    /// The answer, mended for the eye unless it is to be raw.
    pub(super) fn answer(self, raw: bool, pretty: bool) -> Response<Body> {
        let shown: Vec<_> = self.traces.into_iter().map(|trace| show(trace, raw)).collect();
        let traces: Vec<_> = shown.iter().map(|(spans, warnings)| Trace::of(spans, warnings)).collect();
        answer::data(Some(traces), 0, self.faults, pretty)
    }
}

fn show(trace: FoundTrace, raw: bool) -> (Vec<ShownSpan>, Vec<String>) {
    let mut spans: Vec<_> = trace.spans.into_iter().map(ShownSpan::from).collect();
    if !raw {
        adjust(&mut spans);
    }
    (spans, trace.warnings)
}

/// The traces with these ids, each as often as it is named; what is not found is a fault.
pub(super) async fn by_ids(query: &Query, ids: &[TraceId]) -> Result<Found, ReadError> {
    let mut distinct = ids.to_vec();
    distinct.sort();
    distinct.dedup();
    let mut reading = Reading::new(query.limits);
    for some in distinct.chunks(TRACES_A_READ) {
        reading.take(some, query.reader.traces(some).await?);
    }
    Ok(reading.found(ids, true))
}

/// The traces that a search finds, those with the latest span first. A trace of which nothing is
/// left in the store is left out.
pub(super) async fn matching(query: &Query, search: &Search) -> Result<Found, ReadError> {
    let search = Search { limit: search.limit.min(query.limits.traces), ..search.clone() };
    let mut ids = query.reader.find_trace_ids(&search).await?;
    ids.truncate(search.limit);
    let mut reading = Reading::new(query.limits);
    for some in ids.chunks(TRACES_A_READ) {
        reading.take(some, query.reader.traces_of_search(some, &search).await?);
    }
    Ok(reading.found(&ids, false))
}

/// Traces read so far, and what the limits leave of them.
struct Reading {
    limits: Limits,
    spans: usize,
    traces: HashMap<TraceId, FoundTrace>,
    left_out: Vec<TraceId>,
}

impl Reading {
    fn new(limits: Limits) -> Self {
        Reading { limits, spans: 0, traces: HashMap::new(), left_out: Vec::new() }
    }

    fn take(&mut self, asked: &[TraceId], traces: Vec<Vec<StoredSpan>>) {
        let mut read: HashMap<_, _> =
            traces.into_iter().filter_map(|spans| spans.first().map(|span| span.trace_id).zip(Some(spans))).collect();
        for id in asked {
            if let Some(spans) = read.remove(id) {
                self.keep(*id, spans);
            }
        }
    }

    fn keep(&mut self, id: TraceId, mut spans: Vec<StoredSpan>) {
        spans.sort_by_key(|span| (span.start, span.span_id));
        let mut warnings = Vec::new();
        let most = self.limits.spans_per_trace;
        if spans.len() > most {
            spans.truncate(most);
            warnings.push(format!("this trace has more spans than the {most} that are shown"));
        }
        if self.spans + spans.len() > self.limits.spans {
            self.left_out.push(id);
            return;
        }
        self.spans += spans.len();
        self.traces.insert(id, FoundTrace { spans, warnings });
    }

    /// The traces in the order of `ids`.
    fn found(self, ids: &[TraceId], missing_is_fault: bool) -> Found {
        let mut found = Found::default();
        let mut spans = 0;
        for id in ids {
            let trace = self.traces.get(id).filter(|trace| spans + trace.spans.len() <= self.limits.spans);
            if let Some(trace) = trace {
                spans += trace.spans.len();
                found.traces.push(trace.clone());
            } else if self.traces.contains_key(id) || self.left_out.contains(id) {
                let message = format!("trace left out: an answer has at most {} spans", self.limits.spans);
                found.faults.push(Fault::of_trace(trace_id(*id), message));
            } else if missing_is_fault {
                found.faults.push(Fault::of_trace(trace_id(*id), NOT_FOUND));
            }
        }
        found
    }
}
