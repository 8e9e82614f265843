//! Zipkin v1 JSON → spans, as posted to `/api/v1/spans`.
//!
//! One decoder reads both of Zipkin's JSONs, as [`zipkin_json`] says; this is its other entrance.

use super::zipkin_json::{self, Dialect};
use super::{Limits, Scratch, Sink, Unreadable};

/// Reads a list of Zipkin spans, or one span as a list of one, that are v1 unless their members
/// say that they are v2. An empty body is an empty list.
///
/// `scratch` takes the text that must be built; it is made beside the body, and empty.
pub fn zipkin_v1_json<'a>(
    body: &'a [u8],
    scratch: &'a Scratch,
    limits: &Limits,
    sink: &mut impl Sink<'a>,
) -> Result<(), Unreadable> {
    zipkin_json::read(Dialect::Old, body, scratch, limits, sink)
}
