//! A rate, learned period by period.

/// A relative change of this much is half believed at once.
const TOLD: f64 = 0.1;

/// While the rate holds it is averaged over so many seconds.
const MEMORY: f64 = 60.0;

/// Something a second. While the rate holds it is averaged over a minute, which is what lets
/// replicas agree that see other spans of the same traffic. The more a period departs from it, and
/// the less that can be chance, the more it counts alone: one with three times as much by 98 %. The
/// weight grows evenly, for a threshold would be passed by one replica and not by its neighbour.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Estimate {
    per_second: f64,
    /// Seconds that it was averaged over.
    known: f64,
}

impl Estimate {
    pub(super) fn per_second(&self) -> f64 {
        self.per_second
    }

    /// A period brought `count` in `seconds`.
    pub(super) fn learn(&mut self, count: f64, seconds: f64) {
        let rate = count / seconds;
        let larger = self.per_second.max(rate);
        let steady = seconds / (self.known + seconds);
        let told = if larger > 0.0 {
            let departure = (rate - self.per_second) / larger;
            let noise = TOLD.max(2.0 / (larger * seconds).sqrt());
            departure.powi(2) / (departure.powi(2) + noise.powi(2))
        } else {
            0.0
        };
        let weight = steady.max(told);
        self.per_second += weight * (rate - self.per_second);
        self.known = (seconds / weight).min(MEMORY);
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
        assert_eq!(learned(&[0.0, 0.0]), 0.0);
        assert_eq!(learned(&[5000.0]), 1000.0);
        let steady = learned(&[5000.0, 5100.0, 4900.0, 5100.0]);
        assert!((1000.0..1010.0).contains(&steady), "{steady}");
        let leap = learned(&[5000.0, 20_000.0]);
        assert!((3900.0..=4000.0).contains(&leap), "{leap}");
        assert!(learned(&[5000.0, 0.0]) < 20.0);
        // Three spans instead of one are no leap.
        assert!(learned(&[1.0, 1.0, 1.0, 1.0, 3.0]) < 0.4);
    }
}
