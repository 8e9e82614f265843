//! The listeners over real sockets: what each protocol's senders hear, and when.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod receive {
    mod agent;
    mod connections;
    mod grpc;
    mod guard;
    pub(crate) mod house;
    mod http2;
    mod jaeger_http;
    mod otlp_http;
    mod strategies;
    mod tls;
    mod zipkin;
}
