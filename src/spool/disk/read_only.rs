//! A disk that changes nothing: for looking into a directory that another process writes in.
//!
//! What would change something is said to be done and is not, so that a [`super::super::log::Log`]
//! can be opened over it: what it puts away or removes when it is opened stays where it is. Nothing
//! can be made or written.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::{Disk, DiskFile, Entry};

/// See the module.
#[derive(Debug)]
pub struct ReadOnlyDisk(pub Arc<dyn Disk>);

fn refused() -> io::Error {
    io::Error::new(io::ErrorKind::ReadOnlyFilesystem, "this disk is only looked at")
}

impl Disk for ReadOnlyDisk {
    fn create_directory(&self, _path: &Path) -> io::Result<()> {
        Ok(())
    }

    /// A directory that is not there, and would have been made, is empty.
    fn list(&self, directory: &Path) -> io::Result<Vec<Entry>> {
        match self.0.list(directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            entries => entries,
        }
    }

    fn create(&self, _path: &Path, _reserve: u64) -> io::Result<Box<dyn DiskFile>> {
        Err(refused())
    }

    fn open(&self, _path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Err(refused())
    }

    fn open_to_read(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.0.open_to_read(path)
    }

    fn rename(&self, _from: &Path, _to: &Path) -> io::Result<()> {
        Ok(())
    }

    fn remove(&self, _path: &Path) -> io::Result<()> {
        Ok(())
    }

    fn sync_directory(&self, _path: &Path) -> io::Result<()> {
        Ok(())
    }
}
