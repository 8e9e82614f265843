//! The rooms, built bottom up from the settings.

use std::sync::Arc;
use std::time::Duration;

use super::{StartError, sampling};
use crate::clock::Clock;
use crate::dead_letter::DeadLetters;
use crate::decode;
use crate::delivery::{Delivery, Manner, Rooms};
use crate::document::{IndexNames, Services, Shape};
use crate::forward::Forward;
use crate::memory::{Budget, Reservation};
use crate::pipeline::{CollectorTags, Growth, Pipeline, Protocol};
use crate::query::Measured;
use crate::sample::strategies::{Strategies, StrategiesHandle};
use crate::sample::{Limits, Sampler};
use crate::settings::{self, Settings, SpoolSync, StorageType};
use crate::spool::disk::RealDisk;
use crate::spool::{Durability, Gather, Shared, Spool};
use crate::store::elasticsearch::{BulkWriter, Cluster, SearchReader};
use crate::store::embedded::EmbeddedStore;
use crate::store::{Reader, Writer};
use crate::telemetry::books::Books;
use crate::telemetry::health::Health;
use crate::telemetry::metrics::{Fill, Identity, Metrics, SpoolState, StoreState, Watched};

/// Carriers for the embedded store: several batches wait for the same commit.
const EMBEDDED_CARRIERS: usize = 4;
/// Batches for the embedded store are larger and rarer: each waits for a commit.
const EMBEDDED_GATHER: Gather = Gather { bytes: 8 << 20, items: 20_000, interval: Duration::from_millis(100) };

/// Bytes of an Envoy span's document, about.
const TYPICAL_DOCUMENT: usize = 2048;

/// How often the books are looked at.
const AUDIT: Duration = Duration::from_secs(5);
/// How often the dead letters are looked at.
const DEAD_LETTER_LOOK: Duration = Duration::from_secs(10);
/// How often the room for spans is looked at.
const ROOM_LOOK: Duration = Duration::from_millis(500);
/// The heaps of the embedded store's writers.
const EMBEDDED_MEMORY: usize = 64 << 20;

/// Everything that runs but the listeners.
#[derive(Debug)]
pub(super) struct House {
    pub(super) clock: Clock,
    pub(super) budget: Arc<Budget>,
    pub(super) books: Arc<Books>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) health: Arc<Health>,
    pub(super) identity: Identity,
    pub(super) spool: Arc<Spool>,
    pub(super) pipeline: Arc<Pipeline>,
    pub(super) forward: Option<Arc<Forward>>,
    pub(super) sampler: Arc<Sampler>,
    /// The text that its rules were read from.
    pub(super) rules_text: String,
    /// What SDKs are told.
    pub(super) strategies: StrategiesHandle,
    pub(super) delivery: Arc<Delivery>,
    pub(super) writer: Arc<dyn Writer>,
    pub(super) reader: Arc<dyn Reader>,
    dead_letters: Option<Arc<DeadLetters>>,
    limits: Arc<Limits>,
    cluster: Option<Arc<BulkWriter>>,
    /// Memory that the store works in, whatever waits.
    _store_memory: Reservation,
}

/// A store, as its two sides and how it is fed.
struct Store {
    writer: Arc<dyn Writer>,
    reader: Arc<dyn Reader>,
    cluster: Option<Arc<BulkWriter>>,
    gather: Gather,
    carriers: usize,
    most_carriers: usize,
    /// Bytes that it works in.
    memory: usize,
}

