//! The command line, read by clap from the table. Flags are long; a repeated one overrides, as in
//! Jaeger; a boolean takes its value only after `=`.

use std::collections::BTreeMap;
use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction};

use super::commands::{self, Command, OPTIONS};
use super::error::{Problem, SettingsError};
use super::table::{self, GROUPS, Kind, Setting, Standing, environment_name};
use super::value;

/// A command line, read.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) command: Command,
    /// What was given, by the setting's name.
    pub(crate) given: BTreeMap<&'static str, String>,
}

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
    let words: Vec<String> = matches.get_many("command").unwrap_or_default().cloned().collect();
    let option = |name: &str| matches.get_one::<String>(name).cloned();
    let command = if matches.get_flag("version") { Command::Version } else { commands::read(&words, option)? };
    let settings = table::all().filter(|setting| !setting.environment_only);
    let given = settings.filter_map(|setting| Some((setting.name, matches.get_one::<String>(setting.name)?.clone())));
    Ok(Line { command, given: given.collect() })
}

/// The text of `--help`.
pub(crate) fn help() -> String {
    command().render_help().to_string()
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
    let arguments = GROUPS.iter().flat_map(|group| group.rows.iter().map(move |setting| (group.title, setting)));
    let arguments = arguments.filter(|(_, setting)| !setting.environment_only);
    clap::Command::new("spaniel")
        .about(about)
        .before_help(format!("{about}\n\n{}", commands::help().trim_end()))
        .help_template("{before-help}{usage-heading} spaniel [command] [--name=value ...]\n\n{all-args}{after-help}")
        .after_help(
            "Every flag is also a variable (--es.bulk.size: ES_BULK_SIZE) and a key of the file. A flag wins over the \
             environment, that over the file. Flags of jaeger-collector without effect here are accepted and not listed: \
             `spaniel docs` has them all.",
        )
        .disable_help_subcommand(true)
        .disable_version_flag(true)
        .args_override_self(true)
        .term_width(110)
        .arg(Arg::new("command").num_args(0..).hide(true))
        .args(OPTIONS.iter().map(|(name, form, _, help)| {
            Arg::new(*name).long(*name).action(ArgAction::Set).value_name(*form).help(*help).help_heading("Of commands")
        }))
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
        Kind::Url => "URL",
        Kind::Address => "host:port",
        Kind::File => "file",
        Kind::FileOrUrl => "file|URL",
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
