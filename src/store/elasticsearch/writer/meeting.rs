//! Meeting the cluster: who answers, and are the templates there?
//!
//! It is met before the first write, and again after a request that no node answered, for it may come
//! back as another version or without its data. A cluster that was replaced or lost its templates
//! while every request was answered gives no such sign, and an index that is made without its
//! template is no error but a guess. So now and then, and soon after items failed as they do without
//! templates or aliases, it is looked at with three small requests, and met again if it is not as it
//! was.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tokio::time::Instant;

use super::{BulkWriter, Health, away};
use crate::store::elasticsearch::templates::{self, TemplateError};
use crate::store::elasticsearch::{Server, VersionError};

/// How often a cluster that answers is looked at.
const LOOK: Duration = Duration::from_secs(300);

/// How soon after the last look, if there is doubt.
const LOOK_IN_DOUBT: Duration = Duration::from_secs(10);

/// What is known of the cluster.
#[derive(Debug, Default)]
pub(super) struct Meeting {
    /// Who answers, as long as someone does.
    server: ArcSwapOption<Server>,
    /// Held by the one who meets the cluster; those who waited for it take what came of it.
    last: tokio::sync::Mutex<Option<Arc<MeetingError>>>,
    /// Meetings that were held.
    held: AtomicU64,
    lookout: Mutex<Lookout>,
}

/// When to look at a cluster that answers.
#[derive(Debug, Default)]
struct Lookout {
    last: Option<Instant>,
    doubt: bool,
}

/// The cluster cannot be written to yet.
#[derive(Debug, thiserror::Error)]
pub enum MeetingError {
    #[error(transparent)]
    Version(#[from] VersionError),
    #[error(transparent)]
    Template(#[from] TemplateError),
}

impl MeetingError {
    /// The word for logs and metrics.
    pub(super) fn word(&self) -> &'static str {
        match self {
            MeetingError::Version(VersionError::Transport(error)) => away(error),
            MeetingError::Template(TemplateError::Transport(error)) => away(error),
            MeetingError::Version(VersionError::NotReady { .. }) => "unavailable",
            MeetingError::Version(VersionError::Unauthorized { .. }) => "unauthorized",
            MeetingError::Version(_) => "version-unknown",
            MeetingError::Template(_) => "templates-missing",
        }
    }
}

impl Lookout {
    /// True if it is time to look; the next time is counted from now.
    fn is_due(&mut self, now: Instant) -> bool {
        let pause = if self.doubt { LOOK_IN_DOUBT } else { LOOK };
        let due = self.last.is_some_and(|last| now.duration_since(last) >= pause);
        if due || self.last.is_none() {
            *self = Lookout { last: Some(now), doubt: false };
        }
        due
    }
}

impl Meeting {
    /// The cluster is met anew before the next write.
    pub(super) fn forget(&self) {
        self.server.store(None);
    }

    /// Something failed as it does if the cluster is not what it was.
    pub(super) fn doubt(&self) {
        self.lookout.lock().unwrap_or_else(PoisonError::into_inner).doubt = true;
    }

    fn is_due(&self) -> bool {
        self.lookout.lock().unwrap_or_else(PoisonError::into_inner).is_due(Instant::now())
    }

    #[cfg(test)]
    pub(super) fn assume(&self, server: Server) {
        self.server.store(Some(Arc::new(server)));
    }

    /// As if the last look were long ago.
    #[cfg(test)]
    pub(super) fn age(&self) {
        let mut lookout = self.lookout.lock().unwrap_or_else(PoisonError::into_inner);
        lookout.last = lookout.last.and_then(|last| last.checked_sub(LOOK));
    }
}

impl BulkWriter {
    /// Makes sure that the cluster was met, so that its version is known and its templates are
    /// there. `write` does so by itself; at start this tells early what is wrong.
    pub async fn meet(&self) -> Result<Arc<Server>, Arc<MeetingError>> {
        if let Some(server) = self.meeting.server.load_full() {
            if !self.meeting.is_due() || self.is_still(&server).await {
                return Ok(server);
            }
            self.meeting.forget();
        }
        let before = self.meeting.held.load(Ordering::Acquire);
        let mut last = self.meeting.last.lock().await;
        if let Some(server) = self.meeting.server.load_full() {
            return Ok(server);
        }
        if let Some(error) = last.as_ref().filter(|_| self.meeting.held.load(Ordering::Acquire) != before) {
            return Err(error.clone());
        }
        let met = self.introduce().await.map_err(Arc::new);
        match &met {
            Ok(server) => self.welcome(server),
            Err(error) => self.complain(&error.to_string()),
        }
        *last = met.as_ref().err().cloned();
        self.meeting.held.fetch_add(1, Ordering::Release);
        met
    }

    /// False if the cluster is another one than it was, or has lost its templates. What cannot be
    /// asked now is no reason to meet it: writing will tell.
    async fn is_still(&self, server: &Server) -> bool {
        let now = Server::ask(&self.cluster, self.given_version).await;
        if let Ok(now) = now.as_ref().map_err(|error| tracing::debug!(%error, "the store was not looked at"))
            && now != server
        {
            tracing::warn!(was = %server.version, is = %now.version, "the store is another one now, it is met again");
            return false;
        }
        let there = !self.create_templates || templates::are_there(&self.cluster, server, &self.form).await;
        if !there {
            tracing::warn!("the store has lost the index templates, they are put again");
        }
        there
    }

    async fn introduce(&self) -> Result<Arc<Server>, MeetingError> {
        let server = Server::ask(&self.cluster, self.given_version).await?;
        if self.create_templates {
            templates::install(&self.cluster, &server, &self.form).await?;
        }
        Ok(Arc::new(server))
    }

    fn welcome(&self, server: &Arc<Server>) {
        let (store, version, place) = (server.product, &server.version, self.cluster.place());
        tracing::info!(store, %version, %place, templates = self.create_templates, "the store answers");
        // The next look is counted from here.
        self.meeting.is_due();
        self.meeting.server.store(Some(server.clone()));
        let version = Some((server.product, server.version.clone()));
        *self.health() = Health { reachable: true, version, trouble: None };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_is_looked_at_now_and_then_and_soon_in_doubt() {
        let (mut lookout, now) = (Lookout::default(), Instant::now());
        assert!(!lookout.is_due(now), "it has just been met");
        assert!(!lookout.is_due(now + LOOK - LOOK_IN_DOUBT));
        assert!(lookout.is_due(now + LOOK));
        assert!(!lookout.is_due(now + LOOK), "one looks for all");
        lookout.doubt = true;
        assert!(!lookout.is_due(now + LOOK + LOOK_IN_DOUBT / 2));
        assert!(lookout.is_due(now + LOOK + LOOK_IN_DOUBT));
        assert!(!lookout.is_due(now + LOOK + LOOK_IN_DOUBT * 3));
    }
}
