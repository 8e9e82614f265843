//! Documents that real servers refuse for what they are like, mended and stored.

use serde_json::{Map, Value, json};
use spaniel::item::{Kind, Verdict};

use super::site::{Site, batch, golden_spans};
use super::support::server::Server;

/// One captured span, otherwise: its id is returned with it.
fn span(number: u32, change: impl FnOnce(&mut Value)) -> (String, (Kind, Value)) {
    let (kind, mut document) = golden_spans().swap_remove(0);
    let id = format!("{number:016x}");
    document["spanID"] = json!(id);
    change(&mut document);
    (id, (kind, document))
}

/// A field without `ignore_above`, as an operator's own template may have it.
pub(crate) fn a_value_that_is_too_long_is_cut(server: &Server) {
    let site = Site::new(server, "long", |_| {});
    let properties =
        json!({ "properties": { "operationName": { "type": "keyword" }, "spanID": { "type": "keyword" } } });
    let mappings = if server.release.major() == 6 { json!({ "span": properties }) } else { properties };
    site.call("PUT", &format!("/{}", site.index("jaeger-span")), Some(&json!({ "mappings": mappings })));
    let text = "é".repeat(20_000);
    let (id, long) = span(1, |document| document["operationName"] = json!(text));
    let judgement = site.judge(&batch(&[span(2, |_| {}).1, long]));
    assert_eq!(judgement.verdicts, vec![Verdict::Stored; 2], "{:?}", judgement.reasons);
    assert_eq!(judgement.mended, [("shortened", 1)]);
    let stored = site.span(&id);
    let name = stored["operationName"].as_str().expect("a name");
    assert!(text.starts_with(name) && name.len() == 32_766, "{}", name.len());
    assert_eq!(stored["tags"][0]["key"], "spaniel.shortened");
}

pub(crate) fn past_the_limit_of_fields_tags_are_nested(server: &Server) {
    let site = Site::new(server, "fields", |_| {});
    assert_eq!(site.write(&batch(&[span(1, |_| {}).1])), [Verdict::Stored]);
    site.set(&json!({ "index.mapping.total_fields.limit": 60 }));
    let fields: Map<String, Value> = (0..100).map(|number| (format!("key@{number}"), json!(number))).collect();
    let (id, many) = span(2, |document| document["tag"] = fields.into());
    let judgement = site.judge(&batch(&[many, span(3, |_| {}).1]));
    assert_eq!(judgement.verdicts, vec![Verdict::Stored; 2], "{:?}", judgement.reasons);
    assert_eq!(judgement.mended, [("nested-tags", 1)]);
    assert!(site.span(&id).get("tag").is_none());
    assert_eq!(site.spans_tagged("key.42", "42"), 1);
}

/// A tag `http` and a tag `http.status`, with dots left in the names of fields.
pub(crate) fn a_field_that_does_not_fit_is_nested(server: &Server) {
    let site = Site::new(server, "dots", |_| {});
    let (_, plain) = span(1, |document| document["tag"] = json!({ "http": "yes" }));
    assert_eq!(site.write(&batch(&[plain])), [Verdict::Stored]);
    let (id, dotted) = span(2, |document| document["tag"] = json!({ "http.status": 200 }));
    let judgement = site.judge(&batch(&[dotted]));
    assert_eq!(judgement.verdicts, [Verdict::Stored], "{:?}", judgement.reasons);
    assert_eq!(judgement.mended, [("nested-tags", 1)]);
    assert!(site.span(&id).get("tag").is_none());
    assert_eq!(site.spans_tagged("http.status", "200"), 1);
}

/// 6 has no such limit.
pub(crate) fn past_the_limit_of_nested_documents_the_rest_is_left_out(server: &Server) {
    if server.release.major() == 6 {
        return;
    }
    let site = Site::new(server, "nested", |_| {});
    assert_eq!(site.write(&batch(&[span(1, |_| {}).1])), [Verdict::Stored]);
    site.set(&json!({ "index.mapping.nested_objects.limit": 50 }));
    let tag = |number: u32| json!({ "key": format!("key{number}"), "type": "int64", "value": number });
    let (id, many) = span(2, |document| document["tags"] = (0..100).map(tag).collect());
    let judgement = site.judge(&batch(&[many]));
    assert_eq!(judgement.verdicts, [Verdict::Stored], "{:?}", judgement.reasons);
    assert_eq!(judgement.mended, [("nested-left-out", 1)]);
    let stored = site.span(&id);
    assert_eq!(stored["tags"][0]["key"], "spaniel.left-out", "{stored}");
    assert_eq!((site.spans_tagged("key0", "0"), site.spans_tagged("key99", "99")), (1, 0));
}
