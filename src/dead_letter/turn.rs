//! Whose turn it is: the system's lock on a file, and a number in it that is advanced by whoever
//! changes the log beside the collector.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::DeadLetterError;

const FILE: &str = "turn";

/// The file; without one nobody else can be there.
#[derive(Debug)]
pub(super) struct Turn {
    path: PathBuf,
    /// A lock of the system holds between processes and not between threads.
    file: Mutex<Option<File>>,
}

/// The turn is ours until this is dropped.
#[derive(Debug)]
pub(super) struct Turned<'a> {
    path: &'a Path,
    file: MutexGuard<'a, Option<File>>,
    number: u64,
}

impl Turn {
    pub(super) fn open(directory: &Path) -> Result<Self, DeadLetterError> {
        let path = directory.join(FILE);
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let file = opened.map_err(super::failed(&path))?;
        Ok(Turn { path, file: Mutex::new(Some(file)) })
    }

    pub(super) fn alone() -> Self {
        Turn { path: PathBuf::new(), file: Mutex::default() }
    }

    /// Waits until it is ours: others have it for as long as they read or write a few files.
    pub(super) fn take(&self) -> Result<Turned<'_>, DeadLetterError> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let number = match file.as_mut() {
            Some(file) => locked(file).map_err(super::failed(&self.path))?,
            None => 0,
        };
        Ok(Turned { path: &self.path, file, number })
    }
}

fn locked(file: &mut File) -> io::Result<u64> {
    file.lock()?;
    let mut text = String::new();
    let read = file.rewind().and_then(|()| file.take(100).read_to_string(&mut text));
    if read.is_err() {
        let _ = file.unlock();
    }
    read?;
    // A number that was half written was written by one that died before it changed anything.
    Ok(text.trim().parse().unwrap_or(0))
}

impl Turned<'_> {
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Tells all others that the log is about to be changed.
    pub(super) fn advance(&mut self) -> Result<(), DeadLetterError> {
        let next = self.number + 1;
        if let Some(file) = self.file.as_mut() {
            // It only grows, so that what is longer is never left behind it.
            let written = file.rewind().and_then(|()| file.write_all(format!("{next}\n").as_bytes()));
            written.map_err(super::failed(self.path))?;
        }
        self.number = next;
        Ok(())
    }
}

impl Drop for Turned<'_> {
    fn drop(&mut self) {
        if let Some(file) = self.file.as_ref() {
            // Else it goes with the file.
            let _ = file.unlock();
        }
    }
}
