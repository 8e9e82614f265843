use std::ops::ControlFlow;

use super::*;
use crate::item::{Id, Kind};
use crate::spool::disk::RealDisk;

const OPTIONS: Options = Options { segment_bytes: 64 << 10, max_bytes: 1 << 20, sync: true, compress: false, spare: 2 };

fn open(directory: &Path, options: &Options) -> (Log, Opened) {
    Log::open(Arc::new(RealDisk), directory, options.clone()).unwrap()
}

fn record(number: u8, bytes: usize) -> OwnedRecord {
    let item = |kind, start, end| Item { kind, hour: u64::from(number), id: Id([number; 16]), start, end };
    OwnedRecord {
        label: Label(number),
        items: vec![item(Kind::Span, 0, bytes as u32 / 2), item(Kind::Service, bytes as u32 / 2, bytes as u32)],
        documents: vec![number; bytes],
        note: vec![b'n'; usize::from(number % 3)],
    }
}

fn append(log: &Log, records: &[OwnedRecord]) -> Result<Vec<Place>, AppendError> {
    let records: Vec<_> = records.iter().map(OwnedRecord::as_record).collect();
    log.append(&records)
}

/// All records of a segment; there must be no damage.
fn read(log: &Log, segment: u64) -> Vec<(Place, OwnedRecord)> {
    let mut read = Vec::new();
    let walked = log.walk(segment, 0, None, &mut |step| {
        match step {
            Step::Record(place, record) => read.push((place, record.to_record())),
            Step::Damage(damage) => panic!("{damage:?}"),
        }
        ControlFlow::Continue(())
    });
    assert!(walked.unwrap().is_finished);
    read
}

#[test]
fn what_was_appended_is_read_now_and_in_the_next_life() {
    for compress in [false, true] {
        let directory = tempfile::tempdir().unwrap();
        let options = Options { compress, ..OPTIONS };
        let (log, opened) = open(directory.path(), &options);
        assert_eq!(opened, Opened::default());
        let records: Vec<_> = (0..20).map(|number| record(number, 100 * usize::from(number))).collect();
        let mut places = append(&log, &records[..5]).unwrap();
        places.extend(append(&log, &records[5..]).unwrap());
        let expected: Vec<_> = places.into_iter().zip(records).collect();
        let segment = log.active().unwrap();
        assert_eq!(read(&log, segment), expected);
        drop(log);
        let (log, opened) = open(directory.path(), &options);
        assert_eq!(opened.segments, [Found { segment, bytes: options.segment_bytes }]);
        assert_eq!(log.active(), None);
        assert_eq!(read(&log, segment), expected);
    }
}

#[test]
fn a_walk_stops_where_it_is_told_and_goes_on_from_there() {
    let directory = tempfile::tempdir().unwrap();
    let (log, _) = open(directory.path(), &OPTIONS);
    let records: Vec<_> = (0..10).map(|number| record(number, 300)).collect();
    let places = append(&log, &records).unwrap();
    // A place inside a record stops behind it.
    for to in [places[7].offset, places[7].offset - 1] {
        let (mut seen, mut from) = (Vec::new(), 0);
        loop {
            let walked = log.walk(places[0].segment, from, Some(to), &mut |step| {
                if let Step::Record(place, _) = step {
                    seen.push(place);
                }
                ControlFlow::Break(())
            });
            let walked = walked.unwrap();
            assert_eq!((walked.records, walked.damages), (1, 0));
            from = walked.next;
            if walked.is_finished {
                break;
            }
        }
        assert_eq!(seen, places[..7]);
    }
}

