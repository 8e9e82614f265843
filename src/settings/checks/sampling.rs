//! One way of sampling at a time, and nothing that has no effect.

use super::super::error::Problem;
use super::super::layers::Values;

/// Settings that judge spans by rules.
const RULES: [&str; 3] = ["sampling.rules-file", "sampling.enforce", "sampling.head-rate"];

/// Each way decides by a number of its own for each trace: two of them would keep the smaller part
/// of both, and a trace would have two verdicts.
pub(super) fn check(values: &Values, problems: &mut Vec<Problem>) {
    let jaegers = (values.number("downsampling.ratio") < 1.0).then_some("downsampling.ratio");
    let zipkins = (values.number("collector-sample-rate") < 1.0).then_some("collector-sample-rate");
    let rules = RULES.into_iter().find(|name| is_asked_for(values, name));
    let set: Vec<_> = [jaegers, zipkins, rules].into_iter().flatten().collect();
    if let [_, rest @ ..] = &set[..] {
        for name in rest {
            let mend = "a second way of sampling, by another number of each trace: keep one of --downsampling.ratio, \
                        COLLECTOR_SAMPLE_RATE, and --sampling.rules-file with --sampling.enforce; a rate of a rules file \
                        does what the first two do";
            problems.push(values.problem(name, mend));
        }
    }
    if values.switch("sampling.enforce") && values.text("sampling.strategies-file").is_empty() {
        let mend = "there is nothing to apply: set --sampling.strategies-file too";
        problems.push(values.problem("sampling.enforce", mend));
    }
    let has_budget = values.number("sampling.max-spans-per-second") > 0.0;
    if !values.time("sampling.max-bulk-latency").is_zero() && !has_budget {
        let mend = "there is no budget that could fall: set --sampling.max-spans-per-second too";
        problems.push(values.problem("sampling.max-bulk-latency", mend));
    }
    if values.number("sampling.head-rate") <= 0.0 {
        let mend = "a head that keeps nothing sends nothing: write a share above 0, such as 0.01 for Istio's 1 %";
        problems.push(values.problem("sampling.head-rate", mend));
    }
}

fn is_asked_for(values: &Values, name: &str) -> bool {
    match name {
        "sampling.enforce" => values.switch(name),
        "sampling.head-rate" => values.number(name) < 1.0,
        _ => !values.text(name).is_empty(),
    }
}
