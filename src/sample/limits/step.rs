//! Shares that move in steps, 64 to a halving.
//!
//! Replicas learn the same rate from different spans, and so not quite the same. In steps of 1.1 %
//! they mostly say the same number, and say it for long: each change of a share splits the traces
//! that are under way between two epochs. Wider steps would be no better: two replicas on either
//! side of a mark differ by a whole one, for as long as the traffic holds.

/// The share 2^(-steps/64); the greater the steps, the less the share.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Step(u16);

const PER_HALVING: f64 = 64.0;

impl Step {
    /// Everything.
    pub(super) const ALL: Step = Step(0);

    /// The least that is ever granted: one in 65,536.
    const LEAST: Step = Step(1024);

    /// The largest step that is not above a share.
    pub(super) fn at_most(share: f64) -> Self {
        if share >= 1.0 {
            return Step::ALL;
        }
        // A share that is itself a step must not fall to the next one by a rounding.
        let steps = (-share.max(f64::MIN_POSITIVE).log2() * PER_HALVING - 1e-9).ceil();
        Step(steps.clamp(0.0, f64::from(Step::LEAST.0)) as u16)
    }

    pub(super) fn share(self) -> f64 {
        (-f64::from(self.0) / PER_HALVING).exp2()
    }

    /// This step, but no more than so many halvings below another one and no more than so many
    /// doublings above it.
    pub(super) fn near(self, other: Step, halvings: u16, doublings: u16) -> Self {
        let steps = |halvings: u16| halvings.saturating_mul(PER_HALVING as u16);
        let least = other.0.saturating_sub(steps(doublings));
        Step(self.0.clamp(least, other.0.saturating_add(steps(halvings)).min(Step::LEAST.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_at_most_the_share_and_less_than_a_step_below_it() {
        for share in [1.0, 0.999, 0.5, 0.3, 0.1, 0.01, 1.0 / 65_536.0] {
            let step = Step::at_most(share).share();
            assert!(step <= share * (1.0 + 1e-9) && step > share * 0.989, "{share} {step}");
            assert_eq!(Step::at_most(step), Step::at_most(share), "{share}");
        }
        assert_eq!(Step::at_most(0.0), Step::LEAST);
        assert_eq!(Step::at_most(-1.0), Step::LEAST);
        assert_eq!(Step::at_most(7.0), Step::ALL);
    }

    #[test]
    fn a_step_stays_near_another() {
        let (one, half) = (Step::ALL, Step::at_most(0.5));
        assert_eq!(Step::LEAST.near(one, 4, 1).share(), 1.0 / 16.0);
        assert_eq!(one.near(Step::at_most(0.25), 4, 1), half);
        assert_eq!(half.near(one, 4, 1), half);
    }
}
