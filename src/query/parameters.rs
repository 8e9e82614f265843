//! What a request asks for: the parameters of a search and of a look-up, read and refused in
//! Jaeger's order and with its texts (Jaeger 1.76, `query_parser.go`).

use crate::span::TraceId;
use crate::store::Search;

use super::go::{self, Form};

/// Traces that a search finds unless it says otherwise.
const DEFAULT_LIMIT: usize = 100;
/// Traces that a search with a negative limit finds: Elasticsearch's own default, which it then
/// gets from Jaeger.
const NEGATIVE_LIMIT: usize = 10;
/// How far back a search without `start` looks: two days, in microseconds.
const LOOKBACK: u64 = 2 * 24 * 3600 * 1_000_000;

/// What `GET /api/traces` asks for.
#[derive(Debug, PartialEq)]
pub(super) struct TracesRequest {
    pub wanted: Wanted,
    /// Without adjusters.
    pub raw: bool,
}

/// How the traces are named.
#[derive(Debug, PartialEq)]
pub(super) enum Wanted {
    /// By id, each as often as it is asked for.
    Ids(Vec<TraceId>),
    /// By what their spans are like.
    Matching(Search),
    /// By what no span can be like: a negative duration.
    Nothing,
}

/// Why nothing was asked of the store.
#[derive(Debug, PartialEq)]
pub(super) enum Refused {
    /// The sender's fault: 400.
    Bad(String),
    /// The start lies after the end. Jaeger finds that out in its store: 500.
    Backwards,
}

impl From<String> for Refused {
    fn from(text: String) -> Self {
        Refused::Bad(text)
    }
}

/// Reads the parameters of a search; `now` in microseconds since 1970.
pub(super) fn traces_request(form: &Form, now: u64) -> Result<TracesRequest, Refused> {
    let start = time(form, "start")?.unwrap_or(now.saturating_sub(LOOKBACK) as i64);
    let end = time(form, "end")?.unwrap_or(now as i64);
    let tags = tags(form)?;
    let limit = limit(form)?;
    let min_duration = duration(form, "minDuration")?;
    let max_duration = duration(form, "maxDuration")?;
    let ids = form.all("traceID").map(trace_id).collect::<Result<Vec<_>, _>>();
    let ids = ids.map_err(|text| format!("cannot parse traceID param: {text}"))?;
    let raw = flag(form, "raw")?;
    let service = form.first("service");
    if ids.is_empty() && service.is_empty() {
        return Err(Refused::Bad("parameter 'service' is required".into()));
    }
    if min_duration != 0 && max_duration != 0 && max_duration < min_duration {
        return Err(Refused::Bad("'maxDuration' should be greater than 'minDuration'".into()));
    }
    if !ids.is_empty() {
        return Ok(TracesRequest { wanted: Wanted::Ids(ids), raw });
    }
    if end < start {
        return Err(Refused::Backwards);
    }
    if min_duration < 0 || max_duration < 0 || end < 0 {
        return Ok(TracesRequest { wanted: Wanted::Nothing, raw });
    }
    let search = Search {
        service: service.to_string(),
        operation: Some(form.first("operation").to_string()).filter(|operation| !operation.is_empty()),
        tags,
        start: start.max(0) as u64,
        end: end as u64,
        min_duration: microseconds(min_duration),
        max_duration: microseconds(max_duration),
        limit,
    };
    Ok(TracesRequest { wanted: Wanted::Matching(search), raw })
}

/// Reads the parameters of a look-up by id: only `raw` has an effect, but times must be numbers.
pub(super) fn look_up_request(id: &str, form: &Form) -> Result<(TraceId, bool), String> {
    let id = trace_id(id)?;
    time(form, "start")?;
    time(form, "end")?;
    Ok((id, flag(form, "raw")?))
}

/// A trace id: up to 32 hex digits, the last 16 of them its low half.
pub(super) fn trace_id(text: &str) -> Result<TraceId, String> {
    let bytes = text.as_bytes();
    if bytes.len() > 32 {
        return Err(format!("TraceID cannot be longer than 32 hex characters: {text}"));
    }
    let (high, low) = bytes.split_at(bytes.len().saturating_sub(16));
    let high = if high.is_empty() { 0 } else { go::parse_hex(high)? };
    Ok(TraceId { high, low: go::parse_hex(low)? })
}

