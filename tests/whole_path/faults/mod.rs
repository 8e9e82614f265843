//! Everything that Elasticsearch and the way to it may do to a bulk request, one row each, and what
//! must come of it: every acknowledged span in the store once, none twice, the books exact.
//!
//! Each row has a stand-in and a Spaniel of its own. Spans of two days go out by every protocol that
//! is answered, before the fault, while it lasts, and after it. `SPANIEL_FAULT=TEXT` runs the rows
//! whose name holds that text.
//!
//! [`table`] has the rows, [`row`] says what a row is.

mod row;
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value as Json;

use crate::made::{Protocol, Request};
use crate::spaniel::{Spaniel, Start, until};
use crate::stand_in::{Identity, StandIn};
use row::{Again, Felt, POISON, Row};
use table::{NOT_YET, table};

/// Rows at once.
const WORKERS: usize = 6;

/// More than a Spaniel may ever have held here, whatever a server sends.
const MOST_MEMORY: u64 = 400 << 20;

/// What was acknowledged, and what must become of it.
#[derive(Debug, Default)]
struct Sent {
    /// The day of each, and whether it is to be stored.
    spans: BTreeMap<Identity, (u64, bool)>,
    /// By protocol: received, and of them bad.
    counts: [(u64, u64); Protocol::ALL.len()],
    numbers: u64,
}

impl Sent {
    /// Sends requests of both days by every protocol.
    fn send(&mut self, spaniel: &Spaniel, requests: u64, row: &Row, spans: u64, texts: (&'static str, &'static str)) {
        for _ in 0..requests {
            self.numbers += 1;
            let request = Request { day: self.numbers % 2, texts, ..Request::new(self.numbers, spans) };
            for (protocol, (received, bad)) in Protocol::ALL.into_iter().zip(&mut self.counts) {
                assert_eq!(spaniel.send(protocol, &request), protocol.good());
                let is_bad = texts.0 == POISON && row.never.is_some();
                for (place, identity) in request.identities(protocol).into_iter().enumerate() {
                    self.spans.insert(identity, (request.day, !(is_bad && place == 0)));
                }
                *received += spans;
                *bad += u64::from(is_bad);
            }
        }
    }
}

fn run(row: &Row) {
    let store = StandIn::nodes(row.nodes);
    (row.before)(&store);
    store.become_version(row.version);
    let mut sent = Sent::default();
    (0..row.nodes).filter(|_| row.up).for_each(|node| store.up(node));
    let quick = ["--es.bulk.flush-interval=5ms", "--log-level=info"];
    let spaniel = Start::elasticsearch(&store.urls(), "").flags(&quick).flags(row.flags).run();
    if row.up {
        sent.send(&spaniel, row.warm, row, 5, ("fine", "fine"));
        spaniel.settled_books();
    }
    for step in &row.steps {
        let bulks = store.bulks();
        (step.act)(&store);
        sent.send(&spaniel, 4, row, row.spans, row.texts);
        until(row.name, || is_felt(&step.felt, &store, &spaniel, bulks).then_some(()));
        sent.send(&spaniel, 2, row, row.spans, row.texts);
    }
    if !row.lasts {
        store.lift();
    }
    sent.send(&spaniel, 1, row, 5, ("fine", "fine"));
    let books = spaniel.settled_books();
    check_books(row, &sent, &books);
    check_store(row, &sent, &store);
    (row.also)(&store);
    let peak = spaniel.peak();
    assert!(peak < MOST_MEMORY, "it had {peak} bytes of memory");
    spaniel.stop();
    check_store(row, &sent, &store);
}

fn is_felt(felt: &Felt, store: &StandIn, spaniel: &Spaniel, bulks: usize) -> bool {
    match felt {
        Felt::AtOnce => true,
        Felt::Hits(count) => store.hits() >= *count,
        Felt::Away => spaniel.json("admin", "/status")["store"]["reachable"] == false,
        Felt::Bulks(count) => store.bulks() >= bulks + count,
    }
}

fn check_books(row: &Row, sent: &Sent, books: &Json) {
    let mut there = 0;
    for (protocol, (received, bad)) in Protocol::ALL.into_iter().zip(sent.counts) {
        let page = &books["spans"][protocol.page()];
        let number = |name: &str| page[name].as_u64().unwrap();
        let rows = ["opening", "received", "held"].map(number);
        assert_eq!(rows, [0, received, 0], "{page}");
        assert_eq!(number("stored") + number("already_there"), received - bad, "{page}");
        let empty = ["sampled_out", "dropped"].map(|name| page[name].as_object().unwrap().len());
        assert_eq!(empty, [0, 0], "{page}");
        let never: BTreeMap<String, u64> = words(&page["refused"]).chain(words(&page["dead_lettered"])).collect();
        let expected = row.never.map(|word| (word.to_string(), bad)).into_iter().collect();
        assert_eq!(never, expected, "{page}");
        there += number("already_there");
    }
    match row.again {
        Again::New => assert_eq!(there, 0, "{books}"),
        Again::There => assert!(there > 0, "{books}"),
        Again::Either => {}
    }
}

/// The counts of a row that has them by words.
fn words(row: &Json) -> impl Iterator<Item = (String, u64)> {
    row.as_object().into_iter().flatten().map(|(word, count)| (word.clone(), count.as_u64().unwrap()))
}

fn check_store(row: &Row, sent: &Sent, store: &StandIn) {
    assert_eq!(store.complaints(), Vec::<String>::new());
    let wanted: BTreeSet<_> = sent.spans.iter().filter(|(_, (_, good))| *good).map(|(identity, _)| identity).collect();
    let made = store.made();
    let doubled: Vec<_> = made.iter().filter(|(_, times)| **times != 1).collect();
    assert!(doubled.is_empty(), "made more than once: {doubled:?}");
    let lost: Vec<_> = wanted.iter().filter(|identity| !made.contains_key(**identity)).collect();
    assert!(lost.is_empty(), "{} of {} acknowledged spans are not in the store: {lost:?}", lost.len(), wanted.len());
    let others: Vec<_> = made.keys().filter(|identity| !wanted.contains(identity)).collect();
    assert!(others.is_empty(), "in the store, and should not be: {others:?}");
    for (index, document) in store.spans_by_index().iter().filter(|_| row.dated) {
        let text = |name: &str| document[name].as_str().unwrap().to_string();
        let (day, _) = sent.spans[&(text("traceID"), text("spanID"))];
        assert_eq!(*index, format!("jaeger-span-2026-11-{}", 21 + day));
    }
}

#[expect(clippy::print_stdout, reason = "the table with its times, for those who look")]
#[test]
fn every_fault_of_elasticsearch_has_its_expected_outcome() {
    let wanted = std::env::var("SPANIEL_FAULT").unwrap_or_default();
    let is_wanted = |row: &Row| match wanted.as_str() {
        "" => !NOT_YET.iter().any(|(name, _)| *name == row.name),
        text => row.name.contains(text),
    };
    let rows: Vec<Row> = table().into_iter().filter(is_wanted).collect();
    let (next, failures) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                while let Some(row) = rows.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let began = std::time::Instant::now();
                    let ran = std::panic::catch_unwind(|| run(row));
                    println!(
                        "{:>6.1} s  {}  {}",
                        began.elapsed().as_secs_f64(),
                        if ran.is_ok() { "ok" } else { "FAILED" },
                        row.name
                    );
                    if ran.is_err() {
                        failures.lock().unwrap().push(row.name);
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{} of {} rows failed: {failures:#?}", failures.len(), rows.len());
}
