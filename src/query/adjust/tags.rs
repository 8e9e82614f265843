//! Tags, process tags and log fields: their order, and the two mends of their values.

use std::cmp::Ordering;
use std::net::Ipv4Addr;

use crate::document::{StoredSpan, StoredTag, StoredValue};

/// Tags whose number is an IPv4 address.
const ADDRESSES: [&str; 2] = ["ip", "peer.ipv4"];

/// Tags that tell the library of OpenTelemetry, not the span.
const LIBRARY: [&str; 5] = [
    "telemetry.sdk.language",
    "telemetry.sdk.name",
    "telemetry.sdk.version",
    "telemetry.distro.name",
    "telemetry.distro.version",
];

/// Sorts tags and process tags by key, type and value; so the fields of logs, with a text `event`
/// before them.
pub(super) fn sort(span: &mut StoredSpan) {
    span.tags.sort_by(compare);
    span.process.tags.sort_by(compare);
    for log in &mut span.logs {
        let is_event = |field: &StoredTag| field.key == "event" && matches!(field.value, StoredValue::String(_));
        let rest = match log.fields.iter().position(is_event) {
            Some(event) => {
                log.fields.swap(0, event);
                log.fields.get_mut(1..)
            }
            None => Some(log.fields.as_mut_slice()),
        };
        rest.unwrap_or_default().sort_by(compare);
    }
}

/// Writes addresses as text that came packed into a number.
pub(super) fn write_addresses(span: &mut StoredSpan) {
    for tag in span.tags.iter_mut().chain(&mut span.process.tags) {
        if !ADDRESSES.contains(&tag.key.as_str()) {
            continue;
        }
        let packed = match tag.value {
            StoredValue::Int64(number) => number as u32,
            StoredValue::Float64(number) => whole(number) as u32,
            _ => continue,
        };
        tag.value = StoredValue::String(Ipv4Addr::from_bits(packed).to_string());
    }
    span.process.tags.sort_by(compare);
}

/// The whole part of a number; 0 where 64 bits do not hold it.
fn whole(number: f64) -> i64 {
    if number.abs() < 9.2e18 { number as i64 } else { 0 }
}

/// Moves the tags that tell the library to the process.
pub(super) fn move_library_tags(span: &mut StoredSpan) {
    let (library, own): (Vec<_>, Vec<_>) =
        std::mem::take(&mut span.tags).into_iter().partition(|tag| LIBRARY.contains(&tag.key.as_str()));
    span.tags = own;
    span.process.tags.extend(library);
    span.process.tags.sort_by(compare);
}

fn compare(one: &StoredTag, other: &StoredTag) -> Ordering {
    one.key.cmp(&other.key).then_with(|| compare_values(&one.value, &other.value))
}

fn compare_values(one: &StoredValue, other: &StoredValue) -> Ordering {
    use StoredValue::{Binary, Bool, Float64, Int64, String};
    match (one, other) {
        (String(one), String(other)) => one.cmp(other),
        (Bool(one), Bool(other)) => one.cmp(other),
        (Int64(one), Int64(other)) => one.cmp(other),
        (Float64(one), Float64(other)) => one.total_cmp(other),
        (Binary(one), Binary(other)) => one.cmp(other),
        _ => rank(one).cmp(&rank(other)),
    }
}

/// The order of types in Jaeger's model.
fn rank(value: &StoredValue) -> u8 {
    match value {
        StoredValue::String(_) => 0,
        StoredValue::Bool(_) => 1,
        StoredValue::Int64(_) => 2,
        StoredValue::Float64(_) => 3,
        StoredValue::Binary(_) => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::StoredLog;

    fn tag(key: &str, value: StoredValue) -> StoredTag {
        StoredTag { key: key.into(), value }
    }

    fn text(key: &str, value: &str) -> StoredTag {
        tag(key, StoredValue::String(value.into()))
    }

    #[test]
    fn tags_are_sorted_by_key_type_and_value() {
        let int = |number| tag("a", StoredValue::Int64(number));
        let tags = vec![text("b", "1"), int(2), tag("a", StoredValue::Bool(true)), int(-1), text("a", "x")];
        let mut span = StoredSpan { tags, ..StoredSpan::default() };
        sort(&mut span);
        let expected = [text("a", "x"), tag("a", StoredValue::Bool(true)), int(-1), int(2), text("b", "1")];
        assert_eq!(span.tags, expected);
    }

    #[test]
    fn a_text_event_comes_first_in_a_log() {
        let event = tag("event", StoredValue::Bool(true));
        let fields = vec![text("z", ""), event.clone(), text("event", "x"), text("a", "")];
        let mut span = StoredSpan { logs: vec![StoredLog { timestamp: 0, fields }], ..StoredSpan::default() };
        sort(&mut span);
        assert_eq!(span.logs[0].fields, [text("event", "x"), text("a", ""), event, text("z", "")]);
    }

    #[test]
    fn packed_addresses_become_text() {
        let tags = vec![
            tag("ip", StoredValue::Int64(0x0a01_0203)),
            tag("peer.ipv4", StoredValue::Float64(4_294_967_295.0)),
            tag("port", StoredValue::Int64(80)),
            tag("ip", StoredValue::Float64(1e300)),
        ];
        let mut span = StoredSpan { tags, ..StoredSpan::default() };
        write_addresses(&mut span);
        let expected = [
            text("ip", "10.1.2.3"),
            text("peer.ipv4", "255.255.255.255"),
            tag("port", StoredValue::Int64(80)),
            text("ip", "0.0.0.0"),
        ];
        assert_eq!(span.tags, expected);
    }

    #[test]
    fn library_tags_go_to_the_process() {
        let tags = vec![text("a", ""), text("telemetry.sdk.name", "x"), text("b", "")];
        let mut span = StoredSpan { tags, ..StoredSpan::default() };
        span.process.tags.push(text("z", ""));
        move_library_tags(&mut span);
        assert_eq!(span.tags, [text("a", ""), text("b", "")]);
        assert_eq!(span.process.tags, [text("telemetry.sdk.name", "x"), text("z", "")]);
    }
}
