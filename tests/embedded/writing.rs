//! What is written is there, once.

use std::collections::BTreeSet;

use spaniel::clock::Clock;
use spaniel::item::{Kind, Verdict};
use spaniel::settings::Indices;
use spaniel::span::TraceId;
use spaniel::store::embedded::{EmbeddedStore, OpenError};
use spaniel::store::{Reader, Writer};

use crate::support::*;

#[tokio::test]
async fn golden_documents_come_back_as_they_were() {
    let directory = tempfile::tempdir().unwrap();
    let documents = golden();
    let spans = golden_spans();
    let store = open(directory.path());
    let verdicts = write(&store, &documents).await;
    let stored = verdicts.iter().filter(|verdict| **verdict == Verdict::Stored).count();
    let distinct = documents.iter().map(|document| &document.line).collect::<BTreeSet<_>>().len();
    assert_eq!(stored, distinct);
    assert!(verdicts.iter().all(|verdict| matches!(verdict, Verdict::Stored | Verdict::AlreadyThere)));
    let expected = sorted(spans.iter().map(Document::parsed).collect());
    assert!(expected.len() > 400);
    assert_eq!(sorted(read_back(&store, &spans).await), expected);

    store.close().await;
    drop(store);
    let store = open(directory.path());
    assert_eq!(store.figures().documents, distinct as u64);
    assert_eq!(sorted(read_back(&store, &spans).await), expected);
}

#[tokio::test]
async fn services_and_operations_are_those_of_the_service_documents() {
    let directory = tempfile::tempdir().unwrap();
    let documents = golden();
    let store = open(directory.path());
    write(&store, &documents).await;
    let pairs = documents.iter().filter(|document| document.kind == Kind::Service).map(|document| {
        let value: serde_json::Value = serde_json::from_str(&document.line).unwrap();
        let text = |name: &str| value[name].as_str().unwrap().to_string();
        (text("serviceName"), text("operationName"))
    });
    // Elasticsearch's `ignore_above`, by which no name of more than 256 is listed.
    let pairs = pairs.filter(|(_, operation)| operation.encode_utf16().count() <= 256).collect::<BTreeSet<_>>();
    let services = pairs.iter().map(|(service, _)| service.clone()).collect::<BTreeSet<_>>();
    assert_eq!(store.services().await.unwrap(), services.iter().cloned().collect::<Vec<_>>());
    for service in &services {
        let operations = pairs.iter().filter(|pair| pair.0 == *service).map(|pair| pair.1.clone());
        assert_eq!(store.operations(service).await.unwrap(), operations.collect::<Vec<_>>(), "{service}");
    }
    assert!(store.operations("nobody").await.unwrap().is_empty());
}

#[tokio::test]
async fn a_document_sent_again_is_already_there() {
    let directory = tempfile::tempdir().unwrap();
    let documents = golden_spans();
    let count = documents.len();
    let store = open(directory.path());
    assert_eq!(write(&store, &documents).await, vec![Verdict::Stored; count]);
    assert_eq!(write(&store, &documents).await, vec![Verdict::AlreadyThere; count]);
    drop(store);
    let store = open(directory.path());
    let mut more = documents.clone();
    more.push(Document::span(&span(7, 7, NOON)));
    let verdicts = write(&store, &more).await;
    assert_eq!(verdicts[..count], vec![Verdict::AlreadyThere; count]);
    assert_eq!(verdicts[count], Verdict::Stored);
    assert_eq!(store.figures().documents, count as u64 + 1);
    assert_eq!(read_back(&store, &documents).await.len(), count);
}

