//! Every setting, in one table; flags, environment names, file keys, `--help` and the reference
//! page come from it. Low-level options become the typed values of `typed` once, at start.
//!
//! It promises that nothing is started with settings that contradict each other: everything is
//! read and checked before a port is opened, all that is wrong is said at once, and each problem
//! names the setting, where it was written, and what to write instead. Secrets are never printed.
//!
//! The way of a setting: `table` names it; `flags`, the environment and `file` say what was
//! written; `layers` takes the strongest and has `value` read it; `checks` holds settings against
//! each other; `build` makes the typed values. Names, defaults and mechanics are those of
//! jaeger-collector 1.76.

mod build;
mod checks;
mod commands;
mod duration;
mod error;
mod file;
mod flags;
mod layers;
mod machine;
mod page;
mod quotas;
mod table;
mod tags;
mod typed;
mod urls;
mod value;

#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::path::Path;

pub use commands::{Choice, Explain, ExportForm, LoadPlan, Operation};
pub use error::{Problem, SettingsError, Source};
pub use typed::*;

use commands::Command;
use layers::Values;

/// What the process was asked to do.
#[derive(Debug)]
pub enum Invocation {
    Run(Box<Settings>, Notes),
    /// Text for standard output.
    Help(String),
    Version,
    /// The reference page, for standard output.
    Docs(String),
    /// The variables, for standard output.
    Environment(String),
    /// The settings in force, for standard output.
    PrintConfig(String),
    /// Whom the command `status` asks.
    Status(AdminAddress),
    /// A command of the room `command`.
    Operate(Operation, Box<Settings>),
}

/// What is to be said once, at start.
#[derive(Debug, Clone, Default)]
pub struct Notes {
    pub ignored: Vec<Ignored>,
    pub changed: Vec<Changed>,
    /// Settings that work and are dangerous.
    pub warnings: Vec<String>,
}

/// A setting that was set and does nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignored {
    pub name: &'static str,
    pub source: Source,
    pub reason: String,
}

/// A setting that is not default; the value is as it may be printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    pub name: &'static str,
    pub value: String,
    pub source: Source,
}

/// Reads arguments (the first is the program's name), environment and file.
pub fn load(
    arguments: impl Iterator<Item = OsString>,
    environment: impl Iterator<Item = (String, String)>,
    read_file: impl Fn(&Path) -> std::io::Result<String>,
) -> Result<Invocation, SettingsError> {
    let line = flags::read(arguments)?;
    match line.command {
        Command::Help => return Ok(Invocation::Help(flags::help())),
        Command::Version => return Ok(Invocation::Version),
        Command::Docs => return Ok(Invocation::Docs(page::reference())),
        Command::Environment => return Ok(Invocation::Environment(page::environment())),
        Command::Run | Command::PrintConfig | Command::Status | Command::Operate(_) => {}
    }
    let mut problems = Vec::new();
    let mut values = Values::gather(&line.given, environment.collect(), &read_file, &mut problems);
    if line.command == Command::Status && problems.is_empty() {
        return Ok(Invocation::Status(build::admin(&values)));
    }
    if let Command::Operate(Operation::PrepareElasticsearch | Operation::ExamineElasticsearch) = line.command {
        values.imply("span-storage.type", "elasticsearch");
    }
    checks::check(&values, &read_file, &mut problems);
    if !problems.is_empty() {
        return Err(SettingsError { problems });
    }
    if line.command == Command::PrintConfig {
        return Ok(Invocation::PrintConfig(page::in_force(&values)));
    }
    let settings = build::build(&values, &read_file);
    if let Command::Operate(operation) = line.command {
        return Ok(Invocation::Operate(operation, Box::new(settings)));
    }
    let warnings = warnings(&settings).into_iter().chain(values.nanoseconds());
    let warnings = warnings.chain(open_beside_a_token(&settings)).collect();
    let notes = Notes { warnings, ..values.notes() };
    Ok(Invocation::Run(Box::new(settings), notes))
}

fn warnings(settings: &Settings) -> Vec<String> {
    let elasticsearch = &settings.elasticsearch;
    let mut warnings = Vec::new();
    if elasticsearch.tls.skip_host_verify {
        warnings.push("es.tls.skip-host-verify is true: anybody can pose as Elasticsearch".into());
    }
    let password = elasticsearch.password_file.is_some() || elasticsearch.password != Secret::default();
    if password && elasticsearch.username.is_empty() {
        warnings.push("es.password is set and es.username is not: requests go out without authentication".into());
    }
    if elasticsearch.server_urls.iter().any(|url| url.starts_with("https:")) && !elasticsearch.tls.enabled {
        warnings.push(
            "es.server-urls has https: its certificate is verified, which jaeger-collector does not do while es.tls.enabled \
             is false; set es.tls.enabled=true, with es.tls.ca for a CA of your own"
                .into(),
        );
    }
    warnings
}

/// UDP beside a token: whoever reaches those ports may send.
fn open_beside_a_token(settings: &Settings) -> Option<String> {
    let open = settings.agent.compact.host_port.is_some() || settings.agent.binary.host_port.is_some();
    (open && settings.auth.bearer_token_file.is_some()).then(|| {
        "collector.auth.bearer-token-file is set and a UDP port is open, on which no token can be shown: whoever reaches \
         it may send"
            .into()
    })
}
