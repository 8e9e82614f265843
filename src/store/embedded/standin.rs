//! A reader of documents, until the one of `document` is here.

use serde_json::Value;

use crate::document::{StoredLog, StoredProcess, StoredReference, StoredSpan, StoredTag, StoredValue};
use crate::span::{ReferenceKind, TraceId};

pub(super) fn parse(line: &[u8]) -> Result<StoredSpan, String> {
    let value: Value = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    let trace = |value: &Value| {
        let id = u128::from_str_radix(value.as_str().unwrap_or(""), 16).unwrap_or(0);
        TraceId { high: (id >> 64) as u64, low: id as u64 }
    };
    let span = |value: &Value| u64::from_str_radix(value.as_str().unwrap_or(""), 16).unwrap_or(0);
    let text = |value: &Value| value.as_str().unwrap_or("").to_string();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let tags = |value: &Value| list(value).iter().map(tag).collect::<Vec<_>>();
    Ok(StoredSpan {
        trace_id: trace(&value["traceID"]),
        span_id: span(&value["spanID"]),
        flags: value["flags"].as_u64().unwrap_or(0) as u32,
        operation: text(&value["operationName"]),
        references: list(&value["references"])
            .iter()
            .map(|reference| StoredReference {
                kind: if reference["refType"] == "CHILD_OF" { ReferenceKind::ChildOf } else { ReferenceKind::FollowsFrom },
                trace_id: trace(&reference["traceID"]),
                span_id: span(&reference["spanID"]),
            })
            .collect(),
        start: value["startTime"].as_u64().unwrap_or(0),
        duration: value["duration"].as_u64().unwrap_or(0),
        tags: tags(&value["tags"]),
        logs: list(&value["logs"])
            .iter()
            .map(|log| StoredLog { timestamp: log["timestamp"].as_u64().unwrap_or(0), fields: tags(&log["fields"]) })
            .collect(),
        process: StoredProcess {
            service: text(&value["process"]["serviceName"]),
            tags: tags(&value["process"]["tags"]),
        },
    })
}

fn tag(value: &Value) -> StoredTag {
    let key = value["key"].as_str().unwrap_or("").to_string();
    let text = value["value"].as_str().unwrap_or("").to_string();
    let value = match value["type"].as_str() {
        Some("bool") => StoredValue::Bool(value["value"].as_bool().unwrap_or(false)),
        Some("int64") => StoredValue::Int64(value["value"].as_i64().unwrap_or(0)),
        Some("float64") => StoredValue::Float64(value["value"].as_f64().unwrap_or(0.0)),
        Some("binary") => StoredValue::Binary(text.into_bytes()),
        _ => StoredValue::String(text),
    };
    StoredTag { key, value }
}
