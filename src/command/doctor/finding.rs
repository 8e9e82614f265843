//! What an examination found, and how it is printed.
//!
//! A finding is one line: how it is, what was looked at, what was seen; and, if it is not well, what
//! to do, on lines of its own. Lines are broken at words, so that a terminal of 110 columns shows
//! them whole.

use std::io::{self, Write};

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum State {
    Ok,
    /// It works, and may not be meant or may not last; or it could not be looked at.
    Warning,
    Wrong,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) state: State,
    pub(crate) what: String,
    pub(crate) seen: String,
    /// What to do; empty: nothing.
    pub(crate) mend: String,
}

const WIDTH: usize = 110;
/// Where the text of what was seen begins.
const COLUMN: usize = 36;

impl Finding {
    pub(crate) fn ok(what: impl Into<String>, seen: impl Into<String>) -> Self {
        Finding { state: State::Ok, what: what.into(), seen: seen.into(), mend: String::new() }
    }

    pub(crate) fn warning(what: impl Into<String>, seen: impl Into<String>, mend: impl Into<String>) -> Self {
        Finding { state: State::Warning, what: what.into(), seen: seen.into(), mend: mend.into() }
    }

    pub(crate) fn wrong(what: impl Into<String>, seen: impl Into<String>, mend: impl Into<String>) -> Self {
        Finding { state: State::Wrong, what: what.into(), seen: seen.into(), mend: mend.into() }
    }

    /// It could not be looked at.
    pub(crate) fn unseen(what: impl Into<String>, cause: &dyn std::fmt::Display) -> Self {
        Finding::warning(what, format!("not looked at: {cause}"), "")
    }

    fn print(&self, out: &mut dyn Write) -> io::Result<()> {
        let mark = match self.state {
            State::Ok => '✓',
            State::Warning => '!',
            State::Wrong => '✗',
        };
        let head = format!("{mark} {:<1$}", self.what, COLUMN - 3);
        let mut lines = wrapped(&self.seen, WIDTH - COLUMN).into_iter();
        if head.chars().count() < COLUMN {
            writeln!(out, "{head} {}", lines.next().unwrap_or_default())?;
        } else {
            writeln!(out, "{}", head.trim_end())?;
        }
        for line in lines {
            writeln!(out, "{:COLUMN$}{line}", "")?;
        }
        for (index, line) in wrapped(&self.mend, WIDTH - COLUMN - 3).into_iter().enumerate() {
            let arrow = if index == 0 { "-> " } else { "   " };
            writeln!(out, "{:COLUMN$}{arrow}{line}", "")?;
        }
        Ok(())
    }
}

/// Prints all findings and their sum; tells the worst.
pub(crate) fn print(findings: &[Finding], out: &mut dyn Write) -> io::Result<State> {
    for finding in findings {
        finding.print(out)?;
    }
    let count = |state| findings.iter().filter(|finding| finding.state == state).count();
    let (ok, warnings, wrong) = (count(State::Ok), count(State::Warning), count(State::Wrong));
    writeln!(out, "\n{ok} ok, {warnings} to look at, {wrong} wrong")?;
    Ok(findings.iter().map(|finding| finding.state).max().unwrap_or(State::Ok))
}

/// Names for a sentence: the first few, and how many more.
pub(crate) fn few(names: &[String]) -> String {
    const FEW: usize = 3;
    let shown = names.iter().take(FEW).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(FEW) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// Lines of at most `width` letters, broken between words; a longer word has a line of its own.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut().filter(|line| line.chars().count() + 1 + word.chars().count() <= width) {
            Some(line) => {
                line.push(' ');
                line.push_str(word);
            }
            None => lines.push(word.to_string()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_that_a_person_can_read() {
        let findings = [
            Finding::ok("version", "elasticsearch 8.19.21"),
            Finding::wrong("a name that is longer than its column", "seen ".repeat(20), "mend ".repeat(20)),
        ];
        let mut out = Vec::new();
        assert_eq!(print(&findings, &mut out).unwrap(), State::Wrong);
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], format!("✓ {:<34}elasticsearch 8.19.21", "version"));
        assert_eq!(lines[1], "✗ a name that is longer than its column");
        assert_eq!(lines[2].find("seen"), Some(COLUMN));
        assert!(lines.iter().all(|line| line.chars().count() <= WIDTH), "{text}");
        assert_eq!(
            (text.matches("seen").count(), text.matches("mend").count(), text.matches("->").count()),
            (20, 20, 1)
        );
        assert_eq!(lines.last(), Some(&"1 ok, 0 to look at, 1 wrong"));
    }

    #[test]
    fn long_lists_are_cut() {
        let names: Vec<_> = ["a", "b", "c", "d", "e"].map(String::from).into();
        assert_eq!((few(&names[..1]), few(&names)), ("a".into(), "a, b, c and 2 more".into()));
    }
}
