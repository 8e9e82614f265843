//! A log: records in segment files, safe against crashes and against single corruptions.
//!
//! **Promises.** When [`Log::append`] has returned its records are safe: they are read back exactly
//! until their segment is released, whatever happens but damage to their very bytes. Any single
//! corruption (a flipped bit, a lost or overwritten sector, a file cut short) costs at most the
//! record that it hits; it is reported with its place, and the file is set aside in the end, not
//! deleted. What was not acknowledged may come back or not, but is never taken for damage of what
//! was. Nothing that was released comes back once its place is used again.
//!
//! **How it is built.** A segment is a file with two copies of its head, then
//! commits: one or more records and an end mark. A commit is one write and, with `sync`, one
//! `fdatasync`. A segment's number is its *generation*: it grows over the life of the directory and
//! stands in every head, together with a random salt in every checksum, so that a file can be used
//! again without a trace of what it held. A released segment is marked free and kept for that, up
//! to `spare` of them; writing into pages that exist costs a third of writing into new ones. Once that
//! mark is durable ([`Log::confirm_free`]) a segment begins in it without a sync of its own.
//!
//! A file in which a write or a sync failed is never written again: it is cut back to what was
//! acknowledged, and the commit goes to a new file, once. The next segment's head tells where the
//! one before it ended, so that a reader in a later life knows what was acknowledged.
//!
//! A disk is taken to write a sector whole or not at all, as every journal takes it: a commit that
//! begins in the middle of a sector writes the bytes before it again as they were.
//!
//! | file | what |
//! |---|---|
//! | `head` | the head of a file, the one place that knows its versions |
//! | `record` | the form of records |
//! | `append`, `packed` | the writer: commits, rolling over, failed writes |
//! | `segments`, `files` | which files there are, their budget, their reuse |
//! | `recover` | what an earlier life left |
//! | `walk`, `window`, `payload`, `view` | reading back |
//! | `cut` | the room behind what an earlier life left |

mod append;
mod checksum;
mod cut;
mod files;
mod head;
mod packed;
mod payload;
mod record;
mod recover;
mod segments;
mod view;
mod walk;
mod window;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::disk::Disk;
use crate::item::{Item, Label};
use append::Writer;
use segments::Segments;

pub use view::{Items, RecordView};
pub use walk::{Damage, DamageKind, LostItems, Step, Walked};

/// How a log is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The size of a segment. A commit that is larger gets a segment of its own size.
    pub segment_bytes: u64,
    /// The most that all files may take, free ones too.
    pub max_bytes: u64,
    /// `fdatasync` before an append returns.
    pub sync: bool,
    /// Documents are compressed with zstd, level 1.
    pub compress: bool,
    /// Free files kept for reuse.
    pub spare: usize,
}

/// What is appended: items with their documents, and a note that the log does not look into.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    pub label: Label,
    pub items: &'a [Item],
    pub documents: &'a [u8],
    pub note: &'a [u8],
}

/// A record that was read, on its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnedRecord {
    pub label: Label,
    pub items: Vec<Item>,
    pub documents: Vec<u8>,
    pub note: Vec<u8>,
}

impl OwnedRecord {
    pub fn as_record(&self) -> Record<'_> {
        Record { label: self.label, items: &self.items, documents: &self.documents, note: &self.note }
    }
}

/// Where a record stands. `offset + length` is where the next may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    pub segment: u64,
    pub offset: u64,
    pub length: u64,
}

/// A segment of the life before, and the length of its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    pub segment: u64,
    pub bytes: u64,
}

/// What a directory held when it was opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Opened {
    /// Oldest first.
    pub segments: Vec<Found>,
    /// Files that could not be used, to be reported.
    pub notes: Vec<Note>,
}

/// A file that could not be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    pub path: PathBuf,
    pub oddity: Oddity,
    pub fate: Fate,
}

/// What became of a file that could not be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    SetAside(PathBuf),
    /// There was nothing in it.
    Removed,
    /// Left where it is: the next start tries it again.
    Left,
}

/// Why a file could not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Oddity {
    #[error("format {0} of a later release: start that release to have it sent")]
    Newer(u32),
    #[error("both copies of its head are damaged")]
    NoHead,
    #[error("its head cannot be read: {0}")]
    Unreadable(String),
    #[error("another file says that it is the same segment {0}")]
    Twice(u64),
    #[error("it was being made when the process before this one ended")]
    Unfinished,
}

/// The log could not be opened or read.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error("{}: {source}: check the disk and the rights of this process", path.display())]
    Disk { path: PathBuf, source: io::Error },
    #[error("there is no segment {0}")]
    NoSegment(u64),
}

/// Nothing was appended.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    #[error("the limit of {limit} bytes is reached")]
    Full { limit: u64 },
    #[error("{}: {source}", path.display())]
    Disk { path: PathBuf, source: io::Error },
    /// The caller's fault: see [`Record`].
    #[error("record {0} is too large, or an item of it lies outside its documents")]
    Record(usize),
}

/// Records in segment files of one directory. Nobody else may use the directory: see
/// [`super::lock`].
///
/// Appends wait for one another. Nothing that reads or releases waits for a write or a sync.
#[derive(Debug)]
pub struct Log {
    disk: Arc<dyn Disk>,
    directory: PathBuf,
    options: Options,
    writer: Mutex<Writer>,
    segments: Mutex<Segments>,
}

impl Log {
    /// Opens a directory, makes it if need be, and finds what the life before left. Reads only
    /// the heads of files. A new segment is begun by the first append.
    pub fn open(disk: Arc<dyn Disk>, directory: &Path, options: Options) -> Result<(Log, Opened), LogError> {
        let (segments, next, opened) = recover::recover(disk.as_ref(), directory, options.sync)?;
        let log = Log {
            disk,
            directory: directory.to_path_buf(),
            options,
            writer: Mutex::new(Writer::new(next)),
            segments: Mutex::new(segments),
        };
        log.trim();
        Ok((log, opened))
    }

    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The number of the segment that is being written.
    pub fn active(&self) -> Option<u64> {
        self.segments().active
    }

    /// Bytes on disk of the segments in use.
    pub fn bytes(&self) -> u64 {
        self.segments().used_bytes()
    }

    /// The same, but of the segment that is written only what is written.
    pub fn filled_bytes(&self) -> u64 {
        self.segments().filled_bytes()
    }

    /// The file of a segment, for reports.
    pub fn path(&self, segment: u64) -> Option<PathBuf> {
        self.segments().path(segment)
    }

    fn segments(&self) -> MutexGuard<'_, Segments> {
        // Whoever died with it had changed it wholly or not at all.
        self.segments.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of a failure.
fn at(path: &Path) -> impl FnOnce(io::Error) -> LogError {
    let path = path.to_path_buf();
    |source| LogError::Disk { path, source }
}

#[cfg(test)]
mod tests;
