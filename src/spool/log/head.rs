//! The head of a segment file: whose file it is, and in which life.
//!
//! It stands twice, in the first two blocks of the file, so that damage to one costs nothing:
//!
//! | bytes | what |
//! |---|---|
//! | 0–7 | magic |
//! | 8–11 | CRC32C of bytes 12–63 |
//! | 12–15 | format version |
//! | 16–23 | generation: the segment's number |
//! | 24–31 | salt of the checksums of its records |
//! | 32–39 | 1: in use, 2: free |
//! | 40–47 | length of the file |
//! | 48–55 | the generation before that held records, 0: none |
//! | 56–63 | where that one's records end |
//!
//! All numbers are little-endian. The first 64 bytes of every later version keep magic, checksum
//! and version where they are, so that a release can tell a newer file from a damaged one. A head
//! fits into one sector, which a disk writes whole or not at all.

/// Each copy of the head has a block of its own.
pub(super) const BLOCK: u64 = 4096;
/// Where the copies begin.
pub(super) const COPIES: [u64; 2] = [0, BLOCK];
/// Where records begin.
pub(super) const DATA_START: u64 = 2 * BLOCK;
/// Bytes of one copy.
pub(super) const HEAD_BYTES: usize = 64;
/// The format that this release writes; it reads all up to it.
pub(super) const FORMAT: u32 = 1;

const MAGIC: [u8; 8] = *b"SPNLSEG\n";

/// A segment's head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileHead {
    pub(super) version: u32,
    pub(super) generation: u64,
    pub(super) salt: u64,
    pub(super) is_free: bool,
    pub(super) length: u64,
    /// Generation and end of the last segment before this one that held records: what stands
    /// behind that end was never acknowledged.
    pub(super) before: Option<(u64, u64)>,
}

/// One copy of a head, as read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Copy {
    Good(FileHead),
    /// Written by a later release.
    Newer(u32),
    /// Zeros: it was never written.
    Empty,
    Damaged,
}

impl FileHead {
    pub(super) fn encode(&self) -> [u8; HEAD_BYTES] {
        let mut bytes = [0; HEAD_BYTES];
        let (before, end) = self.before.unwrap_or_default();
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[12..16].copy_from_slice(&self.version.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.generation.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.salt.to_le_bytes());
        bytes[32..40].copy_from_slice(&(if self.is_free { 2u64 } else { 1 }).to_le_bytes());
        bytes[40..48].copy_from_slice(&self.length.to_le_bytes());
        bytes[48..56].copy_from_slice(&before.to_le_bytes());
        bytes[56..64].copy_from_slice(&end.to_le_bytes());
        let crc = super::checksum::append(0, &bytes[12..]);
        bytes[8..12].copy_from_slice(&crc.to_le_bytes());
        bytes
    }
}

impl Copy {
    pub(super) fn decode(bytes: &[u8; HEAD_BYTES]) -> Self {
        if bytes.iter().all(|&byte| byte == 0) {
            return Copy::Empty;
        }
        if bytes[..8] != MAGIC || number32(bytes, 8) != super::checksum::append(0, &bytes[12..]) {
            return Copy::Damaged;
        }
        match number32(bytes, 12) {
            1 => Self::decode_first_format(bytes),
            version if version > FORMAT => Copy::Newer(version),
            _ => Copy::Damaged,
        }
    }

    fn decode_first_format(bytes: &[u8; HEAD_BYTES]) -> Self {
        let is_free = match number64(bytes, 32) {
            1 => false,
            2 => true,
            _ => return Copy::Damaged,
        };
        let before = (number64(bytes, 48), number64(bytes, 56));
        Copy::Good(FileHead {
            version: 1,
            generation: number64(bytes, 16),
            salt: number64(bytes, 24),
            is_free,
            length: number64(bytes, 40),
            before: (before.0 != 0).then_some(before),
        })
    }

    /// What the file is by both copies. If they differ a crash came between them: the later life
    /// counts, and in one life that it was freed.
    pub(super) fn agree(self, other: Self) -> Self {
        match (self, other) {
            (Copy::Good(one), Copy::Good(two)) if (two.generation, two.is_free) > (one.generation, one.is_free) => {
                other
            }
            (Copy::Good(_), _) => self,
            (_, Copy::Good(_)) => other,
            (Copy::Newer(_), _) => self,
            (_, Copy::Newer(_)) => other,
            (Copy::Empty, Copy::Empty) => Copy::Empty,
            _ => Copy::Damaged,
        }
    }
}

pub(super) fn number32(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_le_bytes)
}

pub(super) fn number64(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(generation: u64, is_free: bool) -> FileHead {
        FileHead { version: FORMAT, generation, salt: 99, is_free, length: 1 << 20, before: Some((3, 8192)) }
    }

    #[test]
    fn a_head_reads_as_it_was_written_and_no_changed_bit_passes() {
        let bytes = head(7, false).encode();
        assert_eq!(Copy::decode(&bytes), Copy::Good(head(7, false)));
        for bit in 0..HEAD_BYTES * 8 {
            let mut changed = bytes;
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Copy::decode(&changed), Copy::Damaged, "bit {bit}");
        }
        assert_eq!(Copy::decode(&[0; HEAD_BYTES]), Copy::Empty);
    }

    #[test]
    fn a_later_format_is_told_from_damage() {
        let bytes = FileHead { version: FORMAT + 1, ..head(7, false) }.encode();
        assert_eq!(Copy::decode(&bytes), Copy::Newer(FORMAT + 1));
    }

    #[test]
    fn one_good_copy_is_enough_and_the_later_one_counts() {
        let (old, freed, new) = (head(4, false), head(4, true), head(9, false));
        for (one, two, expected) in [
            (Copy::Good(old), Copy::Damaged, Copy::Good(old)),
            (Copy::Good(old), Copy::Good(freed), Copy::Good(freed)),
            (Copy::Good(freed), Copy::Good(new), Copy::Good(new)),
            (Copy::Good(old), Copy::Newer(2), Copy::Good(old)),
            (Copy::Damaged, Copy::Newer(2), Copy::Newer(2)),
            (Copy::Damaged, Copy::Empty, Copy::Damaged),
        ] {
            assert_eq!(one.agree(two), expected);
            assert_eq!(two.agree(one), expected);
        }
    }
}
