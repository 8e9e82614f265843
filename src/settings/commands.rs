//! The commands of the command line: one word or two, some with a word or options of their own.
//!
//! They stand in one table, from which `--help` and the words of errors come. A command that works
//! on a store or a directory becomes an [`Operation`]; all settings are read for it as for a run.

use std::fmt::Write as _;
use std::time::Duration;

use super::error::Problem;
use super::{duration, urls};

/// What the process was asked to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Command {
    Run,
    Help,
    Version,
    Environment,
    Docs,
    PrintConfig,
    Status,
    Operate(Operation),
}

/// What an operator wants done beside running a collector; see the room `command`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    Examine,
    PrepareElasticsearch,
    ExamineElasticsearch,
    Load(LoadPlan),
    ListSpool,
    VerifySpool,
    DrainSpool,
    ExportSpool(ExportForm),
    ListDeadLetters,
    ShowDeadLetter { id: String },
    ReplayDeadLetters(Choice),
    ExplainSampling(Explain),
}

/// What a running Spaniel is to explain of its sampling.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Explain {
    pub trace_id: String,
    pub service: Option<String>,
    pub operation: Option<String>,
    /// When the span began.
    pub at: Option<String>,
    /// As JSON, not in words.
    pub json: bool,
}

/// What `spaniel load` sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadPlan {
    /// `http://host:port`, perhaps with a path.
    pub to: String,
    /// Spans a POST, a row of the table for each.
    pub spans: Vec<usize>,
    pub connections: usize,
    /// Spans a second over all connections; `None`: as fast as they are answered.
    pub rate: Option<u64>,
    /// Of each row.
    pub duration: Duration,
}

impl Default for LoadPlan {
    fn default() -> Self {
        LoadPlan { to: String::new(), spans: vec![5], connections: 32, rate: None, duration: Duration::from_secs(10) }
    }
}

/// How documents are written out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ExportForm {
    /// An action line before each, as `_bulk` takes them.
    #[default]
    Bulk,
    /// Documents alone, one a line.
    Plain,
}

/// Which dead letters: those of which all that is given is true.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    pub id: Option<String>,
    pub index: Option<String>,
    pub reason: Option<String>,
}

/// Options that belong to some commands only: name, form of value, commands, help.
pub(crate) const OPTIONS: &[(&str, &str, &[&str], &str)] = &[
    (
        "form",
        "bulk|plain|text|json",
        &["spool export", "sampling explain"],
        "With spool export: bulk writes an action line before each document, as _bulk takes them, plain the documents \
         alone. Default bulk. With sampling explain: text or json. Default text.",
    ),
    ("service", "name", &["sampling explain"], "With sampling explain: the service of the span."),
    ("operation", "name", &["sampling explain"], "With sampling explain: its operation."),
    (
        "at",
        "time",
        &["sampling explain"],
        "With sampling explain: when the span began, in microseconds since 1970 or as 2026-11-21T20:00:00Z. Default now.",
    ),
    ("reason", "word", &["dead-letter replay"], "With dead-letter replay: only letters with this reason."),
    ("to", "URL", &["load"], "With load: the Zipkin collector to send to, for example http://zipkin.jaeger:9411."),
    ("spans", "numbers", &["load"], "With load: spans a POST; several with commas make a row each. Default 5."),
    (
        "connections",
        "number",
        &["load"],
        "With load: connections at once, each with one request at a time. Default 32.",
    ),
    (
        "rate",
        "number",
        &["load"],
        "With load: spans a second over all connections. Default: as fast as they are answered.",
    ),
    ("duration", "duration", &["load"], "With load: how long each row lasts. Default 10s."),
    ("index", "name", &["dead-letter replay"], "With dead-letter replay: only letters for this index."),
];

