//! Zipkin's protobuf.

use std::net::Ipv4Addr;

use prost::Message;
use spaniel::proto::zipkin::span::{Kind, Tag};
use spaniel::proto::zipkin::{Annotation, Endpoint, ListOfSpans, Span as ZipkinSpan};

use super::{Span, wide};

pub(super) fn proto(spans: &[Span]) -> Vec<u8> {
    ListOfSpans { spans: spans.iter().map(of).collect() }.encode_to_vec()
}

fn of(span: &Span) -> ZipkinSpan {
    let address = span.local_endpoint.ipv4.parse::<Ipv4Addr>().map(|address| address.octets().to_vec());
    let local = Endpoint {
        service_name: span.local_endpoint.service_name.clone().into(),
        ipv4: address.unwrap_or_default(),
        ..Endpoint::default()
    };
    let annotations =
        span.annotations.iter().map(|one| Annotation { timestamp: span.start, value: one.value.clone().into() });
    ZipkinSpan {
        trace_id: wide(span.trace_id),
        id: span.span_id.to_be_bytes().to_vec(),
        parent_id: span.parent_id.iter().flat_map(|_| span.parent().to_be_bytes()).collect(),
        kind: if span.is_server() { Kind::Server } else { Kind::Client } as i32,
        name: span.name.clone().into(),
        timestamp: span.start,
        duration: span.duration,
        local_endpoint: Some(local),
        annotations: annotations.collect(),
        tags: span.tags.iter().map(tag).collect(),
        ..ZipkinSpan::default()
    }
}

fn tag((key, value): (&String, &String)) -> Tag {
    Tag { key: key.clone().into(), value: value.clone().into() }
}
