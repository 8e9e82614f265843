//! Everything that Elasticsearch and the way to it may do to a bulk request, one row each, and what
//! must come of it: every acknowledged span in the store once, none twice, the books exact.
//!
//! Each row has a stand-in and a Spaniel of its own. Spans of two days go out by every protocol that
//! is answered, before the fault, while it lasts, and after it. `SPANIEL_FAULT=TEXT` runs the rows
//! whose name holds that text.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value as Json;

use crate::made::{Protocol, Request};
use crate::spaniel::{Spaniel, Start, until};
use crate::stand_in::{Fault, Identity, StandIn};

/// Rows at once.
const WORKERS: usize = 6;

/// More than a Spaniel may ever have held here, whatever a server sends.
const MOST_MEMORY: u64 = 400 << 20;

/// The text of the spans that some rows are about.
const POISON: &str = "poison";

/// One thing that happens, and when it has been felt.
struct Step {
    act: fn(&StandIn),
    felt: Felt,
}

/// How it is known that Spaniel has felt a fault.
enum Felt {
    /// Nothing to wait for.
    AtOnce,
    /// So many requests have met it.
    Hits(usize),
    /// Spaniel says that the store is away.
    Away,
    /// So many bulk requests came in since.
    Bulks(usize),
}

/// What is expected of spans that were sent to the store more than once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Again {
    /// None was there already: the fault came before anything was done.
    New,
    /// Some were there already: the fault came after it was done.
    There,
    /// Some may have been.
    Either,
}

/// A row of the table.
struct Row {
    name: &'static str,
    flags: &'static [&'static str],
    version: &'static str,
    nodes: usize,
    /// The store is there when Spaniel starts.
    up: bool,
    steps: Vec<Step>,
    again: Again,
    /// The fault lasts until all is settled.
    lasts: bool,
    /// The first span of a request while the fault lasts has this text, the others that one.
    texts: (&'static str, &'static str),
    /// What becomes of those first spans: this word, as refused or as a dead letter.
    never: Option<&'static str>,
    /// Indices are told by the days of starts.
    dated: bool,
    /// Before Spaniel starts.
    before: fn(&StandIn),
    also: fn(&StandIn),
}

/// A fault of bulk requests that is met at least twice, then lifted.
fn fault(name: &'static str, fault: fn(&StandIn), again: Again) -> Row {
    steps(name, vec![Step { act: fault, felt: Felt::Hits(2) }, lift()], again)
}

fn lift() -> Step {
    Step { act: StandIn::lift, felt: Felt::AtOnce }
}

fn steps(name: &'static str, steps: Vec<Step>, again: Again) -> Row {
    Row {
        name,
        flags: &[],
        version: "7.17.29",
        nodes: 1,
        up: true,
        steps,
        again,
        lasts: false,
        texts: ("fine", "fine"),
        never: None,
        dated: true,
        before: |_| {},
        also: |_| {},
    }
}

/// A second is enough for a stand-in; only rows in which it does not answer need it.
const IMPATIENT: &[&str] = &["--es.timeout=1s"];

const fn items(every: usize, status: u16, kind: &'static str, reason: &'static str) -> Fault {
    Fault::Items { every, status, kind, reason }
}

/// The table.
fn table() -> Vec<Row> {
    let parts = [connections(), whole_requests(), some_items(), documents(), answers(), aliases(), nodes(), versions()];
    parts.into_iter().flatten().collect()
}

/// Rows that fail today, and for want of what. They are left out unless they are named.
const NOT_YET: &[(&str, &str)] = &[
    ("400 on every request", "a span that failed alone is refused though the server was at fault"),
    ("closed index", "it is refused, not sent again"),
    ("an error that nobody knows", "it is refused, not sent again"),
    ("done, then reset, then a rollover", "the alias is not resolved before the first try"),
    ("no alias yet", "an index of the name of the alias is made"),
    ("gzip bomb", "an answer is inflated without a limit"),
];

