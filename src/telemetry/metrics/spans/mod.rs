//! Requests, errors and durations by service, operation, kind and status, counted from all spans
//! before any is sampled out.
//!
//! Names, labels and bounds are those that OpenTelemetry's spanmetrics connector has by default and
//! that Jaeger's monitor page asks Prometheus for. Services and operations are chosen by senders, so
//! their sets are bounded: a service has so many operations that one in twenty of
//! `--metrics.spans.max-series` is theirs, the rest are counted as `other-operations`; a service that
//! there is no room for is counted with `other-services`.
//!
//! A request gathers its own counts and adds them once. It finds a series by a hash of its names
//! alone, seeded by chance in each process: 64 bits do not collide among some thousand names.

mod encode;
mod named;
mod series;

pub use series::{Gathered, Series, SpanClass, SpanKind, SpanStatus};

pub(super) use encode::Encoder;
use series::BOUNDS;

use std::borrow::Cow;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use foldhash::fast::RandomState;
use foldhash::{HashMap, HashSet};

use named::{Named, Room};

/// Spellings that are remembered for each series: as it comes by different protocols.
const SPELLINGS: usize = 4;

const SHARDS: usize = 32;

/// Service and operation, as a reader would write them.
pub type Names<'a> = (Cow<'a, str>, Cow<'a, str>);

/// A set of labels as it was sent.
#[derive(Debug, Clone, Copy)]
pub struct Sent<'a> {
    /// Of [`SpanSeries::hash_service`].
    pub service: u64,
    pub operation: &'a [u8],
    pub class: SpanClass,
}

/// All series of one process.
#[derive(Debug)]
pub struct SpanSeries {
    random: RandomState,
    /// By the hash of a spelling.
    shards: [RwLock<HashMap<u64, Arc<Series>>>; SHARDS],
    /// Hashes of services, and of services with an operation, that have series of their own.
    admitted: RwLock<HashSet<u64>>,
    /// No service is admitted any more.
    is_full: AtomicBool,
    named: Mutex<Named>,
    /// Of services that have no room, by class.
    others: Vec<Arc<Series>>,
    most: usize,
}

impl SpanSeries {
    /// At most so many sets of labels, those of other services apart.
    pub fn new(most: usize) -> Self {
        let named = Named::new(most);
        SpanSeries {
            random: RandomState::default(),
            shards: std::array::from_fn(|_| RwLock::default()),
            admitted: RwLock::default(),
            is_full: AtomicBool::new(false),
            others: named.all().to_vec(),
            named: Mutex::new(named),
            most,
        }
    }

    /// The hash of a service's name as it was sent.
    pub fn hash_service(&self, raw: &[u8]) -> u64 {
        self.random.hash_one(raw)
    }

    /// The hash of a set of labels.
    #[inline]
    pub fn hash(&self, sent: Sent<'_>) -> u64 {
        self.random.hash_one((sent.service, sent.operation, sent.class))
    }

    /// The series of a set of labels with this hash. `names` is asked for what it stands for if that
    /// is not known yet, which is seldom: names without end do not come so far.
    pub fn find<'a>(&self, sent: Sent<'_>, hash: u64, names: impl FnOnce() -> Names<'a>) -> Arc<Series> {
        self.known(hash).or_else(|| self.without_room(sent)).unwrap_or_else(|| self.name(sent, hash, &names()))
    }

    /// A copy of all series, in the order in which they came.
    pub(super) fn all(&self) -> Vec<Arc<Series>> {
        self.named.lock().unwrap_or_else(PoisonError::into_inner).all().to_vec()
    }

    /// Forgets the series that no span has touched since before this time: their places are free for
    /// others, and should their spans come again they begin at 0. To be called at a scrape.
    pub(super) fn expire(&self, now: u64, before: u64) {
        let mut named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        named.all().iter().for_each(|series| series.look(now));
        if !named.has_idle(before) {
            return;
        }
        // All look-ups begin anew: nobody can take one out that is about to go.
        for shard in &self.shards {
            shard.write().unwrap_or_else(PoisonError::into_inner).clear();
        }
        self.admitted.write().unwrap_or_else(PoisonError::into_inner).clear();
        self.is_full.store(false, Ordering::Relaxed);
        named.forget_idle(before);
    }

    fn known(&self, hash: u64) -> Option<Arc<Series>> {
        self.shard(hash).read().unwrap_or_else(PoisonError::into_inner).get(&hash).cloned()
    }

    fn shard(&self, hash: u64) -> &RwLock<HashMap<u64, Arc<Series>>> {
        &self.shards[(hash >> 32) as usize % SHARDS]
    }

    /// The series of the others, if this operation or its service is one of them.
    fn without_room(&self, sent: Sent<'_>) -> Option<Arc<Series>> {
        if self.is_admitted(self.random.hash_one((sent.service, sent.operation))) {
            return None;
        }
        let others = self.known(self.random.hash_one((sent.service, sent.class)));
        let is_full = self.is_full.load(Ordering::Relaxed);
        others.or_else(|| (is_full && !self.is_admitted(sent.service)).then(|| self.other(sent.class)))
    }

    fn is_admitted(&self, hash: u64) -> bool {
        self.admitted.read().unwrap_or_else(PoisonError::into_inner).contains(&hash)
    }

    fn other(&self, class: SpanClass) -> Arc<Series> {
        self.others[class.place()].clone()
    }

    /// Finds a series by its names, or makes it if there is room.
    fn name(&self, sent: Sent<'_>, hash: u64, (service, operation): &Names<'_>) -> Arc<Series> {
        let mut named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        match named.find(service, operation, sent.class) {
            Room::Own(series) => {
                let operation = self.random.hash_one((sent.service, sent.operation));
                let mut admitted = self.admitted.write().unwrap_or_else(PoisonError::into_inner);
                if admitted.len() < 2 * SPELLINGS * self.most {
                    admitted.extend([sent.service, operation]);
                }
                self.learn(hash, &series);
                series
            }
            Room::OfService(series) => {
                self.admitted.write().unwrap_or_else(PoisonError::into_inner).insert(sent.service);
                self.learn(self.random.hash_one((sent.service, sent.class)), &series);
                series
            }
            Room::Full => {
                self.is_full.store(true, Ordering::Relaxed);
                let other = self.other(sent.class);
                if self.is_admitted(sent.service) {
                    self.learn(self.random.hash_one((sent.service, sent.class)), &other);
                }
                if self.is_admitted(self.random.hash_one((sent.service, sent.operation))) {
                    self.learn(hash, &other);
                }
                other
            }
            Room::Unfit => self.other(sent.class),
        }
    }

    fn learn(&self, hash: u64, series: &Arc<Series>) {
        let mut shard = self.shard(hash).write().unwrap_or_else(PoisonError::into_inner);
        if shard.len() < SPELLINGS * self.most / SHARDS + SPELLINGS {
            shard.insert(hash, series.clone());
        }
    }
}

#[cfg(test)]
mod tests;
