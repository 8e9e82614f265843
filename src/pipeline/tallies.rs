//! A request's spans by service and debug state, as Jaeger counts what it received and saved.
//!
//! They are counted in place until the service changes, so that metrics are looked up once for many
//! spans of a service.

use super::Protocol;
use crate::span::{Span, Text};
use crate::telemetry::metrics::Metrics;

/// Services that are looked through for one that comes again.
const SCANNED: usize = 16;

/// Spans of one service and debug state.
#[derive(Debug, Default, Clone, Copy)]
struct Tally {
    spans: u64,
    roots: u64,
}

impl Tally {
    fn add(&mut self, other: &Tally) {
        self.spans += other.spans;
        self.roots += other.roots;
    }
}

#[derive(Debug, Default)]
pub(super) struct Tallies<'a> {
    /// By debug: false, true.
    present: [Tally; 2],
    /// Those of the services before this one.
    before: Vec<(Text<'a>, [Tally; 2])>,
}

impl<'a> Tallies<'a> {
    pub(super) fn count(&mut self, span: &Span<'a>) {
        let tally = &mut self.present[usize::from(span.is_debug())];
        tally.spans += 1;
        tally.roots += u64::from(span.is_root());
    }

    /// Puts the counts of this service, whose spans came last, with those before it.
    pub(super) fn put_by(&mut self, service: Text<'a>) {
        let tallies = std::mem::take(&mut self.present);
        if tallies.iter().all(|tally| tally.spans == 0) {
            return;
        }
        let mut first = self.before.iter_mut().take(SCANNED);
        match first.find(|(other, _)| other.raw() == service.raw()) {
            Some((_, sums)) => sums.iter_mut().zip(&tallies).for_each(|(sum, tally)| sum.add(tally)),
            None => self.before.push((service, tallies)),
        }
    }

    /// Enters the counts of a request that is taken.
    pub(super) fn enter(&self, protocol: Protocol, metrics: &Metrics) {
        for (service, tallies) in &self.before {
            let service = service.decoded();
            for (debug, tally) in tallies.iter().enumerate().filter(|(_, tally)| tally.spans > 0) {
                metrics.received(protocol, &service, debug == 1, tally.spans, tally.roots);
                metrics.saved(&service, debug == 1, true, tally.spans, tally.roots);
            }
        }
    }
}
