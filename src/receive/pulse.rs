//! What one connection is doing, seen by its socket, by its requests and by the timer that ends
//! it.
//!
//! hyper's own header time-out counts idleness too and costs a timer per request; this costs a
//! look at the clock per read. A connection is *idle* between requests, *heading* from the first
//! byte of a head to its last, and *busy* while a request is answered. An HTTP/2 connection is
//! never heading: its frames are no heads. What comes on it while nothing is asked is counted:
//! pings and settings are answered, and one who sends nothing else for too many bytes is a flood.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::http2;
use crate::settings::{Age, Connections};

/// Milliseconds that mean *never*.
const NEVER: u64 = u64::MAX;

/// What a connection's timer has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// Nothing; look again then.
    At(Instant),
    /// It is old: let it go with its next answer.
    Old,
    /// It was told to go and had its time.
    Overdue,
    /// Much came that asks for nothing.
    Flood,
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
    /// The age at which it is cut.
    end_of_grace: u64,
    /// Bytes that came on HTTP/2 while nothing was asked, and how many may.
    unasked: AtomicU32,
    most_unasked: u32,
    /// The last byte that came or went.
    active: AtomicU64,
    /// The end of the last request.
    answered: AtomicU64,
    /// The first byte of a head that is not complete; [`NEVER`]: none.
    heading: AtomicU64,
    requests: AtomicU32,
    /// Requests whose heads were complete, so far.
    begun: AtomicU32,
    /// A head began since the timer was last asked: only then something is due earlier than it was.
    is_urgent: AtomicBool,
    is_http2: AtomicBool,
    /// When it was found to be old; [`NEVER`]: it is not.
    old_since: AtomicU64,
    /// The body of the last request was dropped before its end.
    is_unheard: AtomicBool,
    /// There was no memory for what it sent.
    is_starved: AtomicBool,
    /// The limit of HTTP/2 that it was told to have reached.
    calmed: OnceLock<&'static str>,
}

impl Pulse {
    /// A connection that begins now.
    pub(super) fn new(limits: &Connections, age: Age) -> Self {
        let millis = |length: Duration| if length.is_zero() { NEVER } else { length.as_millis() as u64 };
        Pulse {
            began: Instant::now(),
            header_timeout: millis(limits.header_timeout),
            idle_timeout: millis(limits.idle_timeout),
            max_age: millis(age.max),
            end_of_grace: millis(age.max).saturating_add(millis(age.grace)),
            unasked: AtomicU32::new(0),
            most_unasked: limits.http2.unasked_bytes,
            active: AtomicU64::new(0),
            answered: AtomicU64::new(0),
            heading: AtomicU64::new(NEVER),
            requests: AtomicU32::new(0),
            begun: AtomicU32::new(0),
            is_urgent: AtomicBool::new(false),
            is_http2: AtomicBool::new(false),
            old_since: AtomicU64::new(NEVER),
            is_unheard: AtomicBool::new(false),
            is_starved: AtomicBool::new(false),
            calmed: OnceLock::new(),
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
        if self.is_http2() {
            let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
            if self.unasked.fetch_add(length.min(self.most_unasked), Ordering::Relaxed) > self.most_unasked {
                self.is_urgent.store(true, Ordering::Relaxed);
            }
        } else if self.heading.load(Ordering::Relaxed) == NEVER {
            self.heading.store(now, Ordering::Relaxed);
            self.is_urgent.store(true, Ordering::Relaxed);
        }
    }

    /// Notes the limit that these bytes, which are about to go, tell the sender to have reached.
    pub(super) fn note_calmed(&self, bytes: &[u8]) {
        if self.is_http2()
            && let Some(limit) = http2::calmed_by(bytes)
        {
            // Said again if the bytes could not go yet.
            let _ = self.calmed.set(limit);
        }
    }

    /// The limit of HTTP/2 that the sender was told to have reached.
    pub(super) fn calmed(&self) -> Option<&'static str> {
        self.calmed.get().copied()
    }

    /// Bytes went.
    pub(super) fn wrote(&self) {
        self.active.store(self.now(), Ordering::Relaxed);
    }

    /// A request's head is complete.
    pub(super) fn begin(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.heading.store(NEVER, Ordering::Relaxed);
        self.unasked.store(0, Ordering::Relaxed);
        self.is_urgent.store(false, Ordering::Relaxed);
    }