/// Words, what comes after them, and what they do.
const COMMANDS: &[(&str, &str, &str)] = &[
    ("version", "", "prints the version"),
    ("env", "", "lists the environment variables"),
    ("docs", "", "prints the reference page of all settings"),
    ("print-config", "", "prints the settings in force, without secrets, as a file"),
    ("status", "", "asks a running Spaniel for its health; exit code 0 when it is well"),
    ("doctor", "", "looks why no spans arrive or are stored: ports, senders, store; exit code 1 if anything is wrong"),
    ("es init", "", "prepares a cluster: templates and, with --es.use-aliases, indices and aliases"),
    ("es doctor", "", "examines a cluster and says what to mend; exit code 1 if anything is wrong"),
    ("load", "", "sends spans to a Zipkin collector (--to=URL) and prints what was acknowledged, and how fast"),
    ("spool list", "", "lists what lies in the spool, also while a Spaniel runs on it"),
    ("spool verify", "", "reads the whole spool; exit code 1 if anything is damaged"),
    ("spool drain", "", "sends the spool to the store without opening a port, until it is empty"),
    ("spool export", "", "writes the spool's documents to standard output, one a line"),
    ("dead-letter list", "", "lists the documents that the store will never take"),
    ("dead-letter show", "ID", "prints one of them, and the store's words"),
    ("dead-letter replay", "[ID]", "sends them again, after the mapping was mended"),
    ("sampling explain", "ID", "asks a running Spaniel why a trace is kept or dropped"),
    ("help", "", "prints this"),
];

/// The part of `--help` that lists them.
pub(crate) fn help() -> String {
    let mut text = String::from("Commands:\n  (none)                   runs the collector\n");
    for (words, argument, about) in COMMANDS {
        // Writing into a string cannot fail.
        let _ = writeln!(text, "  {:<24} {about}", format!("{words} {argument}").trim_end());
    }
    text
}

/// The command of these words; `option` gives the value of one of [`OPTIONS`].
pub(crate) fn read(words: &[String], option: impl Fn(&str) -> Option<String>) -> Result<Command, Problem> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let command = command(&words, &option)?;
    refuse_options_of_others(&words, &option)?;
    Ok(command)
}

fn command(words: &[&str], option: &impl Fn(&str) -> Option<String>) -> Result<Command, Problem> {
    use Operation::*;
    Ok(match words {
        [] => Command::Run,
        ["version"] => Command::Version,
        ["env"] => Command::Environment,
        ["docs"] => Command::Docs,
        ["print-config"] => Command::PrintConfig,
        ["status"] => Command::Status,
        ["help", ..] => Command::Help,
        ["doctor"] => Command::Operate(Examine),
        ["es", "init"] => Command::Operate(PrepareElasticsearch),
        ["es", "doctor"] => Command::Operate(ExamineElasticsearch),
        ["load"] => Command::Operate(Load(load(option)?)),
        ["spool", "list"] => Command::Operate(ListSpool),
        ["spool", "verify"] => Command::Operate(VerifySpool),
        ["spool", "drain"] => Command::Operate(DrainSpool),
        ["spool", "export"] => Command::Operate(ExportSpool(form(option("form").as_deref())?)),
        ["dead-letter", "list"] => Command::Operate(ListDeadLetters),
        ["dead-letter", "show", id] => Command::Operate(ShowDeadLetter { id: (*id).to_string() }),
        ["dead-letter", "replay", id @ ..] if id.len() < 2 => Command::Operate(ReplayDeadLetters(Choice {
            id: id.first().map(|id| (*id).to_string()),
            index: option("index"),
            reason: option("reason"),
        })),
        ["sampling", "explain", id] => Command::Operate(ExplainSampling(Explain {
            trace_id: (*id).to_string(),
            service: option("service"),
            operation: option("operation"),
            at: option("at"),
            json: is_json(option("form").as_deref())?,
        })),
        other => return Err(unknown(other)),
    })
}

