//! The rules of an operator: which spans are always kept, which are dropped, and at what rates the
//! rest is kept.

mod file;
mod name;

pub use file::{Problem, is_blank, read};

use super::expression::{Expression, Facts, Keys, Program};
use super::hash::{Hash, Input, JAEGERS_SALT};

/// Rules that are there without being written; nobody may write one of these names.
pub mod own {
    /// The sender's `debug`.
    pub const DEBUG: &str = "debug";
    /// The digit of Envoy's request id.
    pub const FORCED: &str = "forced";
    /// The tag `sampling.priority`.
    pub const PRIORITY: &str = "sampling.priority";
    /// What the file of strategies says for the service and operation.
    pub const STRATEGIES: &str = "strategies";
    /// The client has sampled, by a rule that has no probability.
    pub const CLIENT: &str = "client";
    /// Nothing says how much is to be kept: all is.
    pub const BASE: &str = "base";
    /// `--downsampling.ratio`.
    pub const DOWNSAMPLING: &str = "downsampling";
    /// `COLLECTOR_SAMPLE_RATE`.
    pub const ZIPKIN: &str = "collector-sample-rate";
}

const RESERVED: [&str; 12] = [
    own::DEBUG,
    own::FORCED,
    own::PRIORITY,
    own::STRATEGIES,
    own::CLIENT,
    own::BASE,
    own::DOWNSAMPLING,
    own::ZIPKIN,
    "quota",
    "budget",
    "pressure",
    "others",
];

/// A rule that holds for the spans which meet a condition.
#[derive(Debug)]
pub struct Predicate {
    pub name: &'static str,
    pub when: Condition,
}

/// A condition, for people and for spans.
#[derive(Debug)]
pub struct Condition {
    pub expression: Expression,
    program: Program,
}

impl Condition {
    fn new(expression: Expression) -> Self {
        Condition { program: Program::new(&expression), expression }
    }

    /// Whether the span meets it.
    #[inline]
    pub fn holds(&self, facts: &Facts<'_, '_>) -> bool {
        self.program.holds(facts)
    }
}

impl std::fmt::Display for Condition {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.expression.fmt(out)
    }
}

/// A share of the traces whose spans meet a condition; without one, of all.
#[derive(Debug)]
pub struct Rate {
    pub name: &'static str,
    pub rate: f64,
    pub when: Option<Condition>,
}

/// A file of rules, read.
#[derive(Debug)]
pub struct Rules {
    pub hash: Hash,
    /// Dropped, whatever else says keep.
    pub absolute: Vec<Predicate>,
    pub keep: Vec<Predicate>,
    /// Dropped, unless a rule above says keep.
    pub drop: Vec<Predicate>,
    pub rates: Vec<Rate>,
    /// The tags that they ask for.
    pub keys: Keys,
}

impl Rules {
    fn default_hash() -> Hash {
        Hash::fnv_mix(JAEGERS_SALT, Input::Full)
    }
}

impl Default for Rules {
    fn default() -> Self {
        Rules {
            hash: Rules::default_hash(),
            absolute: Vec::new(),
            keep: Vec::new(),
            drop: Vec::new(),
            rates: Vec::new(),
            keys: Keys::default(),
        }
    }
}

#[cfg(test)]
mod tests;
