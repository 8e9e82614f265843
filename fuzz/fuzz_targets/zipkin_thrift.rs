//! Zipkin v1 Thrift: no panic, what is unreadable gave nothing, and the parts of a span are those
//! of that span alone.
#![no_main]

use libfuzzer_sys::fuzz_target;
use spaniel_fuzz::Looker;
use spaniel_fuzz::decode::{Limits, Scratch, zipkin_thrift};

fuzz_target!(|body: &[u8]| {
    let scratch = Scratch::new();
    let mut looker = Looker::default();
    let outcome = zipkin_thrift(body, &scratch, &Limits::default(), &mut looker);
    if outcome.is_err() {
        assert_eq!((looker.spans, looker.refusals), (0, 0));
    }
    for parts in looker.wires.chunk_by(|one, other| one == other) {
        let (list, scratch) = ([&[12, 0, 0, 0, 1], parts[0].as_slice()].concat(), Scratch::new());
        let mut again = Looker::default();
        assert_eq!(zipkin_thrift(&list, &scratch, &Limits::default(), &mut again), Ok(()));
        assert_eq!(again.refusals, 0);
        // Equal spans may stand side by side.
        assert_eq!(parts.len() % again.spans, 0);
        assert!(again.wires.iter().all(|wire| *wire == parts[0]));
    }
});
