//! What `_msearch` answers, and the spellings of a trace id.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::document::StoredSpan;
use crate::span::TraceId;
use crate::store::ReadError;

/// The one aggregation of a question.
pub(super) const NAMES: &str = "names";

/// Characters of the server's reason that are passed on; Elasticsearch 6 repeats the whole query.
const LONGEST_REASON: usize = 500;

/// The answers to several questions, in their order.
#[derive(Debug)]
pub(super) struct MultiAnswer(Vec<Result<Found, ReadError>>);

/// What one question found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Keys of the aggregation's buckets.
    pub buckets: Vec<String>,
    pub spans: Vec<StoredSpan>,
    /// Hits of the page, readable or not.
    pub hits: usize,
    /// Where the next page begins.
    pub last: Option<Value>,
}

#[derive(Deserialize)]
struct Responses<'a> {
    #[serde(borrow)]
    responses: Vec<Response<'a>>,
}

#[derive(Deserialize)]
struct Response<'a> {
    error: Option<Value>,
    #[serde(borrow)]
    hits: Option<Hits<'a>>,
    #[serde(default)]
    aggregations: HashMap<String, Terms>,
}

#[derive(Deserialize)]
struct Hits<'a> {
    #[serde(borrow)]
    hits: Vec<Hit<'a>>,
}

#[derive(Deserialize)]
struct Hit<'a> {
    #[serde(borrow, rename = "_source")]
    source: &'a RawValue,
    sort: Option<Value>,
}

#[derive(Deserialize)]
struct Terms {
    buckets: Vec<Bucket>,
}

#[derive(Deserialize)]
struct Bucket {
    key: String,
}

impl MultiAnswer {
    /// Reads the body of an answer; elevated tags have `dot_replacement` for dots.
    pub(super) fn read(body: &[u8], dot_replacement: &str) -> Result<Self, ReadError> {
        let answer: Responses<'_> =
            serde_json::from_slice(body).map_err(|error| ReadError::Unreadable(error.to_string()))?;
        let found = |response: Response<'_>| match &response.error {
            Some(error) if is_bad_pattern(error) => Ok(Found::default()),
            Some(error) => Err(ReadError::Refused(reason(error))),
            None => Ok(response.found(dot_replacement)),
        };
        Ok(MultiAnswer(answer.responses.into_iter().map(found).collect()))
    }

    /// The answer to the only question.
    pub(super) fn only(self) -> Result<Found, ReadError> {
        Ok(self.all(1)?.pop().unwrap_or_default())
    }

    /// The answers to this many questions.
    pub(super) fn all(self, questions: usize) -> Result<Vec<Found>, ReadError> {
        if self.0.len() != questions {
            return Err(ReadError::Unreadable(format!("{} answers to {questions} questions", self.0.len())));
        }
        self.0.into_iter().collect()
    }
}

impl Response<'_> {
    fn found(self, dot_replacement: &str) -> Found {
        let hits = self.hits.map(|hits| hits.hits).unwrap_or_default();
        let buckets =
            self.aggregations.into_values().flat_map(|terms| terms.buckets).map(|bucket| bucket.key).collect();
        let mut found = Found { buckets, hits: hits.len(), ..Found::default() };
        let mut unreadable = 0;
        for hit in hits {
            match StoredSpan::parse_with(hit.source.get().as_bytes(), dot_replacement) {
                Ok(span) => found.spans.push(span),
                Err(error) => {
                    tracing::debug!(%error, "a document is left out of a trace");
                    unreadable += 1;
                }
            }
            found.last = hit.sort;
        }
        if unreadable > 0 {
            tracing::warn!(unreadable, "documents that are no spans were left out of a trace");
        }
        found
    }
}

/// True if a tag's value is no regular expression. A shard without documents does not mind, so
/// that such a search is refused only where there is none; we answer the same everywhere, and as
/// jaeger-query mostly does: nothing is found.
fn is_bad_pattern(error: &Value) -> bool {
    let shard = &error["failed_shards"][0]["reason"];
    shard["type"] == "query_shard_exception" && shard["caused_by"]["type"] == "illegal_argument_exception"
}

