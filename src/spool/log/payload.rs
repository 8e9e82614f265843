//! What stands behind the head of a record, taken apart and inflated.

use std::io;

use super::record::{ITEM, RecordHead};
use super::view::RecordView;

/// zstd makes at most so many bytes of one: a block of 128 KiB of four bytes.
const LARGEST_RATIO: u64 = 32 << 10;

/// The parts of a record as they are stored.
pub(super) struct Parts<'a> {
    note: &'a [u8],
    items: &'a [u8],
    stored: &'a [u8],
}

impl<'a> Parts<'a> {
    pub(super) fn view(&self, head: &RecordHead, documents: &'a [u8]) -> Option<RecordView<'a>> {
        RecordView::new(head.label, self.note, self.items, documents)
    }
}

pub(super) fn split<'a>(head: &RecordHead, payload: &'a [u8]) -> Option<Parts<'a>> {
    let (note, rest) = payload.split_at_checked(head.note as usize)?;
    let items = usize::try_from(head.items()).ok()?.checked_mul(ITEM)?;
    let (items, stored) = rest.split_at_checked(items)?;
    Some(Parts { note, items, stored })
}

/// The record, if its parts are what its head says.
pub(super) fn view<'a>(
    head: &RecordHead,
    payload: &'a [u8],
    inflater: &'a mut Inflater,
) -> io::Result<Option<RecordView<'a>>> {
    let Some(parts) = split(head, payload) else { return Ok(None) };
    if head.is_compressed && !inflater.inflate(parts.stored, head.documents)? {
        return Ok(None);
    }
    let documents = inflater.last(head, &parts);
    if documents.len() != head.documents as usize {
        return Ok(None);
    }
    Ok(parts.view(head, documents))
}

/// Makes documents of compressed ones.
#[derive(Default)]
pub(super) struct Inflater {
    decompressor: Option<zstd::bulk::Decompressor<'static>>,
    documents: Vec<u8>,
}

impl Inflater {
    /// False: these are not so many bytes compressed.
    fn inflate(&mut self, stored: &[u8], bytes: u32) -> io::Result<bool> {
        if u64::from(bytes) > stored.len() as u64 * LARGEST_RATIO {
            return Ok(false);
        }
        let decompressor = match &mut self.decompressor {
            Some(decompressor) => decompressor,
            none => none.insert(zstd::bulk::Decompressor::new()?),
        };
        self.documents.clear();
        self.documents.shrink_to((bytes as usize).max(1 << 20));
        self.documents.try_reserve(bytes as usize)?;
        Ok(decompressor.decompress_to_buffer(stored, &mut self.documents).is_ok())
    }

    /// The documents of the record that was looked at last.
    pub(super) fn last<'a>(&'a self, head: &RecordHead, parts: &Parts<'a>) -> &'a [u8] {
        if head.is_compressed { &self.documents } else { parts.stored }
    }
}

impl std::fmt::Debug for Inflater {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Inflater").field("documents", &self.documents.len()).finish_non_exhaustive()
    }
}
