//! The real binary with the chart's settings: it answers the probes, and `helm test` passes.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use reqwest::blocking::Client;
use serde_json::Value as Json;

use crate::rendered::{Container, Render, Root, list, text};

/// How long anything may take that must happen; only a failure takes so long.
const PATIENCE: Duration = Duration::from_secs(60);

struct Running {
    process: Child,
    root: Root,
    client: Client,
    listeners: Json,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn until<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = condition() {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "not in {PATIENCE:?}: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

impl Running {
    /// As the container starts it, but on free ports.
    fn start(container: &Container<'_>) -> Running {
        let root = container.root();
        let file = root.path("/etc/spaniel/config/spaniel.yaml");
        let settings = fs::read_to_string(&file).unwrap();
        let free = settings.lines().map(|line| match line.split_once(": :") {
            Some((name, port)) if port.parse::<u16>().is_ok() => format!("{name}: 127.0.0.1:0\n"),
            _ => format!("{line}\n"),
        });
        fs::write(&file, free.collect::<String>()).unwrap();
        let mut command = root.spaniel(&container.args(), &container.environment());
        command.stderr(File::create(root.path("/log")).unwrap()).stdout(Stdio::null());
        let client = Client::builder().no_proxy().timeout(PATIENCE).build().unwrap();
        let mut running = Running { process: command.spawn().unwrap(), root, client, listeners: Json::Null };
        let admin = until("its table of listeners", || running.admin());
        running.listeners = serde_json::json!({ "admin": admin });
        until("ready", || (running.status("/ready") == Some(200)).then_some(()));
        running.listeners = running.client.get(running.url("admin", "/status")).send().unwrap().json::<Json>().unwrap()
            ["listeners"]
            .take();
        running
    }

    fn admin(&mut self) -> Option<String> {
        let log = fs::read_to_string(self.root.path("/log")).unwrap();
        if let Some(status) = self.process.try_wait().unwrap() {
            panic!("it ended with {status}: {log}");
        }
        let line = log.lines().find(|line| line.starts_with("  admin "))?;
        line.split_whitespace().nth(1).map(str::to_string)
    }

    fn url(&self, listener: &str, path: &str) -> String {
        format!("http://{}{path}", text(&self.listeners[listener]))
    }

    /// The admin port's answer to a probe, if there is one.
    fn status(&self, path: &str) -> Option<u16> {
        self.client.get(self.url("admin", path)).send().ok().map(|answer| answer.status().as_u16())
    }
}

fn probe<'a>(container: &'a Container<'_>, name: &str) -> &'a str {
    text(&container.spec[name]["httpGet"]["path"])
}

/// While it drains it takes no new work by the readiness probe's word, and is not killed by the
/// liveness probe's.
#[test]
fn probes_are_answered_while_it_runs_and_while_it_drains() {
    let render = Render::of("default");
    let container = render.collector();
    let mut running = Running::start(&container);
    let [startup, liveness, readiness] =
        ["startupProbe", "livenessProbe", "readinessProbe"].map(|name| probe(&container, name));
    for path in [startup, liveness, readiness] {
        assert_eq!(running.status(path), Some(200), "{path}");
    }
    let stopped = Command::new("kill").arg(running.process.id().to_string()).status().unwrap();
    assert!(stopped.success());
    // `shutdown.delay` of the chart: time enough to see both.
    until("not ready", || (running.status(readiness) == Some(503)).then_some(()));
    assert_eq!(running.status(liveness), Some(200));
    let ended = until("the end", || running.process.try_wait().unwrap());
    assert!(ended.success(), "{ended}");
}

/// The pods of `helm test`, here: the span's with sh and curl, the status's with our binary.
#[test]
fn helm_test_passes() {
    let render = Render::of("default");
    let running = Running::start(&render.collector());
    let pods: Vec<_> = render.of_kind("Pod").flat_map(|pod| list(&pod["spec"]["containers"])).collect();
    let span = pods.iter().find(|spec| spec["name"] == "span").expect("the test that posts a span");
    let script = text(&list(&span["command"])[2]);
    if Command::new("curl").arg("--version").output().is_err() {
        eprintln!("SKIPPED: there is no curl");
        return;
    }
    let output = Command::new("sh")
        .args(["-ceu", script])
        .env("ZIPKIN", running.url("zipkin", ""))
        .env("QUERY", running.url("query", ""))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains(": 202") && said.contains("read it back"), "{output:?}");
    let status = format!("--status.http.host-port={}", text(&running.listeners["admin"]));
    let output = running.root.spaniel(&["status", &status], &BTreeMap::new()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}
