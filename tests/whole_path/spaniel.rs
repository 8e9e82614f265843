//! A Spaniel of a test's own: the real binary, in a folder and on ports of its own, gone with the
//! test.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::blocking::{Client, Response};
use serde_json::Value as Json;
use tempfile::TempDir;

use crate::made::{Protocol, Request};

/// How long anything may take that must happen; only a failure takes so long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until `condition` gives something; fails with `what` if it never does.
pub(crate) fn until<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = condition() {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "not in {PATIENCE:?}: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The same for what takes as long as there is of it: `condition` gives something, or how far it is, and
/// fails when that stands still.
fn until_none_is_left<T>(what: &str, mut condition: impl FnMut() -> Result<T, Json>) -> T {
    let (mut last, mut since) = (Json::Null, Instant::now());
    loop {
        match condition() {
            Ok(found) => return found,
            Err(progress) if progress != last => (last, since) = (progress, Instant::now()),
            Err(_) => assert!(since.elapsed() < PATIENCE, "{what}: nothing more in {PATIENCE:?}: {last}"),
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// How a Spaniel is started.
#[derive(Debug, Default, Clone)]
pub(crate) struct Start {
    flags: Vec<String>,
    environment: Vec<(String, String)>,
}

/// A running Spaniel.
#[derive(Debug)]
pub(crate) struct Spaniel {
    process: Child,
    directory: Arc<TempDir>,
    /// Address by the name of the listener.
    listeners: BTreeMap<String, String>,
    client: Client,
}

/// How a Spaniel that does not run ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Listeners, and the flags of their addresses.
const LISTENERS: [&str; 10] = [
    "processor.jaeger-compact.server-host-port",
    "processor.jaeger-binary.server-host-port",
    "http-server.host-port",
    "collector.zipkin.host-port",
    "collector.http-server.host-port",
    "collector.grpc-server.host-port",
    "collector.otlp.grpc.host-port",
    "collector.otlp.http.host-port",
    "query.http-server.host-port",
    "admin.http.host-port",
];

impl Start {
    /// With the embedded store, which keeps all ages: captured spans have fixed times, and keep them.
    pub(crate) fn embedded() -> Self {
        let times = ["--embedded.max-age=0s", "--spool.max-age=0s", "--span.max-age=0", "--span.max-future=0"];
        Start::default().flags(&["--embedded.commit-interval=20ms"]).flags(&times)
    }

    /// With Elasticsearch at `url`, looking back far enough for captured spans.
    pub(crate) fn elasticsearch(url: &str, prefix: &str) -> Self {
        let urls = format!("--es.server-urls={url}");
        let prefix = format!("--es.index-prefix={prefix}");
        let small = ["--es.num-shards=1", "--es.num-replicas=0", "--es.max-span-age=26280h"];
        let times = ["--spool.max-age=0s", "--span.max-age=0", "--span.max-future=0"];
        let start = Start::default().environment("SPAN_STORAGE_TYPE", "elasticsearch");
        start.flags(&[&urls, &prefix]).flags(&small).flags(&times)
    }

    pub(crate) fn flags(mut self, flags: &[&str]) -> Self {
        self.flags.extend(flags.iter().map(|flag| (*flag).to_string()));
        self
    }

    /// Without the flags that begin so.
    pub(crate) fn without(mut self, beginning: &str) -> Self {
        self.flags.retain(|flag| !flag.starts_with(beginning));
        self
    }

    pub(crate) fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Starts it and waits until it is ready.
    pub(crate) fn run(&self) -> Spaniel {
        self.run_in(folder())
    }

    /// The same in a folder where one may have run before.
    pub(crate) fn run_in(&self, directory: Arc<TempDir>) -> Spaniel {
        let mut spaniel = self.spawn_in(directory);
        let admin = until("the start-up table", || spaniel.admin_of_table());
        spaniel.listeners.insert("admin".into(), admin);
        until("ready", || (spaniel.get("admin", "/ready").status() == 200).then_some(()));
        let status = spaniel.json("admin", "/status");
        let addresses = status["listeners"].as_object().unwrap();
        spaniel.listeners = addresses.iter().map(|(name, at)| (name.clone(), at.as_str().unwrap().into())).collect();
        spaniel
    }

    /// Starts it and waits for nothing: its ports are not known.
    pub(crate) fn spawn_in(&self, directory: Arc<TempDir>) -> Spaniel {
        let mut command = self.command(directory.path());
        command.stderr(File::create(log_of(&directory)).unwrap()).stdout(Stdio::null());
        let process = command.spawn().unwrap();
        let client = Client::builder().no_proxy().timeout(PATIENCE).build().unwrap();
        Spaniel { process, directory, listeners: BTreeMap::new(), client }
    }

    /// Runs it to an end that it comes to by itself.
    pub(crate) fn fails(&self) -> Ended {
        let directory = folder();
        let out = directory.path().join("stdout");
        let mut command = self.command(directory.path());
        command.stdout(File::create(&out).unwrap()).stderr(File::create(log_of(&directory)).unwrap());
        let mut process = Killed(command.spawn().unwrap());
        let status = until("the end", || process.0.try_wait().unwrap());
        let text = |path: PathBuf| fs::read_to_string(path).unwrap();
        Ended { code: status.code(), stdout: text(out), stderr: text(log_of(&directory)) }
    }

    /// Runs a command with these settings beside one that runs with them.
    pub(crate) fn beside(&self, spaniel: &Spaniel, words: &[&str]) -> Ended {
        let mut command = self.command(spaniel.directory.path());
        command.args(words).arg(format!("--status.http.host-port={}", spaniel.address("admin")));
        ended(&mut command)
    }

    /// On free ports of loopback, but for those that a flag names; nothing of our environment.
    fn command(&self, directory: &Path) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_spaniel"));
        command.current_dir(directory).env_clear().envs(self.environment.iter().cloned()).stdin(Stdio::null());
        let named = |listener: &str| self.flags.iter().any(|flag| flag.starts_with(&format!("--{listener}=")));
        let free = LISTENERS.iter().filter(|listener| !named(listener));
        command.args(free.map(|listener| format!("--{listener}=127.0.0.1:0"))).args(&self.flags);
        command
    }
}

/// Runs the binary with these words alone, to the end that it comes to by itself.
pub(crate) fn command(words: &[&str]) -> Ended {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spaniel"));
    ended(command.env_clear().stdin(Stdio::null()).args(words))
}

fn ended(command: &mut Command) -> Ended {
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ended { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// A process that does not outlive its test.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A folder of a test's own.
pub(crate) fn folder() -> Arc<TempDir> {
    Arc::new(tempfile::Builder::new().prefix("spaniel-path-").tempdir().unwrap())
}

fn log_of(directory: &TempDir) -> PathBuf {
    directory.path().join("log")
}

impl Spaniel {
    /// What it wrote to standard error.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(log_of(&self.directory)).unwrap()
    }

    /// The folder that it runs in.
    pub(crate) fn directory(&self) -> Arc<TempDir> {
        self.directory.clone()
    }

    /// Where the embedded store lies.
    pub(crate) fn store(&self) -> PathBuf {
        self.directory.path().join("spaniel-data")
    }

    pub(crate) fn url(&self, listener: &str, path: &str) -> String {
        format!("http://{}{path}", self.address(listener))
    }

    pub(crate) fn address(&self, listener: &str) -> &str {
        &self.listeners[listener]
    }

    pub(crate) fn get(&self, listener: &str, path: &str) -> Response {
        self.client.get(self.url(listener, path)).send().unwrap()
    }

    /// The JSON of an answer that must be good.
    pub(crate) fn json(&self, listener: &str, path: &str) -> Json {
        let answer = self.get(listener, path);
        assert_eq!(answer.status(), 200, "{path}");
        answer.json().unwrap()
    }

    /// The pages of the books, which must balance at every moment.
    pub(crate) fn books(&self) -> Json {
        let books = self.json("admin", "/books");
        assert_eq!(books["balanced"], true, "{books}");
        books
    }

    /// The books as soon as nothing is held.
    pub(crate) fn settled_books(&self) -> Json {
        until_none_is_left("what an earlier life left is counted", || {
            let waiting = self.json("admin", "/status")["waiting"].clone();
            if waiting["counted"] == true { Ok(()) } else { Err(waiting) }
        });
        until_none_is_left("what is held is settled", || {
            let books = self.books();
            match held(&books) {
                0 => Ok(books),
                held => Err(held.into()),
            }
        })
    }

    /// Sends Zipkin spans; the answer.
    pub(crate) fn post(&self, body: impl Into<reqwest::blocking::Body>) -> Response {
        let request = self.client.post(self.url("zipkin", "/api/v2/spans"));
        request.header("content-type", "application/json").body(body).send().unwrap()
    }

    /// Sends made spans; the status.
    pub(crate) fn send(&self, protocol: Protocol, request: &Request) -> u16 {
        let url = self.url(protocol.listener(), protocol.path());
        let post = self.client.post(url).header("content-type", protocol.content_type());
        post.body(request.body(protocol)).send().unwrap().status().as_u16()
    }

    /// Ends it at once, as a power cut ends a process; its folder stays as long as what is given
    /// back.
    pub(crate) fn kill(mut self) -> Arc<TempDir> {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        self.directory()
    }

    /// The number of its process.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// The most memory that the process ever had at once, in bytes.
    pub(crate) fn peak(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }

    /// Any request, over the kept connections.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Asks it to stop.
    pub(crate) fn terminate(&self) {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        until("the end of the process", || self.process.try_wait().unwrap())
    }

    /// Asks it to stop, which must be good; its folder stays as long as what is given back.
    pub(crate) fn stop(mut self) -> Arc<TempDir> {
        self.terminate();
        assert_eq!(self.wait().code(), Some(0), "{}", self.log());
        self.directory()
    }

    /// The address of the admin port, as the start-up table tells it to people.
    fn admin_of_table(&mut self) -> Option<String> {
        if let Some(status) = self.process.try_wait().unwrap() {
            panic!("it ended with {status}: {}", self.log());
        }
        let log = self.log();
        let line = log.lines().find(|line| line.starts_with("  admin "))?;
        line.split_whitespace().nth(1).map(str::to_string)
    }
}

/// Spans and services that the books say are held.
fn held(books: &Json) -> u64 {
    let spans = books["spans"].as_object().unwrap().values();
    let pages = spans.chain([&books["serviceDocuments"]]);
    pages.map(|page| page["held"].as_u64().unwrap()).sum()
}

impl Drop for Spaniel {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        if std::thread::panicking() {
            eprintln!("{}", self.log());
        }
    }
}
