//! Lucene's regular expressions, for tag values: Jaeger's Elasticsearch reader hands a value to a
//! `regexp` query as it is, so that is what a value means.
//!
//! Promises: the language of Lucene's `RegExp` with all its operators (`. ? + * | {n,m} [] ()`,
//! `"text"`, `@` any string, `#` nothing, `<n-m>` a number, `&` and, `~` not, `\d \s \w`), anchored
//! at both ends; what Elasticsearch refuses is an error here too (longer than 1000 characters, not
//! well formed, too many states). The time for a term grows with its length only.
//!
//! Built on Brzozowski's derivatives: an expression is a node in a table of distinct nodes, and
//! reading a character turns a node into another one. What was turned once is remembered, so the
//! table becomes the automaton, as far as the terms need it. *And* and *not* cost nothing extra.

mod decimals;
mod nodes;
mod parse;
mod ranges;

pub(super) use parse::literal;

use nodes::{NodeId, Nodes};

/// What Elasticsearch takes at most (`index.max_regex_length`), in characters.
const MAX_LENGTH: usize = 1000;

/// An expression that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadExpression {
    #[error("it is longer than 1000 characters; search for less of it, followed by .*")]
    TooLong,
    #[error("{what} at character {at}; put a backslash before each of . ? + * | {{ }} [ ] ( ) \" \\ # @ & < > ~")]
    Syntax { what: &'static str, at: usize },
    #[error("it has too many states; make it simpler")]
    TooComplex,
}

/// An expression and as much of its automaton as was needed until now.
#[derive(Debug)]
pub(super) struct Expression {
    nodes: Nodes,
    root: NodeId,
    prefix: String,
}

impl Expression {
    /// Reads an expression.
    pub(super) fn parse(pattern: &str) -> Result<Self, BadExpression> {
        if pattern.encode_utf16().count() > MAX_LENGTH {
            return Err(BadExpression::TooLong);
        }
        let mut nodes = Nodes::new();
        let root = parse::parse(pattern, &mut nodes)?;
        Ok(Expression { nodes, root, prefix: parse::prefix(pattern) })
    }

    /// Text that everything that matches begins with; may be empty.
    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// True if the whole of `text` is in the language.
    pub(super) fn matches(&mut self, text: &str) -> Result<bool, BadExpression> {
        let mut node = self.root;
        for character in text.chars() {
            node = self.nodes.derive(node, character)?;
            if node == Nodes::NOTHING {
                return Ok(false);
            }
        }
        Ok(self.nodes.takes_empty(node))
    }
}

#[cfg(test)]
mod tests;
