//! The embedded store: spans rest in a directory of this machine, with no server beside us.
//!
//! Promises: the documents are those that Elasticsearch would get, under the same names of indices,
//! a directory for each (`jaeger-span-2026-11-21`); an item is *stored* once it is on disk and can
//! be found, and *already there* if it was so before; a clean stop and a kill leave all that was
//! *stored* readable; whole days are deleted by age and by bytes; nothing blocks the threads of the
//! network; an idle store holds next to no memory.
//!
//! Built on tantivy, an index per day (`schema`). One thread writes and commits for all who wait
//! (`committer`, `day_writer`); readers work on threads of tokio's blocking pool, a few at a
//! time, over snapshots of what is committed (`segments`). tantivy has no unique id, so each id
//! is looked up before it is written; documents are never changed. A day that cannot be read is
//! renamed and reported, and stops nothing (`layout`, `days`).

mod committer;
mod day;
mod day_writer;
mod days;
mod documents;
mod layout;
mod names;
mod regexp;
mod retention;
mod schema;
mod search;
mod segments;
mod terms;
mod traces;

use std::path::PathBuf;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::{Semaphore, oneshot};

use super::{ReadError, Reader, Search, Status, Task, Writer};
use crate::clock::Clock;
use crate::document::StoredSpan;
use crate::item::{Batch, Item, Judgement};
use crate::settings::{Embedded, Indices, TagsAsFields};
use crate::span::TraceId;
use committer::{Committer, Message};
use days::Days;

/// Questions that are answered at once; more wait.
const READERS: usize = 4;

/// The store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(
        "the embedded store cannot use {}: {source}; give this user the right to write there, or set --embedded.directory",
        directory.display()
    )]
    Unusable { directory: PathBuf, source: std::io::Error },
    #[error(
        "the embedded store in {} is in use by another process ({process}); stop that one, or set --embedded.directory",
        directory.display()
    )]
    Locked { directory: PathBuf, process: String },
}

/// The store.
#[derive(Debug)]
pub struct EmbeddedStore {
    days: Arc<Days>,
    messages: Mutex<Option<Sender<Message>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    readers: Semaphore,
}

/// What the store holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Figures {
    /// Index directories: days (or hours) of spans and of services.
    pub days: usize,
    pub documents: u64,
    /// On disk.
    pub bytes: u64,
}

impl EmbeddedStore {
    /// Opens the directory of the settings, and makes it if need be. `clock` is what days are aged
    /// by.
    pub fn open(settings: &Embedded, indices: &Indices, clock: Clock) -> Result<Arc<Self>, OpenError> {
        Self::open_with(settings, indices, &TagsAsFields::default().dot_replacement, clock)
    }

    /// The same, for documents whose tags that are fields have `dot_replacement` for dots.
    pub fn open_with(
        settings: &Embedded,
        indices: &Indices,
        dot_replacement: &str,
        clock: Clock,
    ) -> Result<Arc<Self>, OpenError> {
        let days = Arc::new(Days::open(settings, indices, dot_replacement, clock)?);
        let (sender, receiver) = channel();
        let committer = Committer::new(days.clone(), settings.commit_interval);
        let thread = std::thread::Builder::new().name("embedded-store".into());
        let spawned = thread.spawn(move || committer.run(&receiver));
        let unusable = |source| OpenError::Unusable { directory: settings.directory.clone(), source };
        Ok(Arc::new(EmbeddedStore {
            days,
            messages: Mutex::new(Some(sender)),
            thread: Mutex::new(Some(spawned.map_err(unusable)?)),
            readers: Semaphore::new(READERS),
        }))
    }

    /// Counts what is there.
    pub fn figures(&self) -> Figures {
        self.days.all().iter().fold(Figures::default(), |sum, day| Figures {
            days: sum.days + 1,
            documents: sum.documents + day.documents(),
            bytes: sum.bytes + day.bytes(),
        })
    }

    fn send(&self, message: Message) -> bool {
        let messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
        messages.as_ref().is_some_and(|messages| messages.send(message).is_ok())
    }

    /// Answers a question on a thread that may block.
    async fn read<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Days) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, ReadError> {
        let unreachable =
            |error: &dyn std::fmt::Display| ReadError::Unreachable(format!("the embedded store: {error}"));
        let _turn = self.readers.acquire().await.map_err(|error| unreachable(&error))?;
        let days = self.days.clone();
        let answer = tokio::task::spawn_blocking(move || question(&days)).await;
        answer.map_err(|error| unreachable(&error))?
    }
}

impl Drop for EmbeddedStore {
    /// Ends the thread, which lets go of the directory. What was not committed nobody waits for.
    fn drop(&mut self) {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // It has panicked, then: there is nothing left to be done here.
            let _ = thread.join();
        }
    }
}

impl Writer for EmbeddedStore {
    fn index(&self, item: &Item) -> String {
        self.days.name(item.kind, item.hour)
    }

    fn write<'a>(&'a self, batch: &'a Batch) -> Task<'a, Judgement> {
        Box::pin(async move {
            let (reply, verdicts) = oneshot::channel();
            self.send(Message::Write { batch: batch.clone(), reply });
            let closed = |_| Judgement::away(batch.len(), "store-closed");
            verdicts.await.map_or_else(closed, Judgement::from)
        })
    }

    fn status(&self) -> Status {
        let trouble = self.days.trouble();
        Status {
            store: "embedded".into(),
            place: self.days.root.path.display().to_string(),
            version: Some(tantivy::version_string().to_string()),
            reachable: self.days.is_well(),
            trouble,
        }
    }

    fn close(&self) -> Task<'_, ()> {
        Box::pin(async move {
            let (done, is_done) = oneshot::channel();
            if self.send(Message::Close { done }) {
                // Closed before, then: nothing is left to be committed.
                let _ = is_done.await;
            }
        })
    }
}

impl Reader for EmbeddedStore {
    fn services(&self) -> Task<'_, Result<Vec<String>, ReadError>> {
        Box::pin(self.read(names::services))
    }

    fn operations<'a>(&'a self, service: &'a str) -> Task<'a, Result<Vec<String>, ReadError>> {
        let service = service.to_string();
        Box::pin(self.read(move |days| names::operations(days, &service)))
    }

    fn find_trace_ids<'a>(&'a self, search: &'a Search) -> Task<'a, Result<Vec<TraceId>, ReadError>> {
        let search = search.clone();
        Box::pin(self.read(move |days| search::find_trace_ids(days, &search)))
    }

    fn traces<'a>(&'a self, ids: &'a [TraceId]) -> Task<'a, Result<Vec<Vec<StoredSpan>>, ReadError>> {
        let ids = ids.to_vec();
        Box::pin(self.read(move |days| traces::traces(days, &ids)))
    }
}
