//! Conditions on one span: `error or status >= 500 and service != 'load-test'`.
//!
//! An expression is read once, when rules are loaded, into a tree whose depth and size are bounded;
//! it is then held against spans without an allocation, unless a text has escapes. The left side
//! of a comparison is a field, the right side a literal. What a span does not have compares to
//! nothing: a comparison with it is false, `!=` too.

mod display;
mod evaluate;
mod facts;
mod key_table;
mod lexer;
mod parser;
mod part;
mod program;
mod quick;
mod residual;
mod same;

pub(in crate::sample) use evaluate::{number, text_is};
pub use facts::{Facts, Keys, slot};
pub use key_table::{KeyTable, Places};
pub use parser::{Fault, LONGEST, parse};
pub use part::Part;
pub use program::Program;
pub use residual::Known;

use regex::Regex;

/// A condition.
#[derive(Debug, Clone)]
pub enum Expression {
    /// True if all are; at least two.
    All(Vec<Expression>),
    /// True if one is; at least two.
    Any(Vec<Expression>),
    Not(Box<Expression>),
    Test(Field, Test),
    /// What is left when all of it is known.
    Constant(bool),
}

/// What a span is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field {
    Service,
    Operation,
    /// `client`, `server`, `producer`, `consumer`, `internal`.
    Kind,
    Duration,
    /// Whether the span failed: the tag `error`, or OpenTelemetry's status.
    Error,
    /// Of HTTP.
    Status,
    /// The code of gRPC's status.
    Grpc,
    /// Envoy's response flags.
    Flags,
    /// Who called, where the receiver's span says so.
    ParentService,
    /// Istio's revision of the workload.
    Revision,
    Tag(Key),
    /// A tag of the process.
    Resource(Key),
}

/// The key of a tag, and where its value is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    pub name: Box<str>,
    pub slot: usize,
}

/// What a field is held against.
#[derive(Debug, Clone)]
pub enum Test {
    /// Of `error` alone.
    True,
    Compare(Comparison, Literal),
    In(Vec<Literal>),
    Contains(Box<Part>),
    StartsWith(Box<str>),
    /// A regular expression that is found somewhere in the text.
    Matches(Regex),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    Text(Box<str>),
    Number(f64),
    /// Microseconds.
    Duration(i64),
    Bool(bool),
}

/// What the values of a field are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Nature {
    Text,
    Number,
    Duration,
    Bool,
    /// A tag's: what the literal is.
    Any,
}

impl Field {
    /// The words of the language.
    const NAMES: [(&'static str, Field); 10] = [
        ("service", Field::Service),
        ("operation", Field::Operation),
        ("kind", Field::Kind),
        ("duration", Field::Duration),
        ("error", Field::Error),
        ("status", Field::Status),
        ("grpc", Field::Grpc),
        ("flags", Field::Flags),
        ("parent_service", Field::ParentService),
        ("revision", Field::Revision),
    ];

    fn nature(&self) -> Nature {
        match self {
            Field::Service | Field::Operation | Field::Kind | Field::Flags | Field::ParentService | Field::Revision => {
                Nature::Text
            }
            Field::Status | Field::Grpc => Nature::Number,
            Field::Duration => Nature::Duration,
            Field::Error => Nature::Bool,
            Field::Tag(_) | Field::Resource(_) => Nature::Any,
        }
    }
}

#[cfg(test)]
mod tests;
