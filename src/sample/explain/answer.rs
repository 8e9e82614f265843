//! What is answered.

use serde::Serialize;

/// The answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    #[serde(rename = "traceID")]
    pub trace_id: String,
    pub hash: HashOf,
    /// In the order in which they are asked: the first that speaks decides; those of `effect`
    /// `grants` grant together, and the largest counts.
    pub rules: Vec<Step>,
    /// What is decided where no rule with a condition speaks.
    pub otherwise: Outcome,
    /// Verdicts that were given, the oldest first; those of a service, if one was asked for.
    pub recent: Vec<Given>,
}

/// The trace's number.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HashOf {
    pub kind: &'static str,
    /// In hexadecimal.
    pub number: String,
    /// From 0 to 1: h.
    pub h: f64,
}

/// What a rule says of the trace.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    pub rule: &'static str,
    pub effect: Effect,
    /// The share that it grants, or by which it multiplies; `None`: not known.
    pub share: Option<f64>,
    /// Whether that is enough for this trace.
    pub keeps: Option<bool>,
    /// What must be true of the span for the rule to speak; `None`: it speaks.
    #[serde(rename = "if")]
    pub condition: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    Keeps,
    Drops,
    Grants,
    /// Multiplies what is granted.
    Limits,
}

/// A verdict.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outcome {
    /// `None`: it depends on what is not known.
    pub kept: Option<bool>,
    /// Who decides.
    pub rule: &'static str,
    /// π
    pub probability: Option<f64>,
    /// How many traces a kept one stands for.
    pub weight: Option<f64>,
}

/// A verdict that was given.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Given {
    #[serde(rename = "spanID")]
    pub span_id: String,
    pub service: String,
    /// Microseconds since 1970.
    pub start_time: u64,
    pub kept: bool,
    pub rule: &'static str,
    pub probability: f64,
}
