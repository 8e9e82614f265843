//! Bodies of real Envoys, with places where fresh ids and times are written.
//!
//! [`Template::with_ids`] takes a body in any encoding, made with ids that are found in it again.

#![allow(dead_code, reason = "the pipeline's bench shares the bodies and needs no fresh ids")]

use anyhow::{Context, Result, ensure};

/// Bodies of bookinfo page loads, as Envoy 1.40 posted them.
const CAPTURED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/envoy");

/// A body and the places in it that must be fresh on every POST.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    pub(crate) body: Vec<u8>,
    trace_ids: Vec<Place>,
    span_ids: Vec<Place>,
    /// Further places of the trace id of a span: references have it too.
    again: Vec<(usize, Place)>,
    times: Vec<usize>,
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
        Ok(Template { trace_ids, span_ids, again, times: Vec::new(), body })
    }

    /// Writes ids made from `serial`, which must never come twice, and the time of now.
    pub(crate) fn freshen(&mut self, serial: &mut u64, now_micros: u64) {
        for index in 0..self.trace_ids.len() {
            *serial += 1;
            let id = mix(*serial);
            write_id(&mut self.body, self.trace_ids[index], id);
            write_id(&mut self.body, self.span_ids[index], id.rotate_left(32));
        }
        let first = *serial - self.trace_ids.len() as u64 + 1;
        for &(index, place) in &self.again {
            write_id(&mut self.body, place, mix(first + index as u64));
        }
        if self.times.is_empty() {
            return;
        }
        let mut digits = [0; 16];
        let mut rest = now_micros;
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        for &time in &self.times {
            self.body[time..time + 16].copy_from_slice(&digits);
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

/// `count` different bodies of `spans` spans each, cut from the captured page loads.
pub(crate) fn templates(spans: usize, count: usize) -> Result<Vec<Template>> {
    let captured = captured_spans()?;
    let mut pool = captured.iter().cycle();
    (0..count)
        .map(|_| {
            let list: Vec<&str> = pool.by_ref().take(spans).map(String::as_str).collect();
            template(format!("[{}]", list.join(",")))
        })
        .collect()
}

/// Spans of the seven pods of "50 page loads", in the order of the files, each as Envoy wrote it.
pub(crate) fn captured_spans() -> Result<Vec<String>> {
    let mut files: Vec<_> = std::fs::read_dir(CAPTURED).context(CAPTURED)?.collect::<Result<Vec<_>, _>>()?;
    files.sort_by_key(std::fs::DirEntry::file_name);
    let mut spans = Vec::new();
    for file in files {
        let name = file.file_name();
        let number = name.to_str().and_then(|name| name.get(..3)).and_then(|digits| digits.parse::<u32>().ok());
        if number.is_some_and(|number| (129..=135).contains(&number)) {
            let body = std::fs::read(file.path())?;
            let list: Vec<&serde_json::value::RawValue> = serde_json::from_slice(&body)?;
            spans.extend(list.iter().map(|span| span.get().to_owned()));
        }
    }
    ensure!(!spans.is_empty(), "no captured bodies in {CAPTURED}");
    Ok(spans)
}

fn template(body: String) -> Result<Template> {
    let digits = |name: &str| -> Vec<Place> {
        let find = format!("\"{name}\":\"");
        let places = body.match_indices(&find).map(|(at, _)| at + find.len());
        places.map(|offset| Place { offset, form: Form::Hex(body[offset..].find('"').unwrap_or(0)) }).collect()
    };
    let trace_ids = digits("traceId");
    let span_ids = digits("id");
    ensure!(trace_ids.len() == span_ids.len() && !trace_ids.is_empty(), "captured spans without ids");
    let find = "\"timestamp\":";
    let times = body.match_indices(find).map(|(at, _)| at + find.len()).collect();
    Ok(Template { trace_ids, span_ids, again: Vec::new(), times, body: body.into_bytes() })
}
