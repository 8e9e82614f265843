//! The rooms, built bottom up from the settings.

use std::sync::Arc;
use std::time::Duration;

use super::StartError;
use crate::clock::Clock;
use crate::decode;
use crate::delivery::{Delivery, Rooms};
use crate::document::{IndexNames, Services, Shape};
use crate::memory::{Budget, Reservation};
use crate::pipeline::{CollectorTags, Growth, Pipeline, Protocol};
use crate::sample::Sampler;
use crate::settings::{Settings, StorageType};
use crate::spool::{Gather, Spool};
use crate::store::elasticsearch::{BulkWriter, SearchReader};
use crate::store::embedded::EmbeddedStore;
use crate::store::{Reader, Writer};
use crate::telemetry::books::Books;
use crate::telemetry::health::Health;
use crate::telemetry::metrics::{Identity, Metrics, StoreState, Watched};

/// Carriers for the embedded store: several batches wait for the same commit.
const EMBEDDED_CARRIERS: usize = 4;
/// Batches for the embedded store are larger and rarer: each waits for a commit.
const EMBEDDED_GATHER: Gather = Gather { bytes: 8 << 20, items: 20_000, interval: Duration::from_millis(100) };

/// Bytes of an Envoy span's document, about.
const TYPICAL_DOCUMENT: usize = 2048;

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
    pub(super) delivery: Arc<Delivery>,
    pub(super) carriers: usize,
    pub(super) writer: Arc<dyn Writer>,
    pub(super) reader: Arc<dyn Reader>,
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
    /// Bytes that it works in.
    memory: usize,
}

impl House {
    pub(super) fn build(settings: &Settings) -> Result<Self, StartError> {
        let clock = Clock::System;
        let budget = Budget::new(settings.memory.bytes());
        let store = open_store(settings, &clock, budget.limit())?;
        let mut store_memory = budget.reserve();
        // It is at most a quarter of the limit, of which nothing is taken yet.
        let _ = store_memory.grow(store.memory);
        let identity = identity(settings);
        let sources: Vec<_> = Protocol::ALL.iter().map(|&protocol| protocol.into()).collect();
        let metrics = Arc::new(Metrics::new(&identity, &sources));
        let rooms = Rooms {
            spool: Arc::new(Spool::new(store.gather, settings.spool.pace_bytes)),
            writer: store.writer.clone(),
            books: Arc::new(Books::new(&Protocol::NAMES)),
            services: Arc::new(Services::new(
                &IndexNames::new(&settings.indices),
                settings.elasticsearch.service_cache_ttl,
            )),
            metrics: metrics.clone(),
            clock: clock.clone(),
        };
        let house = House {
            pipeline: Arc::new(pipeline(settings, &rooms)),
            delivery: Delivery::new(rooms.clone()),
            carriers: store.carriers,
            health: Arc::new(Health::new(clock.clone())),
            spool: rooms.spool,
            books: rooms.books,
            writer: store.writer,
            reader: store.reader,
            cluster: store.cluster,
            _store_memory: store_memory,
            clock,
            budget,
            metrics,
            identity,
        };
        house.metrics.watch(house.watched());
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

    /// Keeps `/ready` true to its word: false while there is no memory for another body.
    pub(super) fn watch_room(&self) {
        let (budget, health) = (self.budget.clone(), self.health.clone());
        tokio::spawn(async move {
            let mut ticks = tokio::time::interval(ROOM_LOOK);
            loop {
                ticks.tick().await;
                health.set_can_make_safe(budget.used() < budget.limit() - budget.limit() / 64);
            }
        });
    }

    fn watched(&self) -> Watched {
        let (budget, spool, writer) = (self.budget.clone(), self.spool.clone(), self.writer.clone());
        let (used, items, capacity) = (budget.clone(), spool.clone(), (budget.clone(), spool.clone()));
        Watched {
            host: self.identity.host.clone(),
            memory_limit: Box::new(move || budget.limit() as u64),
            memory_used: Box::new(move || used.used() as u64),
            waiting_items: Box::new(move || items.held_items() as u64),
            waiting_bytes: Box::new(move || spool.held_bytes() as u64),
            waiting_capacity: Box::new(move || capacity_in_items(&capacity.0, &capacity.1)),
            store: Box::new(move || {
                let status = writer.status();
                StoreState { store: status.store, version: status.version, reachable: status.reachable }
            }),
            books: self.books.clone(),
        }
    }
}

/// How many documents fit under the memory limit, if they are as large as those that wait now.
fn capacity_in_items(budget: &Budget, spool: &Spool) -> u64 {
    let mean = spool.held_bytes().checked_div(spool.held_items()).unwrap_or(0).max(TYPICAL_DOCUMENT);
    (budget.limit() / mean) as u64
}

fn pipeline(settings: &Settings, rooms: &Rooms) -> Pipeline {
    let limits = &settings.limits;
    Pipeline {
        spool: rooms.spool.clone(),
        books: rooms.books.clone(),
        metrics: rooms.metrics.clone(),
        services: rooms.services.clone(),
        shape: Shape::new(&settings.document),
        sampler: Sampler::new(&settings.downsampling),
        clock: rooms.clock.clone(),
        limits: decode::Limits {
            depth: limits.depth,
            tags: limits.tags_per_span,
            logs: limits.logs_per_span,
            spans: limits.spans_per_request,
        },
        output_bytes: limits.request_output_bytes,
        times: settings.spans,
        collector_tags: CollectorTags::new(&settings.collector),
        growth: Growth::default(),
    }
}

/// `memory_limit` is `--memory.limit`: what the store works in is at most a quarter of it.
fn open_store(settings: &Settings, clock: &Clock, memory_limit: usize) -> Result<Store, StartError> {
    match settings.storage {
        StorageType::Embedded => {
            let dots = &settings.document.tags_as_fields.dot_replacement;
            let store = EmbeddedStore::open_with(&settings.embedded, &settings.indices, dots, clock.clone())?;
            let (writer, reader) = (store.clone(), store);
            let (gather, carriers) = (EMBEDDED_GATHER, EMBEDDED_CARRIERS);
            let memory = EMBEDDED_MEMORY.min(memory_limit / 4);
            Ok(Store { writer, reader, cluster: None, gather, carriers, memory })
        }
        StorageType::Elasticsearch | StorageType::OpenSearch => {
            let elasticsearch = &settings.elasticsearch;
            let dots = &settings.document.tags_as_fields.dot_replacement;
            let writer = Arc::new(BulkWriter::new(elasticsearch, &settings.indices)?.with_dot_replacement(dots));
            let spans_per_trace = crate::query::Limits::default().spans_per_trace;
            let reader = SearchReader::new(writer.cluster(), clock.clone(), settings, spans_per_trace);
            let carriers = elasticsearch.bulk_workers.max(1);
            let gather = Gather {
                bytes: elasticsearch.bulk_size.min(memory_limit / 4 / carriers).max(1),
                items: elasticsearch.bulk_actions,
                interval: elasticsearch.bulk_flush_interval,
            };
            let cluster = Some(writer.clone());
            // Each carrier's request is a copy of its documents.
            let memory = gather.bytes * carriers;
            Ok(Store { writer, reader: Arc::new(reader), cluster, gather, carriers, memory })
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
    }
}
