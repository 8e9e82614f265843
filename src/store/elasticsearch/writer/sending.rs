//! A load of items → requests → a ruling per item, and what is said of it in logs.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::parts::{Outcome, Parts};
use super::{Arc, BulkWriter, MutexGuard, NO_MEMORY, PoisonError, Ruling, Targets, away};
use crate::item::Item;
use crate::store::elasticsearch::answer::{self, FILTER, Fault, Reading};
use crate::store::elasticsearch::bulk::{Lines, index_of};
use crate::store::elasticsearch::transport::LARGE_BODY;
use crate::store::elasticsearch::{Answer, Server, TransportError, verdict};

/// Buffers for bodies that are kept for the next request, and the largest that is worth keeping.
const KEPT_BUFFERS: usize = 4;
const LARGEST_KEPT: usize = 16 << 20;

/// What is to be sent.
#[derive(Debug, Clone)]
pub(super) struct Load<'a> {
    pub(super) items: &'a [(&'a Item, &'a [u8])],
    /// The indices that stand for the aliases.
    pub(super) targets: Option<Arc<Targets>>,
    /// Of all documents, about.
    pub(super) bytes: usize,
}

/// What became of a load.
#[derive(Debug)]
pub(super) struct Delivered {
    /// One per item, in order.
    pub(super) rulings: Vec<Ruling>,
    /// What the server said of items that it refused, by their positions.
    pub(super) reasons: BTreeMap<usize, String>,
    /// The server judged some items.
    pub(super) taken: bool,
    /// A request ended without an answer, so that nobody knows what it did.
    pub(super) unclear: bool,
}

/// What is noted beside the rulings while the parts are sent.
#[derive(Debug, Default)]
struct Notes {
    reasons: BTreeMap<usize, String>,
    unclear: bool,
}

/// A part of a load.
#[derive(Debug, Clone, Copy)]
struct Part<'a> {
    load: &'a Load<'a>,
    start: usize,
    end: usize,
}

impl BulkWriter {
    /// Sends a load until each part of it is judged or given up.
    pub(super) async fn deliver(&self, server: &Server, load: &Load<'_>) -> Delivered {
        let (mut parts, mut notes) = (Parts::new(load.items.len()), Notes::default());
        while let Some((start, end)) = parts.next() {
            let outcome = self.send(server, Part { load, start, end }, &mut notes).await;
            parts.settle(start, end, outcome);
        }
        let Notes { reasons, unclear } = notes;
        Delivered { taken: parts.taken(), rulings: parts.into_rulings(), reasons, unclear }
    }

    /// Sends one part in one request.
    async fn send(&self, server: &Server, part: Part<'_>, notes: &mut Notes) -> Outcome {
        let body = Bytes::from(self.body(server, part));
        let (large, items) = (body.len() >= LARGE_BODY, part.end - part.start);
        let by_alias = self.aliases.as_ref().zip(part.load.targets.as_deref());
        let by_alias = by_alias.is_some_and(|(aliases, targets)| aliases.are(targets));
        let query: &[(&str, &str)] = if by_alias { &[FILTER, ("require_alias", "true")] } else { &[FILTER] };
        let sent = self.cluster.bulk(query, body.clone(), items).await;
        self.keep(body);
        match sent {
            Ok(answer) => self.judge(&answer, part, notes),
            Err(error) => self.without_answer(&error, large, notes),
        }
    }

    fn without_answer(&self, error: &TransportError, large: bool, notes: &mut Notes) -> Outcome {
        notes.unclear |= error.is_unclear();
        match error {
            TransportError::TooLarge { .. } => Outcome::LongAnswer,
            TransportError::Broken { .. } if large => {
                self.complain(&error.to_string());
                Outcome::Broken("connection-reset")
            }
            // Fewer items have a shorter one.
            TransportError::NoMemory { .. } => {
                self.complain(&error.to_string());
                Outcome::Broken(NO_MEMORY)
            }
            _ => {
                // It may come back as another version, or without its data.
                self.meeting.forget();
                self.complain(&error.to_string());
                Outcome::Away(away(error))
            }
        }
    }

