//! The bodies of searches, as jaeger-query 1.76 builds them.

use serde_json::{Value, json};

use super::reader_answer::{NAMES, spellings};
use crate::span::TraceId;
use crate::store::Search;

/// Distinct services.
pub(super) fn services(most: usize) -> Value {
    json!({"size": 0, "aggregations": names("serviceName", most)})
}

/// Distinct operations of a service.
pub(super) fn operations(service: &str, most: usize) -> Value {
    json!({
        "size": 0,
        "query": {"term": {"serviceName": service}},
        "aggregations": names("operationName", most),
    })
}

fn names(field: &str, most: usize) -> Value {
    json!({NAMES: {"terms": {"field": field, "size": most}}})
}

/// Ids of traces, those with the latest span first. All conditions are on one span. Without a
/// longest duration there is none, where Jaeger takes 24 hours.
pub(super) fn find_trace_ids(search: &Search, dot_replacement: &str) -> Value {
    let mut must = Vec::new();
    if search.min_duration.is_some() || search.max_duration.is_some() {
        must.push(json!({"range": {"duration": bounds(search.min_duration, search.max_duration)}}));
    }
    must.push(json!({"range": {"startTimeMillis": {"gte": search.start / 1000, "lte": search.end / 1000}}}));
    must.push(json!({"match": {"process.serviceName": {"query": search.service}}}));
    if let Some(operation) = &search.operation {
        must.push(json!({"match": {"operationName": {"query": operation}}}));
    }
    must.extend(search.tags.iter().map(|(key, value)| tag(key, value, dot_replacement)));
    json!({
        "size": 0,
        "query": {"bool": {"must": must}},
        "aggregations": {NAMES: {
            "terms": {"field": "traceID", "size": search.limit.max(1), "order": [{"startTime": "desc"}]},
            "aggregations": {"startTime": {"max": {"field": "startTime"}}},
        }},
    })
}

fn bounds(least: Option<u64>, most: Option<u64>) -> Value {
    let mut bounds = json!({"gte": least.unwrap_or(0)});
    if let Some(most) = most {
        bounds["lte"] = most.into();
    }
    bounds
}

/// A tag of the span, of its process or of a log, as a field or nested. The value is a regular
/// expression.
fn tag(key: &str, value: &str, dot_replacement: &str) -> Value {
    let field = key.replace('.', dot_replacement);
    let as_field =
        |object: &str| json!({"bool": {"must": [{"regexp": {format!("{object}.{field}"): {"value": value}}}]}});
    let nested = |path: &str| {
        let must = [
            json!({"match": {format!("{path}.key"): {"query": key}}}),
            json!({"regexp": {format!("{path}.value"): {"value": value}}}),
        ];
        json!({"nested": {"path": path, "query": {"bool": {"must": must}}}})
    };
    let should =
        [as_field("tag"), as_field("process.tag"), nested("tags"), nested("process.tags"), nested("logs.fields")];
    json!({"bool": {"should": should}})
}

/// The spans of a trace that come after another: `after` is the start and the span id of that one.
pub(super) fn page_of_trace(id: TraceId, after: &Value, millis: Option<(u64, u64)>, size: usize) -> Value {
    let mut must = vec![json!({"terms": {"traceID": spellings(id)}})];
    if let Some((start, end)) = millis {
        must.push(json!({"range": {"startTimeMillis": {"gte": start, "lte": end}}}));
    }
    json!({
        "size": size,
        "query": {"bool": {"must": must}},
        "sort": [
            {"startTime": {"order": "asc", "unmapped_type": "long"}},
            {"spanID": {"order": "asc", "unmapped_type": "keyword"}},
        ],
        "search_after": after,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the reference that was recorded from jaeger-query, with all five ways to a
    /// tag.
    #[test]
    fn a_search_is_asked_as_jaeger_asks_it() {
        let search = Search {
            service: "cart.shop".into(),
            operation: Some("GET /cart".into()),
            tags: vec![("http.status_code".into(), "500".into())],
            start: 1_764_763_200_000_999,
            end: 1_764_766_800_000_000,
            min_duration: Some(5),
            max_duration: None,
            limit: 20,
        };
        let nested = |path: &str| {
            json!({"nested": {"path": path, "query": {"bool": {"must": [
                {"match": {format!("{path}.key"): {"query": "http.status_code"}}},
                {"regexp": {format!("{path}.value"): {"value": "500"}}}]}}}})
        };
        let expected = json!({"size": 0,
            "query": {"bool": {"must": [
                {"range": {"duration": {"gte": 5}}},
                {"range": {"startTimeMillis": {"gte": 1_764_763_200_000u64, "lte": 1_764_766_800_000u64}}},
                {"match": {"process.serviceName": {"query": "cart.shop"}}},
                {"match": {"operationName": {"query": "GET /cart"}}},
                {"bool": {"should": [
                    {"bool": {"must": [{"regexp": {"tag.http@status_code": {"value": "500"}}}]}},
                    {"bool": {"must": [{"regexp": {"process.tag.http@status_code": {"value": "500"}}}]}},
                    nested("tags"), nested("process.tags"), nested("logs.fields")]}}]}},
            "aggregations": {"names": {
                "terms": {"field": "traceID", "size": 20, "order": [{"startTime": "desc"}]},
                "aggregations": {"startTime": {"max": {"field": "startTime"}}}}}});
        assert_eq!(find_trace_ids(&search, "@"), expected);
    }
}
