//! The commands over a directory as a collector leaves it.

use std::path::Path;

use super::*;
use crate::clock::Clock;
use crate::command::Outcome;
use crate::item::{Batch, Id, Item, Judgement, Kind, Label, Verdict};
use crate::settings::{ExportForm, Settings};
use crate::spool::lock::DirectoryLock;
use crate::spool::log::Record;
use crate::store::{Status, Task, Writer};

const HOUR: u64 = 498_686; // 2026-11-21 14:00

fn log(directory: &Path) -> Log {
    let options = Options { segment_bytes: 64 << 10, max_bytes: 1 << 30, sync: false, compress: true, spare: 1 };
    Log::open(Arc::new(RealDisk), directory, options).unwrap().0
}

/// Two spans of Zipkin and a service; one span of Jaeger.
fn filled() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let waiting = log(&directory.path().join(SEGMENTS));
    let item = |kind, id, hour, start, end| Item { kind, hour, id: Id([id; 16]), start, end };
    let documents = br#"{"traceID":"1"}{"traceID":"2"}{"serviceName":"s"}"#;
    let items = [
        item(Kind::Span, 1, HOUR, 0, 15),
        item(Kind::Span, 2, HOUR + 30, 15, 30),
        item(Kind::Service, 0, HOUR, 30, 49),
    ];
    waiting.append(&[Record { label: Label(0), items: &items, documents, note: &[] }]).unwrap();
    let one = Record { label: Label(1), items: &items[..1], documents, note: &[] };
    waiting.append(&[one]).unwrap();
    waiting.seal();
    waiting.append(&[one]).unwrap();
    log(&directory.path().join(HELD).join("jaeger-span-2026-11-20")).append(&[one]).unwrap();
    directory
}

fn settings(directory: &Path) -> Settings {
    let mut settings = Settings::default();
    settings.spool.directory = directory.to_path_buf();
    settings
}

fn listed(directory: &Path) -> (Outcome, String) {
    let mut out = Vec::new();
    let outcome = list(directory, &mut out).unwrap();
    (outcome, String::from_utf8(out).unwrap())
}

fn verified(directory: &Path) -> (Outcome, String) {
    let mut out = Vec::new();
    let outcome = verify(&settings(directory), &mut out).unwrap();
    (outcome, String::from_utf8(out).unwrap())
}

fn exported(directory: &Path, form: ExportForm) -> (Outcome, String, String) {
    let (mut out, mut complaints) = (Vec::new(), Vec::new());
    let outcome = export(&settings(directory), form, &mut out, &mut complaints).unwrap();
    (outcome, String::from_utf8(out).unwrap(), String::from_utf8(complaints).unwrap())
}

/// The words of the line that begins with this one.
fn line<'a>(text: &'a str, first: &str) -> Vec<&'a str> {
    text.lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .find(|words| words.first() == Some(&first))
        .unwrap()
}

