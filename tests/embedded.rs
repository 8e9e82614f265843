//! The embedded store, against documents that jaeger-collector 1.76 wrote.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test says what is wrong by failing")]

#[path = "embedded/support.rs"]
mod support;

#[path = "embedded/crash.rs"]
mod crash;
#[path = "embedded/days.rs"]
mod days;
#[path = "embedded/jaeger.rs"]
mod jaeger;
#[path = "embedded/search.rs"]
mod search;
#[path = "embedded/writing.rs"]
mod writing;
