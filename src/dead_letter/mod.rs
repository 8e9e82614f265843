//! Dead letters: documents that the store will never take, kept on disk with the reason.
//!
//! They lie in a log of their own, and are synced before what they came in is settled. Nothing is
//! dropped: when their limit is reached, the caller holds what he has.

use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::item::{Item, Label};
use crate::spool::disk::Disk;
use crate::spool::log::{AppendError, Log, LogError, Options, Record};

/// Bytes of one file.
const SEGMENT_BYTES: u64 = 4 << 20;

/// A document that the store refused for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    pub label: Label,
    /// Its place is of no matter.
    pub item: Item,
    pub document: Vec<u8>,
    /// Where it was to be stored.
    pub index: String,
    /// The word for why.
    pub reason: String,
    /// The store's own words.
    pub words: String,
    /// Microseconds since 1970.
    pub time: u64,
}

/// What letters of one record share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Note {
    index: String,
    reason: String,
    words: String,
    time: u64,
}

/// The dead letters of one directory.
#[derive(Debug)]
pub struct DeadLetters {
    log: Log,
}

impl DeadLetters {
    /// Opens the log in a directory; `max_bytes` is `--dead-letter.max-bytes`.
    pub fn open(disk: Arc<dyn Disk>, directory: &Path, max_bytes: u64) -> Result<Self, LogError> {
        let segment_bytes = SEGMENT_BYTES.min(max_bytes / 2);
        let options = Options { segment_bytes, max_bytes, sync: true, compress: true, spare: 0 };
        let (log, _) = Log::open(disk, directory, options)?;
        Ok(DeadLetters { log })
    }

    /// Makes letters safe, all or none. Blocking.
    pub fn append(&self, letters: &[Letter]) -> Result<(), AppendError> {
        let bundles = bundles(letters);
        let records = bundles.iter().map(|bundle| Record {
            label: bundle.label,
            items: &bundle.items,
            documents: &bundle.documents,
            note: &bundle.note,
        });
        self.log.append(&records.collect::<Vec<_>>()).map(|_| ())
    }
}

/// Letters of one record.
#[derive(Debug)]
struct Bundle {
    label: Label,
    note: Vec<u8>,
    items: Vec<Item>,
    documents: Vec<u8>,
}

/// Letters that come one after the other and share their note.
fn bundles(letters: &[Letter]) -> Vec<Bundle> {
    let mut bundles: Vec<Bundle> = Vec::new();
    for letter in letters {
        let Letter { label, item, document, index, reason, words, time } = letter;
        let note = Note { index: index.clone(), reason: reason.clone(), words: words.clone(), time: *time };
        // A note is made of texts and a number, which always can be written.
        let note = serde_json::to_vec(&note).unwrap_or_default();
        if bundles.last().is_none_or(|last| last.note != note || last.label != *label) {
            bundles.push(Bundle { label: *label, note, items: Vec::new(), documents: Vec::new() });
        }
        let Some(bundle) = bundles.last_mut() else { continue };
        let start = bundle.documents.len() as u32;
        bundle.documents.extend_from_slice(document);
        bundle.items.push(Item { start, end: bundle.documents.len() as u32, ..*item });
    }
    bundles
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::*;
    use crate::item::{Id, Kind};
    use crate::spool::disk::RealDisk;
    use crate::spool::log::Step;

    fn letter(number: u8, reason: &str) -> Letter {
        let item = Item { kind: Kind::Span, hour: 7, id: Id([number; 16]), start: 90, end: 99 };
        let document = format!("{{\"number\":{number}}}").into_bytes();
        let (index, words) = ("jaeger-span-2026-11-21".into(), "failed to parse".into());
        Letter { label: Label(1), item, document, index, reason: reason.into(), words, time: 5 }
    }

    #[test]
    fn letters_are_found_with_their_reason_by_the_next_life() {
        let directory = tempfile::tempdir().unwrap();
        let open = || DeadLetters::open(Arc::new(RealDisk), directory.path(), 64 << 20).unwrap();
        open().append(&[letter(1, "mapping"), letter(2, "mapping"), letter(3, "expired")]).unwrap();
        let letters = open();
        let mut found = Vec::new();
        letters
            .log
            .walk(1, 0, None, &mut |step| {
                let Step::Record(_, record) = step else { panic!("{step:?}") };
                let note: Note = serde_json::from_slice(record.note).unwrap();
                found.push((note.reason, record.items().len(), String::from_utf8(record.documents.to_vec()).unwrap()));
                ControlFlow::Continue(())
            })
            .unwrap();
        let first = ("mapping".to_string(), 2, "{\"number\":1}{\"number\":2}".to_string());
        assert_eq!(found, [first, ("expired".to_string(), 1, "{\"number\":3}".to_string())]);
    }

    #[test]
    fn nothing_is_dropped_when_the_limit_is_reached() {
        let directory = tempfile::tempdir().unwrap();
        let letters = DeadLetters::open(Arc::new(RealDisk), directory.path(), 1 << 20).unwrap();
        // Bytes that do not compress.
        let noise = |n: u64| xxhash_rust::xxh3::xxh3_64(&n.to_le_bytes()).to_le_bytes();
        let large = Letter { document: (0..200_000).flat_map(noise).collect(), ..letter(1, "mapping") };
        assert!(matches!(letters.append(&[large]), Err(AppendError::Full { .. })));
        letters.append(&[letter(2, "mapping")]).unwrap();
    }
}
