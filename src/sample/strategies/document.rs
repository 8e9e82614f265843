//! Jaeger's strategies file as it is written: what stands where, nothing made of it yet.
//!
//! Members are found as Go finds them: whatever the case of their letters, and a member that is
//! written again changes what the first one said, element by element. Members that nobody knows
//! are passed over. What Go's types do not take is a fault, and so is a `null` among strategies, at
//! which jaeger-collector crashes.

use super::json::{Fault, Read, Reader};
use super::warning::Warning;

/// The whole file.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Document {
    pub(super) default_strategy: Option<Service>,
    pub(super) service_strategies: Vec<Service>,
}

/// `default_strategy`, or an element of `service_strategies`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Service {
    pub(super) service: String,
    pub(super) strategy: Strategy,
    pub(super) operations: Vec<Operation>,
    pub(super) line: u32,
}

/// An element of `operation_strategies`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Operation {
    pub(super) operation: String,
    pub(super) strategy: Strategy,
    pub(super) line: u32,
}

/// What both have.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Strategy {
    pub(super) kind: String,
    pub(super) param: f64,
}

/// Reads a file. Warnings are of members that do nothing, or more than their writer may think.
pub(super) fn read(json: &[u8], warnings: &mut Vec<Warning>) -> Result<Document, Fault> {
    let mut reader = Reader::new(json);
    let mut document = Document::default();
    document_into(&mut reader, &mut document, warnings)?;
    reader.end()?;
    Ok(document)
}

fn document_into(reader: &mut Reader<'_>, into: &mut Document, warnings: &mut Vec<Warning>) -> Read<()> {
    const NAMES: &[&str] = &["default_strategy", "service_strategies"];
    members(reader, NAMES, warnings, |reader, name, warnings| match name {
        "default_strategy" if reader.null()? => {
            into.default_strategy = None;
            Ok(())
        }
        "default_strategy" => service_into(reader, into.default_strategy.get_or_insert_default(), warnings),
        _ => list_into(reader, &mut into.service_strategies, warnings, service_into),
    })
}

fn service_into(reader: &mut Reader<'_>, into: &mut Service, warnings: &mut Vec<Warning>) -> Read<()> {
    const NAMES: &[&str] = &["service", "type", "param", "operation_strategies"];
    into.line = reader.line();
    members(reader, NAMES, warnings, |reader, name, warnings| match name {
        "service" => text_into(reader, &mut into.service),
        "operation_strategies" => list_into(reader, &mut into.operations, warnings, operation_into),
        name => strategy_into(reader, name, &mut into.strategy),
    })
}

fn operation_into(reader: &mut Reader<'_>, into: &mut Operation, warnings: &mut Vec<Warning>) -> Read<()> {
    const NAMES: &[&str] = &["operation", "type", "param"];
    into.line = reader.line();
    members(reader, NAMES, warnings, |reader, name, _| match name {
        "operation" => text_into(reader, &mut into.operation),
        name => strategy_into(reader, name, &mut into.strategy),
    })
}

fn strategy_into(reader: &mut Reader<'_>, name: &str, into: &mut Strategy) -> Read<()> {
    if name == "type" {
        return text_into(reader, &mut into.kind);
    }
    if !reader.null()? {
        into.param = reader.number()?;
    }
    Ok(())
}

/// A null leaves what is there.
fn text_into(reader: &mut Reader<'_>, into: &mut String) -> Read<()> {
    if !reader.null()? {
        *into = reader.text()?.into_owned();
    }
    Ok(())
}

/// Reads an element into each of a list, over what is there.
fn list_into<T: Default>(
    reader: &mut Reader<'_>,
    into: &mut Vec<T>,
    warnings: &mut Vec<Warning>,
    read: fn(&mut Reader<'_>, &mut T, &mut Vec<Warning>) -> Read<()>,
) -> Read<()> {
    if reader.null()? {
        into.clear();
        return Ok(());
    }
    let mut count = 0;
    reader.list(|reader, index| {
        let offset = reader.offset();
        if reader.null()? {
            return Err(reader.fault_at(offset, "null is no strategy: take it out, jaeger-collector crashes at it"));
        }
        count = index + 1;
        if into.len() == index {
            into.push(T::default());
        }
        into.get_mut(index).map_or(Ok(()), |element| read(reader, element, warnings))
    })?;
    into.truncate(count);
    Ok(())
}

/// Reads the members of an object that are among `names`, warns of all others and of those that
/// stand twice.
fn members(
    reader: &mut Reader<'_>,
    names: &'static [&'static str],
    warnings: &mut Vec<Warning>,
    mut member: impl FnMut(&mut Reader<'_>, &'static str, &mut Vec<Warning>) -> Read<()>,
) -> Read<()> {
    let mut seen = Vec::new();
    reader.object(|reader, key| {
        let Some(&name) = names.iter().find(|name| is_name(key, name)) else {
            warnings.push(Warning::new(reader.path(), reader.line(), unknown(key, names)));
            return reader.skip();
        };
        reader.within(name, |reader| {
            if seen.contains(&name) {
                let what = "it stands here a second time, and what is written last holds".into();
                warnings.push(Warning::new(reader.path(), reader.line(), what));
            }
            seen.push(name);
            member(reader, name, warnings)
        })
    })
}

fn unknown(key: &str, names: &[&str]) -> String {
    format!(
        "`{}` is no member of a strategies file and does nothing; known here are {}",
        shortened(key),
        names.join(", ")
    )
}

/// So much of a name as a line of the log should hold.
pub(super) fn shortened(name: &str) -> &str {
    let end = name.char_indices().nth(100).map_or(name.len(), |(at, _)| at);
    name.get(..end).unwrap_or_default()
}

/// Whether a key means this name, whose letters are small: the case of letters is all the same to
/// Go, of which two have a third form.
fn is_name(key: &str, name: &str) -> bool {
    let folded = key.chars().map(|letter| match letter {
        'ſ' => 's',
        '\u{212a}' => 'k',
        letter => letter.to_ascii_lowercase(),
    });
    folded.eq(name.chars())
}
