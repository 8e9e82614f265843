//! From what was written to a value of the kind that the table names.

use std::time::Duration;

use super::duration;
use super::error::Source;
use super::table::{Kind, Setting};
use super::urls;

/// A value, read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Switch(bool),
    Whole(u64),
    Number(f64),
    Time(Duration),
    Text(String),
}

/// Reads `text`. The error says what to write instead.
pub(crate) fn read(setting: &Setting, text: &str, source: &Source) -> Result<Value, String> {
    match setting.kind {
        Kind::Switch => switch(text).map(Value::Switch),
        Kind::Whole { least, most } => whole(text, least, most).map(Value::Whole),
        Kind::Number { least, most } => number(text, least, most).map(Value::Number),
        Kind::Time => time(text, source).map(Value::Time),
        Kind::Size => duration::parse_size(text).map(Value::Whole),
        Kind::Words(words) => word(text, words).map(Value::Text),
        Kind::Address => address(text).map(Value::Text),
        Kind::Urls => Ok(Value::Text(text.split_whitespace().collect())),
        Kind::Url => urls::base(text).map(Value::Text),
        Kind::Text | Kind::Secret | Kind::List | Kind::File | Kind::Folder | Kind::FileOrUrl => {
            Ok(Value::Text(text.into()))
        }
    }
}

/// What may be written, for the page.
pub(crate) fn form(kind: Kind) -> String {
    match kind {
        Kind::Switch => "`true` or `false`".into(),
        Kind::Whole { least, most } if most >= u64::from(u32::MAX) => format!("whole number from {least}"),
        Kind::Whole { least, most } => format!("{least} to {most}"),
        Kind::Number { most: f64::MAX, .. } => "number from 0".into(),
        Kind::Number { least, most } => format!("{least} to {most}"),
        Kind::Time => "duration".into(),
        Kind::Size => "size".into(),
        Kind::Text => "text".into(),
        Kind::Secret => "secret".into(),
        Kind::List => "list with commas".into(),
        Kind::Words(words) => {
            words.iter().filter(|word| !word.is_empty()).map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
        }
        Kind::Address => "host:port".into(),
        Kind::File => "file".into(),
        Kind::Folder => "directory".into(),
        Kind::Urls => "URLs with commas".into(),
        Kind::Url => "URL".into(),
        Kind::FileOrUrl => "file or URL".into(),
    }
}

/// The words of Go's `strconv.ParseBool`.
fn switch(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err("not a boolean: write true or false".into()),
    }
}

fn whole(text: &str, least: u64, most: u64) -> Result<u64, String> {
    let digits = text.strip_prefix('+').unwrap_or(text).replace('_', "");
    let number = digits.parse::<u64>().ok().filter(|number| (least..=most).contains(number));
    number.ok_or_else(|| match most {
        most if most >= u64::from(u32::MAX) => format!("not a whole number from {least}"),
        most => format!("not a whole number from {least} to {most}"),
    })
}

fn number(text: &str, least: f64, most: f64) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| (least..=most).contains(number));
    number.ok_or_else(|| match most {
        f64::MAX => "not a number from 0".into(),
        most => format!("not a number from {least} to {most}: write a share such as 0.1"),
    })
}

/// Empty is zero. A bare number is refused on the command line and nanoseconds elsewhere (Jaeger).
fn time(text: &str, source: &Source) -> Result<Duration, String> {
    let bare = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text {
        "" => Ok(Duration::ZERO),
        text if bare && *source != Source::Flag => duration::parse(&format!("{text}ns")),
        text => duration::parse(text),
    }
}

fn word(text: &str, words: &[&str]) -> Result<String, String> {
    let lower = text.to_ascii_lowercase();
    if words.contains(&lower.as_str()) {
        return Ok(lower);
    }
    let known: Vec<_> = words.iter().filter(|word| !word.is_empty()).copied().collect();
    Err(format!("unknown word: write one of {}", known.join(", ")))
}

/// A port alone becomes `:port`; `off` and empty are closed.
fn address(text: &str) -> Result<String, String> {
    if text.is_empty() || text == "off" {
        return Ok(String::new());
    }
    let text = if text.bytes().all(|byte| byte.is_ascii_digit()) { format!(":{text}") } else { text.to_string() };
    let wrong = || "not a host and port: write for example :9411, 127.0.0.1:9411 or [::1]:9411".to_string();
    let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let fits = match bare {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_')),
    };
    if !fits || port.starts_with('+') || port.parse::<u16>().is_err() {
        return Err(wrong());
    }
    Ok(text)
}
