//! A server that takes not all, or not now: nothing is lost, and what is sent again is stored once.

use serde_json::{Value, json};
use spaniel::item::{Batch, Kind, OVERLOADED, Verdict};
use spaniel::store::Writer as _;

use super::site::{SPANS, Site, batch, golden_spans};
use super::support::server::Server;

/// Settings that bring the limits within reach.
pub(crate) const SETTINGS: [&str; 3] =
    ["thread_pool.write.size: 1", "thread_pool.write.queue_size: 2", "http.max_content_length: 1mb"];

/// A block as of a full disk, and indices that may not be made: both are mended by an operator.
pub(crate) fn what_is_mended_later_is_stored_later(server: &Server) {
    let site = Site::new(server, "mended", |_| {});
    let spans = golden_spans();
    let (first, all) = (batch(&spans[..1]), batch(&spans));
    let allow = |value: Value| {
        let body = json!({ "transient": { "action.auto_create_index": value } });
        let (status, answer) = server.call("PUT", "/_cluster/settings", Some(&body));
        assert_eq!(status, 200, "{answer}");
    };
    allow(json!("false"));
    assert_eq!(site.write(&first), [Verdict::Again("index-missing")]);
    allow(Value::Null);
    assert_eq!(site.write(&first), [Verdict::Stored]);

    let block = |value: Value| {
        let body = json!({ "index.blocks.read_only_allow_delete": value });
        let (status, answer) = server.call("PUT", &format!("/{}/_settings", site.index("jaeger-span")), Some(&body));
        assert_eq!(status, 200, "{answer}");
    };
    block(json!(true));
    assert_eq!(site.write(&all), vec![Verdict::Again("index-blocked"); spans.len()]);
    assert!(site.writer.status().trouble.is_some_and(|trouble| trouble.contains("cluster_block_exception")));
    block(Value::Null);
    let mut wanted = vec![Verdict::Stored; spans.len()];
    wanted[0] = Verdict::AlreadyThere;
    assert_eq!(site.write(&all), wanted);
    assert_eq!(site.count("jaeger-span"), SPANS);
}

/// Errors that servers call 400 and that are no document's fault, and one that no table knows.
pub(crate) fn what_is_no_documents_fault_is_never_refused(server: &Server) {
    let site = Site::new(server, "faultless", |_| {});
    let first = batch(&golden_spans()[..1]);
    // 6.6 only warns.
    if server.release.major() > 6 || server.release.is_opensearch() {
        let most = |value: Value| {
            let body = json!({ "transient": { "cluster.max_shards_per_node": value } });
            site.call("PUT", "/_cluster/settings", Some(&body));
        };
        most(json!(1));
        assert_eq!(site.write(&first), [Verdict::Again("shard-limit")]);
        most(Value::Null);
    }
    assert_eq!(site.write(&first), [Verdict::Stored]);
    let index = site.index("jaeger-span");
    site.call("POST", &format!("/{index}/_close"), None);
    assert_eq!(site.write(&first), [Verdict::Again("index-closed")]);
    site.call("POST", &format!("/{index}/_open?wait_for_active_shards=1"), None);
    assert_eq!(site.write(&first), [Verdict::AlreadyThere]);
    site.set(&json!({ "index.default_pipeline": "nobody-made-it" }));
    let second = batch(&golden_spans()[1..2]);
    let judgement = site.judge(&second);
    assert_eq!((judgement.verdicts, judgement.reasons.len()), (vec![Verdict::Again("unknown-type")], 0));
    site.set(&json!({ "index.default_pipeline": "_none" }));
    assert_eq!(site.write(&second), [Verdict::Stored]);
}

/// More requests at once than the server queues.
pub(crate) fn an_overloaded_server_gets_all_in_the_end(server: &Server) {
    let site = Site::new(server, "crowd", |_| {});
    let batches: Vec<Batch> = (0..40).map(|number| batch(&spans_of(number, 100, 0))).collect();
    assert_eq!(site.write(&batches[0]), vec![Verdict::Stored; 100]);
    let verdicts: Vec<_> = site.write_together(&batches).into_iter().flatten().collect();
    let known = [Verdict::Stored, Verdict::AlreadyThere, Verdict::Again(OVERLOADED)];
    assert!(verdicts.iter().all(|verdict| known.contains(verdict)), "{verdicts:?}");
    assert!(verdicts.contains(&known[2]), "the server was never too busy");
    for batch in &batches {
        // What it has in its queues may keep it busy a little longer.
        loop {
            let verdicts = site.write(batch);
            assert!(verdicts.iter().all(|verdict| known.contains(verdict)), "{verdicts:?}");
            if !verdicts.contains(&known[2]) {
                break;
            }
        }
    }
    assert_eq!(site.count("jaeger-span"), 40 * 100);
}

/// A request of 3 MB, and one document that is larger than any request may be.
pub(crate) fn what_is_too_large_together_is_stored_in_parts(server: &Server) {
    let site = Site::new(server, "large", |_| {});
    let mut spans = spans_of(0, 300, 10_000);
    spans[150].1["operationName"] = json!("x".repeat(1_500_000));
    let mut judgement = site.judge(&batch(&spans));
    let mut wanted = vec![Verdict::Stored; 300];
    // 6.6 closes the connection behind its 413, which may get lost so: then the span is sent again.
    for _ in 0..100 {
        if judgement.verdicts[150] != Verdict::Again("connection-reset") {
            break;
        }
        wanted[150] = Verdict::Again("connection-reset");
        assert_eq!(judgement.verdicts, wanted);
        judgement = site.judge(&batch(&spans));
        wanted = vec![Verdict::AlreadyThere; 300];
        wanted[150] = Verdict::Stored;
    }
    assert_eq!(judgement.verdicts, wanted);
    assert_eq!(judgement.mended, [("shortened", 1)]);
    assert_eq!(site.count("jaeger-span"), 300);
    let short = site.span(spans[150].1["spanID"].as_str().expect("an id"));
    assert_eq!(short["tags"][0]["key"], "spaniel.shortened", "{short}");
    assert_eq!(short["tags"].as_array().map(Vec::len), spans[150].1["tags"].as_array().map(|tags| tags.len() + 1));
    assert_eq!(short["traceID"], spans[150].1["traceID"]);
}

/// Spans like the captured ones, each another one, with so many bytes more.
fn spans_of(number: u32, count: u32, bytes: usize) -> Vec<(Kind, Value)> {
    let spans = golden_spans();
    let span = |index: u32| {
        let (kind, mut document) = spans[index as usize % spans.len()].clone();
        document["spanID"] = json!(format!("{number:08x}{index:08x}"));
        document["process"]["tags"] = json!([{ "key": "filler", "type": "string", "value": "x".repeat(bytes) }]);
        (kind, document)
    };
    (0..count).map(span).collect()
}
