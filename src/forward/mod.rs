//! A copy of what was taken, sent on to a second collector, for a run side by side (`--forward.*`).
//!
//! What is copied is the body of a request as it arrived, inflated, and only if spans of it were
//! accepted: the second collector reads the very bytes that this one read. The copy goes on by the
//! protocol that it came by, or by the nearest one that the second collector has ([`form`]).
//!
//! **Nothing here touches the main path.** An answer never waits for a copy, and a copy never waits for
//! room: each URL has a fixed share of `--forward.max-bytes`, taken of `--memory.limit` once, at the
//! start, so that a second collector that is slow, dead or refusing changes nothing in what the first
//! one can take. What does not fit, is refused or does not arrive is dropped and counted by its
//! reason. A copy is sent again only where it is sure that it was not taken, so none is doubled.
//!
//! Off, it costs the look at an option a request.
//!
//! [`target`] is one URL: its room, its queue, its senders. [`way`] is how a copy goes out. [`mark`]
//! keeps two collectors that forward to each other from doing so for ever.

mod form;
mod mark;
mod standing;
mod target;
#[cfg(test)]
mod tests;
mod way;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use bytes::Bytes;
use serde::Serialize;
use tokio::sync::watch;

use crate::memory::{Budget, Reservation};
use crate::pipeline::{Bodies, Protocol, Rejected, Taken};
use crate::receive::Take;
use crate::settings;
use crate::telemetry::metrics::Metrics;
use form::Endpoint;
use target::{Copied, Target};

/// Why copies cannot be sent at all.
#[derive(Debug, thiserror::Error)]
pub enum ForwardError {
    #[error("--forward.ca-file: {} cannot be read: {cause}", .path.display())]
    File { path: PathBuf, cause: std::io::Error },
    #[error("--forward.ca-file: {cause}: write the path of a file of certificates in PEM")]
    Certificates { cause: String },
    #[error("--forward.{endpoint}.url: {cause}")]
    Url { endpoint: &'static str, cause: String },
}

/// All URLs that copies go to.
#[derive(Debug)]
pub struct Forward {
    targets: Vec<Arc<Target>>,
    /// The target of each protocol, by its label.
    by_protocol: [Option<usize>; Protocol::ALL.len()],
    metrics: Arc<Metrics>,
    stopping: watch::Sender<bool>,
    /// The room of all targets.
    _memory: Reservation,
}

/// How it goes with one URL, for `/status`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ForwardStatus {
    pub endpoint: &'static str,
    pub url: String,
    pub waiting_bytes: usize,
    /// What went wrong first, while anything does.
    pub failing: Option<String>,
}

impl Forward {
    /// Starts the tasks that send; `None` if no URL is set. Must be called within the runtime.
    pub fn start(
        settings: &settings::Forward,
        budget: &Arc<Budget>,
        metrics: &Arc<Metrics>,
    ) -> Result<Option<Arc<Self>>, ForwardError> {
        let urls: Vec<_> = Endpoint::ALL.into_iter().filter_map(|one| Some((one, one.url(settings)?))).collect();
        if urls.is_empty() {
            return Ok(None);
        }
        let mut memory = budget.reserve();
        let bytes = settings.max_bytes.min(budget.limit() / 8);
        // At most an eighth of the limit, at the start, when there is room.
        let _ = memory.grow(bytes);
        let (stopping, _) = watch::channel(false);
        let mut targets = Vec::new();
        for (endpoint, url) in &urls {
            let way = way::Way::new(*endpoint, url, settings)?;
            let (most, stopping) = (bytes / urls.len(), stopping.subscribe());
            targets.push(Target::start(*endpoint, url, way, most, settings.timeout, metrics.clone(), stopping));
        }
        let place = |endpoint| urls.iter().position(|(known, _)| *known == endpoint);
        let by_protocol = Protocol::ALL.map(|protocol| place(form::of(protocol).endpoint));
        Ok(Some(Arc::new(Forward { targets, by_protocol, metrics: metrics.clone(), stopping, _memory: memory })))
    }

    /// A copy of a body that may be taken, or why there is none. Nothing is counted yet.
    fn copy(&self, protocol: Protocol, body: &Bytes) -> Copied {
        match self.by_protocol.get(usize::from(protocol.label().0)).copied().flatten() {
            Some(place) => self.targets.get(place).map_or(Copied::Not("no-url"), |target| target.copy(protocol, body)),
            None => Copied::Not("no-url"),
        }
    }

    /// Waits until all copies are sent, for `patience` at most, and drops the rest, counted.
    pub async fn stop(&self, patience: Duration) {
        let sent = async {
            while self.targets.iter().any(|target| target.waiting_bytes() > 0) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let _ = tokio::time::timeout(patience, sent).await;
        self.stopping.send_replace(true);
        self.stopping.closed().await;
    }

    pub fn status(&self) -> Vec<ForwardStatus> {
        self.targets.iter().map(|target| target.status()).collect()
    }
}

/// Takes spans as the pipeline does, and sends copies on if that was asked for.
#[derive(Debug)]
pub struct Forwarding<T> {
    pub take: Arc<T>,
    pub forward: Option<Arc<Forward>>,
}

impl<T> Forwarding<T> {
    /// A listener's routes, by which copies of another collector are told from what was sent here.
    pub fn routes(&self, router: Router) -> Router {
        if self.forward.is_some() { mark::routes(router) } else { router }
    }
}

impl<T: Take> Take for Forwarding<T> {
    async fn take(&self, protocol: Protocol, body: Bytes, reservation: Reservation) -> Result<Taken, Rejected> {
        let Some(forward) = self.forward.as_ref().filter(|_| !mark::is_set()) else {
            return self.take.take(protocol, body, reservation).await;
        };
        let copied = forward.copy(protocol, &body);
        let taken = self.take.take(protocol, body, reservation).await;
        if taken.as_ref().is_ok_and(|taken| taken.accepted > 0) {
            forward.metrics.forward_copied(protocol.name());
            copied.send(protocol, &forward.metrics);
        }
        taken
    }

    async fn take_all(&self, protocol: Protocol, bodies: Bodies, reservation: Reservation) -> Vec<Rejected> {
        if self.forward.is_none() {
            return self.take.take_all(protocol, bodies, reservation).await;
        }
        // Each has a copy of its own.
        bodies.each(reservation, |body, charged| self.take(protocol, body, charged)).await
    }
}
