//! What jaeger-agent took over UDP: a Thrift message `emitBatch` (`agent.thrift`) around a `Batch`.
//!
//! Whether the message says that it is a call or a one-way call is of no matter, nor what stands
//! behind the batch. `emitZipkinBatch`, which only clients from before Jaeger's own format send, is
//! refused by name.

use super::fault::{Fault, Read};
use super::jaeger_thrift::batch;
use super::thrift::{Binary, Compact, Field, Protocol, TOO_LONG, Type, to_binary};
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

/// How a batch lies in bytes that are no batch in the binary protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThriftForm {
    /// A batch, compact.
    CompactBatch,
    /// An `emitBatch`, compact.
    CompactMessage,
    /// An `emitBatch`, binary.
    BinaryMessage,
}

/// Why there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoBatch {
    Unreadable,
    /// It would be longer than was allowed.
    TooLong,
}

/// The batch alone in the binary protocol, of at most `most` bytes: what jaeger-collector reads over
/// HTTP. Its values are copied, not looked at; one that is cut off is none.
pub fn binary_batch(form: ThriftForm, body: &[u8], most: usize) -> Result<Vec<u8>, NoBatch> {
    let limits = Limits::default();
    let batch = match form {
        ThriftForm::CompactBatch => to_binary(&mut Compact::new(body), limits.depth, most),
        ThriftForm::CompactMessage => {
            let mut wire = Compact::new(body);
            find_batch(&mut wire, &limits).and_then(|()| to_binary(&mut wire, limits.depth, most))
        }
        ThriftForm::BinaryMessage => within(Binary::new(body), &limits, most),
    };
    batch.map_err(|fault| if fault == TOO_LONG { NoBatch::TooLong } else { NoBatch::Unreadable })
}

fn within(mut wire: Binary<'_>, limits: &Limits, most: usize) -> Read<Vec<u8>> {
    find_batch(&mut wire, limits)?;
    let start = wire.offset();
    wire.skip(Type::Struct, limits.depth)?;
    let batch = wire.since(start);
    if batch.len() > most { Err(TOO_LONG) } else { Ok(batch.to_vec()) }
}

#[cfg(test)]
mod tests;
