//! Bodies of real Envoys, with places where fresh ids and times are written.
//!
//! [`Template::with_ids`] takes a body in any encoding, made with ids that are found in it again.

/// Spans of bookinfo page loads, eight of each of its pods, each as Envoy 1.40 posted it: the
/// beginnings of `tests/data/envoy/129-…` to `135-…`.
const CAPTURED: &str = include_str!("spans.json");

/// A body and the places in it that must be fresh on every POST.
#[derive(Debug, Clone)]
pub struct Template {
    pub body: Vec<u8>,
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
pub enum Form {
    /// So many digits.
    Hex(usize),
    /// So many bytes, the highest first.
    Bytes(usize),
    /// Thrift's compact protocol: always ten bytes, for ids are large and positive.
    Varint,
}

impl Form {
    /// Bytes of an id.
    fn length(self) -> usize {
        match self {
            Form::Hex(length) | Form::Bytes(length) => length,
            Form::Varint => 10,
        }
    }

    /// Writes an id to where it belongs, over and over where there is more room than 64 bits.
    fn write(self, to: &mut [u8], id: u64) {
        match self {
            Form::Hex(_) => {
                for (digit, byte) in to.iter_mut().rev().enumerate() {
                    let value = (id >> (4 * (digit % 16))) as u8 & 15;
                    *byte = if value < 10 { b'0' + value } else { b'a' + value - 10 };
                }
            }
            Form::Bytes(_) => to.iter_mut().zip(id.to_be_bytes().into_iter().cycle()).for_each(|(to, byte)| *to = byte),
            Form::Varint => {
                let mut rest = positive(id) << 1;
                for (index, byte) in to.iter_mut().enumerate() {
                    *byte = rest as u8 & 127 | if index < 9 { 128 } else { 0 };
                    rest >>= 7;
                }
            }
        }
    }
}

/// The id as a positive number of which the second highest bit is set.
pub fn positive(id: u64) -> u64 {
    id >> 2 | 1 << 62
}

/// The ids of the trace and of the span of this number, by which they are found again.
pub fn mark(number: usize) -> (u64, u64) {
    let id = mix(1 << 63 | number as u64);
    (id, span_id(id))
}

impl Template {
    /// A body of so many spans made with the ids of [`mark`]; `trace` and `span` are how those are
    /// written. None if one of them is not in the body. Its times stay as they are.
    pub fn with_ids(body: Vec<u8>, spans: usize, trace: Form, span: Form) -> Option<Self> {
        let find = |form: Form, id: u64| -> Vec<Place> {
            let mut written = vec![0; form.length()];
            form.write(&mut written, id);
            let windows = body.windows(written.len()).enumerate();
            windows.filter(|(_, window)| *window == written).map(|(offset, _)| Place { offset, form }).collect()
        };
        let (mut trace_ids, mut span_ids, mut again) = (Vec::new(), Vec::new(), Vec::new());
        for number in 0..spans {
            let mut traces = find(trace, mark(number).0).into_iter();
            trace_ids.push(traces.next()?);
            again.extend(traces.map(|place| (number, place)));
            span_ids.push(*find(span, mark(number).1).first()?);
        }
        Some(Template { trace_ids, span_ids, again, times: Vec::new(), body })
    }

