use crate::decode::test_sink::{Collected, decode_agent_binary, decode_agent_compact, decode_compact, decode_thrift};
use thrift::protocol::{
    TBinaryOutputProtocol, TCompactOutputProtocol, TMessageIdentifier, TMessageType, TOutputProtocol,
};

/// The body of a captured request, which is a bare batch in binary protocol.
const BATCH: &[u8] = include_bytes!("../../../tests/data/jaeger/thrift-http/minimal-64.thrift");
/// A datagram of one span in compact protocol.
const COMPACT: &[u8] = include_bytes!("../../../tests/data/jaeger/udp-compact/minimal-64.thrift");

fn head(output: &mut dyn TOutputProtocol, name: &str, kind: TMessageType, number: i32) {
    output.write_message_begin(&TMessageIdentifier::new(name, kind, number)).unwrap();
}

/// A message around the batch, by the head that the `thrift` crate writes.
fn binary(name: &str, strict: bool, kind: TMessageType, number: i32) -> Vec<u8> {
    let mut message = Vec::new();
    head(&mut TBinaryOutputProtocol::new(&mut message, strict), name, kind, number);
    [&message, &[12, 0, 1][..], BATCH, &[0]].concat()
}

fn services(collected: &Collected) -> Vec<Option<&str>> {
    assert_eq!(collected.unreadable, None);
    collected.spans.iter().map(|span| span.service.as_deref()).collect()
}

#[test]
fn heads_of_both_forms_and_kinds_are_read() {
    let bare = decode_thrift(BATCH);
    for strict in [true, false] {
        for (kind, number) in [(TMessageType::Call, 0), (TMessageType::OneWay, i32::MAX), (TMessageType::OneWay, -1)] {
            let collected = decode_agent_binary(&binary("emitBatch", strict, kind, number));
            assert_eq!(services(&collected), services(&bare));
            assert_eq!(collected.spans[0].wire, bare.spans[0].wire);
        }
    }
}

#[test]
fn a_compact_head_may_have_a_long_number() {
    let (_, batch) = COMPACT.split_at(COMPACT.windows(9).position(|name| name == b"emitBatch").unwrap() + 9);
    for (kind, number) in [(TMessageType::Call, 0), (TMessageType::OneWay, i32::MAX)] {
        let mut message = Vec::new();
        head(&mut TCompactOutputProtocol::new(&mut message), "emitBatch", kind, number);
        message.extend(batch);
        assert_eq!(decode_agent_compact(&message).spans.len(), 1);
    }
    // Behind the head of its one argument stands the bare batch.
    assert_eq!(decode_compact(&batch[1..]).spans.len(), 1);
}

#[test]
fn other_arguments_are_passed_over() {
    let mut message = binary("emitBatch", true, TMessageType::OneWay, 1);
    let before_batch = message.windows(3).position(|field| field == [12, 0, 1]).unwrap();
    message.splice(before_batch..before_batch, [8, 0, 7, 0, 0, 0, 1, 11, 0, 1, 0, 0, 0, 0]);
    assert_eq!(decode_agent_binary(&message).spans.len(), 1);
}

#[test]
fn what_is_no_batch_says_what_it_is() {
    let said = |body: &[u8]| decode_agent_binary(body).unreadable.unwrap().what;
    let name = |name: &str| said(&binary(name, true, TMessageType::OneWay, 1));
    assert!(name("emitZipkinBatch").contains("9411"));
    assert_eq!(name("emitbatch"), "the message is no emitBatch");
    let mut empty = Vec::new();
    head(&mut TBinaryOutputProtocol::new(&mut empty, true), "emitBatch", TMessageType::OneWay, 1);
    empty.push(0);
    assert_eq!(said(&empty), "the message holds no batch");
    assert_eq!(said(&[0x80, 2, 0, 1]), "no message of this protocol and version");
    assert_eq!(decode_agent_compact(&[0x82, 0x22]).unreadable.unwrap().what, "no message of this protocol and version");
}

#[test]
fn neither_reads_the_datagrams_of_the_other() {
    assert!(decode_agent_binary(COMPACT).unreadable.is_some());
    assert!(decode_agent_compact(&binary("emitBatch", true, TMessageType::OneWay, 1)).unreadable.is_some());
}