fn connections() -> Vec<Row> {
    let refused = || Step { act: |store| store.down(0), felt: Felt::Away };
    let back = || Step { act: |store| store.up(0), felt: Felt::AtOnce };
    vec![
        Row { up: false, ..steps("down at start", vec![refused(), back()], Again::New) },
        Row { again: Again::Either, ..steps("connections refused", vec![refused(), back()], Again::New) },
        steps("comes and goes", vec![refused(), back(), refused(), back(), refused(), back()], Again::Either),
        steps(
            "reset for long",
            vec![Step { act: |store| store.begin(Fault::ResetBeforeBody), felt: Felt::Hits(6) }, lift()],
            Again::New,
        ),
        fault("reset before the body", |store| store.begin(Fault::ResetBeforeBody), Again::New),
        fault("reset in the body", |store| store.begin(Fault::ResetInBody), Again::New),
        fault("reset after the body", |store| store.begin(Fault::ResetAfterBody), Again::New),
        fault("done, then reset", |store| store.begin(Fault::CommitThenReset), Again::There),
        Row { flags: IMPATIENT, ..fault("no answer", |store| store.begin(Fault::Silence), Again::New) },
        Row {
            flags: IMPATIENT,
            ..fault("done, then no answer", |store| store.begin(Fault::CommitThenSilence), Again::There)
        },
    ]
}

fn whole_requests() -> Vec<Row> {
    const OVERLOAD: &str = "es_rejected_execution_exception";
    vec![
        fault("429", |store| store.begin(Fault::Whole(429, OVERLOAD)), Again::New),
        fault("503", |store| store.begin(Fault::Whole(503, "unavailable_shards_exception")), Again::New),
        fault("500", |store| store.begin(Fault::Whole(500, "null_pointer_exception")), Again::New),
        fault("502, as of a proxy", |store| store.begin(Fault::Whole(502, "bad_gateway")), Again::New),
        fault("404", |store| store.begin(Fault::Whole(404, "index_not_found_exception")), Again::New),
        fault("400 on every request", |store| store.begin(Fault::Whole(400, "parse_exception")), Again::New),
        fault("401 on bulk requests", |store| store.begin(Fault::Whole(401, "security_exception")), Again::New),
        fault("401 on all", |store| store.begin(Fault::Everything(401, "security_exception")), Again::New),
        fault("403 on all", |store| store.begin(Fault::Everything(403, "security_exception")), Again::New),
        fault("503 on all", |store| store.begin(Fault::Everything(503, "master_not_discovered")), Again::New),
        fault("413 over 2000 bytes", |store| store.begin(Fault::TooLarge(2_000)), Again::New),
        Row {
            flags: &["--es.http-compression=true"],
            ..fault("503, packed", |store| store.begin(Fault::Whole(503, "unavailable")), Again::New)
        },
    ]
}

fn some_items() -> Vec<Row> {
    const OVERLOAD: &str = "es_rejected_execution_exception";
    const BLOCK: &str = "cluster_block_exception";
    vec![
        fault("429 on every third item", |store| store.begin(items(3, 429, OVERLOAD, "full")), Again::New),
        fault("429 on all items", |store| store.begin(items(1, 429, OVERLOAD, "full")), Again::New),
        fault("503 on some items", |store| store.begin(items(2, 503, "unavailable_shards_exception", "")), Again::New),
        fault("403 on items", |store| store.begin(items(1, 403, "security_exception", "no right")), Again::New),
        fault("read-only index, 6", |store| store.begin(items(1, 403, BLOCK, "FORBIDDEN/12")), Again::New),
        fault("read-only index, 8", |store| store.begin(items(1, 429, BLOCK, "TOO_MANY_REQUESTS/12")), Again::New),
        fault("no index is made", |store| store.begin(items(1, 404, "index_not_found_exception", "")), Again::New),
        fault("closed index", |store| store.begin(items(2, 400, "index_closed_exception", "closed")), Again::New),
        fault("shard limit", |store| store.begin(Fault::ShardLimit), Again::New),
        fault("an error that nobody knows", |store| store.begin(items(2, 400, "new_exception", "odd")), Again::New),
        fault("a status that nobody knows", |store| store.begin(items(2, 418, "teapot", "odd")), Again::New),
    ]
}

