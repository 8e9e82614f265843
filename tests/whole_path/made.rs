//! Made Zipkin spans: as many as wanted, each its own.

use serde_json::{Value, json};
use spaniel::span::TraceId;

/// The spans of one request, all of one trace; the ids follow from `number`. `padding` makes each
/// longer by so many bytes.
pub(crate) fn request(number: u64, spans: u64, padding: usize) -> String {
    let trace = trace_id(number);
    let span = |index: u64| {
        json!({
            "traceId": format!("{:016x}", trace.low),
            "id": format!("{:016x}", number * 1_000 + index + 1),
            "name": "get",
            "timestamp": 1_795_237_200_000_000_u64 + number,
            "duration": 1_000,
            "localEndpoint": {"serviceName": "load"},
            "tags": {"padding": "x".repeat(padding)},
        })
    };
    (0..spans).map(span).collect::<Value>().to_string()
}

/// The trace of the request of this number.
pub(crate) fn trace_id(number: u64) -> TraceId {
    TraceId { high: 0, low: 0x1000_0000 + number }
}
