//! Days: their names, their number, their end.

use std::time::Duration;

use spaniel::clock::Clock;
use spaniel::item::Verdict;
use spaniel::settings::{Embedded, Indices, Rotation};
use spaniel::span::TraceId;
use spaniel::store::embedded::EmbeddedStore;
use spaniel::store::{Reader, Writer};

use crate::support::*;

#[tokio::test]
async fn days_have_the_names_of_elasticsearchs_indices() {
    let directory = tempfile::tempdir().unwrap();
    let indices = Indices { prefix: "prod".into(), services: Rotation::Hour, use_aliases: true, ..Indices::default() };
    let store = EmbeddedStore::open(&settings(directory.path()), &indices, Clock::at(NOON)).unwrap();
    let documents =
        [Document::span(&span(1, 1, NOON)), Document::span(&span(1, 2, NOON - DAY)), Document::service("a", "b")];
    write(&store, &documents).await;
    let expected = ["prod-jaeger-service-2026-11-21-12", "prod-jaeger-span-2026-11-20", "prod-jaeger-span-2026-11-21"];
    assert_eq!(directories(directory.path()), expected);
    drop(store);
    // Other names from now on: what is there stays readable.
    let store = open(directory.path());
    assert_eq!(read_back(&store, &documents[..2]).await.len(), 2);
    assert_eq!(store.services().await.unwrap(), ["a"]);
}

#[tokio::test]
async fn more_days_than_open_writers_are_all_written() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let documents = (0..12).flat_map(|day| (0..3).map(move |number| span(1, day * 10 + number, NOON - day * DAY)));
    let documents = documents.map(|value| Document::span(&value)).collect::<Vec<_>>();
    assert_eq!(write(&store, &documents).await, vec![Verdict::Stored; 36]);
    // In another order, so that days are closed and opened again.
    let more = (0..36).map(|number| Document::span(&span(2, number, NOON - (number * 7 % 12) * DAY)));
    for document in more {
        assert_eq!(write(&store, &[document]).await, [Verdict::Stored]);
    }
    assert_eq!(write(&store, &documents).await, vec![Verdict::AlreadyThere; 36]);
    assert_eq!(directories(directory.path()).len(), 12);
    let ids = [TraceId { high: 0, low: 1 }, TraceId { high: 0, low: 2 }];
    let traces = store.traces(&ids).await.unwrap();
    assert_eq!(traces.iter().map(Vec::len).collect::<Vec<_>>(), [36, 36]);
}

#[tokio::test]
async fn days_are_deleted_when_they_are_too_old() {
    let directory = tempfile::tempdir().unwrap();
    let clock = Clock::at(NOON);
    let settings = Embedded { max_age: Duration::from_secs(3 * 24 * 3600), ..settings(directory.path()) };
    let store = EmbeddedStore::open(&settings, &Indices::default(), clock.clone()).unwrap();
    let (today, yesterday) = (Document::span(&span(1, 1, NOON)), Document::span(&span(1, 2, NOON - DAY)));
    // A clock that is years ahead: it goes when days of now go.
    let ahead = Document::span(&span(1, 3, NOON + 4000 * DAY));
    write(&store, &[today.clone(), yesterday, ahead]).await;
    let days = || directories(directory.path());
    // Made after its end, a day counts from when it was made: three days from noon.
    clock.turn_to(NOON + 3 * DAY - 1);
    write(&store, &[Document::span(&span(9, 1, NOON + 3 * DAY - 1))]).await;
    assert_eq!(days().len(), 4);
    clock.turn_to(NOON + 3 * DAY);
    write(&store, &[Document::span(&span(9, 2, NOON + 3 * DAY))]).await;
    // The last write must be over before the days are looked at: they go after its verdicts.
    write(&store, &[Document::span(&span(9, 3, NOON + 3 * DAY))]).await;
    assert_eq!(days(), ["jaeger-span-2026-11-21", "jaeger-span-2026-11-24"]);
    assert_eq!(read_back(&store, std::slice::from_ref(&today)).await.len(), 1);
    // The day that was made while it lasted goes three days after its end, here at the next start.
    drop(store);
    clock.turn_to(NOON + 3 * DAY + 12 * HOUR);
    let store = EmbeddedStore::open(&settings, &Indices::default(), clock.clone()).unwrap();
    write(&store, &[Document::span(&span(9, 4, NOON + 3 * DAY))]).await;
    assert_eq!(days(), ["jaeger-span-2026-11-24"]);
    assert!(read_back(&store, &[today]).await.is_empty());
}

#[tokio::test]
async fn the_oldest_days_are_deleted_while_the_store_is_too_large() {
    let directory = tempfile::tempdir().unwrap();
    // The younger days are written first: it is not the order of writing that counts.
    let days = (0..4u64).map(|day| Document::span(&span(1, day, NOON - day * 2 * HOUR - DAY / 2 + HOUR / 2)));
    let indices = Indices { spans: Rotation::Hour, ..Indices::default() };
    let settings_now = |max_bytes| Embedded { max_bytes, ..settings(directory.path()) };
    let clock = Clock::at(NOON - DAY);
    let store = EmbeddedStore::open(&settings_now(0), &indices, clock.clone()).unwrap();
    for document in days {
        write(&store, &[document]).await;
    }
    store.close().await;
    let bytes = store.figures().bytes;
    let all = directories(directory.path());
    assert_eq!((all.len(), store.figures().days), (4, 4));
    drop(store);
    // Room for less than three of the four, which are equal but for compression.
    let store = EmbeddedStore::open(&settings_now(bytes * 7 / 10), &indices, clock.clone()).unwrap();
    store.close().await;
    assert_eq!(directories(directory.path()), all[2..]);
    drop(store);
    // However small it may be, the last one stays.
    let store = EmbeddedStore::open(&settings_now(1), &indices, clock).unwrap();
    store.close().await;
    assert_eq!(directories(directory.path()), all[3..]);
}

#[tokio::test]
async fn absurd_start_times_make_a_bounded_number_of_days() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let times = [0, DAY, u64::MAX, 1 << 63].into_iter().chain((0..200).map(|day| 1_000_000 * DAY + day * DAY));
    let values = times.enumerate().map(|(number, start)| span(1, number as u64, start)).collect::<Vec<_>>();
    let verdicts = store.write(&spans(&values)).await.verdicts;
    let stored = verdicts.iter().filter(|verdict| **verdict == Verdict::Stored).count();
    let refused = verdicts.iter().filter(|verdict| **verdict == Verdict::Refused("too-many-days")).count();
    assert_eq!((stored, refused), (64, 140));
    assert_eq!(directories(directory.path()).len(), 64);
    // Spans of now and of days that exist are taken all the same.
    let verdicts = store.write(&spans(&[span(2, 1, NOON), span(2, 2, 5)])).await.verdicts;
    assert_eq!(verdicts, [Verdict::Stored; 2]);
    let traces = store.traces(&[TraceId { high: 0, low: 1 }]).await.unwrap();
    assert_eq!(traces[0].len(), 64);
    assert_eq!(traces[0][0].start, 0);
}
