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
    let mut seen = Vec::new();
    let (mut from, to) = (0, Some(places[7].offset));
    loop {
        let walked = log.walk(places[0].segment, from, to, &mut |step| {
            if let Step::Record(place, _) = step {
                seen.push(place);
            }
            ControlFlow::Break(())
        });
        let walked = walked.unwrap();
        if walked.is_finished {
            break;
        }
        assert_eq!(walked.records, 1);
        from = walked.next;
    }
    assert_eq!(seen, places[..7]);
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
