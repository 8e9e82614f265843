//! Jaeger's protobuf.

use prost::Message;
use prost_types::{Duration, Timestamp};
use spaniel::proto::jaeger::{Batch, KeyValue, Log, PostSpansRequest, Process, Span as JaegerSpan, SpanRef};

use super::{Span, wide};

pub(super) fn proto(spans: &[Span]) -> Vec<u8> {
    let local = &spans[0].local_endpoint;
    let process = Process { service_name: local.service_name.clone(), tags: vec![tag("ip", &local.ipv4)] };
    let batch = Batch { spans: spans.iter().map(of).collect(), process: Some(process) };
    PostSpansRequest { batch: Some(batch) }.encode_to_vec()
}

fn of(span: &Span) -> JaegerSpan {
    let time = Timestamp { seconds: (span.start / 1_000_000) as i64, nanos: (span.start % 1_000_000 * 1_000) as i32 };
    let parent = span.parent_id.iter().map(|_| SpanRef {
        trace_id: wide(span.trace_id),
        span_id: span.parent().to_be_bytes().to_vec(),
        ..SpanRef::default()
    });
    let kind = tag("span.kind", &span.kind.to_lowercase());
    let log = |name: &String| Log { timestamp: Some(time), fields: vec![tag("event", name)] };
    JaegerSpan {
        // First: the reference has it too.
        trace_id: wide(span.trace_id),
        span_id: span.span_id.to_be_bytes().to_vec(),
        operation_name: span.name.clone(),
        references: parent.collect(),
        flags: 1,
        start_time: Some(time),
        duration: Some(Duration {
            seconds: (span.duration / 1_000_000) as i64,
            nanos: (span.duration % 1_000_000 * 1_000) as i32,
        }),
        tags: span.tags.iter().map(|(key, value)| tag(key, value)).chain([kind]).collect(),
        logs: span.annotations.iter().map(|one| log(&one.value)).collect(),
        ..JaegerSpan::default()
    }
}

fn tag(key: &str, value: &str) -> KeyValue {
    KeyValue { key: key.into(), v_str: value.into(), ..KeyValue::default() }
}
