//! Which traces are kept: verdicts on trace ids; and what SDKs are told to sample ([`strategies`]).
//!
//! A verdict follows from the trace's id alone, so that all spans of a trace, wherever they arrive,
//! get the same one. It is one hash and one comparison.

mod downsampling;
pub mod limits;
pub mod strategies;

pub use downsampling::Sampler;
pub use limits::Limits;

/// What becomes of a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Keep,
    /// It is not stored; the rule is a row of the books.
    Drop {
        rule: &'static str,
    },
}
