//! `spaniel spool`: looks into the directory of a spool, reads it, and writes it out.
//!
//! A spool's directory holds `segments`, what waits to be sent; `held/INDEX`, what is held apart for
//! an index that would not take it; and `dead-letters`. All of it is opened over a disk that changes
//! nothing, and without the lock: it works while a collector runs on it; but for `drain`, which is a
//! collector without ports and needs the lock. Then files come, grow and
//! are used again while they are read, and what looks like damage is looked at twice ([`survey`]).

mod drain;
mod export;
mod list;
mod survey;
mod verify;

#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::spool::disk::{Disk, ReadOnlyDisk, RealDisk};
use crate::spool::log::{Log, LogError, Opened, Options};

pub(super) use drain::run as drain;
pub(super) use export::run as export;
pub(super) use list::run as list;
pub(super) use survey::protocol;
pub(super) use verify::run as verify;

/// Where things lie in a spool's directory.
pub(super) const SEGMENTS: &str = "segments";
pub(super) const HELD: &str = "held";
pub(super) const DEAD_LETTERS: &str = "dead-letters";
const SET_ASIDE: &str = "set-aside";

/// A log of a spool: what waits, or what is held for an index.
#[derive(Debug)]
struct Part {
    /// The index, if it is held for one.
    index: Option<String>,
    directory: PathBuf,
    log: Log,
    opened: Opened,
}

/// All logs of a spool's directory, what waits first. An error: the directory cannot be read.
fn parts(directory: &Path) -> Result<Vec<Part>, LogError> {
    let failed = |source| LogError::Disk { path: directory.to_path_buf(), source };
    let entries = RealDisk.list(directory).map_err(failed)?;
    let mut parts = Vec::new();
    let mut add = |index: Option<String>, directory: PathBuf| -> Result<(), LogError> {
        let (log, opened) = open(&directory)?;
        parts.push(Part { index, directory, log, opened });
        Ok(())
    };
    if entries.iter().any(|entry| entry.name == SEGMENTS && entry.is_directory) {
        add(None, directory.join(SEGMENTS))?;
    }
    for index in directories(&directory.join(HELD)).map_err(failed)? {
        add(Some(index.clone()), directory.join(HELD).join(index))?;
    }
    Ok(parts)
}

/// Opens a log to look into it.
fn open(directory: &Path) -> Result<(Log, Opened), LogError> {
    let disk = Arc::new(ReadOnlyDisk(Arc::new(RealDisk)));
    let options = Options { segment_bytes: 0, max_bytes: 0, sync: false, compress: false, spare: usize::MAX };
    Log::open(disk, directory, options)
}

/// The directories in one, sorted; none if it is not there.
fn directories(directory: &Path) -> io::Result<Vec<String>> {
    let entries = ReadOnlyDisk(Arc::new(RealDisk)).list(directory)?;
    let directories = entries.into_iter().filter(|entry| entry.is_directory);
    let mut names: Vec<String> = directories.filter_map(|entry| entry.name.into_string().ok()).collect();
    names.sort();
    Ok(names)
}

/// Files that were set aside below a directory, with their length.
fn set_aside(directory: &Path) -> Vec<(PathBuf, u64)> {
    let aside = directory.join(SET_ASIDE);
    let entries = RealDisk.list(&aside).unwrap_or_default();
    let mut files: Vec<_> = entries.into_iter().map(|entry| (aside.join(entry.name), entry.bytes)).collect();
    files.sort();
    files
}
