//! How much larger documents are than the body they came in: learnt from request to request, so
//! that a run's buffer is made once and about right. Too small a buffer is copied when it grows,
//! too large a one when it shrinks; `benches/pipeline` and the peak memory of `benches/load` show
//! both.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Bodies below this tell little: their documents are mostly frame.
const SMALL: usize = 512;
/// No buffer is made larger than this before it is needed.
const LARGEST_GUESS: usize = 4 << 20;
/// The unit of the ratio.
const ONE: usize = 256;

/// Bytes of documents for [`ONE`] byte of body, lately.
#[derive(Debug)]
pub struct Growth(AtomicUsize);

impl Default for Growth {
    fn default() -> Self {
        Growth(AtomicUsize::new(2 * ONE))
    }
}

impl Growth {
    /// Room for the documents of a body of this size, with an eighth to spare.
    pub(super) fn room_for(&self, body: usize) -> usize {
        let guess = body.saturating_mul(self.0.load(Ordering::Relaxed)) / ONE;
        (guess + guess / 8 + SMALL).min(LARGEST_GUESS)
    }

    /// A body of this size became documents of this size.
    pub(super) fn learn(&self, body: usize, documents: usize) {
        if body >= SMALL {
            let seen = (documents.saturating_mul(ONE) / body).clamp(ONE / 4, 8 * ONE);
            let known = self.0.load(Ordering::Relaxed);
            self.0.store(known - known / 8 + seen / 8, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_learns_the_ratio_of_what_it_sees() {
        let growth = Growth::default();
        for _ in 0..100 {
            growth.learn(10_000, 15_000);
        }
        let room = growth.room_for(10_000);
        assert!((15_000..20_000).contains(&room), "{room}");
        assert!(growth.room_for(usize::MAX) <= LARGEST_GUESS);
    }
}
