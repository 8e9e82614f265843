//! A Spaniel that lives many lives in one folder, under load all the time, and what was
//! acknowledged over all of them.
//!
//! Senders post by every protocol that is answered, each over a connection of its own. A request
//! that got no answer is sent again by some and forgotten by others, as clients do: either way each
//! of its spans may be stored once at most.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use reqwest::blocking::Client;
use spaniel::span::TraceId;
use tempfile::TempDir;

use crate::embedded::spans_of;
use crate::made::{Protocol, Request};
use crate::spaniel::{Spaniel, Start};
use crate::stand_in::{Identity, StandIn};

/// Senders of each protocol.
const SENDERS: usize = 2;

/// Requests of one life at most, so that a quick machine has no more to check than a slow one.
const MOST_REQUESTS: u64 = 200;

/// Numbers that follow from a seed (SplitMix64).
#[derive(Debug)]
pub(crate) struct Chance(u64);

impl Chance {
    /// From `SPANIEL_SEED`, or new each time; said, so that a failure can be looked at.
    pub(crate) fn new(name: &str) -> Self {
        let now = || std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64;
        let seed = std::env::var("SPANIEL_SEED").map_or_else(|_| now(), |text| text.parse().unwrap());
        eprintln!("{name}: SPANIEL_SEED={seed}");
        Chance(seed)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

/// What was sent, over all lives.
#[derive(Debug, Default)]
struct Ledger {
    acknowledged: BTreeSet<Identity>,
    /// Those of requests whose answer was lost or another one.
    open: BTreeSet<Identity>,
    traces: BTreeSet<TraceId>,
}

/// The senders, and what they know.
#[derive(Debug, Default)]
pub(crate) struct Load {
    ledger: Mutex<Ledger>,
    /// Where to send; `None`: nobody is there.
    target: Mutex<Target>,
    /// The target has changed.
    changed: Condvar,
    numbers: AtomicU64,
}

#[derive(Debug, Default)]
struct Target {
    urls: Option<[String; Protocol::ALL.len()]>,
    requests: u64,
    over: bool,
}

impl Load {
    /// Runs `lives` while the senders send.
    pub(crate) fn under<T>(&self, lives: impl FnOnce() -> T) -> T {
        std::thread::scope(|scope| {
            for protocol in Protocol::ALL {
                for place in 0..SENDERS {
                    scope.spawn(move || self.send_all(protocol, place % 2 == 0));
                }
            }
            // Also when a life fails, or the scope would wait for ever.
            let _over = Over(self);
            lives()
        })
    }

    /// From now on they send there.
    pub(crate) fn aim(&self, spaniel: &Spaniel) {
        let url = |protocol: Protocol| spaniel.url(protocol.listener(), protocol.path());
        let mut target = self.target();
        (target.urls, target.requests) = (Some(Protocol::ALL.map(url)), 0);
        self.changed.notify_all();
    }

    /// Nobody is there.
    pub(crate) fn aim_at_nothing(&self) {
        self.target().urls = None;
    }

    fn send_all(&self, protocol: Protocol, repeats: bool) {
        let client = Client::builder().no_proxy().timeout(Duration::from_secs(20)).build().unwrap();
        let mut again = None;
        while let Some(url) = self.next_target(protocol) {
            let request = again.take().unwrap_or_else(|| {
                let number = self.numbers.fetch_add(1, Ordering::Relaxed) + 1;
                Request { day: number % 2, ..Request::new(number, 1 + number % 9) }
            });
            let post = client.post(url).header("content-type", protocol.content_type());
            let answer = post.body(request.body(protocol)).send();
            let is_good = answer.is_ok_and(|answer| answer.status().as_u16() == protocol.good());
            self.note(protocol, &request, is_good);
            if !is_good && repeats {
                again = Some(request);
            }
        }
    }

    /// Waits until there is someone to send to; `None`: it is over.
    fn next_target(&self, protocol: Protocol) -> Option<String> {
        let mut target = self.target();
        loop {
            if target.over {
                return None;
            }
            let urls = target.urls.clone().filter(|_| target.requests < MOST_REQUESTS);
            if let Some(urls) = urls {
                target.requests += 1;
                return Some(urls[protocol as usize].clone());
            }
            target = self.changed.wait(target).unwrap();
        }
    }

    fn note(&self, protocol: Protocol, request: &Request, is_good: bool) {
        let mut ledger = self.ledger.lock().unwrap();
        ledger.traces.insert(request.trace(protocol));
        for identity in request.identities(protocol) {
            if is_good {
                ledger.open.remove(&identity);
                ledger.acknowledged.insert(identity);
            } else if !ledger.acknowledged.contains(&identity) {
                ledger.open.insert(identity);
            }
        }
    }

    pub(crate) fn acknowledged(&self) -> usize {
        self.ledger.lock().unwrap().acknowledged.len()
    }

    /// Every acknowledged span is there once, and nothing else but what may be.
    pub(crate) fn check(&self, store: &Store, directory: &TempDir) {
        let ledger = self.ledger.lock().unwrap();
        let found = match store {
            Store::Elasticsearch(stand_in) => stand_in.made(),
            Store::Embedded => {
                let ids: Vec<_> = ledger.traces.iter().copied().collect();
                let mut found = BTreeMap::new();
                for span in spans_of(&directory.path().join("spaniel-data"), &ids) {
                    let identity = (format!("{:016x}", span.trace_id.low), format!("{:016x}", span.span_id));
                    *found.entry(identity).or_default() += 1;
                }
                found
            }
        };
        let doubled: Vec<_> = found.iter().filter(|(_, times)| **times != 1).collect();
        assert!(doubled.is_empty(), "stored more than once: {doubled:?}");
        let lost: Vec<_> = ledger.acknowledged.iter().filter(|identity| !found.contains_key(*identity)).collect();
        let total = ledger.acknowledged.len();
        assert!(lost.is_empty(), "{} of {total} acknowledged spans are lost: {lost:?}", lost.len());
        let known = |identity: &Identity| ledger.acknowledged.contains(identity) || ledger.open.contains(identity);
        assert_eq!(found.keys().find(|identity| !known(identity)), None);
        assert!(total > 0, "nothing was acknowledged");
    }

    fn target(&self) -> MutexGuard<'_, Target> {
        self.target.lock().unwrap()
    }
}

/// Ends the senders when dropped.
struct Over<'a>(&'a Load);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.target().over = true;
        self.0.changed.notify_all();
    }
}

