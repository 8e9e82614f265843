//! The members of a span that others depend on.

use super::endpoint::Endpoint;
use crate::span::TraceId;

/// What waits until the span's object ends.
#[derive(Debug, Default)]
pub(in crate::decode) struct Members<'a> {
    pub(in crate::decode) trace_id: TraceId,
    pub(in crate::decode) span_id: u64,
    /// 0: none.
    pub(in crate::decode) parent_id: u64,
    pub(in crate::decode) kind: Kind,
    /// Microseconds since 1970; 0: none.
    pub(in crate::decode) timestamp: u64,
    pub(in crate::decode) local: Endpoint<'a>,
    pub(in crate::decode) remote: Endpoint<'a>,
    /// True if a tag needs [`special`](super::special) treatment.
    pub(in crate::decode) has_special: bool,
    /// True if a key may be equal to another one in a way that only a close look shows.
    pub(in crate::decode) has_odd_keys: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::decode) enum Kind {
    #[default]
    None,
    Client,
    Server,
    Producer,
    Consumer,
}

impl Kind {
    /// Of any case; what Zipkin does not know is none.
    #[inline]
    pub(in crate::decode) fn of(text: &str) -> Self {
        match text {
            "CLIENT" => Kind::Client,
            "SERVER" => Kind::Server,
            _ => Self::of_any_case(text),
        }
    }

    fn of_any_case(text: &str) -> Self {
        let known = [
            ("CLIENT", Kind::Client),
            ("SERVER", Kind::Server),
            ("PRODUCER", Kind::Producer),
            ("CONSUMER", Kind::Consumer),
        ];
        known.iter().find(|(name, _)| text.eq_ignore_ascii_case(name)).map_or(Kind::None, |&(_, kind)| kind)
    }
}