impl House {
    pub(super) fn build(settings: &Settings) -> Result<Self, StartError> {
        let clock = Clock::System;
        let budget = Budget::new(settings.memory.bytes());
        let store = open_store(settings, &clock, &budget)?;
        let mut store_memory = budget.reserve();
        // It is at most a third of the limit, of which nothing is taken yet.
        let _ = store_memory.grow(store.memory);
        let identity = identity(settings);
        let sources: Vec<_> = Protocol::ALL.iter().map(|&protocol| protocol.into()).collect();
        let metrics = Arc::new(Metrics::new(&identity, &sources));
        let books = Arc::new(Books::new(&Protocol::NAMES));
        let shared = Shared::new(books.clone(), metrics.clone(), budget.clone());
        let rooms = Rooms {
            spool: open_spool(&settings.spool, store.gather, shared)?,
            dead_letters: open_dead_letters(&settings.spool)?,
            writer: store.writer.clone(),
            books,
            services: Arc::new(Services::new(
                &IndexNames::new(&settings.indices),
                settings.elasticsearch.service_cache_ttl,
            )),
            metrics: metrics.clone(),
            clock: clock.clone(),
        };
        let (rules, rules_text) = sampling::read(&settings.sampling)?.unzip();
        let strategies = StrategiesHandle::new(Strategies::without((&settings.strategies).into()));
        let limits = Arc::new(Limits::new(&settings.sampling_limits, clock.clone()));
        let sampler = Arc::new(Sampler::new(
            &settings.downsampling,
            &settings.sampling,
            rules,
            strategies.clone(),
            limits.clone(),
        ));
        let house = House {
            pipeline: Arc::new(pipeline(settings, &rooms, sampler.clone())),
            forward: Forward::start(&settings.forward, &budget, &metrics)?,
            sampler,
            strategies,
            delivery: Delivery::new(rooms.clone(), manner(settings, &store, budget.limit())),
            health: Arc::new(Health::new(clock.clone())),
            spool: rooms.spool,
            books: rooms.books,
            writer: store.writer,
            reader: Arc::new(Measured::new(store.reader, metrics.clone())),
            dead_letters: rooms.dead_letters,
            limits,
            cluster: store.cluster,
            _store_memory: store_memory,
            clock,
            budget,
            metrics,
            identity,
            rules_text: rules_text.unwrap_or_default(),
        };
        house.metrics.watch(house.watched(&settings.spool));
        let limits = house.limits.clone();
        house.metrics.watch_limits(move || limits.state());
        Ok(house)
    }

    /// Asks the store who it is, in the background, so that the log says early what was found.
    pub(super) fn meet_store(&self) {
        if let Some(cluster) = self.cluster.clone() {
            tokio::spawn(async move {
                while cluster.meet().await.is_err() {
                    tokio::time::sleep(super::MEETING).await;
                }
            });
        }
    }

    /// Keeps `/ready` true to its word: false while there is no memory for another body, or the
    /// spool makes nothing safe. Tells the limits of sampling how full the spool is, what the store
    /// pushed back, and how quickly it answered.
    pub(super) fn watch_room(&self) {
        let (budget, health, spool) = (self.budget.clone(), self.health.clone(), self.spool.clone());
        let (limits, metrics) = (self.limits.clone(), self.metrics.clone());
        tokio::spawn(async move {
            let mut ticks = tokio::time::interval(ROOM_LOOK);
            let (mut pushed_back, mut answers) = (0, [0; 2]);
            loop {
                ticks.tick().await;
                let memory = !budget.is_full();
                health.set_can_make_safe(memory && spool.is_well());
                limits.pressure(spool.fullness());
                let before = std::mem::replace(&mut pushed_back, metrics.pushed_back_items());
                limits.pushed_back(pushed_back - before);
                let [in_time, slow] = std::mem::replace(&mut answers, metrics.answers());
                limits.answered(answers[0] - in_time, answers[1] - slow);
            }
        });
    }

    /// Looks every few seconds whether the books balance, and says so loudly if they do not.
    pub(super) fn audit(&self) {
        let (books, metrics) = (self.books.clone(), self.metrics.clone());
        tokio::spawn(async move {
            let mut ticks = tokio::time::interval(AUDIT);
            loop {
                ticks.tick().await;
                let pages = books.spans().into_iter().chain([("service-documents", books.services())]);
                for (protocol, page) in pages.filter(|(_, page)| !page.balances()) {
                    metrics.books_violated();
                    tracing::error!(protocol, ?page, "the books do not balance: spans were lost count of");
                }
            }
        });
    }

