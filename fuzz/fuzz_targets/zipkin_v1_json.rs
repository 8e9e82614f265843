//! Zipkin's JSON on the path of v1: no panic, every span accounted for, and serde_json agrees on
//! what is JSON.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use spaniel_fuzz::Looker;
use spaniel_fuzz::decode::{Limits, Scratch, zipkin_v1_json};

fuzz_target!(|body: &[u8]| {
    let scratch = Scratch::new();
    let mut looker = Looker::default();
    let outcome = zipkin_v1_json(body, &scratch, &Limits::default(), &mut looker);
    // A body that both take as a list: each element is a refusal or up to 16 spans.
    if let Ok(elements) = serde_json::from_slice::<Vec<Box<RawValue>>>(body) {
        let spans = elements.iter().filter(|element| element.get() != "null").count();
        assert_eq!((outcome, looker.truncated), (Ok(()), 0));
        assert!(looker.spans + looker.refusals >= spans);
        assert!(looker.spans <= (spans - looker.refusals) * 16);
    }
    for wire in &looker.wires {
        if wire.iter().all(|&byte| byte >= b' ') && std::str::from_utf8(wire).is_ok() {
            assert!(serde_json::from_slice::<IgnoredAny>(wire).is_ok());
        }
    }
});
