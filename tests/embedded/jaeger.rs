//! The data set and the answers of a real jaeger-query 1.76 over Elasticsearch 7.17.

use std::collections::BTreeMap;

use spaniel::store::{Reader, Search};

use crate::support::*;

/// A search that was made, and the traces that were found, in order.
#[derive(serde::Deserialize)]
struct Asked {
    path: String,
    service: String,
    operation: String,
    tags: Vec<(String, String)>,
    start: u64,
    end: u64,
    min: Option<u64>,
    max: Option<u64>,
    limit: usize,
    traces: Vec<String>,
}

#[tokio::test]
async fn the_store_finds_what_jaeger_found() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    write(&store, &lines_of(include_str!("../data/embedded/query-documents.ndjson"))).await;
    let (mut found_some, mut differences) = (0, Vec::new());
    for line in include_str!("../data/embedded/query-searches.ndjson").lines() {
        let asked: Asked = serde_json::from_str(line).unwrap();
        let search = Search {
            service: asked.service,
            operation: Some(asked.operation).filter(|operation| !operation.is_empty()),
            tags: asked.tags,
            start: asked.start,
            end: asked.end,
            min_duration: asked.min,
            max_duration: asked.max,
            limit: asked.limit,
        };
        let expected = asked.traces.iter().map(|id| u128::from_str_radix(id, 16).unwrap()).collect::<Vec<_>>();
        let found = store.find_trace_ids(&search).await.unwrap();
        let found = found.iter().map(|id| u128::from(id.high) << 64 | u128::from(id.low)).collect::<Vec<_>>();
        if found != expected {
            differences.push(format!("{}: {found:x?}, not {expected:x?}", asked.path));
        }
        found_some += usize::from(!found.is_empty());
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert_eq!(found_some, 92);
}

#[tokio::test]
async fn the_store_knows_the_names_that_jaeger_knew() {
    #[derive(serde::Deserialize)]
    struct Names {
        services: Vec<String>,
        operations: BTreeMap<String, Vec<String>>,
    }
    let names: Names = serde_json::from_str(include_str!("../data/embedded/query-names.json")).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    write(&store, &lines_of(include_str!("../data/embedded/query-documents.ndjson"))).await;
    assert_eq!(store.services().await.unwrap(), names.services);
    for (service, operations) in names.operations {
        assert_eq!(store.operations(&service).await.unwrap(), operations, "{service}");
    }
}
