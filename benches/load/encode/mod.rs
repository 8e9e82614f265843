//! The captured spans of Envoys in the other protocols: the same names, tags, kinds and times, as a
//! client of that protocol would write them. The spans of a body are of one process.

mod jaeger;
mod otlp;
mod thrift;
mod zipkin;

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::protocol::Protocol;
use crate::template::{Form, Template, mark};

/// A span as Envoy wrote it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Span {
    name: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    parent_id: Option<String>,
    duration: u64,
    local_endpoint: Endpoint,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    #[serde(default)]
    annotations: Vec<Annotation>,
    /// Those by which the ids are found again in the body.
    #[serde(skip)]
    trace_id: u64,
    #[serde(skip)]
    span_id: u64,
    /// Microseconds.
    #[serde(skip)]
    start: u64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Endpoint {
    service_name: String,
    ipv4: String,
}

#[derive(Debug, Clone, Deserialize)]
struct Annotation {
    value: String,
}

impl Span {
    fn parent(&self) -> u64 {
        self.parent_id.as_deref().and_then(|id| u64::from_str_radix(id, 16).ok()).unwrap_or(0)
    }

    fn is_server(&self) -> bool {
        self.kind == "SERVER"
    }
}

/// `count` different bodies of `spans` spans each; their times are now.
pub(crate) fn templates(protocol: Protocol, spans: usize, count: usize) -> Result<Vec<Template>> {
    let captured = captured_spans()?;
    let mut pool = captured.iter().cycle();
    (0..count).map(|_| template(protocol, pool.by_ref().take(spans), spans)).collect()
}

fn template<'a>(protocol: Protocol, captured: impl Iterator<Item = &'a String>, count: usize) -> Result<Template> {
    let start = SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros() as u64;
    let mut spans = captured.map(|text| Ok(serde_json::from_str::<Span>(text)?)).collect::<Result<Vec<_>>>()?;
    for (number, span) in spans.iter_mut().enumerate() {
        ((span.trace_id, span.span_id), span.start) = (mark(number), start + number as u64);
    }
    let (body, trace, span) = match protocol {
        Protocol::ZipkinJson => unreachable!("`generator` posts those as Envoy wrote them"),
        Protocol::ZipkinProto => (zipkin::proto(&spans), Form::Bytes(16), Form::Bytes(8)),
        Protocol::JaegerThrift => (thrift::binary(&spans)?, Form::Bytes(8), Form::Bytes(8)),
        Protocol::Udp => (thrift::datagram(&spans)?, Form::Varint, Form::Varint),
        Protocol::JaegerGrpc => (jaeger::proto(&spans), Form::Bytes(16), Form::Bytes(8)),
        Protocol::OtlpHttp | Protocol::OtlpGrpc => (otlp::proto(&spans), Form::Bytes(16), Form::Bytes(8)),
        Protocol::OtlpJson => (otlp::json(&spans)?, Form::Hex(32), Form::Hex(16)),
    };
    Template::with_ids(body, count, trace, span)
}

/// Spans of the seven pods of "50 page loads", in the order of the files, each as Envoy wrote it.
fn captured_spans() -> Result<Vec<String>> {
    const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/envoy");
    let mut files: Vec<_> = std::fs::read_dir(FOLDER).context(FOLDER)?.collect::<Result<Vec<_>, _>>()?;
    files.sort_by_key(std::fs::DirEntry::file_name);
    let mut spans = Vec::new();
    for file in files {
        let name = file.file_name();
        let number = name.to_str().and_then(|name| name.get(..3)).and_then(|digits| digits.parse::<u32>().ok());
        if number.is_some_and(|number| (129..=135).contains(&number)) {
            let body = std::fs::read(file.path())?;
            let list: Vec<&serde_json::value::RawValue> = serde_json::from_slice(&body)?;
            spans.extend(list.iter().map(|span| span.get().to_owned()));
        }
    }
    ensure!(!spans.is_empty(), "no captured bodies in {FOLDER}");
    Ok(spans)
}

/// An id of 128 bits as [`Form::Bytes`] writes it.
fn wide(id: u64) -> Vec<u8> {
    [id.to_be_bytes(), id.to_be_bytes()].concat()
}
