//! Any records come back as they were, and any file is read without harm.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;
use spaniel::item::{Id, Item, Kind, Label};
use spaniel::spool::disk::simulated::SimulatedDisk;
use spaniel::spool::log::{Log, Options, OwnedRecord, Step};

use crate::hostile;

fn items(documents: u32) -> impl Strategy<Value = Vec<Item>> {
    let item = (any::<bool>(), 0..1u64 << 56, any::<[u8; 16]>(), 0..=documents, 0..=documents);
    let item = item.prop_map(|(is_span, hour, id, one, two)| Item {
        kind: if is_span { Kind::Span } else { Kind::Service },
        hour,
        id: Id(id),
        start: one.min(two),
        end: one.max(two),
    });
    prop::collection::vec(item, 0..5)
}

fn record() -> impl Strategy<Value = OwnedRecord> {
    let bytes =
        |most| prop_oneof![prop::collection::vec(any::<u8>(), 0..most), prop::collection::vec(Just(0), 0..most)];
    (any::<u8>(), bytes(2000), bytes(100)).prop_flat_map(|(label, documents, note)| {
        items(documents.len() as u32).prop_map(move |items| OwnedRecord {
            label: Label(label),
            items,
            documents: documents.clone(),
            note: note.clone(),
        })
    })
}

proptest! {
    // A failure prints what failed; no file is written beside the tests.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_records_are_read_as_they_were(commits in prop::collection::vec(prop::collection::vec(record(), 1..4), 1..6),
                                         compress: bool) {
        let disk = Arc::new(SimulatedDisk::new(1));
        let options = Options { segment_bytes: 16 << 10, max_bytes: 1 << 20, sync: false, compress, spare: 1 };
        let open = || Log::open(disk.clone(), Path::new("/log"), options.clone()).unwrap();
        let (log, _) = open();
        for commit in &commits {
            let places = log.append(&commit.iter().map(OwnedRecord::as_record).collect::<Vec<_>>()).unwrap();
            prop_assert_eq!(places.len(), commit.len());
        }
        drop(log);
        let (log, opened) = open();
        let mut read = Vec::new();
        for found in opened.segments {
            let walked = log.walk(found.segment, 0, None, &mut |step| {
                if let Step::Record(_, record) = step {
                    read.push(record.to_record());
                }
                ControlFlow::Continue(())
            });
            prop_assert_eq!(walked.unwrap().damages, 0);
        }
        prop_assert_eq!(read, commits.concat());
    }

    #[test]
    fn any_file_is_read_without_harm(input in prop::collection::vec(prop_oneof![any::<u8>(), 0..4u8], 0..3000)) {
        hostile::check(&input);
    }
}
