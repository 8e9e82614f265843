//! Builds the programs once, below `target`, and runs them.
//!
//! Where a toolchain is missing a test is skipped with a word on standard error, or fails if
//! `SPANIEL_REQUIRE_CLIENTS=1`.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::report::Report;

/// Where the programs are.
const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients");

/// How clients are written here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    /// One program of many, by its name.
    Go,
    /// A file of `node`.
    Node,
}

/// What a build gave: where the programs are, or why there are none.
type Built = Result<PathBuf, String>;

impl Language {
    fn built(self) -> &'static Built {
        static GO: OnceLock<Built> = OnceLock::new();
        static NODE: OnceLock<Built> = OnceLock::new();
        match self {
            Language::Go => GO.get_or_init(build_go),
            Language::Node => NODE.get_or_init(install_node),
        }
    }

    /// A command that runs a program; `None`: skipped.
    pub(crate) fn program(self, name: &str) -> Option<Command> {
        match self.built() {
            Ok(place) if self == Language::Go => {
                let mut command = Command::new(place);
                command.arg(name);
                Some(command)
            }
            Ok(place) => {
                let mut command = Command::new("node");
                command.arg(place.join(name).with_extension("js"));
                Some(command)
            }
            Err(reason) if std::env::var("SPANIEL_REQUIRE_CLIENTS").is_ok_and(|value| value == "1") => {
                panic!("clients in {self:?} are required: {reason}")
            }
            Err(reason) => {
                // Past the test runner's capture, which would hide it.
                let _ = writeln!(std::io::stderr(), "SKIPPED: {name}: no client in {self:?} can be run here: {reason}");
                None
            }
        }
    }

    /// Runs a program to its end; what it says that it sent.
    pub(crate) fn run(self, name: &str, arguments: &[&str]) -> Option<Report> {
        let text = run(self.program(name)?.args(arguments)).unwrap_or_else(|error| panic!("{error}"));
        Some(Report::parse(&text))
    }
}

/// Runs a program to its end; what it wrote to standard output.
fn run(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| format!("{command:?} cannot be run: {error}"))?;
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.success() {
        Ok(out.into_owned())
    } else {
        Err(format!("{command:?}: {}: {out}{err}", output.status))
    }
}

/// A program that is there, at the first of these places where it is.
fn found(names: &[&str]) -> Option<PathBuf> {
    let runs = |name: &&&str| Command::new(name).arg("version").output().is_ok();
    names.iter().find(runs).map(PathBuf::from)
}

/// A folder below `target` that stays from run to run.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn build_go() -> Built {
    let go = found(&["go", "/usr/local/go/bin/go"]).ok_or("there is no go")?;
    let program = folder("clients").join("clients");
    let mut command = Command::new(go);
    command.current_dir(format!("{SOURCES}/go")).args(["build", "-mod=readonly", "-o"]).arg(&program).arg(".");
    // An older Go fetches the one that the module asks for; distributions turn that off.
    command.env("GOTOOLCHAIN", "auto");
    run(&mut command)?;
    Ok(program)
}

/// Modules lie beside the programs, which are copied for that: nothing is written among sources.
fn install_node() -> Built {
    found(&["node"]).ok_or("there is no node")?;
    let (from, to) = (Path::new(SOURCES).join("node"), folder("clients-node"));
    let is_changed = |name: &str| std::fs::read(from.join(name)).ok() != std::fs::read(to.join(name)).ok();
    let is_installed = to.join("node_modules").is_dir() && !is_changed("package-lock.json");
    for entry in std::fs::read_dir(&from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() && entry.file_name() != "package-lock.json" {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
    if !is_installed {
        let beside = tempfile::tempdir_in(&to).unwrap();
        for name in ["package.json", "package-lock.json"] {
            std::fs::copy(from.join(name), beside.path().join(name)).unwrap();
        }
        run(Command::new("npm").current_dir(beside.path()).args([
            "ci",
            "--no-audit",
            "--no-fund",
            "--ignore-scripts",
        ]))?;
        let _ = std::fs::remove_dir_all(to.join("node_modules"));
        std::fs::rename(beside.path().join("node_modules"), to.join("node_modules")).unwrap();
        // Last, for it says that all of it is there.
        std::fs::copy(from.join("package-lock.json"), to.join("package-lock.json")).unwrap();
    }
    Ok(to)
}
