//! Ids as bytes.

use crate::decode::fault::{Fault, Read};
use crate::span::{Reason, TraceId};

pub(in crate::decode) const TRACE: &Fault = &Fault::new(Reason::TraceId, "trace id is not 16 bytes");
pub(in crate::decode) const SPAN: &Fault = &Fault::new(Reason::SpanId, "span id is not 8 bytes");
pub(in crate::decode) const PARENT: &Fault = &Fault::new(Reason::ParentId, "parent span id is not 8 bytes");
pub(in crate::decode) const LINK: &Fault = &Fault::new(Reason::Structure, "an id of a link is not 16 or 8 bytes");

/// 16 bytes; none at all is the id that names nothing.
#[inline]
pub(in crate::decode) fn trace_id(bytes: &[u8], fault: &'static Fault) -> Read<TraceId> {
    match <[u8; 16]>::try_from(bytes) {
        Ok(bytes) => {
            let id = u128::from_be_bytes(bytes);
            Ok(TraceId { high: (id >> 64) as u64, low: id as u64 })
        }
        Err(_) if bytes.is_empty() => Ok(TraceId::default()),
        Err(_) => Err(fault),
    }
}

/// 8 bytes, or none at all.
#[inline]
pub(in crate::decode) fn span_id(bytes: &[u8], fault: &'static Fault) -> Read<u64> {
    match <[u8; 8]>::try_from(bytes) {
        Ok(bytes) => Ok(u64::from_be_bytes(bytes)),
        Err(_) if bytes.is_empty() => Ok(0),
        Err(_) => Err(fault),
    }
}