#[test]
fn a_full_segment_is_followed_by_the_next_and_a_large_commit_has_its_own() {
    let directory = tempfile::tempdir().unwrap();
    let (log, _) = open(directory.path(), &OPTIONS);
    let mut segments = Vec::new();
    for number in 0..20 {
        segments.push(append(&log, &[record(number, 10_000)]).unwrap()[0].segment);
    }
    assert_eq!(segments[..11], [1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 3]);
    let large = append(&log, &[record(9, 200_000)]).unwrap()[0];
    assert!(large.length > 200_000);
    assert_eq!(read(&log, large.segment)[0].1, record(9, 200_000));
}

#[test]
fn a_released_segment_is_used_again_and_nothing_of_it_comes_back() {
    let directory = tempfile::tempdir().unwrap();
    let (log, _) = open(directory.path(), &OPTIONS);
    let old = append(&log, &vec![record(1, 1000); 20]).unwrap()[0].segment;
    assert!(!log.release(old), "it is being written");
    log.seal();
    assert!(log.release(old));
    assert_eq!((log.bytes(), log.active()), (0, None));
    let new = append(&log, &[record(2, 1000)]).unwrap()[0].segment;
    assert!(new > old);
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    assert_eq!(read(&log, new).len(), 1);
    drop(log);
    let (log, opened) = open(directory.path(), &OPTIONS);
    assert_eq!(opened.segments.len(), 1);
    assert_eq!(read(&log, new).len(), 1);
    assert!(matches!(log.walk(old, 0, None, &mut |_| ControlFlow::Continue(())), Err(LogError::NoSegment(1))));
}

#[test]
fn the_limit_counts_free_files_but_gives_them_up_first() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options { max_bytes: 3 * OPTIONS.segment_bytes, ..OPTIONS };
    let (log, _) = open(directory.path(), &options);
    let mut segments = Vec::new();
    for _ in 0..3 {
        segments.push(append(&log, &[record(1, 1000)]).unwrap()[0].segment);
        log.seal();
    }
    assert!(matches!(append(&log, &[record(1, 1000)]), Err(AppendError::Full { .. })));
    log.release(segments[0]);
    log.release(segments[1]);
    // Too large for a free file: both go.
    append(&log, &[record(1, 100_000)]).unwrap();
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 2);
    assert_eq!(read(&log, segments[2]).len(), 1);
}

#[test]
fn a_segment_is_not_used_again_while_it_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let (log, _) = open(directory.path(), &OPTIONS);
    let segment = append(&log, &vec![record(1, 1000); 20]).unwrap()[0].segment;
    log.seal();
    let mut seen = 0;
    let walked = log.walk(segment, 0, None, &mut |step| {
        log.release(segment);
        append(&log, &vec![record(2, 1000); 20]).unwrap();
        assert!(matches!(step, Step::Record(_, record) if record.label == Label(1)));
        seen += 1;
        ControlFlow::Continue(())
    });
    assert_eq!((seen, walked.unwrap().damages), (20, 0));
    assert_eq!(log.path(segment), None);
}

#[test]
fn a_record_that_could_not_be_read_back_is_not_taken() {
    let directory = tempfile::tempdir().unwrap();
    let (log, _) = open(directory.path(), &OPTIONS);
    let mut wrong = record(1, 100);
    wrong.items[1].end = 101;
    assert!(matches!(append(&log, &[record(1, 100), wrong]), Err(AppendError::Record(1))));
    assert_eq!(log.active(), None);
}

/// What a process leaves that is killed while it writes a commit of two records: a part of it, where
/// the mark of the end stood before.
fn torn(directory: &Path, bytes: usize) -> (u64, Vec<(Place, OwnedRecord)>, PathBuf) {
    let (log, _) = open(directory, &OPTIONS);
    // An earlier generation of the same file.
    let old = append(&log, &vec![record(9, 1000); 40]).unwrap()[0].segment;
    log.seal();
    assert!(log.release(old));
    let first = append(&log, &[record(1, 500), record(2, 500)]).unwrap();
    let path = log.path(first[0].segment).unwrap();
    let before = std::fs::read(&path).unwrap();
    append(&log, &[record(3, 500), record(4, 500)]).unwrap();
    let mut file = std::fs::read(&path).unwrap();
    let end = (first[1].offset + first[1].length) as usize;
    file[end + bytes..].copy_from_slice(&before[end + bytes..]);
    std::fs::write(&path, file).unwrap();
    (first[0].segment, first.into_iter().zip([record(1, 500), record(2, 500)]).collect(), path)
}

