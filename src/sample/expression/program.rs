//! A condition as spans are held against it: its tests in a row, each with where to go on.
//!
//! It decides as the tree of which it is made, and spends nothing on the way between two tests
//! (`benches/verdict.rs`).

use super::{Expression, Facts, Field, Test};

#[derive(Debug, Clone)]
pub struct Program {
    steps: Box<[Step]>,
    start: u32,
}

#[derive(Debug, Clone)]
struct Step {
    field: Field,
    test: Test,
    /// Where to go on if the test fails, if it holds.
    next: [u32; 2],
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
            at = step.next[usize::from(step.field.meets(&step.test, facts))];
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
            steps.push(Step { field: field.clone(), test: test.clone(), next: ends });
            steps.len() as u32 - 1
        }
    }
}
