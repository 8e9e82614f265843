//! Messages of gRPC, made from `proto/*.proto` when Spaniel is built.
//!
//! They are for replies, small requests and tests. Spans are read where they lie by the decoders,
//! never into these.

#![allow(missing_docs, unreachable_pub, clippy::doc_markdown, reason = "made by a machine")]

pub mod jaeger {
    tonic::include_proto!("jaeger.api_v2");

    /// The files of this package and those that they import, as reflection tells them.
    pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/jaeger.bin"));
}

pub mod zipkin {
    tonic::include_proto!("zipkin.proto3");
}

pub mod rpc {
    tonic::include_proto!("google.rpc");
}
