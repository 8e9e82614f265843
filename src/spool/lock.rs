//! The lock of a directory: one process writes in it.
//!
//! It is the system's, on the file `lock`: it goes with the process, however that ends. What
//! stands in the file is for people.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

const LOCK: &str = "lock";
/// A longer note was not written by us.
const LONGEST_NOTE: u64 = 1000;

/// A directory that is this process's until this is dropped.
#[derive(Debug)]
pub struct DirectoryLock {
    _file: File,
}

/// The directory cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    #[error(
        "{} is in use by {holder}: stop that process, or give this one a directory of its own", directory.display()
    )]
    Held { directory: PathBuf, holder: String },
    #[error("{}: {source}: this process must be able to make and lock files there", path.display())]
    Unusable { path: PathBuf, source: io::Error },
}

impl DirectoryLock {
    /// Takes the lock of a directory, which is made if need be. Does not wait.
    pub fn take(directory: &Path) -> Result<Self, LockError> {
        let path = directory.join(LOCK);
        let unusable = |source| LockError::Unusable { path: path.clone(), source };
        std::fs::create_dir_all(directory).map_err(unusable)?;
        let options = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = options.map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(LockError::Held { directory: directory.to_path_buf(), holder: holder(&file) });
            }
            Err(TryLockError::Error(source)) => return Err(unusable(source)),
        }
        sign(&mut file).map_err(unusable)?;
        Ok(DirectoryLock { _file: file })
    }
}

fn sign(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    file.write_all(format!("process {} on host {host}\n", std::process::id()).as_bytes())
}

/// Who holds it is a courtesy: unreadable, it is left out.
fn holder(file: &File) -> String {
    let mut note = String::new();
    match file.take(LONGEST_NOTE).read_to_string(&mut note) {
        Ok(_) if !note.trim().is_empty() => note.trim().escape_debug().to_string(),
        _ => "another process".to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_told_who_is_the_first() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("spool");
        let first = DirectoryLock::take(&path).unwrap();
        let error = DirectoryLock::take(&path).unwrap_err().to_string();
        assert!(error.contains(&format!("in use by process {} on host ", std::process::id())), "{error}");
        assert!(error.contains("stop that process"), "{error}");
        drop(first);
        DirectoryLock::take(&path).unwrap();
    }

    #[test]
    fn a_directory_that_cannot_be_is_an_error_with_its_path() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("file"), "").unwrap();
        let error = DirectoryLock::take(&directory.path().join("file/spool")).unwrap_err();
        assert!(error.to_string().contains("file/spool"), "{error}");
    }
}
