//! The query API beside a real jaeger-query 1.76: the requests that it was sent over a known data
//! set, and its answers, compared with ours over the same documents.

#![expect(clippy::unwrap_used, reason = "a test tells what is wrong by panicking")]

mod compare;
mod dataset;
mod differences;
mod lucene;
mod memory;
mod replay;

use std::collections::BTreeSet;
use std::sync::Arc;

use spaniel::clock::Clock;

use dataset::Dataset;
use differences::DIFFERENCES;
use memory::Memory;
use replay::{Pair, pairs};

const FILES: [&str; 5] = ["services", "operations", "search", "trace", "base-path"];

fn all_pairs() -> impl Iterator<Item = Pair> {
    FILES.into_iter().flat_map(pairs)
}

#[tokio::test]
async fn answers_are_those_of_jaeger_query() {
    let dataset = Dataset::load();
    let wide: Arc<Memory> = Arc::new(Memory::of(&dataset, 720));
    let narrow: Arc<Memory> = Arc::new(Memory::of(&dataset, 72));
    let mut faults = Vec::new();
    let mut used = BTreeSet::new();
    for pair in all_pairs() {
        let reader = if pair.max_span_age_hours() == 72 { narrow.clone() } else { wide.clone() };
        let ours = pair.ask(reader, Clock::at(dataset.recorded_at)).await;
        match pair.check(&ours) {
            Ok(difference) => used.extend(difference.map(|difference| difference.reason)),
            Err(fault) => faults.push(fault),
        }
    }
    assert!(faults.is_empty(), "{} answers differ:\n{}", faults.len(), faults.join("\n"));
    let unused: Vec<_> = DIFFERENCES.iter().filter(|difference| !used.contains(difference.reason)).collect();
    assert!(unused.is_empty(), "differences that are none: {unused:?}");
}