/// What is wrong, from the innermost cause that is told.
fn reason(error: &Value) -> String {
    let shard = &error["failed_shards"][0]["reason"];
    let causes = [&shard["caused_by"], &error["root_cause"][0], error];
    let told = |cause: &&Value| Some(format!("{}: {}", cause["type"].as_str()?, cause["reason"].as_str()?));
    let text = causes.iter().find_map(told).unwrap_or_else(|| error.to_string());
    text.chars().take(LONGEST_REASON).collect()
}

/// A trace id as Jaeger's writers have spelled it: 16 or 32 digits for one of 64 bits, and without
/// leading zeros before 1.16.
pub(super) fn spellings(id: TraceId) -> Vec<String> {
    let number = u128::from(id.high) << 64 | u128::from(id.low);
    let mut spellings = vec![format!("{number:032x}"), format!("{number:x}")];
    if id.high == 0 {
        spellings.push(format!("{number:016x}"));
    }
    spellings.sort();
    spellings.dedup();
    spellings
}

/// Reads a trace id in any of its spellings.
pub(super) fn trace_id(text: &str) -> Option<TraceId> {
    let number = u128::from_str_radix(text, 16).ok()?;
    Some(TraceId { high: (number >> 64) as u64, low: number as u64 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_spelled_in_every_way_that_it_was_written() {
        let short = TraceId { high: 0, low: 0x0abc };
        let mut spelled = spellings(short);
        spelled.sort_by_key(String::len);
        assert_eq!(spelled, ["abc", "0000000000000abc", "00000000000000000000000000000abc"]);
        assert!(spelled.iter().all(|text| trace_id(text) == Some(short)));
        let long = TraceId { high: u64::MAX, low: 1 };
        assert_eq!(spellings(long), ["ffffffffffffffff0000000000000001"]);
    }

    fn only_error(error: &str) -> Result<Found, ReadError> {
        let body = format!(r#"{{"took":1,"responses":[{{"error":{error},"status":400}}]}}"#);
        MultiAnswer::read(body.as_bytes(), "@").unwrap().only()
    }

    /// As Elasticsearch 7 and later answer for an index without mappings.
    #[test]
    fn an_error_in_one_answer_is_told() {
        let error = only_error(
            r#"{"root_cause":[{"type":"query_shard_exception","reason":"failed to create query: [nested] failed"}],
            "type":"search_phase_execution_exception","reason":"all shards failed","failed_shards":[{"shard":0,
            "reason":{"type":"query_shard_exception","reason":"failed to create query: [nested] failed","caused_by":
            {"type":"illegal_state_exception","reason":"[nested] failed to find nested object under path [tags]"}}}]}"#,
        );
        assert_eq!(
            error.unwrap_err().to_string(),
            "the store refused the question: illegal_state_exception: [nested] failed to find nested object under \
             path [tags]"
        );
    }

    /// As Elasticsearch 6.6 and OpenSearch 3.8 answer.
    #[test]
    fn a_bad_pattern_finds_nothing() {
        let found = only_error(
            r#"{"root_cause":[],"type":"search_phase_execution_exception","reason":"all shards failed","failed_shards":
            [{"shard":0,"reason":{"type":"query_shard_exception","reason":"failed to create query: '31' not found",
            "caused_by":{"type":"illegal_argument_exception","reason":"'31' not found"}}}]}"#,
        );
        assert!(found.unwrap().buckets.is_empty());
    }

    #[test]
    fn an_answer_without_indices_is_empty() {
        let body = br#"{"took":0,"responses":[{"took":0,"timed_out":false,"_shards":{"total":0,"successful":0,
            "skipped":0,"failed":0},"hits":{"total":{"value":0,"relation":"eq"},"max_score":0.0,"hits":[]},"status":200}]}"#;
        let found = MultiAnswer::read(body, "@").unwrap().only().unwrap();
        assert!(found.buckets.is_empty() && found.spans.is_empty() && found.last.is_none());
    }

    #[test]
    fn what_is_no_answer_is_told() {
        assert!(matches!(MultiAnswer::read(b"<html>", "@"), Err(ReadError::Unreadable(_))));
        let none = MultiAnswer::read(br#"{"responses":[]}"#, "@").unwrap();
        assert!(matches!(none.only(), Err(ReadError::Unreadable(_))));
    }
}
