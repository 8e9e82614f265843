//! One number for each trace, by which every rule of a deployment decides: a trace is kept if its
//! number lies below the share that is granted to it.
//!
//! The number follows from the trace's id alone (and from the randomness that OpenTelemetry's
//! senders may say), so that every replica knows the same one without a word. A larger share keeps
//! all that a smaller one keeps, and more. There is one hash for a deployment: with two, a trace
//! would have two verdicts.

use super::trace_state::TraceState;
use crate::span::TraceId;

const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0100_0000_01b3;

/// The salt of jaeger-collector's `--downsampling.hashsalt`, which is that of a new configuration, too.
pub const JAEGERS_SALT: &str = "downsampling-default-salt";

/// 2^56: OpenTelemetry counts its randomness and thresholds in this.
pub(super) const CONSISTENT: u64 = 1 << 56;

/// Which bits of a trace's id are hashed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Input {
    /// All 128; a 64-bit id has eight zero bytes before it.
    #[default]
    Full,
    /// The low 64, so that a trace whose senders write its id in both lengths has one number.
    Low64,
}

/// How the number of a trace comes about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hash {
    /// FNV-1a 64 over the salt and the id: jaeger-collector's downsampling and, with its salt, the
    /// `probabilistic` policy of OpenTelemetry's `tail_sampling`.
    Fnv { salted: u64, input: Input },
    /// The same through the finaliser of MurmurHash3, without which ids that differ in their last
    /// bytes only have nearly the same number.
    FnvMix { salted: u64, input: Input },
    /// OpenTelemetry's consistent sampling: the randomness of `rv` in `ot=`, else the low 56 bits of
    /// the id. High values are kept, as everywhere in OpenTelemetry.
    Consistent,
    /// Zipkin's boundary: the low 64 bits as a signed number without its sign.
    Zipkin,
}

impl Hash {
    /// Jaeger's; an empty salt is Jaeger's default.
    pub fn fnv(salt: &str, input: Input) -> Self {
        Hash::Fnv { salted: salted(salt), input }
    }

    /// The default of new configurations.
    pub fn fnv_mix(salt: &str, input: Input) -> Self {
        Hash::FnvMix { salted: salted(salt), input }
    }

    /// The number of a trace; the smaller, the sooner it is kept.
    #[inline]
    pub fn number(self, trace_id: TraceId, said: TraceState) -> u64 {
        match self {
            Hash::Fnv { salted, input } => hash_of(salted, input, trace_id),
            Hash::FnvMix { salted, input } => finalise(hash_of(salted, input, trace_id)),
            Hash::Consistent => CONSISTENT - 1 - said.randomness(trace_id),
            // The least signed number has no counterpart; Zipkin takes the greatest for it.
            Hash::Zipkin => trace_id.low.cast_signed().checked_abs().unwrap_or(i64::MAX).cast_unsigned(),
        }
    }

    /// Whether a share keeps the trace of this number. From 1 on all are kept.
    #[inline]
    pub fn grants(self, number: u64, share: f64) -> bool {
        if share >= 1.0 {
            return true;
        }
        match self {
            Hash::Fnv { .. } | Hash::FnvMix { .. } => number <= largest(share),
            Hash::Consistent => number < CONSISTENT - consistent_threshold(share),
            Hash::Zipkin => number <= boundary(share),
        }
    }

    /// The number as a share of all, from 0 to 1: for people.
    pub fn fraction(self, number: u64) -> f64 {
        let bits = match self {
            Hash::Fnv { .. } | Hash::FnvMix { .. } => 64,
            Hash::Consistent => 56,
            Hash::Zipkin => 63,
        };
        number as f64 / 2f64.powi(bits)
    }

    /// What it is called where it is configured.
    pub fn name(self) -> &'static str {
        match self {
            Hash::Fnv { .. } => "fnv1a64",
            Hash::FnvMix { .. } => "fnv1a64mix",
            Hash::Consistent => "w3c",
            Hash::Zipkin => "zipkin",
        }
    }
}

fn salted(salt: &str) -> u64 {
    fnv(OFFSET, if salt.is_empty() { JAEGERS_SALT } else { salt }.as_bytes())
}

#[inline]
fn hash_of(salted: u64, input: Input, trace_id: TraceId) -> u64 {
    let high = match input {
        Input::Full => trace_id.high,
        Input::Low64 => 0,
    };
    fnv(fnv(salted, &high.to_be_bytes()), &trace_id.low.to_be_bytes())
}

/// FNV-1a, continued from `state`.
#[inline]
fn fnv(state: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(state, |state, byte| (state ^ u64::from(*byte)).wrapping_mul(PRIME))
}

/// MurmurHash3's 64-bit finaliser.
#[inline]
fn finalise(mut hash: u64) -> u64 {
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

/// The largest hash that a share from 0 to below 1 keeps: `ceil(share × 2^64) - 1`, of the exact
/// value of the float. Jaeger multiplies with `2^64 - 1` in floats of 64 bits and cuts off, which
/// gives the same.
#[inline]
pub(super) fn largest(share: f64) -> u64 {
    let bits = share.abs().to_bits();
    let (exponent, fraction) = ((bits >> 52) as u32, bits & ((1 << 52) - 1));
    // The share is mantissa × 2^(power - 64); the least exponent stands for subnormal numbers.
    let mantissa = if exponent == 0 { fraction } else { fraction | 1 << 52 };
    let power = exponent.max(1).cast_signed() - 1075 + 64;
    let product = match (u32::try_from(power), power.unsigned_abs()) {
        (Ok(left), _) => mantissa << left,
        // Up to the next whole number.
        (_, right @ ..64) => (mantissa + ((1 << right) - 1)) >> right,
        _ => 1,
    };
    product.saturating_sub(1)
}

/// OpenTelemetry's rejection threshold of 56 bits: `round(2^56 × (1 - share))`.
#[inline]
pub(super) fn consistent_threshold(share: f64) -> u64 {
    // Scaling a float by 2^56 is exact; `1 - share` would not be.
    CONSISTENT - (share.clamp(0.0, 1.0) * CONSISTENT as f64).round() as u64
}

/// Zipkin's boundary: `(long) (Long.MAX_VALUE * rate)`, in floats of 32 bits.
#[inline]
pub(super) fn boundary(rate: f64) -> u64 {
    let boundary = i64::MAX as f32 * rate as f32;
    (boundary as i64).max(0).cast_unsigned()
}

#[cfg(test)]
mod tests;
