//! The form of a record in a segment.
//!
//! A record is a head of 64 bytes, then its note, its items and its documents, and zeros up to the
//! next multiple of 64, where the next record may begin: after damage the next good head is found
//! by looking there. Behind the last record of a commit stands an *end mark*, a head alone, which
//! the next commit writes over.
//!
//! | bytes of the head | what |
//! |---|---|
//! | 0–3 | magic of a record or of an end mark |
//! | 4–7 | CRC32C of bytes 8–63 |
//! | 8–15 | generation of the segment |
//! | 16–23 | where this head stands in the file |
//! | 24–31 | where the commit that it belongs to begins |
//! | 32–35 | CRC32C of note, items and documents as they stand |
//! | 36–39, 40–43 | bytes of the documents as they stand, and as they were |
//! | 44–47 | bytes of the note |
//! | 48–51, 52–55 | number of items that are spans, and of all others |
//! | 56 | label |
//! | 57 | flags; 1: documents are compressed with zstd |
//! | 58–59 | zero |
//! | 60–63 | the upper half of the salt |
//!
//! An item takes 32 bytes: kind (1), hour (7), id (16), start (4), end (4). Numbers are
//! little-endian. Every checksum starts from the file's random salt, so no bytes in a document,
//! and none of an earlier life of the file, can pose as a record.

use super::head::{number32, number64};
use crate::item::{Id, Item, Kind, Label};

/// Records begin at multiples of this.
pub(super) const ALIGN: u64 = 64;
pub(super) const RECORD_HEAD: usize = 64;
pub(super) const ITEM: usize = 32;

const RECORD_MAGIC: u32 = u32::from_le_bytes(*b"SPrc");
const END_MAGIC: u32 = u32::from_le_bytes(*b"SPen");
const COMPRESSED: u8 = 1;
const HOUR_BITS: u32 = 56;

/// The next place at which a record may stand.
pub(super) fn align(offset: u64) -> u64 {
    offset.next_multiple_of(ALIGN)
}

/// What the checksums and heads of a segment are made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seal {
    pub(super) generation: u64,
    salt: u64,
    start: u32,
}

impl Seal {
    pub(super) fn new(generation: u64, salt: u64) -> Self {
        Seal { generation, salt, start: super::checksum::append(0, &salt.to_le_bytes()) }
    }

    pub(super) fn checksum(&self, bytes: &[u8]) -> u32 {
        super::checksum::append(self.start, bytes)
    }

    fn mark(&self) -> u32 {
        (self.salt >> 32) as u32
    }
}

/// The head of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RecordHead {
    pub(super) offset: u64,
    pub(super) commit: u64,
    pub(super) payload_crc: u32,
    pub(super) stored: u32,
    pub(super) documents: u32,
    pub(super) note: u32,
    pub(super) spans: u32,
    pub(super) others: u32,
    pub(super) label: Label,
    pub(super) is_compressed: bool,
}

/// What stands where a head may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    Record(RecordHead),
    /// The end of the commit that begins there.
    End {
        commit: u64,
    },
}

impl RecordHead {
    pub(super) fn items(&self) -> u64 {
        u64::from(self.spans) + u64::from(self.others)
    }

    /// Bytes behind the head, without those up to the next record.
    pub(super) fn payload(&self) -> u64 {
        u64::from(self.note) + self.items() * ITEM as u64 + u64::from(self.stored)
    }

    /// Where the next record may stand.
    pub(super) fn end(&self) -> u64 {
        align(self.offset.saturating_add(RECORD_HEAD as u64).saturating_add(self.payload()))
    }

    pub(super) fn encode(&self, seal: &Seal) -> [u8; RECORD_HEAD] {
        let mut bytes = [0; RECORD_HEAD];
        bytes[32..36].copy_from_slice(&self.payload_crc.to_le_bytes());
        bytes[36..40].copy_from_slice(&self.stored.to_le_bytes());
        bytes[40..44].copy_from_slice(&self.documents.to_le_bytes());
        bytes[44..48].copy_from_slice(&self.note.to_le_bytes());
        bytes[48..52].copy_from_slice(&self.spans.to_le_bytes());
        bytes[52..56].copy_from_slice(&self.others.to_le_bytes());
        bytes[56] = self.label.0;
        bytes[57] = if self.is_compressed { COMPRESSED } else { 0 };
        finish(bytes, RECORD_MAGIC, seal, self.offset, self.commit)
    }
}

/// The mark at `offset` behind the commit that began at `commit`.
pub(super) fn end_mark(seal: &Seal, offset: u64, commit: u64) -> [u8; RECORD_HEAD] {
    finish([0; RECORD_HEAD], END_MAGIC, seal, offset, commit)
}

