//! What is good JSON and probably not what its writer meant.

use super::document::{Document, Service, Strategy, shortened};
use super::table::{Fallback, repeated};

const PROBABILISTIC: &str = "probabilistic";
const RATE_LIMITING: &str = "ratelimiting";
const MEND: &str = "write probabilistic or ratelimiting";

/// One of them: it is said in the log, and the document holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// `service_strategies[2].param`; empty for the document itself.
    pub path: String,
    pub line: u32,
    pub what: String,
}

impl Warning {
    pub(super) fn new(path: String, line: u32, what: String) -> Self {
        Warning { path, line, what }
    }
}

impl std::fmt::Display for Warning {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Warning { path, line, what } = self;
        match path.as_str() {
            "" => write!(formatter, "line {line}: {what}"),
            path => write!(formatter, "line {line}, {path}: {what}"),
        }
    }
}

/// Finds what a document holds that is probably not what was meant.
pub(super) fn examine(document: &Document, fallback: Fallback, warnings: &mut Vec<Warning>) {
    let inherited = document.default_strategy.as_ref().is_some_and(|default| !default.operations.is_empty());
    if let Some(default) = &document.default_strategy {
        service(default, "default_strategy", fallback, warnings);
        trap(default, "default_strategy", false, warnings);
    }
    for (index, written) in document.service_strategies.iter().enumerate() {
        let path = format!("service_strategies[{index}]");
        service(written, &path, fallback, warnings);
        trap(written, &path, inherited, warnings);
        if written.service.is_empty() {
            let what = "it names no service, so it is told only to those that ask without a name".into();
            warnings.push(Warning::new(path, written.line, what));
        }
    }
    let services = &document.service_strategies;
    for (index, name) in repeated(services.iter().map(|written| written.service.as_str())) {
        let what = format!("`{}` stands here again: the last entry of a service holds", shortened(name));
        let line = services.get(index).map_or(0, |written| written.line);
        warnings.push(Warning::new(format!("service_strategies[{index}]"), line, what));
    }
}

fn service(written: &Service, path: &str, fallback: Fallback, warnings: &mut Vec<Warning>) {
    strategy(&written.strategy, path, written.line, fallback, warnings);
    let path = |index: usize| format!("{path}.operation_strategies[{index}]");
    for (index, operation) in written.operations.iter().enumerate() {
        if operation.strategy.kind == RATE_LIMITING {
            let what = "operations have no rate limits: this entry is left out, as in Jaeger; write a probability";
            warnings.push(Warning::new(path(index), operation.line, what.into()));
        } else {
            strategy(&operation.strategy, &path(index), operation.line, fallback, warnings);
        }
    }
    for (index, name) in repeated(written.operations.iter().map(|operation| operation.operation.as_str())) {
        let what = format!("`{}` stands here again: both are told, and clients take the last", shortened(name));
        let line = written.operations.get(index).map_or(0, |operation| operation.line);
        warnings.push(Warning::new(path(index), line, what));
    }
}

/// A limit beside operations.
fn trap(written: &Service, path: &str, inherits: bool, warnings: &mut Vec<Warning>) {
    if written.strategy.kind != RATE_LIMITING || (written.operations.is_empty() && !inherits) {
        return;
    }
    let whose = if written.operations.is_empty() { "those of the default strategy" } else { "its own" };
    let what = format!(
        "clients will not keep to this limit: they are told operations too ({whose}), as in Jaeger, and look at nothing \
         else then"
    );
    warnings.push(Warning::new(path.into(), written.line, what));
}

fn strategy(written: &Strategy, path: &str, line: u32, fallback: Fallback, warnings: &mut Vec<Warning>) {
    let param = written.param;
    let what = match written.kind.as_str() {
        PROBABILISTIC if param > 1.0 && param <= 100.0 => format!(
            "a probability is from 0 to 1, and {param} looks like a percentage: write {}; it is told to clients as it \
             is, and not enforced",
            param / 100.0
        ),
        PROBABILISTIC if !(0.0..=1.0).contains(&param) => {
            format!("a probability is from 0 to 1: {param} is told to clients as it is, and not enforced")
        }
        RATE_LIMITING if param < 0.0 => {
            format!("a limit is 0 or more: {} is told to clients, and nothing enforced", param as i32)
        }
        RATE_LIMITING if param > f64::from(i16::MAX) => {
            format!(
                "a limit above 32767 is told as {}, and cannot be told to the oldest clients (port 5778, path /)",
                param as i32
            )
        }
        RATE_LIMITING if param.fract() != 0.0 => {
            format!("clients are told limits without their fraction: {} for {param}", param as i32)
        }
        PROBABILISTIC | RATE_LIMITING => return,
        "" => format!("without a type it is told as probability {}: {MEND}", fallback.probability),
        kind => format!(
            "the type `{}` is unknown, so that probability {} is told, as in Jaeger: {MEND}",
            shortened(kind),
            fallback.probability
        ),
    };
    warnings.push(Warning::new(path.into(), line, what));
}