/// Some documents are bad, and stay so.
fn documents() -> Vec<Row> {
    let poison = |name, act| Row {
        lasts: true,
        texts: (POISON, "fine"),
        steps: vec![Step { act, felt: Felt::Hits(1) }],
        ..fault(name, act, Again::New)
    };
    vec![
        Row {
            never: Some("mapping"),
            ..poison("400 on one item", |store| {
                store.begin(Fault::Poison {
                    text: POISON,
                    status: 400,
                    kind: "mapper_parsing_exception",
                    reason: "failed to parse field [x] of type [long]",
                });
            })
        },
        Row {
            never: Some("strict-mapping"),
            ..poison("400 for a strict mapping", |store| {
                store.begin(Fault::Poison {
                    text: POISON,
                    status: 400,
                    kind: "strict_dynamic_mapping_exception",
                    reason: "mapping set to strict, dynamic introduction of [x] within [_doc] is not allowed",
                });
            })
        },
        Row {
            never: Some("malformed"),
            ..poison("400 on the request while one item is in it", |store| {
                store.begin(Fault::PoisonRequest { text: POISON });
            })
        },
    ]
}

fn answers() -> Vec<Row> {
    vec![
        fault("answer cut short", |store| store.begin(Fault::CutAnswer), Again::There),
        fault("answer cut short, of no length", |store| store.begin(Fault::CutAnswerUnannounced), Again::There),
        fault("answer of one item more", |store| store.begin(Fault::WrongCount(1)), Again::There),
        fault("answer of one item less", |store| store.begin(Fault::WrongCount(-1)), Again::There),
        fault("answer of no item", |store| store.begin(Fault::WrongCount(-100_000)), Again::There),
        fault("answer that is no JSON", |store| store.begin(Fault::NotJson), Again::There),
        fault("empty answer", |store| store.begin(Fault::EmptyAnswer), Again::There),
        steps(
            "slow drip",
            vec![Step { act: |store| store.begin(Fault::Drip(1)), felt: Felt::Hits(1) }, lift()],
            Again::New,
        ),
        Row { flags: IMPATIENT, ..fault("slower drip", |store| store.begin(Fault::Drip(50)), Again::There) },
        Row { flags: IMPATIENT, ..fault("endless answer", |store| store.begin(Fault::EndlessAnswer), Again::There) },
        fault("gzip bomb", |store| store.begin(Fault::GzipBomb), Again::There),
    ]
}

fn aliases() -> Vec<Row> {
    const FLAGS: &[&str] = &["--es.use-aliases=true"];
    fn roll_over(store: &StandIn, generation: u32) {
        for kind in ["span", "service"] {
            store.roll_over(&format!("jaeger-{kind}-write"), &format!("jaeger-{kind}-{generation:06}"));
        }
    }
    /// Nothing was written to an index that nobody made.
    fn only_generations(store: &StandIn) {
        let strange = store.spans_by_index().into_iter().find(|(index, _)| !index.starts_with("jaeger-span-00000"));
        assert!(strange.is_none(), "{strange:?}");
    }
    let aliased = |row| Row { flags: FLAGS, dated: false, also: only_generations, ..row };
    let rolled_over = |name, fault: fn(&StandIn), again| {
        let roll = Step { act: |store| roll_over(store, 2), felt: Felt::AtOnce };
        let steps = steps(name, vec![Step { act: fault, felt: Felt::Hits(2) }, roll, lift()], again);
        Row { before: |store| roll_over(store, 1), ..aliased(steps) }
    };
    let asked = Step { act: |store| store.up(0), felt: Felt::Bulks(1) };
    let made = Step { act: |store| roll_over(store, 1), felt: Felt::AtOnce };
    vec![
        rolled_over("503, then a rollover", |store| store.begin(Fault::Whole(503, "unavailable")), Again::New),
        rolled_over("done, then reset, then a rollover", |store| store.begin(Fault::CommitThenReset), Again::There),
        Row { up: false, ..aliased(steps("no alias yet", vec![asked, made], Again::New)) },
    ]
}