fn finish(mut bytes: [u8; RECORD_HEAD], magic: u32, seal: &Seal, offset: u64, commit: u64) -> [u8; RECORD_HEAD] {
    bytes[..4].copy_from_slice(&magic.to_le_bytes());
    bytes[8..16].copy_from_slice(&seal.generation.to_le_bytes());
    bytes[16..24].copy_from_slice(&offset.to_le_bytes());
    bytes[24..32].copy_from_slice(&commit.to_le_bytes());
    bytes[60..64].copy_from_slice(&seal.mark().to_le_bytes());
    let crc = seal.checksum(&bytes[8..]);
    bytes[4..8].copy_from_slice(&crc.to_le_bytes());
    bytes
}

impl Mark {
    /// The good mark at `offset`, if there is one. `version` is the file's.
    pub(super) fn decode(version: u32, bytes: &[u8], seal: &Seal, offset: u64) -> Option<Self> {
        match version {
            1 => Self::decode_first_format(bytes.get(..RECORD_HEAD)?, seal, offset),
            _ => None,
        }
    }

    fn decode_first_format(bytes: &[u8], seal: &Seal, offset: u64) -> Option<Self> {
        let magic = number32(bytes, 0);
        if magic != RECORD_MAGIC && magic != END_MAGIC {
            return None;
        }
        let is_ours = number64(bytes, 8) == seal.generation
            && number64(bytes, 16) == offset
            && number32(bytes, 60) == seal.mark()
            && number32(bytes, 4) == seal.checksum(&bytes[8..]);
        let commit = number64(bytes, 24);
        if !is_ours || commit > offset {
            return None;
        }
        if magic == END_MAGIC {
            return Some(Mark::End { commit });
        }
        Some(Mark::Record(RecordHead {
            offset,
            commit,
            payload_crc: number32(bytes, 32),
            stored: number32(bytes, 36),
            documents: number32(bytes, 40),
            note: number32(bytes, 44),
            spans: number32(bytes, 48),
            others: number32(bytes, 52),
            label: Label(bytes[56]),
            is_compressed: bytes[57] & COMPRESSED != 0,
        }))
    }
}

/// Appends the stored form of an item. An hour beyond 56 bits, later than any time in
/// microseconds, becomes the last that fits.
pub(super) fn encode_item(item: &Item, into: &mut Vec<u8>) {
    let kind = match item.kind {
        Kind::Span => 0u64,
        Kind::Service => 1,
    };
    let hour = item.hour.min((1 << HOUR_BITS) - 1);
    into.extend_from_slice(&(hour << 8 | kind).to_le_bytes());
    into.extend_from_slice(&item.id.0);
    into.extend_from_slice(&item.start.to_le_bytes());
    into.extend_from_slice(&item.end.to_le_bytes());
}

/// An item from its 32 bytes. `None`: of no kind that we know.
pub(super) fn decode_item(bytes: &[u8]) -> Option<Item> {
    let bytes: &[u8; ITEM] = bytes.try_into().ok()?;
    let head = number64(bytes, 0);
    let kind = match head & 0xff {
        0 => Kind::Span,
        1 => Kind::Service,
        _ => return None,
    };
    let mut id = Id([0; 16]);
    id.0.copy_from_slice(&bytes[8..24]);
    Some(Item { kind, hour: head >> 8, id, start: number32(bytes, 24), end: number32(bytes, 28) })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: RecordHead = RecordHead {
        offset: 8192,
        commit: 8192,
        payload_crc: 5,
        stored: 6,
        documents: 7,
        note: 8,
        spans: 9,
        others: 10,
        label: Label(11),
        is_compressed: true,
    };

    #[test]
    fn a_head_is_good_only_in_its_place_life_and_file() {
        let seal = Seal::new(3, 1 << 40);
        let bytes = HEAD.encode(&seal);
        assert_eq!(Mark::decode(1, &bytes, &seal, 8192), Some(Mark::Record(HEAD)));
        assert_eq!(Mark::decode(1, &bytes, &seal, 8256), None);
        assert_eq!(Mark::decode(1, &bytes, &Seal::new(4, 1 << 40), 8192), None);
        assert_eq!(Mark::decode(1, &bytes, &Seal::new(3, 1 << 41), 8192), None);
        for bit in 0..RECORD_HEAD * 8 {
            let mut changed = bytes;
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Mark::decode(1, &changed, &seal, 8192), None, "bit {bit}");
        }
        let end = end_mark(&seal, 9216, 8192);
        assert_eq!(Mark::decode(1, &end, &seal, 9216), Some(Mark::End { commit: 8192 }));
    }

    #[test]
    fn an_item_reads_as_it_was_written() {
        for (kind, hour) in [(Kind::Span, 0), (Kind::Service, (1 << HOUR_BITS) - 1), (Kind::Span, 490_000)] {
            let item = Item { kind, hour, id: Id([7; 16]), start: 3, end: u32::MAX };
            let mut bytes = Vec::new();
            encode_item(&item, &mut bytes);
            assert_eq!(bytes.len(), ITEM);
            assert_eq!(decode_item(&bytes), Some(item));
            bytes[0] = 9;
            assert_eq!(decode_item(&bytes), None);
        }
    }
}
