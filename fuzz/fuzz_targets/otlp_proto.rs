//! OTLP's protobuf: no panic, and a span read alone is the span read in its request.
#![no_main]

use libfuzzer_sys::fuzz_target;
use spaniel_fuzz::decode::{Limits, Scratch, otlp_proto};
use spaniel_fuzz::{Looker, framed};

fuzz_target!(|body: &[u8]| {
    let scratch = Scratch::new();
    let mut looker = Looker::default();
    let outcome = otlp_proto(body, &scratch, &Limits::default(), &mut looker);
    if outcome.is_err() {
        assert_eq!((looker.spans, looker.refusals), (0, 0));
    }
    for wire in &looker.wires {
        // A request of this span alone.
        let alone = framed(1, &framed(2, &framed(2, wire)));
        let (scratch, mut again) = (Scratch::new(), Looker::default());
        assert_eq!(otlp_proto(&alone, &scratch, &Limits::default(), &mut again), Ok(()));
        // Text that is built is limited by the body's length, which is another one here.
        if again.refusals == 0 {
            assert_eq!(again.wires, vec![wire.clone()]);
        }
    }
});
