//! What is known of a span while it is judged: the values of the tags that some rule asks for,
//! each found in one walk over the span's tags.

use super::Field;
use super::key_table::{KeyTable, Places, Slots, bit};
use crate::span::{Span, Text, Value};

/// The keys that rules ask for, while rules are read. Those that fields stand for come first.
#[derive(Debug, Clone)]
pub struct Keys {
    tags: Vec<Box<str>>,
    resources: Vec<Box<str>>,
    /// The tags that somebody asks for.
    asked: Slots,
}

/// Tags that fields and the sampler itself ask for, by their slots; the sampler's from `REQUEST_ID` on.
pub mod slot {
    pub const ERROR: usize = 0;
    pub const STATUS_CODE: usize = 1;
    pub const HTTP_STATUS: usize = 2;
    pub const HTTP_RESPONSE_STATUS: usize = 3;
    pub const GRPC_STATUS: usize = 4;
    pub const RPC_GRPC_STATUS: usize = 5;
    pub const FLAGS: usize = 6;
    pub const KIND: usize = 7;
    pub const REVISION: usize = 8;
    pub const PEER_SERVICE: usize = 9;
    pub const REQUEST_ID: usize = 10;
    pub const PRIORITY: usize = 11;
    pub const SAMPLER_TYPE: usize = 12;
    pub const SAMPLER_PARAM: usize = 13;
    pub const JAEGER_SAMPLER_TYPE: usize = 14;
    pub const JAEGER_SAMPLER_PARAM: usize = 15;
    pub const TRACE_STATE: usize = 16;

    /// How many there are.
    pub const COUNT: usize = KEYS.len();

    pub(super) const KEYS: [&str; 17] = [
        "error",
        "otel.status_code",
        "http.status_code",
        "http.response.status_code",
        "grpc.status_code",
        "rpc.grpc.status_code",
        "response_flags",
        "span.kind",
        "istio.canonical_revision",
        "peer.service",
        "guid:x-request-id",
        "sampling.priority",
        "sampler.type",
        "sampler.param",
        "jaeger.sampler.type",
        "jaeger.sampler.param",
        "w3c.tracestate",
    ];
}

impl Default for Keys {
    fn default() -> Self {
        let asked = (slot::REQUEST_ID..slot::COUNT).map(bit).sum();
        Keys { tags: slot::KEYS.map(Into::into).to_vec(), resources: Vec::new(), asked }
    }
}

impl Keys {
    pub(super) fn tag(&mut self, key: &str) -> usize {
        let slot = place(&mut self.tags, key);
        self.asked |= bit(slot);
        slot
    }

    /// The tags that a field stands for are asked for.
    pub(super) fn field(&mut self, field: &Field) {
        self.asked |= field.slots();
    }

    pub(super) fn resource(&mut self, key: &str) -> usize {
        place(&mut self.resources, key)
    }

    /// The tables of the tags of spans and of those of processes.
    pub fn tables(&self) -> [KeyTable; 2] {
        [KeyTable::new(&self.tags, self.asked), KeyTable::new(&self.resources, Slots::MAX)]
    }
}

impl Field {
    /// The tags of the span of which one at least must be there, if it is to have a value.
    pub(super) fn slots(&self) -> Slots {
        match self {
            Field::Error => bit(slot::ERROR) | bit(slot::STATUS_CODE),
            Field::Kind => bit(slot::KIND),
            Field::Status => bit(slot::HTTP_STATUS) | bit(slot::HTTP_RESPONSE_STATUS),
            Field::Grpc => bit(slot::GRPC_STATUS) | bit(slot::RPC_GRPC_STATUS),
            Field::Flags => bit(slot::FLAGS),
            Field::ParentService => bit(slot::KIND) | bit(slot::PEER_SERVICE),
            Field::Revision => bit(slot::REVISION),
            Field::Tag(key) => bit(key.slot),
            Field::Service | Field::Operation | Field::Duration | Field::Resource(_) => 0,
        }
    }
}

fn place(keys: &mut Vec<Box<str>>, key: &str) -> usize {
    keys.iter().position(|known| &**known == key).unwrap_or_else(|| {
        keys.push(key.into());
        keys.len() - 1
    })
}

/// A span under judgement.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'s, 'a> {
    pub service: Text<'a>,
    pub span: &'s Span<'a>,
    pub tags: &'s Places,
    /// Those of its process.
    pub resource: &'s [Option<Value<'a>>],
}

impl<'s, 'a> Facts<'s, 'a> {
    #[inline]
    pub fn tag(&self, slot: usize) -> Option<&'s Value<'a>> {
        // No span has so many tags that one stands at `NONE`.
        let place = self.tags.get(slot)? as usize;
        self.span.tags.get(place).map(|tag| &tag.value)
    }

    #[inline]
    pub(super) fn resource(&self, slot: usize) -> Option<&Value<'a>> {
        self.resource.get(slot)?.as_ref()
    }
}
