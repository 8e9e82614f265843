//! How long the store takes for bulk requests.

use std::sync::atomic::{AtomicU64, Ordering};

/// Those of a period: how many took no longer than `--sampling.max-bulk-latency`, how many did.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Answers {
    pub(super) in_time: u64,
    pub(super) slow: u64,
}

impl Answers {
    /// Whether the 95th percentile is over the limit: more than a twentieth was slow. `None`: there
    /// was no answer.
    pub(super) fn are_slow(self) -> Option<bool> {
        let all = self.in_time + self.slow;
        (all > 0).then_some(self.slow * 20 > all)
    }
}

/// Those since the last look.
#[derive(Debug, Default)]
pub(super) struct Answered {
    in_time: AtomicU64,
    slow: AtomicU64,
}

impl Answered {
    pub(super) fn add(&self, in_time: u64, slow: u64) {
        self.in_time.fetch_add(in_time, Ordering::Relaxed);
        self.slow.fetch_add(slow, Ordering::Relaxed);
    }

    pub(super) fn take(&self) -> Answers {
        Answers { in_time: self.in_time.swap(0, Ordering::Relaxed), slow: self.slow.swap(0, Ordering::Relaxed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_a_twentieth_is_slow() {
        let are_slow = |in_time, slow| Answers { in_time, slow }.are_slow();
        assert_eq!([are_slow(0, 0), are_slow(1, 0), are_slow(0, 1)], [None, Some(false), Some(true)]);
        // Of twenty the nineteenth is the percentile; of fewer the last.
        assert_eq!([are_slow(19, 1), are_slow(18, 1), are_slow(18, 2)], [Some(false), Some(true), Some(true)]);
    }
}
