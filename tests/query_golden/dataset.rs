//! The data set that the golden answers were given over: the documents that jaeger-collector 1.76
//! wrote for the bodies that were sent, without those that a real Elasticsearch refused.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// A document and the index it went to.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Document {
    #[serde(rename = "_index")]
    pub(crate) index: String,
    #[serde(rename = "_id")]
    pub(crate) id: Option<String>,
    #[serde(rename = "_source")]
    pub(crate) source: Box<RawValue>,
}

/// What Elasticsearch held when the answers were recorded.
#[derive(Debug)]
pub(crate) struct Dataset {
    pub(crate) spans: Vec<Document>,
    pub(crate) services: Vec<Document>,
    /// When it was recorded, in microseconds since 1970.
    pub(crate) recorded_at: u64,
}

#[derive(Deserialize)]
struct Golden {
    input: String,
    spans: Vec<Document>,
    services: Vec<Document>,
}

pub(crate) fn data(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(path)
}

impl Dataset {
    pub(crate) fn load() -> Self {
        let golden = golden_by_input();
        let text = fs::read_to_string(data("query/dataset.json")).unwrap();
        let sent: Value = serde_json::from_str(&text).unwrap();
        let mut dataset = Dataset { spans: vec![], services: vec![], recorded_at: recorded_at(&sent) };
        let mut known_services = HashSet::new();
        for body in sent["bodies"].as_array().unwrap() {
            if body["status"]["jaeger-1.76"].is_null() {
                continue;
            }
            let input = body["input"].as_str().unwrap();
            let written = &golden[input];
            dataset.spans.extend(written.spans.iter().filter(|span| !is_refused(span)).cloned());
            // The collector's cache knows a pair of service and operation, but not its day.
            let new = written.services.iter().filter(|service| known_services.insert(service.id.clone()));
            dataset.services.extend(new.cloned());
        }
        dataset
    }
}

/// True for what a real Elasticsearch refuses: numbers beyond its field types.
fn is_refused(span: &Document) -> bool {
    let span: Value = serde_json::from_str(span.source.get()).unwrap();
    let late = |log: &Value| log["timestamp"].as_u64().is_some_and(|time| time > i64::MAX as u64);
    span["flags"].as_u64().is_some_and(|flags| flags > i32::MAX as u64)
        || span["logs"].as_array().is_some_and(|logs| logs.iter().any(late))
}

fn golden_by_input() -> HashMap<String, Golden> {
    let mut golden = HashMap::new();
    for entry in fs::read_dir(data("golden/jaeger-1.76")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "ndjson") {
            for line in fs::read_to_string(path).unwrap().lines() {
                let body: Golden = serde_json::from_str(line).unwrap();
                // The path of a body is that of its folder: `jaeger/grpc/x.pb`.
                golden.insert(body.input.clone(), body);
            }
        }
    }
    golden
}

fn recorded_at(sent: &Value) -> u64 {
    let text = sent["recorded_at"]["jaeger-1.76"].as_str().unwrap();
    let time = time::OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339).unwrap();
    time.unix_timestamp() as u64 * 1_000_000
}

#[test]
fn the_data_set_is_the_one_that_its_readme_counts() {
    assert_eq!(Dataset::load().spans.len(), 384);
}