fn walk(log: &Log, segment: u64) -> Walked {
    log.walk(segment, 0, None, &mut |_| ControlFlow::Continue(())).unwrap()
}

#[test]
fn a_torn_commit_is_cut_off_and_not_told_again() {
    // Cut within the first head, within the first record, and within the second one.
    for (bytes, kept) in [(20, 2), (300, 2), (1000, 3)] {
        let directory = tempfile::tempdir().unwrap();
        let (segment, records, path) = torn(directory.path(), bytes);
        let (log, _) = open(directory.path(), &OPTIONS);
        let walked = walk(&log, segment);
        assert!(walked.damages > 0, "{bytes}");
        log.cut_back(segment, &walked);
        let end = std::fs::metadata(&path).unwrap().len();
        assert!(end < 12 << 10 && log.bytes() == end, "{bytes}: {end}");
        for log in [log, open(directory.path(), &OPTIONS).0] {
            let read = read(&log, segment);
            assert_eq!(read.len(), kept, "{bytes}");
            assert_eq!(read[..2], records[..]);
        }
    }
}

#[test]
fn what_may_have_been_acknowledged_is_not_cut_off() {
    // A record is spoilt, but the mark behind its commit is there; all of it was written.
    let directory = tempfile::tempdir().unwrap();
    let (segment, _, path) = torn(directory.path(), 2000);
    let mut bytes = std::fs::read(&path).unwrap();
    let last = bytes.windows(500).position(|bytes| bytes == [4; 500]).unwrap();
    bytes[last + 100] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let (log, _) = open(directory.path(), &OPTIONS);
    let walked = walk(&log, segment);
    assert_eq!((walked.records, walked.damages), (3, 1));
    log.cut_back(segment, &walked);
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
}

mod on_a_bad_disk {
    use std::io::ErrorKind;

    use super::*;
    use crate::spool::disk::simulated::{Call, Fault, SimulatedDisk};

    fn open(disk: &SimulatedDisk) -> (Log, Opened) {
        Log::open(Arc::new(disk.clone()), Path::new("/log"), OPTIONS).unwrap()
    }

    fn fail(disk: &SimulatedDisk, call: Call, times: usize) {
        for _ in 0..times {
            disk.plan(Fault { after: 0, call: Some(call), kind: ErrorKind::StorageFull });
        }
    }

    #[test]
    fn a_failed_write_or_sync_moves_the_commit_to_a_new_file_and_leaves_the_old_one_alone() {
        for call in [Call::Write, Call::Sync] {
            let disk = SimulatedDisk::new(3);
            let (log, _) = open(&disk);
            let first = append(&log, &[record(1, 500)]).unwrap()[0];
            fail(&disk, call, 1);
            let second = append(&log, &[record(2, 500)]).unwrap()[0];
            assert!(second.segment > first.segment);
            let old = log.path(first.segment).unwrap();
            assert_eq!(disk.lengths(Path::new("/log"))[0], first.offset + first.length, "cut back");
            let before = disk.bytes(&old);
            assert_eq!(append(&log, &[record(3, 500)]).unwrap()[0].segment, second.segment);
            assert_eq!(disk.bytes(&old), before);
            assert_eq!(read(&log, first.segment), [(first, record(1, 500))]);
            assert_eq!(read(&log, second.segment).len(), 2);
            // Nobody writes to such a file again: it is removed, not kept.
            log.release(first.segment);
            assert_eq!(disk.bytes(&old), None);
        }
    }

