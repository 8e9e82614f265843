//! Replaying: a segment's letters are taken out, sent by the caller, and what the store did not
//! take is put back.

use std::collections::HashMap;
use std::sync::Arc;

use super::letter::records;
use super::{DeadLetterError, DeadLetters, Key, Letter, RECORD_BYTES, append, read_segment};
use crate::spool::disk::ReadOnlyDisk;
use crate::spool::lock::DirectoryLock;
use crate::spool::log::Log;

/// What becomes of a letter; of one that has none nothing changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It is in the store.
    Gone,
    /// The store refused it again.
    Stays { reason: String, words: String, time: u64 },
}

/// A replay of the letters that were there when it began. Only one is under way at a time.
#[derive(Debug)]
pub struct Replay<'a> {
    letters: &'a DeadLetters,
    segments: Vec<u64>,
    _lock: DirectoryLock,
}

impl DeadLetters {
    /// Begins a replay; another one that is under way is an error that names its process.
    pub fn replay(&self) -> Result<Replay<'_>, DeadLetterError> {
        let lock = DirectoryLock::take(&self.directory.join("replaying"))?;
        let _turned = self.turn.take()?;
        let segments = self.look()?.1;
        Ok(Replay { letters: self, segments, _lock: lock })
    }

    fn look(&self) -> Result<(Log, Vec<u64>), DeadLetterError> {
        let disk = Arc::new(ReadOnlyDisk(self.disk.clone()));
        let (log, opened) = Log::open(disk, &self.directory, self.options(0))?;
        Ok((log, opened.segments.iter().map(|found| found.segment).collect()))
    }
}

impl Replay<'_> {
    /// The segments, to be gone through in this order.
    pub fn segments(&self) -> &[u64] {
        &self.segments
    }

    /// The letters of a segment, each once. Nobody waits for it but while it is read.
    pub fn letters(&self, segment: u64) -> Result<Vec<Letter>, DeadLetterError> {
        let _turned = self.letters.turn.take()?;
        let (log, _) = self.letters.look()?;
        let mut letters: Vec<Letter> = Vec::new();
        let mut known = std::collections::HashSet::new();
        read_segment(&log, segment, &mut |letter| {
            if known.insert(letter.key()) {
                letters.push(letter);
            }
        })?;
        Ok(letters)
    }

    /// Takes the letters that are gone out of a segment, and gives those that stay their new
    /// reason. What came meanwhile stays as it is. All that stays is safe elsewhere before the
    /// segment goes.
    pub fn settle(&self, segment: u64, fates: &HashMap<Key, Fate>) -> Result<(), DeadLetterError> {
        if fates.is_empty() {
            return Ok(());
        }
        let mut turned = self.letters.turn.take()?;
        let log = self.letters.log_to_change(&mut turned)?;
        let mut staying: Vec<Letter> = Vec::new();
        read_segment(&log, segment, &mut |letter| match fates.get(&letter.key()) {
            Some(Fate::Gone) => {}
            Some(Fate::Stays { reason, words, time }) => {
                let (reason, words, time) = (reason.clone(), words.clone(), *time);
                staying.push(Letter { reason, words, time, ..letter });
            }
            None => staying.push(letter),
        })?;
        append(&log, &records(&staying, RECORD_BYTES))?;
        log.release(segment);
        Ok(())
    }
}
