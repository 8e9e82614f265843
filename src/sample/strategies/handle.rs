//! The document in force, shared.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;

use super::table::{Fallback, Strategies};

/// Shows the document in force; clones show the same one.
#[derive(Debug, Clone)]
pub struct StrategiesHandle(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    strategies: ArcSwap<Strategies>,
    version: AtomicU64,
}

impl StrategiesHandle {
    pub fn new(strategies: Strategies) -> Self {
        StrategiesHandle(Arc::new(Shared { strategies: ArcSwap::from_pointee(strategies), version: AtomicU64::new(0) }))
    }

    /// The document in force now. One request should ask once.
    pub fn current(&self) -> Arc<Strategies> {
        self.0.strategies.load_full()
    }

    /// How many documents were put in force; 0: none was yet, and Jaeger's fallback is.
    pub fn version(&self) -> u64 {
        self.0.version.load(Ordering::Acquire)
    }

    /// Puts a document in force.
    pub fn store(&self, strategies: Strategies) {
        self.0.strategies.store(Arc::new(strategies));
        self.0.version.fetch_add(1, Ordering::Release);
    }
}

/// What Jaeger serves without a document.
impl Default for StrategiesHandle {
    fn default() -> Self {
        StrategiesHandle::new(Strategies::without(Fallback::default()))
    }
}
