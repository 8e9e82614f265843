//! Every setting, in one table; flags, environment names, file keys and the reference page come
//! from it. Low-level options become the typed values of [`typed`] once, at start.

mod typed;

pub use typed::*;
