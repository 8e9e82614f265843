//! OTLP's JSON: no panic, every span accounted for, and serde_json agrees on what is JSON.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde::de::IgnoredAny;
use spaniel_fuzz::Looker;
use spaniel_fuzz::decode::{Limits, Scratch, otlp_json};

fuzz_target!(|body: &[u8]| {
    let scratch = Scratch::new();
    let mut looker = Looker::default();
    let outcome = otlp_json(body, &scratch, &Limits::default(), &mut looker);
    if outcome.is_err() {
        assert_eq!((looker.spans, looker.refusals), (0, 0));
    }
    // What is JSON from end to end is never cut off.
    if serde_json::from_slice::<IgnoredAny>(body).is_ok() {
        assert_eq!(looker.truncated, 0);
    }
    // Control characters may stand in strings; otherwise a span is JSON to the letter.
    for wire in &looker.wires {
        if wire.iter().all(|&byte| byte >= b' ') && std::str::from_utf8(wire).is_ok() {
            assert!(serde_json::from_slice::<IgnoredAny>(wire).is_ok());
        }
    }
});
