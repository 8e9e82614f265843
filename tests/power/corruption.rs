//! One corruption at a time, at every place of a log: it costs at most the records that it hits,
//! and what it costs is reported.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use spaniel::item::{Id, Item, Kind, Label};
use spaniel::spool::disk::simulated::{Chance, SimulatedDisk};
use spaniel::spool::log::{Damage, DamageKind, Log, Options, OwnedRecord, Place};

use crate::model::see;

const DIRECTORY: &str = "/log";
const OPTIONS: Options = Options { segment_bytes: 16 << 10, max_bytes: 1 << 20, sync: true, compress: false, spare: 1 };

/// A log of two segments: their files, and where which record stands.
struct Whole {
    options: Options,
    files: Vec<(PathBuf, Vec<u8>)>,
    records: Vec<(Place, OwnedRecord)>,
    /// The first record of the last commit of each segment.
    last_commits: Vec<(u64, u64)>,
}

fn record(chance: &mut Chance) -> OwnedRecord {
    let bytes = 50 + chance.below(800) as usize;
    let documents: Vec<u8> = (0..bytes).map(|_| b'a' + chance.below(4) as u8).collect();
    let middle = chance.below(bytes as u64) as u32;
    let item = |kind, start, end| Item { kind, hour: 490_000, id: Id([7; 16]), start, end };
    let items = vec![item(Kind::Span, 0, middle), item(Kind::Service, middle, bytes as u32)];
    OwnedRecord { label: Label(3), items, documents, note: vec![b'n'; chance.below(30) as usize] }
}

fn whole(compress: bool) -> Whole {
    let mut chance = Chance::new(1);
    let disk = SimulatedDisk::new(1);
    let options = Options { compress, ..OPTIONS };
    let (log, _) = Log::open(Arc::new(disk.clone()), Path::new(DIRECTORY), options.clone()).unwrap();
    let (mut records, mut last_commits) = (Vec::new(), Vec::new());
    for segment in 1..=2 {
        for commit in 0..4 {
            let new: Vec<_> = (0..=commit % 3).map(|_| record(&mut chance)).collect();
            let places = log.append(&new.iter().map(OwnedRecord::as_record).collect::<Vec<_>>()).unwrap();
            assert_eq!(places[0].segment, segment);
            if commit == 3 {
                last_commits.push((segment, places[0].offset));
            }
            records.extend(places.into_iter().zip(new));
        }
        log.seal();
    }
    let paths = [1, 2].map(|segment| log.path(segment).unwrap());
    let files = paths.map(|path| (path.clone(), disk.bytes(&path).unwrap())).to_vec();
    Whole { options, files, records, last_commits }
}

impl Whole {
    /// Opens the log with one file changed, and holds what is read against what was written.
    /// `hit` are the bytes of the file that are not what they were.
    fn check(&self, file: usize, changed: &[u8], hit: &Range<u64>, what: &str) {
        let disk = SimulatedDisk::new(2);
        for (index, (path, bytes)) in self.files.iter().enumerate() {
            disk.put(path, if index == file { changed.to_vec() } else { bytes.clone() });
        }
        let (log, opened) = Log::open(Arc::new(disk.clone()), Path::new(DIRECTORY), self.options.clone()).unwrap();
        let (mut read, mut damages) = (Vec::new(), Vec::new());
        for found in &opened.segments {
            let seen = see(&log, found.segment).unwrap();
            log.cut_back(found.segment, &seen.walked.unwrap());
            assert_eq!(see(&log, found.segment).unwrap().records, seen.records, "{what}: cut off");
            read.extend(seen.records);
            damages.extend(seen.damages.into_iter().map(|damage| (found.segment, damage)));
        }
        let hit_segment = file as u64 + 1;
        let lost: Vec<&Place> =
            self.records.iter().filter(|written| !read.contains(written)).map(|(place, _)| place).collect();
        for place in &lost {
            let is_hit = place.offset < hit.end && hit.start < place.offset + place.length;
            assert!(place.segment == hit_segment && is_hit, "{what}: lost {place:?}");
        }
        assert!(lost.is_empty() || !damages.is_empty() || !opened.notes.is_empty(), "{what}: lost and not told");
        assert!(read.iter().all(|record| self.records.contains(record)), "{what}: a record out of nothing");
        assert!(damages.iter().all(|(segment, _)| *segment == hit_segment), "{what}: {damages:?}");
        self.check_kinds(file, hit, &damages, what);
        self.check_release(&log, &disk, &damages);
    }

