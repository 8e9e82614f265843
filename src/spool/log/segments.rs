//! Which files there are, their budget, and their reuse.
//!
//! The lock of [`Segments`] is held for moments only: files are opened, written and removed
//! without it. A file that is on its way between two states is counted in the budget all the time
//! and is in none of the lists.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use super::files::{file_name, set_aside, write_head};
use super::head::{DATA_START, FileHead};
use super::{Log, LogError};

/// The files of a log.
#[derive(Debug, Default)]
pub(super) struct Segments {
    in_use: BTreeMap<u64, Segment>,
    /// Kept for reuse.
    free: Vec<FreeFile>,
    /// Files of no use that could not be removed yet.
    rubbish: Vec<FreeFile>,
    /// Bytes of all files, also of those on their way.
    pub(super) total: u64,
    pub(super) active: Option<u64>,
    /// The highest generation that ever held records. A file of it or of a later one stays, though
    /// it be of no other use, that no number is given twice.
    pub(super) newest: u64,
    /// The highest that was set aside.
    pub(super) newest_aside: u64,
}

/// A segment in use.
#[derive(Debug, Clone)]
pub(super) struct Segment {
    pub(super) path: PathBuf,
    pub(super) head: FileHead,
    pub(super) bytes: u64,
    /// Where the acknowledged records end; `None`: nobody knows, for it is of an earlier life.
    pub(super) end: Option<u64>,
    pub(super) is_damaged: bool,
    /// A write to it failed: it is not to be used again.
    pub(super) is_doubtful: bool,
    readers: usize,
    is_released: bool,
}

/// A file without records.
#[derive(Debug, Clone)]
pub(super) struct FreeFile {
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
    pub(super) generation: u64,
    /// Not even a power loss brings back what it held.
    pub(super) is_confirmed: bool,
}

impl FreeFile {
    pub(super) fn new(path: PathBuf, bytes: u64, generation: u64) -> Self {
        FreeFile { path, bytes, generation, is_confirmed: false }
    }
}

impl Segment {
    pub(super) fn new(path: PathBuf, head: FileHead, bytes: u64, end: Option<u64>) -> Self {
        Segment { path, head, bytes, end, is_damaged: false, is_doubtful: false, readers: 0, is_released: false }
    }
}

impl Segments {
    pub(super) fn insert(&mut self, segment: Segment) {
        self.in_use.insert(segment.head.generation, segment);
    }

    pub(super) fn insert_free(&mut self, file: FreeFile) {
        self.free.push(file);
    }

    pub(super) fn insert_rubbish(&mut self, file: FreeFile) {
        self.rubbish.push(file);
    }

    /// Notes that a segment holds records up to `end`; true: its first.
    pub(super) fn acknowledge(&mut self, segment: u64, end: u64) -> bool {
        let Some(found) = self.in_use.get_mut(&segment) else { return false };
        let is_first = found.end.replace(end).is_none_or(|before| before <= DATA_START);
        self.newest = self.newest.max(segment);
        is_first
    }

    pub(super) fn used_bytes(&self) -> u64 {
        self.in_use.values().map(|segment| segment.bytes).sum()
    }

    /// The same, but of the one that is written only what is written.
    pub(super) fn filled_bytes(&self) -> u64 {
        let active = self.active.and_then(|active| self.in_use.get(&active));
        let unwritten = active.map_or(0, |active| active.bytes.saturating_sub(active.end.unwrap_or(DATA_START)));
        self.used_bytes() - unwritten
    }

    pub(super) fn path(&self, segment: u64) -> Option<PathBuf> {
        self.in_use.get(&segment).map(|segment| segment.path.clone())
    }

