//! Jaeger's protobuf: no panic, and a span read alone is the span read in its request.
#![no_main]

use libfuzzer_sys::fuzz_target;
use spaniel_fuzz::decode::{Limits, jaeger_proto};
use spaniel_fuzz::{Looker, framed};

fuzz_target!(|body: &[u8]| {
    let mut looker = Looker::default();
    let outcome = jaeger_proto(body, &Limits::default(), &mut looker);
    if outcome.is_err() {
        assert_eq!((looker.spans, looker.refusals), (0, 0));
    }
    for wire in &looker.wires {
        // A request of this span alone.
        let alone = framed(1, &framed(1, wire));
        let mut again = Looker::default();
        assert_eq!(jaeger_proto(&alone, &Limits::default(), &mut again), Ok(()));
        assert_eq!((&again.wires, again.refusals), (&vec![wire.clone()], 0));
    }
});
