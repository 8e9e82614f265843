//! Where a batch goes when all goes to aliases: to the indices of its first try, as long as they can
//! be written, else to those that the aliases stand for now.
//!
//! A move is safe for items of which every try was answered, for they are nowhere yet. If one was
//! not, the items that are still open are counted as possibly doubled.

use super::sending::{Delivered, Load};
use super::{Arc, BulkWriter, Ruling, Targets};
use crate::item::{Batch, Kind};
use crate::store::elasticsearch::Server;
use crate::store::elasticsearch::aliases::{AliasError, exists};

/// Where the items of one write go.
#[derive(Debug, Default)]
pub(super) struct Aim {
    /// `None`: to the indices of their days.
    pub(super) targets: Option<Arc<Targets>>,
    /// Items that may be elsewhere already.
    pub(super) possibly_doubled: u64,
}

impl Aim {
    /// What is to be remembered after a write.
    pub(super) fn after(self, unclear: bool) -> Option<Arc<Targets>> {
        let targets = self.targets?;
        if targets.unclear || !unclear {
            return Some(targets);
        }
        Some(Arc::new(Targets { unclear, ..(*targets).clone() }))
    }

    /// What was in doubt is counted now.
    fn doubt_no_more(&mut self) {
        if let Some(targets) = self.targets.as_mut().filter(|targets| targets.unclear) {
            Arc::make_mut(targets).unclear = false;
        }
    }

    /// Items of a kind that moves, all of them still open: from now on they go to `index`.
    fn shift(&mut self, kind: Kind, index: &str, open: usize) {
        let Some(targets) = &mut self.targets else { return };
        if targets.unclear {
            self.possibly_doubled += open as u64;
        }
        let targets = Arc::make_mut(targets);
        match kind {
            Kind::Span => targets.spans = index.into(),
            Kind::Service => targets.services = index.into(),
        }
    }
}

/// Errors of an index that another one would not have.
fn is_of_index(ruling: &Ruling) -> bool {
    matches!(ruling, Ruling::Again("index-missing" | "index-blocked" | "index-closed" | "index-full"))
}

impl BulkWriter {
    /// Where a batch goes.
    pub(super) async fn aim(&self, server: &Server, batch: &Batch) -> Result<Aim, AliasError> {
        let Some(aliases) = &self.aliases else { return Ok(Aim::default()) };
        let now = aliases.targets(&self.cluster, server).await?;
        let Some(first) = &batch.targets else { return Ok(Aim { targets: Some(now), possibly_doubled: 0 }) };
        let mut aim = Aim { targets: Some(first.clone()), possibly_doubled: 0 };
        let mut moved = false;
        for kind in [Kind::Span, Kind::Service] {
            let (was, is) = (first.of(kind), now.of(kind));
            let open = || batch.iter().filter(|(_, item, _)| item.kind == kind).count();
            // Written to under its own name, an alias may have come to stand for another index.
            let unsure = aliases.are(first);
            if unsure || (was != is && open() > 0 && !exists(&self.cluster, was).await?) {
                if was != is {
                    self.say_moved(was, is);
                }
                aim.shift(kind, is, open());
                moved = true;
            }
        }
        if moved {
            aim.doubt_no_more();
        }
        Ok(aim)
    }

    /// Sends what the index of its first try cannot take to the one that the alias stands for now.
    pub(super) async fn redirect(&self, server: &Server, load: &Load<'_>, aim: &mut Aim, delivered: &mut Delivered) {
        let (Some(aliases), Some(was)) = (&self.aliases, aim.targets.clone()) else { return };
        if !delivered.rulings.iter().any(is_of_index) {
            return;
        }
        let Ok(now) = aliases.ask(&self.cluster, server).await else { return };
        let mut positions = Vec::new();
        for kind in [Kind::Span, Kind::Service] {
            let of_kind = |position: &usize| load.items.get(*position).is_some_and(|(item, _)| item.kind == kind);
            let open = |position: &usize| matches!(delivered.rulings[*position], Ruling::Again(_) | Ruling::Unknown(_));
            let open: Vec<_> = (0..delivered.rulings.len()).filter(of_kind).filter(open).collect();
            if was.of(kind) != now.of(kind) && open.iter().any(|&position| is_of_index(&delivered.rulings[position])) {
                self.say_moved(was.of(kind), now.of(kind));
                aim.shift(kind, now.of(kind), open.len());
                positions.extend(open);
            }
        }
        if positions.is_empty() {
            return;
        }
        aim.doubt_no_more();
        let items: Vec<_> = positions.iter().filter_map(|&position| load.items.get(position).copied()).collect();
        let moved = Load { items: &items, targets: aim.targets.clone(), bytes: 0 };
        delivered.replace(&positions, Box::pin(self.deliver(server, &moved)).await);
    }

    fn say_moved(&self, was: &str, is: &str) {
        if let Some(silenced) = self.alarms.moved.ring() {
            tracing::warn!(
                was,
                is,
                silenced,
                "an index cannot be written any more, what waited for it goes to another"
            );
        }
    }
}

impl Delivered {
    /// Puts what became of some items in place of what became of them before.
    pub(super) fn replace(&mut self, positions: &[usize], later: Delivered) {
        for (&position, ruling) in positions.iter().zip(later.rulings) {
            self.reasons.remove(&position);
            self.rulings[position] = ruling;
        }
        let reasons = later.reasons.into_iter();
        self.reasons.extend(reasons.filter_map(|(place, words)| Some((*positions.get(place)?, words))));
        self.taken |= later.taken;
        self.unclear |= later.unclear;
    }
}
