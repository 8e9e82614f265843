//! The writing end of one day.
//!
//! tantivy knows no unique id, so the writer asks, before it adds a document, whether its id is
//! committed or about to be. An id names its content, so the document that is there stays, as with
//! Elasticsearch's `create`; nothing is ever deleted out of a day.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tantivy::IndexWriter;
use tantivy::indexer::{IndexWriterOptions, LogMergePolicy};

use super::day::{Day, guarded};
use super::schema::Fields;
use super::segments::Snapshot;
use super::terms;
use crate::item::{Item, Verdict};

/// tantivy's least: 15 MB, of which it uses what a second's spans need.
const HEAP: usize = 15_000_000;

/// Where the verdict of a document goes: which write, which of its items.
pub(super) type Place = (u64, usize);

/// A day that is open for writing.
pub(super) struct DayWriter {
    pub(super) day: Arc<Day>,
    writer: IndexWriter,
    fields: Fields,
    committed: Arc<Snapshot>,
    /// Ids that were added since the last commit.
    added: HashSet<[u8; 16], foldhash::fast::RandomState>,
    /// Documents that wait for the commit, and what they will be told.
    pub(super) pending: Vec<(Place, Verdict)>,
    used: Instant,
}

impl std::fmt::Debug for DayWriter {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("DayWriter").field("day", &self.day.name).field("pending", &self.pending.len()).finish()
    }
}

impl DayWriter {
    pub(super) fn open(day: Arc<Day>, fields: Fields) -> tantivy::Result<Self> {
        let index = day.index()?;
        let options = IndexWriterOptions::builder()
            .memory_budget_per_thread(HEAP)
            .num_worker_threads(1)
            .num_merge_threads(1)
            .build();
        let writer = guarded(|| index.writer_with_options(options))?;
        writer.set_merge_policy(Box::new(LogMergePolicy::default()));
        let committed = day.snapshot()?;
        let added = HashSet::default();
        Ok(DayWriter { day, writer, fields, committed, added, pending: Vec::new(), used: Instant::now() })
    }

    /// Adds a document, or tells at once what becomes of it.
    pub(super) fn add(&mut self, place: Place, item: &Item, line: &[u8]) -> tantivy::Result<Option<Verdict>> {
        self.used = Instant::now();
        if self.added.contains(&item.id.0) {
            self.pending.push((place, Verdict::AlreadyThere));
            return Ok(None);
        }
        if guarded(|| self.committed.contains(item.id))? {
            return Ok(Some(Verdict::AlreadyThere));
        }
        let Ok(document) = terms::document(item.kind, item.id, line, self.fields) else {
            return Ok(Some(Verdict::Refused("document")));
        };
        self.writer.add_document(document)?;
        self.added.insert(item.id.0);
        self.pending.push((place, Verdict::Stored));
        Ok(None)
    }

    /// Makes everything that was added durable and visible.
    pub(super) fn commit(&mut self) -> tantivy::Result<()> {
        guarded(|| self.writer.commit())?;
        self.day.committed(self.added.len() as u64);
        self.added.clear();
        self.committed = self.day.snapshot()?;
        Ok(())
    }

    /// Closes the day for good: when this returns nothing writes in its directory any more.
    pub(super) fn end(self) {
        if let Err(error) = guarded(|| self.writer.wait_merging_threads()) {
            tracing::debug!(day = self.day.name, %error, "a merge of a day that goes had failed");
        }
    }

    pub(super) fn idle_for(&self) -> Duration {
        if self.pending.is_empty() { self.used.elapsed() } else { Duration::ZERO }
    }
}
