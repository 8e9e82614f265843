//! Calls that bring spans, and what their senders hear.

use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use spaniel::pipeline::Protocol;
use spaniel::proto::{jaeger, zipkin};
use spaniel::settings::Connections;
use tonic::Code;
use tonic::codec::CompressionEncoding::{Gzip, Zstd};

use super::{EXPORT, POST_SPANS, REPORT, Sender, channel, noise};
use crate::receive::house::{House, LARGEST_MESSAGE, LEFT_OUT, MEMORY, Wire, patient, post};

/// Each port, its method, and the protocol of what comes there.
fn methods(house: &House) -> [(std::net::SocketAddr, &'static str, Protocol); 3] {
    [
        (house.otlp_grpc, EXPORT, Protocol::OtlpGrpc),
        (house.jaeger_grpc, POST_SPANS, Protocol::JaegerGrpc),
        (house.zipkin, REPORT, Protocol::ZipkinGrpc),
    ]
}

async fn refused(house: &House, protocol: &str, code: Code) {
    let code = code as i32;
    house.until_metric(&format!("spaniel_requests_refused_total{{protocol=\"{protocol}\",status=\"{code}\"}} 1")).await;
}

#[tokio::test]
async fn messages_come_to_the_pipeline_as_they_were_sent() {
    let house = House::new().await;
    let messages = [1, 5, 1000, 16_379, 16_384, 20_000, LARGEST_MESSAGE].map(noise);
    for (port, path, protocol) in methods(&house) {
        let mut sender = Sender::to(port).await;
        for message in &messages {
            sender.call(path, message.clone()).await.unwrap();
            let (by, body) = house.memo.taken.lock().unwrap().pop().unwrap();
            assert_eq!((by, &body[..]), (protocol, &message[..]));
        }
    }
    house.until_free().await;
}

#[tokio::test]
async fn compressed_messages_come_as_they_were_before() {
    let house = House::new().await;
    for (port, path, protocol) in methods(&house) {
        for encoding in [Gzip, Zstd] {
            let mut sender = Sender::compressing(port, encoding).await;
            for message in [noise(1000), vec![b'x'; LARGEST_MESSAGE], noise(50_000)] {
                sender.call(path, message.clone()).await.unwrap();
                let (by, body) = house.memo.taken.lock().unwrap().pop().unwrap();
                assert_eq!((by, &body[..]), (protocol, &message[..]));
            }
        }
    }
    house.until_free().await;
}

#[tokio::test]
async fn replies_say_what_became_of_the_spans() {
    let house = House::new().await;
    let mut otlp = Sender::to(house.otlp_grpc).await;
    // As jaeger-collector: an empty `partial_success`, for an empty request too.
    assert_eq!(otlp.call(EXPORT, "spans").await.unwrap(), &b"\x0a\0"[..]);
    assert_eq!(otlp.call(EXPORT, "").await.unwrap(), &b"\x0a\0"[..]);
    let reply = ExportTraceServiceResponse::decode(otlp.call(EXPORT, "some").await.unwrap()).unwrap();
    let partial = reply.partial_success.unwrap();
    assert_eq!((partial.rejected_spans, &partial.error_message[..]), (2, LEFT_OUT));
    for (port, path) in [(house.jaeger_grpc, POST_SPANS), (house.zipkin, REPORT)] {
        let mut sender = Sender::to(port).await;
        for message in ["spans", "", "some"] {
            assert_eq!(sender.call(path, message).await.unwrap(), &b""[..]);
        }
    }
    // What is empty holds nothing to take.
    assert!(house.bodies().iter().all(|body| !body.is_empty()));
}

#[tokio::test]
async fn clients_of_each_protocol_are_understood() {
    let house = House::new().await;
    let span = Span { trace_id: vec![1; 16], span_id: vec![2; 8], name: "n".into(), ..Span::default() };
    let spans = ScopeSpans { spans: vec![span], ..ScopeSpans::default() };
    let resource = ResourceSpans { scope_spans: vec![spans], ..ResourceSpans::default() };
    let export = ExportTraceServiceRequest { resource_spans: vec![resource] };
    TraceServiceClient::new(channel(house.otlp_grpc).await).export(export.clone()).await.unwrap();

    let span = jaeger::Span { trace_id: vec![1; 16], span_id: vec![2; 8], ..jaeger::Span::default() };
    let batch = jaeger::Batch { spans: vec![span], process: None };
    let post = jaeger::PostSpansRequest { batch: Some(batch) }.encode_to_vec();
    Sender::to(house.jaeger_grpc).await.call(POST_SPANS, post.clone()).await.unwrap();

    let span = zipkin::Span { trace_id: vec![1; 16], id: vec![2; 8], ..zipkin::Span::default() };
    let report = zipkin::ListOfSpans { spans: vec![span] }.encode_to_vec();
    // The smallest body of the reference has the same fields in the same places.
    assert_eq!(report[..4], [0x0a, 0x1c, 0x0a, 0x10]);
    Sender::to(house.zipkin).await.call(REPORT, report.clone()).await.unwrap();
    assert_eq!(house.bodies(), [export.encode_to_vec(), post, report]);
}

#[tokio::test]
async fn what_cannot_be_read_is_an_invalid_argument() {
    let house = House::new().await;
    for (port, path, protocol) in methods(&house) {
        let mut sender = Sender::to(port).await;
        let status = sender.call(path, "bad").await.unwrap_err();
        assert_eq!((status.code(), status.message()), (Code::InvalidArgument, "not a list at byte 0"));
        refused(&house, protocol.name(), Code::InvalidArgument).await;
        let status = sender.call(path, "none").await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert!(status.message().starts_with("none of 2 spans"), "{status}");
    }
}

/// True if the details of a status hold a RetryInfo of one second, byte by byte.
fn says_when_to_come_again(details: &[u8]) -> bool {
    let detail = b"\n(type.googleapis.com/google.rpc.RetryInfo\x12\x04\n\x02\x08\x01";
    details.ends_with(detail)
}

#[tokio::test]
async fn what_cannot_be_made_safe_may_be_sent_again() {
    let house = House::new().await;
    for (port, path, protocol) in methods(&house) {
        let status = Sender::to(port).await.call(path, "full").await.unwrap_err();
        assert_eq!(status.code(), Code::Unavailable);
        assert!(says_when_to_come_again(status.details()), "{status:?}");
        refused(&house, protocol.name(), Code::Unavailable).await;
    }
}

#[tokio::test]
async fn without_memory_nothing_is_read_and_all_may_be_sent_again() {
    let house = House::new().await;
    for (port, path, protocol) in methods(&house) {
        let mut sender = Sender::to(port).await;
        let mut others = house.budget.reserve();
        let mut step = MEMORY;
        // Takes what is there for bodies, as far as 10 bytes.
        while step > 10 {
            step = if others.grow(step).is_ok() { step } else { step / 2 };
        }
        let status = sender.call(path, noise(60_000)).await.unwrap_err();
        let words = "no memory for more spans now, send again later";
        assert_eq!((status.code(), status.message()), (Code::Unavailable, words));
        assert!(says_when_to_come_again(status.details()), "{status:?}");
        refused(&house, protocol.name(), Code::Unavailable).await;
        // The connection lives.
        drop(others);
        sender.call(path, noise(60_000)).await.unwrap();
    }
    house.until_metric(r#"spaniel_limits_reached_total{limit="memory.limit"} 3"#).await;
    assert_eq!(house.bodies().len(), 3);
    house.until_free().await;
}

#[tokio::test]
async fn messages_over_the_limit_are_refused_in_grpc_gos_words() {
    let house = House::new().await;
    let mut sender = Sender::to(house.jaeger_grpc).await;
    let status = sender.call(POST_SPANS, noise(LARGEST_MESSAGE + 1)).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert!(status.message().starts_with("grpc: received message larger than max (100001 vs. 100000)"), "{status}");
    assert!(status.message().ends_with("raise --collector.grpc-server.max-message-size"), "{status}");
    // It would not help to send it again, and so nothing asks for that.
    assert!(status.details().is_empty());
    refused(&house, "jaeger-grpc", Code::ResourceExhausted).await;
    let limit = r#"spaniel_limits_reached_total{limit="collector.grpc-server.max-message-size"} 1"#;
    house.until_metric(limit).await;
    sender.call(POST_SPANS, noise(LARGEST_MESSAGE)).await.unwrap();
    // Where the memory for a body is less than the setting, that is said.
    let status = Sender::to(house.otlp_grpc).await.call(EXPORT, noise(MEMORY / 8 + 1)).await.unwrap_err();
    assert!(status.message().ends_with("raise --limits.body-bytes"), "{status}");
    assert_eq!(house.bodies().len(), 1);
}

#[tokio::test]
async fn bombs_stop_at_the_limit() {
    let house = House::new().await;
    for encoding in [Gzip, Zstd] {
        let mut sender = Sender::compressing(house.jaeger_grpc, encoding).await;
        // The compressed message is well below the limit.
        for length in [LARGEST_MESSAGE + 1, 20 << 20] {
            let status = sender.call(POST_SPANS, vec![0; length]).await.unwrap_err();
            assert_eq!(status.code(), Code::ResourceExhausted, "{status}");
            assert!(
                status.message().starts_with("grpc: received message after decompression larger than max 100000"),
                "{status}"
            );
        }
        sender.call(POST_SPANS, vec![0; LARGEST_MESSAGE]).await.unwrap();
    }
    assert_eq!(house.bodies().len(), 2);
    house.until_free().await;
}

#[tokio::test]
async fn a_message_that_comes_too_slowly_is_given_up() {
    let house = House::with(Connections { body_timeout: Duration::from_millis(50), ..patient() }).await;
    let (status, limit) = super::broken::never_ending(house.otlp_grpc, b"\0\0\0\0\x0aspans").await;
    assert_eq!((status, limit), (Code::DeadlineExceeded as i32, "the body did not arrive within 0.05 s".into()));
    house.until_metric(r#"spaniel_limits_reached_total{limit="limits.body-timeout"} 1"#).await;
    house.until_free().await;
}

#[tokio::test]
async fn unknown_methods_are_said_to_be_so() {
    let house = House::new().await;
    let mut jaeger = Sender::to(house.jaeger_grpc).await;
    for (path, words) in [
        ("/jaeger.api_v2.CollectorService/Other", "unknown method Other for service jaeger.api_v2.CollectorService"),
        ("/jaeger.api_v2.QueryService/GetServices", "unknown service jaeger.api_v2.QueryService"),
        (EXPORT, "unknown service opentelemetry.proto.collector.trace.v1.TraceService"),
    ] {
        let status = jaeger.call(path, "x").await.unwrap_err();
        assert_eq!((status.code(), status.message()), (Code::Unimplemented, words));
    }
    house.until_metric(r#"spaniel_requests_refused_total{protocol="jaeger-grpc",status="12"} 3"#).await;
    for (port, path) in [(house.otlp_grpc, POST_SPANS), (house.zipkin, EXPORT)] {
        assert_eq!(Sender::to(port).await.call(path, "x").await.unwrap_err().code(), Code::Unimplemented);
    }
    let status = Sender::to(house.zipkin).await.call("/zipkin.proto3.SpanService/Other", "x").await.unwrap_err();
    assert_eq!(status.message(), "unknown method Other for service zipkin.proto3.SpanService");
}

#[tokio::test]
async fn those_who_do_not_speak_grpc_are_told_where_to_go() {
    let house = House::new().await;
    for (port, elsewhere) in [(house.otlp_grpc, "4318"), (house.jaeger_grpc, "14268")] {
        for (headers, status) in
            [("Content-Type: application/json\r\n", 415), ("Content-Type: application/grpc\r\n", 505)]
        {
            let mut wire = Wire::to(port).await;
            wire.send(post("/v1/traces", headers, b"{}")).await;
            let heard = wire.hear().await;
            assert_eq!(heard.status, status);
            assert!(heard.body.contains(elsewhere), "{heard:?}");
        }
    }
}

#[tokio::test]
async fn a_drain_lets_calls_end() {
    let house = House::new().await;
    house.hold_answers();
    let mut sender = Sender::to(house.otlp_grpc).await;
    let call = tokio::spawn(async move { sender.call(EXPORT, "spans").await });
    house.until_taken(1).await;
    let server = house.server.clone();
    let drain = tokio::spawn(async move { server.drain(Duration::from_secs(3600)).await });
    while tokio::net::TcpStream::connect(house.otlp_grpc).await.is_ok() {}
    house.memo.permits.add_permits(1);
    assert_eq!(call.await.unwrap().unwrap(), &b"\x0a\0"[..]);
    assert_eq!(drain.await.unwrap(), 0);
}
