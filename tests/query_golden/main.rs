//! The query API beside a real jaeger-query 1.76: the requests that it was sent over a known data
//! set, and its answers, compared with ours over the same documents.

#![expect(clippy::unwrap_used, reason = "a test tells what is wrong by panicking")]

mod compare;
mod dataset;
mod differences;
mod embedded;
mod lean;
mod lucene;
mod memory;
mod replay;
mod servers;
#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeSet;
use std::sync::Arc;

use spaniel::clock::Clock;
use spaniel::store::Reader;

use dataset::Dataset;
use differences::{DIFFERENCES, Difference, EMBEDDED, LEAN};
use memory::Memory;
use replay::pairs;
use servers::Filled;
use support::releases::{self, Release};
use support::server;

const FILES: [&str; 5] = ["services", "operations", "search", "trace", "base-path"];

/// Sends the recorded requests of these files and compares the answers. `reader` gives one that
/// looks so many hours back.
async fn replay(files: &[&str], recorded_at: u64, reader: impl Fn(u64) -> Arc<dyn Reader>) {
    replay_with(files, recorded_at, reader, &[], false).await;
}

/// The same over a store with differences of its own; `lean`: its tags are fields.
async fn replay_with(
    files: &[&str],
    recorded_at: u64,
    reader: impl Fn(u64) -> Arc<dyn Reader>,
    of_store: &'static [Difference],
    lean: bool,
) {
    let mut faults = Vec::new();
    let mut used = BTreeSet::new();
    for pair in files.iter().flat_map(|file| pairs(file)) {
        let ours = pair.ask(reader(pair.max_span_age_hours()), Clock::at(recorded_at)).await;
        match pair.check(&ours, of_store, lean) {
            Ok(difference) => used.extend(difference.map(|difference| difference.reason)),
            Err(fault) => faults.push(fault),
        }
    }
    assert!(faults.is_empty(), "{} answers differ:\n{}", faults.len(), faults.join("\n"));
    let unused = DIFFERENCES.iter().chain(of_store).filter(|difference| !used.contains(difference.reason));
    let unused: Vec<_> = unused.filter(|_| files == FILES).collect();
    assert!(unused.is_empty(), "differences that are none: {unused:?}");
}

#[tokio::test]
async fn answers_are_those_of_jaeger_query() {
    let dataset = Dataset::load();
    let wide = Arc::new(Memory::of(&dataset, 720));
    let narrow = Arc::new(Memory::of(&dataset, 72));
    replay(&FILES, dataset.recorded_at, |hours| if hours == 72 { narrow.clone() } else { wide.clone() }).await;
}

/// The same over the embedded store.
#[tokio::test]
async fn answers_over_the_embedded_store() {
    let dataset = Dataset::load();
    let directory = tempfile::tempdir().unwrap();
    let store = embedded::filled(directory.path(), &dataset).await;
    replay_with(&FILES, dataset.recorded_at, |_| store.clone(), EMBEDDED, false).await;
}

/// A spool that was filled in the lean layout drains into the embedded store, which searches logs.
#[tokio::test]
async fn answers_over_lean_documents_in_the_embedded_store() {
    let dataset = lean::of(&Dataset::load());
    let directory = tempfile::tempdir().unwrap();
    let store = embedded::filled(directory.path(), &dataset).await;
    replay_with(&FILES, dataset.recorded_at, |_| store.clone(), EMBEDDED, true).await;
}

/// The same over a real server: as usual, and with pages so small that traces take several.
fn replay_over(release: Release) {
    let Some(server) = server::shared(release) else { return };
    let dataset = Dataset::load();
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let filled = Filled::fill(&server.url, &dataset).await;
        replay(&FILES, dataset.recorded_at, |hours| filled.reader(hours, 10_000)).await;
        replay(&["search", "trace"], dataset.recorded_at, |hours| filled.reader(hours, 3)).await;
        servers::check_spellings(&filled).await;
        for (search_logs, differences) in [(false, LEAN), (true, &[][..])] {
            let (settings, dataset) = (lean::settings(search_logs), lean::of(&dataset));
            let filled = Filled::fill_with(&server.url, &dataset, settings).await;
            let reader = |hours| filled.reader(hours, 10_000) as Arc<dyn Reader>;
            replay_with(&FILES, dataset.recorded_at, reader, differences, true).await;
        }
    });
}

#[test]
fn answers_over_elasticsearch_6_6() {
    replay_over(releases::ES_6_6);
}

#[test]
fn answers_over_elasticsearch_6_8() {
    replay_over(releases::ES_6_8);
}

#[test]
fn answers_over_elasticsearch_7_17() {
    replay_over(releases::ES_7_17);
}

#[test]
fn answers_over_elasticsearch_8_19() {
    replay_over(releases::ES_8_19);
}

#[test]
fn answers_over_elasticsearch_9_5() {
    replay_over(releases::ES_9_5);
}

#[test]
fn answers_over_opensearch_2_19() {
    replay_over(releases::OS_2_19);
}

#[test]
fn answers_over_opensearch_3_8() {
    replay_over(releases::OS_3_8);
}
