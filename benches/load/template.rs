//! Bodies in any encoding, with places where fresh ids are written: a body is made with ids that are
//! found in it again.

use anyhow::{Context, Result};

/// A body and the places in it that must be fresh on every message.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    pub(crate) body: Vec<u8>,
    trace_ids: Vec<Place>,
    span_ids: Vec<Place>,
    /// Further places of the trace id of a span: references have it too.
    again: Vec<(usize, Place)>,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    offset: usize,
    form: Form,
}

/// How an id is written.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Form {
    /// So many digits.
    Hex(usize),
    /// So many bytes, the highest first.
    Bytes(usize),
    /// Thrift's compact protocol: always ten bytes, for ids are large and positive.
    Varint,
}

impl Form {
    /// The id as it is written: over and over where there is more room than 64 bits.
    fn write(self, id: u64) -> Vec<u8> {
        match self {
            Form::Hex(digits) => {
                let digit = |index: usize| b"0123456789abcdef"[(id >> (4 * ((digits - 1 - index) % 16))) as usize & 15];
                (0..digits).map(digit).collect()
            }
            Form::Bytes(count) => id.to_be_bytes().into_iter().cycle().take(count).collect(),
            Form::Varint => {
                let zigzag = positive(id) << 1;
                let byte = |index: u32| (zigzag >> (7 * index)) as u8 & 127 | if index < 9 { 128 } else { 0 };
                (0..10).map(byte).collect()
            }
        }
    }
}

/// The id as a positive number of which the second highest bit is set.
pub(crate) fn positive(id: u64) -> u64 {
    id >> 2 | 1 << 62
}

/// The ids of the span of this number, by which they are found again.
pub(crate) fn mark(number: usize) -> (u64, u64) {
    let id = mix(1 << 63 | number as u64);
    (id, id.rotate_left(32))
}

impl Template {
    /// A body whose spans were made with the ids of [`mark`]; `trace` and `span` are how those are
    /// written.
    pub(crate) fn with_ids(body: Vec<u8>, spans: usize, trace: Form, span: Form) -> Result<Self> {
        let find = |form: Form, id: u64| -> Vec<Place> {
            let written = form.write(id);
            let windows = body.windows(written.len()).enumerate();
            windows.filter(|(_, window)| *window == written).map(|(offset, _)| Place { offset, form }).collect()
        };
        let (mut trace_ids, mut span_ids, mut again) = (Vec::new(), Vec::new(), Vec::new());
        for number in 0..spans {
            let mut traces = find(trace, mark(number).0).into_iter();
            trace_ids.push(traces.next().context("a trace id is not in its body")?);
            again.extend(traces.map(|place| (number, place)));
            span_ids.push(*find(span, mark(number).1).first().context("a span id is not in its body")?);
        }
        Ok(Template { trace_ids, span_ids, again, body })
    }

    /// Writes ids made from `serial`, which must never come twice.
    pub(crate) fn freshen(&mut self, serial: &mut u64) {
        let first = *serial + 1;
        for index in 0..self.trace_ids.len() {
            *serial += 1;
            let id = mix(*serial);
            write_id(&mut self.body, self.trace_ids[index], id);
            write_id(&mut self.body, self.span_ids[index], id.rotate_left(32));
        }
        for &(index, place) in &self.again {
            write_id(&mut self.body, place, mix(first + index as u64));
        }
    }
}

/// A bijection, so that different serials give different ids (the finaliser of SplitMix64).
fn mix(serial: u64) -> u64 {
    let mut mixed = serial.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn write_id(body: &mut [u8], place: Place, id: u64) {
    match place.form {
        // The hot ones, without a buffer between.
        Form::Hex(digits) => {
            for (digit, byte) in body[place.offset..place.offset + digits].iter_mut().rev().enumerate() {
                *byte = b"0123456789abcdef"[(id >> (4 * (digit % 16))) as usize & 15];
            }
        }
        Form::Bytes(count) => {
            let bytes = id.to_be_bytes();
            let eights = body[place.offset..place.offset + count].chunks_mut(8);
            eights.for_each(|eight| eight.copy_from_slice(&bytes[..eight.len()]));
        }
        Form::Varint => {
            let written = place.form.write(id);
            body[place.offset..place.offset + written.len()].copy_from_slice(&written);
        }
    }
}
