//! Jaeger Thrift in compact protocol: no panic, and a span read alone is the span read in its batch.
#![no_main]

use libfuzzer_sys::fuzz_target;
use spaniel_fuzz::Looker;
use spaniel_fuzz::decode::{Limits, jaeger_compact};

fuzz_target!(|body: &[u8]| {
    let mut looker = Looker::default();
    let outcome = jaeger_compact(body, &Limits::default(), &mut looker);
    if outcome.is_err() {
        assert_eq!((looker.spans, looker.refusals), (0, 0));
    }
    for wire in &looker.wires {
        // A batch of this span alone.
        let alone = [&[0x29, 0x1c], wire.as_slice(), &[0]].concat();
        let mut again = Looker::default();
        assert_eq!(jaeger_compact(&alone, &Limits::default(), &mut again), Ok(()));
        assert_eq!((&again.wires, again.refusals), (&vec![wire.clone()], 0));
    }
});
