//! Dead letters: documents that the store will never take, kept until an operator deals with them.
//!
//! **Promises.** When [`DeadLetters::append`] has returned its letters are safe on disk: what lies
//! in the spool may go. A letter is there until it is replayed; the limit refuses new ones and drops
//! none. A letter that comes again is kept again and listed once ([`Key`]).
//!
//! **How it is built.** A log of its own ([`crate::spool::log`]) in a directory of its own. A record
//! is a run of letters that share index, reason, the store's words and time, which stand in its note
//! as JSON. Segments are small: replaying goes by segments.
//!
//! **Two processes.** An operator looks and replays while a collector appends. Whoever reads or
//! changes the log holds the system's lock on the file `turn` for just that long, never while the
//! store is asked; and whoever changes it beside the collector advances the number in that file, by
//! which the collector sees that it must open the log anew. So nobody writes through a log that
//! another has changed, a crash of either leaves no lock behind, and no message has to be passed.
//! What a replay leaves is written, and synced, before the segment that held it goes: a crash in
//! between leaves letters twice, which is once.

mod letter;
mod replay;
mod turn;

#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::spool::disk::{Disk, ReadOnlyDisk};
use crate::spool::lock::LockError;
use crate::spool::log::{AppendError, Log, LogError, Note, Options, OwnedRecord, Step};
use turn::{Turn, Turned};

pub use letter::{Key, Letter};
pub use replay::{Fate, Replay};

/// Small, so that a replay reads and writes little at once.
const SEGMENT_BYTES: u64 = 256 << 10;
/// Documents of one record: a larger run of letters is cut, so that reading takes little memory.
const RECORD_BYTES: usize = 1 << 20;
/// What a replay may take beyond the limit, for the moment between writing what it leaves and
/// removing what was.
const SLACK_BYTES: u64 = 256 << 20;

