//! Files that somebody made up: any bytes, dressed so that they get past checksums, for the fuzz
//! target and the property test. The form is written down here a second time, from its
//! description.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use crate::spool::disk::simulated::SimulatedDisk;
use crate::spool::log::{Log, Options, Step, Walked};

const DIRECTORY: &str = "/log";
const START: usize = 8192;
const SALT: u64 = 0x0123_4567_89ab_cdef;
const OPTIONS: Options = Options { segment_bytes: 1 << 20, max_bytes: 1 << 30, sync: false, compress: false, spare: 0 };

/// One step of a walk, without what it borrows.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Told {
    Record { offset: u64, end: u64, bytes: Vec<u8> },
    Gap { offset: u64, end: u64 },
}

/// Reads a file made of `input`: no panic, every byte accounted for in order, items within their
/// documents, and the same whether it is read at once or step by step.
#[allow(unreachable_pub, reason = "the fuzz target uses it, too")]
pub fn check(input: &[u8]) {
    let [flags, region @ ..] = input else { return };
    let disk = SimulatedDisk::new(1);
    disk.put(Path::new("/log/00000000000000000005.segment"), file(*flags, region));
    if flags & 2 != 0 {
        // A segment after it says where it ended.
        let end = START as u64 + 64 * u64::from(*flags);
        let next = head(6, START as u64, (5, end));
        disk.put(Path::new("/log/00000000000000000006.segment"), next);
    }
    let Ok((log, opened)) = Log::open(Arc::new(disk), Path::new(DIRECTORY), OPTIONS) else {
        panic!("a file stopped the start");
    };
    assert!(opened.notes.is_empty());
    let (whole, walked) = walk(&log, 0, false);
    assert!(walked.is_finished);
    for (one, two) in whole.iter().zip(whole.iter().skip(1)) {
        assert!(one.end() == two.offset(), "{one:?} {two:?}");
    }
    let mut pieces = Vec::new();
    let (mut from, mut is_finished) = (0, false);
    while !is_finished {
        let (piece, walked) = walk(&log, from, true);
        assert!(!piece.is_empty() || walked.is_finished);
        pieces.extend(piece);
        (from, is_finished) = (walked.next, walked.is_finished);
    }
    assert_eq!(whole, pieces);
    assert!(whole.last().is_none_or(|last| last.end() <= walked.next));
}

impl Told {
    fn offset(&self) -> u64 {
        let (Told::Record { offset, .. } | Told::Gap { offset, .. }) = self;
        *offset
    }

    fn end(&self) -> u64 {
        let (Told::Record { end, .. } | Told::Gap { end, .. }) = self;
        *end
    }
}

fn walk(log: &Log, from: u64, is_stepwise: bool) -> (Vec<Told>, Walked) {
    let mut told = Vec::new();
    let walked = log.walk(5, from, None, &mut |step| {
        told.push(match step {
            Step::Record(place, record) => {
                for item in record.items() {
                    assert!(record.documents.get(item.start as usize..item.end as usize).is_some());
                }
                let bytes = [record.note, record.documents].concat();
                Told::Record { offset: place.offset, end: place.offset + place.length, bytes }
            }
            Step::Damage(damage) => Told::Gap { offset: damage.offset, end: damage.offset + damage.bytes },
        });
        if is_stepwise { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    match walked {
        Ok(walked) => (told, walked),
        Err(error) => panic!("{error}"),
    }
}

/// Two copies of a head.
fn head(generation: u64, length: u64, (before, end): (u64, u64)) -> Vec<u8> {
    let mut copy = vec![0; 64];
    copy[..8].copy_from_slice(b"SPNLSEG\n");
    copy[12..16].copy_from_slice(&1u32.to_le_bytes());
    for (at, number) in [(16, generation), (24, SALT), (32, 1), (40, length), (48, before), (56, end)] {
        copy[at..at + 8].copy_from_slice(&number.to_le_bytes());
    }
    let crc = crc32c::crc32c(&copy[12..]);
    copy[8..12].copy_from_slice(&crc.to_le_bytes());
    copy.resize(4096, 0);
    [copy.clone(), copy].concat()
}

/// A segment's file around `region`. Where a record may stand its first byte says what becomes of
/// it: left alone, an end mark, a record, a record with a wrong checksum.
fn file(flags: u8, region: &[u8]) -> Vec<u8> {
    let length = START + region.len() + usize::from(flags & 1) * 64;
    let mut file = head(5, length as u64, (0, 0));
    file.extend_from_slice(region);
    let mut at = START;
    while at + 64 <= file.len() {
        let what = file[at] % 4;
        let length = if what == 0 { 64 } else { dress(&mut file, at, what) };
        at += length.next_multiple_of(64);
    }
    file
}

/// Makes a good head of what stands at a place; returns the length of the record.
fn dress(file: &mut [u8], at: usize, what: u8) -> usize {
    let (rest, long) = (file.len() - at - 64, file[at] & 0x80 != 0);
    file[at..at + 4].copy_from_slice(if what == 1 { b"SPen" } else { b"SPrc" });
    put(file, at + 8, 5);
    put(file, at + 16, at as u64);
    let commit = START as u64 + 64 * u64::from(file[at + 24]);
    put(file, at + 24, commit.min(at as u64));
    // Lengths that may fit, unless one beyond the file is wanted.
    for field in [36, 40, 44, 48, 52] {
        let bytes = if long { 4 } else { 1 };
        file[at + field + bytes..at + field + 4].fill(0);
        if field >= 48 && !long {
            file[at + field] %= 4;
        }
    }
    let number = |field: usize| file[at + field..at + field + 4].iter().rev().fold(0, |n, &b| n << 8 | u64::from(b));
    let is_compressed = file[at + 57] & 1 != 0;
    let (stored, items) = (number(36), number(48) + number(52));
    let payload = number(44) + 32 * items + stored;
    if !is_compressed {
        file.copy_within(at + 36..at + 40, at + 40);
    }
    file[at + 60..at + 64].copy_from_slice(&SALT.to_le_bytes()[4..]);
    let start = crc32c::crc32c(&SALT.to_le_bytes());
    let length = if what == 1 { 0 } else { usize::try_from(payload).unwrap_or(usize::MAX).min(rest) };
    let crc = crc32c::crc32c_append(start, &file[at + 64..at + 64 + length]);
    if what == 2 {
        file[at + 32..at + 36].copy_from_slice(&crc.to_le_bytes());
    }
    let crc = crc32c::crc32c_append(start, &file[at + 8..at + 64]);
    file[at + 4..at + 8].copy_from_slice(&crc.to_le_bytes());
    64 + length
}

fn put(file: &mut [u8], at: usize, number: u64) {
    file[at..at + 8].copy_from_slice(&number.to_le_bytes());
}
