//! What reading a request came to.

use super::span_counts::Rows;
use super::{Rejected, Taken};
use crate::item::{Id, Kind, Run};
use crate::sample::Judged;
use crate::span::Refusal;
use crate::telemetry::books::Outcome;

/// What a request brought.
#[derive(Debug)]
pub(super) struct Harvest {
    pub(super) run: Run,
    pub(super) outcome: Outcome,
    pub(super) services: u64,
    /// To be added when its spans are safe: a request that is sent again counts once.
    pub(super) counted: Rows,
    /// The same of the rules that judged them.
    pub(super) judged: Judged,
    pub(super) first_refusal: Option<Refusal>,
}

impl Harvest {
    /// The service documents in it, which are owed to the service cache.
    pub(super) fn service_items(&self) -> Vec<(u64, Id)> {
        if self.services == 0 {
            return Vec::new();
        }
        let services = self.run.items.iter().filter(|item| item.kind == Kind::Service);
        services.map(|item| (item.hour, item.id)).collect()
    }

    /// The answer to the sender: an error only if there were spans and none could be taken.
    pub(super) fn taken(&self) -> Result<Taken, Rejected> {
        let refused = self.outcome.refused.values().sum::<u64>();
        let accepted = self.outcome.received - refused;
        match self.first_refusal {
            Some(first) if accepted == 0 => {
                Err(Rejected::NothingReadable { refused, what: first.what, offset: first.offset })
            }
            first_refusal => Ok(Taken { accepted, refused: self.outcome.refused.clone(), first_refusal }),
        }
    }
}