#[tokio::test]
async fn a_document_twice_in_a_batch_is_stored_once() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let document = Document::span(&span(7, 7, NOON));
    let verdicts = write(&store, &[document.clone(), document.clone()]).await;
    assert_eq!(verdicts, [Verdict::Stored, Verdict::AlreadyThere]);
    assert_eq!(read_back(&store, &[document]).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_write_at_once_and_each_span_is_stored_by_one_of_them() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let tasks = (0..16u64).map(|writer| {
        let store = store.clone();
        tokio::spawn(async move {
            let mut stored = 0;
            for round in 0..8u64 {
                // Each span is sent by two writers.
                let values = (0..50).map(|number| span(1 + u128::from(writer / 2), round * 50 + number, NOON + round));
                let verdicts = store.write(&spans(&values.collect::<Vec<_>>())).await.verdicts;
                assert_eq!(verdicts.len(), 50);
                stored += verdicts.iter().filter(|verdict| **verdict == Verdict::Stored).count();
            }
            stored
        })
    });
    let mut stored = 0;
    for task in tasks.collect::<Vec<_>>() {
        stored += task.await.unwrap();
    }
    assert_eq!(stored, 8 * 8 * 50);
    let ids = (1..=8).map(|low| TraceId { high: 0, low }).collect::<Vec<_>>();
    let traces = store.traces(&ids).await.unwrap();
    assert_eq!(traces.iter().map(Vec::len).collect::<Vec<_>>(), [400; 8]);
    assert_eq!(store.figures().documents, 3200);
}

#[tokio::test]
async fn a_line_that_is_no_document_is_refused_alone() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let good = Document::span(&span(7, 7, NOON));
    let mut without_id = span(7, 8, NOON);
    without_id["traceID"] = "no hex".into();
    let bad = |line: &str| Document { kind: Kind::Span, line: line.into() };
    let documents = [bad("{"), good.clone(), bad("{\"serviceName\":\"x\"}"), Document::span(&without_id), bad("")];
    let refused = Verdict::Refused("document");
    assert_eq!(write(&store, &documents).await, [refused, Verdict::Stored, refused, refused, refused]);
    assert_eq!(read_back(&store, &[good]).await.len(), 1);
}

#[tokio::test]
async fn both_spellings_of_a_trace_id_are_one_trace() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let mut padded = span(0xabc, 2, NOON + 1);
    padded["traceID"] = format!("{:032x}", 0xabc).into();
    let mut short = span(0xabc, 3, NOON + 2);
    short["traceID"] = "abc".into();
    // The same low half, another trace.
    let other = span((5 << 64) + 0xabc, 4, NOON);
    store.write(&spans(&[span(0xabc, 1, NOON), padded, short, other])).await;
    let (id, other) = (TraceId { high: 0, low: 0xabc }, TraceId { high: 5, low: 0xabc });
    let traces = store.traces(&[other, TraceId { high: 0, low: 9 }, id]).await.unwrap();
    let numbers = traces.iter().map(|spans| spans.iter().map(|span| span.span_id).collect::<Vec<_>>());
    assert_eq!(numbers.collect::<Vec<_>>(), [vec![4], vec![1, 2, 3]]);
    assert_eq!(store.find_trace_ids(&everything("cart.shop")).await.unwrap(), [id, other]);
}

#[tokio::test]
async fn the_directory_is_for_one_at_a_time() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let again = || EmbeddedStore::open(&settings(directory.path()), &Indices::default(), Clock::at(NOON));
    let error = again().unwrap_err();
    assert!(matches!(error, OpenError::Locked { .. }));
    assert!(error.to_string().contains(&std::process::id().to_string()), "{error}");
    drop(store);
    again().unwrap();
}

#[test]
fn a_directory_that_cannot_be_made_is_told_with_the_mend() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = EmbeddedStore::open(&settings(&file.join("store")), &Indices::default(), Clock::at(NOON)).unwrap_err();
    assert!(error.to_string().contains("--embedded.directory"), "{error}");
}

#[tokio::test]
async fn after_the_close_nothing_is_taken_and_all_can_be_read() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let document = Document::span(&span(7, 7, NOON));
    write(&store, std::slice::from_ref(&document)).await;
    store.close().await;
    store.close().await;
    assert_eq!(write(&store, &[Document::span(&span(8, 8, NOON))]).await, [Verdict::Again("store-closed")]);
    assert_eq!(read_back(&store, &[document]).await.len(), 1);
}
