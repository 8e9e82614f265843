//! The real binary killed at random moments under load, again and again on one folder: what was
//! acknowledged is in the store once.
//!
//! `SPANIEL_KILLS=1000` kills so many times, over all of these tests together.

use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;

use crate::lives::{Chance, Load, Store, settle, times};
use crate::spaniel::{Start, folder};
use crate::stand_in::Fault;

/// What a store does during a life.
fn behave(store: &Store, chance: &mut Chance) {
    let Store::Elasticsearch(stand_in) = store else { return };
    stand_in.up(0);
    stand_in.lift();
    match chance.below(8) {
        0 => stand_in.down(0),
        1 => stand_in.begin(Fault::CommitThenReset),
        2 => {
            stand_in.begin(Fault::Items { every: 3, status: 429, kind: "es_rejected_execution_exception", reason: "" })
        }
        3 => stand_in.begin(Fault::Whole(503, "unavailable")),
        _ => {}
    }
}

/// The longest life under load, in microseconds: long enough for a few writes of that store.
fn longest(store: &Store) -> u64 {
    match store {
        Store::Elasticsearch(_) => 200_000,
        Store::Embedded => 800_000,
    }
}

/// One life, from a start to a kill. One in four is killed while it starts.
fn live(store: &Store, start: &Start, directory: Arc<TempDir>, load: &Load, chance: &mut Chance) -> Arc<TempDir> {
    if chance.below(4) == 0 {
        let spaniel = start.spawn_in(directory);
        std::thread::sleep(Duration::from_micros(chance.below(60_000)));
        return spaniel.kill();
    }
    let spaniel = start.run_in(directory);
    load.aim(&spaniel);
    std::thread::sleep(Duration::from_micros(chance.below(longest(store))));
    if chance.below(4) == 0 {
        spaniel.books();
    }
    let directory = spaniel.kill();
    load.aim_at_nothing();
    directory
}

fn kills(name: &str, store: &Store, sync: &str) {
    let (load, mut chance) = (Load::default(), Chance::new(name));
    let start = store.start(sync);
    let mut directory = folder();
    load.under(|| {
        for _ in 0..times("SPANIEL_KILLS", 4, 12) {
            behave(store, &mut chance);
            directory = live(store, &start, directory.clone(), &load, &mut chance);
        }
    });
    if let Store::Elasticsearch(stand_in) = store {
        stand_in.up(0);
        stand_in.lift();
    }
    let directory = settle(&start, directory);
    load.check(store, &directory);
    eprintln!("{name}: {} spans acknowledged", load.acknowledged());
}

#[test]
fn kills_lose_and_double_nothing_with_elasticsearch_and_process() {
    kills("elasticsearch, process", &Store::elasticsearch(), "process");
}

#[test]
fn kills_lose_and_double_nothing_with_elasticsearch_and_disk() {
    kills("elasticsearch, disk", &Store::elasticsearch(), "disk");
}

#[test]
fn kills_lose_and_double_nothing_with_the_embedded_store_and_process() {
    kills("embedded, process", &Store::Embedded, "process");
}

#[test]
fn kills_lose_and_double_nothing_with_the_embedded_store_and_disk() {
    kills("embedded, disk", &Store::Embedded, "disk");
}
