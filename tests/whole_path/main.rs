//! The whole path: the real binary, over real sockets, from a client's bytes to what is found in
//! the store.

#![expect(clippy::unwrap_used, reason = "a test tells what is wrong by panicking")]

mod agent;
mod away;
mod bodies;
mod clocks;
mod doctor;
mod embedded;
mod faults;
mod forward;
#[path = "../jaeger_golden/mod.rs"]
mod jaeger_golden;
mod kill;
mod lives;
mod load;
mod made;
mod manners;
mod memory;
mod reading;
mod sampling;
mod secure;
mod servers;
mod share;
mod spaniel;
mod stand_in;
mod stop;
#[path = "../support/mod.rs"]
mod support;
mod zipkin_formats;
