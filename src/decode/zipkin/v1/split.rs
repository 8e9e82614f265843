//! Which spans a span of v1 tells of: as Zipkin's `V1SpanConverter`.
//!
//! A *part* is a span in the making; the first one takes what has no endpoint. Beyond Zipkin: an
//! annotation such as `cs` without an endpoint still says the kind, as in Jaeger.

use super::remote::Addresses;
use super::times::{Core, Moment, Moments};
use super::{Annotation, OldSpan, Part};
use crate::decode::zipkin::{Endpoint, Kind};
use crate::span::Value;

/// What is beyond goes to the first part: nobody has more than a few services in a span.
const MOST_PARTS: usize = 16;

impl<'a> OldSpan<'a> {
    pub(super) fn split(&mut self) {
        let endpoint = self.first_endpoint();
        self.parts.clear();
        self.parts.push(Part { endpoint, ..Part::default() });
        self.moments = Moments::default();
        self.sort_annotations();
        self.call();
        self.message();
        self.fall_back();
        let addresses = self.sort_tags();
        self.remote_ends(&addresses);
        self.share_start();
    }

    /// That of the earliest annotation that has one.
    fn first_endpoint(&self) -> Endpoint<'a> {
        let with_endpoint = self.annotations.iter().filter(|annotation| !annotation.endpoint.is_nothing());
        with_endpoint.min_by_key(|annotation| annotation.timestamp).map(|first| first.endpoint).unwrap_or_default()
    }

    /// The part of an endpoint's service.
    pub(super) fn part_of(&mut self, endpoint: &Endpoint<'a>) -> usize {
        if endpoint.is_nothing() {
            return 0;
        }
        let is_same = |part: &Part<'a>| part.endpoint.is_nothing() || part.endpoint.has_service_of(endpoint);
        if let Some(part) = self.parts.iter().position(is_same) {
            if let Some(part) = self.parts.get_mut(part).filter(|part| part.endpoint.is_nothing()) {
                part.endpoint = *endpoint;
            }
            return part;
        }
        self.fork(*endpoint)
    }

    /// A further part, if there may be one.
    pub(super) fn fork(&mut self, endpoint: Endpoint<'a>) -> usize {
        if self.parts.len() >= MOST_PARTS {
            return 0;
        }
        self.parts.push(Part { endpoint, ..Part::default() });
        self.parts.len() - 1
    }

    fn sort_annotations(&mut self) {
        for index in 0..self.annotations.len() {
            let Some(&Annotation { timestamp, value, endpoint, .. }) = self.annotations.get(index) else { return };
            let part = self.part_of(&endpoint);
            let core = Core::of(&value);
            if let Some(annotation) = self.annotations.get_mut(index) {
                (annotation.part, annotation.is_event) = (part, core.is_none());
            }
            let Some(core) = core else { continue };
            self.moments[core as usize] = Some(Moment { timestamp, part, annotation: index });
            if core.kind() != Kind::None
                && let Some(part) = self.parts.get_mut(part)
                && (part.kind == Kind::None || !endpoint.is_nothing())
            {
                part.kind = core.kind();
            }
        }
    }

    /// Gives the tags to their parts; what is left are addresses.
    fn sort_tags(&mut self) -> Addresses<'a> {
        let mut addresses = Addresses::default();
        for index in 0..self.tags.len() {
            let Some(&tag) = self.tags.get(index) else { break };
            let is_address = !tag.endpoint.is_nothing() && says_yes(&tag.value);
            match tag.key.raw() {
                b"ca" if is_address => addresses.client = tag.endpoint,
                b"sa" if is_address => addresses.server = tag.endpoint,
                b"ma" if is_address => addresses.message = tag.endpoint,
                key => {
                    // The endpoint of an address is no service that this span is of.
                    let is_other_end = matches!(key, b"ca" | b"sa" | b"ma");
                    let part = if is_other_end { 0 } else { self.part_of(&tag.endpoint) };
                    if let Some(tag) = self.tags.get_mut(index) {
                        tag.part = Some(part);
                    }
                }
            }
        }
        addresses
    }
}

/// The value of an address: true, in the spellings that senders have for it.
fn says_yes(value: &Value<'_>) -> bool {
    match value {
        Value::Bool(yes) => *yes,
        Value::Text(text) => matches!(text.raw(), b"true" | b"1"),
        _ => false,
    }
}
