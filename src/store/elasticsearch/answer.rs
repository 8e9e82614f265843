//! The answer to a bulk request → a verdict per item.
//!
//! Nearly every answer says that all went well. That one is recognised by its exact bytes, item by
//! item, so that nothing is believed of an answer with another number of items. Every other answer
//! is read by serde_json. An answer that is cut, is no JSON, or has another number of items says
//! nothing about any item.

use std::borrow::Cow;

use serde::Deserialize;

use crate::item::Verdict;

/// What a bulk request asks to be told: of an item its status and, if it failed, why.
pub(super) const FILTER: (&str, &str) =
    ("filter_path", "errors,items.*.status,items.*.error.type,items.*.error.reason");

/// The server's answer cannot be read as one to our request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unreadable {
    #[error("the answer to a bulk request is not the JSON that it should be")]
    Json,
    #[error("the answer to a bulk request of {sent} items has {answered}")]
    Count { sent: usize, answered: usize },
}

/// Why one item failed, as the server says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// Of the item, in the request.
    pub(super) item: usize,
    pub(super) status: u16,
    pub(super) kind: String,
    pub(super) reason: String,
}

/// What an answer says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Reading {
    /// One per item, in order.
    pub(super) verdicts: Vec<Verdict>,
    /// The first item of each sort that failed, for logs.
    pub(super) refused: Option<Fault>,
    pub(super) again: Option<Fault>,
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
    #[serde(borrow)]
    error: Option<Cause<'a>>,
}

#[derive(Deserialize, Default)]
struct Cause<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    reason: Option<Cow<'a, str>>,
}

/// Reads an answer to a request of `sent` items.
pub(super) fn read(body: &[u8], sent: usize) -> Result<Reading, Unreadable> {
    match read_all_good(body, sent) {
        Some(verdicts) => Ok(Reading { verdicts, ..Reading::default() }),
        None => read_any(body, sent),
    }
}

/// `None`: not all is well, or not in the words that we know.
fn read_all_good(body: &[u8], sent: usize) -> Option<Vec<Verdict>> {
    let mut rest = body.strip_prefix(br#"{"errors":false,"items":["#)?;
    let mut verdicts = Vec::with_capacity(sent);
    for index in 0..sent {
        if index > 0 {
            rest = rest.strip_prefix(b",")?;
        }
        let (verdict, after) = read_good(rest)?;
        verdicts.push(verdict);
        rest = after;
    }
    (rest == b"]}").then_some(verdicts)
}

fn read_good(rest: &[u8]) -> Option<(Verdict, &[u8])> {
    if let Some(after) = rest.strip_prefix(br#"{"create":{"status":201}}"#) {
        return Some((Verdict::Stored, after));
    }
    if let Some(after) = rest.strip_prefix(br#"{"index":{"status":201}}"#) {
        return Some((Verdict::Stored, after));
    }
    let after = rest.strip_prefix(br#"{"index":{"status":200}}"#)?;
    Some((Verdict::AlreadyThere, after))
}

fn read_any(body: &[u8], sent: usize) -> Result<Reading, Unreadable> {
    let answer: Answer<'_> = serde_json::from_slice(body).map_err(|_| Unreadable::Json)?;
    let answered = answer.items.len();
    if answered != sent {
        return Err(Unreadable::Count { sent, answered });
    }
    let mut reading = Reading { verdicts: Vec::with_capacity(sent), ..Reading::default() };
    for (item, entry) in answer.items.into_iter().enumerate() {
        let Outcome { status, error } = entry.create;
        let cause = error.unwrap_or_default();
        let reason = cause.reason.unwrap_or_default();
        let verdict = judge(status, &cause.kind, &reason);
        let place = match verdict {
            Verdict::Refused(_) => Some(&mut reading.refused),
            Verdict::Again(_) => Some(&mut reading.again),
            Verdict::Stored | Verdict::AlreadyThere => None,
        };
        if let Some(place) = place {
            let fault = || Fault { item, status, kind: cause.kind.to_string(), reason: reason.to_string() };
            place.get_or_insert_with(fault);
        }
        reading.verdicts.push(verdict);
    }
    Ok(reading)
}

/// The verdict over one item.
///
/// Refused is what is wrong with the document itself. What an operator can mend (rights, blocks,
/// missing aliases, full indices and clusters) is sent again, though some servers call it 400.
fn judge(status: u16, kind: &str, reason: &str) -> Verdict {
    match status {
        // The document was written over: with a name of its own it was there already.
        200 => Verdict::AlreadyThere,
        201 => Verdict::Stored,
        400 => judge_bad(kind, reason),
        401 => Verdict::Again("unauthorized"),
        403 | 429 if kind == "cluster_block_exception" => Verdict::Again("index-blocked"),
        403 => Verdict::Again("forbidden"),
        404 => Verdict::Again("index-missing"),
        409 if kind == "version_conflict_engine_exception" => Verdict::AlreadyThere,
        409 => Verdict::Again("conflict"),
        429 => Verdict::Again("overloaded"),
        503 => Verdict::Again("unavailable"),
        408 | 500..=599 => Verdict::Again("server-error"),
        _ => Verdict::Again("unknown-status"),
    }
}

fn judge_bad(kind: &str, reason: &str) -> Verdict {
    match kind {
        "mapper_parsing_exception" | "document_parsing_exception" | "parsing_exception" => Verdict::Refused("mapping"),
        "strict_dynamic_mapping_exception" => Verdict::Refused("strict-mapping"),
        "invalid_index_name_exception" => Verdict::Refused("index-name"),
        "index_closed_exception" => Verdict::Refused("index-closed"),
        // The cluster has no room for another index.
        "validation_exception" => Verdict::Again("shard-limit"),
        "illegal_argument_exception" if reason.contains("total fields") => Verdict::Refused("field-limit"),
        "illegal_argument_exception" if reason.contains("Number of documents") => Verdict::Again("index-full"),
        "illegal_argument_exception" if reason.contains("alias") => Verdict::Again("alias"),
        "illegal_argument_exception" => Verdict::Refused("illegal-argument"),
        _ => Verdict::Refused("document"),
    }
}

#[cfg(test)]
mod tests;
