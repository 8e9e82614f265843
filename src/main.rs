//! Reads settings, and starts the collector, which SIGTERM stops, or carries out a command.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use spaniel::clock::Clock;
use spaniel::command::{self, AdminPort, Outcome};
use spaniel::settings::{self, Invocation, Notes, Operation, Settings};
use spaniel::telemetry::log;

fn main() -> ExitCode {
    // A variable that is not UTF-8 is none of ours.
    let environment =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let read_file = |path: &Path| std::fs::read_to_string(path);
    match settings::load(std::env::args_os(), environment, read_file) {
        Ok(Invocation::Run(settings, notes)) => run(&settings, &notes),
        Ok(Invocation::Status(address)) => match AdminPort::new(&address).and_then(|port| port.health()) {
            Ok(text) => say(&text),
            Err(error) => fail(&error),
        },
        Ok(Invocation::Operate(operation, settings)) => operate(&operation, &settings),
        Ok(Invocation::Version) => say(&version()),
        Ok(
            Invocation::Help(text)
            | Invocation::Docs(text)
            | Invocation::Environment(text)
            | Invocation::PrintConfig(text),
        ) => say(&text),
        Err(error) if !error.on_stdout() => complain(&error),
        Err(error) => fail(&error),
    }
}

fn run(settings: &Settings, notes: &Notes) -> ExitCode {
    let level = match log::install(&settings.log, Clock::System) {
        Ok(level) => level,
        Err(error) => return complain(&error),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return complain(&error),
    };
    match runtime.block_on(spaniel::collector::run(settings, notes, level)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(&error),
    }
}

/// Output goes out as it comes: a command may take long, and its reader may stop reading.
fn operate(operation: &Operation, settings: &Settings) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return complain(&error),
    };
    let mut out = std::io::stdout().lock();
    match runtime.block_on(command::run(operation, settings, &Clock::System, &mut out)) {
        Ok(Outcome::Good) => ExitCode::SUCCESS,
        Ok(Outcome::Wrong) => ExitCode::FAILURE,
        Err(error) => complain(&error),
    }
}

fn version() -> String {
    format!("spaniel {}", env!("CARGO_PKG_VERSION"))
}

fn say(text: &str) -> ExitCode {
    print(text.trim_end());
    ExitCode::SUCCESS
}

/// As jaeger-collector: what is wrong with the command line goes to standard output, exit code 1.
fn fail(error: &dyn std::error::Error) -> ExitCode {
    print(&format!("spaniel: {error}"));
    ExitCode::FAILURE
}

fn complain(error: &dyn std::error::Error) -> ExitCode {
    eprintln!("spaniel: {error}");
    ExitCode::FAILURE
}

/// Whoever reads may stop reading (`spaniel --help | head`): that is no fault.
fn print(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}
