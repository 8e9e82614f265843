//! What an SDK is told, and its bytes as JSON.
//!
//! The members stand in the order of their fields, defaults are written, and what is absent is left
//! out. Numbers and strings have the form of Go's encoder.

use std::fmt::Write as _;

use super::table::{Operation, Operations};

/// The answer for one service.
#[derive(Debug, Clone)]
pub struct Answer<'a> {
    pub strategy: Strategy,
    /// If it is there, SDKs look at nothing else.
    pub per_operation: Option<PerOperation<'a>>,
}

/// A strategy as it is served.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Strategy {
    /// Not checked, as in Jaeger: it may be none.
    Probabilistic(f64),
    /// Traces a second.
    RateLimiting(i32),
}

/// Probabilities by operation.
#[derive(Debug, Clone, Copy)]
pub struct PerOperation<'a> {
    /// Of the operations that are not listed.
    pub default_probability: f64,
    own: Option<&'a Operations>,
    inherited: Option<&'a Operations>,
}

impl<'a> PerOperation<'a> {
    pub(super) fn new(
        default_probability: f64,
        own: Option<&'a Operations>,
        inherited: Option<&'a Operations>,
    ) -> Self {
        PerOperation { default_probability, own, inherited }
    }

    /// Each operation with its probability: the service's own, then those of the default strategy
    /// that have other names.
    pub fn listed(&self) -> impl Iterator<Item = (&'a str, f64)> {
        let own = self.own.into_iter().flat_map(|own| &own.listed);
        let inherited = self.inherited.into_iter().flat_map(|inherited| &inherited.listed);
        let inherited = inherited.filter({
            let own = self.own;
            move |operation| own.is_none_or(|own| own.find(&operation.name).is_none())
        });
        own.chain(inherited).map(|Operation { name, probability, .. }| (&**name, *probability))
    }
}

/// A limit is too large for clients that know the types of strategies by number: theirs has 16 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("maxTracesPerSecond is higher than int16")]
pub struct TooHigh;

impl Answer<'_> {
    /// As JSON, the type of the strategy as a word: `/api/sampling`, `/sampling`.
    pub fn by_name(&self) -> String {
        let kind = match self.strategy {
            Strategy::Probabilistic(_) => "\"PROBABILISTIC\"",
            Strategy::RateLimiting(_) => "\"RATE_LIMITING\"",
        };
        self.json(kind, self.strategy)
    }

    /// As JSON, the type of the strategy as a number, for clients of Thrift 0.9.2.
    pub fn by_number(&self) -> Result<String, TooHigh> {
        match self.strategy {
            strategy @ Strategy::Probabilistic(_) => Ok(self.json("0", strategy)),
            Strategy::RateLimiting(limit) if limit > i16::MAX.into() => Err(TooHigh),
            // As in Jaeger, what is far below 0 is cut to 16 bits.
            Strategy::RateLimiting(limit) => Ok(self.json("1", Strategy::RateLimiting((limit as i16).into()))),
        }
    }

    fn json(&self, kind: &str, strategy: Strategy) -> String {
        let mut out = format!("{{\"strategyType\":{kind}");
        match strategy {
            Strategy::Probabilistic(rate) => push_probability(&mut out, rate),
            Strategy::RateLimiting(limit) => {
                out.push_str(&format!(",\"rateLimitingSampling\":{{\"maxTracesPerSecond\":{limit}}}"));
            }
        }
        if let Some(per_operation) = &self.per_operation {
            per_operation.push(&mut out);
        }
        out.push('}');
        out
    }
}

impl PerOperation<'_> {
    fn push(&self, out: &mut String) {
        out.push_str(",\"operationSampling\":{\"defaultSamplingProbability\":");
        push_float(out, self.default_probability);
        out.push_str(",\"defaultLowerBoundTracesPerSecond\":0,\"perOperationStrategies\":[");
        for (index, (operation, probability)) in self.listed().enumerate() {
            out.push_str(if index == 0 { "{\"operation\":" } else { ",{\"operation\":" });
            push_string(out, operation);
            push_probability(out, probability);
            out.push('}');
        }
        out.push_str("],\"defaultUpperBoundTracesPerSecond\":0}");
    }
}

fn push_probability(out: &mut String, rate: f64) {
    out.push_str(",\"probabilisticSampling\":{\"samplingRate\":");
    push_float(out, rate);
    out.push('}');
}

/// A number as Go's encoder writes it: the shortest digits that read back as the same, with an
/// exponent below 1e-6 and from 1e21. Rust's shortest digits are the same, and it never writes an
/// exponent unless it is asked to.
fn push_float(out: &mut String, number: f64) {
    let size = number.abs();
    // Writing to a string does not fail.
    let _ = match number != 0.0 && !(1e-6..1e21).contains(&size) {
        true if size >= 1.0 => out.write_str(&format!("{number:e}").replace('e', "e+")),
        true => write!(out, "{number:e}"),
        false => write!(out, "{number}"),
    };
}

/// A string as Go's encoder writes it, safe to stand in HTML.
fn push_string(out: &mut String, text: &str) {
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0'..' ' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(letter)))
            }
            letter => out.push(letter),
        }
    }
    out.push('"');
}
