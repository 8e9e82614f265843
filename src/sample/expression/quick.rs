//! The tests of which most rules are made, held against values as most spans have them: texts that
//! lie in the request as they are. What is anything else is for [`Field::meets`] to decide, which
//! decides the same on these, with more ado (`benches/verdict.rs`).

use super::evaluate::code;
use super::facts::slot;
use super::same::same;
use super::{Comparison, Facts, Field, Literal, Part, Test};
use crate::span::{Text, Value};

#[derive(Debug, Clone)]
pub(super) enum Quick {
    Text(Source, TextTest),
    /// A code of three digits.
    Code(usize, Comparison, f64),
    /// Microseconds.
    Duration(Comparison, i64),
    Never,
}

/// Where the text is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Source {
    Operation,
    /// A tag, by its slot.
    Tag(usize),
}

#[derive(Debug, Clone)]
pub(super) enum TextTest {
    Is(Box<str>),
    IsNot(Box<str>),
    IsOneOf(OneOf),
    Contains(Box<Part>),
    StartsWith(Box<str>),
}

/// Texts, and by bit their lengths, of which those from 63 on share one.
#[derive(Debug, Clone)]
pub(super) struct OneOf {
    lengths: u64,
    texts: Box<[Box<str>]>,
}

impl Quick {
    pub(super) fn new(field: &Field, test: &Test) -> Self {
        if let (Field::Duration, Test::Compare(comparison, Literal::Duration(wanted))) = (field, test) {
            return Quick::Duration(*comparison, *wanted);
        }
        let source = match field {
            Field::Operation => Source::Operation,
            Field::Kind => Source::Tag(slot::KIND),
            Field::Flags => Source::Tag(slot::FLAGS),
            Field::Revision => Source::Tag(slot::REVISION),
            Field::Status => Source::Tag(slot::HTTP_STATUS),
            Field::Grpc => Source::Tag(slot::GRPC_STATUS),
            Field::Tag(key) => Source::Tag(key.slot),
            _ => return Quick::Never,
        };
        match (source, test) {
            (Source::Tag(slot), Test::Compare(comparison, Literal::Number(wanted))) => {
                Quick::Code(slot, *comparison, *wanted)
            }
            (source, test) => TextTest::new(test).map_or(Quick::Never, |test| Quick::Text(source, test)),
        }
    }

    /// `None`: the value is none of those that this decides on.
    #[inline]
    pub(super) fn meets(&self, facts: &Facts<'_, '_>) -> Option<bool> {
        match self {
            Quick::Text(source, test) => source.text(facts).map(|text| test.meets(text)),
            Quick::Code(slot, comparison, wanted) => {
                let code = code(Source::Tag(*slot).text(facts)?.as_bytes())?;
                code.partial_cmp(wanted).map(|ordering| comparison.holds(ordering))
            }
            Quick::Duration(comparison, wanted) => Some(comparison.holds(facts.span.duration.max(0).cmp(wanted))),
            Quick::Never => None,
        }
    }
}

impl Source {
    #[inline]
    fn text<'a>(self, facts: &Facts<'_, 'a>) -> Option<&'a str> {
        let text = match self {
            Source::Operation => &facts.span.operation,
            Source::Tag(slot) => match facts.tag(slot)? {
                Value::Text(text) => text,
                _ => return None,
            },
        };
        match text {
            Text::Clean(text) | Text::Plain(text) => Some(text),
            _ => None,
        }
    }
}

impl TextTest {
    fn new(test: &Test) -> Option<Self> {
        match test {
            Test::Compare(Comparison::Equal, Literal::Text(wanted)) => Some(TextTest::Is(wanted.clone())),
            Test::Compare(Comparison::NotEqual, Literal::Text(wanted)) => Some(TextTest::IsNot(wanted.clone())),
            Test::In(list) => OneOf::new(list).map(TextTest::IsOneOf),
            Test::Contains(part) => Some(TextTest::Contains(part.clone())),
            Test::StartsWith(part) => Some(TextTest::StartsWith(part.clone())),
            _ => None,
        }
    }

    #[inline]
    fn meets(&self, text: &str) -> bool {
        match self {
            TextTest::Is(wanted) => same(text, wanted),
            TextTest::IsNot(wanted) => !same(text, wanted),
            TextTest::IsOneOf(list) => list.has(text),
            TextTest::Contains(part) => part.is_in(text),
            TextTest::StartsWith(part) => text.starts_with(&**part),
        }
    }
}

impl OneOf {
    fn new(list: &[Literal]) -> Option<Self> {
        let texts = list.iter().map(|literal| match literal {
            Literal::Text(text) => Some(text.clone()),
            _ => None,
        });
        let texts: Box<[Box<str>]> = texts.collect::<Option<_>>()?;
        Some(OneOf { lengths: texts.iter().fold(0, |lengths, text| lengths | length(text)), texts })
    }

    #[inline]
    fn has(&self, text: &str) -> bool {
        self.lengths & length(text) != 0 && self.texts.iter().any(|wanted| same(text, wanted))
    }
}

#[inline]
fn length(text: &str) -> u64 {
    1 << text.len().min(63)
}
