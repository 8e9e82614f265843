//! Entering the store's verdicts: books, service cache, spool.

use super::Delivery;
use crate::item::{Batch, Item, Judgement, Kind, Label, Lane, Verdict};
use crate::telemetry::books::Settlement;

/// The settlements of one batch: a page for each label (its index), one for service documents.
#[derive(Debug, Default)]
struct Settlements {
    spans: Vec<Settlement>,
    services: Settlement,
    /// Items by the segment that they lie in.
    segments: Vec<(u64, u64)>,
    bytes: usize,
}

impl Settlements {
    fn page(&mut self, label: Label, item: &Item, segment: u64) -> &mut Settlement {
        match self.segments.last_mut() {
            Some((last, items)) if *last == segment => *items += 1,
            _ => self.segments.push((segment, 1)),
        }
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
    pub(super) async fn settle(&self, batch: &Batch, judgement: Judgement) -> Batch {
        let Judgement { mut verdicts, reasons, targets, .. } = judgement;
        // A verdict that is missing is no verdict: the item is sent again.
        verdicts.resize(batch.len(), Verdict::Again("no-verdict"));
        if let Some(day) = self.broken.hold(batch, &mut verdicts) {
            self.tell_broken(batch, day);
        }
        self.bury(batch, &mut verdicts, &reasons).await;
        let again = self.enter_verdicts(batch, &verdicts);
        Batch { targets: targets.or(again.targets.clone()), ..again }
    }

    fn tell_broken(&self, batch: &Batch, day: u64) {
        let item = batch.iter().find(|(_, item, _)| item.hour / 24 == day);
        let index = item.map(|(_, item, _)| self.rooms.writer.index(item)).unwrap_or_default();
        tracing::error!(
            %index,
            "template or mapping broken: the index refuses most documents; they are held until it takes them. \
             `spaniel es doctor` tells what is wrong with it"
        );
    }

    /// Enters verdicts that are final; returns the items to be sent again.
    pub(super) fn enter_verdicts(&self, batch: &Batch, verdicts: &[Verdict]) -> Batch {
        let mut settlements = Settlements::default();
        let mut again = Batch { places: Vec::new(), bytes: 0, ..batch.clone() };
        let buried = self.rooms.dead_letters.is_some();
        for ((&place, (label, item, document)), &verdict) in batch.places.iter().zip(batch.iter()).zip(verdicts) {
            if matches!(verdict, Verdict::Again(_)) {
                again.places.push(place);
                again.bytes += document.len();
                continue;
            }
            let page = settlements.page(label, item, batch.runs[place.0 as usize].segment);
            match verdict {
                Verdict::Stored => page.stored += 1,
                Verdict::AlreadyThere => page.already_there += 1,
                Verdict::Refused(reason) if buried => *page.dead_lettered.entry(reason).or_default() += 1,
                Verdict::Refused(reason) => *page.refused.entry(reason).or_default() += 1,
                Verdict::Again(_) => {}
            }
            if item.kind == Kind::Service {
                self.remember(item, verdict);
            }
        }
        self.enter(&batch.lane, &settlements);
        if let (true, Some(since)) = (again.is_empty(), batch.since) {
            self.rooms.metrics.in_queue(since.elapsed());
        }
        release_settled_runs(&mut again);
        again
    }

    /// What is not settled when the time to stop has run out: left to the disk, or dropped and
    /// counted if the spool is in memory.
    pub(super) fn leave(&self, batch: &Batch) {
        if self.rooms.spool.is_durable() {
            return;
        }
        let mut settlements = Settlements::default();
        for (label, item, _) in batch.iter() {
            *settlements.page(label, item, 0).dropped.entry("shutdown").or_default() += 1;
        }
        self.enter(&batch.lane, &settlements);
    }

    fn remember(&self, service: &Item, verdict: Verdict) {
        match verdict {
            Verdict::Refused(_) => self.rooms.services.forget(service.hour, &service.id),
            _ => self.rooms.services.stored(service.hour, &service.id, self.rooms.clock.micros()),
        }
    }

    fn enter(&self, lane: &Lane, settlements: &Settlements) {
        for (label, settlement) in (0..).zip(&settlements.spans) {
            self.rooms.books.settle(label, settlement);
        }
        self.rooms.books.settle_services(&settlements.services);
        self.rooms.spool.settle(lane, &settlements.segments, settlements.bytes);
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
