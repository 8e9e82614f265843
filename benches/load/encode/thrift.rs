//! Jaeger's Thrift: a batch as binary, and `emitBatch` in a datagram as compact.

use anyhow::Result;
use thrift::protocol::{
    TBinaryOutputProtocol, TCompactOutputProtocol, TFieldIdentifier, TListIdentifier, TMessageIdentifier, TMessageType,
    TOutputProtocol, TStructIdentifier, TType,
};

use super::Span;
use crate::template::positive;

pub(super) fn binary(spans: &[Span]) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    write(&mut TBinaryOutputProtocol::new(&mut body, true), &batch(spans, |id| id))?;
    Ok(body)
}

/// `Agent.emitBatch`, to which nobody answers.
pub(super) fn datagram(spans: &[Span]) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    let mut output = TCompactOutputProtocol::new(&mut body);
    output.write_message_begin(&TMessageIdentifier::new("emitBatch", TMessageType::OneWay, 1))?;
    write(&mut output, &Value::Struct(vec![(1, batch(spans, positive))]))?;
    output.write_message_end()?;
    Ok(body)
}

/// A value of Thrift, as far as spans have them.
enum Value {
    I32(i32),
    I64(i64),
    Text(String),
    Struct(Vec<(i16, Value)>),
    List(Vec<Value>),
}

/// `id` makes ids such that they are found again.
fn batch(spans: &[Span], id: impl Fn(u64) -> u64) -> Value {
    let local = &spans[0].local_endpoint;
    let process = Value::Struct(vec![(1, text(&local.service_name)), (2, Value::List(vec![tag("ip", &local.ipv4)]))]);
    Value::Struct(vec![(1, process), (2, Value::List(spans.iter().map(|one| span(one, &id)).collect()))])
}

fn span(span: &Span, id: impl Fn(u64) -> u64) -> Value {
    let log = |name: &str| {
        Value::Struct(vec![(1, Value::I64(span.start as i64)), (2, Value::List(vec![tag("event", name)]))])
    };
    let kind = tag("span.kind", &span.kind.to_lowercase());
    let tags = span.tags.iter().map(|(key, value)| tag(key, value)).chain([kind]);
    let logs: Vec<_> = span.annotations.iter().map(|one| log(&one.value)).collect();
    let mut fields = vec![
        (1, Value::I64(id(span.trace_id) as i64)),
        (2, Value::I64(0)),
        (3, Value::I64(id(span.span_id) as i64)),
        (4, Value::I64(span.parent() as i64)),
        (5, text(&span.name)),
        (7, Value::I32(1)),
        (8, Value::I64(span.start as i64)),
        (9, Value::I64(span.duration as i64)),
        (10, Value::List(tags.collect())),
    ];
    if !logs.is_empty() {
        fields.push((11, Value::List(logs)));
    }
    Value::Struct(fields)
}

fn tag(key: &str, value: &str) -> Value {
    Value::Struct(vec![(1, text(key)), (2, Value::I32(0)), (3, text(value))])
}

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

fn kind(value: &Value) -> TType {
    match value {
        Value::I32(_) => TType::I32,
        Value::I64(_) => TType::I64,
        Value::Text(_) => TType::String,
        Value::Struct(_) => TType::Struct,
        Value::List(_) => TType::List,
    }
}

fn write(output: &mut dyn TOutputProtocol, value: &Value) -> thrift::Result<()> {
    match value {
        Value::I32(value) => output.write_i32(*value),
        Value::I64(value) => output.write_i64(*value),
        Value::Text(value) => output.write_string(value),
        Value::Struct(fields) => {
            output.write_struct_begin(&TStructIdentifier::new("struct"))?;
            for (id, value) in fields {
                output.write_field_begin(&TFieldIdentifier::new("field", kind(value), *id))?;
                write(output, value)?;
                output.write_field_end()?;
            }
            output.write_field_stop()?;
            output.write_struct_end()
        }
        Value::List(values) => {
            let element = values.first().map_or(TType::Struct, kind);
            output.write_list_begin(&TListIdentifier::new(element, values.len() as i32))?;
            values.iter().try_for_each(|value| write(output, value))?;
            output.write_list_end()
        }
    }
}
