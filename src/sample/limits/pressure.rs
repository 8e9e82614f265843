//! What a spool that fills up leaves: half, then a quarter, and on to 1/32 before it is full.

/// From `--spool.pressure` to a full spool in five parts, each of which halves the rate.
const PARTS: f64 = 5.0;

/// How far the spool is into its pressure, in halvings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pressure {
    /// How full it may be without any; 1: there is none.
    from: f64,
    halvings: u8,
}

impl Pressure {
    pub(super) fn new(from: f64) -> Self {
        Pressure { from, halvings: 0 }
    }

    /// The spool is so full. It rises as the spool fills; it falls half a part later than it rose,
    /// so that a spool at one of the marks does not change the rate with every look.
    pub(super) fn note(&mut self, full: f64) {
        let parts = |full: f64| ((full - self.from) / (1.0 - self.from) * PARTS).clamp(-1.0, PARTS);
        let halvings = |parts: f64| (parts.floor() + 1.0).min(PARTS) as u8;
        if self.from >= 1.0 {
            return;
        }
        let parts = parts(full);
        let (rising, falling) = (halvings(parts), halvings((parts + 0.5).min(PARTS)));
        self.halvings = self.halvings.clamp(rising, falling);
    }

    pub(super) fn share(self) -> f64 {
        (-f64::from(self.halvings)).exp2()
    }

    pub(super) fn is_any(self) -> bool {
        self.halvings > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_halved_at_each_part_and_comes_back_a_little_later() {
        let mut pressure = Pressure::new(0.8);
        let mut share = |full: f64| {
            pressure.note(full);
            pressure.share()
        };
        assert_eq!([0.0, 0.5, 0.79, 0.801, 0.83].map(&mut share), [1.0, 1.0, 1.0, 0.5, 0.5]);
        assert_eq!(
            [0.845, 0.89, 0.93, 0.97, 1.0, 1.2].map(&mut share),
            [0.25, 0.125, 0.0625, 0.03125, 0.03125, 0.03125]
        );
        // At 96 % it had become 1/32; it is no more from 94 % on.
        assert_eq!([0.95, 0.935, 0.905, 0.85].map(&mut share), [0.03125, 0.0625, 0.0625, 0.25]);
        assert_eq!([0.79, 0.77, 0.5].map(&mut share), [0.5, 1.0, 1.0]);
    }

    #[test]
    fn it_can_be_off() {
        let mut pressure = Pressure::new(1.0);
        pressure.note(1.0);
        assert!(!pressure.is_any());
    }
}
