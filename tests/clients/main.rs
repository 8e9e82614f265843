//! Clients from their registries against the real binary: what each says that it sent is what the
//! store holds, and the books of its protocol balance.
//!
//! The programs are in `go` and `node`; [`programs`] builds and runs them. What a client sent it says
//! in its own terms ([`report`]); [`expected`] is what Jaeger makes of those.

#![expect(clippy::unwrap_used, reason = "a test tells what is wrong by panicking")]

mod expected;
mod jaeger;
#[path = "../whole_path/made.rs"]
#[allow(dead_code, reason = "the whole path uses the rest")]
mod made;
mod otlp;
mod programs;
mod report;
mod secure;
#[path = "../whole_path/spaniel.rs"]
#[allow(dead_code, reason = "the whole path uses the rest")]
mod spaniel;
#[path = "../whole_path/stand_in/mod.rs"]
#[allow(dead_code, reason = "the whole path uses the rest")]
mod stand_in;
mod stored;
mod zipkin;
