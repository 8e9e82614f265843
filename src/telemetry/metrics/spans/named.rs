//! The series by their names, as many as there is room for.

use std::sync::Arc;

use foldhash::{HashMap, HashMapExt, HashSet};

use super::{Series, SpanClass};

const OTHER_OPERATIONS: &str = "other-operations";
const OTHER_SERVICES: &str = "other-services";

/// Bytes of a name; longer ones are counted with the others.
const LONGEST_NAME: usize = 256;

/// A service has one operation for each so many sets of labels, and some in any case.
const SETS_AN_OPERATION: usize = 20;
const LEAST_OPERATIONS: usize = 4;

/// The part of the room that is kept for further kinds and statuses of what is known, and for
/// `other-operations`.
const RESERVE: usize = 4;

/// Where a span is counted.
pub(super) enum Room {
    /// In the series of its operation.
    Own(Arc<Series>),
    /// In that of its service's other operations.
    OfService(Arc<Series>),
    /// With other services: there is no room for this one, or its name is none.
    Full,
    Unfit,
}

#[derive(Debug)]
pub(super) struct Named {
    services: HashMap<Box<str>, Service>,
    all: Vec<Arc<Series>>,
    /// The number of the next series: none is given twice.
    next: u32,
    /// Sets of labels beside those of other services.
    most: usize,
}

/// The series of a service.
#[derive(Debug)]
struct Service {
    name: Arc<str>,
    operations: HashMap<Box<str>, Classes>,
    others: Classes,
}

type Classes = Vec<Arc<Series>>;

impl Named {
    /// With the series of other services, in the order of their classes.
    pub(super) fn new(most: usize) -> Self {
        let name: Arc<str> = OTHER_SERVICES.into();
        let all = SpanClass::all().zip(0..);
        let all = all.map(|(class, number)| Arc::new(Series::new(name.clone(), OTHER_OPERATIONS, class, number)));
        Named { services: HashMap::new(), all: all.collect(), next: SpanClass::COUNT as u32, most }
    }

    pub(super) fn all(&self) -> &[Arc<Series>] {
        &self.all
    }

    /// Whether a series of a service was touched by no span since before this time.
    pub(super) fn has_idle(&self, before: u64) -> bool {
        self.all.iter().skip(SpanClass::COUNT).any(|series| series.touched() < before)
    }

    /// Forgets them, but for those that a request holds and is about to add to.
    pub(super) fn forget_idle(&mut self, before: u64) {
        // One is held by this table twice.
        let stays = |series: &Arc<Series>| series.touched() >= before || Arc::strong_count(series) > 2;
        let gone: HashSet<u32> = self
            .all
            .iter()
            .skip(SpanClass::COUNT)
            .filter(|series| !stays(series))
            .map(|series| series.number())
            .collect();
        let left = |series: &Arc<Series>| !gone.contains(&series.number());
        self.all.retain(left);
        for service in self.services.values_mut() {
            service.others.retain(left);
            service.operations.retain(|_, classes| {
                classes.retain(left);
                !classes.is_empty()
            });
        }
        self.services.retain(|_, service| !service.others.is_empty() || !service.operations.is_empty());
    }

    pub(super) fn find(&mut self, service: &str, operation: &str, class: SpanClass) -> Room {
        let used = self.all.len() - SpanClass::COUNT;
        let is_roomy = used < self.most - self.most / RESERVE;
        if !self.services.contains_key(service) {
            if service.len() > LONGEST_NAME || service == OTHER_SERVICES {
                return Room::Unfit;
            }
            if !is_roomy {
                return Room::Full;
            }
            let entry = Service { name: service.into(), operations: HashMap::new(), others: Vec::new() };
            self.services.insert(service.into(), entry);
        }
        let Some(service) = self.services.get_mut(service) else { return Room::Full };
        let most = (self.most / SETS_AN_OPERATION).max(LEAST_OPERATIONS);
        let is_fit = operation.len() <= LONGEST_NAME && operation != OTHER_OPERATIONS;
        if is_fit && is_roomy && service.operations.len() < most && !service.operations.contains_key(operation) {
            service.operations.insert(operation.into(), Vec::new());
        }
        let (classes, written, is_own) = match service.operations.get_mut(operation) {
            Some(classes) => (classes, operation, true),
            None => (&mut service.others, OTHER_OPERATIONS, false),
        };
        let series = match classes.iter().find(|series| series.class() == class) {
            Some(series) => series.clone(),
            None if used >= self.most => return Room::Full,
            None => {
                let series = Arc::new(Series::new(service.name.clone(), written, class, self.next));
                self.next += 1;
                classes.push(series.clone());
                self.all.push(series.clone());
                series
            }
        };
        if is_own { Room::Own(series) } else { Room::OfService(series) }
    }
}
