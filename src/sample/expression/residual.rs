//! What is left of an expression when some fields are known: for *kept if …*.

use super::{Expression, Facts, Field, Places};
use crate::span::{Span, Text};

/// What is known of a span that is not there.
#[derive(Debug, Clone, Copy, Default)]
pub struct Known<'k> {
    pub service: Option<&'k str>,
    pub operation: Option<&'k str>,
}

impl Expression {
    /// The condition on all that is not known; a constant if nothing is left.
    pub fn residual(&self, known: Known<'_>) -> Expression {
        match self {
            Expression::All(parts) => combined(parts, known, false, Expression::All),
            Expression::Any(parts) => combined(parts, known, true, Expression::Any),
            Expression::Not(inner) => match inner.residual(known) {
                Expression::Constant(value) => Expression::Constant(!value),
                left => Expression::Not(Box::new(left)),
            },
            Expression::Test(Field::Service, _) => self.decided(known.service, known),
            Expression::Test(Field::Operation, _) => self.decided(known.operation, known),
            Expression::Test(..) | Expression::Constant(_) => self.clone(),
        }
    }

    /// A test of a field whose value is this, if it is known.
    fn decided(&self, value: Option<&str>, known: Known<'_>) -> Expression {
        if value.is_none() {
            return self.clone();
        }
        let operation = Text::Plain(known.operation.unwrap_or_default());
        let span = Span { operation, ..Span::default() };
        let service = Text::Plain(known.service.unwrap_or_default());
        Expression::Constant(self.holds(&Facts { service, span: &span, tags: &Places::default(), resource: &[] }))
    }
}

/// `decides`: the value of one part that settles the whole.
fn combined(
    parts: &[Expression],
    known: Known<'_>,
    decides: bool,
    by: fn(Vec<Expression>) -> Expression,
) -> Expression {
    let mut left = Vec::new();
    for part in parts {
        match part.residual(known) {
            Expression::Constant(value) if value == decides => return Expression::Constant(decides),
            Expression::Constant(_) => {}
            open => left.push(open),
        }
    }
    match left.len() {
        0 => Expression::Constant(!decides),
        1 => left.remove(0),
        _ => by(left),
    }
}
