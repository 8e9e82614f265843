//! Entering the store's verdicts: books, service cache, spool.

use super::Delivery;
use crate::item::{Batch, Item, Judgement, Kind, Label, Verdict};
use crate::telemetry::books::Settlement;

/// The settlements of one batch: a page for each label (its index), one for service documents.
#[derive(Debug, Default)]
struct Settlements {
    spans: Vec<Settlement>,
    services: Settlement,
    items: usize,
    bytes: usize,
}

impl Settlements {
    fn page(&mut self, label: Label, item: &Item) -> &mut Settlement {
        self.items += 1;
        self.bytes += item.end.saturating_sub(item.start) as usize;
        match item.kind {
            Kind::Span => {
                let place = usize::from(label.0);
                if place >= self.spans.len() {
                    self.spans.resize_with(place + 1, Settlement::default);
                }
                &mut self.spans[place]
            }
            Kind::Service => &mut self.services,
        }
    }
}

impl Delivery {
    /// Settles what the store has decided; returns the items to be sent again.
    pub(super) fn settle(&self, batch: &Batch, judgement: &Judgement) -> Batch {
        let (verdicts, mut settlements) = (&judgement.verdicts, Settlements::default());
        let targets = judgement.targets.clone().or_else(|| batch.targets.clone());
        let mut again = Batch { runs: batch.runs.clone(), since: batch.since, targets, ..Batch::default() };
        for (index, (label, item, document)) in batch.iter().enumerate() {
            // A verdict that is missing is no verdict: the item is sent again.
            let verdict = verdicts.get(index).copied().unwrap_or(Verdict::Again("no-verdict"));
            match verdict {
                Verdict::Stored => settlements.page(label, item).stored += 1,
                Verdict::AlreadyThere => settlements.page(label, item).already_there += 1,
                Verdict::Refused(reason) => *settlements.page(label, item).refused.entry(reason).or_default() += 1,
                Verdict::Again(_) => {
                    again.places.push(batch.places[index]);
                    again.bytes += document.len();
                    continue;
                }
            }
            if item.kind == Kind::Service {
                self.remember(item, verdict);
            }
        }
        self.enter(&settlements);
        if let (true, Some(since)) = (again.is_empty(), batch.since) {
            self.rooms.metrics.in_queue(since.elapsed());
        }
        release_settled_runs(&mut again);
        again
    }

    /// Drops items at the end of the process, counted.
    pub(super) fn drop_rest(&self, batch: &Batch) {
        let mut settlements = Settlements::default();
        for (label, item, _) in batch.iter() {
            *settlements.page(label, item).dropped.entry("shutdown").or_default() += 1;
        }
        self.enter(&settlements);
    }

    fn remember(&self, service: &Item, verdict: Verdict) {
        match verdict {
            Verdict::Refused(_) => self.rooms.services.forget(service.hour, &service.id),
            _ => self.rooms.services.stored(service.hour, &service.id, self.rooms.clock.micros()),
        }
    }

    fn enter(&self, settlements: &Settlements) {
        for (label, settlement) in (0..).zip(&settlements.spans) {
            self.rooms.books.settle(label, settlement);
        }
        self.rooms.books.settle_services(&settlements.services);
        self.rooms.spool.settle(settlements.items, settlements.bytes);
    }
}

/// Lets go of runs that have no item left in the batch, so that their memory is free though a
/// neighbour has to wait.
fn release_settled_runs(batch: &mut Batch) {
    let mut kept = Vec::new();
    let mut last = None;
    for place in &mut batch.places {
        if last != Some(place.0) {
            last = Some(place.0);
            kept.push(batch.runs[place.0 as usize].clone());
        }
        place.0 = kept.len() as u32 - 1;
    }
    batch.runs = kept;
}
