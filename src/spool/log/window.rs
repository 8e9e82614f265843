//! The part of a file that is in memory while it is read from front to back.

use std::io;

use super::record::ALIGN;
use crate::spool::disk::DiskFile;

/// What is read at once.
const CHUNK: usize = 256 << 10;
/// What a disk loses at once.
const BLOCK: usize = 4096;
/// A moving window over a file. It grows to hold a large record and shrinks again.
#[derive(Debug)]
pub(super) struct Window {
    file: Box<dyn DiskFile>,
    length: u64,
    start: u64,
    buffer: Vec<u8>,
    is_patchy: bool,
}

impl Window {
    pub(super) fn new(file: Box<dyn DiskFile>) -> io::Result<Self> {
        let length = file.length()?;
        Ok(Window { file, length, start: 0, buffer: Vec::new(), is_patchy: false })
    }

    /// Length of the file.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// True if something could not be read.
    pub(super) fn is_patchy(&self) -> bool {
        self.is_patchy
    }

    /// `bytes` bytes from `offset`; fewer where the file ends. A block that cannot be read counts
    /// as zeros, which no checksum passes.
    pub(super) fn get(&mut self, offset: u64, bytes: u64) -> io::Result<&[u8]> {
        let bytes = bytes.min(self.length.saturating_sub(offset)) as usize;
        let skipped = offset.checked_sub(self.start).and_then(|skipped| usize::try_from(skipped).ok());
        match skipped.filter(|skipped| skipped.saturating_add(bytes) <= self.buffer.len()) {
            Some(skipped) => Ok(&self.buffer[skipped..skipped + bytes]),
            None => {
                self.fill(offset, bytes)?;
                Ok(&self.buffer[..bytes])
            }
        }
    }

    /// The first place from `offset` on, in steps of [`ALIGN`], at which not all is zero; at least
    /// `limit` if there is none before it. Room that was never written is not even read.
    pub(super) fn skip_zeros(&mut self, mut offset: u64, limit: u64) -> io::Result<u64> {
        const ZEROS: [u8; BLOCK] = [0; BLOCK];
        while offset < limit.min(self.length) {
            self.get(offset, ALIGN)?;
            let bytes = &self.buffer[(offset - self.start) as usize..];
            let whole = bytes.len() - bytes.len() % ALIGN as usize;
            let bytes = if whole > 0 { &bytes[..whole] } else { bytes };
            let zeros = bytes.chunks(BLOCK).take_while(|block| **block == ZEROS[..block.len()]).map(<[u8]>::len).sum();
            let rest = &bytes[zeros..];
            let marks = rest.chunks(ALIGN as usize).take_while(|mark| **mark == ZEROS[..mark.len()]).count();
            offset += zeros as u64 + marks as u64 * ALIGN;
            if !rest.is_empty() {
                break;
            }
            offset = offset.max(self.file.next_data(offset)? / ALIGN * ALIGN);
        }
        Ok(offset)
    }

    fn fill(&mut self, offset: u64, bytes: usize) -> io::Result<()> {
        let left = usize::try_from(self.length.saturating_sub(offset)).unwrap_or(usize::MAX);
        let size = bytes.max(CHUNK).min(left);
        self.buffer.clear();
        self.buffer.shrink_to(size.max(4 * CHUNK));
        self.buffer.try_reserve(size)?;
        self.buffer.resize(size, 0);
        self.start = offset;
        let outcome = match self.file.read_at(&mut self.buffer, offset) {
            Ok(read) => {
                // The file became shorter while it was read.
                self.is_patchy |= read < self.buffer.len();
                self.buffer[read..].fill(0);
                Ok(())
            }
            Err(_) => self.fill_by_blocks(),
        };
        if outcome.is_err() {
            self.buffer.clear();
        }
        outcome
    }

    /// Reads what can be read. If the head of the file cannot be read either, this is not a bad
    /// spot but a bad disk.
    fn fill_by_blocks(&mut self) -> io::Result<()> {
        self.is_patchy = true;
        self.file.read_at(&mut [0; 1], 0)?;
        let mut done = 0;
        while done < self.buffer.len() {
            let at = self.start + done as u64;
            let to_next = BLOCK - (at % BLOCK as u64) as usize;
            let end = self.buffer.len().min(done + to_next);
            let block = &mut self.buffer[done..end];
            let read = self.file.read_at(block, at).unwrap_or(0);
            block[read..].fill(0);
            done = end;
        }
        Ok(())
    }
}
