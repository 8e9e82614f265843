//! Numbers and booleans, as `strconv` reads them, and floats as `encoding/json` writes them.

use super::quote;

const SYNTAX: &str = "invalid syntax";
const RANGE: &str = "value out of range";

fn fault(function: &str, text: &str, reason: &str) -> String {
    format!("strconv.{function}: parsing {}: {reason}", quote(text))
}

/// `ParseInt(text, 10, bits)`.
pub(crate) fn parse_integer(text: &str, bits: u32) -> Result<i64, String> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let magnitude = unsigned(digits.as_bytes(), 10).map_err(|reason| fault("ParseInt", text, reason))?;
    let limit = 1u64 << (bits - 1);
    let value = if text.starts_with('-') {
        (magnitude <= limit).then(|| 0i64.wrapping_sub_unsigned(magnitude))
    } else {
        (magnitude < limit).then_some(magnitude as i64)
    };
    value.ok_or_else(|| fault("ParseInt", text, RANGE))
}

/// `ParseUint(text, 16, 64)`. The text is given as bytes, for it may be cut inside a character.
pub(crate) fn parse_hex(text: &[u8]) -> Result<u64, String> {
    unsigned(text, 16).map_err(|reason| fault("ParseUint", &String::from_utf8_lossy(text), reason))
}

fn unsigned(digits: &[u8], base: u32) -> Result<u64, &'static str> {
    if digits.is_empty() {
        return Err(SYNTAX);
    }
    digits.iter().try_fold(0u64, |value, &byte| {
        let digit = char::from(byte).to_digit(base).ok_or(SYNTAX)?;
        value.checked_mul(u64::from(base)).and_then(|value| value.checked_add(u64::from(digit))).ok_or(RANGE)
    })
}

/// `ParseBool`.
pub(crate) fn parse_bool(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(false),
        _ => Err(fault("ParseBool", text, SYNTAX)),
    }
}

/// A float as `encoding/json` writes it: in the shortest form that reads back, with an exponent
/// below 1e-6 and from 1e21. `None` for what JSON has no number for.
pub(crate) fn format_float(value: f64) -> Option<String> {
    let magnitude = value.abs();
    if !value.is_finite() {
        None
    } else if magnitude != 0.0 && !(1e-6..1e21).contains(&magnitude) {
        let text = format!("{value:e}");
        Some(if magnitude < 1.0 { text } else { text.replace('e', "e+") })
    } else {
        Some(value.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_read_within_their_bits() {
        assert_eq!(parse_integer("-9223372036854775808", 64), Ok(i64::MIN));
        assert_eq!(parse_integer("+7", 32), Ok(7));
        assert_eq!(parse_integer("-2147483648", 32), Ok(-2_147_483_648));
        let range = |text: &str| Err(format!("strconv.ParseInt: parsing \"{text}\": value out of range"));
        assert_eq!(parse_integer("2147483648", 32), range("2147483648"));
        assert_eq!(parse_integer("9223372036854775808", 64), range("9223372036854775808"));
        let syntax = |text: &str| Err(format!("strconv.ParseInt: parsing \"{text}\": invalid syntax"));
        for text in ["", "-", " 1", "0x1", "1.5", "--1", "1_0"] {
            assert_eq!(parse_integer(text, 64), syntax(text));
        }
    }

    #[test]
    fn floats_are_written_as_go_writes_them() {
        let cases = [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (-2.5, "-2.5"),
            (0.1, "0.1"),
            (1e-6, "0.000001"),
            (9.999999e-7, "9.999999e-7"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (1.5e300, "1.5e+300"),
            (-5e-324, "-5e-324"),
        ];
        for (value, expected) in cases {
            assert_eq!(format_float(value).as_deref(), Some(expected));
        }
        assert_eq!(format_float(f64::NAN), None);
    }
}
