//! A record as it lies in the reader's buffer.

use super::OwnedRecord;
use super::record::{ITEM, decode_item};
use crate::item::{Item, Label};

/// A record whose checksum is right and whose items lie within its documents.
#[derive(Debug, Clone, Copy)]
pub struct RecordView<'a> {
    pub label: Label,
    pub note: &'a [u8],
    pub documents: &'a [u8],
    items: &'a [u8],
}

/// The items of a record.
#[derive(Debug, Clone)]
pub struct Items<'a>(std::slice::ChunksExact<'a, u8>);

impl<'a> RecordView<'a> {
    /// `None`: an item is not one, or lies outside the documents.
    pub(super) fn new(label: Label, note: &'a [u8], items: &'a [u8], documents: &'a [u8]) -> Option<Self> {
        let lies_within = |item: Item| item.start <= item.end && item.end as usize <= documents.len();
        let are_good = items.chunks_exact(ITEM).all(|item| decode_item(item).is_some_and(lies_within));
        are_good.then_some(RecordView { label, note, documents, items })
    }

    pub fn items(&self) -> Items<'a> {
        Items(self.items.chunks_exact(ITEM))
    }

    pub fn to_record(&self) -> OwnedRecord {
        OwnedRecord {
            label: self.label,
            items: self.items().collect(),
            documents: self.documents.to_vec(),
            note: self.note.to_vec(),
        }
    }
}

impl Iterator for Items<'_> {
    type Item = Item;

    fn next(&mut self) -> Option<Item> {
        // Each was decoded once when the view was made.
        self.0.next().and_then(decode_item)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl ExactSizeIterator for Items<'_> {}
