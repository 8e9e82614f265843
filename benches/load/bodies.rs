//! Bodies of real Envoys, with places where fresh ids and times are written.

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
    times: Vec<usize>,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    offset: usize,
    digits: usize,
}

impl Template {
    /// Writes ids made from `serial`, which must never come twice, and the time of now.
    pub(crate) fn freshen(&mut self, serial: &mut u64, now_micros: u64) {
        for index in 0..self.trace_ids.len() {
            *serial += 1;
            let id = mix(*serial);
            write_hex(&mut self.body, self.trace_ids[index], id);
            write_hex(&mut self.body, self.span_ids[index], id.rotate_left(32));
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

fn write_hex(body: &mut [u8], place: Place, id: u64) {
    for (digit, byte) in body[place.offset..place.offset + place.digits].iter_mut().rev().enumerate() {
        *byte = b"0123456789abcdef"[(id >> (4 * (digit % 16))) as usize & 15];
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
fn captured_spans() -> Result<Vec<String>> {
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
        places.map(|offset| Place { offset, digits: body[offset..].find('"').unwrap_or(0) }).collect()
    };
    let trace_ids = digits("traceId");
    let span_ids = digits("id");
    ensure!(trace_ids.len() == span_ids.len() && !trace_ids.is_empty(), "captured spans without ids");
    let find = "\"timestamp\":";
    let times = body.match_indices(find).map(|(at, _)| at + find.len()).collect();
    Ok(Template { trace_ids, span_ids, times, body: body.into_bytes() })
}
