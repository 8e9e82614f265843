//! The writer: a batch → bulk requests → a verdict per item.
//!
//! Before the first write, and again whenever no node could be reached, the cluster is *met*: its
//! version is asked and the templates are put. A meeting or a request that fails leaves its items
//! to be sent again; nothing waits here for better times. A request that is refused as a whole for
//! its size or its form is halved until the parts are taken or single items remain.

mod parts;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwapOption;
use bytes::Bytes;

use super::alarm::Alarm;
use super::answer::{self, FILTER, Fault};
use super::bulk::Lines;
use super::templates::{self, Form, TemplateError};
use super::{Answer, Cluster, ConnectionError, Server, TransportError, VersionError};
use crate::document::IndexNames;
use crate::item::{Batch, Item, Judgement, Verdict};
use crate::settings::{Elasticsearch, Indices};
use crate::store::{Status, Task, Writer};
use parts::{Outcome, Parts};

/// Buffers for bodies that are kept for the next request, and the largest that is worth keeping.
const KEPT_BUFFERS: usize = 4;
const LARGEST_KEPT: usize = 16 << 20;

/// Writes batches to Elasticsearch or OpenSearch; see the module.
#[derive(Debug)]
pub struct BulkWriter {
    cluster: Arc<Cluster>,
    names: IndexNames,
    form: Form,
    /// `--es.version`.
    given_version: u32,
    create_templates: bool,
    span_ids: bool,
    /// Who answers, as long as someone does.
    server: ArcSwapOption<Server>,
    /// Held by the one who meets the cluster; those who waited for it take what came of it.
    meeting: tokio::sync::Mutex<Option<Arc<MeetingError>>>,
    /// Meetings that were held.
    meetings: AtomicU64,
    buffers: Mutex<Vec<Vec<u8>>>,
    health: Mutex<Health>,
    away: Alarm,
    refusal: Alarm,
    delay: Alarm,
}

