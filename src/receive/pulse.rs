//! What one connection is doing, seen by its socket, by its requests and by the timer that ends
//! it.
//!
//! hyper's own header time-out counts idleness too and costs a timer per request; this costs a
//! look at the clock per read. A connection is *idle* between requests, *heading* from the first
//! byte of a head to its last, and *busy* while a request is answered. An HTTP/2 connection is
//! never heading: its frames are no heads.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::settings::Connections;

/// Milliseconds that mean *never*.
const NEVER: u64 = u64::MAX;

/// What a connection's timer has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// Nothing; look again then.
    At(Instant),
    /// It is old: let it go with its next answer.
    Old,
    /// A head took too long.
    SlowHeader,
    /// Nothing was asked for too long.
    Idle,
}

/// The state of a connection. Times are milliseconds since `began`.
#[derive(Debug)]
pub(super) struct Pulse {
    began: Instant,
    header_timeout: u64,
    idle_timeout: u64,
    max_age: u64,
    /// The last byte that came or went.
    active: AtomicU64,
    /// The first byte of a head that is not complete; [`NEVER`]: none.
    heading: AtomicU64,
    requests: AtomicU32,
    /// A head began since the timer was last asked: only then something is due earlier than it was.
    is_urgent: AtomicBool,
    is_http2: AtomicBool,
    is_old: AtomicBool,
    /// The body of the last request was dropped before its end.
    is_unheard: AtomicBool,
    /// There was no memory for what it sent.
    is_starved: AtomicBool,
}

impl Pulse {
    /// A connection that begins now and gets old after `max_age`.
    pub(super) fn new(limits: &Connections, max_age: Duration) -> Self {
        let millis = |length: Duration| if length.is_zero() { NEVER } else { length.as_millis() as u64 };
        Pulse {
            began: Instant::now(),
            header_timeout: millis(limits.header_timeout),
            idle_timeout: millis(limits.idle_timeout),
            max_age: millis(max_age),
            active: AtomicU64::new(0),
            heading: AtomicU64::new(NEVER),
            requests: AtomicU32::new(0),
            is_urgent: AtomicBool::new(false),
            is_http2: AtomicBool::new(false),
            is_old: AtomicBool::new(false),
            is_unheard: AtomicBool::new(false),
            is_starved: AtomicBool::new(false),
        }
    }

    /// Bytes came.
    pub(super) fn read(&self, bytes: &[u8]) {
        if self.requests.load(Ordering::Relaxed) > 0 {
            return;
        }
        let now = self.now();
        // The first bytes of HTTP/2's preface; no method of HTTP/1 begins so.
        if self.active.swap(now, Ordering::Relaxed) == 0 && bytes.starts_with(b"PRI ") {
            self.is_http2.store(true, Ordering::Relaxed);
        }
        if !self.is_http2() && self.heading.load(Ordering::Relaxed) == NEVER {
            self.heading.store(now, Ordering::Relaxed);
            self.is_urgent.store(true, Ordering::Relaxed);
        }
    }

    /// Bytes went.
    pub(super) fn wrote(&self) {
        self.active.store(self.now(), Ordering::Relaxed);
    }

    /// A request's head is complete.
    pub(super) fn begin(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.heading.store(NEVER, Ordering::Relaxed);
        self.is_urgent.store(false, Ordering::Relaxed);
    }

    /// True if [`Pulse::due`] must be asked before the time that it named last.
    pub(super) fn is_urgent(&self) -> bool {
        self.is_urgent.load(Ordering::Relaxed)
    }

