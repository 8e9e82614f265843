//! What the operator wrote, for a collector that applies it to what arrives.

use super::table::Service;

/// How much of something is to be kept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rate {
    /// From 0 to 1.
    Probability(f64),
    /// Traces a second, 0 or more; with its fraction, which SDKs are not told.
    PerSecond(f64),
}

impl Rate {
    /// Of a `param` that is a probability; percentages and negative numbers are none.
    pub(super) fn probability(param: f64) -> Option<Self> {
        (0.0..=1.0).contains(&param).then_some(Rate::Probability(param))
    }

    pub(super) fn per_second(param: f64) -> Option<Self> {
        (param >= 0.0).then_some(Rate::PerSecond(param))
    }
}

/// What was written for one service.
#[derive(Debug, Clone, Copy)]
pub struct WrittenService<'a> {
    pub(super) own: Option<&'a Service>,
    pub(super) default: &'a Service,
}

/// A rate, and which entry of the document says it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Written {
    /// `None`: the entry cannot be applied, because its type is unknown or its number is none of
    /// its kind.
    pub rate: Option<Rate>,
    /// The line on which the entry begins; 0: it is not of the document.
    pub line: u32,
    /// It is an entry for this operation.
    pub is_of_operation: bool,
}

impl WrittenService<'_> {
    /// The rate of one operation: its own entry, the default strategy's entry for it, or that of
    /// the service. `None`: nothing was written that could be applied.
    ///
    /// Unlike in SDKs a rate limit stands beside the operations that are listed.
    pub fn rate(&self, operation: &str) -> Option<Rate> {
        self.find(operation).rate
    }

    /// The same, and where it is written.
    pub fn find(&self, operation: &str) -> Written {
        let services = self.own.into_iter().chain([self.default]);
        let listed = services.filter_map(|service| service.operations.as_ref()?.find(operation)).next();
        match (listed, self.own.unwrap_or(self.default)) {
            (Some(listed), _) => Written { rate: listed.rate, line: listed.line, is_of_operation: true },
            (None, service) => Written { rate: service.rate, line: service.line, is_of_operation: false },
        }
    }

    /// Whether the service or its operations may have different rates, so that a trace can be kept
    /// in parts.
    pub fn has_operations(&self) -> bool {
        self.own.into_iter().chain([self.default]).any(|service| service.operations.is_some())
    }
}
