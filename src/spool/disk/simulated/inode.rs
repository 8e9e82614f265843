//! The bytes of one file: as they are seen, and as they are on the platter.

use std::collections::BTreeSet;

/// What a disk writes whole or not at all.
pub(super) const SECTOR: usize = 512;

#[derive(Debug, Clone, Default)]
pub(super) struct Inode {
    seen: Vec<u8>,
    platter: Vec<u8>,
    /// Sectors that were changed and not written since.
    dirty: BTreeSet<usize>,
}

impl Inode {
    /// A file of zeros that nobody has synced.
    pub(super) fn new(length: u64) -> Self {
        Inode { seen: vec![0; length as usize], ..Inode::default() }
    }

    pub(super) fn synced(bytes: Vec<u8>) -> Self {
        Inode { platter: bytes.clone(), seen: bytes, dirty: BTreeSet::new() }
    }

    pub(super) fn seen(&self) -> &[u8] {
        &self.seen
    }

    pub(super) fn read(&self, buffer: &mut [u8], offset: u64) -> usize {
        let rest = self.seen.get(offset as usize..).unwrap_or_default();
        let bytes = rest.len().min(buffer.len());
        buffer[..bytes].copy_from_slice(&rest[..bytes]);
        bytes
    }

    pub(super) fn write(&mut self, bytes: &[u8], offset: u64) {
        if bytes.is_empty() {
            return;
        }
        let (start, end) = (offset as usize, offset as usize + bytes.len());
        if self.seen.len() < end {
            self.set_length(end as u64);
        }
        self.seen[start..end].copy_from_slice(bytes);
        self.dirty.extend(start / SECTOR..end.div_ceil(SECTOR));
    }

    pub(super) fn set_length(&mut self, length: u64) {
        let (before, length) = (self.seen.len(), length as usize);
        self.seen.resize(length, 0);
        self.dirty.retain(|sector| sector * SECTOR < length);
        self.dirty.extend(before / SECTOR..length.div_ceil(SECTOR));
    }

    /// Some dirty sectors reach the platter, in no order.
    pub(super) fn write_back(&mut self, is_written: &mut dyn FnMut() -> bool) {
        let dirty = std::mem::take(&mut self.dirty);
        for sector in dirty {
            // A sector behind the end on the platter is not there before the length is.
            if sector * SECTOR < self.platter.len() && is_written() {
                copy_sector(&self.seen, &mut self.platter, sector);
            } else {
                self.dirty.insert(sector);
            }
        }
    }

    pub(super) fn sync(&mut self) {
        self.platter.resize(self.seen.len(), 0);
        for sector in std::mem::take(&mut self.dirty) {
            copy_sector(&self.seen, &mut self.platter, sector);
        }
    }

    /// The dirty sectors are forgotten; some were written. They may still be seen for a while.
    pub(super) fn fail_to_sync(&mut self, is_written: &mut dyn FnMut() -> bool, is_seen: bool) {
        if is_written() {
            self.platter.resize(self.seen.len(), 0);
        }
        for sector in std::mem::take(&mut self.dirty) {
            if is_written() {
                copy_sector(&self.seen, &mut self.platter, sector);
            } else if !is_seen {
                copy_sector(&self.platter, &mut self.seen, sector);
            }
        }
    }

    pub(super) fn crash(&self, is_kept: &mut dyn FnMut() -> bool) -> Self {
        let mut platter = self.platter.clone();
        if is_kept() {
            platter.resize(self.seen.len(), 0);
        }
        for &sector in &self.dirty {
            if is_kept() {
                copy_sector(&self.seen, &mut platter, sector);
            }
        }
        Inode::synced(platter)
    }

    pub(super) fn corrupt(&mut self, change: impl FnOnce(&mut Vec<u8>)) {
        change(&mut self.seen);
        self.platter = self.seen.clone();
        self.dirty.clear();
    }
}

/// Copies as much of a sector as both have.
fn copy_sector(from: &[u8], to: &mut [u8], sector: usize) {
    let start = sector * SECTOR;
    let end = (start + SECTOR).min(from.len()).min(to.len());
    if start < end {
        to[start..end].copy_from_slice(&from[start..end]);
    }
}
