//! Every captured body of Zipkin's protobuf, v1 JSON and v1 Thrift through the whole house into the
//! embedded store.

use spaniel::span::repair::Family;

use crate::bodies::{self, Body, Document, Sums};
use crate::embedded::stored;
use crate::reading::by_trace;
use crate::spaniel::Start;

#[test]
fn captured_bodies_of_other_formats_are_stored_by_their_pages() {
    let pages = bodies::of_other_formats();
    let counts: Vec<_> = pages.iter().map(|(page, bodies)| (*page, bodies.len())).collect();
    assert_eq!(counts, [("zipkin-json-v1", 18), ("zipkin-proto", 33), ("zipkin-thrift", 8)]);
    let spaniel = Start::embedded().run();
    pages.values().for_each(|bodies| bodies::send(&spaniel, bodies));
    let books = spaniel.settled_books();
    for (page, bodies) in &pages {
        assert_eq!(Sums::of_page(&books["spans"][page]), bodies::sums(bodies, Family::Otel, |_| None), "{page}");
    }
    let metrics = spaniel.get("admin", "/metrics").text().unwrap();
    let turned = metrics.lines().find_map(|line| line.strip_prefix(r#"spaniel_mended_total{mend="reversed-ids"} "#));
    assert_eq!(turned, Some("778"), "those of Envoy (25 + 418 of the mesh, 335 others), and no other's");
    let all: Vec<Body> = pages.into_values().flatten().collect();
    let expected = by_trace(bodies::documents(&all).values().map(Document::stored));
    let directory = spaniel.stop();
    assert_eq!(by_trace(stored(&directory.path().join("spaniel-data"), &expected)), expected);
}
