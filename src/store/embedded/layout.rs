//! The store's directory: who may write in it, and the directories of days in it.
//!
//! A day is made under a name of its own and renamed when it is whole, and renamed before it is
//! deleted; so after a crash every directory that has a day's name is a whole day. `day.json` in
//! it says which hours it holds, whatever the settings say today.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use super::OpenError;
use super::schema;
use crate::item::Kind;

const LOCK: &str = "lock";
const DAY_FILE: &str = "day.json";
const UNFINISHED: &str = ".new-";
const DELETED: &str = ".deleted-";
const SET_ASIDE: &str = "unreadable-";

/// Which documents a day holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct DayFile {
    pub(super) kind: DayKind,
    /// Hours since 1970.
    pub(super) first_hour: u64,
    /// 24, or 1 with hourly rotation.
    pub(super) hours: u64,
    /// Microseconds since 1970, by the store's clock.
    pub(super) created: u64,
}

/// [`Kind`], as written in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum DayKind {
    Span,
    Service,
}

impl From<Kind> for DayKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Span => DayKind::Span,
            Kind::Service => DayKind::Service,
        }
    }
}

/// The directory, ours alone until this is dropped.
#[derive(Debug)]
pub(super) struct Root {
    pub(super) path: PathBuf,
    _lock: File,
}

/// What stands in the directory.
#[derive(Debug)]
pub(super) enum Found {
    Day { name: String, file: DayFile },
    Unreadable { name: String, reason: String },
}

impl Root {
    /// Makes the directory if need be, takes its lock, and clears away what a crash left.
    pub(super) fn open(path: &Path) -> Result<Self, OpenError> {
        let unusable = |source| OpenError::Unusable { directory: path.to_path_buf(), source };
        fs::create_dir_all(path).map_err(unusable)?;
        let lock = take_lock(path)?;
        let root = Root { path: path.to_path_buf(), _lock: lock };
        for name in root.names().map_err(unusable)? {
            if name.starts_with(UNFINISHED) || name.starts_with(DELETED) {
                fs::remove_dir_all(root.path.join(name)).map_err(unusable)?;
            }
        }
        Ok(root)
    }

    /// The days, in the order of their names.
    pub(super) fn days(&self) -> io::Result<Vec<Found>> {
        let mut found = Vec::new();
        for name in self.names()? {
            if name.starts_with(SET_ASIDE) {
                continue;
            }
            let path = self.path.join(&name);
            let is_ours = name.contains("jaeger-") || path.join(DAY_FILE).exists();
            match read_day_file(&path) {
                Ok(file) => found.push(Found::Day { name, file }),
                Err(error) if is_ours => found.push(Found::Unreadable { name, reason: format!("{DAY_FILE}: {error}") }),
                Err(_) => {}
            }
        }
        Ok(found)
    }

    /// Makes an empty day.
    pub(super) fn create(&self, name: &str, file: &DayFile) -> tantivy::Result<()> {
        let unfinished = self.path.join(format!("{UNFINISHED}{name}"));
        if unfinished.exists() {
            fs::remove_dir_all(&unfinished)?;
        }
        fs::create_dir(&unfinished)?;
        let mut written = File::create(unfinished.join(DAY_FILE))?;
        written.write_all(&serde_json::to_vec(file).map_err(io::Error::from)?)?;
        written.sync_all()?;
        let builder = tantivy::Index::builder().schema(schema::schema().0).settings(schema::settings());
        builder.create_in_dir(&unfinished)?;
        self.rename(&format!("{UNFINISHED}{name}"), name)?;
        Ok(())
    }

    /// Deletes a day. What is still being read of it stays readable until it is let go.
    pub(super) fn delete(&self, name: &str) -> io::Result<()> {
        let deleted = format!("{DELETED}{name}");
        self.rename(name, &deleted)?;
        fs::remove_dir_all(self.path.join(deleted))
    }

    /// Puts a day away that cannot be read, and tells under which name.
    pub(super) fn set_aside(&self, name: &str) -> io::Result<String> {
        let names = (0u32..).map(|number| match number {
            0 => format!("{SET_ASIDE}{name}"),
            _ => format!("{SET_ASIDE}{name}-{number}"),
        });
        for aside in names {
            if !self.path.join(&aside).exists() {
                self.rename(name, &aside)?;
                return Ok(aside);
            }
        }
        Err(io::Error::other("no name is free"))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path.join(from), self.path.join(to))?;
        File::open(&self.path)?.sync_all()
    }

    /// Names of the directories, sorted.
    fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                names.extend(entry.file_name().into_string());
            }
        }
        names.sort_unstable();
        Ok(names)
    }
}

/// The lock is the system's: it goes with the process, however that ends. The number in the file
/// is for people.
fn take_lock(directory: &Path) -> Result<File, OpenError> {
    let unusable = |source| OpenError::Unusable { directory: directory.to_path_buf(), source };
    let path = directory.join(LOCK);
    let options = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
    let mut file = options.map_err(unusable)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            // Who holds it is a courtesy: unreadable, it is left out.
            let _ = file.read_to_string(&mut holder);
            return Err(OpenError::Locked { directory: directory.to_path_buf(), process: holder.trim().to_string() });
        }
        Err(TryLockError::Error(source)) => return Err(unusable(source)),
    }
    let mut note = || -> io::Result<()> {
        file.set_len(0)?;
        file.rewind()?;
        writeln!(file, "{}", std::process::id())
    };
    note().map_err(unusable)?;
    Ok(file)
}

fn read_day_file(day: &Path) -> io::Result<DayFile> {
    serde_json::from_slice(&fs::read(day.join(DAY_FILE))?).map_err(io::Error::from)
}

/// Bytes of the files in a day's directory.
pub(super) fn bytes_in(day: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(day)? {
        // A merge may delete a file between its listing and this.
        bytes += entry?.metadata().map_or(0, |metadata| metadata.len());
    }
    Ok(bytes)
}