    /// A request is answered, or given up.
    pub(super) fn end(&self) {
        self.active.store(self.now(), Ordering::Relaxed);
        self.requests.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn is_http2(&self) -> bool {
        self.is_http2.load(Ordering::Relaxed)
    }

    /// A request's body was dropped before its end.
    pub(super) fn set_unheard(&self) {
        self.is_unheard.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_unheard(&self) -> bool {
        self.is_unheard.load(Ordering::Relaxed)
    }

    pub(super) fn set_starved(&self) {
        self.is_starved.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_starved(&self) -> bool {
        self.is_starved.load(Ordering::Relaxed)
    }

    /// True while a request is answered.
    pub(super) fn is_answering(&self) -> bool {
        self.requests.load(Ordering::Relaxed) > 0
    }

    /// True if the next answer should say that it is the last one.
    pub(super) fn is_old(&self) -> bool {
        self.is_old.load(Ordering::Relaxed)
    }

    /// What has to be done now, or when to look again. Says [`Due::Old`] once.
    pub(super) fn due(&self) -> Due {
        self.is_urgent.store(false, Ordering::Relaxed);
        let now = self.now();
        let old_at = if self.is_old() { NEVER } else { self.max_age };
        if now >= old_at {
            self.is_old.store(true, Ordering::Relaxed);
            return Due::Old;
        }
        let (ends_at, end) = self.end_of_patience(now);
        if now >= ends_at {
            return end;
        }
        Due::At(self.instant(old_at.min(ends_at)))
    }

    /// When patience with what the connection does now is at its end.
    fn end_of_patience(&self, now: u64) -> (u64, Due) {
        let heading = self.heading.load(Ordering::Relaxed);
        if self.requests.load(Ordering::Relaxed) > 0 {
            (now.saturating_add(self.idle_timeout), Due::Idle)
        } else if heading != NEVER {
            (heading.saturating_add(self.header_timeout), Due::SlowHeader)
        } else {
            (self.active.load(Ordering::Relaxed).saturating_add(self.idle_timeout), Due::Idle)
        }
    }

    /// Never 0, which stands for a connection on which nothing came yet.
    fn now(&self) -> u64 {
        self.began.elapsed().as_millis() as u64 + 1
    }

    fn instant(&self, millis: u64) -> Instant {
        // A day is as good as never, and no clock overflows in it.
        self.began + Duration::from_millis(millis.min(self.now() + 86_400_000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pulse() -> Pulse {
        let seconds = Duration::from_secs;
        let limits = Connections { header_timeout: seconds(10), idle_timeout: seconds(60), ..Connections::default() };
        Pulse::new(&limits, seconds(100))
    }

    async fn pass(seconds: u64) {
        tokio::time::advance(Duration::from_secs(seconds)).await;
    }

    fn waits(pulse: &Pulse) -> bool {
        matches!(pulse.due(), Due::At(_))
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_head_is_cut_and_a_body_is_not() {
        let pulse = pulse();
        pulse.read(b"POST ");
        assert!(pulse.is_urgent());
        pass(9).await;
        pulse.read(b"/api");
        assert!(waits(&pulse));
        pass(1).await;
        assert_eq!(pulse.due(), Due::SlowHeader);
        pulse.begin();
        assert!(!pulse.is_urgent());
        pass(30).await;
        pulse.read(b"body");
        assert!(waits(&pulse));
        pulse.end();
        pass(59).await;
        assert!(waits(&pulse));
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_connection_is_cut_after_its_time() {
        let pulse = pulse();
        pass(59).await;
        assert!(waits(&pulse));
        pass(1).await;
        assert_eq!(pulse.due(), Due::Idle);
    }

    #[tokio::test(start_paused = true)]
    async fn frames_of_http2_are_no_heads() {
        let pulse = pulse();
        pulse.read(b"PRI * HTTP/2.0\r\n");
        pass(11).await;
        assert!(waits(&pulse));
        assert!(pulse.is_http2());
    }

    #[tokio::test(start_paused = true)]
    async fn old_is_said_once() {
        let pulse = pulse();
        pulse.begin();
        pass(100).await;
        assert_eq!(pulse.due(), Due::Old);
        assert!(waits(&pulse) && pulse.is_old());
    }
}
