//! Where spans rest and are read back: the two traits, and the stores that implement them.
//!
//! A store knows documents and items, no protocol and no settings but its own. A [`Writer`] gives
//! each item of a batch a verdict; what it says *again* of is sent again by [`crate::delivery`]. A
//! [`Reader`] answers what Jaeger's query API asks.

pub mod elasticsearch;
pub mod embedded;

use std::future::Future;
use std::pin::Pin;

use crate::document::StoredSpan;
use crate::item::{Batch, Item, Judgement};
use crate::span::TraceId;

/// A future that a trait object returns.
pub type Task<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Takes batches.
pub trait Writer: Send + Sync + std::fmt::Debug {
    /// Writes a batch and returns a verdict for each of its items, in order. A store that is
    /// absent answers [`Judgement::away`]; it returns within its own time-out and never
    /// waits for the store to come back. Not cancel-safe: an abandoned write may have happened.
    fn write<'a>(&'a self, batch: &'a Batch) -> Task<'a, Judgement>;

    /// The index, or what stands for it, that an item goes to.
    fn index(&self, item: &Item) -> String;

    /// What the store is and how it does, for `/status` and the start-up table.
    fn status(&self) -> Status;

    /// Writes out what is held; called once, after the last batch.
    fn close(&self) -> Task<'_, ()>;
}

/// What is known of a store.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Status {
    /// `elasticsearch`, `opensearch`, `embedded`.
    pub store: String,
    /// Where it is: the URLs without credentials, or the directory.
    pub place: String,
    /// Its version, once it has told.
    pub version: Option<String>,
    /// True if the last thing we heard from it was good.
    pub reachable: bool,
    /// The last thing that went wrong, in words for an operator.
    pub trouble: Option<String>,
}

/// Reads back. An error is the store's; "nothing found" is an empty answer.
pub trait Reader: Send + Sync + std::fmt::Debug {
    /// Names of services, sorted, each once.
    fn services(&self) -> Task<'_, Result<Vec<String>, ReadError>>;

    /// Names of a service's operations, sorted, each once.
    fn operations<'a>(&'a self, service: &'a str) -> Task<'a, Result<Vec<String>, ReadError>>;

    /// Trace ids that a search finds, the one with the latest span first.
    fn find_trace_ids<'a>(&'a self, search: &'a Search) -> Task<'a, Result<Vec<TraceId>, ReadError>>;

    /// All spans of these traces, in the order of `ids`; traces not found are left out.
    fn traces<'a>(&'a self, ids: &'a [TraceId]) -> Task<'a, Result<Vec<Vec<StoredSpan>>, ReadError>>;

    /// The same for traces that `search` found: a store may look only where that search looked,
    /// and somewhat around it.
    fn traces_of_search<'a>(
        &'a self,
        ids: &'a [TraceId],
        _search: &'a Search,
    ) -> Task<'a, Result<Vec<Vec<StoredSpan>>, ReadError>> {
        self.traces(ids)
    }
}

/// A search for traces: those of which one span satisfies all of this.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Search {
    pub service: String,
    pub operation: Option<String>,
    /// Key and value, all wanted; found in span tags, process tags and log fields. A value is a
    /// Lucene regular expression in Jaeger's Elasticsearch reader.
    pub tags: Vec<(String, String)>,
    /// Microseconds since 1970, both included.
    pub start: u64,
    pub end: u64,
    /// Microseconds.
    pub min_duration: Option<u64>,
    pub max_duration: Option<u64>,
    /// At most so many traces.
    pub limit: usize,
}

/// A store could not answer.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("the store cannot be reached: {0}")]
    Unreachable(String),
    #[error("the store refused the question: {0}")]
    Refused(String),
    #[error("the store's answer cannot be read: {0}")]
    Unreadable(String),
}
