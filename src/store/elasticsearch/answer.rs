//! The answer to a bulk request → a ruling per item.
//!
//! Nearly every answer says that all went well. That one is recognised by its exact bytes, item by
//! item, so that nothing is believed of an answer with another number of items. Every other answer
//! is read by serde_json, and judged by the table in [`super::verdict`]. An answer that is cut, is no
//! JSON, or has another number of items says nothing about any item.

use std::borrow::Cow;

use serde::Deserialize;

use super::verdict::{self, Ruling};

/// What a bulk request asks to be told: of an item its status and, if it failed, why.
pub(super) const FILTER: (&str, &str) = (
    "filter_path",
    "errors,items.*.status,items.*.error.type,items.*.error.reason,\
     items.*.error.caused_by.type,items.*.error.caused_by.reason",
);

/// Characters of what is told of an item that failed.
const LONGEST_WORDS: usize = 500;

/// The server's answer cannot be read as one to our request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unreadable {
    #[error("the answer to a bulk request is not the JSON that it should be")]
    Json,
    #[error("the answer to a bulk request of {sent} items has {answered}")]
    Count { sent: usize, answered: usize },
}

/// Why one item failed, in the server's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// Of the item, in the request.
    pub(super) item: usize,
    pub(super) status: u16,
    /// Type and reason, and those of the cause; cut if they are long.
    pub(super) words: String,
}

/// What an answer says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Reading {
    /// One per item, in order.
    pub(super) rulings: Vec<Ruling>,
    /// Every item that was refused, mendable or not.
    pub(super) refused: Vec<Fault>,
    /// The first item of each sort that is to be sent again, for logs.
    pub(super) again: Option<Fault>,
    pub(super) unknown: Option<Fault>,
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    items: Vec<Entry<'a>>,
}

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow, alias = "index")]
    create: Outcome<'a>,
}

#[derive(Deserialize)]
struct Outcome<'a> {
    status: u16,
    #[serde(borrow, default)]
    error: Error<'a>,
}

/// Why the server did not take something.
#[derive(Debug, Deserialize, Default)]
pub(super) struct Error<'a> {
    #[serde(borrow, default, rename = "type")]
    pub(super) kind: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) reason: Option<Cow<'a, str>>,
    #[serde(default)]
    pub(super) caused_by: Option<Box<Error<'a>>>,
}

impl Error<'_> {
    /// Type and reason of the error itself and of its direct cause.
    pub(super) fn causes(&self) -> impl Iterator<Item = (&str, &str)> {
        [Some(self), self.caused_by.as_deref()].into_iter().flatten().map(Error::words)
    }

    fn words(&self) -> (&str, &str) {
        (self.kind.as_deref().unwrap_or_default(), self.reason.as_deref().unwrap_or_default())
    }

    fn told(&self) -> String {
        let told = self.causes().map(|(kind, reason)| format!("{kind}: {reason}")).collect::<Vec<_>>().join("; ");
        told.chars().take(LONGEST_WORDS).collect()
    }
}

/// Reads an answer to a request of `sent` items.
pub(super) fn read(body: &[u8], sent: usize) -> Result<Reading, Unreadable> {
    match read_all_good(body, sent) {
        Some(rulings) => Ok(Reading { rulings, ..Reading::default() }),
        None => read_any(body, sent),
    }
}

/// `None`: not all is well, or not in the words that we know.
fn read_all_good(body: &[u8], sent: usize) -> Option<Vec<Ruling>> {
    let mut rest = body.strip_prefix(br#"{"errors":false,"items":["#)?;
    let mut rulings = Vec::with_capacity(sent);
    for index in 0..sent {
        if index > 0 {
            rest = rest.strip_prefix(b",")?;
        }
        let (ruling, after) = read_good(rest)?;
        rulings.push(ruling);
        rest = after;
    }
    (rest == b"]}").then_some(rulings)
}

fn read_good(rest: &[u8]) -> Option<(Ruling, &[u8])> {
    if let Some(after) = rest.strip_prefix(br#"{"create":{"status":201}}"#) {
        return Some((Ruling::Stored, after));
    }
    if let Some(after) = rest.strip_prefix(br#"{"index":{"status":201}}"#) {
        return Some((Ruling::Stored, after));
    }
    let after = rest.strip_prefix(br#"{"index":{"status":200}}"#)?;
    Some((Ruling::AlreadyThere, after))
}

fn read_any(body: &[u8], sent: usize) -> Result<Reading, Unreadable> {
    let answer: Answer<'_> = serde_json::from_slice(body).map_err(|_| Unreadable::Json)?;
    let answered = answer.items.len();
    if answered != sent {
        return Err(Unreadable::Count { sent, answered });
    }
    let mut reading = Reading { rulings: Vec::with_capacity(sent), ..Reading::default() };
    for (item, entry) in answer.items.into_iter().enumerate() {
        let Outcome { status, error } = entry.create;
        let ruling = verdict::rule(status, &error);
        let fault = || Fault { item, status, words: error.told() };
        match ruling {
            Ruling::Stored | Ruling::AlreadyThere => {}
            Ruling::Never(_) | Ruling::Mend(..) => reading.refused.push(fault()),
            Ruling::Again(_) => {
                reading.again.get_or_insert_with(fault);
            }
            Ruling::Unknown(_) => {
                reading.unknown.get_or_insert_with(fault);
            }
        }
        reading.rulings.push(ruling);
    }
    Ok(reading)
}

#[cfg(test)]
mod tests;
