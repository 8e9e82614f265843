//! What all of Zipkin's formats share: a span in the making.
//!
//! The readers (JSON, protobuf, Thrift) put tags and logs straight into the span of a [`Draft`];
//! the few members that others depend on (ids, kind, times, endpoints) wait in [`Members`] until
//! all has been read, and [`finish`] turns them into tags and references. Tags that mean something
//! to OpenTelemetry's translator are rare; one look-up per key tells whether a span has any, and
//! only then [`special`] goes over them. What comes out are the spans that jaeger-collector 1.76
//! makes: same tags in the same order, same references, same logs.

mod endpoint;
mod event;
mod finish;
pub(super) mod id;
mod key;
mod link;
mod members;
mod special;
mod tag;

pub(super) use endpoint::{Endpoint, is_ipv4, odd_address};
pub(super) use members::{Kind, Members};
pub(super) use tag::TOO_LONG;

use super::fault::{Fault, Read};
use super::scratch::{self, Scratch};
use super::{Limits, Sink};
use crate::span::{Process, Reason, Span, Text};

const TOO_MANY_SPANS: &Fault = &Fault::new(Reason::Limit, "too many spans in one request");

/// A span in the making, and what is kept from span to span.
#[derive(Debug)]
pub(super) struct Draft<'a> {
    pub(super) limits: Limits,
    /// Builds text, in the rare case.
    pub(super) scratch: scratch::Writer<'a>,
    pub(super) span: Span<'a>,
    pub(super) members: Members<'a>,
    /// The process of the span being read.
    pub(super) process: Process<'a>,
    keys: key::Keys,
    /// The process that the sink was told last.
    told: Option<Text<'a>>,
    told_plain: bool,
    spans: usize,
}

impl<'a> Draft<'a> {
    /// `body`: bytes of the request, which bound what may be built of it.
    pub(super) fn new(body: usize, scratch: &'a Scratch, limits: Limits) -> Self {
        Draft {
            limits,
            // A replaced byte takes three; nothing grows more, and nothing is built twice.
            scratch: scratch.writer(body.saturating_mul(3)),
            span: Span { tags: Vec::with_capacity(32), ..Span::default() },
            members: Members::default(),
            process: Process::default(),
            keys: key::Keys::default(),
            told: None,
            told_plain: false,
            spans: 0,
        }
    }

    /// Begins another span.
    #[inline]
    pub(super) fn begin(&mut self) -> Read<()> {
        self.clear();
        if self.spans >= self.limits.spans {
            return Err(TOO_MANY_SPANS);
        }
        self.spans += 1;
        Ok(())
    }

    #[inline]
    fn clear(&mut self) {
        self.span.clear();
        self.process.clear();
        self.members = Members::default();
        self.keys.clear();
    }

    /// Hands the span over, and its process before if that is another one than before.
    #[inline]
    pub(super) fn hand_over(&mut self, sink: &mut impl Sink<'a>) {
        let plain = self.process.tags.is_empty();
        if !(plain && self.told_plain && same(&self.told, &self.process.service)) {
            sink.process(&self.process);
            self.told = self.process.service;
            self.told_plain = plain;
        }
        sink.span(&mut self.span);
    }
}

/// True if both are the same bytes in the same form.
fn same(one: &Option<Text<'_>>, other: &Option<Text<'_>>) -> bool {
    match (one, other) {
        (None, None) => true,
        (Some(one), Some(other)) => {
            std::mem::discriminant(one) == std::mem::discriminant(other) && one.raw() == other.raw()
        }
        _ => false,
    }
}
