//! What is known of a span while it is judged: the values of the tags that some rule asks for,
//! each found in one walk over the span's tags.

use crate::span::{Span, Tag, Text, Value};

/// The keys that rules ask for, while rules are read. Those that fields stand for come first.
#[derive(Debug, Clone)]
pub struct Keys {
    tags: Vec<Box<str>>,
    resources: Vec<Box<str>>,
}

/// Tags that fields and the sampler itself ask for, by their slots.
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
        Keys { tags: slot::KEYS.map(Into::into).to_vec(), resources: Vec::new() }
    }
}

impl Keys {
    pub(super) fn tag(&mut self, key: &str) -> usize {
        place(&mut self.tags, key)
    }

    pub(super) fn resource(&mut self, key: &str) -> usize {
        place(&mut self.resources, key)
    }

    /// The tables of the tags of spans and of those of processes.
    pub fn tables(&self) -> [KeyTable; 2] {
        [KeyTable::new(&self.tags), KeyTable::new(&self.resources)]
    }
}

fn place(keys: &mut Vec<Box<str>>, key: &str) -> usize {
    keys.iter().position(|known| &**known == key).unwrap_or_else(|| {
        keys.push(key.into());
        keys.len() - 1
    })
}

/// Finds the slot of a key. Most tags of a span are asked for by nobody: one look at the length, the
/// first and the last byte of their keys tells (`benches/verdict.rs`).
#[derive(Debug)]
pub struct KeyTable {
    keys: Vec<Box<str>>,
    /// By mark: the first key that has it.
    first: Box<[u32; MARKS]>,
    /// By key: the next that has the same mark.
    next: Vec<u32>,
}

const MARKS: usize = 512;
/// Instead of a key.
const NONE: u32 = u32::MAX;

impl KeyTable {
    fn new(keys: &[Box<str>]) -> Self {
        let (mut first, mut next) = (Box::new([NONE; MARKS]), Vec::with_capacity(keys.len()));
        for (slot, key) in (0..).zip(keys) {
            next.push(std::mem::replace(&mut first[mark(key)], slot));
        }
        KeyTable { keys: keys.to_vec(), first, next }
    }

    /// Empty slots for each key.
    pub fn slots<'a>(&self) -> Vec<Option<Value<'a>>> {
        vec![None; self.keys.len()]
    }

    /// Puts the values of the keys into their slots; the last of a key counts, as in Jaeger's page.
    #[inline]
    pub fn fill<'a>(&self, tags: &[Tag<'a>], slots: &mut [Option<Value<'a>>]) {
        slots.fill(None);
        for tag in tags {
            let found = match tag.key {
                Text::Clean(key) | Text::Plain(key) => self.find(key),
                key => self.find(&key.decoded()),
            };
            if let Some(slot) = found.and_then(|slot| slots.get_mut(slot)) {
                *slot = Some(tag.value);
            }
        }
    }

    #[inline]
    fn find(&self, key: &str) -> Option<usize> {
        let mut place = self.first[mark(key)];
        while place != NONE {
            let slot = place as usize;
            if *self.keys[slot] == *key {
                return Some(slot);
            }
            place = self.next[slot];
        }
        None
    }
}

#[inline]
fn mark(key: &str) -> usize {
    let (first, last) = match key.as_bytes() {
        [first, .., last] => (*first, *last),
        [only] => (*only, *only),
        [] => (0, 0),
    };
    (key.len() ^ usize::from(first) << 2 ^ usize::from(last) << 4) % MARKS
}

/// A span under judgement.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'s, 'a> {
    pub service: Text<'a>,
    pub span: &'s Span<'a>,
    /// The values of the span's tags by their slots.
    pub tags: &'s [Option<Value<'a>>],
    /// Those of its process.
    pub resource: &'s [Option<Value<'a>>],
}

impl<'a> Facts<'_, 'a> {
    #[inline]
    pub fn tag(&self, slot: usize) -> Option<&Value<'a>> {
        self.tags.get(slot)?.as_ref()
    }

    #[inline]
    pub(super) fn resource(&self, slot: usize) -> Option<&Value<'a>> {
        self.resource.get(slot)?.as_ref()
    }
}
