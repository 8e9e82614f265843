//! A rate, learned period by period.

/// Below this relative change a period is mostly noise.
const TOLD: f64 = 0.2;

/// The weight of a period that says what is known already.
const STEADY: f64 = 1.0 / 8.0;

/// Something a second. While the rate holds it is averaged over eight periods or so, which is what
/// lets replicas agree that see other spans of the same traffic; a period that departs from it by
/// more than noise can counts more, and one that departs by a fifth, seen in enough spans, wholly.
/// The weight grows evenly, for a threshold would be passed by one replica and not by its neighbour.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Estimate {
    per_second: Option<f64>,
}

impl Estimate {
    pub(super) fn per_second(&self) -> f64 {
        self.per_second.unwrap_or(0.0)
    }

    /// A period brought `count` in `seconds`.
    pub(super) fn learn(&mut self, count: f64, seconds: f64) {
        let rate = count / seconds;
        let known = *self.per_second.get_or_insert(rate);
        let larger = known.max(rate);
        if larger <= 0.0 {
            return;
        }
        let noise = 4.0 / (larger * seconds).sqrt();
        let weight = ((rate - known).abs() / larger / noise.max(TOLD)).clamp(STEADY, 1.0);
        self.per_second = Some(known + weight * (rate - known));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learned(counts: &[f64]) -> f64 {
        let mut estimate = Estimate::default();
        counts.iter().for_each(|&count| estimate.learn(count, 5.0));
        estimate.per_second()
    }

    #[test]
    fn noise_is_averaged_and_a_leap_is_believed() {
        assert_eq!(learned(&[]), 0.0);
        assert_eq!(learned(&[5000.0]), 1000.0);
        let steady = learned(&[5000.0, 5100.0, 4900.0, 5100.0]);
        assert!((990.0..1010.0).contains(&steady), "{steady}");
        assert_eq!(learned(&[5000.0, 20_000.0]), 4000.0);
        assert_eq!(learned(&[5000.0, 0.0]), 0.0);
        // Three spans instead of one are no leap.
        assert!(learned(&[1.0, 3.0]) < 0.4);
    }
}