/// The letters cannot be kept, or not be read.
#[derive(Debug, thiserror::Error)]
pub enum DeadLetterError {
    #[error(
        "the dead letters have reached {limit} bytes: mend the mapping and run `spaniel dead-letter replay`, or raise \
         --dead-letter.max-bytes"
    )]
    Full { limit: u64 },
    #[error("{}: {source}: check the disk and the rights of this process", path.display())]
    Disk { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Log(#[from] LogError),
    #[error("another replay is under way: {0}")]
    Replaying(#[from] LockError),
}

/// What could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    pub path: PathBuf,
    pub offset: u64,
    pub bytes: u64,
}

/// The dead letters of a directory; see the module.
#[derive(Debug)]
pub struct DeadLetters {
    disk: Arc<dyn Disk>,
    directory: PathBuf,
    max_bytes: u64,
    turn: Turn,
    opened: Mutex<Option<Opened>>,
    bytes: AtomicU64,
}

/// The log, and whose turn it was when it was opened.
#[derive(Debug)]
struct Opened {
    log: Log,
    turn: u64,
}

impl DeadLetters {
    /// Opens the letters of a directory, which is made if need be.
    pub fn open(disk: Arc<dyn Disk>, directory: &Path, max_bytes: u64) -> Result<Self, DeadLetterError> {
        disk.create_directory(directory).map_err(failed(directory))?;
        let turn = Turn::open(directory)?;
        let letters = DeadLetters::with_turn(disk, directory, max_bytes, turn);
        letters.with_log(|_| Ok(()))?;
        Ok(letters)
    }

    /// The same where no other process can be, over a disk that is not the machine's.
    pub fn open_alone(disk: Arc<dyn Disk>, directory: &Path, max_bytes: u64) -> Result<Self, DeadLetterError> {
        let letters = DeadLetters::with_turn(disk, directory, max_bytes, Turn::alone());
        letters.with_log(|_| Ok(()))?;
        Ok(letters)
    }

    fn with_turn(disk: Arc<dyn Disk>, directory: &Path, max_bytes: u64, turn: Turn) -> Self {
        let (directory, opened) = (directory.to_path_buf(), Mutex::default());
        DeadLetters { disk, directory, max_bytes, turn, opened, bytes: AtomicU64::new(0) }
    }

    /// Keeps letters, all or none, synced before it returns. Blocks.
    pub fn append(&self, letters: &[Letter]) -> Result<(), DeadLetterError> {
        let records = letter::records(letters, RECORD_BYTES);
        self.with_log(|log| append(log, &records))
    }

    /// Looks whether another process has changed them, so that [`DeadLetters::bytes`] is true. Blocks.
    pub fn refresh(&self) -> Result<(), DeadLetterError> {
        self.with_log(|_| Ok(()))
    }

    /// Bytes on disk, as of the last append or refresh.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Reads all letters, also while another process writes; one that came twice comes twice.
    /// Returns what could not be read.
    pub fn read(&self, visit: &mut dyn FnMut(Letter)) -> Result<Vec<Unread>, DeadLetterError> {
        let _turned = self.turn.take()?;
        let disk = Arc::new(ReadOnlyDisk(self.disk.clone()));
        let (log, opened) = Log::open(disk, &self.directory, self.options(0))?;
        let mut unread: Vec<_> = opened.notes.iter().map(unread_file).collect();
        for found in &opened.segments {
            unread.extend(read_segment(&log, found.segment, visit)?);
        }
        Ok(unread)
    }

    /// Does something with the log, which nobody else touches meanwhile.
    fn with_log<T>(&self, work: impl FnOnce(&Log) -> Result<T, DeadLetterError>) -> Result<T, DeadLetterError> {
        let mut opened = self.opened();
        let turned = self.turn.take()?;
        let current = match opened.take().filter(|opened| opened.turn == turned.number()) {
            Some(current) => current,
            None => Opened { log: self.open_log(0)?, turn: turned.number() },
        };
        let worked = work(&current.log);
        self.bytes.store(current.log.bytes(), Ordering::Relaxed);
        *opened = Some(current);
        worked
    }

    /// A log to change beside a collector, which is told by the number.
    fn log_to_change(&self, turned: &mut Turned<'_>) -> Result<Log, DeadLetterError> {
        turned.advance()?;
        self.open_log(SLACK_BYTES)
    }

    fn open_log(&self, slack: u64) -> Result<Log, DeadLetterError> {
        let (log, opened) = Log::open(self.disk.clone(), &self.directory, self.options(slack))?;
        for Note { path, oddity, fate } in &opened.notes {
            tracing::warn!(path = %path.display(), %oddity, ?fate, "a file of dead letters cannot be used");
        }
        Ok(log)
    }

    fn options(&self, slack: u64) -> Options {
        let max_bytes = self.max_bytes.saturating_add(slack);
        Options { segment_bytes: SEGMENT_BYTES, max_bytes, sync: true, compress: true, spare: 0 }
    }

    fn opened(&self) -> MutexGuard<'_, Option<Opened>> {
        // Whoever died with it has left nothing in it: the log is opened anew.
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn append(log: &Log, records: &[OwnedRecord]) -> Result<(), DeadLetterError> {
    let records: Vec<_> = records.iter().map(OwnedRecord::as_record).collect();
    match log.append(&records) {
        Ok(_) => Ok(()),
        Err(AppendError::Full { limit }) => Err(DeadLetterError::Full { limit }),
        Err(AppendError::Disk { path, source }) => Err(DeadLetterError::Disk { path, source }),
        Err(error @ AppendError::Record(_)) => {
            let path = log.directory().to_path_buf();
            Err(DeadLetterError::Disk { path, source: io::Error::new(io::ErrorKind::InvalidInput, error.to_string()) })
        }
    }
}

/// Hands out the letters of one segment; returns what could not be read of it.
fn read_segment(log: &Log, segment: u64, visit: &mut dyn FnMut(Letter)) -> Result<Vec<Unread>, DeadLetterError> {
    let path = log.path(segment).unwrap_or_default();
    let mut unread = Vec::new();
    log.walk(segment, 0, None, &mut |step| {
        match step {
            Step::Record(place, record) => {
                let letters = letter::of_record(&record);
                if letters.is_empty() {
                    unread.push(Unread { path: path.clone(), offset: place.offset, bytes: place.length });
                }
                letters.into_iter().for_each(&mut *visit);
            }
            Step::Damage(damage) if damage.kind == crate::spool::log::DamageKind::Damaged => {
                unread.push(Unread { path: path.clone(), offset: damage.offset, bytes: damage.bytes });
            }
            Step::Damage(_) => {}
        }
        std::ops::ControlFlow::Continue(())
    })?;
    Ok(unread)
}

fn unread_file(note: &Note) -> Unread {
    Unread { path: note.path.clone(), offset: 0, bytes: 0 }
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> DeadLetterError {
    let path = path.to_path_buf();
    |source| DeadLetterError::Disk { path, source }
}
