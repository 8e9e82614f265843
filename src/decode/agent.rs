//! What jaeger-agent took over UDP: a Thrift message `emitBatch` (`agent.thrift`) around a `Batch`.
//!
//! Whether the message says that it is a call or a one-way call is of no matter, nor what stands
//! behind the batch. `emitZipkinBatch`, which only clients from before Jaeger's own format send, is
//! refused by name.

use super::fault::{Fault, Read};
use super::jaeger_thrift::batch;
use super::thrift::{Binary, Compact, Field, Protocol, Type};
use super::{Limits, Sink, Unreadable};
use crate::span::Reason;

const ZIPKIN: &Fault = &Fault::new(
    Reason::Structure,
    "emitZipkinBatch is not read over UDP: let this client send Zipkin to port 9411 over HTTP, or use a newer one",
);
const OTHER_METHOD: &Fault = &Fault::new(Reason::Structure, "the message is no emitBatch");
const NO_BATCH: &Fault = &Fault::new(Reason::Structure, "the message holds no batch");

/// Reads one message in compact protocol.
pub fn agent_compact<'a>(body: &'a [u8], limits: &Limits, sink: &mut impl Sink<'a>) -> Result<(), Unreadable> {
    emit_batch(Compact::new(body), limits, sink)
}

/// Reads one message in binary protocol, with today's head or the old one.
pub fn agent_binary<'a>(body: &'a [u8], limits: &Limits, sink: &mut impl Sink<'a>) -> Result<(), Unreadable> {
    emit_batch(Binary::new(body), limits, sink)
}

fn emit_batch<'a>(mut wire: impl Protocol<'a>, limits: &Limits, sink: &mut impl Sink<'a>) -> Result<(), Unreadable> {
    match find_batch(&mut wire, limits) {
        Ok(()) => batch(wire, limits, sink),
        Err(fault) => Err(fault.unreadable(wire.offset())),
    }
}

/// Goes to where the batch begins: the first argument.
fn find_batch<'a>(wire: &mut impl Protocol<'a>, limits: &Limits) -> Read<()> {
    match wire.message()?.name {
        b"emitBatch" => {}
        b"emitZipkinBatch" => return Err(ZIPKIN),
        _ => return Err(OTHER_METHOD),
    }
    wire.enter();
    while let Some(field) = wire.field()? {
        match field {
            Field { id: 1, kind: Type::Struct } => return Ok(()),
            other => wire.skip(other.kind, limits.depth)?,
        }
    }
    Err(NO_BATCH)
}

#[cfg(test)]
mod tests;
