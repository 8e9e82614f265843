//! `Span`, with its references and logs.

use super::{Batch, tag, text};
use crate::decode::fault::{Fault, Read};
use crate::decode::thrift::{Field, Protocol, Type};
use crate::span::{Limit, Log, Reason, Reference, ReferenceKind, Tag, TraceId, Value};

pub(super) const NO_STRUCT: &Fault = &Fault::new(Reason::Structure, "a span is no struct");
const BAD_TAG: &Fault = &Fault::new(Reason::Structure, "a tag lacks its key or its type");
const BAD_LOG: &Fault = &Fault::new(Reason::Structure, "a log lacks its time or its fields");
const BAD_REFERENCE: &Fault = &Fault::new(Reason::Structure, "a reference lacks its type or an id");
const TOO_MANY_LOGS: &Fault = &Fault::limit(Limit::Logs, "too many logs on a span");
const TOO_MANY_REFERENCES: &Fault = &Fault::limit(Limit::Logs, "too many references on a span");

/// The fields that a span must have, and what is said if it has not.
const REQUIRED: [(i16, &Fault); 8] = [
    (1, &Fault::new(Reason::TraceId, "required field traceIdLow is missing")),
    (2, &Fault::new(Reason::TraceId, "required field traceIdHigh is missing")),
    (3, &Fault::new(Reason::SpanId, "required field spanId is missing")),
    (4, &Fault::new(Reason::ParentId, "required field parentSpanId is missing")),
    (5, &Fault::new(Reason::Structure, "required field operationName is missing")),
    (7, &Fault::new(Reason::Structure, "required field flags is missing")),
    (8, &Fault::new(Reason::Time, "required field startTime is missing")),
    (9, &Fault::new(Reason::Time, "required field duration is missing")),
];

/// All of [`REQUIRED`], a bit for each.
const ALL_REQUIRED: u16 = 0b11_1011_1110;

