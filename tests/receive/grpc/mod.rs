//! gRPC as its senders speak it: calls by tonic's client, whose messages are handed on byte by byte.

mod beside;
mod broken;
mod calls;

use std::net::SocketAddr;

use axum::http::uri::PathAndQuery;
use bytes::{Buf, BufMut, Bytes};
use tonic::client::Grpc;
use tonic::codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Response, Status};

pub(crate) const EXPORT: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
pub(crate) const POST_SPANS: &str = "/jaeger.api_v2.CollectorService/PostSpans";
pub(crate) const GET_STRATEGY: &str = "/jaeger.api_v2.SamplingManager/GetSamplingStrategy";
pub(crate) const REPORT: &str = "/zipkin.proto3.SpanService/Report";

/// Messages that are their bytes.
#[derive(Debug, Default)]
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Raw;
    type Decoder = Raw;

    fn encoder(&mut self) -> Raw {
        Raw
    }

    fn decoder(&mut self) -> Raw {
        Raw
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, message: Bytes, out: &mut EncodeBuf<'_>) -> Result<(), Status> {
        out.put(message);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, message: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(message.copy_to_bytes(message.remaining())))
    }
}

pub(crate) async fn channel(address: SocketAddr) -> Channel {
    Endpoint::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap()
}

/// A sender with a connection of its own.
pub(crate) struct Sender(Grpc<Channel>);

impl Sender {
    pub(crate) async fn to(address: SocketAddr) -> Sender {
        Sender(Grpc::new(channel(address).await))
    }

    async fn compressing(address: SocketAddr, encoding: CompressionEncoding) -> Sender {
        Sender(Grpc::new(channel(address).await).send_compressed(encoding))
    }

    pub(crate) async fn call(&mut self, path: &'static str, message: impl Into<Bytes>) -> Result<Bytes, Status> {
        self.0.ready().await.unwrap();
        let path = PathAndQuery::from_static(path);
        self.0.unary(Request::new(message.into()), path, Raw).await.map(Response::into_inner)
    }
}

/// Bytes that compress badly.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..length).map(|_| next()).collect()
}
