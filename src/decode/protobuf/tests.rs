use proptest::prelude::*;
use prost::bytes::Buf;
use prost::encoding::{self, DecodeContext, WireType};

use super::*;

fn faulty<T: std::fmt::Debug>(outcome: Read<T>) -> &'static str {
    outcome.unwrap_err().what
}

/// The numbers of all fields, their values passed over.
fn walk(body: &[u8], depth: usize) -> Read<Vec<u32>> {
    let mut message = Message::new(body);
    let mut numbers = Vec::new();
    while let Some(field) = message.field()? {
        message.skip(field, depth)?;
        numbers.push(field.number);
    }
    Ok(numbers)
}

/// The same as prost reads it.
fn walk_by_prost(mut body: &[u8]) -> Option<Vec<u32>> {
    let mut numbers = Vec::new();
    while body.has_remaining() {
        let (number, wire) = encoding::decode_key(&mut body).ok()?;
        encoding::skip_field(wire, number, &mut body, DecodeContext::default()).ok()?;
        numbers.push(number);
    }
    Some(numbers)
}

#[test]
fn a_message_inside_ends_where_its_length_says() {
    // 1: { 2: 150 }, 3: "after"
    let body = b"\x0a\x03\x10\x96\x01\x1a\x05after";
    let mut outer = Message::new(body);
    assert_eq!(outer.field(), Ok(Some(Field { number: 1, wire: Wire::Bytes })));
    let mut inner = outer.message().unwrap();
    assert_eq!((inner.offset(), inner.rest()), (2, &b"\x10\x96\x01"[..]));
    assert_eq!(inner.field(), Ok(Some(Field { number: 2, wire: Wire::Varint })));
    assert_eq!(inner.varint(), Ok(150));
    assert_eq!((inner.field(), inner.offset()), (Ok(None), 5));
    assert_eq!(faulty(inner.varint()), TRUNCATED.what);
    assert_eq!(outer.field(), Ok(Some(Field { number: 3, wire: Wire::Bytes })));
    assert_eq!(outer.text().unwrap().decoded(), "after");
    assert!(outer.is_at_end());
}

#[test]
fn lists_of_scalars_may_be_packed() {
    // 4: packed 1, 300; 4: 2
    let mut message = Message::new(b"\x22\x03\x01\xac\x02\x20\x02");
    let mut values = Vec::new();
    while let Some(field) = message.field().unwrap() {
        match field {
            Field { number: 4, wire: Wire::Varint } => values.push(message.varint().unwrap()),
            Field { number: 4, wire: Wire::Bytes } => {
                let mut packed = message.message().unwrap();
                while !packed.is_at_end() {
                    values.push(packed.varint().unwrap());
                }
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(values, [1, 300, 2]);
}

#[test]
fn text_that_is_no_utf_8_is_kept() {
    let mut message = Message::new(b"\x03a\xffb");
    assert_eq!(message.text().unwrap().decoded(), "a\u{fffd}b");
}

#[test]
fn lengths_are_not_believed() {
    let huge = [&[0xff; 9][..], &[1]].concat();
    for length in [&b"\x05"[..], b"\xff\xff\xff\xff\x0f", &huge] {
        let body = [length, b"abcd"].concat();
        assert_eq!(faulty(Message::new(&body).bytes()), TRUNCATED.what);
        assert_eq!(faulty(Message::new(&body).message()), TRUNCATED.what);
    }
}

#[test]
fn what_is_no_protobuf() {
    assert_eq!(faulty(Message::new(b"\x00\x00").field()), BAD_KEY.what);
    assert_eq!(faulty(Message::new(b"\x0e").field()), BAD_KEY.what);
    assert_eq!(faulty(Message::new(b"\xff\xff\xff\xff\x7f").field()), BAD_KEY.what);
    assert_eq!(faulty(walk(b"\x0c", 4)), BAD_GROUP.what);
    assert_eq!(faulty(walk(b"\x0b\x14", 4)), BAD_GROUP.what);
    assert_eq!(faulty(Message::new(&[0xff; 11]).varint()), OVERLONG.what);
    assert_eq!(faulty(Message::new(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02").varint()), OVERLONG.what);
    assert_eq!(Message::new(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01").varint(), Ok(u64::MAX));
}

#[test]
fn groups_are_passed_over_to_a_limited_depth() {
    let nested = |depth| [vec![0x0b; depth], vec![0x0c; depth]].concat();
    assert_eq!(walk(&nested(10), 10), Ok(vec![1]));
    assert_eq!(faulty(walk(&nested(10), 9)), TOO_DEEP.what);
    assert_eq!(faulty(walk(&vec![0x0b; 1_000_000], 64)), TOO_DEEP.what);
    assert_eq!(faulty(walk(b"\x0b\x08\x01", 64)), TRUNCATED.what);
}

fn fields() -> impl Strategy<Value = Vec<u8>> {
    let number = prop_oneof![1_u32..16, 1_u32..(1 << 29)];
    let leaf = (number.clone(), any::<u64>(), 0..4_u8).prop_map(|(number, value, wire)| {
        let mut bytes = Vec::new();
        match wire {
            0 => encoding::uint64::encode(number, &(value >> (value & 63)), &mut bytes),
            1 => encoding::fixed64::encode(number, &value, &mut bytes),
            2 => encoding::fixed32::encode(number, &(value as u32), &mut bytes),
            _ => encoding::bytes::encode(number, &value.to_le_bytes()[..(value & 7) as usize].to_vec(), &mut bytes),
        }
        bytes
    });
    let tree = leaf.prop_recursive(4, 24, 5, move |inner| {
        (number.clone(), any::<bool>(), prop::collection::vec(inner, 0..5)).prop_map(|(number, group, parts)| {
            let content = parts.concat();
            let mut bytes = Vec::new();
            if group {
                encoding::encode_key(number, WireType::StartGroup, &mut bytes);
                bytes.extend(content);
                encoding::encode_key(number, WireType::EndGroup, &mut bytes);
            } else {
                encoding::bytes::encode(number, &content, &mut bytes);
            }
            bytes
        })
    });
    prop::collection::vec(tree, 0..6).prop_map(|trees| trees.concat())
}

proptest! {
    #[test]
    fn passes_over_what_prost_writes(body in fields()) {
        prop_assert_eq!(walk(&body, 90).ok(), walk_by_prost(&body));
    }

    /// Cut anywhere and with one byte changed to any other: both read the same or refuse it.
    #[test]
    fn agrees_with_prost_on_damaged_bodies(
        body in fields(), place in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>()
    ) {
        prop_assume!(!body.is_empty());
        let mut bytes = body;
        let at = place.index(bytes.len());
        bytes[at] = byte;
        bytes.truncate(cut.index(bytes.len() + 1));
        prop_assert_eq!(walk(&bytes, 90).ok(), walk_by_prost(&bytes));
    }

    #[test]
    fn agrees_with_prost_on_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        prop_assert_eq!(walk(&bytes, 90).ok(), walk_by_prost(&bytes));
    }
}
