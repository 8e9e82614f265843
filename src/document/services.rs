//! The service document, and the memory of which of them have been written.
//!
//! Every span asks whether the pair of its service and operation is known in the index of its
//! day. A pair is *unknown*, *pending* (its document is on its way) or *stored*. [`Services`]
//! promises that a document is made once while it is pending, again when `--es.service-cache-ttl`
//! has passed since it was stored, and again when the store refused it; and that it remembers at
//! most 100,000 pairs. To forget too early costs one more document that the store has already.
//!
//! Two tables: the *register* holds the truth, under a lock, by the name of the document. In
//! front of it lies a table of *hints* without locks: a word that says "this pair was in the
//! register a moment ago", found by a fast hash of the bytes as they lie in the request. A hint
//! holds for a minute at most, or until any pair is forgotten.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hasher as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::json::write_text;
use super::names::IndexNames;
use super::service_id;
use crate::item::{Id, Kind};
use crate::span::Text;

/// Hints; a power of two.
const HINTS: usize = 1 << 16;
/// Pairs in the younger half of the register; as many again in the older one.
const HALF: usize = 50_000;
const MINUTE: u64 = 60 * 1_000_000;

/// Appends the document of a service and its operation, one line without line feed.
pub fn write_service(out: &mut Vec<u8>, service: Text<'_>, operation: Text<'_>) {
    out.extend_from_slice(b"{\"serviceName\":\"");
    write_text(out, service);
    out.extend_from_slice(b"\",\"operationName\":\"");
    write_text(out, operation);
    out.extend_from_slice(b"\"}");
}

/// Remembers which service documents are pending or stored.
#[derive(Debug)]
pub struct Services {
    names: IndexNames,
    /// Microseconds.
    life: u64,
    hint_life: u64,
    hasher: foldhash::fast::RandomState,
    hints: Box<[AtomicU64]>,
    /// Goes up when a pair is forgotten, which makes all hints void.
    generation: AtomicU64,
    register: Mutex<Register>,
}

/// A pair's document: the period of its index, and its name.
type Name = (u64, Id);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Pending,
    /// Microseconds since 1970.
    Stored {
        until: u64,
    },
}

/// Two halves: when the younger one is full it becomes the older one, which is forgotten.
#[derive(Debug, Default)]
struct Register {
    younger: HashMap<Name, State, foldhash::fast::RandomState>,
    older: HashMap<Name, State, foldhash::fast::RandomState>,
}

impl Services {
    /// An empty memory. `life` is `--es.service-cache-ttl`; zero is Jaeger's default, 12 hours.
    pub fn new(names: &IndexNames, life: Duration) -> Self {
        let life = if life.is_zero() { Duration::from_secs(12 * 3600) } else { life };
        let life = u64::try_from(life.as_nanos().div_ceil(1000)).unwrap_or(u64::MAX);
        Services {
            names: names.clone(),
            life,
            hint_life: life.min(MINUTE),
            hasher: foldhash::fast::RandomState::default(),
            hints: (0..HINTS).map(|_| AtomicU64::new(0)).collect(),
            generation: AtomicU64::new(0),
            register: Mutex::default(),
        }
    }

    /// The name of the document to write for this pair, if it is unknown in the index of this
    /// hour (since 1970); it is pending from then on, and the caller owes a [`Services::stored`]
    /// or a [`Services::forget`]. `now`: microseconds since 1970.
    #[inline]
    pub fn unknown(&self, hour: u64, service: Text<'_>, operation: Text<'_>, now: u64) -> Option<Id> {
        let period = self.names.period(Kind::Service, hour);
        let hint = self.hint(period, service, operation, now);
        let place = self.hints.get(hint as usize % HINTS)?;
        if place.load(Ordering::Relaxed) == hint {
            return None;
        }
        let id = service_id(hashed(service), hashed(operation));
        let known = lock(&self.register).is_known((period, id), now);
        place.store(hint, Ordering::Relaxed);
        (!known).then_some(id)
    }

    /// The store has the document of this name, in the index of this hour.
    pub fn stored(&self, hour: u64, id: &Id, now: u64) {
        let name = (self.names.period(Kind::Service, hour), *id);
        if let Some(state) = lock(&self.register).find(&name) {
            *state = State::Stored { until: now.saturating_add(self.life) };
        }
    }

    /// The document of this name was not stored and is not on its way: the next span that asks
    /// for its pair writes it again.
    pub fn forget(&self, hour: u64, id: &Id) {
        let name = (self.names.period(Kind::Service, hour), *id);
        lock(&self.register).forget(&name);
        self.generation.fetch_add(1, Ordering::Release);
    }

    /// The word that stands for this pair in the table of hints, never 0.
    #[inline]
    fn hint(&self, period: u64, service: Text<'_>, operation: Text<'_>, now: u64) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write_u64(period << 2 | u64::from(is_body(service)) << 1 | u64::from(is_body(operation)));
        hasher.write_u64(self.generation.load(Ordering::Acquire).rotate_left(32) ^ (now / self.hint_life));
        hasher.write_u64(service.raw().len() as u64);
        hasher.write(service.raw());
        hasher.write(operation.raw());
        hasher.finish() | 1 << 63
    }
}

