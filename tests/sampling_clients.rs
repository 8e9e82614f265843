//! Clients from their registries that ask how much to sample, against the real binary: what they are
//! told is what they do, before and after the file changes.
//!
//! The programs are in `tests/clients/polling`, and in `tests/clients/node`. Where there is no Go, or
//! no Node, they are skipped with a word on standard error, or fail if `SPANIEL_REQUIRE_CLIENTS=1`.

#![expect(clippy::unwrap_used, reason = "a test tells what is wrong by panicking")]

#[path = "whole_path/made.rs"]
#[allow(dead_code, reason = "the whole path uses the rest")]
mod made;
#[path = "clients/programs.rs"]
#[allow(dead_code, reason = "the clients that send use the rest")]
mod programs;
#[path = "clients/report.rs"]
#[allow(dead_code, reason = "the clients that send use it")]
mod report;
#[path = "whole_path/spaniel.rs"]
#[allow(dead_code, reason = "the whole path uses the rest")]
mod spaniel;
#[path = "whole_path/stand_in/mod.rs"]
#[allow(dead_code, reason = "the whole path uses the rest")]
mod stand_in;

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::OnceLock;

use spaniel::{Spaniel, Start, until};

/// Spans of one question; with ids that lie evenly the share of them is exact.
const SPANS: u32 = 4000;

/// The program, or why there is none.
fn program() -> Option<PathBuf> {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    match BUILT.get_or_init(build) {
        Ok(program) => Some(program.clone()),
        Err(reason) if std::env::var("SPANIEL_REQUIRE_CLIENTS").is_ok_and(|value| value == "1") => {
            panic!("clients in Go are required: {reason}")
        }
        Err(reason) => {
            // Past the test runner's capture, which would hide it.
            let _ = writeln!(std::io::stderr(), "SKIPPED: no client that polls can be run here: {reason}");
            None
        }
    }
}