/// Where spans go.
#[derive(Debug)]
pub(crate) enum Store {
    Elasticsearch(StandIn),
    Embedded,
}

impl Store {
    /// A stand-in that is there.
    pub(crate) fn elasticsearch() -> Self {
        let stand_in = StandIn::nodes(1);
        stand_in.up(0);
        Store::Elasticsearch(stand_in)
    }

    /// How a Spaniel with this store is started.
    pub(crate) fn start(&self, sync: &str) -> Start {
        let sync = format!("--spool.sync={sync}");
        let start = match self {
            Store::Elasticsearch(stand_in) => Start::elasticsearch(&stand_in.urls(), ""),
            Store::Embedded => Start::embedded(),
        };
        start
            .flags(&[&sync, "--es.bulk.flush-interval=5ms"][..1 + usize::from(matches!(self, Store::Elasticsearch(_)))])
    }
}

/// A last life with a store that is well: it must settle all that the others left, and end.
pub(crate) fn settle(start: &Start, directory: Arc<TempDir>) -> Arc<TempDir> {
    let spaniel = start.run_in(directory);
    let books = spaniel.settled_books();
    for page in books["spans"].as_object().unwrap().values() {
        let lost = ["refused", "dropped", "sampled_out"].map(|name| page[name].as_object().unwrap().len());
        assert_eq!(lost, [0; 3], "{page}");
    }
    spaniel.stop()
}

/// How often, in all tests of a kind together: so many, or as the variable says.
pub(crate) fn times(variable: &str, tests: u64, usual: u64) -> u64 {
    std::env::var(variable).map_or(usual, |text| text.parse::<u64>().unwrap().div_ceil(tests))
}
