//! `spaniel spool drain`: sends all that a spool holds to the store, and ends when it is empty.
//!
//! It is what a collector does, by the same spool and the same delivery, without a port: what is too
//! old or refused for good becomes a dead letter, what an index would not take is held apart and
//! tried again. It may be stopped at any moment, and run again: nothing is lost or stored twice by
//! that.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use super::{HELD, SEGMENTS};
use crate::clock::Clock;
use crate::command::{CommandError, Outcome, dead_letter};
use crate::delivery::{Delivery, Manner, Rooms};
use crate::document::{IndexNames, Services};
use crate::memory::Budget;
use crate::pipeline::Protocol;
use crate::settings::{Settings, SpoolSync};
use crate::spool::disk::RealDisk;
use crate::spool::{Durability, Gather, Shared, Spool};
use crate::store::Writer;
use crate::telemetry::books::Books;
use crate::telemetry::metrics::{Identity, Metrics};

/// How often it is looked whether all is sent, and every how many looks it is told.
const LOOK: Duration = Duration::from_millis(100);
const TELL: u32 = 50;

pub(in crate::command) async fn run(
    settings: &Settings,
    writer: Arc<dyn Writer>,
    clock: &Clock,
    out: &mut dyn Write,
) -> Result<Outcome, CommandError> {
    let directory = &settings.spool.directory;
    if !directory.join(SEGMENTS).is_dir() && !directory.join(HELD).is_dir() {
        writeln!(out, "{} holds no spool: nothing to send; name another by --spool.directory", directory.display())?;
        return Ok(Outcome::Wrong);
    }
    let rooms = rooms(settings, writer, clock)?;
    let delivery = Delivery::new(rooms.clone(), manner(settings));
    let carriers = delivery.start();
    let mut looks = 0;
    while !is_empty(&rooms.spool) {
        if looks % TELL == 0 {
            tell(&rooms, out)?;
        }
        looks += 1;
        tokio::time::sleep(LOOK).await;
    }
    rooms.spool.close();
    delivery.stop();
    for carrier in carriers {
        let _ = carrier.await;
    }
    rooms.writer.close().await;
    sum(&rooms, out)
}

/// Nothing waits, nothing is held apart, and nothing is on disk that was not looked through yet.
fn is_empty(spool: &Spool) -> bool {
    if spool.held_items() > 0 {
        return false;
    }
    spool.tidy();
    spool.disk_bytes() == (0, 0)
}

fn tell(rooms: &Rooms, out: &mut dyn Write) -> std::io::Result<()> {
    let (waiting, held) = rooms.spool.disk_bytes();
    let trouble = rooms.writer.status().trouble.map(|trouble| format!("; {trouble}")).unwrap_or_default();
    let items = rooms.spool.held_items();
    writeln!(out, "{} sent, {items} to send, {waiting} bytes on disk and {held} held apart{trouble}", sent(rooms))?;
    out.flush()
}

/// Items that the store has now.
fn sent(rooms: &Rooms) -> u64 {
    let pages = rooms.books.spans().into_values().chain([rooms.books.services()]);
    pages.map(|page| page.stored + page.already_there).sum()
}

fn sum(rooms: &Rooms, out: &mut dyn Write) -> Result<Outcome, CommandError> {
    let mut outcome = Outcome::Good;
    let pages = rooms.books.spans().into_iter().chain([("service documents", rooms.books.services())]);
    for (name, page) in pages.filter(|(_, page)| page.opening > 0) {
        writeln!(out, "{name}: {} found, {} stored, {} already there", page.opening, page.stored, page.already_there)?;
        for (word, counts) in [("dead letters", &page.dead_lettered), ("lost", &page.dropped)] {
            for (reason, count) in counts {
                writeln!(out, "{name}: {count} {word}: {reason}")?;
                outcome = Outcome::Wrong;
            }
        }
    }
    writeln!(out, "The spool is empty.")?;
    Ok(outcome)
}

fn rooms(settings: &Settings, writer: Arc<dyn Writer>, clock: &Clock) -> Result<Rooms, CommandError> {
    let budget = Budget::new(settings.memory.bytes());
    let sources: Vec<_> = Protocol::ALL.iter().map(|&protocol| protocol.into()).collect();
    let metrics = Arc::new(Metrics::new(&Identity::default(), &sources));
    let books = Arc::new(Books::new(&Protocol::NAMES));
    let shared = Shared::new(books.clone(), metrics.clone(), budget);
    let elasticsearch = &settings.elasticsearch;
    let gather = Gather {
        bytes: elasticsearch.bulk_size.min(shared.budget.limit() / 8).max(1),
        items: elasticsearch.bulk_actions,
        interval: Duration::ZERO,
    };
    // The lock first: without it nothing else is touched.
    let spool = Spool::open(gather, 0, shared, Arc::new(RealDisk), durability(settings))?;
    let dead_letters = Some(Arc::new(dead_letter::open(settings)?));
    let services = Services::new(&IndexNames::new(&settings.indices), elasticsearch.service_cache_ttl);
    Ok(Rooms { spool, writer, books, services: Arc::new(services), metrics, dead_letters, clock: clock.clone() })
}

fn durability(settings: &Settings) -> Durability {
    let spool = &settings.spool;
    Durability {
        directory: spool.directory.clone(),
        sync: spool.sync == SpoolSync::Disk,
        compress: spool.compress,
        max_bytes: spool.max_bytes,
        segment_bytes: spool.segment_bytes,
        held_max_bytes: spool.held_max_bytes,
        commit_interval: spool.commit_interval,
        drop_oldest: false,
        memory_bytes: settings.memory.bytes() / 4,
    }
}

fn manner(settings: &Settings) -> Manner {
    Manner {
        carry_after: settings.spool.carry_after,
        max_age: settings.spool.max_age,
        aside_bytes: settings.memory.bytes() / 8,
        ..Manner::default()
    }
}
