//! `jaeger_proto` beside prost, on the same bytes.

use proptest::prelude::*;
use prost::Message;

use crate::decode::test_sink::{Collected, decode_jaeger_proto};
use crate::proto::jaeger::{Batch, KeyValue, Log, PostSpansRequest, Process, Span, SpanRef};
use crate::span::ReferenceKind;

fn tag(tag: &KeyValue) -> String {
    let value = match tag.v_type {
        0 => tag.v_str.clone(),
        1 => tag.v_bool.to_string(),
        2 => tag.v_int64.to_string(),
        3 => tag.v_float64.to_string(),
        4 => format!("{:?}", tag.v_binary),
        _ => "Unknown VType".to_owned(),
    };
    format!("{}={value}", tag.key)
}

/// Microseconds since 1970, as Jaeger counts them; `None` if they cannot be.
fn time(time: &Option<prost_types::Timestamp>) -> Option<u64> {
    let Some(time) = time else { return Some(-62_135_596_800_000_000_i64 as u64) };
    let is_year = (-62_135_596_800..253_402_300_800).contains(&time.seconds);
    let nanoseconds = i128::from(time.seconds) * 1_000_000_000 + i128::from(time.nanos);
    (is_year && (0..1_000_000_000).contains(&time.nanos)).then_some((nanoseconds / 1000) as u64)
}

fn duration(duration: &Option<prost_types::Duration>) -> Option<String> {
    let duration = duration.unwrap_or_default();
    let nanoseconds = i128::from(duration.seconds) * 1_000_000_000 + i128::from(duration.nanos);
    let signs = [duration.seconds.signum(), i64::from(duration.nanos.signum())];
    let is_good = !signs.contains(&-1) || !signs.contains(&1);
    let fits = i64::try_from(nanoseconds).is_ok() && duration.nanos.unsigned_abs() < 1_000_000_000;
    (is_good && fits).then(|| if nanoseconds < 0 { "negative".to_owned() } else { (nanoseconds / 1000).to_string() })
}

fn number(bytes: &[u8]) -> u128 {
    bytes.iter().fold(0, |number, byte| number << 8 | u128::from(*byte))
}

fn reference(reference: &SpanRef) -> Option<String> {
    // A field that is not there is zero; prost writes none that is empty.
    let good = [0, 8, 16].contains(&reference.trace_id.len()) && [0, 8].contains(&reference.span_id.len());
    let kind = if reference.ref_type == 1 { "follows" } else { "child" };
    good.then(|| format!("{kind} {:x} {:x}", number(&reference.trace_id), number(&reference.span_id)))
}

/// What is compared of a span; `None` if it must be refused.
fn expected(batch: &Batch, span: &Span) -> Option<String> {
    let process = span.process.as_ref().or(batch.process.as_ref());
    let (trace, id) = (number(&span.trace_id), number(&span.span_id));
    let references: Vec<String> = span.references.iter().map(reference).collect::<Option<_>>()?;
    let log = |log: &Log| {
        let fields: Vec<_> = log.fields.iter().map(tag).collect();
        time(&log.timestamp).map(|time| format!("{time}[{}]", fields.join(" ")))
    };
    let logs: Vec<String> = span.logs.iter().map(log).collect::<Option<_>>()?;
    let (start, duration) = (time(&span.start_time)?, duration(&span.duration)?);
    if ![0, 8, 16].contains(&span.trace_id.len()) || ![0, 8].contains(&span.span_id.len()) {
        return None;
    }
    Some(format!(
        "{trace:x} {id:x} {:?} {:?} {:?} {references:?} {} {start} {duration} {:?} {logs:?}",
        process.map(|process| &process.service_name),
        process.map_or_else(Vec::new, |process| process.tags.iter().map(tag).collect()),
        span.operation_name,
        span.flags,
        span.tags.iter().map(tag).collect::<Vec<_>>(),
    ))
}

fn ours(collected: &Collected) -> Vec<String> {
    let reference = |reference: &crate::span::Reference| {
        let kind = if reference.kind == ReferenceKind::FollowsFrom { "follows" } else { "child" };
        let trace = u128::from(reference.trace_id.high) << 64 | u128::from(reference.trace_id.low);
        format!("{kind} {trace:x} {:x}", reference.span_id)
    };
    let span = |span: &crate::decode::test_sink::Owned| {
        let duration = if span.duration < 0 { "negative".to_owned() } else { span.duration.to_string() };
        format!(
            "{:x} {:x} {:?} {:?} {:?} {:?} {} {} {duration} {:?} {:?}",
            u128::from(span.trace_id.high) << 64 | u128::from(span.trace_id.low),
            span.span_id,
            span.service,
            span.process_tags,
            span.operation,
            span.references.iter().map(reference).collect::<Vec<_>>(),
            span.flags,
            span.start,
            span.tags,
            span.logs,
        )
    };
    collected.spans.iter().map(span).collect()
}

fn check(name: &str, request: &PostSpansRequest, collected: &Collected) {
    let batch = request.batch.clone().unwrap_or_default();
    let theirs: Vec<_> = batch.spans.iter().map(|span| expected(&batch, span)).collect();
    assert_eq!(collected.unreadable, None, "{name}");
    assert_eq!(ours(collected), theirs.iter().flatten().cloned().collect::<Vec<_>>(), "{name}");
    assert_eq!(collected.refusals.len(), theirs.iter().filter(|span| span.is_none()).count(), "{name}");
}

