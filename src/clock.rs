//! Time is given: code that asks for the time gets a [`Clock`] handed in, so that midnight, skew
//! and back-off are tested without waiting. Sleeping goes through tokio's clock, which a test can
//! pause and turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Tells the time of day.
#[derive(Debug, Clone)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// A clock that stands still until it is turned: microseconds since 1970.
    Manual(Arc<AtomicU64>),
}

impl Clock {
    /// A clock that shows `micros` until it is turned.
    pub fn at(micros: u64) -> Self {
        Clock::Manual(Arc::new(AtomicU64::new(micros)))
    }

    /// Microseconds since 1970.
    pub fn micros(&self) -> u64 {
        match self {
            Clock::System => SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as u64),
            Clock::Manual(micros) => micros.load(Ordering::Relaxed),
        }
    }

    /// Turns a manual clock; the machine's clock is not ours to turn.
    pub fn turn_to(&self, micros: u64) {
        if let Clock::Manual(now) = self {
            now.store(micros, Ordering::Relaxed);
        }
    }
}
