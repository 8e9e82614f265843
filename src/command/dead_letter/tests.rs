//! The commands over letters of a test's own and a store that says what it is told.

use std::sync::Mutex;

use super::*;
use crate::clock::Clock;
use crate::dead_letter::Letter;
use crate::item::{Batch, Id, Item, Judgement, Kind, Label, Verdict};
use crate::store::{Status, Task, Writer};

const NOW: u64 = 1_795_272_958_000_000;

/// Refuses the ids that it is told to; takes each other one once.
#[derive(Debug, Default)]
struct Store {
    refused: Vec<u8>,
    is_away: bool,
    stored: Mutex<Vec<(u8, String)>>,
}

impl Writer for Store {
    fn write<'a>(&'a self, batch: &'a Batch) -> Task<'a, Judgement> {
        Box::pin(async move {
            if self.is_away {
                return Judgement::away(batch.len(), "unreachable");
            }
            let mut stored = self.stored.lock().unwrap();
            let mut judgement = Judgement::default();
            for (index, (_, item, document)) in batch.iter().enumerate() {
                let id = item.id.0[0];
                judgement.verdicts.push(if self.refused.contains(&id) {
                    judgement.reasons.push((index as u32, "still no".into()));
                    Verdict::Refused("strict-mapping")
                } else if stored.iter().any(|(known, _)| *known == id) {
                    Verdict::AlreadyThere
                } else {
                    stored.push((id, String::from_utf8_lossy(document).into_owned()));
                    Verdict::Stored
                });
            }
            judgement
        })
    }

    fn index(&self, _item: &Item) -> String {
        "jaeger-span-2026-11-21".into()
    }

    fn status(&self) -> Status {
        Status { trouble: Some("connection refused".into()), ..Status::default() }
    }

    fn close(&self) -> Task<'_, ()> {
        Box::pin(async {})
    }
}

fn letters(directory: &std::path::Path) -> DeadLetters {
    DeadLetters::open(Arc::new(RealDisk), directory, 64 << 20).unwrap()
}

fn keep(letters: &DeadLetters, id: u8, reason: &str) {
    let item = Item { kind: Kind::Span, hour: 5, id: Id([id; 16]), start: 0, end: 0 };
    let document = format!(r#"{{"traceID":"{id}","duration":12345678901234567890}}"#);
    let (index, words) = ("jaeger-span-2026-11-21".into(), "failed to parse".into());
    let document = document.into_bytes();
    let letter = Letter { item, label: Label(0), document, index, reason: reason.into(), words, time: NOW };
    letters.append(&[letter]).unwrap();
}

async fn replayed(letters: &DeadLetters, store: &Store, choice: Choice) -> (Outcome, String) {
    let mut out = Vec::new();
    let outcome = replay(letters, store, &choice, &Clock::at(NOW), &mut out).await.unwrap();
    (outcome, String::from_utf8(out).unwrap())
}

fn listed(letters: &DeadLetters) -> String {
    let mut out = Vec::new();
    list(letters, &Clock::at(NOW + 7200 * 1_000_000), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[tokio::test]
async fn letters_are_listed_once_and_shown_whole() {
    let directory = tempfile::tempdir().unwrap();
    let letters = letters(directory.path());
    assert_eq!(listed(&letters), "0 dead letters\n");
    [(1, "mapping"), (2, "expired"), (1, "mapping")].into_iter().for_each(|(id, reason)| keep(&letters, id, reason));
    let text = listed(&letters);
    let words: Vec<_> = text.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(words, ["AQEBAQEBAQEBAQEBAQEBAQ", "zipkin-json", "mapping", "2h", "2", "jaeger-span-2026-11-21"]);
    assert!(text.contains("\n2 dead letters\n"), "{text}");
    assert!(text.contains("       1  zipkin-json, expired, jaeger-span-2026-11-21"), "{text}");

    let mut out = Vec::new();
    assert_eq!(show(&letters, "AQEBAQEBAQEBAQEBAQEBAQ", &mut out).unwrap(), Outcome::Good);
    let text = String::from_utf8(out).unwrap();
    assert!(text.contains("reason    mapping\nwords     failed to parse\n"), "{text}");
    assert!(text.contains("  \"traceID\": \"1\""), "{text}");
    assert!(text.contains("12345678901234567890"), "numbers as they are: {text}");
    assert_eq!(text.matches("traceID").count(), 1, "once though it came twice");
    assert_eq!(show(&letters, "none", &mut Vec::new()).unwrap(), Outcome::Wrong);
}

#[tokio::test]
async fn what_is_stored_goes_and_what_is_refused_stays() {
    let directory = tempfile::tempdir().unwrap();
    let letters = letters(directory.path());
    (1..=4).for_each(|id| keep(&letters, id, "mapping"));
    keep(&letters, 1, "mapping");
    let store = Store { refused: vec![3], ..Store::default() };
    let (outcome, text) = replayed(&letters, &store, Choice::default()).await;
    assert_eq!(outcome, Outcome::Wrong);
    assert_eq!(
        text,
        "       3  stored\n       0  already there\n       1  refused again, kept: strict-mapping: still no\n"
    );
    let left = listed(&letters);
    assert!(left.contains("1 dead letters") && left.contains("strict-mapping"), "{left}");
    assert_eq!(store.stored.lock().unwrap().len(), 3);

    let mended = Store { stored: store.stored, ..Store::default() };
    let (outcome, text) = replayed(&letters, &mended, Choice::default()).await;
    assert_eq!((outcome, text.as_str()), (Outcome::Good, "       1  stored\n       0  already there\n"));
    assert_eq!(listed(&letters), "0 dead letters\n");
    // One that a crash had left is sent again, and is there once.
    keep(&letters, 3, "mapping");
    assert!(replayed(&letters, &mended, Choice::default()).await.1.contains("1  already there"));
    assert_eq!(mended.stored.lock().unwrap().len(), 4);
}

#[tokio::test]
async fn only_those_that_are_chosen_are_sent() {
    let directory = tempfile::tempdir().unwrap();
    let letters = letters(directory.path());
    [(1, "mapping"), (2, "expired"), (3, "mapping")].into_iter().for_each(|(id, reason)| keep(&letters, id, reason));
    let store = Store::default();
    let expired = Choice { reason: Some("expired".into()), ..Choice::default() };
    assert!(replayed(&letters, &store, expired).await.1.contains("1  stored"));
    let id = Choice { id: Some("AwMDAwMDAwMDAwMDAwMDAw".into()), ..Choice::default() };
    assert!(replayed(&letters, &store, id).await.1.contains("1  stored"));
    let elsewhere = Choice { index: Some("another".into()), ..Choice::default() };
    assert!(replayed(&letters, &store, elsewhere).await.1.contains("0  stored"));
    let stored: Vec<u8> = store.stored.lock().unwrap().iter().map(|(id, _)| *id).collect();
    assert_eq!(stored, [2, 3]);
    assert!(listed(&letters).contains("1 dead letters"));
}

#[tokio::test]
async fn a_store_that_is_away_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let letters = letters(directory.path());
    keep(&letters, 1, "mapping");
    let store = Store { is_away: true, ..Store::default() };
    let (outcome, text) = replayed(&letters, &store, Choice::default()).await;
    assert_eq!(outcome, Outcome::Wrong);
    assert!(text.contains("1  not taken now, kept as they are: unreachable"), "{text}");
    assert!(text.contains("The store takes nothing now: connection refused"), "{text}");
    assert!(listed(&letters).contains("mapping"));
}
