//! What is committed of one day, as it can be read.
//!
//! A day only grows: documents are never deleted out of it, and merging moves them without
//! changing them. So a snapshot stays true as long as it is held, and the next one opens only the
//! segments that are new.

use std::sync::Arc;

use tantivy::directory::{Directory, META_LOCK};
use tantivy::index::SegmentId;
use tantivy::{Index, InvertedIndexReader, SegmentReader};

use super::schema::{Fields, START};
use crate::item::Id;

/// All that is committed of a day at one time.
#[derive(Debug, Default)]
pub(super) struct Snapshot {
    pub(super) segments: Vec<Arc<Segment>>,
}

/// One immutable piece of a day.
pub(super) struct Segment {
    pub(super) reader: SegmentReader,
    id: SegmentId,
    ids: Arc<InvertedIndexReader>,
    /// The least and the greatest id: an id begins with its start second, so that what comes in
    /// now is compared with what came in just now, and not with the whole day.
    bounds: Option<([u8; 16], [u8; 16])>,
    /// The latest start, microseconds since 1970.
    pub(super) latest: u64,
    pub(super) earliest: u64,
}

impl std::fmt::Debug for Segment {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Segment").field("id", &self.id).field("documents", &self.reader.max_doc()).finish()
    }
}

impl Snapshot {
    /// The state of `index` now; what `before` has open is not opened again.
    pub(super) fn take(index: &Index, before: &Snapshot, fields: Fields) -> tantivy::Result<Self> {
        // Held so that no merge removes the files that the list below names before they are open.
        let _lock = index.directory().acquire_lock(&META_LOCK)?;
        let segments = index.searchable_segments()?.into_iter().map(|segment| {
            let known = before.segments.iter().find(|known| known.id == segment.id());
            match known {
                Some(known) => Ok(known.clone()),
                None => Segment::open(&segment, fields).map(Arc::new),
            }
        });
        Ok(Snapshot { segments: segments.collect::<tantivy::Result<_>>()? })
    }

    /// True if the document `id` is committed.
    pub(super) fn contains(&self, id: Id) -> tantivy::Result<bool> {
        for segment in &self.segments {
            if segment.contains(id)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    pub(super) fn documents(&self) -> u64 {
        self.segments.iter().map(|segment| u64::from(segment.reader.max_doc())).sum()
    }
}

impl Segment {
    fn open(segment: &tantivy::Segment, fields: Fields) -> tantivy::Result<Self> {
        let reader = SegmentReader::open(segment)?;
        let ids = reader.inverted_index(fields.id)?;
        let bounds = bounds(&ids)?;
        let starts = reader.fast_fields().column_opt::<u64>(START)?;
        let (earliest, latest) = starts.map_or((0, u64::MAX), |starts| (starts.min_value(), starts.max_value()));
        Ok(Segment { id: segment.id(), ids, bounds, latest, earliest, reader })
    }

    fn contains(&self, id: Id) -> tantivy::Result<bool> {
        let within = self.bounds.is_some_and(|(least, greatest)| least <= id.0 && id.0 <= greatest);
        Ok(within && self.ids.terms().term_ord(id.0)?.is_some())
    }
}

fn bounds(ids: &InvertedIndexReader) -> tantivy::Result<Option<([u8; 16], [u8; 16])>> {
    let end = |backward: bool| -> tantivy::Result<Option<[u8; 16]>> {
        let range = ids.terms().range();
        let mut stream = if backward { range.backward() } else { range }.into_stream()?;
        Ok(if stream.advance() { stream.key().try_into().ok() } else { None })
    };
    Ok(end(false)?.zip(end(true)?))
}
