//! How many batches may be under way at once: as many as the store bears.
//!
//! It begins with `--es.bulk.workers`, rises by one for each round of answers that came well while
//! more was waiting, up to `--es.bulk.max-workers`, and is halved, down to one, when the store says
//! that it is overloaded. It rises no further either when answers take twice as long as the
//! quickest lately: then more at once would only wait in the store. After a complaint so many answers
//! must be good before it rises again that far less than one in a hundred is a complaint, whatever
//! the store bears.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// How long the backlog waits between batches while the store is under pressure.
pub(super) const BACKLOG_PAUSE: Duration = Duration::from_secs(1);

/// Pressure is high for so long after the store has said so.
const HIGH: Duration = Duration::from_secs(5);

/// Good answers after a complaint before more is tried.
const GOOD_BEFORE_MORE: u32 = 250;

/// The quickest answer is forgotten after so many answers.
const MEMORY: u32 = 256;

/// See the module.
#[derive(Debug)]
pub(super) struct Pressure {
    most: f64,
    state: Mutex<State>,
    /// The limit has risen.
    risen: Notify,
}

#[derive(Debug)]
struct State {
    limit: f64,
    quickest: Option<Duration>,
    answers: u32,
    refused: Option<Instant>,
    /// Good answers since then.
    good: u32,
}

impl Pressure {
    pub(super) fn new(start: usize, most: usize) -> Self {
        let start = start.max(1) as f64;
        let state = State { limit: start, quickest: None, answers: 0, refused: None, good: 0 };
        Pressure { most: start.max(most as f64), state: Mutex::new(state), risen: Notify::new() }
    }

    /// Returns when the carrier at this place may go.
    pub(super) async fn turn(&self, place: usize) {
        loop {
            let risen = self.risen.notified();
            tokio::pin!(risen);
            risen.as_mut().enable();
            if place < self.limit() {
                return;
            }
            risen.await;
        }
    }

    /// Batches that may be under way at once.
    pub(super) fn limit(&self) -> usize {
        self.lock().limit as usize
    }

    /// True if the store was overloaded a moment ago.
    pub(super) fn is_high(&self) -> bool {
        self.lock().refused.is_some_and(|at| at.elapsed() < HIGH)
    }

    /// An answer came: after so long, with or without complaint, and while more was waiting or not.
    pub(super) fn note(&self, latency: Duration, overloaded: bool, behind: bool) {
        let mut state = self.lock();
        if overloaded {
            // Answers of one moment count once.
            if state.refused.is_none_or(|at| at.elapsed() >= latency) {
                state.limit = (state.limit / 2.0).max(1.0);
            }
            (state.refused, state.good) = (Some(Instant::now()), 0);
            return;
        }
        state.good = state.good.saturating_add(1);
        state.answers += 1;
        if state.answers > MEMORY {
            (state.answers, state.quickest) = (1, None);
        }
        let quickest = state.quickest.map_or(latency, |quickest| quickest.min(latency));
        state.quickest = Some(quickest);
        let calm = state.refused.is_none_or(|at| state.good > GOOD_BEFORE_MORE && at.elapsed() >= HIGH);
        if behind && calm && latency <= quickest * 2 && state.limit < self.most {
            let before = state.limit as usize;
            state.limit = (state.limit + 1.0 / state.limit).min(self.most);
            let rose = state.limit as usize > before;
            drop(state);
            if rose {
                self.risen.notify_waiters();
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUICK: Duration = Duration::from_millis(10);

    #[tokio::test(start_paused = true)]
    async fn it_rises_while_more_waits_and_answers_are_quick() {
        let pressure = Pressure::new(1, 4);
        for _ in 0..20 {
            pressure.note(QUICK, false, false);
        }
        assert_eq!(pressure.limit(), 1);
        for _ in 0..20 {
            pressure.note(QUICK, false, true);
        }
        assert_eq!(pressure.limit(), 4);
        let slow = Pressure::new(1, 4);
        slow.note(QUICK, false, false);
        for _ in 0..20 {
            slow.note(QUICK * 3, false, true);
        }
        assert_eq!(slow.limit(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_halved_by_overload_and_rises_again_after_a_while() {
        let pressure = Pressure::new(8, 8);
        pressure.note(QUICK, true, true);
        pressure.note(QUICK, true, true);
        assert_eq!((pressure.limit(), pressure.is_high()), (4, true));
        tokio::time::advance(QUICK).await;
        pressure.note(QUICK, true, true);
        pressure.note(QUICK, false, true);
        assert_eq!(pressure.limit(), 2);
        tokio::time::advance(HIGH).await;
        for _ in 1..GOOD_BEFORE_MORE {
            pressure.note(QUICK, false, true);
        }
        assert_eq!((pressure.limit(), pressure.is_high()), (2, false));
        for _ in 0..3 {
            pressure.note(QUICK, false, true);
        }
        assert_eq!(pressure.limit(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn carriers_beyond_the_limit_wait_for_it_to_rise() {
        let pressure = std::sync::Arc::new(Pressure::new(1, 2));
        pressure.turn(0).await;
        let waiting = pressure.clone();
        let second = tokio::spawn(async move { waiting.turn(1).await });
        tokio::task::yield_now().await;
        assert!(!second.is_finished());
        pressure.note(QUICK, false, true);
        second.await.unwrap();
    }
}
