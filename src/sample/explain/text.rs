//! An explanation in words.

use std::fmt::{Display, Formatter, Result};

use super::{Effect, Explanation, Given, Outcome, Step};

impl Display for Explanation {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        writeln!(out, "trace {}", self.trace_id)?;
        writeln!(out, "h = {} ({}, {}): kept by every share above it", self.hash.h, self.hash.kind, self.hash.number)?;
        writeln!(out, "\nrules, the first that speaks decides; of those that grant a share the largest counts:")?;
        for step in &self.rules {
            writeln!(out, "  {step}")?;
        }
        writeln!(out, "\n{}", self.otherwise)?;
        if self.recent.is_empty() {
            return writeln!(out, "\nno verdict on it is remembered");
        }
        writeln!(out, "\nverdicts that were given:")?;
        self.recent.iter().try_for_each(|given| writeln!(out, "  {given}"))
    }
}

impl Display for Step {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        write!(out, "{:<24} ", self.rule)?;
        let enough = if self.keeps == Some(true) { "enough: kept" } else { "not enough" };
        match (self.effect, self.share) {
            (Effect::Keeps, _) => write!(out, "kept")?,
            (Effect::Drops, _) => write!(out, "dropped")?,
            (Effect::Grants, Some(share)) => write!(out, "grants {share}, {enough}")?,
            (Effect::Grants, None) => write!(out, "grants")?,
            (Effect::Limits, share) => write!(out, "leaves {} of it", share.unwrap_or(1.0))?,
        }
        match &self.condition {
            Some(condition) => write!(out, " if {condition}"),
            None => Ok(()),
        }
    }
}

impl Display for Outcome {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        let Outcome { kept, rule, probability, weight } = self;
        let (Some(kept), Some(probability)) = (kept, probability) else {
            return write!(out, "otherwise it depends on what is not known here: name its service and operation");
        };
        let verdict = if *kept { "kept" } else { "dropped" };
        write!(out, "otherwise {verdict} by {rule}: π = {probability}")?;
        match weight {
            Some(weight) => write!(out, ", it stands for {weight} traces"),
            None => Ok(()),
        }
    }
}

impl Display for Given {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        let Given { span_id, service, start_time, kept, rule, probability } = self;
        let verdict = if *kept { "kept" } else { "dropped" };
        write!(out, "span {span_id} of {service}, began {start_time}: {verdict} by {rule}, π = {probability}")
    }
}
