//! What an item's status and error mean: one table.
//!
//! *Never* is said only of what is wrong with the document itself, by the types that real servers
//! (6.6 to 9.5, OpenSearch 2 and 3) give for it. Everything else is sent again: what an operator can
//! mend (rights, blocks, missing aliases, full indices and clusters), though some servers call it
//! 400, and every type and status that is not known here. A document that could be taken in another
//! form is mended and sent once more before it is refused.
//!
//! The first row that fits decides. A type or a piece of the reason is looked for in the error and in
//! its direct cause: what 7 says in the one, 8 says in the other.

use super::answer::Error;
use crate::item::OVERLOADED;

/// What is to be done with an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ruling {
    Stored,
    /// It was there; a service document is written over each time.
    AlreadyThere,
    /// Refused under this word.
    Never(&'static str),
    /// To be sent once more in another form; refused under this word if it has none, or if that is
    /// not taken either.
    Mend(Mending, &'static str),
    Again(&'static str),
    /// Sent again, and said aloud: nobody has thought of it yet.
    Unknown(&'static str),
}

/// The other form of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mending {
    /// Its longest values cut to what a term may be.
    ShortValues,
    /// The whole of it cut down.
    Shorter,
    /// Tags that are fields as elements of the nested list.
    NestedTags,
    /// Without the nested documents over the limit.
    FewerNested,
}

/// A row of the table; an empty text fits everything.
struct Row {
    status: std::ops::RangeInclusive<u16>,
    kind: &'static str,
    reason: &'static str,
    ruling: Ruling,
}

const fn row(first: u16, last: u16, kind: &'static str, reason: &'static str, ruling: Ruling) -> Row {
    Row { status: first..=last, kind, reason, ruling }
}

const fn bad(kind: &'static str, reason: &'static str, ruling: Ruling) -> Row {
    row(400, 400, kind, reason, ruling)
}

const TOO_LONG: Ruling = Ruling::Mend(Mending::ShortValues, "value-too-long");
const TOO_MANY_FIELDS: Ruling = Ruling::Mend(Mending::NestedTags, "field-limit");
/// If it is a field that was made of a tag which does not fit, it fits in the nested list.
const MAPPING: Ruling = Ruling::Mend(Mending::NestedTags, "mapping");
const STRICT: Ruling = Ruling::Mend(Mending::NestedTags, "strict-mapping");
const NO_SHARDS: Ruling = Ruling::Again("shard-limit");
const ALIAS: Ruling = Ruling::Again("alias-missing");

const TABLE: &[Row] = &[
    row(201, 201, "", "", Ruling::Stored),
    row(200, 200, "", "", Ruling::AlreadyThere),
    row(409, 409, "version_conflict_engine_exception", "", Ruling::AlreadyThere),
    // The limits of a document, whatever type they come under.
    bad("max_bytes_length_exceeded_exception", "", TOO_LONG),
    bad("", "immense term", TOO_LONG),
    bad("", "is too large, must be <=", TOO_LONG),
    bad("", "Limit of total fields", TOO_MANY_FIELDS),
    bad("", "Limit of mapping depth", TOO_MANY_FIELDS),
    bad("", "Limit of field name", TOO_MANY_FIELDS),
    bad("", "number of nested documents has exceeded", Ruling::Mend(Mending::FewerNested, "nested-limit")),
    // The limits of a cluster and an index.
    bad("", "this action would add", NO_SHARDS),
    bad("", "shards open", NO_SHARDS),
    bad("validation_exception", "", NO_SHARDS),
    bad("", "Number of documents in", Ruling::Again("index-full")),
    bad("", "number of documents in", Ruling::Again("index-full")),
    bad("index_closed_exception", "", Ruling::Again("index-closed")),
    bad("", "no write index is defined", ALIAS),
    bad("", "is not an alias", ALIAS),
    // A template that this server does not take: no index can be made with it.
    bad("mapper_parsing_exception", "Failed to parse mapping", Ruling::Again("template-broken")),
    bad("mapper_parsing_exception", "Root mapping definition", Ruling::Again("template-broken")),
    // What is wrong with the document.
    bad("invalid_index_name_exception", "", Ruling::Never("index-name")),
    bad("strict_dynamic_mapping_exception", "", STRICT),
    bad("mapper_parsing_exception", "", MAPPING),
    bad("document_parsing_exception", "", MAPPING),
    bad("parsing_exception", "", MAPPING),
    bad("illegal_argument_exception", "cannot be changed from type", MAPPING),
    bad("illegal_argument_exception", "can't merge", MAPPING),
    bad("illegal_argument_exception", "of different type", MAPPING),
    bad("illegal_argument_exception", "mapper [", MAPPING),
    bad("", "", Ruling::Unknown("unknown-type")),
    row(401, 401, "", "", Ruling::Again("unauthorized")),
    // A full disk is no busy server: 7.10 and later call it 429.
    row(403, 429, "cluster_block_exception", "", Ruling::Again("index-blocked")),
    row(403, 403, "", "", Ruling::Again("forbidden")),
    row(404, 404, "", "is not an alias", ALIAS),
    row(404, 404, "", "", Ruling::Again("index-missing")),
    row(409, 409, "", "", Ruling::Unknown("conflict")),
    row(413, 413, "", "", Ruling::Mend(Mending::Shorter, "too-large")),
    row(408, 408, "", "", Ruling::Again("timeout")),
    row(429, 429, "", "", Ruling::Again(OVERLOADED)),
    row(500, 503, "es_rejected_execution_exception", "", Ruling::Again(OVERLOADED)),
    row(500, 503, "rejected_execution_exception", "", Ruling::Again(OVERLOADED)),
    row(500, 503, "circuit_breaking_exception", "", Ruling::Again(OVERLOADED)),
    row(503, 503, "", "", Ruling::Again("unavailable")),
    row(500, 599, "", "", Ruling::Again("server-error")),
];

impl Row {
    fn fits(&self, status: u16, error: &Error<'_>) -> bool {
        let kind = |kind: &str| self.kind.is_empty() || kind == self.kind;
        let reason = |reason: &str| self.reason.is_empty() || reason.contains(self.reason);
        self.status.contains(&status)
            && error.causes().any(|(name, _)| kind(name))
            && error.causes().any(|(_, text)| reason(text))
    }
}

/// The ruling on one item.
pub(super) fn rule(status: u16, error: &Error<'_>) -> Ruling {
    let row = TABLE.iter().find(|row| row.fits(status, error));
    row.map_or(Ruling::Unknown("unknown-status"), |row| row.ruling)
}

/// The word for a request that was refused as a whole, neither for its size nor for its form.
pub(super) fn whole_request(status: u16) -> &'static str {
    match status {
        401 => "unauthorized",
        403 => "forbidden",
        404 => "not-found",
        408 => "timeout",
        429 => OVERLOADED,
        503 => "unavailable",
        500..=599 => "server-error",
        _ => "unknown-status",
    }
}

/// True if a request was answered with 400 for what stands in one of its lines, as far as the answer
/// says: the types that real servers have for it. Anything else (a gateway, a setting) is none.
pub(super) fn is_about_a_document(body: &[u8]) -> bool {
    #[derive(serde::Deserialize)]
    struct Whole<'a> {
        #[serde(borrow)]
        error: Error<'a>,
    }
    const KINDS: [&str; 11] = [
        "illegal_argument_exception",
        "action_request_validation_exception",
        "mapper_parsing_exception",
        "document_parsing_exception",
        "parsing_exception",
        "parse_exception",
        "x_content_parse_exception",
        "x_content_e_o_f_exception",
        "json_parse_exception",
        "json_e_o_f_exception",
        "stream_constraints_exception",
    ];
    let whole = serde_json::from_slice::<Whole<'_>>(body);
    whole.is_ok_and(|whole| whole.error.kind.is_some_and(|kind| KINDS.contains(&&*kind)))
}

#[cfg(test)]
mod tests;