fn build() -> Result<PathBuf, String> {
    let runs = |go: &&str| Command::new(go).arg("version").output().is_ok();
    let go = ["go", "/usr/local/go/bin/go"].into_iter().find(runs).ok_or("there is no go")?;
    let program = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("polling");
    let mut command = Command::new(go);
    command.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/polling"));
    let output = command.args(["build", "-mod=readonly", "-o"]).arg(&program).arg(".").output();
    let output = output.map_err(|error| error.to_string())?;
    if output.status.success() { Ok(program) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

/// A client that polls, gone with the test.
struct Client {
    process: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Client {
    fn start(kind: &str, url: &str, service: &str) -> Option<Client> {
        Some(Client::run(Command::new(program()?).args([kind, url, service])))
    }

    /// One of `tests/clients/node`.
    fn start_node(kind: &str, url: &str, service: &str) -> Option<Client> {
        let mut command = programs::Language::Node.program("polling")?;
        Some(Client::run(command.args([kind, url, service])))
    }

    fn run(command: &mut Command) -> Client {
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (questions, answers) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        Client { process, questions, answers: BufReader::new(answers) }
    }

    /// How many of so many spans it samples now, by which type of sampler, with which parameter.
    fn samples(&mut self, spans: u32, operation: &str) -> String {
        writeln!(self.questions, "{spans} {operation}").unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        answer.trim().to_string()
    }

    /// Asks until the answer is this one.
    fn must_sample(&mut self, operation: &str, expected: &str) {
        let mut last = String::new();
        until(&format!("{operation}: {expected}"), || {
            last = self.samples(SPANS, operation);
            (last == expected).then_some(())
        });
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A Spaniel whose strategies are in `strategies.json` of its folder, and looked at all the time.
fn with_strategies(json: &str) -> Spaniel {
    let folder = spaniel::folder();
    std::fs::write(folder.path().join("strategies.json"), json).unwrap();
    let flags = ["--sampling.strategies-file=strategies.json", "--sampling.strategies-reload-interval=20ms"];
    Start::embedded().flags(&flags).run_in(folder)
}

fn change(spaniel: &Spaniel, json: &str) {
    // In one step, so that no half of it is read.
    let folder = spaniel.directory();
    let beside = folder.path().join("beside.json");
    std::fs::write(&beside, json).unwrap();
    std::fs::rename(beside, folder.path().join("strategies.json")).unwrap();
}

const FIRST: &str = r#"{
  "default_strategy": {"type": "probabilistic", "param": 0.5},
  "service_strategies": [
    {"service": "shop", "type": "probabilistic", "param": 0.25},
    {"service": "cart", "type": "probabilistic", "param": 0.125, "operation_strategies": [
      {"operation": "GET/cart", "type": "probabilistic", "param": 0.75}]},
    {"service": "batch", "type": "ratelimiting", "param": 7}]}"#;

/// The same, but for `shop`.
fn second() -> String {
    FIRST.replace("0.25", "0.0625")
}

#[test]
fn opentelemetry_applies_what_it_is_told() {
    let spaniel = with_strategies(FIRST);
    for (listener, path) in [("agent-http", "/sampling"), ("jaeger-thrift-http", "/api/sampling"), ("agent-http", "/")]
    {
        let url = spaniel.url(listener, path);
        let Some(mut shop) = Client::start("otel", &url, "shop") else { return };
        shop.must_sample("any", "1000 probabilistic 0.25");
        let mut cart = Client::start("otel", &url, "cart").unwrap();
        cart.must_sample("GET/cart", "3000 probabilistic 0.75");
        cart.must_sample("any", "500 probabilistic 0.125");
        Client::start("otel", &url, "other").unwrap().must_sample("any", "2000 probabilistic 0.5");
        change(&spaniel, &second());
        shop.must_sample("any", "250 probabilistic 0.0625");
        change(&spaniel, FIRST);
    }
    spaniel.stop();
}

#[test]
fn jaegers_client_applies_what_it_is_told() {
    let spaniel = with_strategies(FIRST);
    for (listener, path) in [("agent-http", "/sampling"), ("jaeger-thrift-http", "/api/sampling")] {
        let url = spaniel.url(listener, path);
        let Some(mut shop) = Client::start("jaeger", &url, "shop") else { return };
        shop.must_sample("any", "1000 probabilistic 0.25");
        let mut cart = Client::start("jaeger", &url, "cart").unwrap();
        cart.must_sample("GET/cart", "3000 probabilistic 0.75");
        cart.must_sample("any", "500 probabilistic 0.125");
        change(&spaniel, "{\"broken\":");
        until("the broken file is seen", || spaniel.log().contains("line 1, column 11").then_some(()));
        shop.must_sample("any", "1000 probabilistic 0.25");
        change(&spaniel, &second());
        shop.must_sample("any", "250 probabilistic 0.0625");
        change(&spaniel, FIRST);
    }
    spaniel.stop();
}

/// Both of Node. OpenTelemetry's says nothing of its sampler on its spans, and knows no limits.
#[test]
fn clients_of_node_apply_what_they_are_told() {
    let spaniel = with_strategies(FIRST);
    for (kind, by) in [
        ("otel", [" none none"; 4]),
        ("jaeger", [" probabilistic 0.25", " probabilistic 0.75", " probabilistic 0.125", " probabilistic 0.0625"]),
    ] {
        for (listener, path) in [("agent-http", "/sampling"), ("jaeger-thrift-http", "/api/sampling")] {
            let url = spaniel.url(listener, path);
            let Some(mut shop) = Client::start_node(kind, &url, "shop") else { return };
            let mut cart = Client::start_node(kind, &url, "cart").unwrap();
            shop.must_sample("any", &format!("1000{}", by[0]));
            cart.must_sample("GET/cart", &format!("3000{}", by[1]));
            cart.must_sample("any", &format!("500{}", by[2]));
            change(&spaniel, &second());
            shop.must_sample("any", &format!("250{}", by[3]));
            change(&spaniel, FIRST);
        }
    }
    let mut batch = Client::start_node("jaeger", &spaniel.url("agent-http", "/sampling"), "batch").unwrap();
    until("a limit of seven a second", || batch.samples(100, "any").ends_with(" ratelimiting 7").then_some(()));
    spaniel.stop();
}

/// How many pass a limit depends on the time; that it is one, on what was told.
#[test]
fn limits_reach_both() {
    let spaniel = with_strategies(FIRST);
    for kind in ["otel", "jaeger"] {
        let Some(mut batch) = Client::start(kind, &spaniel.url("agent-http", "/sampling"), "batch") else { return };
        until("a limit of seven a second", || batch.samples(100, "any").ends_with(" ratelimiting 7").then_some(()));
    }
    spaniel.stop();
}

#[test]
fn the_stubs_of_the_sampling_manager_decode_all_shapes() {
    let spaniel = with_strategies(FIRST);
    let mut said = String::new();
    for service in ["shop", "cart", "batch", "other"] {
        let Some(program) = program() else { return };
        let output = Command::new(program).args(["grpc", spaniel.address("jaeger-grpc"), service]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        write!(said, "{service}: {}", String::from_utf8(output.stdout).unwrap()).unwrap();
    }
    let expected = "shop: PROBABILISTIC\nprobability 0.25\nhealth SERVING\n\
                    cart: PROBABILISTIC\nprobability 0.125\notherwise 0.125\noperation GET/cart 0.75\nhealth SERVING\n\
                    batch: RATE_LIMITING\nlimit 7\nhealth SERVING\n\
                    other: PROBABILISTIC\nprobability 0.5\nhealth SERVING\n";
    assert_eq!(said, expected);
    spaniel.stop();
}

/// What an operator sees who has made a mistake.
#[test]
fn a_broken_file_stops_the_start_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.json");
    std::fs::write(&path, "{\"default_strategy\":\n  {\"type\": \"probabilistic\", \"param\": \"1\"}}").unwrap();
    let ended = Start::embedded().flags(&[&format!("--sampling.strategies-file={}", path.display())]).fails();
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.stderr.contains("s.json: line 2, column 38, default_strategy.param: a number was expected"),
        "{ended:?}"
    );
    let ended = Start::embedded().environment("SAMPLING_CONFIG_TYPE", "adaptive").fails();
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("SAMPLING_CONFIG_TYPE") && ended.stderr.contains("adaptive"), "{ended:?}");
}