fn unparsable(parameter: &str) -> impl Fn(String) -> String {
    move |text| format!("unable to parse param '{parameter}': {text}")
}

fn time(form: &Form, parameter: &str) -> Result<Option<i64>, String> {
    match form.first(parameter) {
        "" => Ok(None),
        text => go::parse_integer(text, 64).map(Some).map_err(unparsable(parameter)),
    }
}

/// Nanoseconds; 0: not asked for.
fn duration(form: &Form, parameter: &str) -> Result<i64, String> {
    match form.first(parameter) {
        "" => Ok(0),
        text => go::parse_duration(text).map_err(unparsable(parameter)),
    }
}

fn microseconds(nanoseconds: i64) -> Option<u64> {
    (nanoseconds != 0).then(|| nanoseconds.unsigned_abs() / 1000)
}

fn flag(form: &Form, parameter: &str) -> Result<bool, String> {
    match form.first(parameter) {
        "" => Ok(false),
        text => go::parse_bool(text).map_err(unparsable(parameter)),
    }
}

fn limit(form: &Form) -> Result<usize, String> {
    let text = form.first("limit");
    let limit = if text.is_empty() { 0 } else { go::parse_integer(text, 32)? };
    Ok(match usize::try_from(limit) {
        Ok(0) => DEFAULT_LIMIT,
        Ok(limit) => limit,
        Err(_) => NEGATIVE_LIMIT,
    })
}

/// `tag=key:value` and `tags={"key":"value"}`; a key that is named again has its last value.
fn tags(form: &Form) -> Result<Vec<(String, String)>, String> {
    let mut tags: Vec<(String, String)> = Vec::new();
    let mut put = |key: String, value: String| {
        tags.retain(|(known, _)| *known != key);
        tags.push((key, value));
    };
    for tag in form.all("tag") {
        let malformed = || format!("malformed 'tag' parameter, expecting key:value, received: {tag}");
        let (key, value) = tag.split_once(':').ok_or_else(malformed)?;
        put(key.to_string(), value.to_string());
    }
    for text in form.all("tags") {
        let malformed = |text| format!("malformed 'tags' parameter, cannot unmarshal JSON: {text}");
        for (key, value) in go::parse_string_map(text).map_err(malformed)? {
            put(key, value);
        }
    }
    Ok(tags)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search(query: &str) -> Search {
        match traces_request(&Form::parse(query), 1_000_000_000_000).map(|request| request.wanted) {
            Ok(Wanted::Matching(search)) => search,
            other => panic!("{query}: {other:?}"),
        }
    }

    #[test]
    fn a_search_without_times_looks_two_days_back() {
        let search = search("service=a");
        assert_eq!((search.start, search.end, search.limit), (1_000_000_000_000 - LOOKBACK, 1_000_000_000_000, 100));
    }

    #[test]
    fn a_tag_named_again_has_its_last_value() {
        let search = search("service=a&tag=k:1&tag=l:2:3&tags=%7B%22k%22%3A%224%22%7D");
        assert_eq!(search.tags, [("l".to_string(), "2:3".to_string()), ("k".to_string(), "4".to_string())]);
    }

    #[test]
    fn durations_are_cut_to_microseconds() {
        let search = search("service=a&minDuration=1999ns&maxDuration=500ns1us1ms");
        assert_eq!((search.min_duration, search.max_duration), (Some(1), Some(1001)));
    }

    #[test]
    fn a_negative_duration_finds_nothing() {
        let request = traces_request(&Form::parse("service=a&minDuration=-1s"), 0);
        assert_eq!(request, Ok(TracesRequest { wanted: Wanted::Nothing, raw: false }));
    }

    #[test]
    fn ids_are_cut_at_sixteen_digits_from_the_end() {
        assert_eq!(trace_id("10000000000000002"), Ok(TraceId { high: 1, low: 2 }));
        assert_eq!(trace_id("ABC"), Ok(TraceId { high: 0, low: 0xabc }));
        assert!(trace_id("").is_err());
        assert!(trace_id("ééééééééé").is_err());
    }
}
