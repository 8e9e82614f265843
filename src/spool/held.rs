//! What is held apart: a shelf for each index that would not take its items while others were
//! taken, so that one broken index pins nothing but itself.
//!
//! It has a limit of its own, `--spool.held-max-bytes`, over all indices. When it is reached,
//! nothing is dropped: the items stay where they are.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Spool;
use super::counts::Counts;
use super::disk::Disk;
use super::durable::Durability;
use super::log::{AppendError, LogError, Options, Record};
use super::shelf::Shelf;
use super::{Gather, Shared};
use crate::item::{Batch, Item, Label, Lane};

/// The largest segment of what is held apart: there may be many indices.
const SEGMENT_BYTES: u64 = 4 << 20;

/// Items could not be carried over; they are where they were.
#[derive(Debug, thiserror::Error)]
pub enum CarryError {
    #[error("what is held apart has reached --spool.held-max-bytes")]
    Full,
    #[error("the spool is in memory only")]
    InMemory,
    #[error(transparent)]
    Open(#[from] LogError),
    #[error(transparent)]
    Append(#[from] AppendError),
    #[error("the process is stopping")]
    Stopping,
}

/// All shelves of what is held apart.
#[derive(Debug)]
pub(super) struct Held {
    disk: Arc<dyn Disk>,
    directory: PathBuf,
    options: Options,
    shared: Shared,
    shelves: Mutex<BTreeMap<Arc<str>, Arc<Shelf>>>,
    /// Those that an earlier life left, until they were looked through.
    unseen: Mutex<Vec<Arc<Shelf>>>,
}

/// Items of one run, with documents of their own.
#[derive(Debug)]
struct Parcel {
    label: Label,
    items: Vec<Item>,
    documents: Vec<u8>,
}

impl Parcel {
    fn record(&self) -> Record<'_> {
        Record { label: self.label, items: &self.items, documents: &self.documents, note: &[] }
    }
}

impl Held {
    pub(super) fn open(disk: Arc<dyn Disk>, settings: &Durability, shared: &Shared) -> Result<Self, LogError> {
        let directory = settings.directory.join("held");
        let options = Options {
            segment_bytes: settings.segment_bytes.min(SEGMENT_BYTES),
            max_bytes: settings.held_max_bytes,
            sync: settings.sync,
            compress: settings.compress,
            spare: 0,
        };
        disk.create_directory(&directory).map_err(|cause| LogError::Disk { path: directory.clone(), source: cause })?;
        let found = disk.list(&directory).map_err(|cause| LogError::Disk { path: directory.clone(), source: cause })?;
        let (shelves, unseen) = (Mutex::default(), Mutex::default());
        let held = Held { disk, directory, options, shared: shared.clone(), shelves, unseen };
        for index in found.into_iter().filter(|entry| entry.is_directory) {
            // A directory of another name is none of ours.
            let Some(name) = index.name.to_str() else { continue };
            let shelf = held.shelf_or_new(name)?;
            held.unseen.lock().unwrap_or_else(PoisonError::into_inner).push(shelf);
        }
        Ok(held)
    }

    pub(super) fn shelf(&self, index: &str) -> Option<Arc<Shelf>> {
        self.shelves().get(index).cloned()
    }

    fn shelf_or_new(&self, index: &str) -> Result<Arc<Shelf>, LogError> {
        let mut shelves = self.shelves();
        if let Some(shelf) = shelves.get(index) {
            return Ok(shelf.clone());
        }
        let index: Arc<str> = index.into();
        let lane = Lane::Held(index.clone());
        let directory = self.directory.join(&*index);
        let shelf = Shelf::open(self.disk.clone(), &directory, self.options.clone(), lane, self.shared.clone())?;
        let shelf = Arc::new(shelf);
        shelves.insert(index, shelf.clone());
        Ok(shelf)
    }

    /// Looks through what an earlier life left.
    pub(super) fn look_through(&self) {
        let unseen = std::mem::take(&mut *self.unseen.lock().unwrap_or_else(PoisonError::into_inner));
        for shelf in unseen {
            shelf.look_through_all();
        }
    }

