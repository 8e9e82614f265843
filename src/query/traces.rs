//! Traces of one answer: asked for, put in order, bounded.

use std::collections::{HashMap, HashSet};

use axum::body::Body;
use axum::http::Response;

use super::adjust::{ShownSpan, adjust};
use super::answer::{self, Fault};
use super::trace::{Trace, trace_id};
use super::{Limits, Query};
use crate::document::{StoredSpan, StoredTag, StoredValue};
use crate::memory::{OverLimit, Reservation};
use crate::span::TraceId;
use crate::store::{ReadError, Search};

/// What is said of a trace that the store does not hold.
pub(super) const NOT_FOUND: &str = "trace not found";

/// Traces are asked for so many at a time, so that an answer over its limits is noticed before all
/// of it was read.
const TRACES_A_READ: usize = 10;

/// A span is held as read, and again as its part of the answer.
const HELD: usize = 2;

/// Why there is no answer with traces.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failed {
    #[error(transparent)]
    Store(#[from] ReadError),
    #[error("no memory for so large an answer now: ask for fewer traces, or raise --memory.limit")]
    Memory(#[from] OverLimit),
}

/// The traces of one answer.
#[derive(Debug, Default)]
pub(super) struct Found {
    traces: Vec<FoundTrace>,
    faults: Vec<Fault>,
    /// Holds the memory of the traces until they are written.
    reservation: Option<Reservation>,
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
        let answer = answer::data(Some(traces), 0, self.faults, pretty);
        drop(self.reservation);
        answer
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
pub(super) async fn by_ids(query: &Query, ids: &[TraceId]) -> Result<Found, Failed> {
    let mut distinct = ids.to_vec();
    distinct.sort();
    distinct.dedup();
    let mut reading = Reading::new(query);
    for some in distinct.chunks(TRACES_A_READ) {
        reading.take(some, query.reader.traces(some).await?)?;
    }
    Ok(reading.found(ids, true)?)
}

/// The traces that a search finds, those with the latest span first. A trace of which nothing is
/// left in the store is left out.
pub(super) async fn matching(query: &Query, search: &Search) -> Result<Found, Failed> {
    let search = Search { limit: search.limit.min(query.limits.traces), ..search.clone() };
    let mut ids = query.reader.find_trace_ids(&search).await?;
    ids.truncate(search.limit);
    let mut reading = Reading::new(query);
    for some in ids.chunks(TRACES_A_READ) {
        reading.take(some, query.reader.traces_of_search(some, &search).await?)?;
    }
    Ok(reading.found(&ids, false)?)
}

/// Traces read so far, and what the limits leave of them.
struct Reading {
    limits: Limits,
    spans: usize,
    traces: HashMap<TraceId, FoundTrace>,
    left_out: HashSet<TraceId>,
    reservation: Reservation,
}

impl Reading {
    fn new(query: &Query) -> Self {
        Reading {
            limits: query.limits,
            spans: 0,
            traces: HashMap::new(),
            left_out: HashSet::new(),
            reservation: query.memory.reserve(),
        }
    }

    fn take(&mut self, asked: &[TraceId], traces: Vec<Vec<StoredSpan>>) -> Result<(), OverLimit> {
        let mut read: HashMap<_, _> =
            traces.into_iter().filter_map(|spans| spans.first().map(|span| span.trace_id).zip(Some(spans))).collect();
        asked.iter().try_for_each(|id| read.remove(id).map_or(Ok(()), |spans| self.keep(*id, spans)))
    }

    fn keep(&mut self, id: TraceId, mut spans: Vec<StoredSpan>) -> Result<(), OverLimit> {
        spans.sort_by_key(|span| (span.start, span.span_id));
        let mut warnings = Vec::new();
        let most = self.limits.spans_per_trace;
        if spans.len() > most {
            spans.truncate(most);
            warnings.push(format!("this trace has more spans than the {most} that are shown"));
        }
        if self.spans + spans.len() > self.limits.spans {
            self.left_out.insert(id);
            return Ok(());
        }
        self.reservation.grow(spans.iter().map(bytes_of).sum::<usize>().saturating_mul(HELD))?;
        self.spans += spans.len();
        self.traces.insert(id, FoundTrace { spans, warnings });
        Ok(())
    }

    /// The traces in the order of `ids`; one that is named again is shown again.
    fn found(mut self, ids: &[TraceId], missing_is_fault: bool) -> Result<Found, OverLimit> {
        let mut found = Found::default();
        let mut shown = HashMap::new();
        for id in ids {
            let again = shown.get(id).map(|&index: &usize| found.traces[index].clone());
            if let Some(trace) = &again {
                self.spans += trace.spans.len();
                self.reservation.grow(trace.spans.iter().map(bytes_of).sum::<usize>().saturating_mul(HELD))?;
            }
            if self.left_out.contains(id) || self.spans > self.limits.spans {
                let message = format!("trace left out: an answer has at most {} spans", self.limits.spans);
                found.faults.push(Fault::of_trace(trace_id(*id), message));
            } else if let Some(trace) = self.traces.remove(id).or(again) {
                shown.insert(*id, found.traces.len());
                found.traces.push(trace);
            } else if missing_is_fault {
                found.faults.push(Fault::of_trace(trace_id(*id), NOT_FOUND));
            }
        }
        found.reservation = Some(self.reservation);
        Ok(found)
    }
}

/// Bytes that a span takes, about.
fn bytes_of(span: &StoredSpan) -> usize {
    let fields = span.logs.iter().flat_map(|log| &log.fields);
    let tags = span.tags.iter().chain(&span.process.tags).chain(fields).map(bytes_of_tag).sum::<usize>();
    let parts = size_of_val(span.references.as_slice()) + size_of_val(span.logs.as_slice());
    size_of::<StoredSpan>() + span.operation.len() + span.process.service.len() + parts + tags
}

fn bytes_of_tag(tag: &StoredTag) -> usize {
    let value = match &tag.value {
        StoredValue::String(text) => text.len(),
        StoredValue::Binary(bytes) => bytes.len(),
        StoredValue::Bool(_) | StoredValue::Int64(_) | StoredValue::Float64(_) => 0,
    };
    size_of::<StoredTag>() + tag.key.len() + value
}
