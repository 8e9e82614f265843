//! A condition as spans are held against it: its tests in a row, each with where to go on.
//!
//! It decides as the tree of which it is made, and spends nothing on the way between two tests
//! (`benches/verdict.rs`).

use super::key_table::{ALWAYS, Slots};
use super::quick::Quick;
use super::{Expression, Facts, Field, Places, Test};
use crate::span::{Span, Text};

#[derive(Debug, Clone)]
pub struct Program {
    steps: Box<[Step]>,
    start: u32,
}

#[derive(Debug, Clone)]
struct Step {
    quick: Quick,
    field: Field,
    test: Test,
    /// Where to go on if the test fails, if it holds.
    next: [u32; 2],
    /// The tags without which the span has no value, and where to go on then.
    asks: Slots,
    without: u32,
}

impl Step {
    fn new(field: &Field, test: &Test, next: [u32; 2]) -> Self {
        let (span, tags) = (Span::default(), Places::default());
        let nothing = Facts { service: Text::default(), span: &span, tags: &tags, resource: &[] };
        let without = next[usize::from(field.meets(test, &nothing))];
        let asks = match field.slots() {
            0 => ALWAYS,
            slots => slots,
        };
        Step { quick: Quick::new(field, test), field: field.clone(), test: test.clone(), next, asks, without }
    }

    #[inline]
    fn take(&self, facts: &Facts<'_, '_>) -> u32 {
        if !facts.tags.have(self.asks) {
            return self.without;
        }
        let meets = self.quick.meets(facts).unwrap_or_else(|| self.field.meets(&self.test, facts));
        self.next[usize::from(meets)]
    }
}

/// Where it ends.
const FALSE: u32 = u32::MAX - 1;
const TRUE: u32 = u32::MAX;

impl Program {
    pub fn new(expression: &Expression) -> Self {
        let mut steps = Vec::new();
        let start = lay(expression, [FALSE, TRUE], &mut steps);
        Program { steps: steps.into(), start }
    }

    /// Whether the span meets the condition.
    #[inline]
    pub fn holds(&self, facts: &Facts<'_, '_>) -> bool {
        let mut at = self.start;
        while let Some(step) = self.steps.get(at as usize) {
            at = step.take(facts);
        }
        at == TRUE
    }
}

/// Lays the steps of an expression; where they begin.
fn lay(expression: &Expression, ends: [u32; 2], steps: &mut Vec<Step>) -> u32 {
    match expression {
        Expression::All(parts) => parts.iter().rev().fold(ends[1], |next, part| lay(part, [ends[0], next], steps)),
        Expression::Any(parts) => parts.iter().rev().fold(ends[0], |next, part| lay(part, [next, ends[1]], steps)),
        Expression::Not(inner) => lay(inner, [ends[1], ends[0]], steps),
        Expression::Constant(value) => ends[usize::from(*value)],
        Expression::Test(field, test) => {
            steps.push(Step::new(field, test, ends));
            steps.len() as u32 - 1
        }
    }
}