    /// Looks now and then whether an operator has replayed dead letters, so that metrics say so.
    pub(super) fn watch_dead_letters(&self) {
        let Some(dead_letters) = self.dead_letters.clone() else { return };
        tokio::spawn(async move {
            let mut ticks = tokio::time::interval(DEAD_LETTER_LOOK);
            loop {
                ticks.tick().await;
                let dead_letters = dead_letters.clone();
                // It waits for others' turns with them, and for the disk.
                let looked = tokio::task::spawn_blocking(move || dead_letters.refresh()).await;
                if let Ok(Err(error)) = looked {
                    tracing::warn!(%error, "the dead letters cannot be looked at");
                }
            }
        });
    }

    fn watched(&self, settings: &settings::Spool) -> Watched {
        let (budget, spool, writer) = (self.budget.clone(), self.spool.clone(), self.writer.clone());
        let (used, overhead) = (budget.clone(), budget.clone());
        let (items, capacity) = (spool.clone(), (budget.clone(), spool.clone()));
        let (on_disk, health) = (spool.clone(), self.health.clone());
        Watched {
            host: self.identity.host.clone(),
            memory_limit: Box::new(move || budget.limit() as u64),
            memory_used: Box::new(move || used.used() as u64),
            memory_overhead: Box::new(move || overhead.overhead() as u64),
            waiting_items: Box::new(move || items.held_items() as u64),
            waiting_bytes: Box::new(move || spool.held_bytes() as u64),
            waiting_capacity: Box::new(move || capacity_in_items(&capacity.0, &capacity.1)),
            spool: Box::new(spool_state(on_disk, self.dead_letters.clone(), settings)),
            ready: Box::new(move || health.is_ready()),
            store: Box::new(move || {
                let status = writer.status();
                StoreState { store: status.store, version: status.version, reachable: status.reachable }
            }),
            books: self.books.clone(),
        }
    }
}

/// What metrics say of the disk; in memory nothing lies there, and nothing may.
fn spool_state(
    spool: Arc<Spool>,
    dead_letters: Option<Arc<DeadLetters>>,
    settings: &settings::Spool,
) -> impl Fn() -> SpoolState + use<> {
    let on_disk = settings.sync != SpoolSync::Off;
    let limits = [settings.max_bytes, settings.held_max_bytes, settings.dead_letter_max_bytes];
    let [disk, held, letters] = limits.map(|limit| if on_disk { limit } else { 0 });
    move || {
        let (used, apart) = spool.disk_bytes();
        let dead = dead_letters.as_ref().map_or(0, |dead_letters| dead_letters.bytes());
        SpoolState {
            disk: Fill { used, limit: disk },
            held: Fill { used: apart, limit: held },
            dead_letters: Fill { used: dead, limit: letters },
            backlog: spool.backlog_items(),
        }
    }
}

/// How many documents fit under the memory limit, if they are as large as those that wait now.
fn capacity_in_items(budget: &Budget, spool: &Spool) -> u64 {
    let mean = spool.held_bytes().checked_div(spool.held_items()).unwrap_or(0).max(TYPICAL_DOCUMENT);
    (budget.limit() / mean) as u64
}

/// The spool that the settings ask for; on disk, what an earlier life left is in it.
fn open_spool(settings: &settings::Spool, gather: Gather, shared: Shared) -> Result<Arc<Spool>, StartError> {
    if settings.sync == SpoolSync::Off {
        return Ok(Arc::new(Spool::in_memory(gather, settings.pace_bytes, shared)));
    }
    let durability = Durability {
        directory: settings.directory.clone(),
        sync: settings.sync == SpoolSync::Disk,
        compress: settings.compress,
        max_bytes: settings.max_bytes,
        segment_bytes: settings.segment_bytes,
        held_max_bytes: settings.held_max_bytes,
        commit_interval: settings.commit_interval,
        drop_oldest: settings.drop_oldest,
        memory_bytes: shared.budget.limit() / 4,
    };
    Ok(Spool::open(gather, settings.pace_bytes, shared, Arc::new(RealDisk), durability)?)
}

fn open_dead_letters(settings: &settings::Spool) -> Result<Option<Arc<DeadLetters>>, StartError> {
    if settings.sync == SpoolSync::Off {
        return Ok(None);
    }
    let directory = settings.directory.join("dead-letters");
    let dead_letters = DeadLetters::open(Arc::new(RealDisk), &directory, settings.dead_letter_max_bytes)?;
    Ok(Some(Arc::new(dead_letters)))
}