fn nodes() -> Vec<Row> {
    let two = |name, steps_of| Row { nodes: 2, ..steps(name, steps_of, Again::Either) };
    vec![
        two(
            "one of two nodes goes and comes back",
            vec![
                Step { act: |store| store.down(0), felt: Felt::Bulks(1) },
                Step { act: |store| store.up(0), felt: Felt::Bulks(1) },
            ],
        ),
        two(
            "one node goes, then the other",
            vec![
                Step { act: |store| store.down(0), felt: Felt::Bulks(1) },
                Step {
                    act: |store| {
                        store.up(0);
                        store.down(1);
                    },
                    felt: Felt::Bulks(1),
                },
                Step { act: |store| store.up(1), felt: Felt::AtOnce },
            ],
        ),
        two(
            "both nodes go, one comes back",
            vec![
                Step {
                    act: |store| {
                        store.down(0);
                        store.down(1);
                    },
                    felt: Felt::Away,
                },
                Step { act: |store| store.up(1), felt: Felt::AtOnce },
            ],
        ),
    ]
}

/// The cluster is another one when it comes back.
fn versions() -> Vec<Row> {
    fn back_as(name: &'static str, from: &'static str, to: fn(&StandIn), template: fn(&StandIn)) -> Row {
        let gone = Step { act: |store| store.down(0), felt: Felt::Away };
        let back = Step { act: to, felt: Felt::AtOnce };
        Row { version: from, also: template, ..steps(name, vec![gone, back], Again::Either) }
    }
    fn has(store: &StandIn, template: &str) {
        let templates = store.templates();
        assert!(templates.iter().any(|name| name == template), "no {template}: {templates:?}");
    }
    fn back(store: &StandIn, version: &str) {
        store.become_version(version);
        store.up(0);
    }
    let legacy: fn(&StandIn) = |store| has(store, "_template/jaeger-span");
    let composable: fn(&StandIn) = |store| has(store, "_index_template/jaeger-span");
    vec![
        back_as("6 comes back as 7", "6.8.23", |store| back(store, "7.17.29"), legacy),
        back_as("6 comes back as 8", "6.8.23", |store| back(store, "8.19.21"), composable),
        back_as("8 comes back as 6", "8.19.21", |store| back(store, "6.8.23"), legacy),
        back_as("7 comes back as OpenSearch 3", "7.17.29", |store| back(store, "opensearch 3.8.0"), legacy),
        back_as(
            "templates lost",
            "8.19.21",
            |store| {
                store.forget_templates();
                store.up(0);
            },
            composable,
        ),
        Row {
            version: "6.8.23",
            also: composable,
            ..steps(
                "6 is 8 without having been away",
                vec![Step { act: |store| store.become_version("8.19.21"), felt: Felt::Bulks(1) }],
                Again::New,
            )
        },
    ]
}

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
    fn send(&mut self, spaniel: &Spaniel, requests: u64, row: &Row, texts: (&'static str, &'static str)) {
        for _ in 0..requests {
            self.numbers += 1;
            let request = Request { day: self.numbers % 2, texts, ..Request::new(self.numbers, 5) };
            for (protocol, (received, bad)) in Protocol::ALL.into_iter().zip(&mut self.counts) {
                assert_eq!(spaniel.send(protocol, &request), 202);
                let is_bad = texts.0 == POISON && row.never.is_some();
                for (place, identity) in request.identities(protocol).into_iter().enumerate() {
                    self.spans.insert(identity, (request.day, !(is_bad && place == 0)));
                }
                *received += 5;
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
        sent.send(&spaniel, 1, row, ("fine", "fine"));
        spaniel.settled_books();
    }
    for step in &row.steps {
        let bulks = store.bulks();
        (step.act)(&store);
        sent.send(&spaniel, 4, row, row.texts);
        until(row.name, || is_felt(&step.felt, &store, &spaniel, bulks).then_some(()));
        sent.send(&spaniel, 2, row, row.texts);
    }
    if !row.lasts {
        store.lift();
    }
    sent.send(&spaniel, 1, row, ("fine", "fine"));
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