    /// True if [`Pulse::due`] must be asked before the time that it named last.
    pub(super) fn is_urgent(&self) -> bool {
        self.is_urgent.load(Ordering::Relaxed)
    }

    /// A request is answered, or given up.
    pub(super) fn end(&self) {
        let now = self.now();
        self.active.store(now, Ordering::Relaxed);
        self.answered.store(now, Ordering::Relaxed);
        self.requests.fetch_sub(1, Ordering::Relaxed);
    }

    /// A request said so: the preface may have come in pieces too small to be known by.
    pub(super) fn set_http2(&self) {
        self.is_http2.store(true, Ordering::Relaxed);
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

    pub(super) fn begun(&self) -> u32 {
        self.begun.load(Ordering::Relaxed)
    }

    /// True while a request is answered.
    pub(super) fn is_answering(&self) -> bool {
        self.requests.load(Ordering::Relaxed) > 0
    }

    /// True if the next answer should say that it is the last one.
    pub(super) fn is_old(&self) -> bool {
        self.old_since.load(Ordering::Relaxed) != NEVER
    }

    /// What has to be done now, or when to look again. Says [`Due::Old`] once.
    pub(super) fn due(&self) -> Due {
        self.is_urgent.store(false, Ordering::Relaxed);
        if self.unasked.load(Ordering::Relaxed) > self.most_unasked {
            return Due::Flood;
        }
        let now = self.now();
        let old_at = if self.is_old() { self.end_of_grace } else { self.max_age };
        if now >= old_at {
            let first = self.old_since.swap(now, Ordering::Relaxed) == NEVER;
            return if first { Due::Old } else { Due::Overdue };
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
        let old_since = self.old_since.load(Ordering::Relaxed);
        if self.requests.load(Ordering::Relaxed) > 0 {
            (now.saturating_add(self.idle_timeout), Due::Idle)
        } else if old_since != NEVER && self.is_http2() {
            // It was told to go. What still comes asks for nothing new, and could come for ever.
            let quiet_since = old_since.max(self.answered.load(Ordering::Relaxed));
            (quiet_since.saturating_add(self.header_timeout), Due::Overdue)
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
        Pulse::new(&limits, Age { max: seconds(100), grace: Duration::ZERO })
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

    #[tokio::test(start_paused = true)]
    async fn an_old_connection_is_cut_after_its_grace() {
        let age = Age { max: Duration::from_secs(100), grace: Duration::from_secs(5) };
        let pulse = Pulse::new(&Connections::default(), age);
        pulse.begin();
        pass(100).await;
        assert_eq!(pulse.due(), Due::Old);
        pass(4).await;
        assert!(waits(&pulse));
        pass(1).await;
        assert_eq!(pulse.due(), Due::Overdue);
    }

    #[tokio::test(start_paused = true)]
    async fn one_of_http2_that_was_told_to_go_and_asks_nothing_has_the_time_of_a_head() {
        let pulse = pulse();
        pulse.read(b"PRI * HTTP/2.0\r\n");
        pulse.begin();
        pass(100).await;
        assert_eq!(pulse.due(), Due::Old);
        pass(30).await;
        assert!(waits(&pulse), "a request is answered");
        pulse.end();
        pass(9).await;
        pulse.read(b"a ping");
        assert!(waits(&pulse));
        pass(1).await;
        assert_eq!(pulse.due(), Due::Overdue);
    }

    #[tokio::test]
    async fn much_that_asks_for_nothing_is_a_flood() {
        let pulse = pulse();
        pulse.read(b"PRI * HTTP/2.0\r\n");
        let ping = [0; 17];
        for _ in 0..pulse.most_unasked / 17 {
            pulse.read(&ping);
        }
        assert!(!pulse.is_urgent() && waits(&pulse));
        pulse.begin();
        pulse.end();
        for _ in 0..pulse.most_unasked / 17 {
            pulse.read(&ping);
        }
        assert!(!pulse.is_urgent() && waits(&pulse));
        pulse.read(&[0; 34]);
        pulse.read(&ping);
        assert!(pulse.is_urgent());
        assert_eq!(pulse.due(), Due::Flood);
    }
}
