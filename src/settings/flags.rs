//! The command line, read by clap from the table. Flags are long; a repeated one overrides, as in
//! Jaeger; a boolean takes its value only after `=`.

use std::collections::BTreeMap;
use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, ArgMatches};

use super::error::{Problem, SettingsError};
use super::table::{self, GROUPS, Kind, Setting, Standing, environment_name};
use super::value;

/// What the process was asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Command {
    Run,
    Help,
    Version,
    Environment,
    Docs,
    PrintConfig,
    Status,
}

/// A command line, read.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) command: Command,
    /// What was given, by the setting's name.
    pub(crate) given: BTreeMap<&'static str, String>,
}

const COMMANDS: &[(&str, Command, &str)] = &[
    ("version", Command::Version, "prints the version"),
    ("env", Command::Environment, "lists the environment variables"),
    ("docs", Command::Docs, "prints the reference page of all settings"),
    ("print-config", Command::PrintConfig, "prints the settings in force, without secrets, as a file"),
    ("status", Command::Status, "asks a running Spaniel for its health; exit code 0 when it is well"),
    ("help", Command::Help, "prints this"),
];

/// Reads the command line; the first argument is the name of the program.
pub(crate) fn read(arguments: impl Iterator<Item = OsString>) -> Result<Line, SettingsError> {
    let arguments: Vec<OsString> = arguments.collect();
    refuse_single_dashes(&arguments)?;
    let matches = match command().try_get_matches_from(arguments) {
        Ok(matches) => matches,
        Err(error) if error.kind() == ErrorKind::DisplayHelp => {
            return Ok(Line { command: Command::Help, given: BTreeMap::new() });
        }
        Err(error) => return Err(explain(&error).into()),
    };
    let command = if matches.get_flag("version") { Command::Version } else { named(&matches)? };
    let settings = table::all().filter(|setting| !setting.environment_only);
    let given = settings.filter_map(|setting| Some((setting.name, matches.get_one::<String>(setting.name)?.clone())));
    Ok(Line { command, given: given.collect() })
}

/// The text of `--help`.
pub(crate) fn help() -> String {
    command().render_help().to_string()
}

fn named(matches: &ArgMatches) -> Result<Command, Problem> {
    let Some(word) = matches.get_one::<String>("command") else { return Ok(Command::Run) };
    let known = COMMANDS.iter().find(|(name, _, _)| name == word).map(|(_, command, _)| *command);
    known.ok_or_else(|| match word.as_str() {
        "true" | "false" => Problem::of_line(word, "a boolean takes its value after `=`: write `--x=false`"),
        _ => Problem::of_line(word, format!("unknown command: write one of {}, or none to run", names())),
    })
}

fn names() -> String {
    COMMANDS.iter().map(|(name, _, _)| *name).collect::<Vec<_>>().join(", ")
}

/// `-log-level` would be read as many short flags. What is the value of a flag stays unseen.
fn refuse_single_dashes(arguments: &[OsString]) -> Result<(), SettingsError> {
    let mut problems = Vec::new();
    for (before, argument) in arguments.iter().zip(arguments.iter().skip(1)) {
        let takes_it = before.to_str().and_then(|text| table::find(text.strip_prefix("--")?));
        let name = argument.to_str().and_then(|text| text.split('=').next()).unwrap_or_default();
        let single = name.len() > 2 && name.starts_with('-') && !name.starts_with("--");
        if single && !takes_it.is_some_and(takes_dashes) {
            problems.push(Problem::of_line(name, format!("flags have two dashes: write `-{name}`")));
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(SettingsError { problems }) }
}

/// Text may begin with a dash, as in Jaeger.
fn takes_dashes(setting: &Setting) -> bool {
    matches!(setting.kind, Kind::Text | Kind::Secret)
}

fn explain(error: &clap::Error) -> Problem {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        _ => String::new(),
    };
    // clap writes a flag with its form of value: `--x <text>`.
    let argument = context(ContextKind::InvalidArg);
    let flag = argument.split([' ', '[', '=']).next().unwrap_or_default().to_string();
    match error.kind() {
        ErrorKind::UnknownArgument if flag.starts_with("--") => {
            Problem::of_line(&flag, format!("unknown flag: {}", table::unknown(flag.trim_start_matches('-'), "--")))
        }
        ErrorKind::UnknownArgument if flag.starts_with('-') => {
            Problem::of_line(&flag, "unknown flag: flags have two dashes and a full name")
        }
        ErrorKind::InvalidValue => Problem::of_line(&flag, format!("its value is missing: write `{flag}=value`")),
        ErrorKind::InvalidUtf8 => Problem::of_line(&flag, "an argument is not UTF-8"),
        _ => Problem::of_line(argument, "too many words: `spaniel [command] [--name=value ...]`"),
    }
}

fn command() -> clap::Command {
    let about = "Spaniel: a tracing collector. It takes spans as Zipkin and Jaeger do and stores them as Jaeger does.";
    let commands = COMMANDS.iter().map(|(name, _, about)| format!("{name} ({about})")).collect::<Vec<_>>().join(", ");
    let arguments = GROUPS.iter().flat_map(|group| group.rows.iter().map(move |setting| (group.title, setting)));
    let arguments = arguments.filter(|(_, setting)| !setting.environment_only);
    clap::Command::new("spaniel")
        .about(about)
        .after_help(
            "Every flag is also a variable (--es.bulk.size: ES_BULK_SIZE) and a key of the file. A flag wins over the \
             environment, that over the file. Flags of jaeger-collector without effect here are accepted and not listed: \
             `spaniel docs` has them all.",
        )
        .disable_help_subcommand(true)
        .disable_version_flag(true)
        .args_override_self(true)
        .term_width(110)
        .arg(Arg::new("command").help(commands))
        .arg(Arg::new("version").long("version").action(ArgAction::SetTrue).help("Prints the version"))
        .args(arguments.map(|(title, setting)| argument(setting).help_heading(title)))
}

fn argument(setting: &'static Setting) -> Arg {
    let argument = Arg::new(setting.name).long(setting.name).action(ArgAction::Set).help(explanation(setting));
    let argument = argument.hide(setting.standing != Standing::Used).value_name(form(setting.kind));
    let argument = match setting.name.split_once("prioirity") {
        Some((before, after)) => argument.alias(format!("{before}priority{after}")),
        None => argument,
    };
    match setting.kind {
        Kind::Switch => argument.num_args(0..=1).require_equals(true).default_missing_value("true"),
        _ => argument.num_args(1).allow_hyphen_values(takes_dashes(setting)),
    }
}

fn form(kind: Kind) -> &'static str {
    match kind {
        Kind::Switch => "true|false",
        Kind::Whole { .. } | Kind::Number { .. } => "number",
        Kind::Time => "duration",
        Kind::Size => "size",
        Kind::Words(_) => "word",
        Kind::List | Kind::Urls => "list",
        Kind::Address => "host:port",
        Kind::File => "file",
        Kind::Folder => "directory",
        Kind::Text | Kind::Secret => "text",
    }
}

fn explanation(setting: &Setting) -> String {
    let words = match setting.kind {
        Kind::Words(_) => format!(" One of {}.", value::form(setting.kind)),
        _ => String::new(),
    };
    let default = if setting.default.is_empty() { String::new() } else { format!(", default {}", setting.default) };
    format!("{}{words} [{}{default}]", setting.help, environment_name(setting.name)).replace('`', "")
}
