//! Zipkin v1: one span that may tell of both ends of a call, and of more.
//!
//! The readers (JSON, Thrift) fill an [`OldSpan`], the same one again and again.
//! [`hand_over`](OldSpan::hand_over) splits it into spans as Zipkin does: one for each
//! service among its endpoints, and one for each end if client and server are of one service
//! ([`split`]), and writes each as jaeger-collector 1.76 writes v1: the endpoint as tags of the
//! process, values with their types, the status from the tags that say something of it
//! ([`status`]). Where Jaeger loses what was sent (the other end of a shared span, the addresses
//! `sa`, `ca` and `ma`, the end of a span that has no duration), Zipkin's reading is taken.

mod emit;
mod remote;
mod split;
mod status;
mod times;

pub(super) use status::status;

use super::endpoint::Endpoint;
use super::event::TOO_MANY_LOGS;
use super::members::Kind;
use super::tag::TOO_MANY;
use crate::decode::Limits;
use crate::decode::fault::Read;
use crate::span::{Text, TraceId, Value};

/// A span of v1 as it was sent, and how it is split.
#[derive(Debug, Default)]
pub(in crate::decode) struct OldSpan<'a> {
    pub(in crate::decode) trace_id: TraceId,
    pub(in crate::decode) span_id: u64,
    /// 0: none.
    pub(in crate::decode) parent_id: u64,
    pub(in crate::decode) name: Text<'a>,
    /// Microseconds since 1970; 0: none.
    pub(in crate::decode) timestamp: u64,
    /// Microseconds; 0: none.
    pub(in crate::decode) duration: i64,
    pub(in crate::decode) debug: bool,
    annotations: Vec<Annotation<'a>>,
    tags: Vec<BinaryAnnotation<'a>>,
    parts: Vec<Part<'a>>,
    moments: times::Moments,
    /// The last port that became text, and the text.
    port: Option<(u16, &'a str)>,
}

/// A moment of a span: what happened, and where.
#[derive(Debug, Clone, Copy)]
pub(in crate::decode) struct Annotation<'a> {
    /// Microseconds since 1970; 0: unknown.
    pub(in crate::decode) timestamp: u64,
    pub(in crate::decode) value: Text<'a>,
    pub(in crate::decode) endpoint: Endpoint<'a>,
    /// The part that it belongs to.
    part: usize,
    /// False if it is told by the kind and the times of its part.
    is_event: bool,
}

/// A tag, or the address of another end.
#[derive(Debug, Clone, Copy)]
pub(in crate::decode) struct BinaryAnnotation<'a> {
    pub(in crate::decode) key: Text<'a>,
    pub(in crate::decode) value: Value<'a>,
    pub(in crate::decode) endpoint: Endpoint<'a>,
    /// The part whose tag it is, if it is one.
    part: Option<usize>,
}

/// One of the spans that a span of v1 is split into.
#[derive(Debug, Default, Clone, Copy)]
struct Part<'a> {
    endpoint: Endpoint<'a>,
    kind: Kind,
    timestamp: u64,
    duration: i64,
    remote: Endpoint<'a>,
}

impl<'a> OldSpan<'a> {
    /// Empties the span and keeps its room.
    pub(in crate::decode) fn clear(&mut self) {
        let OldSpan { annotations, tags, parts, port, .. } = std::mem::take(self);
        *self = OldSpan { annotations, tags, parts, port, ..OldSpan::default() };
        self.annotations.clear();
        self.tags.clear();
    }

    pub(in crate::decode) fn annotate(
        &mut self,
        timestamp: u64,
        value: Text<'a>,
        endpoint: Endpoint<'a>,
        limits: &Limits,
    ) -> Read<()> {
        // Each may become a log with a field.
        if self.annotations.len() >= limits.logs.min(limits.tags) {
            return Err(TOO_MANY_LOGS);
        }
        self.annotations.push(Annotation { timestamp, value, endpoint, part: 0, is_event: true });
        Ok(())
    }

    pub(in crate::decode) fn tag(
        &mut self,
        key: Text<'a>,
        value: Value<'a>,
        endpoint: Endpoint<'a>,
        limits: &Limits,
    ) -> Read<()> {
        if self.tags.len() >= limits.tags {
            return Err(TOO_MANY);
        }
        self.tags.push(BinaryAnnotation { key, value, endpoint, part: None });
        Ok(())
    }
}

#[cfg(test)]
mod tests;