    pub(super) fn bytes(&self) -> u64 {
        self.shelves().values().map(|shelf| shelf.bytes()).sum()
    }

    pub(super) fn close(&self) {
        for shelf in self.shelves().values() {
            shelf.close();
        }
    }

    pub(super) fn tidy(&self) {
        for shelf in self.shelves().values() {
            shelf.tidy();
        }
    }

    /// Blocking. The parcels are safe on the shelf of `index` when it returns.
    fn put(&self, index: &str, parcels: &[Parcel]) -> Result<(), CarryError> {
        let bytes: usize = parcels.iter().map(|parcel| parcel.documents.len()).sum();
        if self.bytes() + bytes as u64 > self.options.max_bytes {
            return Err(CarryError::Full);
        }
        let shelf = self.shelf_or_new(index)?;
        let records: Vec<_> = parcels.iter().map(Parcel::record).collect();
        let places = shelf.append(&records)?;
        for (parcel, place) in parcels.iter().zip(&places) {
            shelf.leave(place, &Counts::of(parcel.label, parcel.items.iter().copied()));
        }
        Ok(())
    }

    fn shelves(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, Arc<Shelf>>> {
        self.shelves.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Spool {
    /// Carries the items of a batch over to the shelf of an index that will not take them now.
    /// When it returns `Ok` they are safe there and the batch has nothing more to do with them.
    pub async fn carry_over(self: &Arc<Self>, index: &str, batch: &Batch) -> Result<(), CarryError> {
        if self.durable.is_none() {
            return Err(CarryError::InMemory);
        }
        let (spool, name, parcels) = (self.clone(), index.to_string(), parcels(batch));
        let put = move || match &spool.durable {
            Some(durable) => durable.held.put(&name, &parcels),
            None => Err(CarryError::InMemory),
        };
        tokio::task::spawn_blocking(put).await.map_err(|_| CarryError::Stopping)??;
        self.shared.metrics.spool("carried-over", batch.len() as u64);
        self.off_memory(&batch.lane, batch.bytes);
        self.settle_segments(&batch.lane, &batch.segments());
        Ok(())
    }

    /// The indices for which something is held apart.
    pub fn held_indices(&self) -> Vec<Arc<str>> {
        let Some(durable) = &self.durable else { return Vec::new() };
        let shelves = durable.held.shelves();
        shelves.iter().filter(|(_, shelf)| !shelf.is_empty()).map(|(index, _)| index.clone()).collect()
    }

    /// Waits for a batch of what is held for an index. `None`: the spool is closed, or nothing was
    /// ever held for it. For one caller at a time and index.
    pub async fn next_of_held(&self, index: &str, gather: &Gather) -> Option<Batch> {
        let shelf = self.durable.as_ref()?.held.shelf(index)?;
        shelf.next(gather).await
    }

    /// True if nothing is held for this index any more.
    pub fn is_held_empty(&self, index: &str) -> bool {
        self.durable.as_ref().and_then(|durable| durable.held.shelf(index)).is_none_or(|shelf| shelf.is_empty())
    }
}

/// The items of a batch, by run, with their documents side by side.
fn parcels(batch: &Batch) -> Vec<Parcel> {
    let mut parcels: Vec<(u32, Parcel)> = Vec::new();
    for (&(run, _), (label, item, document)) in batch.places.iter().zip(batch.iter()) {
        if parcels.last().is_none_or(|(last, _)| *last != run) {
            parcels.push((run, Parcel { label, items: Vec::new(), documents: Vec::new() }));
        }
        let Some((_, parcel)) = parcels.last_mut() else { continue };
        let start = parcel.documents.len() as u32;
        parcel.documents.extend_from_slice(document);
        parcel.items.push(Item { start, end: parcel.documents.len() as u32, ..*item });
    }
    parcels.into_iter().map(|(_, parcel)| parcel).collect()
}
