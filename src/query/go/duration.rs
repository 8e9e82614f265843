//! Durations, as `time.ParseDuration` reads and `Duration.String` writes them: nanoseconds in 64
//! bits with a sign.

use super::quote;

/// `time.ParseDuration`: `1.5s`, `200ms`, `-1h30m`; nanoseconds.
pub(crate) fn parse_duration(text: &str) -> Result<i64, String> {
    let invalid = || format!("time: invalid duration {}", quote(text));
    let negative = text.starts_with('-');
    let mut rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total = 0u64;
    while !rest.is_empty() {
        let (number, after) = split_number(rest).ok_or_else(invalid)?;
        let end = after.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        if unit.is_empty() {
            return Err(format!("time: missing unit in duration {}", quote(text)));
        }
        let nanoseconds = nanoseconds_of(unit)
            .ok_or_else(|| format!("time: unknown unit {} in duration {}", quote(unit), quote(text)))?;
        let part = number.times(nanoseconds).ok_or_else(invalid)?;
        total = total.checked_add(part).filter(|&sum| sum <= 1 << 63).ok_or_else(invalid)?;
        rest = after;
    }
    if negative {
        return Ok(0i64.wrapping_sub_unsigned(total));
    }
    i64::try_from(total).map_err(|_| invalid())
}

/// Digits before and after the point, the latter cut where they would not fit.
struct Number {
    whole: u64,
    fraction: u64,
    scale: f64,
}

impl Number {
    fn times(&self, unit: u64) -> Option<u64> {
        let whole = self.whole.checked_mul(unit).filter(|&part| part <= 1 << 63)?;
        let fraction = (self.fraction as f64 * (unit as f64 / self.scale)) as u64;
        whole.checked_add(fraction).filter(|&sum| sum <= 1 << 63)
    }
}

/// The number that `text` starts with, and what follows it. `None`: there is none, or it is too
/// large.
fn split_number(text: &str) -> Option<(Number, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, mut rest) = text.split_at(end);
    let mut number = Number { whole: 0, fraction: 0, scale: 1.0 };
    if !digits.is_empty() {
        number.whole = digits.parse().ok().filter(|&whole: &u64| whole <= 1 << 63)?;
    }
    let mut fraction = "";
    if let Some(after) = rest.strip_prefix('.') {
        let end = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
        (fraction, rest) = after.split_at(end);
    }
    if digits.is_empty() && fraction.is_empty() {
        return None;
    }
    for digit in fraction.bytes() {
        let next = number.fraction.checked_mul(10).and_then(|value| value.checked_add(u64::from(digit - b'0')));
        let Some(next) = next.filter(|&value| value < 1 << 63) else { break };
        number.fraction = next;
        number.scale *= 10.0;
    }
    Some((number, rest))
}

fn nanoseconds_of(unit: &str) -> Option<u64> {
    Some(match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    })
}

/// `Duration.String`: `135h18m40.953855s`, `-117.5µs`, `0s`.
pub(crate) fn format_duration(nanoseconds: i64) -> String {
    let sign = if nanoseconds < 0 { "-" } else { "" };
    let magnitude = nanoseconds.unsigned_abs();
    let text = match magnitude {
        0 => "0s".to_string(),
        1..1_000 => format!("{magnitude}ns"),
        1_000..1_000_000 => format!("{}µs", decimal(magnitude, 1_000)),
        1_000_000..1_000_000_000 => format!("{}ms", decimal(magnitude, 1_000_000)),
        _ => hours_minutes_seconds(magnitude),
    };
    format!("{sign}{text}")
}

fn hours_minutes_seconds(nanoseconds: u64) -> String {
    let minutes = nanoseconds / 60_000_000_000;
    let seconds = decimal(nanoseconds % 60_000_000_000, 1_000_000_000);
    match (minutes / 60, minutes % 60) {
        (0, 0) => format!("{seconds}s"),
        (0, minutes) => format!("{minutes}m{seconds}s"),
        (hours, minutes) => format!("{hours}h{minutes}m{seconds}s"),
    }
}

/// `value / unit` without trailing zeros; `unit` is a power of ten.
fn decimal(value: u64, unit: u64) -> String {
    let (whole, fraction) = (value / unit, value % unit);
    if fraction == 0 {
        return whole.to_string();
    }
    let width = unit.ilog10() as usize;
    format!("{whole}.{fraction:0width$}").trim_end_matches('0').to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_are_read() {
        let cases = [
            ("0", 0),
            ("0s", 0),
            ("1.5s", 1_500_000_000),
            ("-1h30m", -5_400_000_000_000),
            ("+5us", 5_000),
            ("1µs", 1_000),
            (".5ms", 500_000),
            ("1.s", 1_000_000_000),
            ("24h1s", 86_401_000_000_000),
            ("0.3333333333333333333h", 1_200_000_000_000),
            ("9223372036854775807ns", i64::MAX),
            ("-9223372036854775808ns", i64::MIN),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_duration(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_named() {
        let cases = [
            ("1", r#"time: missing unit in duration "1""#),
            ("x", r#"time: invalid duration "x""#),
            ("-", r#"time: invalid duration "-""#),
            (".s", r#"time: invalid duration ".s""#),
            ("5x", r#"time: unknown unit "x" in duration "5x""#),
            ("500 ms", r#"time: unknown unit " ms" in duration "500 ms""#),
            ("9999999999h", r#"time: invalid duration "9999999999h""#),
            ("9223372036854775808ns", r#"time: invalid duration "9223372036854775808ns""#),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_duration(text), Err(expected.to_string()));
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(nanoseconds in any::<i64>()) {
            prop_assert_eq!(parse_duration(&format_duration(nanoseconds)), Ok(nanoseconds));
        }

        #[test]
        fn no_text_is_too_odd(text in "[-+0-9.a-zµ\" ]{0,30}") {
            _ = parse_duration(&text);
        }
    }

    #[test]
    fn durations_are_written() {
        let cases = [
            (0, "0s"),
            (999, "999ns"),
            (-117_500, "-117.5µs"),
            (1_500_000, "1.5ms"),
            (3_600_000_000_000, "1h0m0s"),
            (62_030_000_000, "1m2.03s"),
            (487_120_953_855_000, "135h18m40.953855s"),
            (i64::MIN, "-2562047h47m16.854775808s"),
        ];
        for (nanoseconds, expected) in cases {
            assert_eq!(format_duration(nanoseconds), expected);
        }
    }
}