fn load(option: &impl Fn(&str) -> Option<String>) -> Result<LoadPlan, Problem> {
    let mut plan = LoadPlan::default();
    let wrong = |name: &str, text: &str, mend: &str| Problem::of_line(format!("--{name}={text}"), mend);
    let to = option("to").unwrap_or_default();
    match urls::base(&to) {
        Ok(url) if url.starts_with("http://") => plan.to = url,
        _ => return Err(wrong("to", &to, "write where to send: --to=http://zipkin.jaeger:9411 (no https)")),
    }
    if let Some(text) = option("spans") {
        let sizes = text.split(',').map(|size| size.trim().parse().ok().filter(|size| (1..=10_000).contains(size)));
        plan.spans =
            sizes.collect::<Option<_>>().ok_or_else(|| wrong("spans", &text, "write numbers from 1 to 10000"))?;
    }
    if let Some(text) = option("connections") {
        let number = text.parse().ok().filter(|number| (1..=4096).contains(number));
        plan.connections = number.ok_or_else(|| wrong("connections", &text, "write a number from 1 to 4096"))?;
    }
    if let Some(text) = option("rate") {
        let number = text.parse().ok().filter(|number| *number > 0);
        plan.rate = Some(number.ok_or_else(|| wrong("rate", &text, "write a whole number of spans a second"))?);
    }
    if let Some(text) = option("duration") {
        let length = duration::parse(&text).ok().filter(|length| !length.is_zero());
        plan.duration = length.ok_or_else(|| wrong("duration", &text, "write a time, such as 30s or 5m"))?;
    }
    Ok(plan)
}

fn form(text: Option<&str>) -> Result<ExportForm, Problem> {
    match text {
        None | Some("bulk") => Ok(ExportForm::Bulk),
        Some("plain") => Ok(ExportForm::Plain),
        Some(other) => Err(Problem::of_line(format!("--form={other}"), "write bulk or plain")),
    }
}

fn is_json(text: Option<&str>) -> Result<bool, Problem> {
    match text {
        None | Some("text") => Ok(false),
        Some("json") => Ok(true),
        Some(other) => Err(Problem::of_line(format!("--form={other}"), "write text or json")),
    }
}

/// An option that does nothing would be believed to do something.
fn refuse_options_of_others(words: &[&str], option: &impl Fn(&str) -> Option<String>) -> Result<(), Problem> {
    let said = words.get(..2).unwrap_or(words).join(" ");
    let foreign = |(name, _, commands, _): &&(&str, &str, &[&str], &str)| {
        !commands.contains(&said.as_str()) && option(name).is_some()
    };
    match OPTIONS.iter().find(foreign) {
        Some((name, _, commands, _)) => {
            Err(Problem::of_line(format!("--{name}"), format!("it belongs to `spaniel {}`", commands.join("`, `"))))
        }
        None => Ok(()),
    }
}

