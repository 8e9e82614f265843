//! Jaeger's strategies file, as far as it is bytes in and answers out.

#[path = "../../src/sample/strategies/answer.rs"]
mod answer;
#[path = "../../src/sample/strategies/document.rs"]
mod document;
#[path = "../../src/sample/strategies/json/mod.rs"]
mod json;
#[path = "../../src/sample/strategies/table.rs"]
mod table;
#[path = "../../src/sample/strategies/warning.rs"]
mod warning;
#[path = "../../src/sample/strategies/written.rs"]
mod written;

pub use json::Fault;
pub use table::{Fallback, Strategies};
