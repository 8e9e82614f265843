//! Runs in the order in which they came, and the cutting of batches from them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use tokio::time::Instant;

use super::Gather;
use super::counts::Counts;
use super::log::Place;
use crate::item::{Batch, Run};

/// Runs that nobody has taken yet.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: VecDeque<Waiting>,
    items: usize,
    bytes: usize,
}

#[derive(Debug)]
struct Waiting {
    run: Arc<Run>,
    /// The first item of the run that is not taken yet.
    next: usize,
    since: Instant,
    /// Where it lies on disk, if it does.
    place: Option<Place>,
}

impl Queue {
    pub(super) fn push(&mut self, run: Run, place: Option<Place>) {
        self.items += run.items.len();
        self.bytes += run.documents.len();
        self.waiting.push_back(Waiting { run: Arc::new(run), next: 0, since: Instant::now(), place });
    }

    /// Takes out the oldest run that lies on disk too and of which nothing was taken yet.
    pub(super) fn take_oldest_on_disk(&mut self) -> Option<(Arc<Run>, Place)> {
        let index = self.waiting.iter().position(|waiting| waiting.next == 0 && waiting.place.is_some())?;
        let Waiting { run, place, .. } = self.waiting.remove(index)?;
        self.items = self.items.saturating_sub(run.items.len());
        self.bytes = self.bytes.saturating_sub(run.documents.len());
        Some((run, place?))
    }

    /// How many items wait, by the segment that they lie in.
    pub(super) fn by_segment(&self) -> BTreeMap<u64, u64> {
        let mut items = BTreeMap::new();
        for Waiting { run, next, .. } in &self.waiting {
            *items.entry(run.segment).or_default() += (run.items.len() - next) as u64;
        }
        items
    }

    /// Drops what waits of one segment; how much that was.
    pub(super) fn give_up(&mut self, segment: u64) -> Counts {
        let mut lost = Counts::default();
        self.waiting.retain(|Waiting { run, next, .. }| {
            if run.segment != segment {
                return true;
            }
            lost.add(&Counts::of(run.label, run.items.iter().skip(*next).copied()));
            false
        });
        self.items = self.items.saturating_sub(lost.items as usize);
        self.bytes = self.bytes.saturating_sub(lost.bytes as usize);
        lost
    }

    /// Bytes of the documents that wait.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// When the oldest run will have waited long enough; `None` if there is none.
    pub(super) fn due(&self, gather: &Gather) -> Option<Instant> {
        self.waiting.front().map(|oldest| oldest.since + gather.interval)
    }

    /// True if a whole batch waits.
    pub(super) fn is_full(&self, gather: &Gather) -> bool {
        self.items >= gather.items || self.bytes >= gather.bytes
    }

    /// Cuts a batch: at least one item if there is any, otherwise within the limits. A run that is
    /// too large is taken in parts.
    pub(super) fn take(&mut self, gather: &Gather) -> Batch {
        let since = self.waiting.front().map(|oldest| oldest.since.into_std());
        let mut batch = Batch { since, ..Batch::default() };
        while let Some(oldest) = self.waiting.front_mut() {
            let first = oldest.next;
            let rest = oldest.run.items.iter().enumerate().skip(first);
            let index = batch.runs.len() as u32;
            for (place, item) in rest {
                let bytes = item.end.saturating_sub(item.start) as usize;
                if !batch.is_empty() && (batch.len() >= gather.items || batch.bytes + bytes > gather.bytes) {
                    break;
                }
                batch.places.push((index, place as u32));
                batch.bytes += bytes;
                oldest.next = place + 1;
            }
            if oldest.next > first {
                batch.runs.push(oldest.run.clone());
            }
            if oldest.next < oldest.run.items.len() {
                break;
            }
            self.waiting.pop_front();
        }
        self.items -= batch.len();
        self.bytes = self.bytes.saturating_sub(batch.bytes);
        batch
    }
}
