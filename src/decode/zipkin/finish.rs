//! The end of a span: what its members come to in Jaeger's model.

use super::special::{Extra, Status};
use super::v1::status;
use super::{Draft, Kind};
use crate::decode::fault::{Fault, Read};
use crate::span::{Reason, Reference, ReferenceKind, Tag, Text, Value};

const NO_TRACE_ID: &Fault = &Fault::new(Reason::TraceId, "no trace id, or all zeros");
const NO_SPAN_ID: &Fault = &Fault::new(Reason::SpanId, "no span id, or all zeros");

/// The tag of a span that says not when it started.
const ABSENT_START: &str = "otel.zipkin.absentField.startTime";

/// Whether a span without a start gets a tag that says so: Jaeger's do in JSON only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::decode) enum AbsentStart {
    Marked,
    Left,
}

impl<'a> Draft<'a> {
    /// Checks the ids and adds references, process and the tags that come from members, in the
    /// order in which jaeger-collector 1.76 writes them. `start`: whether a span without a start
    /// is marked as such.
    #[inline]
    pub(in crate::decode) fn finish(&mut self, start: AbsentStart) -> Read<()> {
        self.identify()?;
        if self.members.has_odd_keys {
            self.tidy_keys();
        }
        let mut extra = Extra::default();
        if self.members.has_special {
            extra = self.special();
        }
        self.add_endpoints(extra.has_endpoint_tags);
        if self.members.timestamp == 0 && start == AbsentStart::Marked {
            set(&mut self.span.tags, extra.has_endpoint_tags, ABSENT_START, Value::Bool(true));
        }
        self.add_kind(extra.is_internal);
        if self.members.has_special {
            self.add_status(&extra);
        }
        Ok(())
    }

    /// The same for a span of v1, whose process is there already.
    pub(super) fn finish_old(&mut self, start: AbsentStart) -> Read<()> {
        self.identify()?;
        if self.members.has_odd_keys {
            self.tidy_keys();
        }
        let outcome = status(&mut self.span.tags);
        self.add_endpoints(self.members.has_special);
        if self.members.timestamp == 0 && start == AbsentStart::Marked {
            set(&mut self.span.tags, false, ABSENT_START, Value::Bool(true));
        }
        self.add_kind(false);
        let (status, description) = (outcome.status, outcome.description);
        self.add_status(&Extra { status, description, ..Extra::default() });
        Ok(())
    }

    #[inline]
    pub(super) fn check_ids(&self) -> Read<()> {
        if self.members.trace_id.is_zero() {
            return Err(NO_TRACE_ID);
        }
        if self.members.span_id == 0 {
            return Err(NO_SPAN_ID);
        }
        Ok(())
    }

    /// Checks the ids and sets them, the parent and the start.
    #[inline]
    fn identify(&mut self) -> Read<()> {
        self.check_ids()?;
        self.span.trace_id = self.members.trace_id;
        self.span.span_id = self.members.span_id;
        self.span.start = self.members.timestamp;
        if self.members.parent_id != 0 && self.members.parent_id != self.members.span_id {
            let (trace_id, span_id) = (self.members.trace_id, self.members.parent_id);
            self.span.references.push(Reference { kind: ReferenceKind::ChildOf, trace_id, span_id });
        }
        Ok(())
    }

    #[inline]
    fn add_endpoints(&mut self, replaces: bool) {
        let (members, tags) = (&self.members, &mut self.span.tags);
        let (local, remote) = (&members.local, &members.remote);
        if let Some(address) = local.address() {
            set(tags, replaces, "net.host.ip", address);
        }
        if local.port > 0 {
            set(tags, replaces, "net.host.port", Value::Int64(local.port.into()));
        }
        if !remote.service.is_empty() {
            set(tags, replaces, "peer.service", Value::Text(remote.service));
        }
        if let Some(address) = remote.address() {
            set(tags, replaces, "net.peer.ip", address);
        }
        if remote.port > 0 {
            set(tags, replaces, "net.peer.port", Value::Int64(remote.port.into()));
        }
    }

    #[inline]
    fn add_kind(&mut self, is_internal: bool) {
        let name = match self.members.kind {
            Kind::Client => "client",
            Kind::Server => "server",
            Kind::Producer => "producer",
            Kind::Consumer => "consumer",
            Kind::None if is_internal => "internal",
            Kind::None => return,
        };
        set(&mut self.span.tags, false, "span.kind", Value::Text(Text::Clean(name)));
    }

    fn add_status(&mut self, extra: &Extra<'a>) {
        match extra.status {
            Status::Unset => {}
            Status::Ok => set(&mut self.span.tags, false, "otel.status_code", Value::Text(Text::Clean("OK"))),
            Status::Error => {
                set(&mut self.span.tags, false, "otel.status_code", Value::Text(Text::Clean("ERROR")));
                set(&mut self.span.tags, false, "error", Value::Bool(true));
            }
        }
        if let Some(description) = extra.description.filter(|text| !text.is_empty()) {
            set(&mut self.span.tags, false, "otel.status_description", Value::Text(description));
        }
        if let Some(state) = extra.trace_state.filter(|text| !text.is_empty()) {
            set(&mut self.span.tags, false, "w3c.tracestate", Value::Text(state));
        }
    }
}

/// Adds a tag; `replaces`: the sender may have one of that key, which it takes the place of.
#[inline]
fn set<'a>(tags: &mut Vec<Tag<'a>>, replaces: bool, key: &'static str, value: Value<'a>) {
    if replaces && let Some(tag) = tags.iter_mut().find(|tag| tag.key.decoded() == key) {
        tag.value = value;
        return;
    }
    tags.push(Tag { key: Text::Clean(key), value });
}
