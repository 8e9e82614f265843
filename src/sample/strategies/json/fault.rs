//! What is wrong with a document, and where.

/// What stopped the reading of a document, and where: its line and column, from 1 on, and its path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}{at}: {what}", at = in_words(.path))]
pub struct Fault {
    /// `service_strategies[2].param`; empty for the document itself.
    pub path: String,
    pub line: u32,
    /// In bytes.
    pub column: u32,
    pub what: String,
}

fn in_words(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!(", {path}") }
}

/// The outcome of reading a part.
pub(in super::super) type Read<T> = Result<T, Fault>;