impl<'a, P: Protocol<'a>> Batch<'a, P> {
    #[inline]
    pub(super) fn span(&mut self) -> Read<()> {
        self.span.clear();
        let mut parent = 0;
        let mut found = 0_u16;
        let outer = self.wire.enter();
        while let Some(field) = self.wire.field()? {
            match field {
                Field { id: 1, kind: Type::I64 } => self.span.trace_id.low = self.wire.i64()? as u64,
                Field { id: 2, kind: Type::I64 } => self.span.trace_id.high = self.wire.i64()? as u64,
                Field { id: 3, kind: Type::I64 } => self.span.span_id = self.wire.i64()? as u64,
                Field { id: 4, kind: Type::I64 } => parent = self.wire.i64()? as u64,
                Field { id: 5, kind: Type::Binary } => self.span.operation = text(self.wire.binary()?),
                Field { id: 7, kind: Type::I32 } => self.span.flags = self.wire.i32()? as u32,
                Field { id: 8, kind: Type::I64 } => self.span.start = self.wire.i64()? as u64,
                Field { id: 9, kind: Type::I64 } => self.span.duration = duration(self.wire.i64()?),
                other => {
                    self.list_field(other)?;
                    continue;
                }
            }
            found |= 1 << field.id;
        }
        self.wire.leave(outer);
        if found != ALL_REQUIRED {
            return Err(missing(found));
        }
        self.add_parent(parent);
        Ok(())
    }

    #[inline]
    fn list_field(&mut self, field: Field) -> Read<()> {
        match field {
            Field { id: 6, kind: Type::List } => self.references(),
            Field { id: 10, kind: Type::List } => self.tags(),
            Field { id: 11, kind: Type::List } => self.logs(),
            other => self.wire.skip(other.kind, self.limits.depth),
        }
    }

    /// The parent goes first, unless it is already there as a reference of any kind.
    #[inline]
    fn add_parent(&mut self, parent: u64) {
        let trace_id = self.span.trace_id;
        let is_parent = |reference: &Reference| reference.trace_id == trace_id && reference.span_id == parent;
        if parent != 0 && !self.span.references.iter().any(is_parent) {
            let reference = Reference { kind: ReferenceKind::ChildOf, trace_id, span_id: parent };
            self.span.references.insert(0, reference);
        }
    }

    #[inline]
    fn tags(&mut self) -> Read<()> {
        let list = self.wire.list()?;
        for _ in 0..list.length {
            if list.kind == Type::Struct && self.plain_tag() {
                continue;
            }
            let tag = tag::tag(&mut self.wire, list.kind, self.limits.depth)?.ok_or(BAD_TAG)?;
            if self.span.tags.len() >= self.limits.tags {
                return Err(tag::TOO_MANY);
            }
            self.span.tags.push(tag);
        }
        Ok(())
    }

    /// Takes the tag that stands here, if it is plain: for such, [`tag::tag`] does the same.
    #[inline(always)]
    fn plain_tag(&mut self) -> bool {
        if self.span.tags.len() >= self.limits.tags {
            return false;
        }
        let Some((key, value)) = self.wire.pair(&mut self.stretch) else { return false };
        self.span.tags.push(Tag { key: key.text(), value: Value::Text(value.text()) });
        true
    }

    fn logs(&mut self) -> Read<()> {
        let list = self.wire.list()?;
        for _ in 0..list.length {
            if list.kind != Type::Struct {
                return Err(BAD_LOG);
            }
            if self.span.logs.len() >= self.limits.logs {
                return Err(TOO_MANY_LOGS);
            }
            self.log()?;
        }
        Ok(())
    }

    fn log(&mut self) -> Read<()> {
        let start = self.span.log_fields.len() as u32;
        let (mut timestamp, mut has_fields) = (None, false);
        let outer = self.wire.enter();
        while let Some(field) = self.wire.field()? {
            match field {
                Field { id: 1, kind: Type::I64 } => timestamp = Some(self.wire.i64()? as u64),
                Field { id: 2, kind: Type::List } => {
                    self.log_fields()?;
                    has_fields = true;
                }
                other => self.wire.skip(other.kind, self.limits.depth)?,
            }
        }
        self.wire.leave(outer);
        let timestamp = timestamp.filter(|_| has_fields).ok_or(BAD_LOG)?;
        self.span.logs.push(Log { timestamp, start, end: self.span.log_fields.len() as u32 });
        Ok(())
    }

    fn log_fields(&mut self) -> Read<()> {
        let list = self.wire.list()?;
        for _ in 0..list.length {
            let field = tag::tag(&mut self.wire, list.kind, self.limits.depth)?.ok_or(BAD_TAG)?;
            if self.span.log_fields.len() >= self.limits.tags {
                return Err(tag::TOO_MANY);
            }
            self.span.log_fields.push(field);
        }
        Ok(())
    }

    fn references(&mut self) -> Read<()> {
        let list = self.wire.list()?;
        for _ in 0..list.length {
            if list.kind != Type::Struct {
                return Err(BAD_REFERENCE);
            }
            if self.span.references.len() >= self.limits.logs {
                return Err(TOO_MANY_REFERENCES);
            }
            self.reference()?;
        }
        Ok(())
    }

    /// A reference; a type that nobody knows counts as `CHILD_OF`.
    fn reference(&mut self) -> Read<()> {
        let mut reference = Reference { kind: ReferenceKind::ChildOf, trace_id: TraceId::default(), span_id: 0 };
        let mut found = 0_u16;
        let outer = self.wire.enter();
        while let Some(field) = self.wire.field()? {
            match field {
                Field { id: 1, kind: Type::I32 } => {
                    if self.wire.i32()? == 1 {
                        reference.kind = ReferenceKind::FollowsFrom;
                    }
                }
                Field { id: 2, kind: Type::I64 } => reference.trace_id.low = self.wire.i64()? as u64,
                Field { id: 3, kind: Type::I64 } => reference.trace_id.high = self.wire.i64()? as u64,
                Field { id: 4, kind: Type::I64 } => reference.span_id = self.wire.i64()? as u64,
                other => {
                    self.wire.skip(other.kind, self.limits.depth)?;
                    continue;
                }
            }
            found |= 1 << field.id;
        }
        self.wire.leave(outer);
        if found != 0b1_1110 {
            return Err(BAD_REFERENCE);
        }
        self.span.references.push(reference);
        Ok(())
    }
}

/// Microseconds. Jaeger counts nanoseconds in 64 bits: what does not fit arrives there, past its
/// overflow, as a negative duration, which is then mended; so it is negative here.
#[inline]
fn duration(microseconds: i64) -> i64 {
    if microseconds.checked_mul(1000).is_some() { microseconds } else { -1 }
}

/// The first required field that is not among `found`.
#[cold]
fn missing(found: u16) -> &'static Fault {
    let absent = REQUIRED.iter().find(|(id, _)| found >> id & 1 == 0);
    absent.map_or(NO_STRUCT, |(_, fault)| fault)
}
