//! Letters on a real disk, by one process and by two.

use std::collections::HashMap;

use super::*;
use crate::item::{Id, Item, Kind, Label};
use crate::spool::disk::RealDisk;

const LIMIT: u64 = 64 << 20;

fn open(directory: &Path) -> DeadLetters {
    DeadLetters::open(Arc::new(RealDisk), directory, LIMIT).unwrap()
}

fn letter(number: u8, reason: &str) -> Letter {
    let item = Item { kind: Kind::Span, hour: 5, id: Id([number; 16]), start: 7, end: 9 };
    let (index, words) = ("jaeger-span-2026-11-21".into(), "failed to parse field [startTime]".into());
    Letter {
        item,
        label: Label(1),
        document: br#"{"traceID":"1"}"#.to_vec(),
        index,
        reason: reason.into(),
        words,
        time: 1000,
    }
}

fn append_some(letters: &DeadLetters, numbers: std::ops::Range<u8>, reason: &str) {
    let some: Vec<_> = numbers.map(|number| letter(number, reason)).collect();
    letters.append(&some).unwrap();
}

/// Numbers and reasons, sorted.
fn there(letters: &DeadLetters) -> Vec<(u8, String)> {
    let mut found = Vec::new();
    let unread = letters.read(&mut |letter| found.push((letter.item.id.0[0], letter.reason))).unwrap();
    assert_eq!(unread, []);
    found.sort();
    found
}

fn all(numbers: std::ops::Range<u8>, reason: &str) -> Vec<(u8, String)> {
    numbers.map(|number| (number, reason.to_string())).collect()
}

/// Takes out even ones; refuses those that are divided by three; leaves the others.
fn settle_some(replay: &Replay<'_>, segment: u64) {
    let fate = |letter: &Letter| match letter.item.id.0[0] {
        number if number.is_multiple_of(2) => Some((letter.key(), Fate::Gone)),
        number if number.is_multiple_of(3) => {
            let stays = Fate::Stays { reason: "strict-mapping".into(), words: "new".into(), time: 2000 };
            Some((letter.key(), stays))
        }
        _ => None,
    };
    let fates: HashMap<_, _> = replay.letters(segment).unwrap().iter().filter_map(fate).collect();
    replay.settle(segment, &fates).unwrap();
}

