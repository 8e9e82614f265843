//! Logs that cannot flood: one line per interval, and how many were left out since the last.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// At most one line of a kind in this time.
const INTERVAL: Duration = Duration::from_secs(10);

/// Decides whether a line of one kind may be logged now.
#[derive(Debug, Default)]
pub(crate) struct Alarm(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    last: Option<Instant>,
    silenced: u64,
}

impl Alarm {
    /// The number of lines left out since the last one, if it is time for another; `None`: be
    /// silent, which is counted.
    pub(crate) fn ring(&self) -> Option<u64> {
        self.ring_at(Instant::now())
    }

    fn ring_at(&self, now: Instant) -> Option<u64> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.last.is_some_and(|last| now.duration_since(last) < INTERVAL) {
            state.silenced += 1;
            return None;
        }
        state.last = Some(now);
        Some(std::mem::take(&mut state.silenced))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_an_interval_and_the_rest_counted() {
        let (alarm, now) = (Alarm::default(), Instant::now());
        assert_eq!(alarm.ring_at(now), Some(0));
        assert_eq!((alarm.ring_at(now), alarm.ring_at(now + INTERVAL / 2)), (None, None));
        assert_eq!(alarm.ring_at(now + INTERVAL), Some(2));
    }
}
