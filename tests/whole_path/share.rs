//! Downsampling: the very traces that Jaeger would keep.

use spaniel::span::TraceId;
use spaniel::span::repair::Family;

use crate::bodies::{self, Document};
use crate::embedded::stored;
use crate::reading::by_trace;
use crate::spaniel::Start;

/// The largest hash that 0.3 keeps: 2^64 - 1 times the float 0.3, which is 5404319552844595 / 2^54,
/// rounded to 64 bits and cut off.
const LARGEST: u64 = 5_404_319_552_844_595 * 1_024 - 1;

/// Jaeger's rule: FNV-1a over the salt and the 16 bytes of the id.
fn is_kept(id: TraceId) -> bool {
    let mut hash: u64 = 14_695_981_039_346_656_037;
    let id = (u128::from(id.high) << 64 | u128::from(id.low)).to_be_bytes();
    for byte in b"downsampling-default-salt".iter().chain(&id) {
        hash ^= u64::from(*byte);
        hash = hash.wrapping_mul(1_099_511_628_211);
    }
    hash <= LARGEST
}

#[test]
fn a_share_is_the_traces_that_jaeger_would_keep() {
    let bodies = bodies::all();
    let spaniel = Start::embedded().flags(&["--downsampling.ratio=0.3"]).run();
    bodies::send(&spaniel, &bodies);
    let books = spaniel.settled_books();
    for (family, name) in [(Family::Otel, "zipkin-json"), (Family::Native, "jaeger-thrift-http")] {
        let documents = bodies.iter().filter(|body| body.family == family).flat_map(|body| &body.expected.documents);
        let (kept, dropped): (Vec<_>, Vec<_>) =
            documents.partition(|(_, document)| is_kept(document.stored().trace_id));
        let page = &books["spans"][name];
        assert_eq!(page["sampled_out"]["downsampling"], dropped.len(), "{page}");
        let settled = page["stored"].as_u64().unwrap() + page["already_there"].as_u64().unwrap();
        assert_eq!(settled, kept.len() as u64, "{page}");
        assert!(!kept.is_empty() && kept.len() < dropped.len());
    }
    let all = by_trace(bodies::documents(&bodies).values().map(Document::stored));
    let directory = spaniel.stop();
    let stored = by_trace(stored(&directory.path().join("spaniel-data"), &all));
    let kept = all.into_iter().filter(|(id, _)| is_kept(*id)).collect();
    assert_eq!(stored, kept);
}
