//! Durations in Go's syntax, and sizes in bytes.

use std::time::Duration;

/// `200ms`, `1.5s`, `1h30m`, `0`, as Go's `time.ParseDuration` reads it; not negative. The error
/// says what to write.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let unsigned = text.strip_prefix('+').unwrap_or(text);
    if unsigned.starts_with('-') {
        return Err("a negative duration: write 0 or more".into());
    }
    if unsigned == "0" {
        return Ok(Duration::ZERO);
    }
    if unsigned.is_empty() {
        return Err(wrong());
    }
    let (mut rest, mut nanoseconds) = (unsigned, 0_u128);
    while !rest.is_empty() {
        let (part, after) = part(rest)?;
        nanoseconds = nanoseconds.saturating_add(part);
        rest = after;
    }
    let nanoseconds = i64::try_from(nanoseconds).map_err(|_| "too long: the longest is 292 years".to_string())?;
    Ok(Duration::from_nanos(nanoseconds.unsigned_abs()))
}

fn wrong() -> String {
    "not a duration: write a number and its unit, such as 200ms, 5s or 1h30m".into()
}

/// One number with its unit in nanoseconds, and what follows.
fn part(text: &str) -> Result<(u128, &str), String> {
    let end = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(text.len());
    let (number, rest) = text.split_at(end);
    let end = rest.find(|letter: char| letter.is_ascii_digit() || letter == '.').unwrap_or(rest.len());
    let (unit, rest) = rest.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if unit.is_empty() && !whole.is_empty() {
        return Err(format!("the unit is missing: write {number}s for seconds or {number}ms for milliseconds"));
    }
    let unit = nanoseconds(unit).filter(|_| !(whole.is_empty() && fraction.is_empty())).ok_or_else(wrong)?;
    let whole = if whole.is_empty() { 0 } else { whole.parse::<u64>().map_err(|_| wrong())? };
    Ok((u128::from(whole).saturating_mul(unit) + share(fraction, unit)?, rest))
}

/// Decimals of a unit, cut to whole nanoseconds.
fn share(fraction: &str, unit: u128) -> Result<u128, String> {
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    let mut weight = 1_u128;
    let mut value = 0_u128;
    for digit in fraction.bytes().take(15) {
        value = value * 10 + u128::from(digit - b'0');
        weight *= 10;
    }
    Ok(value * unit / weight)
}

fn nanoseconds(unit: &str) -> Option<u128> {
    Some(match unit {
        "ns" => 1,
        "us" | "\u{b5}s" | "\u{3bc}s" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    })
}

/// `512MiB`, `10GB`, `4096`.
pub(crate) fn parse_size(text: &str) -> Result<u64, String> {
    let wrong = || "not a size: write bytes as a number, or with a unit such as 512MiB or 2GiB".to_string();
    let end = text.find(|letter: char| !letter.is_ascii_digit() && letter != '_').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let number: u64 = number.replace('_', "").parse().map_err(|_| wrong())?;
    let unit: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" => 1_000,
        "m" | "mb" => 1_000_000,
        "g" | "gb" => 1_000_000_000,
        "t" | "tb" => 1_000_000_000_000,
        "ki" | "kib" => 1 << 10,
        "mi" | "mib" => 1 << 20,
        "gi" | "gib" => 1 << 30,
        "ti" | "tib" => 1 << 40,
        _ => return Err(wrong()),
    };
    number.checked_mul(unit).filter(|bytes| i64::try_from(*bytes).is_ok()).ok_or_else(wrong)
}
