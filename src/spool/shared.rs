//! What all parts of the spool write on: the books, the metrics, the memory, and the count of what
//! is held.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::counts::Counts;
use super::log::{Damage, DamageKind};
use crate::memory::Budget;
use crate::telemetry::books::Books;
use crate::telemetry::metrics::Metrics;

/// See the module.
#[derive(Debug, Clone)]
pub struct Shared {
    pub books: Arc<Books>,
    pub metrics: Arc<Metrics>,
    pub budget: Arc<Budget>,
    held: Arc<Held>,
}

#[derive(Debug, Default)]
struct Held {
    items: AtomicUsize,
    bytes: AtomicUsize,
}

impl Shared {
    pub fn new(books: Arc<Books>, metrics: Arc<Metrics>, budget: Arc<Budget>) -> Self {
        Shared { books, metrics, budget, held: Arc::default() }
    }

    pub(super) fn hold_items(&self, items: usize, bytes: usize) {
        self.held.items.fetch_add(items, Ordering::Relaxed);
        self.held.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn hold(&self, counts: &Counts) {
        self.hold_items(counts.items as usize, counts.bytes as usize);
    }

    pub(super) fn let_go(&self, items: usize, bytes: usize) {
        self.held.items.fetch_sub(items, Ordering::Relaxed);
        self.held.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    pub(super) fn held_items(&self) -> usize {
        self.held.items.load(Ordering::Relaxed)
    }

    pub(super) fn held_bytes(&self) -> usize {
        self.held.bytes.load(Ordering::Relaxed)
    }

    /// Items that were safe are lost: told and counted, never in silence.
    pub(super) fn lose(&self, lost: &Counts, reason: &'static str) {
        lost.drop_in(&self.books, reason);
        self.let_go(lost.items as usize, lost.bytes as usize);
        self.metrics.spool(reason, lost.items);
        tracing::error!(items = lost.items, bytes = lost.bytes, reason, "items of the spool were lost");
    }

    /// A part of a file cannot be read as it was written.
    pub(super) fn tell_damage(&self, file: &Path, damage: &Damage) {
        let (file, Damage { offset, bytes, lost, .. }) = (file.display(), damage);
        match damage.kind {
            DamageKind::Torn => {
                self.metrics.spool("torn", 1);
                tracing::info!(%file, offset, bytes, "a crash cut the last write to the spool, which nobody was answered for");
            }
            DamageKind::Damaged => {
                self.metrics.spool("damage", 1);
                tracing::error!(%file, offset, bytes, ?lost, "a part of the spool is damaged; the file will be set aside");
            }
        }
    }
}