fn damage(directory: &Path, offset: usize) {
    let path = directory.join(SEGMENTS).join("00000000000000000001.segment");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[offset] ^= 1;
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn segments_are_listed_with_what_they_hold() {
    let directory = filled();
    let (outcome, text) = listed(directory.path());
    assert_eq!(outcome, Outcome::Good);
    assert!(text.contains(": not in use"), "{text}");
    let words = [
        "1",
        "65536",
        "2",
        "1",
        "2026-11-21",
        "14:00",
        "2026-11-22",
        "20:00",
        "0",
        "zipkin-json",
        "2,",
        "jaeger-thrift-http",
        "1",
    ];
    assert_eq!(line(&text, "1"), words);
    assert_eq!(line(&text, "all"), ["all", "131072", "3", "1", "0", "zipkin-json", "2,", "jaeger-thrift-http", "2"]);
    assert!(text.contains("held for jaeger-span-2026-11-20"), "{text}");
    assert!(text.contains("dead letters (dead-letters/): 0 files"), "{text}");
}

#[test]
fn a_directory_in_use_is_listed_and_its_holder_named() {
    let directory = filled();
    let _lock = DirectoryLock::take(directory.path()).unwrap();
    let text = listed(directory.path()).1;
    assert!(text.contains(&format!("in use by process {}", std::process::id())), "{text}");
}

#[test]
fn looking_changes_nothing() {
    let directory = filled();
    std::fs::write(directory.path().join(SEGMENTS).join("00000000000000000009.segment"), [1; 9000]).unwrap();
    let state = || {
        let entries = RealDisk.list(&directory.path().join(SEGMENTS)).unwrap();
        let mut entries: Vec<_> = entries.into_iter().map(|entry| (entry.name, entry.bytes)).collect();
        entries.sort();
        entries
    };
    let before = state();
    let (outcome, text) = listed(directory.path());
    assert_eq!(outcome, Outcome::Wrong);
    assert!(text.contains("cannot be used: ") && text.contains("00000000000000000009.segment"), "{text}");
    assert_eq!(verified(directory.path()).0, Outcome::Wrong);
    exported(directory.path(), ExportForm::Plain);
    assert_eq!(state(), before);
}

#[test]
fn every_damage_is_told_with_its_place() {
    let directory = filled();
    let (outcome, text) = verified(directory.path());
    assert_eq!(
        (outcome, text.as_str()),
        (Outcome::Good, "3 segments with 4 records and 0 dead letters read, 0 damages\n")
    );
    damage(directory.path(), 8192 + 64 + 5);
    let (outcome, text) = verified(directory.path());
    assert_eq!(outcome, Outcome::Wrong);
    let told = "00000000000000000001.segment: offset 8192, ";
    assert!(text.contains(told) && text.contains("lost 2 spans of zipkin-json and 1 services"), "{text}");
    assert!(text.ends_with("3 segments with 3 records and 0 dead letters read, 1 damages\n"), "{text}");
    assert_eq!(listed(directory.path()).0, Outcome::Wrong);
}

#[test]
fn documents_are_exported_in_both_forms() {
    let directory = filled();
    let (outcome, text, complaints) = exported(directory.path(), ExportForm::Plain);
    assert_eq!((outcome, complaints.as_str()), (Outcome::Good, ""));
    let one = r#"{"traceID":"1"}"#;
    assert_eq!(text.lines().collect::<Vec<_>>(), [one, r#"{"traceID":"2"}"#, r#"{"serviceName":"s"}"#, one, one, one]);
    let bulk = exported(directory.path(), ExportForm::Bulk).1;
    let lines: Vec<_> = bulk.lines().collect();
    let actions = [
        r#"{"create":{"_index":"jaeger-span-2026-11-21","_id":"AQEBAQEBAQEBAQEBAQEBAQ"}}"#,
        r#"{"create":{"_index":"jaeger-span-2026-11-22","_id":"AgICAgICAgICAgICAgICAg"}}"#,
        r#"{"index":{"_index":"jaeger-service-2026-11-21","_id":"0"}}"#,
    ];
    assert_eq!((lines.len(), [lines[0], lines[2], lines[4]]), (12, actions));
    damage(directory.path(), 8192 + 64 + 5);
    let (outcome, text, complaints) = exported(directory.path(), ExportForm::Plain);
    assert_eq!((outcome, text.lines().count()), (Outcome::Wrong, 3));
    assert!(complaints.contains("offset 8192 is damaged"), "{complaints}");
}

/// Takes everything, after having been away for two tries.
#[derive(Debug, Default)]
struct Store {
    tries: std::sync::atomic::AtomicU32,
    stored: std::sync::Mutex<Vec<(u8, String)>>,
}

impl Writer for Store {
    fn write<'a>(&'a self, batch: &'a Batch) -> Task<'a, Judgement> {
        Box::pin(async move {
            if self.tries.fetch_add(1, std::sync::atomic::Ordering::Relaxed) < 2 {
                return Judgement::away(batch.len(), "unreachable");
            }
            let mut stored = self.stored.lock().unwrap();
            let verdicts: Vec<_> = batch
                .iter()
                .map(|(_, item, document)| {
                    let entry = (item.id.0[0], String::from_utf8_lossy(document).into_owned());
                    if stored.contains(&entry) {
                        return Verdict::AlreadyThere;
                    }
                    stored.push(entry);
                    Verdict::Stored
                })
                .collect();
            verdicts.into()
        })
    }

    fn index(&self, _item: &Item) -> String {
        "jaeger-span-2026-11-21".into()
    }

    fn status(&self) -> Status {
        Status::default()
    }

    fn close(&self) -> Task<'_, ()> {
        Box::pin(async {})
    }
}

#[tokio::test]
async fn a_spool_is_drained_until_it_is_empty() {
    let directory = filled();
    let (store, clock) = (Arc::new(Store::default()), Clock::at((HOUR + 1) * 3_600_000_000));
    let mut out = Vec::new();
    let settings = settings(directory.path());
    assert_eq!(drain(&settings, store.clone(), &clock, &mut out).await.unwrap(), Outcome::Good);
    let text = String::from_utf8(out).unwrap();
    // The same span lies in three records, of which one is held apart: whichever comes first.
    assert!(text.contains("zipkin-json: 2 found, ") && text.contains("jaeger-thrift-http: 3 found, "), "{text}");
    assert!(text.ends_with("service documents: 1 found, 1 stored, 0 already there\nThe spool is empty.\n"), "{text}");
    assert_eq!(store.stored.lock().unwrap().len(), 3);
    let text = listed(directory.path()).1;
    assert_eq!(line(&text, "all"), ["all", "0", "0", "0", "0", "-"]);
    assert!(!text.contains("held for"), "{text}");
}

#[tokio::test]
async fn a_spool_in_use_is_not_drained() {
    let directory = filled();
    let _lock = DirectoryLock::take(directory.path()).unwrap();
    let error = drain(&settings(directory.path()), Arc::new(Store::default()), &Clock::System, &mut Vec::new()).await;
    let error = error.unwrap_err().to_string();
    assert!(error.contains("is in use by process"), "{error}");
}

#[test]
fn a_directory_that_is_not_there_is_an_error() {
    let error = list(Path::new("/nonexistent-spool"), &mut Vec::new()).unwrap_err();
    assert!(error.to_string().contains("/nonexistent-spool"), "{error}");
}