    pub(super) fn get_mut(&mut self, segment: u64) -> Option<&mut Segment> {
        self.in_use.get_mut(&segment)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Segment> {
        self.in_use.values_mut()
    }

    /// Takes a segment out, if nobody reads it; else it is taken out by its last reader.
    pub(super) fn take(&mut self, segment: u64) -> Option<Segment> {
        let found = self.in_use.get_mut(&segment)?;
        if found.readers > 0 {
            found.is_released = true;
            return None;
        }
        self.in_use.remove(&segment)
    }

    /// A free file in which `bytes` have room: a confirmed one if there is any, and the one that became
    /// free last, for its pages are the likeliest to be in the processor's cache.
    pub(super) fn take_free(&mut self, bytes: u64) -> Option<FreeFile> {
        let confirmed = self.free.iter().rposition(|file| file.bytes >= bytes && file.is_confirmed);
        let index = confirmed.or_else(|| self.free.iter().rposition(|file| file.bytes >= bytes))?;
        Some(self.free.remove(index))
    }

    /// The free file that is to be confirmed next.
    fn unconfirmed(&self) -> Option<FreeFile> {
        self.free.iter().rfind(|file| !file.is_confirmed).cloned()
    }

    /// The same file, if it is still free and was not used again meanwhile.
    fn find_free(&self, file: &FreeFile) -> Option<usize> {
        self.free.iter().position(|free| free.generation == file.generation && free.path == file.path)
    }

    /// True if numbers would be given again without a file of this generation, which is in no list.
    fn needs(&self, generation: u64) -> bool {
        let files = self.free.iter().chain(&self.rubbish).map(|file| file.generation);
        let newest_else = self.in_use.keys().copied().chain(files).max().unwrap_or(0).max(self.newest_aside);
        generation >= self.newest && newest_else < self.newest
    }

    /// A free file that is one too many: over the number, or of a size that is not usual now.
    fn take_surplus(&mut self, spare: usize, usual: u64) -> Option<FreeFile> {
        let kept = self.free.iter().filter(|file| file.bytes == usual).count();
        let newest = self.newest;
        let surplus = |file: &FreeFile| file.generation < newest && (file.bytes != usual || kept > spare);
        let index = self.free.iter().position(surplus)?;
        Some(self.free.remove(index))
    }

    /// A free file that makes room when it is given up, the newest last.
    fn take_for_room(&mut self) -> Option<FreeFile> {
        let newest = self.newest;
        let old = self.free.iter().position(|file| file.generation < newest);
        let index = old.or_else(|| self.free.iter().position(|file| file.bytes > DATA_START))?;
        Some(self.free.remove(index))
    }

    /// A copy of the segment, which is kept from being used again.
    fn begin_reading(&mut self, segment: u64) -> Option<Segment> {
        let found = self.in_use.get_mut(&segment).filter(|found| !found.is_released)?;
        found.readers += 1;
        Some(found.clone())
    }

    /// The segment, if it was released meanwhile and this was its last reader.
    fn end_reading(&mut self, segment: u64) -> Option<Segment> {
        let found = self.in_use.get_mut(&segment)?;
        found.readers -= 1;
        if found.readers > 0 || !found.is_released { None } else { self.in_use.remove(&segment) }
    }
}

/// A segment that is being read: it is not used again before this is dropped.
#[derive(Debug)]
pub(super) struct Reading<'a> {
    log: &'a Log,
    pub(super) segment: Segment,
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        let released = self.log.segments().end_reading(self.segment.head.generation);
        if let Some(segment) = released {
            self.log.retire(&segment);
        }
    }
}

