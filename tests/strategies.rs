//! Jaeger's strategies file: read as serde reads it and Jaeger's rules say, and kept in force
//! whatever its source gives.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod strategies {
    mod independent;
    mod loading;
}
