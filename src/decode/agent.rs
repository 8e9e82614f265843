//! What jaeger-agent took over UDP (`agent.thrift`, `emitBatch`) → spans.

use super::{Limits, Sink, Unreadable};

/// See the module.
pub fn agent_compact<'a>(body: &'a [u8], limits: &Limits, sink: &mut impl Sink<'a>) -> Result<(), Unreadable> {
    let _ = (body, limits, sink);
    Err(Unreadable { offset: 0, what: "not read yet" })
}
/// See the module.
pub fn agent_binary<'a>(body: &'a [u8], limits: &Limits, sink: &mut impl Sink<'a>) -> Result<(), Unreadable> {
    let _ = (body, limits, sink);
    Err(Unreadable { offset: 0, what: "not read yet" })
}
