//! Files of segments: their names and heads, and putting one aside.

use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};

use super::head::{COPIES, FORMAT, FileHead};
use super::{LogError, at};
use crate::spool::disk::{Disk, DiskFile};

/// Where files go that cannot be used, below the log's directory.
pub(super) const SET_ASIDE: &str = "set-aside";

/// Writes both copies of a head.
pub(super) fn write_head(file: &dyn DiskFile, head: &FileHead) -> io::Result<()> {
    let bytes = head.encode();
    COPIES.iter().try_for_each(|&offset| file.write_at(&[IoSlice::new(&bytes)], offset))
}

/// The name of a file made for a generation. Used again it keeps its name.
pub(super) fn file_name(generation: u64) -> String {
    format!("{generation:020}.segment")
}

/// The generation in a file's name.
pub(super) fn generation_in(name: &str) -> Option<u64> {
    let digits = name.get(..20).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    name.get(20..).filter(|rest| rest.starts_with(".segment"))?;
    digits.parse().ok()
}

/// A head for a segment that begins.
pub(super) fn new_head(generation: u64, length: u64, before: Option<(u64, u64)>) -> FileHead {
    FileHead { version: FORMAT, generation, salt: random(), is_free: false, length, before }
}

/// A number that cannot be guessed from outside: the standard library's keys against chosen
/// inputs come from the system.
fn random() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one("salt")
}

/// Moves a file to where nobody touches it, under this name or its own, with a number if that is
/// taken. Returns where it is.
pub(super) fn set_aside(
    disk: &dyn Disk,
    directory: &Path,
    path: &Path,
    name: Option<String>,
) -> Result<PathBuf, LogError> {
    let aside = directory.join(SET_ASIDE);
    disk.create_directory(&aside).map_err(at(&aside))?;
    let taken = disk.list(&aside).map_err(at(&aside))?;
    let own_name = || path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let name = name.unwrap_or_else(own_name);
    let is_taken = |name: &str| taken.iter().any(|entry| entry.name == name);
    let mut new_name = name.clone();
    for number in 1u64.. {
        if !is_taken(&new_name) {
            break;
        }
        new_name = format!("{name}.{number}");
    }
    let to = aside.join(new_name);
    disk.rename(path, &to).map_err(at(path))?;
    disk.sync_directory(&aside).map_err(at(&aside))?;
    disk.sync_directory(directory).map_err(at(directory))?;
    Ok(to)
}