    /// Writes ids made from `serial`, which must never come twice, and the time of now.
    pub fn freshen(&mut self, serial: &mut u64, now_micros: u64) {
        let first = *serial + 1;
        for (trace, span) in self.trace_ids.iter().zip(&self.span_ids) {
            *serial += 1;
            let id = mix(*serial);
            write_id(&mut self.body, *trace, id);
            write_id(&mut self.body, *span, span_id(id));
        }
        for &(index, place) in &self.again {
            write_id(&mut self.body, place, mix(first + index as u64));
        }
        if self.times.is_empty() {
            return;
        }
        let digits = format!("{now_micros:016}");
        for &time in &self.times {
            if let Some(place) = self.body.get_mut(time..time + digits.len()) {
                place.copy_from_slice(digits.as_bytes());
            }
        }
    }
}

/// The span's id beside that of its trace: no part of an id of 128 bits, which is the same 64 twice,
/// as a rotated one would be, and so found in its place.
fn span_id(trace_id: u64) -> u64 {
    !trace_id
}

/// A bijection, so that different serials give different ids (the finaliser of SplitMix64).
fn mix(serial: u64) -> u64 {
    let mut mixed = serial.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn write_id(body: &mut [u8], place: Place, id: u64) {
    let room = body.get_mut(place.offset..place.offset + place.form.length());
    place.form.write(room.unwrap_or_default(), id);
}

/// How many different bodies of so many spans a load goes through: enough that they are not all alike.
pub fn variety(spans: usize) -> usize {
    16.min(400 / spans.max(1)).max(2)
}

/// `count` different bodies of `spans` spans each, cut from the captured page loads.
pub fn templates(spans: usize, count: usize) -> Vec<Template> {
    let captured = captured_spans();
    let mut pool = captured.iter().cycle();
    let body = |_| pool.by_ref().take(spans).copied().collect::<Vec<_>>().join(",");
    (0..count).map(body).map(|list| template(&format!("[{list}]"))).collect()
}

/// Captured spans, each as its Envoy wrote it, in the order of the pods.
pub fn captured_spans() -> Vec<&'static str> {
    let lines = CAPTURED.lines().map(|line| line.trim_end_matches(','));
    lines.filter(|line| line.starts_with('{')).collect()
}

fn template(body: &str) -> Template {
    let digits = |name: &str| -> Vec<Place> {
        let find = format!("\"{name}\":\"");
        let places = body.match_indices(&find).map(|(at, _)| at + find.len());
        let length = |offset| body.get(offset..).and_then(|rest: &str| rest.find('"')).unwrap_or(0);
        places.map(|offset| Place { offset, form: Form::Hex(length(offset)) }).collect()
    };
    let find = "\"timestamp\":";
    let times = body.match_indices(find).map(|(at, _)| at + find.len()).collect();
    let (trace_ids, span_ids) = (digits("traceId"), digits("id"));
    Template { trace_ids, span_ids, again: Vec::new(), times, body: body.as_bytes().to_vec() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_post_brings_whole_spans_with_ids_of_their_own() {
        assert_eq!(captured_spans().len(), 7 * 8);
        let (mut serial, now, mut seen) = (7, 1_795_269_600_000_000_u64, HashSet::new());
        for spans in [1, 5, 100] {
            for template in &mut templates(spans, 2) {
                template.freshen(&mut serial, now);
                let list: Vec<serde_json::Value> = serde_json::from_slice(&template.body).unwrap();
                assert_eq!(list.len(), spans);
                for span in list {
                    assert_eq!(span["timestamp"], now);
                    assert!(seen.insert((span["traceId"].to_string(), span["id"].to_string())), "{span}");
                }
            }
        }
        assert_eq!(seen.len(), 2 * 106);
    }

    /// The spans of a body `traceId spanId traceId`, whose ids are written as `form` is read.
    fn round(trace: Form, span: Form, write: impl Fn((u64, u64)) -> Vec<u8>, read: impl Fn(&[u8]) -> Vec<u64>) {
        let body: Vec<u8> = (0..3).flat_map(|number| write(mark(number))).collect();
        assert!(Template::with_ids(body.clone(), 4, trace, span).is_none(), "there is no fourth span");
        let (mut serial, mut seen) = (0, HashSet::new());
        let mut template = Template::with_ids(body.clone(), 3, trace, span).unwrap();
        for _ in 0..2 {
            template.freshen(&mut serial, 0);
            assert_eq!(template.body.len(), body.len());
            for one in template.body.chunks(body.len() / 3) {
                let ids = read(one);
                assert_eq!(ids[0], *ids.last().unwrap(), "the reference has the id of the trace");
                assert!(ids.iter().filter(|&&id| seen.insert(id)).count() == 2, "{ids:?}");
            }
        }
        assert_eq!((serial, seen.len()), (6, 12));
    }

    #[test]
    fn ids_are_fresh_in_every_form() {
        let eight = |bytes: &[u8]| u64::from_be_bytes(bytes.try_into().unwrap());
        let bytes = |body: &[u8]| body.chunks(8).map(eight).collect::<Vec<_>>();
        let wide = |(trace, span): (u64, u64)| [trace, trace, span, trace, trace].map(u64::to_be_bytes).concat();
        round(Form::Bytes(16), Form::Bytes(8), wide, bytes);
        let narrow = |(trace, span): (u64, u64)| [trace, span, trace].map(u64::to_be_bytes).concat();
        round(Form::Bytes(8), Form::Bytes(8), narrow, bytes);
        let hex = |(trace, span): (u64, u64)| format!("{trace:016x}{span:016x}{trace:016x}").into_bytes();
        let digits = |body: &[u8]| {
            let texts = body.chunks(16).map(|digits| std::str::from_utf8(digits).unwrap());
            texts.map(|digits| u64::from_str_radix(digits, 16).unwrap()).collect()
        };
        round(Form::Hex(16), Form::Hex(16), hex, digits);
        // Thrift's own crate writes and reads them.
        use thrift::protocol::{TCompactInputProtocol, TCompactOutputProtocol, TInputProtocol, TOutputProtocol};
        let write = |(trace, span): (u64, u64)| {
            let mut body = Vec::new();
            let mut output = TCompactOutputProtocol::new(&mut body);
            for id in [trace, span, trace] {
                output.write_i64(positive(id) as i64).unwrap();
            }
            body
        };
        let read = |body: &[u8]| {
            let mut input = TCompactInputProtocol::new(body);
            (0..3).map(|_| input.read_i64().unwrap() as u64).collect()
        };
        round(Form::Varint, Form::Varint, write, read);
    }
}
