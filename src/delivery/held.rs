//! Indices that would not take their items: these are carried over to what is held apart, where a
//! carrier for each index tries them now and then, and sends them on when the index takes them.

use std::collections::BTreeMap;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use super::{Backoff, Delivery, is_overloaded};
use crate::item::Batch;
use crate::spool::{CarryError, Gather};

/// A batch of what is held apart: small, for most of them are refused.
const GATHER: Gather = Gather { bytes: 1 << 20, items: 500, interval: Duration::ZERO };

/// How often it is looked whether an earlier life left something held apart.
const LOOK: Duration = Duration::from_secs(1);

impl Delivery {
    /// Carries items over to what is held apart for their indices. False: all or some of them could
    /// not be; those are left in the batch.
    pub(super) async fn carry_over(self: &Arc<Self>, batch: &mut Batch) -> bool {
        if !self.rooms.spool.is_durable() || batch.is_empty() {
            return false;
        }
        for (index, part) in self.by_index(batch) {
            match self.rooms.spool.carry_over(&index, &part).await {
                Ok(()) => {
                    tracing::warn!(%index, items = part.len(), "the index does not take them: held apart until it does");
                    batch.remove(&part);
                    self.hold(&index);
                }
                Err(CarryError::Full) => self.rooms.metrics.limit_reached("spool.held-max-bytes"),
                Err(error) => tracing::error!(%error, %index, "items cannot be held apart"),
            }
        }
        batch.is_empty()
    }

    fn by_index(&self, batch: &Batch) -> BTreeMap<String, Batch> {
        let names: Vec<_> = batch.iter().map(|(_, item, _)| self.rooms.writer.index(item)).collect();
        let mut parts = BTreeMap::new();
        for name in &names {
            if !parts.contains_key(name) {
                parts.insert(name.clone(), batch.only(|place| names[place] == *name));
            }
        }
        parts
    }

    /// True if something is held apart for all the indices of a batch.
    pub(super) fn is_held_apart(&self, batch: &Batch) -> bool {
        let held = self.held();
        !held.is_empty() && batch.iter().all(|(_, item, _)| held.contains(self.rooms.writer.index(item).as_str()))
    }

    /// Starts a carrier for an index, if it has none.
    fn hold(self: &Arc<Self>, index: &str) {
        let index: Arc<str> = index.into();
        if self.held().insert(index.clone()) {
            tokio::spawn(self.clone().carry_held(index));
        }
    }

    /// Starts carriers for what an earlier life left, as it is found. Ends when the process stops.
    pub(super) async fn watch_held(self: Arc<Self>) {
        loop {
            for index in self.rooms.spool.held_indices() {
                self.hold(&index);
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = self.told_to_stop() => return,
            }
        }
    }

    /// Tries what is held for an index until nothing is.
    async fn carry_held(self: Arc<Self>, index: Arc<str>) {
        let mut backoff = Backoff::after(0);
        loop {
            let next = tokio::select! {
                next = self.rooms.spool.next_of_held(&index, &GATHER) => next,
                () = self.told_to_stop() => return,
            };
            let Some(mut batch) = next else { return };
            while !batch.is_empty() {
                self.expire(&mut batch).await;
                let sent = batch.len();
                let Some(judgement) = self.unless_given_up(self.write(&batch)).await else { return };
                let overloaded = is_overloaded(&judgement);
                batch = self.settle(&batch, judgement).await;
                if batch.len() < sent && !overloaded {
                    backoff = Backoff::after(0);
                } else if self.is_stopping() || !self.pause(backoff.next_pause()).await {
                    return;
                }
            }
            if self.let_go(&index) {
                tracing::info!(%index, "the index takes its items again: nothing is held apart for it");
                return;
            }
        }
    }

    /// Ends the carrier of an index for which nothing is held; whoever carries something over after
    /// that starts another.
    fn let_go(&self, index: &Arc<str>) -> bool {
        let mut held = self.held();
        let empty = self.rooms.spool.is_held_empty(index);
        if empty {
            held.remove(index);
        }
        empty
    }

    fn held(&self) -> MutexGuard<'_, std::collections::BTreeSet<Arc<str>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
