//! How it goes with a URL: one line of the log when it begins to fail, and one when it has taken
//! copies again for a while without a fault between.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// So long nothing may have gone wrong before it is called well: a URL that takes some and refuses some
/// would fill the log.
const QUIET: Duration = Duration::from_secs(5);

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Standing(Mutex<Option<Failing>>);

#[derive(Debug)]
struct Failing {
    first: String,
    since: Instant,
    last: Instant,
}

impl Standing {
    /// Something went wrong. True: it begins.
    pub(super) fn ill(&self, why: &str) -> bool {
        let mut failing = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        match failing.as_mut() {
            Some(failing) => failing.last = now,
            None => *failing = Some(Failing { first: why.to_string(), since: now, last: now }),
        }
        failing.as_ref().is_some_and(|failing| failing.since == failing.last)
    }

    /// A copy was taken. Says how long it had failed, if that is over.
    pub(super) fn well(&self) -> Option<Duration> {
        let mut failing = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let over = failing.as_ref().is_some_and(|failing| failing.last.elapsed() >= QUIET);
        if over { failing.take().map(|failing| failing.since.elapsed()) } else { None }
    }

    /// What went wrong first.
    pub(super) fn failing(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|failing| failing.first.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_line_when_it_begins_and_one_when_it_is_over() {
        let standing = Standing::default();
        assert_eq!(standing.well(), None);
        assert!(standing.ill("refused"));
        for _ in 0..100 {
            tokio::time::advance(Duration::from_secs(1)).await;
            assert!(!standing.ill("no answer"));
            assert_eq!(standing.well(), None, "taken and refused by turns is not well");
        }
        assert_eq!(standing.failing().as_deref(), Some("refused"));
        tokio::time::advance(QUIET).await;
        assert_eq!(standing.well(), Some(Duration::from_secs(105)));
        assert_eq!((standing.well(), standing.failing()), (None, None));
        assert!(standing.ill("again"));
    }
}
