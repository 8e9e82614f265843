//! Which rules can leave holes in a trace. Each span is judged alone: a trace is whole if all its
//! spans are granted the same share, and no rule speaks of some of them only.

use super::plan::{Judging, Manner, Plan};
use super::rules::own;

/// Marks that stand on some spans of a trace only.
const MARKS: [(&str, &str); 3] = [
    (
        own::FORCED,
        "keeps the spans that carry Envoy's request id: not those of applications, nor Envoy's `router … egress`",
    ),
    (own::PRIORITY, "keeps or drops the spans that carry the tag, not the rest of their traces"),
    (own::CLIENT, "Jaeger's clients mark the first span of a trace as sampled; the others are sampled once more"),
];

const STRATEGIES: &str = "services and operations with different rates keep different parts of a trace that crosses them; of \
     two, the traces of the lower rate are among those of the higher";

impl Plan {
    /// The rules that can leave holes, each with how.
    pub(super) fn holes(&self) -> Vec<(&'static str, String)> {
        let Manner::Rules(judged) = &self.manner else { return Vec::new() };
        let mut holes = judged.drops();
        let is_less = self.enforce || judged.rates.iter().any(|rate| rate.rate < 1.0);
        if !is_less {
            return holes;
        }
        holes.extend(
            judged
                .keep
                .iter()
                .map(|rule| (rule.name, format!("keeps the spans with `{}`, not the rest of their traces", rule.when))),
        );
        holes.extend(judged.uneven_rates(self.enforce));
        if self.enforce {
            holes.push((own::STRATEGIES, STRATEGIES.into()));
        }
        holes.extend(MARKS.map(|(rule, how)| (rule, how.into())));
        holes
    }
}

impl Judging {
    fn drops(&self) -> Vec<(&'static str, String)> {
        let drops = self.absolute.iter().chain(&self.drop);
        drops
            .map(|rule| (rule.name, format!("drops the spans with `{}` out of traces that are kept", rule.when)))
            .collect()
    }

    /// Rates of some spans only.
    fn uneven_rates(&self, enforce: bool) -> impl Iterator<Item = (&'static str, String)> {
        let largest_of_all = self.rates.iter().filter(|rate| rate.when.is_none()).map(|rate| rate.rate);
        // What is granted to all by another rule is not taken away here.
        let floor = if enforce { None } else { largest_of_all.reduce(f64::max) };
        self.rates.iter().filter_map(move |rate| {
            let when = rate.when.as_ref().filter(|_| floor.is_none_or(|floor| rate.rate > floor))?;
            Some((
                rate.name,
                format!("keeps {} of the spans with `{when}`, and of other spans other shares", rate.rate),
            ))
        })
    }
}
