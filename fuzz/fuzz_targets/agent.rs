//! A jaeger-agent's datagrams in both protocols: no panic, and a message is its batch.
#![no_main]

use libfuzzer_sys::fuzz_target;
use spaniel_fuzz::Looker;
use spaniel_fuzz::decode::{Limits, agent_binary, agent_compact, jaeger_compact, jaeger_thrift};

fuzz_target!(|body: &[u8]| {
    let limits = Limits::default();
    let (mut binary, mut compact) = (Looker::default(), Looker::default());
    let read = [agent_binary(body, &limits, &mut binary), agent_compact(body, &limits, &mut compact)];
    for (looker, read) in [&binary, &compact].into_iter().zip(read) {
        if read.is_err() {
            assert_eq!((looker.spans, looker.refusals), (0, 0));
        }
    }
    // The body as a bare batch, and in a message.
    let (mut bare, mut inside) = (Looker::default(), Looker::default());
    let head = b"\x80\x01\0\x04\0\0\0\x09emitBatch\0\0\0\0\x0c\0\x01";
    let outcome = jaeger_thrift(body, &limits, &mut bare);
    assert_eq!(outcome.is_ok(), agent_binary(&[head, body].concat(), &limits, &mut inside).is_ok());
    assert_eq!((bare.spans, bare.refusals), (inside.spans, inside.refusals));
    let (mut bare, mut inside) = (Looker::default(), Looker::default());
    let head = b"\x82\x81\0\x09emitBatch\x1c";
    let outcome = jaeger_compact(body, &limits, &mut bare);
    assert_eq!(outcome.is_ok(), agent_compact(&[head, body].concat(), &limits, &mut inside).is_ok());
    assert_eq!((bare.spans, bare.refusals), (inside.spans, inside.refusals));
});
