//! What is wrong with settings: which, from where, and what to write instead.

use std::fmt;

use super::table::{Kind, Setting, environment_name};
use super::urls;

/// Where a value was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    Default,
    Flag,
    /// The variable, which may be an alias.
    Environment(String),
    File {
        path: String,
        line: u64,
        column: u64,
    },
}

impl fmt::Display for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Default => formatter.write_str("default"),
            Source::Flag => formatter.write_str("flag"),
            Source::Environment(variable) => write!(formatter, "environment {variable}"),
            Source::File { path, line, column } => write!(formatter, "{path}:{line}:{column}"),
        }
    }
}

/// One thing to mend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The setting as it was written, with its value unless that is a secret.
    pub written: String,
    pub source: Source,
    /// What is wrong, and what to write instead.
    pub mend: String,
}

impl Problem {
    /// A problem of a setting's value.
    pub(crate) fn of(setting: &Setting, source: &Source, text: &str, mend: impl Into<String>) -> Problem {
        let shown = shown(setting.kind, text);
        let written = match source {
            Source::Environment(variable) => format!("{variable}={shown}"),
            Source::File { path, line, column } => format!("{path}:{line}:{column}: {}: {shown}", setting.name),
            Source::Default if setting.environment_only => format!("{}={shown}", environment_name(setting.name)),
            Source::Default | Source::Flag => format!("--{}={shown}", setting.name),
        };
        Problem { written, source: source.clone(), mend: mend.into() }
    }

    /// A problem of the command line itself.
    pub(crate) fn of_line(written: impl Into<String>, mend: impl Into<String>) -> Problem {
        Problem { written: written.into(), source: Source::Flag, mend: mend.into() }
    }

    /// A problem of a place in the file.
    pub(crate) fn of_file(path: &str, (line, column): (u64, u64), what: &str, mend: impl Into<String>) -> Problem {
        let source = Source::File { path: path.into(), line, column };
        Problem { written: format!("{source}: {what}"), source, mend: mend.into() }
    }
}

/// Everything that stops the start. The process exits with [`SettingsError::EXIT_CODE`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsError {
    pub problems: Vec<Problem>,
}

impl SettingsError {
    pub const EXIT_CODE: u8 = 1;

    /// Whether it belongs on standard output: jaeger-collector 1.76 writes errors of the command
    /// line there and all others to standard error.
    pub fn on_stdout(&self) -> bool {
        self.problems.iter().any(|problem| problem.source == Source::Flag)
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.problems.len() == 1 { "setting needs" } else { "settings need" };
        write!(formatter, "cannot start: {} {plural} mending", self.problems.len())?;
        for problem in &self.problems {
            write!(formatter, "\n  {}: {}", problem.written, problem.mend)?;
        }
        Ok(())
    }
}

impl std::error::Error for SettingsError {}

impl From<Problem> for SettingsError {
    fn from(problem: Problem) -> Self {
        SettingsError { problems: vec![problem] }
    }
}

/// A value as it may be printed: no secrets, no credentials of URLs.
pub(crate) fn shown(kind: Kind, text: &str) -> String {
    match kind {
        Kind::Secret if !text.is_empty() => "***".into(),
        Kind::Urls | Kind::Url => text.split(',').map(without_credentials).collect::<Vec<_>>().join(","),
        Kind::FileOrUrl if text.contains("://") => {
            let end = text.find(['?', '#']).unwrap_or(text.len());
            without_credentials(text.get(..end).unwrap_or_default())
        }
        _ => text.into(),
    }
}

/// Also of what is no good URL: everything before the last `@` goes, and so does what may be the
/// first half of credentials that hold a comma.
fn without_credentials(url: &str) -> String {
    match url.rsplit_once('@') {
        Some((credentials, host)) => {
            let scheme = credentials.find("://").map_or("", |at| credentials.get(..at + 3).unwrap_or(""));
            format!("{scheme}***@{host}")
        }
        None if url.is_empty() || urls::read(url.trim()).is_ok() => url.into(),
        None if url.contains("://") => "***".into(),
        None => url.into(),
    }
}
