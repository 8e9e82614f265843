//! `--downsampling.ratio` and `.hashsalt`: the share of all traces that Jaeger's collector keeps,
//! and of them the very ones.
//!
//! The trace id is hashed by FNV-1a 64, after the salt and as 16 bytes, and the trace is kept if
//! the hash is not above the ratio's share of 2^64. As in Jaeger, a debug flag changes nothing and
//! a 64-bit id is one with eight zero bytes before it.

use super::Verdict;
use crate::settings::Downsampling;
use crate::span::TraceId;

const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0100_0000_01b3;
const JAEGERS_SALT: &str = "downsampling-default-salt";

/// Gives verdicts by one fixed ratio.
#[derive(Debug, Clone)]
pub struct Sampler {
    /// The hash after the salt.
    salted: u64,
    /// The largest hash that is kept; `None`: all are.
    largest: Option<u64>,
}

impl Sampler {
    pub fn new(settings: &Downsampling) -> Self {
        let salt = if settings.hashsalt.is_empty() { JAEGERS_SALT } else { &settings.hashsalt };
        // As in Jaeger, what is no ratio is 1, which keeps all.
        let dropping = (0.0..1.0).contains(&settings.ratio);
        Sampler { salted: hash(OFFSET, salt.as_bytes()), largest: dropping.then(|| threshold(settings.ratio)) }
    }

    /// Whether spans of this trace are kept.
    #[inline]
    pub fn verdict(&self, trace_id: TraceId) -> Verdict {
        match self.largest {
            Some(largest) if self.hash(trace_id) > largest => Verdict::Drop { rule: "downsampling" },
            _ => Verdict::Keep,
        }
    }

    fn hash(&self, trace_id: TraceId) -> u64 {
        hash(hash(self.salted, &trace_id.high.to_be_bytes()), &trace_id.low.to_be_bytes())
    }
}

/// FNV-1a, continued from `state`.
fn hash(state: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(state, |state, byte| (state ^ u64::from(*byte)).wrapping_mul(PRIME))
}