#[test]
fn captured_bodies() {
    let mut read = 0;
    for (name, body) in super::captured("jaeger/grpc", ".pb") {
        // An id that is there and empty is refused; prost cannot tell it from one that is not there.
        let Ok(request) = PostSpansRequest::decode(&body[..]) else { continue };
        if name.ends_with("bad-id-empty.pb") {
            continue;
        }
        check(&name, &request, &decode_jaeger_proto(&body));
        read += 1;
    }
    assert!(read > 30, "the other reader must be able to read most: {read}");
}

fn key_value() -> BoxedStrategy<KeyValue> {
    let values = (super::any_text(), any::<bool>(), any::<i64>(), -1e9..1e9, prop::collection::vec(any::<u8>(), 0..6));
    (super::any_text(), -1..6, values, any::<bool>())
        .prop_map(|(key, v_type, (v_str, v_bool, v_int64, v_float64, v_binary), is_alone)| {
            let all = KeyValue { key, v_type, v_str, v_bool, v_int64, v_float64, v_binary };
            if is_alone { with_one_value(all) } else { all }
        })
        .boxed()
}

/// Only the value of its type, as clients write it.
fn with_one_value(tag: KeyValue) -> KeyValue {
    let KeyValue { key, v_type, v_str, v_bool, v_int64, .. } = tag;
    let alone = KeyValue { key, v_type, ..KeyValue::default() };
    match v_type {
        0 => KeyValue { v_str, ..alone },
        1 => KeyValue { v_bool, ..alone },
        2 => KeyValue { v_int64, ..alone },
        _ => alone,
    }
}

fn key_values() -> BoxedStrategy<Vec<KeyValue>> {
    prop::collection::vec(key_value(), 0..4).boxed()
}

fn id() -> BoxedStrategy<Vec<u8>> {
    let length = prop_oneof![1 => Just(0_usize), 6 => Just(8), 6 => Just(16), 1 => Just(5)];
    length.prop_flat_map(|length| prop::collection::vec(0..2_u8, length)).boxed()
}

fn seconds() -> BoxedStrategy<i64> {
    prop_oneof![
        4 => 1_700_000_000..1_800_000_000_i64,
        1 => -70_000_000_000..260_000_000_000_i64,
        1 => -10_000_000_000..10_000_000_000_i64,
        2 => -2..3_i64,
    ]
    .boxed()
}

fn nanos() -> BoxedStrategy<i32> {
    prop_oneof![4 => 0..1_000_000_000, 1 => -1_100_000_000..1_100_000_000, 1 => -1..2].boxed()
}

fn timestamp() -> BoxedStrategy<Option<prost_types::Timestamp>> {
    prop::option::weighted(0.9, (seconds(), nanos()))
        .prop_map(|time| time.map(|(seconds, nanos)| prost_types::Timestamp { seconds, nanos }))
        .boxed()
}

fn span() -> BoxedStrategy<Span> {
    let reference =
        (id(), id(), -1..3).prop_map(|(trace_id, span_id, ref_type)| SpanRef { trace_id, span_id, ref_type });
    let log = (timestamp(), key_values()).prop_map(|(timestamp, fields)| Log { timestamp, fields });
    let lasts = prop::option::of((seconds(), nanos()))
        .prop_map(|time| time.map(|(seconds, nanos)| prost_types::Duration { seconds, nanos }));
    let lists = (prop::collection::vec(reference, 0..3), key_values(), prop::collection::vec(log, 0..2));
    (id(), id(), any::<String>(), any::<u32>(), (timestamp(), lasts), lists, prop::option::of(process()))
        .prop_map(|(trace_id, span_id, operation_name, flags, (start_time, duration), lists, process)| Span {
            trace_id,
            span_id,
            operation_name,
            flags,
            start_time,
            duration,
            references: lists.0,
            tags: lists.1,
            logs: lists.2,
            process,
            process_id: "p1".to_owned(),
            warnings: vec!["w".to_owned()],
        })
        .boxed()
}

fn process() -> BoxedStrategy<Process> {
    ("[a-z]{0,4}", key_values()).prop_map(|(service_name, tags)| Process { service_name, tags }).boxed()
}

fn request() -> BoxedStrategy<PostSpansRequest> {
    (prop::collection::vec(span(), 0..4), prop::option::of(process()))
        .prop_map(|(spans, process)| PostSpansRequest { batch: Some(Batch { spans, process }) })
        .boxed()
}

proptest! {
    #[test]
    fn reads_what_prost_reads(request in request()) {
        check("generated", &request, &decode_jaeger_proto(&request.encode_to_vec()));
    }

    #[test]
    fn never_panics(request in request(), place in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut body = request.encode_to_vec();
        if !body.is_empty() {
            let place = place.index(body.len());
            body[place] = byte;
        }
        let collected = decode_jaeger_proto(&body);
        if collected.unreadable.is_some() {
            prop_assert_eq!((collected.spans.len(), collected.refusals.len()), (0, 0));
        }
    }
}
