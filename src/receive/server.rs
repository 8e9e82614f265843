//! The accept loop under every listener, and how it ends.
//!
//! One [`Server`] stands for a group of listeners that share a limit on connections and a drain;
//! the admin port has one of its own, so that probes are answered whatever the senders do. Errors
//! of accepting (no file descriptors left) are logged and waited out; they never end the loop.

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::listener::Bound;
use super::stream::Stream;
use super::tls::Tls;
use super::{connection, http2, lingering, tls};
use crate::memory::{Budget, Reservation};
use crate::settings::{Age, Connections};
use crate::telemetry::metrics::Metrics;

/// The pauses after an error of accepting: the first, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(5), Duration::from_secs(1));

/// Where a server is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Open,
    /// Nothing is accepted; requests in flight are finished.
    Draining,
    /// The time for that is over.
    Cut,
}

/// What a listener's connections get.
#[derive(Debug)]
pub(super) struct Served {
    pub(super) router: Router,
    pub(super) age: Age,
}

/// A group of listeners.
#[derive(Debug)]
pub struct Server {
    pub(super) limits: Connections,
    pub(super) metrics: Arc<Metrics>,
    pub(super) builder: Builder<TokioExecutor>,
    budget: Arc<Budget>,
    open: AtomicUsize,
    phase: watch::Sender<Phase>,
    chance: RandomState,
}

impl Server {
    pub fn new(limits: Connections, metrics: Arc<Metrics>, budget: Arc<Budget>) -> Arc<Self> {
        let mut builder = Builder::new(TokioExecutor::new());
        // Heads are timed by the connection's pulse, which tells them from idleness.
        builder.http1().timer(TokioTimer::new()).header_read_timeout(None).max_buf_size(limits.header_bytes);
        http2::limit(builder.http2(), &limits);
        let (phase, _) = watch::channel(Phase::Open);
        let (open, chance) = (AtomicUsize::new(0), RandomState::new());
        Arc::new(Server { limits, metrics, builder, budget, open, phase, chance })
    }

    /// Serves `router` on a bound listener until the drain, in a task of its own.
    pub fn serve(self: &Arc<Self>, bound: Bound, router: Router) {
        self.serve_to_age(bound, router, self.limits.age);
    }

    /// The same with an age of its own for the listener's connections.
    pub fn serve_to_age(self: &Arc<Self>, bound: Bound, router: Router, age: Age) {
        let phase = self.phase.subscribe();
        tokio::spawn(self.clone().accept_all(bound, Arc::new(Served { router, age }), phase));
    }

    /// Connections that are open.
    pub fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Stops accepting, closes idle connections, finishes requests in flight; after `timeout` cuts
    /// what is left. Returns how many connections had to be cut.
    pub async fn drain(&self, timeout: Duration) -> usize {
        self.phase.send_replace(Phase::Draining);
        if tokio::time::timeout(timeout, self.phase.closed()).await.is_ok() {
            return 0;
        }
        let cut = self.open();
        self.phase.send_replace(Phase::Cut);
        self.phase.closed().await;
        cut
    }

    async fn accept_all(self: Arc<Self>, bound: Bound, served: Arc<Served>, mut phase: watch::Receiver<Phase>) {
        let mut pause = PAUSES.0;
        loop {
            let accepted = tokio::select! {
                biased;
                _ = phase.wait_for(|phase| *phase != Phase::Open) => return,
                accepted = bound.listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, _)) => {
                    pause = PAUSES.0;
                    self.admit(stream, &served, bound.tls.as_ref());
                }
                Err(error) if is_the_peers(&error) => {}
                Err(error) => {
                    tracing::warn!(listener = bound.name, %error, ?pause, "cannot accept connections, trying again");
                    tokio::time::sleep(pause).await;
                    pause = PAUSES.1.min(pause * 2);
                }
            }
        }
    }

    /// Serves one connection in a task of its own, or closes it if there are too many.
    fn admit(self: &Arc<Self>, stream: TcpStream, served: &Arc<Served>, tls: Option<&Arc<Tls>>) {
        let Some(seat) = Seat::take(self) else { return };
        // Answers are small and written at once: nothing to gather.
        let _ = stream.set_nodelay(true);
        let phase = self.phase.subscribe();
        let served = served.clone();
        let Some(tls) = tls.cloned() else {
            tokio::spawn(connection::run(seat, Stream::Plain(stream), served, phase));
            return;
        };
        let mut charge = self.budget.reserve_for_connection();
        if charge.grow(tls::CONNECTION).is_err() {
            self.metrics.connection_refused("memory.limit");
            return;
        }
        tokio::spawn(async move {
            if let Some(stream) = tls.shake(stream, &seat.server, phase.clone()).await {
                connection::run(seat, Stream::Tls(Box::new(stream)), served, phase).await;
            }
            drop(charge);
        });
    }

    /// An age plus or minus a tenth: connections that began together must not all come back
    /// together.
    pub(super) fn vary(&self, age: Age) -> Age {
        let chance = self.chance.hash_one(self.metrics.connections()) % 2001;
        Age { max: age.max.mul_f64(0.9 + chance as f64 / 10_000.0), ..age }
    }
}

/// One of the connections that may be open at once, and its memory.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) server: Arc<Server>,
    charge: Reservation,
}

impl Seat {
    fn take(server: &Arc<Server>) -> Option<Seat> {
        let mut charge = server.budget.reserve_for_connection();
        if charge.grow(lingering::CONNECTION).is_err() {
            server.metrics.connection_refused("memory.limit");
            return None;
        }
        let most = server.limits.max;
        let fits = |open: usize| (most == 0 || open < most).then_some(open + 1);
        if server.open.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).is_err() {
            server.metrics.connection_refused("limits.connections");
            return None;
        }
        server.metrics.connection_accepted();
        Some(Seat { server: server.clone(), charge })
    }

    /// Hands over what the connection is charged with.
    pub(super) fn take_charge(&mut self) -> Reservation {
        std::mem::replace(&mut self.charge, self.server.budget.reserve_for_connection())
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.server.open.fetch_sub(1, Ordering::Relaxed);
        self.server.metrics.connection_closed();
    }
}

/// True for an error of the one connection that was about to be accepted.
fn is_the_peers(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_that_begin_together_grow_old_apart() {
        let server = Server::new(Connections::default(), Arc::new(Metrics::for_tests()), Budget::new(1 << 20));
        let age = Age { max: Duration::from_secs(100), grace: Duration::ZERO };
        let ages: std::collections::BTreeSet<Duration> = (0..100)
            .map(|_| {
                server.metrics.connection_accepted();
                server.vary(age).max
            })
            .collect();
        assert!(ages.iter().all(|age| (90..=110).contains(&age.as_secs())), "{ages:?}");
        assert!(ages.len() > 50, "{ages:?}");
    }

    #[test]
    fn an_error_of_one_connection_is_none_of_the_listener() {
        // ECONNABORTED is the peer's; EMFILE and ENFILE are ours, and wait.
        assert!(is_the_peers(&io::ErrorKind::ConnectionAborted.into()));
        assert!(!is_the_peers(&io::Error::from_raw_os_error(24)));
        assert!(!is_the_peers(&io::Error::from_raw_os_error(23)));
    }
}
