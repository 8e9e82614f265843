//! Compressing the documents of a commit.

use super::Record;
use super::append::KEPT_SCRATCH;

const LEVEL: i32 = 1;

/// Compressed documents of one commit.
#[derive(Default)]
pub(super) struct Packed {
    compressor: Option<zstd::bulk::Compressor<'static>>,
    bytes: Vec<u8>,
    /// One for each record; `None`: it is stored as it is.
    places: Vec<Option<(usize, usize)>>,
}

impl Packed {
    /// Compresses the documents of a commit, where that makes them smaller.
    pub(super) fn fill(&mut self, records: &[Record<'_>], compress: bool) {
        self.places.clear();
        self.bytes.clear();
        self.bytes.shrink_to(KEPT_SCRATCH);
        if !compress {
            return;
        }
        if self.compressor.is_none() {
            self.compressor = zstd::bulk::Compressor::new(LEVEL).ok();
        }
        let Some(compressor) = &mut self.compressor else { return };
        for record in records {
            let start = self.bytes.len();
            // One byte less than the documents have: what does not fit is not smaller.
            self.bytes.resize(start + record.documents.len().saturating_sub(1), 0);
            let written = compressor.compress_to_buffer(record.documents, &mut self.bytes[start..]);
            self.bytes.truncate(start + written.as_ref().copied().unwrap_or(0));
            self.places.push(written.ok().map(|_| (start, self.bytes.len())));
        }
    }

    /// The documents of a record as they are stored, and whether that is compressed.
    pub(super) fn stored<'a>(&'a self, index: usize, record: &Record<'a>) -> (&'a [u8], bool) {
        match self.places.get(index).copied().flatten() {
            Some((start, end)) => (&self.bytes[start..end], true),
            None => (record.documents, false),
        }
    }
}

impl std::fmt::Debug for Packed {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Packed").field("bytes", &self.bytes.len()).finish_non_exhaustive()
    }
}