fn manner(settings: &Settings, store: &Store, memory_limit: usize) -> Manner {
    Manner {
        carriers: store.carriers,
        most_carriers: store.most_carriers,
        carry_after: settings.spool.carry_after,
        max_age: settings.spool.max_age,
        aside_bytes: memory_limit / 8,
        slow_after: settings.sampling_limits.bulk_latency,
    }
}

fn pipeline(settings: &Settings, rooms: &Rooms, sampler: Arc<Sampler>) -> Pipeline {
    let limits = &settings.limits;
    Pipeline {
        spool: rooms.spool.clone(),
        metrics: rooms.metrics.clone(),
        services: rooms.services.clone(),
        shape: Shape::new(&settings.document),
        sampler,
        clock: rooms.clock.clone(),
        limits: decode::Limits {
            depth: limits.depth,
            tags: limits.tags_per_span,
            logs: limits.logs_per_span,
            spans: limits.spans_per_request,
        },
        output_bytes: limits.request_output_bytes,
        times: settings.spans,
        envoy_ids: settings.collector.envoy_ids,
        collector_tags: CollectorTags::new(&settings.collector),
        growth: Growth::default(),
    }
}

/// What the store works in is at most a third of the memory limit; answers are charged to it.
fn open_store(settings: &Settings, clock: &Clock, budget: &Arc<Budget>) -> Result<Store, StartError> {
    let memory_limit = budget.limit();
    match settings.storage {
        StorageType::Embedded => {
            let dots = &settings.document.tags_as_fields.dot_replacement;
            let store = EmbeddedStore::open_with(&settings.embedded, &settings.indices, dots, clock.clone())?;
            let (writer, reader) = (store.clone(), store);
            let memory = EMBEDDED_MEMORY.min(memory_limit / 16 * 5);
            let (carriers, most_carriers) = (EMBEDDED_CARRIERS, EMBEDDED_CARRIERS);
            let gather = Gather { bytes: EMBEDDED_GATHER.bytes.min(memory_limit / 16), ..EMBEDDED_GATHER };
            Ok(Store { writer, reader, cluster: None, gather, carriers, most_carriers, memory })
        }
        StorageType::Elasticsearch | StorageType::OpenSearch => {
            let elasticsearch = &settings.elasticsearch;
            let dots = &settings.document.tags_as_fields.dot_replacement;
            let cluster = Cluster::new(elasticsearch)?.charged_to(budget);
            let writer = BulkWriter::over(cluster, elasticsearch, &settings.indices);
            let writer = Arc::new(writer.with_dot_replacement(dots));
            let spans_per_trace = crate::query::Limits::default().spans_per_trace;
            let reader = SearchReader::new(writer.cluster(), clock.clone(), settings, spans_per_trace);
            let carriers = elasticsearch.bulk_workers.max(1);
            let most_carriers = elasticsearch.bulk_max_workers.max(carriers);
            let gather = Gather {
                bytes: elasticsearch.bulk_size.min(memory_limit / 4 / (most_carriers + 1)).max(1),
                items: elasticsearch.bulk_actions,
                interval: elasticsearch.bulk_flush_interval,
            };
            let cluster = Some(writer.clone());
            // Each carrier's request is a copy of its documents.
            let memory = gather.bytes * carriers;
            Ok(Store { writer, reader: Arc::new(reader), cluster, gather, carriers, most_carriers, memory })
        }
    }
}

fn identity(settings: &Settings) -> Identity {
    let store = match settings.storage {
        StorageType::Embedded => "embedded",
        StorageType::Elasticsearch => "elasticsearch",
        StorageType::OpenSearch => "opensearch",
    };
    Identity {
        version: format!("v{}", env!("CARGO_PKG_VERSION")),
        revision: option_env!("SPANIEL_REVISION").unwrap_or("unknown").into(),
        build_date: option_env!("SPANIEL_BUILD_DATE").unwrap_or("unknown").into(),
        host: std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().into(),
        store: store.into(),
        downsampling: settings.downsampling.ratio != 1.0,
        span_series: if settings.metrics.enabled { settings.metrics.span_series } else { 0 },
        span_expiration: settings.metrics.span_expiration,
    }
}
