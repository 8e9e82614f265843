//! The few things that the spool asks of a file system, so that a crash can be simulated.
//!
//! Everything here blocks. A [`Disk`] promises no more than POSIX does: what was written is safe
//! when [`DiskFile::sync`] has returned, a name when [`Disk::sync_directory`] has. [`RealDisk`] is
//! the machine's own; `simulated` loses, tears and reorders all that was not synced.

use std::ffi::OsString;
use std::fmt::Debug;
use std::io::{self, IoSlice};
use std::path::Path;

mod read_only;
mod real;
#[doc(hidden)]
pub mod simulated;

pub use read_only::ReadOnlyDisk;
pub use real::RealDisk;

/// What stands in a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub name: OsString,
    pub bytes: u64,
    pub is_directory: bool,
}

/// A file system.
pub trait Disk: Send + Sync + Debug {
    /// Makes a directory and those above it, and sees that their names are durable. One that is
    /// there is left as it is.
    fn create_directory(&self, path: &Path) -> io::Result<()>;

    fn list(&self, directory: &Path) -> io::Result<Vec<Entry>>;

    /// Makes a file that must not be there, for reading and writing, of `reserve` zeros, and takes
    /// room for them, so that a full disk shows here. If that fails no file is left.
    fn create(&self, path: &Path, reserve: u64) -> io::Result<Box<dyn DiskFile>>;

    /// Opens a file for reading and writing.
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// Opens a file for reading.
    fn open_to_read(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes names durable that were made, changed or removed in a directory.
    fn sync_directory(&self, path: &Path) -> io::Result<()>;
}

/// An open file. It stays readable though its name is removed.
pub trait DiskFile: Send + Sync + Debug {
    /// Reads into all of `buffer`, or less at the end of the file.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes all of `slices`, one behind the other.
    fn write_at(&self, slices: &[IoSlice<'_>], offset: u64) -> io::Result<()>;

    /// Makes what was written durable, and the length. After a failure nothing is known of any
    /// write since the last success, and a second try that succeeds proves nothing.
    fn sync(&self) -> io::Result<()>;

    fn length(&self) -> io::Result<u64>;

    fn set_length(&self, length: u64) -> io::Result<()>;

    /// No byte from `offset` up to this place was ever written: all of them are zero. The place may
    /// be the end of the file, or `offset` itself where the system does not know.
    fn next_data(&self, offset: u64) -> io::Result<u64> {
        Ok(offset)
    }
}
