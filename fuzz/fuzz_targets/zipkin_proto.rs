//! Zipkin's protobuf: no panic, what is unreadable gave nothing, and a span stands for itself.
#![no_main]

use libfuzzer_sys::fuzz_target;
use spaniel_fuzz::Looker;
use spaniel_fuzz::decode::{Limits, Scratch, zipkin_proto};

/// A list of this span alone.
fn alone(wire: &[u8]) -> Vec<u8> {
    let mut list = vec![0x0a];
    let mut length = wire.len();
    while length >= 0x80 {
        list.push(length as u8 | 0x80);
        length >>= 7;
    }
    list.push(length as u8);
    list.extend(wire);
    list
}

fuzz_target!(|body: &[u8]| {
    let scratch = Scratch::new();
    let mut looker = Looker::default();
    let outcome = zipkin_proto(body, &scratch, &Limits::default(), &mut looker);
    if outcome.is_err() {
        assert_eq!((looker.spans, looker.refusals), (0, 0));
    }
    for wire in &looker.wires {
        let (list, scratch) = (alone(wire), Scratch::new());
        let mut again = Looker::default();
        assert_eq!(zipkin_proto(&list, &scratch, &Limits::default(), &mut again), Ok(()));
        assert_eq!((&again.wires, again.refusals), (&vec![wire.clone()], 0));
    }
});
