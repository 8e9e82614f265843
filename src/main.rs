//! Reads settings, builds the rooms, joins them, and drains them on SIGTERM.

fn main() {}
