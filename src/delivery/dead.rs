//! What is never stored goes to the dead letters, and is settled when it is safe there.

use std::sync::Arc;

use super::{Delivery, Lot};
use crate::dead_letter::{DeadLetterError, DeadLetters, Letter};
use crate::item::{Batch, Verdict};

/// The word for items that are too old to be sent.
const EXPIRED: &str = "expired";
/// The word for items that should be dead letters and cannot be.
const NO_ROOM: &str = "dead-letters-full";

impl Delivery {
    /// Makes dead letters of what was refused. What cannot be safe there is to be sent again.
    pub(super) async fn bury(&self, batch: &Batch, verdicts: &mut [Verdict], reasons: &[(u32, Box<str>)]) {
        let Some(dead_letters) = &self.rooms.dead_letters else { return };
        let letters = self.letters(batch, verdicts, reasons);
        if letters.is_empty() || self.put(dead_letters.clone(), letters).await {
            return;
        }
        for verdict in verdicts.iter_mut().filter(|verdict| matches!(verdict, Verdict::Refused(_))) {
            *verdict = Verdict::Again(NO_ROOM);
        }
    }

    /// True when all of them are safe.
    async fn put(&self, dead_letters: Arc<DeadLetters>, letters: Vec<Letter>) -> bool {
        let count = letters.len();
        let put = tokio::task::spawn_blocking(move || dead_letters.append(&letters)).await;
        match put {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                if matches!(error, DeadLetterError::Full { .. }) {
                    self.rooms.metrics.limit_reached("dead-letter.max-bytes");
                }
                tracing::error!(%error, count, "dead letters cannot be written: their documents are held");
                false
            }
            Err(_) => false,
        }
    }

    fn letters(&self, batch: &Batch, verdicts: &[Verdict], reasons: &[(u32, Box<str>)]) -> Vec<Letter> {
        let time = self.rooms.clock.micros();
        let mut letters = Vec::new();
        for ((place, (label, item, document)), verdict) in (0..).zip(batch.iter()).zip(verdicts) {
            let Verdict::Refused(reason) = *verdict else { continue };
            let words = reasons.iter().find(|(of, _)| *of == place).map(|(_, words)| words.to_string());
            letters.push(Letter {
                label,
                item: *item,
                document: document.to_vec(),
                index: self.rooms.writer.index(item),
                reason: reason.to_string(),
                words: words.unwrap_or_default(),
                time,
            });
        }
        letters
    }

    /// Takes out of a batch what is too old to be sent: retention must not be undone by a replay.
    pub(super) async fn expire(&self, batch: &mut Batch) {
        let Some(max_age) = self.manner.max_age else { return };
        let oldest = (self.rooms.clock.micros() / 1_000_000).saturating_sub(max_age.as_secs()) / 3600;
        if batch.iter().all(|(_, item, _)| item.hour >= oldest) {
            return;
        }
        let is_old: Vec<_> = batch.iter().map(|(_, item, _)| item.hour < oldest).collect();
        let old = batch.only(|place| is_old[place]);
        *batch = batch.only(|place| !is_old[place]);
        let mut verdicts = vec![Verdict::Refused(EXPIRED); old.len()];
        self.bury(&old, &mut verdicts, &[]).await;
        let rest = self.enter_verdicts(&old, &verdicts);
        if !rest.is_empty() {
            self.aside.put(Lot::fresh(rest), super::pressure::BACKLOG_PAUSE);
        }
    }
}
