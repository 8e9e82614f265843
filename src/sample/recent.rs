//! The latest verdicts, for whoever asks why: a ring of fixed size.

use std::sync::{Mutex, PoisonError};

use super::Verdict;
use crate::span::{Span, SpanId, TraceId};

/// Verdicts that are remembered.
pub(super) const MOST: usize = 16_384;
/// Of one request.
pub(super) const MOST_OF_REQUEST: usize = 1024;
/// Bytes of a service's name that are remembered.
const NAME: usize = 39;

/// A verdict on one span.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record {
    pub(super) trace_id: TraceId,
    pub(super) span_id: SpanId,
    /// Microseconds since 1970.
    pub(super) start: u64,
    pub(super) kept: bool,
    pub(super) rule: &'static str,
    pub(super) probability: f64,
    service: Name,
}

/// The beginning of a service's name, as it was sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Name {
    bytes: [u8; NAME],
    length: u8,
}

impl Name {
    pub(super) fn new(service: &[u8]) -> Self {
        let (mut bytes, length) = ([0; NAME], service.len().min(NAME));
        bytes[..length].copy_from_slice(&service[..length]);
        Name { bytes, length: length as u8 }
    }

    fn known(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

impl Record {
    pub(super) fn new(span: &Span<'_>, service: Name, verdict: &Verdict) -> Self {
        let Verdict { keep: kept, rule, probability, .. } = *verdict;
        let Span { trace_id, span_id, start, .. } = *span;
        Record { trace_id, span_id, start, kept, rule, probability, service }
    }

    /// The name of the service as it was sent, cut if it is long.
    pub(super) fn service(&self) -> String {
        String::from_utf8_lossy(self.service.known()).into_owned()
    }

    /// Whether the span may be this service's; of a long name only the beginning is known.
    pub(super) fn is_of(&self, service: &str) -> bool {
        let known = self.service.known();
        if known.len() < NAME { known == service.as_bytes() } else { service.as_bytes().starts_with(known) }
    }
}

/// The ring.
#[derive(Debug, Default)]
pub(super) struct Recent(Mutex<Ring>);

#[derive(Debug, Default)]
struct Ring {
    records: Vec<Record>,
    /// Where the next is written.
    next: usize,
}

impl Recent {
    /// Remembers those of one request.
    pub(super) fn remember(&self, records: &[Record]) {
        if records.is_empty() {
            return;
        }
        let mut ring = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for record in records {
            let next = ring.next;
            match ring.records.get_mut(next) {
                Some(old) => *old = *record,
                None => ring.records.push(*record),
            }
            ring.next = (next + 1) % MOST;
        }
    }

    /// Those of one trace, the oldest first.
    pub(super) fn of(&self, trace_id: TraceId) -> Vec<Record> {
        let ring = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (newer, older) = ring.records.split_at(ring.next.min(ring.records.len()));
        older.iter().chain(newer).filter(|record| record.trace_id == trace_id).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(number: u64) -> Record {
        let span = Span { trace_id: TraceId { high: 0, low: number % 10 }, span_id: number, ..Span::default() };
        Record::new(&span, Name::new(b"a service of which only the beginning is remembered"), &Verdict::KEPT)
    }

    #[test]
    fn the_latest_are_remembered_in_their_order() {
        let recent = Recent::default();
        assert!(recent.of(TraceId { high: 0, low: 3 }).is_empty());
        let all: Vec<_> = (0..MOST as u64 + 25).map(record).collect();
        for request in all.chunks(700) {
            recent.remember(request);
        }
        let found = recent.of(TraceId { high: 0, low: 3 });
        let numbers: Vec<_> = found.iter().map(|record| record.span_id).collect();
        let expected: Vec<_> = (25..MOST as u64 + 25).filter(|number| number % 10 == 3).collect();
        assert_eq!(numbers, expected);
        assert_eq!(found[0].service(), "a service of which only the beginning i");
        assert!(found[0].is_of("a service of which only the beginning is known") && !found[0].is_of("a service"));
        let short = Record::new(&Span::default(), Name::new(b"cart"), &Verdict::KEPT);
        assert!(short.is_of("cart") && !short.is_of("cart-of-others"));
    }
}