/// What to say of words that are no command.
fn unknown(words: &[&str]) -> Problem {
    let (first, said) = (words.first().copied().unwrap_or_default(), words.join(" "));
    if words.iter().any(|word| matches!(*word, "true" | "false")) {
        return Problem::of_line(said, "a boolean takes its value after `=`: write `--x=false`");
    }
    if let ["dead-letter", "show"] = words {
        return Problem::of_line(
            said,
            "which one? write `spaniel dead-letter show ID`, with an ID of `dead-letter list`",
        );
    }
    if let ["sampling", "explain"] = words {
        return Problem::of_line(said, "which trace? write `spaniel sampling explain ID`, with the id of a trace");
    }
    let of_first: Vec<_> = COMMANDS.iter().filter(|(name, ..)| name.split(' ').next() == Some(first)).collect();
    let exact = |name: &str| words.get(..name.split(' ').count()).is_some_and(|start| start.join(" ") == name);
    if let Some((name, argument, _)) = of_first.iter().find(|(name, ..)| exact(name)) {
        let form = format!("{name} {argument}");
        return Problem::of_line(said, format!("too many words: `spaniel {} [--name=value ...]`", form.trim_end()));
    }
    if of_first.is_empty() {
        let names: Vec<_> = COMMANDS.iter().map(|(name, ..)| *name).collect();
        return Problem::of_line(said, format!("unknown command: write one of {}, or none to run", names.join(", ")));
    }
    let names: Vec<_> = of_first.iter().map(|(name, ..)| format!("`spaniel {name}`")).collect();
    Problem::of_line(said, format!("write {}", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(line: &str, options: &[(&str, &str)]) -> Result<Command, String> {
        let words: Vec<_> = line.split_whitespace().map(str::to_string).collect();
        let option = |name: &str| options.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_string());
        read(&words, option).map_err(|problem| format!("{}: {}", problem.written, problem.mend))
    }

    #[test]
    fn every_command_of_the_table_is_known() {
        for (words, argument, _) in COMMANDS {
            let line = format!("{words} {}", argument.trim_matches(['[', ']']));
            assert!(
                command(&line, &[("to", "http://a:9411")][..usize::from(*words == "load")])
                    .is_ok_and(|command| command != Command::Run),
                "{line}"
            );
            assert!(help().contains(words));
        }
    }

    #[test]
    fn words_and_options_of_commands() {
        let replay = Choice { id: Some("a".into()), index: None, reason: Some("mapping".into()) };
        let said = command("dead-letter replay a", &[("reason", "mapping")]);
        assert_eq!(said, Ok(Command::Operate(Operation::ReplayDeadLetters(replay))));
        let plain = Command::Operate(Operation::ExportSpool(ExportForm::Plain));
        assert_eq!(command("spool export", &[("form", "plain")]), Ok(plain));
        assert_eq!(command("", &[]), Ok(Command::Run));
    }

    #[test]
    fn a_load_is_read_with_its_units() {
        let plan = LoadPlan {
            to: "http://zipkin:9411".into(),
            spans: vec![1, 100],
            connections: 8,
            rate: Some(500),
            duration: Duration::from_secs(90),
        };
        let options = [("spans", "1,100"), ("connections", "8"), ("rate", "500"), ("duration", "1m30s")];
        let with = |more: &[(&'static str, &'static str)]| command("load", &[&options, more].concat());
        assert_eq!(with(&[("to", "http://zipkin:9411/")]), Ok(Command::Operate(Operation::Load(plan))));
        for to in ["", "zipkin:9411", "https://zipkin", "http://user:secret@zipkin"] {
            assert!(command("load", &[("to", to)]).is_err_and(|told| told.contains("--to=http://")), "{to}");
        }
        for (name, text) in [("spans", "0"), ("spans", "5,"), ("connections", "9999"), ("rate", "0"), ("duration", "5")]
        {
            let told = command("load", &[("to", "http://a"), (name, text)]);
            assert!(told.is_err_and(|told| told.starts_with(&format!("--{name}={text}: write"))), "{name}={text}");
        }
        assert_eq!(command("es init", &[("to", "x")]), Err("--to: it belongs to `spaniel load`".into()));
    }

    #[test]
    fn what_is_no_command_is_told_what_is() {
        let cases = [
            ("es", "es: write `spaniel es init`, `spaniel es doctor`"),
            ("es start", "es start: write `spaniel es init`, `spaniel es doctor`"),
            ("es init now", "es init now: too many words: `spaniel es init [--name=value ...]`"),
            (
                "dead-letter show a b",
                "dead-letter show a b: too many words: `spaniel dead-letter show ID [--name=value ...]`",
            ),
            ("version now", "version now: too many words: `spaniel version [--name=value ...]`"),
            ("false", "false: a boolean takes its value after `=`: write `--x=false`"),
            ("es doctor false", "es doctor false: a boolean takes its value after `=`: write `--x=false`"),
        ];
        for (line, told) in cases {
            assert_eq!(command(line, &[]), Err(told.to_string()));
        }
        assert!(command("start", &[]).is_err_and(|told| told.contains("unknown command: write one of version, env")));
        assert!(command("dead-letter show", &[]).is_err_and(|told| told.contains("which one?")));
    }

    #[test]
    fn an_option_of_another_command_is_refused() {
        let told = command("es init", &[("reason", "mapping")]);
        assert_eq!(told, Err("--reason: it belongs to `spaniel dead-letter replay`".into()));
        assert_eq!(command("spool export", &[("form", "xml")]), Err("--form=xml: write bulk or plain".into()));
    }
}