    fn body(&self, server: &Server, part: Part<'_>) -> Vec<u8> {
        let mut body = self.buffers().pop().unwrap_or_default();
        let Part { load, start, end } = part;
        let items = load.items.get(start..end).unwrap_or_default();
        let share = if items.len() == load.items.len() { load.bytes } else { 0 };
        let lines = Lines::new(&self.names, server.dialect, self.span_ids);
        lines.to(load.targets.as_deref()).write(&mut body, items.iter().copied(), share);
        body
    }

    /// Takes the body's buffer back for the next request, if nobody else holds it any more.
    pub(super) fn keep(&self, body: Bytes) {
        let Ok(body) = body.try_into_mut() else { return };
        let mut body = Vec::from(body);
        body.clear();
        let mut buffers = self.buffers();
        if body.capacity() <= LARGEST_KEPT && buffers.len() < KEPT_BUFFERS {
            buffers.push(body);
        }
    }

    pub(super) fn buffers(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        self.buffers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn judge(&self, answer: &Answer, part: Part<'_>, notes: &mut Notes) -> Outcome {
        if !answer.is_good() {
            return self.refused_as_a_whole(answer, part, notes);
        }
        match answer::read(&answer.body, part.end - part.start) {
            Ok(reading) => {
                self.health().reachable = true;
                self.report(part, &reading);
                notes.reasons.extend(reading.refused.into_iter().map(|fault| (part.start + fault.item, fault.words)));
                Outcome::Judged(reading.rulings)
            }
            Err(error) => {
                notes.unclear = true;
                self.complain(&format!("{error}: {}", answer.excerpt()));
                Outcome::Later("unreadable-answer")
            }
        }
    }

    fn refused_as_a_whole(&self, answer: &Answer, part: Part<'_>, notes: &mut Notes) -> Outcome {
        let status = answer.status;
        if part.end - part.start == 1 {
            notes.reasons.insert(part.start, format!("the request was answered with {status}: {}", answer.excerpt()));
        }
        if status == 413 {
            return Outcome::TooLarge;
        }
        self.complain(&format!("a bulk request was answered with {status}: {}", answer.excerpt()));
        // A gateway may have given up what its node went on with.
        notes.unclear |= status >= 500;
        if status == 400 {
            // Perhaps it is another version by now, that does not know our form.
            self.meeting.forget();
            return Outcome::Malformed(verdict::is_about_a_document(&answer.body));
        }
        Outcome::Later(verdict::whole_request(status))
    }

    /// Logs, now and then, what was refused and what is to be sent again, each with one example.
    fn report(&self, part: Part<'_>, reading: &Reading) {
        let index = |fault: &Fault| {
            let item = part.load.items.get(part.start + fault.item);
            item.map_or_else(String::new, |(item, _)| index_of(&self.names, part.load.targets.as_deref(), item))
        };
        let first_refused = reading.refused.first();
        if let Some((fault, silenced)) = first_refused.and_then(|fault| Some((fault, self.alarms.refusal.ring()?))) {
            let (index, refused, Fault { status, words, .. }) = (index(fault), reading.refused.len(), fault);
            tracing::warn!(%index, status, error = %words, refused, silenced, "the store refused documents");
        }
        if let Some((fault, silenced)) = reading.unknown.as_ref().and_then(|it| Some((it, self.alarms.unknown.ring()?)))
        {
            let (index, Fault { status, words, .. }) = (index(fault), fault);
            tracing::error!(%index, status, error = %words, silenced, "unknown error of the store, spans wait: see it mended");
        }
        if let Some((fault, silenced)) = reading.again.as_ref().and_then(|it| Some((it, self.alarms.delay.ring()?))) {
            let (index, Fault { status, words, .. }) = (index(fault), fault);
            tracing::warn!(%index, status, error = %words, silenced, "the store took not all, the rest is sent again");
        }
        let worst = reading.unknown.as_ref().or(reading.again.as_ref());
        self.health().trouble = worst.map(|fault| format!("{} {}: {}", index(fault), fault.status, fault.words));
    }
}
