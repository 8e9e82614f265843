//! Documents that were refused for what they are like, sent once more in another form.
//!
//! They keep their names: when the same span comes again, refused and mended anew, it is already
//! there. What was stored so says of itself what was done to it, where anything is lost
//! ([`SHORTENED`](crate::document::SHORTENED), [`LEFT_OUT`](crate::document::LEFT_OUT)), and is counted.

use std::collections::BTreeMap;

use super::sending::{Delivered, Load};
use super::{BulkWriter, Ruling};
use crate::document::{to_size, to_values_of, with_fewer_nested, with_nested_tags};
use crate::store::elasticsearch::Server;
use crate::store::elasticsearch::verdict::Mending;

/// Bytes of a term in Lucene, and so of a value of a field that has no `ignore_above`.
const LONGEST_TERM: usize = 32_766;

/// Nested documents of a document, if the server does not name its limit.
const NESTED_LIMIT: usize = 10_000;

/// Documents that are mended and sent together, by their bytes: they are a copy in memory.
const LOT: usize = 2 << 20;

/// A document that is larger than a request may be is cut to a quarter, so often at most: from 100 MB
/// down to the size that every server takes.
const MOST_CUTS: u32 = 8;

impl Mending {
    /// The word for metrics.
    fn label(self) -> &'static str {
        match self {
            Mending::ShortValues | Mending::Shorter => "shortened",
            Mending::NestedTags => "nested-tags",
            Mending::FewerNested => "nested-left-out",
        }
    }
}

/// An item that is to be mended.
#[derive(Debug, Clone, Copy)]
struct Patient {
    position: usize,
    mending: Mending,
    word: &'static str,
}

impl BulkWriter {
    /// Mends what can be mended and sends it; how many documents were stored so.
    pub(super) async fn mend(
        &self,
        server: &Server,
        load: &Load<'_>,
        delivered: &mut Delivered,
    ) -> Vec<(&'static str, u64)> {
        let patient = |(position, ruling): (usize, &Ruling)| match *ruling {
            Ruling::Mend(mending, word) => Some(Patient { position, mending, word }),
            _ => None,
        };
        let patients: Vec<_> = delivered.rulings.iter().enumerate().filter_map(patient).collect();
        if patients.is_empty() {
            return Vec::new();
        }
        let mut lot = Lot::default();
        let mut counts = BTreeMap::new();
        for patient in patients {
            let (_, document) = load.items[patient.position];
            let words = delivered.reasons.get(&patient.position).map_or("", String::as_str);
            match (patient.mending, self.mended(document, patient.mending, words)) {
                (Mending::Shorter, _) => {
                    let ruling = self.cut_until_taken(server, load, patient, &mut delivered.unclear).await;
                    settle(delivered, &mut counts, patient, ruling);
                }
                (_, None) => settle(delivered, &mut counts, patient, None),
                (_, Some(document)) => lot.add(patient, document),
            }
            if lot.bytes >= LOT {
                self.send_lot(server, load, std::mem::take(&mut lot), delivered, &mut counts).await;
            }
        }
        self.send_lot(server, load, lot, delivered, &mut counts).await;
        counts.into_iter().collect()
    }

    /// The document in another form; `None` if it has none.
    fn mended(&self, document: &[u8], mending: Mending, words: &str) -> Option<Vec<u8>> {
        match mending {
            Mending::ShortValues => to_values_of(document, LONGEST_TERM),
            Mending::NestedTags => with_nested_tags(document, &self.dot_replacement),
            Mending::FewerNested => with_fewer_nested(document, limit_in(words).unwrap_or(NESTED_LIMIT)),
            // In several steps: nobody says how much is taken.
            Mending::Shorter => None,
        }
    }

    async fn send_lot(
        &self,
        server: &Server,
        load: &Load<'_>,
        lot: Lot,
        delivered: &mut Delivered,
        counts: &mut BTreeMap<&'static str, u64>,
    ) {
        if lot.mended.is_empty() {
            return;
        }
        let items: Vec<_> = lot.mended.iter().map(|it| (load.items[it.0.position].0, it.1.as_slice())).collect();
        let again = Load { items: &items, targets: load.targets.clone(), bytes: lot.bytes };
        let mut later = Box::pin(self.deliver(server, &again)).await;
        delivered.unclear |= later.unclear;
        for (place, ((patient, _), ruling)) in lot.mended.iter().zip(std::mem::take(&mut later.rulings)).enumerate() {
            if let Some(words) = later.reasons.remove(&place) {
                delivered.reasons.insert(patient.position, words);
            }
            settle(delivered, counts, *patient, Some(ruling));
        }
    }

    /// Cuts a document that no request can carry, more each time; `None` if there is nothing left
    /// to cut.
    async fn cut_until_taken(
        &self,
        server: &Server,
        load: &Load<'_>,
        patient: Patient,
        unclear: &mut bool,
    ) -> Option<Ruling> {
        let (item, document) = load.items[patient.position];
        let (mut size, mut last) = (document.len(), document.len());
        for _ in 0..MOST_CUTS {
            size /= 4;
            let short = to_size(document, size).filter(|short| short.len() < last)?;
            last = short.len();
            let items = [(item, short.as_slice())];
            let again = Load { items: &items, targets: load.targets.clone(), bytes: last };
            let later = Box::pin(self.deliver(server, &again)).await;
            *unclear |= later.unclear;
            let ruling = later.rulings.first().copied()?;
            if !matches!(ruling, Ruling::Mend(Mending::Shorter, _)) {
                return Some(ruling);
            }
        }
        None
    }
}

/// Enters what became of a mended document; `None`: it could not be mended.
fn settle(
    delivered: &mut Delivered,
    counts: &mut BTreeMap<&'static str, u64>,
    patient: Patient,
    ruling: Option<Ruling>,
) {
    delivered.rulings[patient.position] = match ruling {
        Some(ruling @ (Ruling::Stored | Ruling::AlreadyThere)) => {
            *counts.entry(patient.mending.label()).or_default() += 1;
            ruling
        }
        Some(ruling @ (Ruling::Again(_) | Ruling::Unknown(_))) => ruling,
        Some(Ruling::Never(_) | Ruling::Mend(..)) | None => Ruling::Never(patient.word),
    };
}

/// Mended documents that are sent together.
#[derive(Debug, Default)]
struct Lot {
    mended: Vec<(Patient, Vec<u8>)>,
    bytes: usize,
}

impl Lot {
    fn add(&mut self, patient: Patient, document: Vec<u8>) {
        self.bytes += document.len();
        self.mended.push((patient, document));
    }
}

/// The number in `the allowed limit of [10000]`.
fn limit_in(words: &str) -> Option<usize> {
    let (_, rest) = words.split_once("limit of [")?;
    rest.split(']').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_what_the_server_says() {
        let words = "mapper_parsing_exception: The number of nested documents has exceeded the allowed limit of [10000]. This limit can be set by changing";
        assert_eq!(limit_in(words), Some(10_000));
        assert_eq!(limit_in("The number of nested documents"), None);
    }
}
