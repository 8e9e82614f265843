//! The lean layout on a real server, beside Jaeger's template, as a jaeger-query leaves it.

use serde_json::{Value, json};
use spaniel::document::Shape;
use spaniel::item::{Kind, Verdict};
use spaniel::settings::{Document, Layout, Lean, LeanFields};
use spaniel::span::{Log, Reference, ReferenceKind, Span, Tag, Text, TraceId};

use super::site::{Site, batch};
use super::support::server::Server;

const START: u64 = 1_795_237_377_926_637;

fn layout(max_fields: usize, search_logs: bool) -> Layout {
    Layout::Lean(Lean { num_shards: 1, max_fields, search_logs })
}

/// A span with a reference, a log, and these tags.
fn span(most: usize, number: u64, keys: &[&str]) -> (Kind, Value) {
    let lean = Some(LeanFields { most, period_hours: 24 });
    let shape = Shape::new(&Document { lean, ..Document::default() });
    let tag = |key| Tag { key: Text::Plain(key), value: "v".into() };
    let span = Span {
        span_id: number,
        start: START + number,
        references: vec![Reference { kind: ReferenceKind::ChildOf, trace_id: TraceId::default(), span_id: 7 }],
        tags: keys.iter().map(|key| tag(key)).collect(),
        logs: vec![Log { timestamp: START, start: 0, end: 1 }],
        log_fields: vec![tag("event")],
        ..Span::default()
    };
    let (mut process, mut line) = (Vec::new(), Vec::new());
    shape.write_process(&mut process, "s".into(), &[tag("host.name")]);
    shape.write_span(&mut line, &span, &process);
    (Kind::Span, serde_json::from_slice(&line).expect("JSON"))
}

/// How many spans jaeger-query would find by this tag.
fn found(site: &Site<'_>, key: &str) -> u64 {
    let field = |object: &str| json!({ "regexp": { format!("{object}.{}", key.replace('.', "@")): { "value": "v" } } });
    let nested = |path: &str| {
        let must = json!([{ "match": { format!("{path}.key"): key } }, { "regexp": { format!("{path}.value"): "v" } }]);
        json!({ "nested": { "path": path, "query": { "bool": { "must": must } } } })
    };
    let should = [field("tag"), field("process.tag"), nested("tags"), nested("process.tags"), nested("logs.fields")];
    site.search("jaeger-span", &json!({ "size": 0, "query": { "bool": { "should": should } } }))
}

pub(crate) fn a_lean_span_is_one_document(server: &Server) {
    // Jaeger's templates first.

    Site::new(server, "lean", |_| {}).meet();
    let keys = ["http.status_code", "a", "a.b", "_id", "_source", "__proto__", "a b", "*", "\u{e9}", "\"\\", "."];
    let spans = [span(500, 1, &keys), span(500, 2, &[])];
    for (prefix, search_logs, documents, events) in [("lean", false, 2, 0), ("lean-logs", true, 4, 2)] {
        let site = Site::new(server, prefix, |settings| settings.layout = layout(500, search_logs));
        assert_eq!(site.write(&batch(&spans)), [Verdict::Stored, Verdict::Stored], "{}", server.release);
        assert_eq!(keys.map(|key| found(&site, key)), keys.map(|_| 1), "{}", server.release);
        assert_eq!((found(&site, "host.name"), found(&site, "event")), (2, events));
        assert_eq!(site.lucene_documents(), documents, "{}", server.release);
    }
}

/// Keys that Elasticsearch refuses as names of fields are in the list, and can be searched there.
pub(crate) fn odd_keys_cost_no_span(server: &Server) {
    let site = Site::new(server, "odd", |settings| settings.layout = layout(500, false));
    let long = "x".repeat(40_000);
    let keys = ["", " ", "\u{2003}", "\u{1c}", "\t", "\0", "@jaeger@format", &long];
    let spans: Vec<_> = keys.iter().enumerate().map(|(number, key)| span(500, number as u64, &[key])).collect();
    assert_eq!(site.write(&batch(&spans)), keys.map(|_| Verdict::Stored), "{}", server.release);
    assert_eq!(found(&site, "@jaeger@format"), 1);
}

/// Many collectors, or one that was started often, have more names than one may give out: the
/// server's own limit holds. From 8.14 on that costs no span.
pub(crate) fn names_cannot_explode_the_mapping(server: &Server) {
    let site = Site::new(server, "many", |settings| settings.layout = layout(10, false));
    let names: Vec<String> = (0..300).map(|number| format!("name.{number}")).collect();
    let keys: Vec<&str> = names.iter().map(String::as_str).collect();
    let verdicts = site.write(&batch(&[span(500, 1, &["first"]), span(500, 2, &keys)]));
    let ignores = server.release.major() >= 8 && !server.release.is_opensearch();
    assert_eq!(verdicts, [Verdict::Stored, Verdict::Stored]);
    assert!(site.fields() <= 120, "{} fields on {}", site.fields(), server.release);
    // One collector keeps to its own limit, whatever is sent.
    assert_eq!(site.write(&batch(&[span(10, 3, &keys)])), [Verdict::Stored]);
    // Servers that do not ignore the names refused the second span, and took it with its tags listed.
    assert_eq!(found(&site, "name.299"), if ignores { 1 } else { 2 });
}

/// Back in Jaeger's layout its template holds again.
pub(crate) fn the_lean_template_goes_with_the_layout(server: &Server) {
    let status = |site: &Site<'_>| server.call("GET", &site.template_path("jaeger-span-lean"), None).0;
    let site = Site::new(server, "back", |settings| settings.layout = layout(500, false));
    site.meet();
    assert_eq!(status(&site), 200);
    let site = Site::new(server, "back", |_| {});
    site.meet();
    assert_eq!(status(&site), 404);
}
