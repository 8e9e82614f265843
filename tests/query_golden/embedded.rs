//! The data set in the embedded store.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use spaniel::clock::Clock;
use spaniel::item::{Batch, Id, Item, Kind, Label, Run, Verdict};
use spaniel::memory::Budget;
use spaniel::settings::{Embedded, Indices};
use spaniel::store::Writer;
use spaniel::store::embedded::EmbeddedStore;

use crate::dataset::{Dataset, Document};
use crate::memory::day_of_index;

/// A store in this directory that holds the data set, copies of spans included.
pub(crate) async fn filled(directory: &Path, dataset: &Dataset) -> Arc<EmbeddedStore> {
    let settings = Embedded {
        directory: directory.to_path_buf(),
        max_age: Duration::ZERO,
        max_bytes: 0,
        commit_interval: Duration::from_millis(5),
    };
    let store = EmbeddedStore::open(&settings, &Indices::default(), Clock::at(dataset.recorded_at)).unwrap();
    let spans = dataset.spans.iter().map(|document| (Kind::Span, document));
    let services = dataset.services.iter().map(|document| (Kind::Service, document));
    let verdicts = store.write(&batch(spans.chain(services))).await.verdicts;
    assert!(verdicts.iter().all(|verdict| *verdict == Verdict::Stored), "{verdicts:?}");
    store
}

/// Each document with a name of its own, as jaeger-collector leaves naming to the server.
fn batch<'a>(documents: impl Iterator<Item = (Kind, &'a Document)>) -> Batch {
    let mut bytes = Vec::new();
    let mut items = Vec::new();
    for (number, (kind, document)) in documents.enumerate() {
        let start = bytes.len() as u32;
        bytes.extend_from_slice(document.source.get().as_bytes());
        let since_1970 = day_of_index(&document.index) - time::Date::from_ordinal_date(1970, 1).unwrap();
        let hour = since_1970.whole_hours() as u64;
        items.push(Item { kind, hour, id: Id((number as u128).to_be_bytes()), start, end: bytes.len() as u32 });
    }
    let reservation = Budget::new(0).reserve();
    Batch::of(vec![Arc::new(Run::new(Label(0), items, bytes, reservation))])
}
