//! From the document to a table of services, with Jaeger's inheritance.

use foldhash::{HashMap, HashMapExt, HashSet, HashSetExt};

use super::answer::{Answer, PerOperation, Strategy};
use super::document::{self, Document};
use super::json::Fault;
use super::warning::{self, Warning};
use super::written::{Rate, WrittenService};

/// What is served where the document says nothing that can be used.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fallback {
    /// `--sampling.default-sampling-probability`.
    pub probability: f64,
    /// It is the operator's, another than Jaeger's 0.001.
    pub is_written: bool,
}

impl Default for Fallback {
    fn default() -> Self {
        Fallback { probability: 0.001, is_written: false }
    }
}

/// One document, read: what each service is told, and what was written for it.
#[derive(Debug, Clone)]
pub struct Strategies {
    /// The document's default strategy; if there is none, the fallback.
    default: Service,
    /// The document has a default strategy.
    has_default: bool,
    services: HashMap<Box<str>, Service>,
    fallback: Fallback,
}

/// A service's own part of its answer.
#[derive(Debug, Clone)]
pub(super) struct Service {
    pub(super) strategy: Strategy,
    /// `None`: the type is unknown, or the rate is none that could be applied.
    pub(super) rate: Option<Rate>,
    /// `None`: the document lists none.
    pub(super) operations: Option<Operations>,
    pub(super) line: u32,
}

/// Operations in the document's order, and where each is.
#[derive(Debug, Clone, Default)]
pub(super) struct Operations {
    /// The probability of those that are not listed.
    pub(super) default_probability: f64,
    pub(super) listed: Vec<Operation>,
    /// Of several with the same name the last.
    places: HashMap<Box<str>, usize>,
}

#[derive(Debug, Clone)]
pub(super) struct Operation {
    pub(super) name: Box<str>,
    pub(super) probability: f64,
    pub(super) rate: Option<Rate>,
    pub(super) line: u32,
}

impl Strategies {
    /// Reads a document; warnings are of what is probably not what was meant.
    pub fn parse(json: &[u8], fallback: Fallback) -> Result<(Self, Vec<Warning>), Fault> {
        let mut warnings = Vec::new();
        let document = document::read(json, &mut warnings)?;
        warning::examine(&document, fallback, &mut warnings);
        warnings.sort_by_key(|warning| warning.line);
        Ok((Strategies::new(&document, fallback), warnings))
    }

    /// What Jaeger serves without a document.
    pub fn without(fallback: Fallback) -> Self {
        Strategies::new(&Document::default(), fallback)
    }

    fn new(document: &Document, fallback: Fallback) -> Self {
        let built_in = document::Service::default();
        let default = Service::new(document.default_strategy.as_ref().unwrap_or(&built_in), fallback);
        let mut services = HashMap::with_capacity(document.service_strategies.len());
        for service in &document.service_strategies {
            services.insert(service.service.as_str().into(), Service::new(service, fallback));
        }
        Strategies { default, has_default: document.default_strategy.is_some(), services, fallback }
    }

    /// What a service is told that asks.
    pub fn answer(&self, service: &str) -> Answer<'_> {
        let Some(service) = self.services.get(service) else {
            let own = self.default.operations.as_ref();
            let per_operation = own.map(|own| PerOperation::new(own.default_probability, Some(own), None));
            return Answer { strategy: self.default.strategy, per_operation };
        };
        let Service { strategy, operations: own, .. } = service;
        let inherited = self.default.operations.as_ref();
        let default_probability = match (own, inherited, strategy) {
            (None, None, _) => return Answer { strategy: *strategy, per_operation: None },
            (Some(own), ..) => own.default_probability,
            (None, Some(_), Strategy::Probabilistic(own)) => *own,
            (None, Some(inherited), Strategy::RateLimiting(_)) => inherited.default_probability,
        };
        let per_operation = Some(PerOperation::new(default_probability, own.as_ref(), inherited));
        Answer { strategy: *strategy, per_operation }
    }

    /// What the operator wrote for a service, by name or for all; `None`: nothing. Jaeger's
    /// built-in probability is nobody's writing.
    pub fn written(&self, service: &str) -> Option<WrittenService<'_>> {
        match self.services.get(service) {
            Some(own) => Some(WrittenService { own: Some(own), default: &self.default }),
            None if self.has_default => Some(WrittenService { own: None, default: &self.default }),
            // Then the default's rate is the fallback's.
            None if self.fallback.is_written => Some(WrittenService { own: None, default: &self.default }),
            None => None,
        }
    }

    /// Services that the document names.
    pub fn services(&self) -> usize {
        self.services.len()
    }
}

impl Service {
    fn new(written: &document::Service, fallback: Fallback) -> Self {
        let (strategy, rate) = read_strategy(&written.strategy, fallback);
        let operations = (!written.operations.is_empty()).then(|| {
            let default_probability = match strategy {
                Strategy::Probabilistic(own) => own,
                Strategy::RateLimiting(_) => fallback.probability,
            };
            Operations::new(default_probability, &written.operations, fallback)
        });
        Service { strategy, rate, operations, line: written.line }
    }
}

impl Operations {
    fn new(default_probability: f64, written: &[document::Operation], fallback: Fallback) -> Self {
        let mut operations = Operations { default_probability, ..Operations::default() };
        for operation in written {
            // Jaeger has no rate limits for operations and leaves the entry out.
            if let (Strategy::Probabilistic(probability), rate) = read_strategy(&operation.strategy, fallback) {
                let name: Box<str> = operation.operation.as_str().into();
                operations.places.insert(name.clone(), operations.listed.len());
                operations.listed.push(Operation { name, probability, rate, line: operation.line });
            }
        }
        operations
    }

    pub(super) fn find(&self, name: &str) -> Option<&Operation> {
        self.listed.get(*self.places.get(name)?)
    }
}

/// What is served for an entry, and what can be applied of it.
fn read_strategy(written: &document::Strategy, fallback: Fallback) -> (Strategy, Option<Rate>) {
    let param = written.param;
    match written.kind.as_str() {
        "probabilistic" => (Strategy::Probabilistic(param), Rate::probability(param)),
        // The conversion cuts the fraction off and keeps to the bounds.
        "ratelimiting" => (Strategy::RateLimiting(param as i32), Rate::per_second(param)),
        _ => {
            let rate = Rate::probability(fallback.probability).filter(|_| fallback.is_written);
            (Strategy::Probabilistic(fallback.probability), rate)
        }
    }
}

/// Names that stand more than once in a list, with the place of each repetition.
pub(super) fn repeated<'a>(names: impl Iterator<Item = &'a str>) -> Vec<(usize, &'a str)> {
    let mut seen = HashSet::new();
    names.enumerate().filter(|(_, name)| !seen.insert(*name)).collect()
}
