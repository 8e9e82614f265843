//! Whether this process lives, and whether it takes spans: two questions.
//!
//! *Alive* is Jaeger's one bit: false until the listeners are open and again while draining; it
//! never follows the store, for restarting a collector mends no store. *Ready* is false as well
//! while this replica cannot make spans safe.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde_json::{Value, json};
use time::UtcDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::sync::watch;

use crate::clock::Clock;

/// The time of a server that is not up, as Go writes it.
const NEVER: &str = "0001-01-01T00:00:00Z";

/// Where a process is in its life; it never goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    Starting,
    Up,
    Draining,
}

/// The health of this process.
#[derive(Debug)]
pub struct Health {
    clock: Clock,
    /// Microseconds since 1970 of the moment when the listeners were open; 0: not up.
    up_since: AtomicU64,
    unsafe_now: AtomicBool,
    life: watch::Sender<Life>,
}

impl Health {
    /// Starting: neither alive nor ready.
    pub fn new(clock: Clock) -> Self {
        Health {
            clock,
            up_since: AtomicU64::new(0),
            unsafe_now: AtomicBool::new(false),
            life: watch::Sender::new(Life::Starting),
        }
    }

    /// The listeners are open.
    pub fn set_up(&self) {
        self.up_since.store(self.clock.micros().max(1), Ordering::Relaxed);
        self.life.send_if_modified(|life| {
            let starts = *life == Life::Starting;
            if starts {
                *life = Life::Up;
            }
            starts
        });
    }

    /// The process is about to stop; there is no way back.
    pub fn set_draining(&self) {
        self.life.send_replace(Life::Draining);
    }

    /// For those who wait for a change.
    pub fn watch(&self) -> watch::Receiver<Life> {
        self.life.subscribe()
    }

    /// Whether spans can be made safe here.
    pub fn set_can_make_safe(&self, can: bool) {
        self.unsafe_now.store(!can, Ordering::Relaxed);
    }

    /// For a liveness probe.
    pub fn is_alive(&self) -> bool {
        self.since().is_some()
    }

    /// For a readiness probe.
    pub fn is_ready(&self) -> bool {
        self.is_alive() && !self.unsafe_now.load(Ordering::Relaxed)
    }

    /// Seconds since the listeners were open.
    pub fn uptime_seconds(&self) -> f64 {
        self.since().map_or(0.0, |since| self.age(since) as f64 / 1e6)
    }

    /// What jaeger-collector answers on its admin port.
    pub fn json(&self) -> Value {
        match self.since() {
            Some(since) => json!({
                "status": "Server available",
                "upSince": rfc3339(since),
                "uptime": go_duration(self.age(since)),
            }),
            None => json!({ "status": "Server not available", "upSince": NEVER, "uptime": "" }),
        }
    }

    fn since(&self) -> Option<u64> {
        let since = self.up_since.load(Ordering::Relaxed);
        (since != 0 && *self.life.borrow() != Life::Draining).then_some(since)
    }

    fn age(&self, since: u64) -> u64 {
        self.clock.micros().saturating_sub(since)
    }
}

fn rfc3339(micros: u64) -> String {
    let time = UtcDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1000).ok();
    time.and_then(|time| time.format(&Rfc3339).ok()).unwrap_or_else(|| NEVER.into())
}

/// A duration as Go prints it: `1h2m3.5s`, `250.5ms`, `0s`.
fn go_duration(micros: u64) -> String {
    match micros {
        0 => "0s".into(),
        1..1_000 => format!("{micros}µs"),
        1_000..1_000_000 => format!("{}ms", micros as f64 / 1e3),
        _ => {
            let (hours, minutes) = (micros / 3_600_000_000, micros / 60_000_000 % 60);
            let seconds = format!("{}s", (micros % 60_000_000) as f64 / 1e6);
            match (hours, minutes) {
                (0, 0) => seconds,
                (0, _) => format!("{minutes}m{seconds}"),
                _ => format!("{hours}h{minutes}m{seconds}"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2024-02-29T12:00:00.25Z
    const NOON: u64 = 1_709_208_000_250_000;

    #[test]
    fn alive_from_open_listeners_to_the_drain_and_ready_while_spans_are_safe() {
        let health = Health::new(Clock::at(NOON));
        let probes = |health: &Health| (health.is_alive(), health.is_ready());
        assert_eq!(probes(&health), (false, false));
        health.set_up();
        assert_eq!(probes(&health), (true, true));
        health.set_can_make_safe(false);
        assert_eq!(probes(&health), (true, false));
        health.set_can_make_safe(true);
        assert_eq!(probes(&health), (true, true));
        health.set_draining();
        assert_eq!(probes(&health), (false, false));
    }

    #[test]
    fn the_answers_are_jaegers() {
        let clock = Clock::at(NOON);
        let health = Health::new(clock.clone());
        let down = r#"{"status":"Server not available","upSince":"0001-01-01T00:00:00Z","uptime":""}"#;
        assert_eq!(health.json().to_string(), down);
        health.set_up();
        clock.turn_to(NOON + 3_723_500_000);
        let up = r#"{"status":"Server available","upSince":"2024-02-29T12:00:00.25Z","uptime":"1h2m3.5s"}"#;
        assert_eq!(health.json().to_string(), up);
        health.set_draining();
        assert_eq!(health.json().to_string(), down);
    }

    #[test]
    fn durations_are_written_as_go_writes_them() {
        for (micros, text) in [
            (0, "0s"),
            (999, "999µs"),
            (1_500, "1.5ms"),
            (2_000_000, "2s"),
            (61_000_001, "1m1.000001s"),
            (3_600_000_000, "1h0m0s"),
        ] {
            assert_eq!(go_duration(micros), text);
        }
    }
}