#[test]
fn letters_are_read_as_they_were_written() {
    let directory = tempfile::tempdir().unwrap();
    let letters = open(directory.path());
    let (mut service, other) = (letter(2, "mapping"), letter(3, "expired"));
    service.item.kind = Kind::Service;
    letters.append(&[letter(1, "mapping"), service, other]).unwrap();
    letters.append(&[letter(1, "mapping")]).unwrap();
    for letters in [&letters, &open(directory.path())] {
        let mut found = Vec::new();
        letters.read(&mut |letter| found.push(letter)).unwrap();
        assert_eq!(found.len(), 4);
        assert_eq!((found[0].item.kind, found[1].item.kind, found[1].item.hour), (Kind::Span, Kind::Service, 5));
        assert_eq!((found[2].reason.as_str(), found[2].label, found[2].time), ("expired", Label(1), 1000));
        assert_eq!(found[2].document, br#"{"traceID":"1"}"#);
        assert_eq!((found[0].key() == found[3].key(), found[0].key() == found[1].key()), (true, false));
    }
    assert!(letters.bytes() > 0);
}

#[test]
fn long_runs_are_cut_and_nothing_is_lost() {
    let some: Vec<_> = (0..100).map(|number| letter(number, "mapping")).collect();
    let bytes = some[0].document.len();
    let cut = letter::records(&some, 10 * bytes);
    assert_eq!((cut.len(), cut.iter().map(|record| record.items.len()).sum::<usize>()), (10, 100));
    assert_eq!(letter::records(&some, 1).len(), 100, "one that is too large goes alone");
}

#[test]
fn what_is_replayed_goes_and_the_rest_stays() {
    let directory = tempfile::tempdir().unwrap();
    let letters = open(directory.path());
    append_some(&letters, 0..10, "mapping");
    let replay = letters.replay().unwrap();
    for &segment in replay.segments() {
        settle_some(&replay, segment);
    }
    let stay = [(1, "mapping"), (3, "strict-mapping"), (5, "mapping"), (7, "mapping"), (9, "strict-mapping")];
    assert_eq!(there(&letters), stay.map(|(number, reason)| (number, reason.to_string())));
}

#[test]
fn a_collector_appends_while_an_operator_replays() {
    let directory = tempfile::tempdir().unwrap();
    let (collector, operator) = (open(directory.path()), open(directory.path()));
    append_some(&collector, 0..10, "mapping");
    let replay = operator.replay().unwrap();
    let segments = replay.segments().to_vec();
    assert_eq!(segments.len(), 1);
    let before = replay.letters(segments[0]).unwrap();
    // While the store is asked, into the very segment.
    append_some(&collector, 100..105, "mapping");
    let fates = before.iter().map(|letter| (letter.key(), Fate::Gone)).collect();
    replay.settle(segments[0], &fates).unwrap();
    drop(replay);
    append_some(&collector, 105..110, "mapping");
    for letters in [&collector, &operator, &open(directory.path())] {
        assert_eq!(there(letters), all(100..110, "mapping"));
    }
    // And once more, now that the segment is used again.
    let again = replay_all(&open(directory.path()));
    assert_eq!((again, there(&collector)), (10, vec![]));
    append_some(&collector, 1..3, "mapping");
    assert_eq!(there(&operator), all(1..3, "mapping"));
}

fn replay_all(letters: &DeadLetters) -> usize {
    let replay = letters.replay().unwrap();
    let mut count = 0;
    for &segment in replay.segments() {
        let fates: HashMap<_, _> =
            replay.letters(segment).unwrap().iter().map(|letter| (letter.key(), Fate::Gone)).collect();
        count += fates.len();
        replay.settle(segment, &fates).unwrap();
    }
    count
}

#[test]
fn many_threads_append_while_one_replays() {
    let directory = tempfile::tempdir().unwrap();
    let collector = open(directory.path());
    std::thread::scope(|scope| {
        for part in 0..4 {
            let collector = &collector;
            scope.spawn(move || {
                (part * 50..part * 50 + 50).for_each(|number| append_some(collector, number..number + 1, "m"))
            });
        }
        let operator = open(directory.path());
        let mut gone = 0;
        while gone < 200 {
            gone += replay_all(&operator);
        }
        assert_eq!(gone, 200, "each went once");
    });
    assert_eq!(there(&collector), []);
}

#[test]
fn a_second_replay_is_told_of_the_first() {
    let directory = tempfile::tempdir().unwrap();
    let letters = open(directory.path());
    let first = letters.replay().unwrap();
    let error = letters.replay().unwrap_err().to_string();
    assert!(
        error.contains("another replay is under way") && error.contains(&std::process::id().to_string()),
        "{error}"
    );
    drop(first);
    letters.replay().unwrap();
}

#[test]
fn a_replay_that_ends_between_writing_and_removing_leaves_letters_twice() {
    let directory = tempfile::tempdir().unwrap();
    let letters = open(directory.path());
    append_some(&letters, 0..10, "mapping");
    // What `settle` does first, and then the process ends.
    {
        let mut turned = letters.turn.take().unwrap();
        let log = letters.log_to_change(&mut turned).unwrap();
        let staying: Vec<_> = (0..10).map(|number| letter(number, "mapping")).collect();
        super::append(&log, &letter::records(&staying, RECORD_BYTES)).unwrap();
    }
    append_some(&letters, 10..11, "mapping");
    let mut keys = std::collections::BTreeSet::new();
    let mut insert = |letter: Letter| {
        keys.insert(letter.key());
    };
    letters.read(&mut insert).unwrap();
    assert_eq!((there(&letters).len(), keys.len()), (21, 11));
}

#[test]
fn the_limit_refuses_and_drops_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let letters = DeadLetters::open(Arc::new(RealDisk), directory.path(), 2 * SEGMENT_BYTES).unwrap();
    // Noise, which does not get smaller.
    let mut state = 1_u64;
    let mut noise = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) as u8
    };
    let document: Vec<u8> = (0..100_000).map(|_| noise()).collect();
    let mut kept = 0;
    let error = loop {
        match letters.append(&[Letter { document: document.clone(), ..letter(kept, "mapping") }]) {
            Ok(()) => kept += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, DeadLetterError::Full { limit } if limit == 2 * SEGMENT_BYTES), "{error}");
    assert!(error.to_string().contains("--dead-letter.max-bytes"));
    assert!(kept >= 4, "{kept}");
    assert_eq!(there(&letters), all(0..kept, "mapping"));
    assert_eq!(replay_all(&letters), usize::from(kept), "a replay needs no room below the limit");
    append_some(&letters, 0..1, "mapping");
}

#[test]
fn damage_costs_what_it_hits_and_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let letters = open(directory.path());
    (0..3).for_each(|number| append_some(&letters, number..number + 1, "mapping"));
    let path = std::fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().path());
    let path = path.into_iter().find(|path| path.extension().is_some_and(|extension| extension == "segment")).unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[8192 + 64 + 3] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let mut found = Vec::new();
    let unread = letters.read(&mut |letter| found.push(letter.item.id.0[0])).unwrap();
    assert_eq!((found, unread.len(), unread[0].offset, &unread[0].path), (vec![1, 2], 1, 8192, &path));
}
