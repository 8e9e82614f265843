//! What an earlier life left in the directory. Only heads are read.

use std::io::{self, IoSlice};
use std::path::Path;

use super::files::{SET_ASIDE, file_name, generation_in, set_aside};
use super::head::{COPIES, Copy, DATA_START, FileHead, HEAD_BYTES};
use super::record::ALIGN;
use super::segments::{FreeFile, Segment, Segments};
use super::{Fate, Found, LogError, Note, Oddity, Opened, at};
use crate::spool::disk::{Disk, DiskFile};

/// Finds segments and free files, and the number of the next segment; puts away what it cannot use.
pub(super) fn recover(disk: &dyn Disk, directory: &Path, sync: bool) -> Result<(Segments, u64, Opened), LogError> {
    disk.create_directory(directory).map_err(at(directory))?;
    let mut recovery = Recovery {
        disk,
        directory,
        sync,
        segments: Segments::default(),
        highest: 0,
        before: Vec::new(),
        notes: Vec::new(),
    };
    let mut entries = disk.list(directory).map_err(at(directory))?;
    entries.sort_unstable_by(|one, two| one.name.cmp(&two.name));
    for entry in &entries {
        let Some(name) = entry.name.to_str() else { continue };
        if entry.is_directory && name == SET_ASIDE {
            recovery.count_aside()?;
        }
        if let Some(generation) = generation_in(name)
            && !entry.is_directory
            && name == file_name(generation)
        {
            recovery.highest = recovery.highest.max(generation);
            recovery.take_in(&directory.join(name), entry.bytes)?;
        }
    }
    Ok(recovery.finish())
}

struct Recovery<'a> {
    disk: &'a dyn Disk,
    directory: &'a Path,
    /// A file that was never synced must not be synced now: if that fails its records are lost.
    sync: bool,
    segments: Segments,
    /// The highest number in a file's name.
    highest: u64,
    /// What heads say of the segments before them: generation and end.
    before: Vec<(u64, u64)>,
    notes: Vec<Note>,
}

impl Recovery<'_> {
    /// No number of a file that was set aside is given again.
    fn count_aside(&mut self) -> Result<(), LogError> {
        let aside = self.directory.join(SET_ASIDE);
        for entry in self.disk.list(&aside).map_err(at(&aside))? {
            let generation = entry.name.to_str().and_then(generation_in).unwrap_or(0);
            self.segments.newest_aside = self.segments.newest_aside.max(generation);
        }
        Ok(())
    }

    fn take_in(&mut self, path: &Path, bytes: u64) -> Result<(), LogError> {
        match read_head(self.disk, path) {
            Ok((Copy::Good(head), bad)) => self.take_good(path, bytes, head, bad),
            Ok((Copy::Newer(version), _)) => self.put_aside(path, Oddity::Newer(version)),
            Ok((Copy::Empty | Copy::Damaged, _)) if is_empty(self.disk, path) => {
                self.disk.remove(path).map_err(at(path))?;
                self.note(path, Oddity::Unfinished, Fate::Removed);
                Ok(())
            }
            Ok((Copy::Empty | Copy::Damaged, _)) => self.put_aside(path, Oddity::NoHead),
            // Too many open files, a controller that is away for a moment: it may be whole.
            Err(error) => {
                self.segments.total += bytes;
                self.note(path, Oddity::Unreadable(error.to_string()), Fate::Left);
                Ok(())
            }
        }
    }

    fn note(&mut self, path: &Path, oddity: Oddity, fate: Fate) {
        self.notes.push(Note { path: path.to_path_buf(), oddity, fate });
    }

    /// `bad`: where a copy of the head is that is not good. It is written anew, or a crash while the
    /// other one is written would leave none.
    fn take_good(&mut self, path: &Path, bytes: u64, head: FileHead, bad: Option<u64>) -> Result<(), LogError> {
        self.before.extend(head.before);
        self.segments.newest = self.segments.newest.max(head.generation);
        let is_mended = bad.is_none_or(|offset| self.mend_head(path, &head, offset).is_ok());
        if head.is_free {
            let file = FreeFile::new(path.to_path_buf(), bytes, head.generation);
            if is_mended { self.segments.insert_free(file) } else { self.segments.insert_rubbish(file) }
        } else if self.segments.path(head.generation).is_some() {
            return self.put_aside(path, Oddity::Twice(head.generation));
        } else {
            self.segments.insert(Segment::new(path.to_path_buf(), head, bytes, None));
        }
        self.segments.total += bytes;
        Ok(())
    }

    fn mend_head(&self, path: &Path, head: &FileHead, offset: u64) -> io::Result<()> {
        let file = self.disk.open(path)?;
        file.write_at(&[IoSlice::new(&head.encode())], offset)?;
        if self.sync { file.sync() } else { Ok(()) }
    }

    fn put_aside(&mut self, path: &Path, oddity: Oddity) -> Result<(), LogError> {
        let moved_to = set_aside(self.disk, self.directory, path, None)?;
        self.note(path, oddity, Fate::SetAside(moved_to));
        Ok(())
    }

    fn finish(mut self) -> (Segments, u64, Opened) {
        for (generation, end) in self.before {
            if let Some(segment) = self.segments.get_mut(generation)
                && end >= DATA_START
                && end % ALIGN == 0
            {
                segment.end = Some(end);
            }
        }
        let found = |segment: &mut Segment| Found { segment: segment.head.generation, bytes: segment.bytes };
        let opened = Opened { segments: self.segments.iter_mut().map(found).collect(), notes: self.notes };
        let next = self.highest.max(self.segments.newest).max(self.segments.newest_aside).saturating_add(1);
        (self.segments, next, opened)
    }
}

/// What a file's head says by both copies, and where one is that is not good. One that cannot be
/// read does not matter if the other is good.
fn read_head(disk: &dyn Disk, path: &Path) -> io::Result<(Copy, Option<u64>)> {
    let file = disk.open_to_read(path)?;
    let copies = COPIES.map(|offset| read_copy(file.as_ref(), offset));
    let is_bad = |copy: &io::Result<Copy>| !matches!(copy, Ok(Copy::Good(_)));
    let bad = copies.iter().position(is_bad).map(|index| COPIES[index]);
    let copy = match copies {
        [Ok(one), Ok(two)] => one.agree(two),
        [Ok(copy), Err(error)] | [Err(error), Ok(copy)] => match copy {
            Copy::Good(_) | Copy::Newer(_) => copy,
            _ => return Err(error),
        },
        [Err(error), Err(_)] => return Err(error),
    };
    Ok((copy, bad))
}

fn read_copy(file: &dyn DiskFile, offset: u64) -> io::Result<Copy> {
    let mut bytes = [0; HEAD_BYTES];
    file.read_at(&mut bytes, offset)?;
    Ok(Copy::decode(&bytes))
}

/// True if no record was ever written to a file.
fn is_empty(disk: &dyn Disk, path: &Path) -> bool {
    let Ok(file) = disk.open_to_read(path) else { return false };
    let mut buffer = vec![0; 64 << 10];
    let mut offset = DATA_START;
    loop {
        match file.read_at(&mut buffer, offset) {
            Ok(0) => return true,
            Ok(read) if buffer[..read].iter().all(|&byte| byte == 0) => offset += read as u64,
            _ => return false,
        }
    }
}
