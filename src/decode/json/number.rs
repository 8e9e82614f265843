//! Numbers: taken as they are written, turned into integers where the field needs one.

use super::{MALFORMED, Reader};
use crate::decode::fault::Read;

/// An integer, as senders write it: exactly, or rounded down from a fraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Number {
    /// Zero or more.
    Natural(u64),
    /// Less than zero; by how much, nobody needs.
    Negative(i64),
    /// More than 64 bits.
    Huge,
}

impl<'a> Reader<'a> {
    /// A number's characters, its grammar checked.
    pub(in crate::decode) fn number(&mut self) -> Read<&'a str> {
        self.peek();
        let start = self.at;
        self.at += usize::from(self.body.get(self.at) == Some(&b'-'));
        let whole = self.at;
        if self.digits() == 0 || (self.body.get(whole) == Some(&b'0') && self.at > whole + 1) {
            return Err(MALFORMED);
        }
        if self.body.get(self.at) == Some(&b'.') {
            self.at += 1;
            if self.digits() == 0 {
                return Err(MALFORMED);
            }
        }
        if matches!(self.body.get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(self.body.get(self.at), Some(b'+' | b'-')));
            if self.digits() == 0 {
                return Err(MALFORMED);
            }
        }
        std::str::from_utf8(self.since(start)).map_err(|_| MALFORMED)
    }

    /// Takes digits; how many there were.
    fn digits(&mut self) -> usize {
        let rest = self.body.get(self.at..).unwrap_or(&[]);
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        count
    }

    /// The short way for what nearly every sender writes: up to 18 digits and nothing else.
    /// `None`, and nothing is taken, if it is anything else.
    #[inline]
    pub(in crate::decode) fn plain_integer(&mut self) -> Option<u64> {
        let rest = self.body.get(self.at..)?;
        let (mut value, mut count) = (0_u64, 0);
        // Twice eight digits and three more at most, which fit 64 bits.
        while count <= 8
            && let Some(eight) = rest.get(count..).and_then(|rest| rest.first_chunk()).and_then(eight_digits)
        {
            value = value * 100_000_000 + eight;
            count += 8;
        }
        for &byte in rest.get(count..19.min(rest.len()))? {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                let ends = matches!(byte, b',' | b'}' | b']') && count > 0;
                let leads = count > 1 && rest.first() == Some(&b'0');
                if !ends || leads {
                    return None;
                }
                self.at += count;
                return Some(value);
            }
            value = value * 10 + u64::from(digit);
            count += 1;
        }
        None
    }
}

/// The number that eight digits stand for, found by joining neighbours: two, four, eight.
#[inline]
fn eight_digits(text: &[u8; 8]) -> Option<u64> {
    const fn each(byte: u8) -> u64 {
        u64::from_ne_bytes([byte; 8])
    }
    let word = u64::from_le_bytes(*text);
    // Digits have 3 in their high half, and still have it with 6 added.
    if word & each(0xf0) != each(0x30) || word.wrapping_add(each(6)) & each(0xf0) != each(0x30) {
        return None;
    }
    let digits = word & each(0x0f);
    let pairs = (digits * 10 + (digits >> 8)) & 0x00ff_00ff_00ff_00ff;
    let quads = (pairs * 100 + (pairs >> 16)) & 0x0000_ffff_0000_ffff;
    Some((quads * 10_000 + (quads >> 32)) & 0xffff_ffff)
}

