//! One day (or hour) of one kind: an index directory, and what of it is open.
//!
//! It is opened when first needed, by the writer or by a reader, and both share what is open. A
//! reader sees all that was committed before it asked.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tantivy::{Index, TantivyError};

use super::layout::{self, DayFile};
use super::schema::Fields;
use super::segments::Snapshot;

/// A day that is on disk.
#[derive(Debug)]
pub(super) struct Day {
    pub(super) name: String,
    pub(super) file: DayFile,
    path: PathBuf,
    fields: Fields,
    documents: AtomicU64,
    bytes: AtomicU64,
    open: Mutex<Option<Open>>,
}

/// What is held of an open day.
#[derive(Debug)]
struct Open {
    index: Index,
    snapshot: Arc<Snapshot>,
    /// There was a commit after the snapshot.
    stale: bool,
    used: Instant,
}

impl Day {
    pub(super) fn new(name: String, file: DayFile, path: PathBuf, fields: Fields) -> Self {
        let (documents, bytes) = (AtomicU64::new(0), AtomicU64::new(0));
        Day { name, file, path, fields, documents, bytes, open: Mutex::new(None) }
    }

    /// The index, opened if need be.
    pub(super) fn index(&self) -> tantivy::Result<Index> {
        let mut open = self.lock();
        Ok(self.opened(&mut open)?.index.clone())
    }

    /// All that is committed now.
    pub(super) fn snapshot(&self) -> tantivy::Result<Arc<Snapshot>> {
        let mut open = self.lock();
        let open = self.opened(&mut open)?;
        if open.stale {
            open.snapshot = Arc::new(guarded(|| Snapshot::take(&open.index, &open.snapshot, self.fields))?);
            open.stale = false;
            self.documents.store(open.snapshot.documents(), Ordering::Relaxed);
        }
        open.used = Instant::now();
        Ok(open.snapshot.clone())
    }

    /// To be called after a commit: the next snapshot is a new one.
    pub(super) fn committed(&self, more: u64) {
        self.documents.fetch_add(more, Ordering::Relaxed);
        if let Some(open) = self.lock().as_mut() {
            open.stale = true;
        }
        self.measure();
    }

    /// Counts the bytes on disk again.
    pub(super) fn measure(&self) {
        if let Ok(bytes) = layout::bytes_in(&self.path) {
            self.bytes.store(bytes, Ordering::Relaxed);
        }
    }

    /// Lets go of what is open if nobody used it for so long. True if something is still open.
    pub(super) fn rest(&self, after: Duration) -> bool {
        let mut open = self.lock();
        if open.as_ref().is_some_and(|open| open.used.elapsed() >= after) {
            *open = None;
        }
        open.is_some()
    }

    pub(super) fn documents(&self) -> u64 {
        self.documents.load(Ordering::Relaxed)
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    fn opened<'a>(&self, open: &'a mut Option<Open>) -> tantivy::Result<&'a mut Open> {
        match open {
            Some(open) => Ok(open),
            None => {
                let index = guarded(|| Index::open_in_dir(&self.path))?;
                let before = Arc::new(Snapshot::default());
                Ok(open.insert(Open { index, snapshot: before, stale: true, used: Instant::now() }))
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// tantivy trusts its files: a damaged one may make it panic, which is to cost no more than the
/// day that it stands in.
pub(super) fn guarded<T>(work: impl FnOnce() -> tantivy::Result<T>) -> tantivy::Result<T> {
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
    caught.unwrap_or_else(|_| Err(TantivyError::InternalError("tantivy panicked".into())))
}

/// True if the files are at fault, and not the disk or the moment.
pub(super) fn is_damage(error: &TantivyError) -> bool {
    match error {
        TantivyError::DataCorruption(_)
        | TantivyError::IncompatibleIndex(_)
        | TantivyError::DeserializeError(_)
        | TantivyError::SchemaError(_)
        | TantivyError::FieldNotFound(_)
        | TantivyError::InternalError(_) => true,
        TantivyError::OpenReadError(error) => {
            !matches!(error, tantivy::directory::error::OpenReadError::IoError { .. })
        }
        TantivyError::IoError(error) => {
            matches!(error.kind(), std::io::ErrorKind::InvalidData | std::io::ErrorKind::UnexpectedEof)
        }
        _ => false,
    }
}