/// What Jaeger hashes: the text, or the bytes as received where they are not UTF-8 and did not
/// come as JSON, whose decoder mends them first.
fn hashed(text: Text<'_>) -> Cow<'_, [u8]> {
    match text {
        Text::Broken { bytes, json: false } => Cow::Borrowed(bytes),
        _ => match text.decoded() {
            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        },
    }
}

/// True if the same bytes would mean something else as plain text.
fn is_body(text: Text<'_>) -> bool {
    matches!(text, Text::Json(_) | Text::Broken { json: true, .. })
}

impl Register {
    /// True if the pair is pending or stored; otherwise it is pending now.
    fn is_known(&mut self, name: Name, now: u64) -> bool {
        if let Some(state) = self.find(&name) {
            let known = match *state {
                State::Pending => true,
                State::Stored { until } => now < until,
            };
            *state = if known { *state } else { State::Pending };
            return known;
        }
        if self.younger.len() >= HALF {
            self.older = std::mem::take(&mut self.younger);
        }
        self.younger.insert(name, State::Pending);
        false
    }

    fn find(&mut self, name: &Name) -> Option<&mut State> {
        self.younger.get_mut(name).or_else(|| self.older.get_mut(name))
    }

    fn forget(&mut self, name: &Name) {
        self.younger.remove(name);
        self.older.remove(name);
    }
}

/// The register stays good though a thread that held it died: each change is one step.
fn lock(register: &Mutex<Register>) -> MutexGuard<'_, Register> {
    register.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Indices;

    const NOW: u64 = 1_764_770_700_000_000;
    const HOUR: u64 = NOW / (60 * MINUTE);
    const LIFE: u64 = 12 * 60 * MINUTE;

    fn services() -> Services {
        Services::new(&IndexNames::new(&Indices::default()), Duration::from_micros(LIFE))
    }

    fn ask(services: &Services, operation: &str, now: u64) -> Option<Id> {
        services.unknown(HOUR, "shop".into(), operation.into(), now)
    }

    #[test]
    fn a_pair_is_written_once_a_day() {
        let services = services();
        let id = ask(&services, "get", NOW);
        assert_eq!(id, Some(service_id("shop", "get")));
        assert_eq!(ask(&services, "get", NOW), None);
        assert_eq!(ask(&services, "put", NOW), Some(service_id("shop", "put")));
        let of_hour = |hour| services.unknown(hour, "shop".into(), "get".into(), NOW);
        assert_eq!(of_hour(HOUR - HOUR % 24), None);
        assert_eq!(of_hour(HOUR - HOUR % 24 - 1), id);
    }

    #[test]
    fn a_pair_is_one_in_all_forms_of_its_text() {
        let services = services();
        let ask = |service, operation| services.unknown(HOUR, service, operation, NOW);
        assert!(ask(Text::Json(r"\u0061"), Text::Plain("b")).is_some());
        assert!(ask(Text::Clean("a"), Text::Json("b")).is_none());
        assert!(ask(Text::Plain(r"\u0061"), Text::Plain("b")).is_some(), "the same bytes, another text");
        // Jaeger's name for both of these is the same, and so is the document's.
        assert!(ask(Text::Plain(""), Text::Plain("ab")).is_none());
    }

    #[test]
    fn what_the_store_refused_is_written_again() {
        let services = services();
        let id = ask(&services, "get", NOW).unwrap();
        assert_eq!(ask(&services, "get", NOW), None);
        services.forget(HOUR, &id);
        assert_eq!(ask(&services, "get", NOW), Some(id));
        services.stored(HOUR, &id, NOW);
        assert_eq!(ask(&services, "get", NOW), None);
    }

    #[test]
    fn what_is_stored_is_written_again_after_its_life_and_what_is_pending_is_not() {
        let services = services();
        let id = ask(&services, "get", NOW).unwrap();
        assert_eq!(ask(&services, "get", NOW + 2 * LIFE), None);
        services.stored(HOUR, &id, NOW);
        assert_eq!(ask(&services, "get", NOW + LIFE - MINUTE), None);
        assert_eq!(ask(&services, "get", NOW + LIFE), Some(id));
        assert_eq!(ask(&services, "get", NOW + LIFE), None);
    }

    #[test]
    fn the_oldest_are_forgotten_when_there_are_too_many() {
        let services = services();
        for number in 0..=2 * HALF {
            let unknown = ask(&services, &number.to_string(), NOW).is_some();
            assert!(unknown, "{number}");
        }
        let register = lock(&services.register);
        assert!(register.younger.len() + register.older.len() <= 2 * HALF);
        drop(register);
        assert!(ask(&services, "0", NOW + MINUTE).is_some());
        assert!(ask(&services, &HALF.to_string(), NOW + MINUTE).is_none());
    }

    #[test]
    fn of_many_askers_one_writes() {
        let services = services();
        let ask_all = || (0..1000).filter(|number: &usize| ask(&services, &number.to_string(), NOW).is_some()).count();
        let written = std::thread::scope(|scope| {
            let askers = [(); 4].map(|()| scope.spawn(ask_all));
            askers.into_iter().map(|asker| asker.join().unwrap()).sum::<usize>()
        });
        assert_eq!(written, 1000);
    }

    #[test]
    fn the_document_is_jaegers() {
        let mut out = Vec::new();
        write_service(&mut out, "cart.shop".into(), Text::Json(r"GET \/cart"));
        assert_eq!(out, br#"{"serviceName":"cart.shop","operationName":"GET \/cart"}"#);
    }
}
