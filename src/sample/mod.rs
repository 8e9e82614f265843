//! Which traces are kept: verdicts on trace ids.
