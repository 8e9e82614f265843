//! What stopped a decoder inside a span.

use super::Unreadable;
use crate::span::{Limit, Reason, Refusal};

/// A fault without its place; the reader that met it knows where. One word wide as `&'static
/// Fault`, so that the happy path carries nothing.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) reason: Reason,
    pub(super) what: &'static str,
}

/// The outcome of reading a part of a span.
pub(super) type Read<T> = Result<T, &'static Fault>;

impl Fault {
    pub(super) const fn new(reason: Reason, what: &'static str) -> Self {
        Fault { reason, what }
    }

    /// More than one of the limits allows.
    pub(super) const fn limit(limit: Limit, what: &'static str) -> Self {
        Fault::new(Reason::Limit(limit), what)
    }

    /// The whole body cannot be read because of it.
    pub(super) fn unreadable(&self, offset: usize) -> Unreadable {
        let limit = match self.reason {
            Reason::Limit(limit) => Some(limit),
            _ => None,
        };
        Unreadable { offset, what: self.what, limit }
    }

    pub(super) fn at(&self, offset: usize) -> Refusal {
        Refusal { reason: self.reason, offset, what: self.what }
    }
}
