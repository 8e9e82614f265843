//! Bodies of real Envoys, with places where fresh ids and times are written.

/// Spans of bookinfo page loads, eight of each of its pods, each as Envoy 1.40 posted it: the
/// beginnings of `tests/data/envoy/129-…` to `135-…`.
const CAPTURED: &str = include_str!("spans.json");

/// A body and the places in it that must be fresh on every POST.
#[derive(Debug, Clone)]
pub struct Template {
    pub body: Vec<u8>,
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
    pub fn freshen(&mut self, serial: &mut u64, now_micros: u64) {
        for (trace_id, span_id) in self.trace_ids.iter().zip(&self.span_ids) {
            *serial += 1;
            let id = mix(*serial);
            write_hex(&mut self.body, *trace_id, id);
            write_hex(&mut self.body, *span_id, id.rotate_left(32));
        }
        let digits = format!("{now_micros:016}");
        for &time in &self.times {
            if let Some(place) = self.body.get_mut(time..time + digits.len()) {
                place.copy_from_slice(digits.as_bytes());
            }
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
    let digits = body.get_mut(place.offset..place.offset + place.digits).unwrap_or_default();
    for (digit, byte) in digits.iter_mut().rev().enumerate() {
        let value = (id >> (4 * (digit % 16))) as u8 & 15;
        *byte = if value < 10 { b'0' + value } else { b'a' + value - 10 };
    }
}

/// `count` different bodies of `spans` spans each, cut from the captured page loads.
pub fn templates(spans: usize, count: usize) -> Vec<Template> {
    let captured = captured_spans();
    let mut pool = captured.iter().cycle();
    let body = |_| pool.by_ref().take(spans).copied().collect::<Vec<_>>().join(",");
    (0..count).map(body).map(|list| template(&format!("[{list}]"))).collect()
}

/// A span a line, in the order of the pods.
fn captured_spans() -> Vec<&'static str> {
    let lines = CAPTURED.lines().map(|line| line.trim_end_matches(','));
    lines.filter(|line| line.starts_with('{')).collect()
}

fn template(body: &str) -> Template {
    let digits = |name: &str| -> Vec<Place> {
        let find = format!("\"{name}\":\"");
        let places = body.match_indices(&find).map(|(at, _)| at + find.len());
        let length = |offset| body.get(offset..).and_then(|rest: &str| rest.find('"')).unwrap_or(0);
        places.map(|offset| Place { offset, digits: length(offset) }).collect()
    };
    let find = "\"timestamp\":";
    let times = body.match_indices(find).map(|(at, _)| at + find.len()).collect();
    Template { trace_ids: digits("traceId"), span_ids: digits("id"), times, body: body.as_bytes().to_vec() }
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
}
