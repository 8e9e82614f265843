//! A letter, and its form in a record.

use serde::{Deserialize, Serialize};

use crate::item::{Id, Item, Kind, Label};
use crate::spool::log::{OwnedRecord, RecordView};

/// A document that the store will never take, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    pub label: Label,
    /// Where the document stands in its run does not matter here.
    pub item: Item,
    pub document: Vec<u8>,
    /// The index that it was sent to.
    pub index: String,
    /// A row of the books: `mapping`, `expired`.
    pub reason: String,
    /// The store's own, for the operator; may be empty.
    pub words: String,
    /// When it was given up: microseconds since 1970.
    pub time: u64,
}

/// What makes two letters the same one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    pub index: String,
    pub is_service: bool,
    pub id: Id,
}

/// What letters of a record share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Envelope {
    index: String,
    reason: String,
    words: String,
    time: u64,
}

impl Letter {
    pub fn key(&self) -> Key {
        Key { index: self.index.clone(), is_service: self.item.kind == Kind::Service, id: self.item.id }
    }
}

/// Letters as records: one for each run of letters that share all but the document, cut where its
/// documents would be more than `most` bytes.
pub(super) fn records(letters: &[Letter], most: usize) -> Vec<OwnedRecord> {
    let mut records: Vec<(Envelope, OwnedRecord)> = Vec::new();
    for letter in letters {
        let fits = |(envelope, record): &&mut (Envelope, OwnedRecord)| {
            envelope.is_of(letter)
                && record.label == letter.label
                && record.documents.len() + letter.document.len() <= most
        };
        match records.last_mut().filter(fits) {
            Some((_, record)) => push(record, letter),
            None => {
                let mut record = empty(letter);
                push(&mut record, letter);
                records.push((Envelope::of(letter), record));
            }
        }
    }
    records.into_iter().map(|(_, record)| record).collect()
}

fn empty(letter: &Letter) -> OwnedRecord {
    // Texts and a number always make JSON.
    let note = serde_json::to_vec(&Envelope::of(letter)).unwrap_or_default();
    OwnedRecord { label: letter.label, items: Vec::new(), documents: Vec::new(), note }
}

fn push(record: &mut OwnedRecord, letter: &Letter) {
    let start = record.documents.len() as u32;
    record.documents.extend_from_slice(&letter.document);
    record.items.push(Item { start, end: record.documents.len() as u32, ..letter.item });
}

/// The letters of a record; none if its note is not ours.
pub(super) fn of_record(record: &RecordView<'_>) -> Vec<Letter> {
    let Ok(envelope) = serde_json::from_slice::<Envelope>(record.note) else { return Vec::new() };
    let letter = |item: Item| Letter {
        label: record.label,
        document: record.documents.get(item.start as usize..item.end as usize).unwrap_or_default().to_vec(),
        item,
        index: envelope.index.clone(),
        reason: envelope.reason.clone(),
        words: envelope.words.clone(),
        time: envelope.time,
    };
    record.items().map(letter).collect()
}

impl Envelope {
    fn of(letter: &Letter) -> Self {
        let Letter { index, reason, words, time, .. } = letter;
        Envelope { index: index.clone(), reason: reason.clone(), words: words.clone(), time: *time }
    }

    fn is_of(&self, letter: &Letter) -> bool {
        (&self.index, &self.reason, &self.words, self.time)
            == (&letter.index, &letter.reason, &letter.words, letter.time)
    }
}
