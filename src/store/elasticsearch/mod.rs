//! Elasticsearch 6 to 9 and OpenSearch 1 to 3 as the store.
//!
//! [`Cluster`] is the pipe: raw bytes to one of the configured nodes and back, with credentials and
//! TLS; it knows nothing of spans. [`Server`] says which product and version answers, and so which
//! [`Dialect`] it wants. [`templates`] are made before the first write and again when the cluster
//! was away, as it may have come back as another version or without its data. [`BulkWriter`] turns
//! a batch into a bulk request and the answer into a verdict per item.
//!
//! Nothing here waits for a cluster to come back: what cannot be written now is said to be written
//! again, and [`crate::delivery`] decides when.

mod alarm;
mod aliases;
mod answer;
mod bulk;
#[cfg(test)]
mod fake;
mod reader;
mod reader_answer;
mod reader_question;
pub mod templates;
mod transport;
mod verdict;
mod version;
mod writer;

pub use reader::SearchReader;
pub use transport::{Answer, Cluster, ConnectionError, Method, TransportError};
pub use version::{Dialect, Server, VersionError};
pub use writer::{BulkWriter, MeetingError};
