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
mod v1;

pub(super) use endpoint::{Endpoint, is_ipv4, odd_address};
use endpoint::{same_text, same_value};
pub(super) use finish::AbsentStart;
pub(super) use members::{Kind, Members};
pub(super) use tag::TOO_LONG;
pub(super) use v1::OldSpan;

use super::fault::{Fault, Read};
use super::scratch::{self, Scratch};
use super::{Limits, Sink};
use crate::span::{Limit, Process, Span};

const TOO_MANY_SPANS: &Fault = &Fault::limit(Limit::Spans, "too many spans in one request");

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
    told: Option<Process<'a>>,
    spans: usize,
}

impl<'a> Draft<'a> {
    /// `body`: bytes of the request, which bound what may be built of it.
    pub(super) fn new(body: usize, scratch: &'a Scratch, limits: Limits) -> Self {
        Draft {
            limits,
            // A replaced byte takes three, and nothing grows more. (A span that must be read again
            // as one of the other version may want more, and is refused then.)
            scratch: scratch.writer(body.saturating_mul(3)),
            span: Span { tags: Vec::with_capacity(32), ..Span::default() },
            members: Members::default(),
            process: Process::default(),
            keys: key::Keys::default(),
            told: None,
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

    /// Begins the same span again.
    #[inline]
    pub(super) fn clear(&mut self) {
        self.span.clear();
        self.process.clear();
        self.members = Members::default();
        self.keys.clear();
    }

    /// Hands the span over, and its process before if that is another one than before.
    #[inline]
    pub(super) fn hand_over(&mut self, sink: &mut impl Sink<'a>) {
        if !self.told.as_ref().is_some_and(|told| same(told, &self.process)) {
            self.tell(sink);
        }
        sink.span(&mut self.span);
    }

    fn tell(&mut self, sink: &mut impl Sink<'a>) {
        sink.process(&self.process);
        let told = self.told.get_or_insert_default();
        told.service = self.process.service;
        told.tags.clone_from(&self.process.tags);
        told.wire = self.process.wire;
    }
}

/// True if nothing needs to be told again.
#[inline]
fn same(told: &Process<'_>, process: &Process<'_>) -> bool {
    let services = match (&told.service, &process.service) {
        (Some(one), Some(other)) => same_text(one, other),
        (one, other) => one.is_none() && other.is_none(),
    };
    let tags = || told.tags.iter().zip(&process.tags);
    services
        && told.tags.len() == process.tags.len()
        && told.wire == process.wire
        && tags().all(|(one, other)| same_text(&one.key, &other.key) && same_value(&one.value, &other.value))
}