/// The integer that `text` stands for: a sign, digits, a fraction, an exponent. Fractions are
/// rounded down. `None` if it is no number.
pub(crate) fn integer_of(text: &str) -> Option<Number> {
    let (negative, text) = match text.as_bytes().first()? {
        b'-' => (true, text.get(1..)?),
        b'+' => (false, text.get(1..)?),
        _ => (false, text),
    };
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (text.get(..at)?, exponent_of(text.get(at + 1..)?)?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    Some(signed(negative, whole.as_bytes(), fraction.as_bytes(), exponent))
}

/// An exponent; beyond a million it is all the same to a 64-bit integer.
fn exponent_of(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let size = digits.trim_start_matches('0').get(..7).map_or_else(|| digits.parse().unwrap_or(0), |_| 1_000_000);
    Some(if text.starts_with('-') { -size } else { size })
}

fn signed(negative: bool, whole: &[u8], fraction: &[u8], exponent: i64) -> Number {
    // Digits before the point, once it is moved by the exponent.
    let kept = whole.len() as i64 + exponent;
    let mut digits = whole.iter().chain(fraction).map(|byte| u64::from(byte - b'0'));
    let mut value = Some(0_u64);
    for place in 0..kept.max(0) {
        let Some(digit) = digits.next() else {
            value = scaled(value, kept - place);
            break;
        };
        value = value.and_then(|value| value.checked_mul(10)?.checked_add(digit));
    }
    let rest = digits.any(|digit| digit != 0);
    match (value, negative) {
        (Some(value), false) => Number::Natural(value),
        (Some(0), true) if !rest => Number::Natural(0),
        (Some(value), true) => {
            let down = i64::try_from(value).map_or(i64::MIN, |value| -value);
            Number::Negative(down.saturating_sub(i64::from(rest)))
        }
        (None, true) => Number::Negative(i64::MIN),
        (None, false) => Number::Huge,
    }
}

/// `value` with that many zeros behind it.
fn scaled(value: Option<u64>, zeros: i64) -> Option<u64> {
    match value {
        Some(0) => Some(0),
        _ => value?.checked_mul(10_u64.checked_pow(u32::try_from(zeros).ok()?)?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_in_every_spelling() {
        use Number::{Huge, Natural, Negative};
        for (text, expected) in [
            ("0", Natural(0)),
            ("-0", Natural(0)),
            ("-0.0", Natural(0)),
            ("007", Natural(7)),
            ("+5", Natural(5)),
            ("1472470996199000.5", Natural(1_472_470_996_199_000)),
            ("1.472470996199E15", Natural(1_472_470_996_199_000)),
            ("1.5e0", Natural(1)),
            ("15e-1", Natural(1)),
            ("15e-9", Natural(0)),
            ("1e19", Natural(10_000_000_000_000_000_000)),
            ("18446744073709551615", Natural(u64::MAX)),
            ("18446744073709551616", Huge),
            ("1e20", Huge),
            ("1e999999999999", Huge),
            ("0e999999999999", Natural(0)),
            ("1e-999999999999", Natural(0)),
            ("-5", Negative(-5)),
            ("-0.5", Negative(-1)),
            ("-1.5", Negative(-2)),
            ("-1e30", Negative(i64::MIN)),
        ] {
            assert_eq!(integer_of(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_number() {
        for text in ["", "-", "soon", ".5", "1e", "1e+", "0x10", "1 ", "NaN", "1.2.3", "--1"] {
            assert_eq!(integer_of(text), None, "{text}");
        }
    }

    #[test]
    fn every_byte_among_eight_digits() {
        for place in 0..8 {
            for byte in 0..=255_u8 {
                let mut text = *b"97531864";
                text[place] = byte;
                let expected = text
                    .iter()
                    .all(u8::is_ascii_digit)
                    .then(|| text.iter().fold(0, |value, digit| value * 10 + u64::from(digit - b'0')));
                assert_eq!(eight_digits(&text), expected, "{text:?}");
            }
        }
    }

    #[test]
    fn the_short_way_takes_only_what_it_is_sure_of() {
        let short = |body: &str| Reader::new(body.as_bytes()).plain_integer();
        assert_eq!(short("1795237377926637,"), Some(1_795_237_377_926_637));
        assert_eq!(short("0}"), Some(0));
        assert_eq!(short("12345678]"), Some(12_345_678));
        assert_eq!(short("999999999999999999,"), Some(999_999_999_999_999_999));
        for body in ["", ",", "01,", "1.0,", "1", "1e3,", "-1,", "1234567890123456789,", "\"1\","] {
            assert_eq!(short(body), None, "{body}");
        }
    }
}
