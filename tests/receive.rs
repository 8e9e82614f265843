//! The listeners over real sockets: what each protocol's senders hear, and when.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod receive {
    mod connections;
    mod grpc;
    pub(crate) mod house;
    mod http2;
    mod jaeger_http;
    mod otlp_http;
    mod zipkin;
}
