//! What integration tests share: real servers.
//!
//! Used as `mod support;` by each file under `tests/`; not every file uses all of it.
#![allow(dead_code, unreachable_pub, clippy::expect_used)]

pub mod fetch;
mod fill;
pub mod java;
pub mod releases;
pub mod server;
