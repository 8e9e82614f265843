//! The writer: a batch → bulk requests → a verdict per item.
//!
//! Before the first write the cluster is *met*: its version is asked and the templates are put; and
//! again whenever that may have changed ([`meeting`]). Where all goes to aliases, the batch is aimed
//! at the indices behind them ([`aim`]). It is sent in one request, and in halves where that is
//! refused as a whole ([`parts`], [`sending`]). What was refused for what it is like, and can be
//! made otherwise, is sent once more ([`mending`]). A meeting or a request that fails leaves its
//! items to be sent again; nothing waits here for better times.

mod aim;
mod meeting;
mod mending;
mod parts;
mod sending;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::aliases::Aliases;
use super::templates::Form;
use super::verdict::Ruling;
use super::{Cluster, ConnectionError, TransportError};
use crate::document::IndexNames;
use crate::item::{Batch, Item, Judgement, Targets, Verdict};
use crate::settings::{Elasticsearch, Indices};
use crate::store::elasticsearch::alarm::Alarm;
use crate::store::{Status, Task, Writer};
use meeting::Meeting;
pub use meeting::MeetingError;
use sending::{Delivered, Load};

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
    /// What stands for dots in the names of fields.
    dot_replacement: String,
    /// With `--es.use-aliases`.
    aliases: Option<Aliases>,
    meeting: Meeting,
    buffers: Mutex<Vec<Vec<u8>>>,
    health: Mutex<Health>,
    alarms: Alarms,
}

#[derive(Debug, Default)]
struct Health {
    reachable: bool,
    version: Option<(&'static str, String)>,
    trouble: Option<String>,
}

/// One for each sort of line.
#[derive(Debug, Default)]
struct Alarms {
    away: Alarm,
    refusal: Alarm,
    delay: Alarm,
    unknown: Alarm,
    moved: Alarm,
}

impl BulkWriter {
    /// A writer that has not met its cluster yet.
    pub fn new(settings: &Elasticsearch, indices: &Indices) -> Result<Self, ConnectionError> {
        Ok(BulkWriter::over(Cluster::new(settings)?, settings, indices))
    }

    /// The same over a connection that was made before.
    pub fn over(cluster: Cluster, settings: &Elasticsearch, indices: &Indices) -> Self {
        let names = IndexNames::new(indices);
        BulkWriter {
            cluster: Arc::new(cluster),
            form: Form::new(settings, indices),
            given_version: settings.version,
            create_templates: settings.create_index_templates,
            span_ids: settings.document_ids,
            dot_replacement: "@".into(),
            aliases: indices.use_aliases.then(|| Aliases::new(&names)),
            names,
            meeting: Meeting::default(),
            buffers: Mutex::default(),
            health: Mutex::default(),
            alarms: Alarms::default(),
        }
    }

    /// With what stands for dots in the names of fields, if that is not `@`.
    #[must_use]
    pub fn with_dot_replacement(self, dot_replacement: &str) -> Self {
        BulkWriter { dot_replacement: dot_replacement.to_string(), ..self }
    }

    /// The connection, for a reader to share.
    pub fn cluster(&self) -> Arc<Cluster> {
        self.cluster.clone()
    }

    /// Notes that nothing can be written now, and says so now and then.
    fn complain(&self, trouble: &str) {
        if let Some(silenced) = self.alarms.away.ring() {
            tracing::warn!(%trouble, silenced, "the store takes nothing now, spans wait");
        }
        let mut health = self.health();
        health.reachable = false;
        health.trouble = Some(trouble.to_string());
    }

    async fn write_batch(&self, batch: &Batch) -> Judgement {
        let absent = |word| Judgement { targets: batch.targets.clone(), ..Judgement::away(batch.len(), word) };
        let server = match self.meet().await {
            Ok(server) => server,
            Err(error) => return absent(error.word()),
        };
        let mut aim = match self.aim(&server, batch).await {
            Ok(aim) => aim,
            Err(error) => {
                self.complain(&error.to_string());
                self.meeting.doubt();
                return absent(error.word());
            }
        };
        let items: Vec<_> = batch.iter().map(|(_, item, document)| (item, document)).collect();
        let load = Load { items: &items, targets: aim.targets.clone(), bytes: batch.bytes };
        let mut delivered = self.deliver(&server, &load).await;
        self.redirect(&server, &load, &mut aim, &mut delivered).await;
        let load = Load { targets: aim.targets.clone(), ..load };
        let mended = self.mend(&server, &load, &mut delivered).await;
        if delivered.rulings.iter().any(is_doubtful) {
            self.meeting.doubt();
        }
        let possibly_doubled = aim.possibly_doubled;
        Judgement { mended, possibly_doubled, targets: aim.after(delivered.unclear), ..judgement(delivered) }
    }

    fn health(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What may come of a template or an alias that is no longer as it was when the cluster was met.
fn is_doubtful(ruling: &Ruling) -> bool {
    matches!(
        ruling,
        Ruling::Unknown(_)
            | Ruling::Never("mapping" | "strict-mapping")
            | Ruling::Again("index-missing" | "alias-missing")
    )
}

fn judgement(delivered: Delivered) -> Judgement {
    let reasons = delivered.reasons.into_iter().filter_map(|(position, words)| {
        let refused = matches!(delivered.rulings.get(position), Some(Ruling::Never(_) | Ruling::Mend(..)));
        refused.then(|| (u32::try_from(position).unwrap_or(u32::MAX), words.into_boxed_str()))
    });
    let reasons = reasons.collect();
    let verdicts = delivered.rulings.into_iter().map(verdict).collect();
    Judgement { verdicts, reasons, away: !delivered.taken, ..Judgement::default() }
}

fn verdict(ruling: Ruling) -> Verdict {
    match ruling {
        Ruling::Stored => Verdict::Stored,
        Ruling::AlreadyThere => Verdict::AlreadyThere,
        Ruling::Never(word) | Ruling::Mend(_, word) => Verdict::Refused(word),
        Ruling::Again(word) | Ruling::Unknown(word) => Verdict::Again(word),
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

/// The word for a request whose answer there was no memory for.
const NO_MEMORY: &str = "no-memory";

/// The word for a request without an answer.
pub(super) fn away(error: &TransportError) -> &'static str {
    match error {
        TransportError::Timeout { .. } => "timeout",
        TransportError::Unreachable { .. } => "unreachable",
        TransportError::Broken { .. } => "connection-reset",
        TransportError::TooLarge { .. } | TransportError::Encoded { .. } => "unreadable-answer",
        TransportError::NoMemory { .. } => NO_MEMORY,
    }
}

#[cfg(test)]
mod tests;
