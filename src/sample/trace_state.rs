//! What OpenTelemetry's senders say of their own sampling in a span's W3C trace state:
//! `ot=th:fd70a;rv:9b8233f7e3a151`.
//!
//! `th` is the threshold that the sender's randomness passed, which says with what probability the
//! trace was kept there; `rv` is the randomness, if it is not the low 56 bits of the trace's id
//! (OpenTelemetry's specification of consistent probability sampling).

use super::hash::CONSISTENT;
use crate::span::{Text, TraceId};

/// Digits of a threshold or a randomness.
const DIGITS: usize = 14;
/// A longer member of a trace state is not read: OpenTelemetry allows 256 characters.
const LONGEST: usize = 256;

/// The `ot` member, read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TraceState {
    threshold: Option<u64>,
    randomness: Option<u64>,
}

impl TraceState {
    /// Reads the tag `w3c.tracestate`. What does not keep to the specification says nothing.
    pub fn read(state: Text<'_>) -> Self {
        let Ok(text) = std::str::from_utf8(state.raw()) else { return TraceState::default() };
        let member = text.split(',').find_map(|member| member.trim_matches([' ', '\t']).strip_prefix("ot="));
        let mut read = TraceState::default();
        for (key, value) in member.filter(|member| member.len() <= LONGEST).into_iter().flat_map(fields) {
            match key {
                "th" if (1..=DIGITS).contains(&value.len()) => read.threshold = hexadecimal(value),
                "rv" if value.len() == DIGITS => read.randomness = hexadecimal(value),
                _ => {}
            }
        }
        read
    }

    /// The randomness by which OpenTelemetry's senders decide on this trace.
    pub(super) fn randomness(self, trace_id: TraceId) -> u64 {
        self.randomness.unwrap_or(trace_id.low & (CONSISTENT - 1))
    }

    /// With what probability the sender kept this trace; `None` if it did not say so, or says what
    /// cannot be: a trace below its threshold would not have been sent.
    pub(super) fn probability(self, trace_id: TraceId) -> Option<f64> {
        let threshold = self.threshold.filter(|threshold| self.randomness(trace_id) >= *threshold)?;
        Some((CONSISTENT - threshold) as f64 / CONSISTENT as f64)
    }
}

fn fields(member: &str) -> impl Iterator<Item = (&str, &str)> {
    member.split(';').filter_map(|field| field.split_once(':'))
}

/// Digits of a fraction: what is cut off at the end is zeros.
fn hexadecimal(digits: &str) -> Option<u64> {
    let lower = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if !digits.bytes().all(lower) {
        return None;
    }
    let number = u64::from_str_radix(digits, 16).ok()?;
    Some(number << (4 * (DIGITS - digits.len())))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: TraceId = TraceId { high: 0x4bf9_2f35_77b3_4da6, low: 0xa3ce_929d_0e0e_4736 };

    fn read(text: &str) -> TraceState {
        TraceState::read(Text::Clean(text))
    }

    #[test]
    fn what_the_specification_shows_is_read() {
        let state = read("ot=th:fd70a;rv:9b8233f7e3a151");
        assert_eq!(state.randomness(ID), 0x9b_8233_f7e3_a151);
        // Its randomness lies below its threshold, which cannot be.
        assert_eq!(state.probability(ID), None);
        let state = read("congo=t61rcWkgMzE, ot=th:c ,rojo=00f067aa0ba902b7");
        assert_eq!((state.randomness(ID), state.probability(ID)), (0xce_929d_0e0e_4736, Some(0.25)));
        for (text, probability) in [("ot=th:0", 1.0), ("ot=th:8", 0.5), ("ot=p:8;th:8", 0.5)] {
            assert_eq!(read(text).probability(ID), Some(probability), "{text}");
        }
        let tenth = read("ot=th:e6666;rv:ffffffffffffff").probability(ID).unwrap();
        assert!((tenth - 0.1).abs() < 1e-5, "{tenth}");
    }

    #[test]
    fn what_is_none_says_nothing() {
        for text in ["", "ot=", "ot=th:", "ot=th:C", "ot=th:0123456789abcde", "ot=rv:123", "xot=th:8", "ot=th", "th:8"]
        {
            assert_eq!(read(text), TraceState::default(), "{text}");
        }
        assert_eq!(read(&format!("ot=th:8;x:{}", "y".repeat(300))), TraceState::default());
    }
}