#[derive(Debug, Default)]
struct Health {
    reachable: bool,
    version: Option<(&'static str, String)>,
    trouble: Option<String>,
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
    fn word(&self) -> &'static str {
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

impl BulkWriter {
    /// A writer that has not met its cluster yet.
    pub fn new(settings: &Elasticsearch, indices: &Indices) -> Result<Self, ConnectionError> {
        Ok(BulkWriter {
            cluster: Arc::new(Cluster::new(settings)?),
            names: IndexNames::new(indices),
            form: Form::new(settings, indices),
            given_version: settings.version,
            create_templates: settings.create_index_templates,
            span_ids: settings.document_ids,
            server: ArcSwapOption::empty(),
            meeting: tokio::sync::Mutex::default(),
            meetings: AtomicU64::new(0),
            buffers: Mutex::default(),
            health: Mutex::default(),
            away: Alarm::default(),
            refusal: Alarm::default(),
            delay: Alarm::default(),
        })
    }

    /// The connection, for a reader to share.
    pub fn cluster(&self) -> Arc<Cluster> {
        self.cluster.clone()
    }

    /// Makes sure that the cluster was met, so that its version is known and its templates are
    /// there. `write` does so by itself; at start this tells early what is wrong.
    pub async fn meet(&self) -> Result<Arc<Server>, Arc<MeetingError>> {
        if let Some(server) = self.server.load_full() {
            return Ok(server);
        }
        let before = self.meetings.load(Ordering::Acquire);
        let mut last = self.meeting.lock().await;
        if let Some(server) = self.server.load_full() {
            return Ok(server);
        }
        if let Some(error) = last.as_ref().filter(|_| self.meetings.load(Ordering::Acquire) != before) {
            return Err(error.clone());
        }
        let met = self.introduce().await.map_err(Arc::new);
        match &met {
            Ok(server) => self.welcome(server),
            Err(error) => self.complain(&error.to_string()),
        }
        *last = met.as_ref().err().cloned();
        self.meetings.fetch_add(1, Ordering::Release);
        met
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
        self.server.store(Some(server.clone()));
        let version = Some((server.product, server.version.clone()));
        *self.health() = Health { reachable: true, version, trouble: None };
    }

    /// Notes that nothing can be written now, and says so now and then.
    fn complain(&self, trouble: &str) {
        if let Some(silenced) = self.away.ring() {
            tracing::warn!(%trouble, silenced, "the store takes nothing now, spans wait");
        }
        let mut health = self.health();
        health.reachable = false;
        health.trouble = Some(trouble.to_string());
    }

    async fn write_batch(&self, batch: &Batch) -> Judgement {
        let server = match self.meet().await {
            Ok(server) => server,
            Err(error) => return Judgement::away(batch.len(), error.word()),
        };
        let mut parts = Parts::new(batch.len());
        while let Some((start, end)) = parts.next() {
            let outcome = self.send(&server, batch, start, end).await;
            parts.settle(start, end, outcome);
        }
        parts.into_verdicts().into()
    }

    /// Sends one part of a batch in one request.
    async fn send(&self, server: &Server, batch: &Batch, start: usize, end: usize) -> Outcome {
        let body = Bytes::from(self.body(server, batch, start, end));
        let sent = self.cluster.bulk(&[FILTER], body.clone()).await;
        self.keep(body);
        match sent {
            Ok(answer) => self.judge(&answer, batch, start, end),
            Err(error) => {
                // It may come back as another version, or without its data.
                self.server.store(None);
                self.complain(&error.to_string());
                Outcome::Away(away(&error))
            }
        }
    }

    fn body(&self, server: &Server, batch: &Batch, start: usize, end: usize) -> Vec<u8> {
        let mut body = self.buffers().pop().unwrap_or_default();
        let items = batch.iter().skip(start).take(end - start).map(|(_, item, document)| (item, document));
        let share = if end - start == batch.len() { batch.bytes } else { 0 };
        Lines::new(&self.names, server.dialect, self.span_ids).write(&mut body, items, share);
        body
    }

    /// Takes the body's buffer back for the next request, if nobody else holds it any more.
    fn keep(&self, body: Bytes) {
        let Ok(body) = body.try_into_mut() else { return };
        let mut body = Vec::from(body);
        body.clear();
        let mut buffers = self.buffers();
        if body.capacity() <= LARGEST_KEPT && buffers.len() < KEPT_BUFFERS {
            buffers.push(body);
        }
    }

    fn judge(&self, answer: &Answer, batch: &Batch, start: usize, end: usize) -> Outcome {
        if !answer.is_good() {
            return self.refused_as_a_whole(answer);
        }
        match answer::read(&answer.body, end - start) {
            Ok(reading) => {
                self.health().reachable = true;
                let refused = reading.verdicts.iter().filter(|verdict| matches!(verdict, Verdict::Refused(_))).count();
                self.report(batch, start, refused, reading.refused.as_ref(), reading.again.as_ref());
                Outcome::Judged(reading.verdicts)
            }
            Err(error) => {
                self.complain(&format!("{error}: {}", answer.excerpt()));
                Outcome::Later("unreadable-answer")
            }
        }
    }

    fn refused_as_a_whole(&self, answer: &Answer) -> Outcome {
        let status = answer.status;
        if status != 413 {
            self.complain(&format!("a bulk request was answered with {status}: {}", answer.excerpt()));
        }
        match status {
            413 => Outcome::TooLarge,
            400 => {
                // Perhaps it is another version by now, that does not know our form.
                self.server.store(None);
                Outcome::Malformed
            }
            401 => Outcome::Later("unauthorized"),
            403 => Outcome::Later("forbidden"),
            404 => Outcome::Later("not-found"),
            429 => Outcome::Later("overloaded"),
            503 => Outcome::Later("unavailable"),
            500..=599 => Outcome::Later("server-error"),
            _ => Outcome::Later("unknown-status"),
        }
    }

    /// Logs, now and then, what was refused and what is to be sent again, each with one example.
    fn report(&self, batch: &Batch, start: usize, refused: usize, refusal: Option<&Fault>, delay: Option<&Fault>) {
        if let Some((fault, silenced)) = refusal.and_then(|fault| Some((fault, self.refusal.ring()?))) {
            let (index, Fault { status, kind, reason, .. }) = (self.index_at(batch, start + fault.item), fault);
            tracing::warn!(%index, status, %kind, %reason, refused, silenced, "the store refused documents for good");
        }
        let trouble = delay.map(|Fault { status, kind, reason, .. }| format!("{status} {kind}: {reason}"));
        if let Some((fault, silenced)) = delay.and_then(|fault| Some((fault, self.delay.ring()?))) {
            let (index, Fault { status, kind, reason, .. }) = (self.index_at(batch, start + fault.item), fault);
            tracing::warn!(%index, status, %kind, %reason, silenced, "the store took not all, the rest is sent again");
        }
        self.health().trouble = trouble;
    }

    /// The index that an item of the batch goes to.
    fn index_at(&self, batch: &Batch, position: usize) -> String {
        batch.iter().nth(position).map(|(_, item, _)| self.index(item)).unwrap_or_default()
    }

    fn health(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn buffers(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        self.buffers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Writer for BulkWriter {
    fn index(&self, item: &Item) -> String {
        let mut name = Vec::new();
        self.names.write_target(&mut name, item.kind, item.hour);
        String::from_utf8_lossy(&name).into_owned()
    }

    fn write<'a>(&'a self, batch: &'a Batch) -> Task<'a, Judgement> {
        Box::pin(self.write_batch(batch))
    }

    fn status(&self) -> Status {
        let health = self.health();
        let (store, version) = match &health.version {
            Some((product, version)) => (*product, Some(version.clone())),
            None => ("elasticsearch", None),
        };
        Status {
            store: store.to_string(),
            place: self.cluster.place(),
            version,
            reachable: health.reachable,
            trouble: health.trouble.clone(),
        }
    }

    fn close(&self) -> Task<'_, ()> {
        Box::pin(async {})
    }
}

/// The word for a request without an answer.
fn away(error: &TransportError) -> &'static str {
    match error {
        TransportError::Timeout { .. } => "timeout",
        TransportError::Unreachable { .. } => "unreachable",
        TransportError::TooLarge { .. } => "unreadable-answer",
    }
}

#[cfg(test)]
mod tests;