    /// What a crash may have left is called so, and nothing else. The end of the first segment is
    /// written in the head of the second; of the second nobody knows it.
    fn check_kinds(&self, file: usize, hit: &Range<u64>, damages: &[(u64, Damage)], what: &str) {
        let (_, last_commit) = self.last_commits[file];
        let may_be_torn = file == 1 && hit.end > last_commit;
        let is_damaged = |(_, damage): &(u64, Damage)| damage.kind == DamageKind::Damaged;
        assert!(may_be_torn || damages.iter().all(is_damaged), "{what}: {damages:?}");
    }

    /// A damaged segment is set aside when all is settled, any other is not.
    fn check_release(&self, log: &Log, disk: &SimulatedDisk, damages: &[(u64, Damage)]) {
        let aside = |disk: &SimulatedDisk| disk.lengths(&Path::new(DIRECTORY).join("set-aside")).len();
        let before = aside(disk);
        let damaged = damages.iter().filter(|(_, damage)| damage.kind == DamageKind::Damaged);
        let damaged: std::collections::BTreeSet<u64> = damaged.map(|(segment, _)| *segment).collect();
        [1, 2].into_iter().for_each(|segment| {
            log.release(segment);
        });
        assert_eq!(aside(disk) - before, damaged.len());
    }

    /// Changes some bytes of each file in turn; `change` says which it changed.
    fn damage(&self, what: &str, step: usize, change: &mut dyn FnMut(&mut Vec<u8>, usize) -> Range<usize>) {
        for (file, (_, bytes)) in self.files.iter().enumerate() {
            let used = self.records.iter().filter(|(place, _)| place.segment == file as u64 + 1);
            let end = used.map(|(place, _)| place.offset + place.length).max().unwrap() as usize + 200;
            // Where nothing stands a few samples do.
            let is_wanted =
                |at: &usize| at % 4096 < 100 || (8192..end).contains(at) || at.is_multiple_of(97) || step > 100;
            for at in (0..bytes.len()).step_by(step).filter(is_wanted) {
                let mut changed = bytes.clone();
                let hit = change(&mut changed, at);
                if changed != *bytes {
                    let hit = hit.start as u64..hit.end as u64;
                    self.check(file, &changed, &hit, &format!("{what} at {at} of file {file}"));
                }
            }
        }
    }
}

#[test]
fn a_flipped_bit_costs_one_record() {
    for compress in [false, true] {
        let mut chance = Chance::new(5);
        whole(compress).damage("a flipped bit", 1, &mut |bytes, at| {
            bytes[at] ^= 1 << chance.below(8);
            at..at + 1
        });
    }
}

#[test]
fn a_lost_or_overwritten_sector_costs_the_records_in_it() {
    let whole = whole(false);
    let mut chance = Chance::new(6);
    whole.damage("zeros", 512, &mut |bytes, at| {
        bytes[at..at + 512].fill(0);
        at..at + 512
    });
    whole.damage("noise", 512, &mut |bytes, at| {
        bytes[at..at + 512].iter_mut().for_each(|byte| *byte = chance.number() as u8);
        at..at + 512
    });
    for from in (0..16 << 10).step_by(512) {
        whole.damage("another sector", 512, &mut |bytes, at| {
            bytes.copy_within(from..from + 512, at);
            at..at + 512
        });
    }
}

#[test]
fn a_page_costs_the_records_in_it() {
    whole(true).damage("zeros", 4096, &mut |bytes, at| {
        bytes[at..at + 4096].fill(0);
        at..at + 4096
    });
}

#[test]
fn a_file_cut_short_costs_what_is_cut_off() {
    whole(false).damage("cut", 13, &mut |bytes, at| {
        let end = bytes.len();
        bytes.truncate(at);
        at..end
    });
}
