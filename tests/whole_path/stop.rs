//! SIGTERM under full load: nothing that was acknowledged is lost.
//!
//! `SPANIEL_STOPS=100` stops so many times, over all of these tests together.

use std::time::Duration;

use crate::lives::{Chance, Load, Store, settle, times};
use crate::spaniel::folder;

/// Stops a Spaniel under load, again and again; `away`: its store is there only in the end.
fn stops(name: &str, store: &Store, sync: &str, away: bool) {
    let (load, mut chance) = (Load::default(), Chance::new(name));
    let start = store.start(sync);
    let mut directory = folder();
    if let (Store::Elasticsearch(stand_in), true) = (store, away) {
        stand_in.down(0);
    }
    load.under(|| {
        for _ in 0..times("SPANIEL_STOPS", 4, 10) {
            let spaniel = start.run_in(directory.clone());
            load.aim(&spaniel);
            std::thread::sleep(Duration::from_micros(chance.below(150_000)));
            spaniel.stop();
            load.aim_at_nothing();
            if !away {
                load.check(store, &directory);
            }
        }
    });
    if let Store::Elasticsearch(stand_in) = store {
        stand_in.up(0);
    }
    directory = settle(&start, directory);
    load.check(store, &directory);
    eprintln!("{name}: {} spans acknowledged", load.acknowledged());
}

#[test]
fn stops_lose_nothing_with_elasticsearch_in_memory() {
    stops("elasticsearch, off", &Store::elasticsearch(), "off", false);
}

#[test]
fn stops_lose_nothing_with_elasticsearch_on_disk() {
    stops("elasticsearch, disk", &Store::elasticsearch(), "disk", false);
}

#[test]
fn stops_lose_nothing_while_elasticsearch_is_away() {
    stops("elasticsearch away, disk", &Store::elasticsearch(), "disk", true);
}

#[test]
fn stops_lose_nothing_with_the_embedded_store() {
    stops("embedded, process", &Store::Embedded, "process", false);
}
