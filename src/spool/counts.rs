//! How many items of which label: what the books need to know of items that lie on disk.

use crate::item::{Item, Kind, Label};
use crate::telemetry::books::{Books, Settlement};

/// Spans by label, service documents apart, and the bytes of all their documents.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// By the label's number.
    spans: Vec<u64>,
    services: u64,
    pub(super) items: u64,
    pub(super) bytes: u64,
}

impl Counts {
    /// Those of one run.
    pub(super) fn of(label: Label, all: impl IntoIterator<Item = Item>) -> Self {
        let (mut items, mut services, mut bytes) = (0, 0, 0);
        for item in all {
            items += 1;
            services += u64::from(item.kind == Kind::Service);
            bytes += u64::from(item.end.saturating_sub(item.start));
        }
        let mut spans = Vec::new();
        if items > services {
            spans.resize(usize::from(label.0) + 1, 0);
            spans[usize::from(label.0)] = items - services;
        }
        Counts { spans, services, items, bytes }
    }

    pub(super) fn add(&mut self, other: &Counts) {
        if self.spans.len() < other.spans.len() {
            self.spans.resize(other.spans.len(), 0);
        }
        for (sum, more) in self.spans.iter_mut().zip(&other.spans) {
            *sum += more;
        }
        self.services += other.services;
        self.items += other.items;
        self.bytes += other.bytes;
    }

    pub(super) fn take(&mut self, other: &Counts) {
        for (sum, less) in self.spans.iter_mut().zip(&other.spans) {
            *sum = sum.saturating_sub(*less);
        }
        self.services = self.services.saturating_sub(other.services);
        self.items = self.items.saturating_sub(other.items);
        self.bytes = self.bytes.saturating_sub(other.bytes);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.items == 0
    }

    /// Enters them as found.
    pub(super) fn open(&self, books: &Books) {
        for (label, &spans) in (0..=u8::MAX).zip(&self.spans).filter(|(_, spans)| **spans > 0) {
            books.open(label, spans);
        }
        books.open_services(self.services);
    }

    /// Enters them as dropped, for this reason.
    pub(super) fn drop_in(&self, books: &Books, reason: &'static str) {
        let dropped = |count| Settlement { dropped: [(reason, count)].into(), ..Settlement::default() };
        for (label, &spans) in (0..=u8::MAX).zip(&self.spans).filter(|(_, spans)| **spans > 0) {
            books.settle(label, &dropped(spans));
        }
        if self.services > 0 {
            books.settle_services(&dropped(self.services));
        }
    }
}
