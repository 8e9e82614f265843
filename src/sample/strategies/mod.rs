//! Jaeger's sampling strategies: the file that says how much SDKs should sample, as
//! jaeger-collector 1.76 reads it and answers from it.
//!
//! [`Strategies`] is one document, read. [`Strategies::answer`] is what an SDK is told that asks
//! for a service, byte for byte as Jaeger would; [`Strategies::written`] is what the operator wrote
//! for it, for a collector that applies the same file to what arrives. The two differ where Jaeger
//! serves what nobody wrote (its built-in 0.001), and where SDKs do not follow what was written: of
//! a rate-limited service that inherits operations they see the operations only.
//!
//! | an entry | is served as |
//! |---|---|
//! | `probabilistic` | its `param`, whatever that is |
//! | `ratelimiting` | its `param` without the fraction; among operations: not at all |
//! | any other type | probabilistic, `--sampling.default-sampling-probability` |
//! | a service without operations | with those of the default strategy; its own probability is that of the rest |
//! | a service with operations | with them, and behind them those of the default strategy that have other names |
//! | a service twice | the last one |
//! | a service that is not there | the default strategy |
//!
//! [`Loader`] reads the document from a file or a URL, again and again, and swaps what a
//! [`StrategiesHandle`] shows; what cannot be used changes nothing.

mod answer;
mod document;
mod handle;
mod json;
mod load;
mod source;
mod table;
mod warning;
mod written;

pub use answer::{Answer, PerOperation, Strategy, TooHigh};
pub use handle::StrategiesHandle;
pub use json::Fault;
pub use load::{Loader, StrategiesError};
pub use table::{Fallback, Strategies};
pub use warning::Warning;
pub use written::{Rate, Written, WrittenService};

#[cfg(test)]
mod tests;