impl Log {
    pub(super) fn reading(&self, segment: u64) -> Result<Reading<'_>, LogError> {
        let found = self.segments().begin_reading(segment).ok_or(LogError::NoSegment(segment))?;
        Ok(Reading { log: self, segment: found })
    }

    /// All that a segment holds is settled: its file is freed or removed, or set aside if damage
    /// was found in it. False: it is being written (seal it first), or there is none.
    ///
    /// Nothing is synced: after a power loss it may be there again, until its place is used again.
    pub fn release(&self, segment: u64) -> bool {
        let taken = {
            let mut segments = self.segments();
            if segments.active == Some(segment) || segments.path(segment).is_none() {
                return false;
            }
            segments.take(segment)
        };
        if let Some(taken) = taken {
            self.retire(&taken);
        }
        true
    }

    fn retire(&self, segment: &Segment) {
        let generation = segment.head.generation;
        let file = FreeFile::new(segment.path.clone(), segment.bytes, generation);
        if segment.is_damaged {
            return self.put_aside(&file);
        }
        if self.mark_free(segment).is_err() {
            self.discard(file);
        } else if segment.is_doubtful {
            self.give_up(file);
        } else {
            self.segments().insert_free(file);
            self.trim();
        }
    }

    fn put_aside(&self, file: &FreeFile) {
        match set_aside(self.disk.as_ref(), &self.directory, &file.path, Some(file_name(file.generation))) {
            Ok(_) => {
                let mut segments = self.segments();
                segments.total -= file.bytes;
                segments.newest_aside = segments.newest_aside.max(file.generation);
            }
            Err(error) => tracing::warn!(%error, "a damaged segment could not be set aside and stays where it is"),
        }
    }

    /// Removes a free file; of the newest the head is left.
    fn give_up(&self, file: FreeFile) {
        let is_newest = self.segments().newest <= file.generation;
        if !is_newest || file.bytes <= DATA_START || self.shorten(&file).is_err() {
            return self.discard(file);
        }
        let mut segments = self.segments();
        segments.total -= file.bytes - DATA_START;
        segments.insert_free(FreeFile { bytes: DATA_START, ..file });
    }

    /// Cuts a free file down to its head, which must say so first.
    fn shorten(&self, file: &FreeFile) -> io::Result<()> {
        let opened = self.disk.open(&file.path)?;
        if self.options.sync {
            opened.sync()?;
        }
        opened.set_length(DATA_START)
    }

    fn mark_free(&self, segment: &Segment) -> io::Result<()> {
        let file = self.disk.open(&segment.path)?;
        write_head(file.as_ref(), &FileHead { is_free: true, ..segment.head })
    }

    /// Removes a file of no use, now or when room is needed.
    pub(super) fn discard(&self, file: FreeFile) {
        let is_needed = self.segments().needs(file.generation);
        let is_removed = !is_needed
            && match self.disk.remove(&file.path) {
                Ok(()) => true,
                Err(error) => error.kind() == io::ErrorKind::NotFound,
            };
        let mut segments = self.segments();
        if is_removed {
            segments.total -= file.bytes;
        } else {
            segments.rubbish.push(file);
        }
    }

    /// Syncs a free file, so that the next segment in it can be begun without that; false: none needs
    /// it. Whoever appends does not wait for this.
    pub fn confirm_free(&self) -> bool {
        let unconfirmed = if self.options.sync { self.segments().unconfirmed() } else { None };
        let Some(file) = unconfirmed else { return false };
        let synced = self.disk.open(&file.path).and_then(|opened| opened.sync());
        let mut segments = self.segments();
        let Some(index) = segments.find_free(&file) else { return true };
        if synced.is_ok() {
            segments.free[index].is_confirmed = true;
        } else {
            let failed = segments.free.remove(index);
            drop(segments);
            self.discard(failed);
        }
        true
    }

    /// Removes free files that are too many.
    pub(super) fn trim(&self) {
        loop {
            let surplus = self.segments().take_surplus(self.options.spare, self.options.segment_bytes);
            let Some(file) = surplus else { return };
            self.discard(file);
        }
    }

    /// Enters `bytes` more in the budget; free files are given up for them. False: there is no room.
    pub(super) fn take_budget(&self, bytes: u64) -> bool {
        self.clear_rubbish();
        loop {
            let free = {
                let mut segments = self.segments();
                if segments.total.saturating_add(bytes) <= self.options.max_bytes {
                    segments.total += bytes;
                    return true;
                }
                segments.take_for_room()
            };
            let Some(file) = free else { return false };
            self.give_up(file);
        }
    }

    fn clear_rubbish(&self) {
        let rubbish = std::mem::take(&mut self.segments().rubbish);
        rubbish.into_iter().for_each(|file| self.discard(file));
    }

    /// Gives up one free file; false: there is none.
    pub(super) fn give_up_free(&self) -> bool {
        let file = self.segments().take_for_room();
        file.map(|file| self.give_up(file)).is_some()
    }
}
