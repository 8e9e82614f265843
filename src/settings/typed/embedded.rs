//! The embedded store.

use std::path::PathBuf;
use std::time::Duration;

/// The embedded store.
#[derive(Debug, Clone)]
pub struct Embedded {
    pub directory: PathBuf,
    /// Days older than this are deleted; zero: never.
    pub max_age: Duration,
    /// Oldest days are deleted while the store is larger; zero: never.
    pub max_bytes: u64,
    pub commit_interval: Duration,
}

impl Default for Embedded {
    fn default() -> Self {
        Embedded {
            directory: "spaniel-data".into(),
            max_age: Duration::from_secs(7 * 24 * 3600),
            max_bytes: 10 << 30,
            commit_interval: Duration::from_secs(1),
        }
    }
}
