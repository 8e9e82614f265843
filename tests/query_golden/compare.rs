//! Answers brought into a form in which they can be compared.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

/// What does not count in a comparison.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Free {
    /// Tags of spans in any order: those of Zipkin's spans are in random order already in storage.
    pub(crate) tags: bool,
    /// Names in any order.
    pub(crate) names: bool,
}

/// The answer without what may differ from run to run: spans as a set, each with its process in
/// place of the process's number.
pub(crate) fn canonical(mut answer: Value, free: Free) -> Value {
    let Some(data) = answer.get_mut("data").and_then(Value::as_array_mut) else { return answer };
    for trace in data.iter_mut().filter(|trace| trace.get("spans").is_some()) {
        let processes = trace.as_object_mut().unwrap().remove("processes").unwrap();
        let spans = trace["spans"].as_array_mut().unwrap();
        for span in spans.iter_mut() {
            let id = span.as_object_mut().unwrap().remove("processID").unwrap();
            span["process"] = processes[id.as_str().unwrap()].clone();
            if free.tags {
                sort(&mut span["tags"]);
            }
        }
        spans.sort_by_cached_key(Value::to_string);
    }
    if free.names {
        data.sort_by_cached_key(Value::to_string);
    }
    answer
}

/// What is left of a canonical answer when tags were fields: they have no order, and a whole float
/// is an integer.
pub(crate) fn as_fields(mut answer: Value) -> Value {
    let traces = answer.get_mut("data").and_then(Value::as_array_mut).into_iter().flatten();
    for spans in traces.filter_map(|trace| trace.get_mut("spans").and_then(Value::as_array_mut)) {
        for span in spans.iter_mut() {
            whole_floats_are_integers(&mut span["tags"]);
            whole_floats_are_integers(&mut span["process"]["tags"]);
        }
        spans.sort_by_cached_key(Value::to_string);
    }
    answer
}

fn whole_floats_are_integers(tags: &mut Value) {
    for tag in tags.as_array_mut().into_iter().flatten() {
        // An integer that JavaScript cannot hold is shown as a string.
        let text = tag["value"].as_str().map_or_else(|| tag["value"].to_string(), str::to_string);
        let whole = text.strip_suffix(".0").unwrap_or(&text).parse::<i64>();
        if let (true, Ok(number)) = (tag["type"] == "float64" || tag["type"] == "int64", whole) {
            (tag["type"], tag["value"]) = ("int64".into(), number.into());
        }
    }
    sort(tags);
}

fn sort(list: &mut Value) {
    list.as_array_mut().unwrap().sort_by_cached_key(Value::to_string);
}

/// What an answer of ours keeps to in addition: names sorted, spans by start and id, processes
/// numbered by first appearance and none without a span.
pub(crate) fn check_order(answer: &Value) {
    let data = answer["data"].as_array().into_iter().flatten();
    let mut names = Vec::new();
    for item in data {
        match item.get("spans").and_then(Value::as_array) {
            Some(spans) => check_trace(spans, &item["processes"]),
            None => names.push(item.get("name").unwrap_or(item).as_str().unwrap()),
        }
    }
    assert!(names.is_sorted(), "{names:?}");
}

fn check_trace(spans: &[Value], processes: &Value) {
    let times: Vec<_> = spans.iter().map(|span| span["startTime"].as_u64()).collect();
    assert!(times.is_sorted(), "{times:?}");
    let mut numbers = HashMap::new();
    for span in spans {
        let next = format!("p{}", numbers.len() + 1);
        let id = span["processID"].as_str().unwrap();
        assert_eq!(*numbers.entry(id).or_insert_with(|| next), id);
    }
    let named: BTreeSet<_> = numbers.into_keys().collect();
    assert_eq!(named, processes.as_object().unwrap().keys().map(String::as_str).collect());
}

/// Where two values differ first, and how; `None` if they are equal.
pub(crate) fn first_difference(ours: &Value, theirs: &Value) -> Option<String> {
    let below = |key: String, ours, theirs| first_difference(ours, theirs).map(|rest| format!("/{key}{rest}"));
    match (ours, theirs) {
        _ if ours == theirs => None,
        // The recorder read `-0` as an integer.
        (Value::Number(one), Value::Number(other)) if one.as_f64() == Some(0.0) && other.as_i64() == Some(0) => None,
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            let mut pairs = one.iter().zip(other).enumerate();
            pairs.find_map(|(index, (ours, theirs))| below(index.to_string(), ours, theirs))
        }
        (Value::Object(one), Value::Object(other)) if one.keys().eq(other.keys()) => {
            one.iter().find_map(|(key, ours)| below(key.clone(), ours, &other[key]))
        }
        _ => Some(format!(": ours {ours}, theirs {theirs}")),
    }
}
