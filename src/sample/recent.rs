//! The latest verdicts, for whoever asks why: a ring of fixed size.

use std::sync::{Mutex, PoisonError};

use super::Verdict;
use crate::span::{Span, SpanId, TraceId};

/// Verdicts that are remembered.
pub(super) const MOST: usize = 16_384;
/// Of one request.
pub(super) const MOST_OF_REQUEST: usize = 1024;
/// Room for those of a usual request, made at once (`benches/verdict.rs`).
pub(super) const USUAL: usize = 16;
/// And for those of a larger one.
pub(super) const MANY: usize = 256;
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
    /// Its place among the names.
    service: u32,
    pub(super) rule: &'static str,
    pub(super) probability: f64,
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

    /// As it was sent, cut if it is long.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(self.known()).into_owned()
    }

    /// Whether it may be this service's; of a long name only the beginning is known.
    pub(super) fn is_of(&self, service: &str) -> bool {
        let known = self.known();
        if known.len() < NAME { known == service.as_bytes() } else { service.as_bytes().starts_with(known) }
    }
}

impl Record {
    /// `service`: the place of its name among those of the request.
    pub(super) fn new(span: &Span<'_>, service: u32, verdict: &Verdict) -> Self {
        let Verdict { keep: kept, rule, probability, .. } = *verdict;
        let Span { trace_id, span_id, start, .. } = *span;
        Record { trace_id, span_id, start, kept, service, rule, probability }
    }
}

/// Verdicts, and the names of their services. A name is written for the records that follow it,
/// one at least: when its place is taken again, theirs were.
#[derive(Debug, Default)]
pub(super) struct Recent(Mutex<(Ring<Record>, Ring<Name>)>);

#[derive(Debug)]
struct Ring<T> {
    items: Vec<T>,
    /// Where the next is written.
    next: usize,
}

impl<T> Default for Ring<T> {
    fn default() -> Self {
        Ring { items: Vec::new(), next: 0 }
    }
}

impl<T> Ring<T> {
    #[inline]
    fn push(&mut self, item: T) {
        match self.items.get_mut(self.next) {
            Some(old) => *old = item,
            None => self.items.push(item),
        }
        self.next = (self.next + 1) % MOST;
    }

    /// All of them, the oldest first.
    fn iter(&self) -> impl Iterator<Item = &T> {
        let (newer, older) = self.items.split_at(self.next.min(self.items.len()));
        older.iter().chain(newer)
    }
}

impl Recent {
    /// Remembers those of one request, in their order, and the names that they name in turn.
    pub(super) fn remember(&self, records: &[Record], of_request: &[Name]) {
        if records.is_empty() {
            return;
        }
        let mut recent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (ring, names) = &mut *recent;
        let first = names.next as u32;
        of_request.iter().for_each(|name| names.push(*name));
        for record in records {
            ring.push(Record { service: (first + record.service) % MOST as u32, ..*record });
        }
    }

    /// Those of one trace, the oldest first.
    pub(super) fn of(&self, trace_id: TraceId) -> Vec<(Record, Name)> {
        let recent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (ring, names) = &*recent;
        let found = ring.iter().filter(|record| record.trace_id == trace_id);
        found.filter_map(|record| Some((*record, *names.items.get(record.service as usize)?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(number: u64, service: u32) -> Record {
        let span = Span { trace_id: TraceId { high: 0, low: number % 10 }, span_id: number, ..Span::default() };
        Record::new(&span, service, &Verdict::KEPT)
    }

    #[test]
    fn the_latest_are_remembered_in_their_order() {
        let recent = Recent::default();
        assert!(recent.of(TraceId { high: 0, low: 3 }).is_empty());
        let name = Name::new(b"a service of which only the beginning is remembered");
        let all: Vec<_> = (0..MOST as u64 + 25).map(|number| record(number, 0)).collect();
        for request in all.chunks(700) {
            recent.remember(request, &[name]);
        }
        let found = recent.of(TraceId { high: 0, low: 3 });
        let numbers: Vec<_> = found.iter().map(|(record, _)| record.span_id).collect();
        let expected: Vec<_> = (25..MOST as u64 + 25).filter(|number| number % 10 == 3).collect();
        assert_eq!(numbers, expected);
        assert_eq!(found[0].1.text(), "a service of which only the beginning i");
        assert!(name.is_of("a service of which only the beginning is known") && !name.is_of("a service"));
        let short = Name::new(b"cart");
        assert!(short.is_of("cart") && !short.is_of("cart-of-others"));
    }

    /// Requests of one, of few and of many services, until the names have gone round more than once.
    #[test]
    fn each_keeps_the_name_of_its_service() {
        let recent = Recent::default();
        for request in 0..9000_u64 {
            let services = request % 7 + 1;
            let names: Vec<_> = (0..services).map(|of| Name::new(format!("{request}-{of}").as_bytes())).collect();
            let spans = services * if request % 3 == 0 { 2 } else { 1 };
            let of_span = |span| {
                let service = span * services / spans;
                let span = Span { span_id: request * 10 + service, ..Span::default() };
                Record::new(&span, service as u32, &Verdict::KEPT)
            };
            recent.remember(&(0..spans).map(of_span).collect::<Vec<_>>(), &names);
        }
        let found = recent.of(TraceId::default());
        assert_eq!(found.len(), MOST);
        for (record, name) in found {
            assert_eq!(name.text(), format!("{}-{}", record.span_id / 10, record.span_id % 10));
        }
    }
}
