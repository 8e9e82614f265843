//! A letter, and its form in a record.

use serde::{Deserialize, Serialize};

use crate::item::{Id, Item, Kind, Label};
use crate::spool::log::{OwnedRecord, RecordView};

/// A document that the store will never take, and why.
#[derive(Debug, Clone, Copy)]
pub struct Letter<'a> {
    /// Where the document stands in its run does not matter here.
    pub item: Item,
    pub label: Label,
    pub document: &'a [u8],
    /// The index that it was sent to.
    pub index: &'a str,
    /// A row of the books: `mapping`, `expired`.
    pub reason: &'a str,
    /// The store's own, for the operator; may be empty.
    pub words: &'a str,
    /// When it was given up: microseconds since 1970.
    pub time: u64,
}

/// A letter that was read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredLetter {
    pub kind: Kind,
    pub hour: u64,
    pub id: Id,
    pub label: Label,
    pub document: Vec<u8>,
    pub index: String,
    pub reason: String,
    pub words: String,
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

impl StoredLetter {
    pub fn key(&self) -> Key {
        Key { index: self.index.clone(), is_service: self.kind == Kind::Service, id: self.id }
    }

    pub(super) fn as_letter(&self) -> Letter<'_> {
        Letter {
            item: Item { kind: self.kind, hour: self.hour, id: self.id, start: 0, end: 0 },
            label: self.label,
            document: &self.document,
            index: &self.index,
            reason: &self.reason,
            words: &self.words,
            time: self.time,
        }
    }
}

/// Letters as records: one for each run of letters that share all but the document, cut where its
/// documents would be more than `most` bytes.
pub(super) fn records(letters: &[Letter<'_>], most: usize) -> Vec<OwnedRecord> {
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

fn empty(letter: &Letter<'_>) -> OwnedRecord {
    // Texts and a number always make JSON.
    let note = serde_json::to_vec(&Envelope::of(letter)).unwrap_or_default();
    OwnedRecord { label: letter.label, items: Vec::new(), documents: Vec::new(), note }
}

fn push(record: &mut OwnedRecord, letter: &Letter<'_>) {
    let start = record.documents.len() as u32;
    record.documents.extend_from_slice(letter.document);
    record.items.push(Item { start, end: record.documents.len() as u32, ..letter.item });
}

/// The letters of a record; none if its note is not ours.
pub(super) fn of_record(record: &RecordView<'_>) -> Vec<StoredLetter> {
    let Ok(envelope) = serde_json::from_slice::<Envelope>(record.note) else { return Vec::new() };
    let letter = |item: Item| StoredLetter {
        kind: item.kind,
        hour: item.hour,
        id: item.id,
        label: record.label,
        document: record.documents.get(item.start as usize..item.end as usize).unwrap_or_default().to_vec(),
        index: envelope.index.clone(),
        reason: envelope.reason.clone(),
        words: envelope.words.clone(),
        time: envelope.time,
    };
    record.items().map(letter).collect()
}

impl Envelope {
    fn of(letter: &Letter<'_>) -> Self {
        let text = str::to_string;
        Envelope {
            index: text(letter.index),
            reason: text(letter.reason),
            words: text(letter.words),
            time: letter.time,
        }
    }

    fn is_of(&self, letter: &Letter<'_>) -> bool {
        (self.index.as_str(), self.reason.as_str(), self.words.as_str(), self.time)
            == (letter.index, letter.reason, letter.words, letter.time)
    }
}