    #[test]
    fn a_segment_in_a_confirmed_file_begins_with_the_sync_of_its_commit() {
        for is_confirmed in [false, true] {
            let disk = SimulatedDisk::new(3);
            let (log, _) = open(&disk);
            let first = append(&log, &[record(1, 500)]).unwrap()[0].segment;
            log.seal();
            assert!(!log.confirm_free() && log.release(first));
            assert_eq!((is_confirmed && log.confirm_free(), is_confirmed && log.confirm_free()), (is_confirmed, false));
            // The second sync from now on would fail.
            disk.plan(Fault { after: 1, call: Some(Call::Sync), kind: ErrorKind::Other });
            let second = append(&log, &[record(2, 500)]).unwrap()[0];
            assert_eq!(disk.has_faults(), is_confirmed);
            assert_eq!(read(&log, second.segment), [(second, record(2, 500))]);
        }
    }

    #[test]
    fn a_free_file_that_cannot_be_synced_is_not_used_again() {
        let disk = SimulatedDisk::new(3);
        let (log, _) = open(&disk);
        let first = append(&log, &[record(1, 500)]).unwrap()[0].segment;
        let path = log.path(first).unwrap();
        log.seal();
        assert!(log.release(first));
        fail(&disk, Call::Sync, 1);
        assert!(log.confirm_free() && !log.confirm_free());
        let second = append(&log, &[record(2, 500)]).unwrap()[0].segment;
        assert_ne!(log.path(second).unwrap(), path);
    }

    #[test]
    fn what_fails_twice_is_not_acknowledged_and_the_next_append_starts_afresh() {
        let disk = SimulatedDisk::new(3);
        let (log, _) = open(&disk);
        let first = append(&log, &[record(1, 500)]).unwrap()[0];
        disk.set_capacity(0);
        fail(&disk, Call::Sync, 1);
        let error = append(&log, &[record(2, 500)]).unwrap_err();
        assert!(matches!(error, AppendError::Disk { .. }), "{error}");
        assert_eq!(log.active(), None);
        disk.set_capacity(u64::MAX);
        let third = append(&log, &[record(3, 500)]).unwrap()[0];
        assert_eq!(read(&log, first.segment), [(first, record(1, 500))]);
        assert_eq!(read(&log, third.segment), [(third, record(3, 500))]);
        drop(log);
        let (log, opened) = open(&disk);
        assert_eq!(opened.segments.len(), 2);
        assert_eq!(read(&log, first.segment), [(first, record(1, 500))]);
    }

    #[test]
    fn what_was_not_acknowledged_is_not_read_though_it_cannot_be_cut_off() {
        let disk = SimulatedDisk::new(3);
        let (log, _) = open(&disk);
        let first = append(&log, &[record(1, 500)]).unwrap()[0];
        fail(&disk, Call::SetLength, 1);
        fail(&disk, Call::Sync, 1);
        append(&log, &[record(2, 500)]).unwrap();
        assert_eq!(read(&log, first.segment), [(first, record(1, 500))]);
        drop(log);
        // The next segment's head says where this one ends.
        assert_eq!(read(&open(&disk).0, first.segment), [(first, record(1, 500))]);
    }

    #[test]
    fn free_files_are_given_up_on_a_full_disk() {
        let disk = SimulatedDisk::new(3);
        let (log, _) = open(&disk);
        let segments = [1, 2].map(|number| {
            let segment = append(&log, &[record(number, 500)]).unwrap()[0].segment;
            log.seal();
            segment
        });
        segments.into_iter().for_each(|segment| assert!(log.release(segment)));
        disk.set_capacity(2 * OPTIONS.segment_bytes);
        // Larger than either.
        append(&log, &[record(3, 100_000)]).unwrap();
    }