/// The largest hash that a ratio from 0 to below 1 keeps: `ceil(ratio × 2^64) - 1`, of the exact
/// value of the float. Jaeger multiplies with `2^64 - 1` in floats of 64 bits and cuts off, which
/// gives the same.
fn threshold(ratio: f64) -> u64 {
    let bits = ratio.abs().to_bits();
    let (exponent, fraction) = ((bits >> 52) as u32, bits & ((1 << 52) - 1));
    // The ratio is mantissa × 2^(power - 64); the least exponent stands for subnormal numbers.
    let mantissa = u128::from(if exponent == 0 { fraction } else { fraction | 1 << 52 });
    let power = exponent.max(1).cast_signed() - 1075 + 64;
    let product = match u32::try_from(power) {
        Ok(left) => mantissa << left,
        Err(_) => mantissa.div_ceil(1 << power.unsigned_abs().min(127)),
    };
    u64::try_from(product.saturating_sub(1)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sampler(ratio: f64, salt: &str) -> Sampler {
        Sampler::new(&Downsampling { ratio, hashsalt: salt.into() })
    }

    fn id(text: &str) -> TraceId {
        let id = u128::from_str_radix(text, 16).unwrap();
        TraceId { high: (id >> 64) as u64, low: id as u64 }
    }

    /// Computed apart from Jaeger's rule.
    #[test]
    fn hashes_are_jaegers() {
        let cases = [
            ("00000000000000000000000000000001", 0x684c_74ef_115c_f4fc, 0x62e6_7477_977b_5da8),
            ("0000000000000000463ac35c9f6413ad", 0x4b8b_0b91_17ad_207b, 0xe90f_272f_2711_b2cf),
            ("463ac35c9f6413ad48485a3953bb6124", 0xd8be_c027_7181_64c9, 0xc48d_9954_af25_ec95),
            ("80f198ee56343ba864fe8b2a57d3eff7", 0x6d85_0cb2_a73e_b8b8, 0x5428_550a_9893_41b4),
            ("4bf92f3577b34da6a3ce929d0e0e4736", 0x7137_c5bf_ae6a_63af, 0x9134_2779_27b3_2943),
            ("ffffffffffffffffffffffffffffffff", 0x4765_b541_2d4f_809f, 0xc229_fda7_47c3_974b),
        ];
        for (trace_id, default, jaeger) in cases {
            assert_eq!(sampler(0.5, "").hash(id(trace_id)), default);
            assert_eq!(sampler(0.5, "jaeger").hash(id(trace_id)), jaeger);
        }
        assert_eq!(sampler(0.5, "").hash(id("abc")), 0x6861_8def_116f_7b81);
        assert_eq!(sampler(0.5, "jaeger-test").hash(id("1")), 0x6e88_5873_c8d7_bdf5);
    }

    #[test]
    fn thresholds_are_jaegers() {
        let cases = [
            (0.0001, 0x0006_8db8_bac7_10cb),
            (0.001, 0x0041_8937_4bc6_a7ef),
            (0.01, 0x028f_5c28_f5c2_8f5f),
            (0.1, 0x1999_9999_9999_99ff),
            (0.3, 0x4ccc_cccc_cccc_cbff),
            (0.5, 0x7fff_ffff_ffff_ffff),
            (0.999, 0xffbe_76c8_b439_57ff),
            (0.9, 0xe666_6666_6666_67ff),
            (0.0, 0),
            (-0.0, 0),
            (5e-324, 0),
            (1.0f64.next_down(), 0xffff_ffff_ffff_f7ff),
        ];
        for (ratio, expected) in cases {
            assert_eq!(threshold(ratio), expected, "{ratio}");
        }
    }

    #[test]
    fn a_ratio_keeps_its_share_of_the_traces() {
        let kept = |ratio| {
            let sampler = sampler(ratio, "");
            let ids = ["1", "463ac35c9f6413ad", "463ac35c9f6413ad48485a3953bb6124", "ffffffffffffffffffffffffffffffff"];
            ids.map(|text| sampler.verdict(id(text)) == Verdict::Keep)
        };
        assert_eq!(kept(0.43), [true, true, false, true]);
        assert_eq!(kept(0.3), [false, true, false, true]);
        assert_eq!(kept(0.0), [false; 4]);
        for all in [1.0, 1.5, -0.1, f64::NAN, f64::INFINITY] {
            assert_eq!(kept(all), [true; 4], "{all}");
        }
        assert_eq!(sampler(0.0, "").verdict(id("1")), Verdict::Drop { rule: "downsampling" });
    }

    /// Jaeger's way: `2^64 - 1` times the ratio, rounded to a mantissa of 64 bits (to even), cut.
    fn jaegers_threshold(ratio: f64) -> u64 {
        let (bits, low) = (ratio.to_bits(), (1u64 << 52) - 1);
        let product = u128::from(u64::MAX) * u128::from(bits & low | 1 << 52);
        let power = (bits >> 52) as i32 - 1075;
        let extra = (128 - product.leading_zeros()).saturating_sub(64);
        let (kept, rest, half) = (product >> extra, product & ((1 << extra) - 1), (1u128 << extra) >> 1);
        let up = extra > 0 && (rest > half || rest == half && kept & 1 == 1);
        let power = power + extra as i32;
        let rounded = kept + u128::from(up);
        if power < -127 { 0 } else { (rounded >> -power.min(0)) as u64 }
    }

    proptest! {
        #[test]
        fn the_short_form_is_jaegers(ratio in 0.0f64..1.0, scale in 0..100) {
            let ratio = ratio * 0.5f64.powi(scale);
            prop_assume!(ratio >= f64::MIN_POSITIVE);
            prop_assert_eq!(threshold(ratio), jaegers_threshold(ratio));
        }
    }
}
