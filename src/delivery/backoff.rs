//! Pauses between tries: doubling from 100 ms to 10 s, each between a half and the whole of that,
//! so that replicas and carriers do not come back in step.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(10);

/// How long to wait before the next try.
#[derive(Debug, Clone, Copy)]
pub(super) struct Backoff {
    tries: u32,
}

impl Backoff {
    /// A back-off that has seen `tries` failures.
    pub(super) fn after(tries: u32) -> Self {
        Backoff { tries }
    }

    pub(super) fn tries(&self) -> u32 {
        self.tries
    }

    /// The pause after one more failure.
    pub(super) fn next_pause(&mut self) -> Duration {
        let whole = FIRST.saturating_mul(1 << self.tries.min(10)).min(LONGEST);
        self.tries = self.tries.saturating_add(1);
        // The standard library seeds each RandomState anew; that is all the chance needed here.
        let chance = RandomState::new().hash_one(self.tries) % 1024;
        whole / 2 + whole.mul_f64(chance as f64 / 2048.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_ten_seconds_and_no_further() {
        let mut backoff = Backoff::after(0);
        let mut whole = FIRST;
        for _ in 0..40 {
            let pause = backoff.next_pause();
            assert!(pause >= whole / 2 && pause <= whole, "{pause:?} of {whole:?}");
            whole = (whole * 2).min(LONGEST);
        }
    }
}