    #[test]
    fn a_file_of_a_later_format_is_set_aside_whole() {
        let disk = SimulatedDisk::new(3);
        let newer = head::FileHead { version: head::FORMAT + 1, ..files::new_head(7, 9000, None) }.encode();
        let mut bytes = vec![1; 9000];
        for offset in head::COPIES {
            bytes[offset as usize..offset as usize + newer.len()].copy_from_slice(&newer);
        }
        let path = Path::new("/log").join(files::file_name(7));
        disk.put(&path, bytes.clone());
        disk.put(Path::new("/log/notes.txt"), vec![1]);
        let (log, opened) = open(&disk);
        let aside = Path::new("/log/set-aside").join(files::file_name(7));
        let note = Note { path, oddity: Oddity::Newer(head::FORMAT + 1), fate: Fate::SetAside(aside.clone()) };
        assert_eq!(opened, Opened { segments: vec![], notes: vec![note] });
        assert_eq!(disk.bytes(&aside), Some(bytes));
        assert_eq!(append(&log, &[record(1, 10)]).unwrap()[0].segment, 8);
        assert_eq!(disk.bytes(Path::new("/log/notes.txt")), Some(vec![1]));
    }

    #[test]
    fn no_number_is_given_twice_though_all_files_go() {
        let disk = SimulatedDisk::new(3);
        let options = Options { spare: 0, max_bytes: 100 << 10, ..OPTIONS };
        let mut last = 0;
        for number in 1..4 {
            let (log, _) = Log::open(Arc::new(disk.clone()), Path::new("/log"), options.clone()).unwrap();
            // Of a size of its own, so that its file is not used again.
            let segment = append(&log, &[record(number, 70_000)]).unwrap()[0].segment;
            assert!(segment > last);
            last = segment;
            log.seal();
            log.release(segment);
        }
        assert_eq!(disk.lengths(Path::new("/log")).len(), 1);
    }

    #[test]
    fn what_cannot_be_read_now_is_not_cut_off() {
        let disk = SimulatedDisk::new(3);
        let (log, _) = open(&disk);
        let segment = append(&log, &[record(1, 1000)]).unwrap()[0].segment;
        append(&log, &[record(2, 9000)]).unwrap();
        let path = log.path(segment).unwrap();
        drop(log);
        let (log, _) = open(&disk);
        let bytes = disk.bytes(&path);
        // The whole, then the block in which the second record goes on, and all behind it.
        for after in [1].into_iter().chain(4..20) {
            disk.plan(Fault { after, call: Some(Call::Read), kind: ErrorKind::Other });
        }
        let walked = walk(&log, segment);
        assert_eq!(walked.records, 1);
        log.cut_back(segment, &walked);
        disk.mend();
        assert_eq!(disk.bytes(&path), bytes);
        assert_eq!(read(&open(&disk).0, segment).len(), 2);
    }

    #[test]
    fn an_unreadable_block_costs_the_records_in_it() {
        let disk = SimulatedDisk::new(3);
        let (log, _) = open(&disk);
        let segment = append(&log, &vec![record(1, 1000); 20]).unwrap()[0].segment;
        // The whole, then the third block alone: the first is read to see whether the disk is there.
        for after in [1, 4] {
            disk.plan(Fault { after, call: Some(Call::Read), kind: ErrorKind::Other });
        }
        let (mut records, mut damages) = (0, Vec::new());
        let walked = log.walk(segment, 0, None, &mut |step| {
            match step {
                Step::Record(..) => records += 1,
                Step::Damage(damage) => damages.push(damage),
            }
            ControlFlow::Continue(())
        });
        assert!(walked.unwrap().is_finished);
        assert!((15..20).contains(&records), "{records}");
        assert!(damages.iter().all(|damage| damage.kind == DamageKind::Damaged) && !damages.is_empty());
        let path = log.path(segment).unwrap();
        log.seal();
        log.release(segment);
        assert_eq!(disk.bytes(&path), None);
        assert!(disk.bytes(&Path::new("/log/set-aside").join(path.file_name().unwrap())).is_some());
    }
}
