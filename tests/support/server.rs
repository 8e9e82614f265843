//! A real server: started in a folder of its own, on ports of its own, gone with the test process.
//!
//! One server per release serves all tests of a binary ([`shared`]); each test takes an index
//! prefix of its own. Settings of a node (limits, security) need a node of one's own
//! ([`own`]). A release that cannot be run here, for want of Maven or Java, is skipped with a word on
//! standard error, or fails the test if `SPANIEL_REQUIRE_SERVERS=1`.

use std::collections::HashMap;
use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use super::releases::Release;
use super::{fetch, java};

/// How long a server may take to answer; a busy machine makes it four times slower.
const PATIENCE: Duration = Duration::from_secs(120);

/// Whom a server runs as when we are root, which no release allows.
const NOBODY: u32 = 65534;

/// A running server.
#[derive(Debug)]
pub struct Server {
    pub release: Release,
    pub url: String,
    /// Config, data, logs and temporary files.
    folder: TempDir,
    process: Mutex<Option<Child>>,
}

/// Why a release cannot be run here.
#[derive(Debug)]
pub struct Unavailable(pub String);

/// The server of this release that all tests of the binary share; `None`: skipped.
pub fn shared(release: Release) -> Option<Arc<Server>> {
    static SERVERS: Mutex<Option<HashMap<String, Arc<Server>>>> = Mutex::new(None);
    if release.rare && !is_set("SPANIEL_ALL_SERVERS") {
        say(&format!("skipped: {release} runs with SPANIEL_ALL_SERVERS=1"));
        return None;
    }
    // Held while starting, so that servers start one after another.
    let mut servers = locked(&SERVERS);
    let servers = servers.get_or_insert_with(HashMap::new);
    if let Some(server) = servers.get(&release.folder()) {
        return Some(server.clone());
    }
    let server = Arc::new(or_skip(&release, Server::start(release, &[], &[]))?);
    servers.insert(release.folder(), server.clone());
    Some(server)
}

/// A server of this release with settings of its own, as lines of its YAML; `None`: skipped.
pub fn own(release: Release, settings: &[&str]) -> Option<Server> {
    own_with(release, settings, &[])
}

/// The same, with files in its `config`: their names and what they hold.
pub fn own_with(release: Release, settings: &[&str], files: &[(&str, &str)]) -> Option<Server> {
    if release.rare && !is_set("SPANIEL_ALL_SERVERS") {
        say(&format!("skipped: {release} runs with SPANIEL_ALL_SERVERS=1"));
        return None;
    }
    or_skip(&release, Server::start(release, settings, files))
}

fn or_skip(release: &Release, started: Result<Server, Unavailable>) -> Option<Server> {
    match started {
        Ok(server) => Some(server),
        Err(Unavailable(reason)) if is_set("SPANIEL_REQUIRE_SERVERS") => panic!("{release} is required: {reason}"),
        Err(Unavailable(reason)) => {
            say(&format!("SKIPPED: {release} cannot be run here: {reason}"));
            None
        }
    }
}

fn is_set(name: &str) -> bool {
    std::env::var(name).is_ok_and(|value| value == "1")
}

/// Past the test runner's capture, which would hide it.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

impl Server {
    /// Starts a server and waits until it answers.
    pub fn start(release: Release, settings: &[&str], files: &[(&str, &str)]) -> Result<Self, Unavailable> {
        let distribution = fetch::distribution(&release).map_err(Unavailable)?;
        java::home(release.java).map_err(Unavailable)?;
        let folder = tempfile::Builder::new().prefix("spaniel-server-").tempdir();
        let folder = folder.map_err(|error| Unavailable(error.to_string()))?;
        let (http, transport) = (free_port(), free_port());
        let yaml = yaml(&release, folder.path(), (http, transport), settings);
        configure(&release, &distribution, folder.path(), &yaml, files)
            .map_err(|error| Unavailable(format!("cannot write its configuration: {error}")))?;
        let secure = settings.contains(&"xpack.security.http.ssl.enabled: true");
        let scheme = if secure { "https" } else { "http" };
        let url = format!("{scheme}://127.0.0.1:{http}");
        let server = Server { release, url, folder, process: Mutex::default() };
        // All that it needs is there: a server that does not start now is a failure, not a lack.
        server.resume().unwrap_or_else(|reason| panic!("{release} does not start: {reason}"));
        Ok(server)
    }

    /// Starts it again after [`Server::stop`], with the same data and ports.
    pub fn resume(&self) -> Result<(), String> {
        // One after another: each wants both cores while it starts.
        static STARTING: Mutex<()> = Mutex::new(());
        let _starting = locked(&STARTING);
        let distribution = fetch::distribution(&self.release)?;
        let home = java::home(self.release.java)?;
        let began = Instant::now();
        *locked(&self.process) = Some(launch(&self.release, &distribution, &home, self.folder.path())?);
        while !self.answers() {
            if let Some(status) = self.ended() {
                return Err(format!("it ended with {status}: {}", self.log()));
            }
            if began.elapsed() > PATIENCE {
                return Err(format!("no answer in {PATIENCE:?}: {}", self.log()));
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        say(&format!("{} started in {:.1} s", self.release, began.elapsed().as_secs_f64()));
        Ok(())
    }

    /// Stops it cleanly and waits for its end.
    pub fn stop(&self) {
        if let Some(mut process) = locked(&self.process).take() {
            // The word to stop and keep its data; see `launch`.
            if let Some(mut input) = process.stdin.take() {
                let _ = input.write_all(b"stop\n");
            }
            let _ = process.wait();
        }
    }

    /// Its folder, which holds `config`.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Asks the server; the status and the JSON of the answer, null if it is none.
    pub fn call(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        let method = reqwest::Method::from_bytes(method.as_bytes()).expect("a method");
        let mut request = client().request(method, format!("{}{path}", self.url));
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().expect("the server answers");
        let status = response.status().as_u16();
        (status, serde_json::from_slice(&response.bytes().expect("a body")).unwrap_or_default())
    }

    /// Asks the server; the JSON of an answer that must be good.
    pub fn get(&self, path: &str) -> Value {
        let (status, body) = self.call("GET", path, None);
        assert_eq!(status, 200, "GET {path} of {}: {body}", self.release);
        body
    }

    fn answers(&self) -> bool {
        // Yellow: what it kept is open again after a restart.
        let answer = client().get(format!("{}/_cluster/health?wait_for_status=yellow&timeout=1s", self.url)).send();
        // A secured server says who we are not; it is up all the same.
        answer.is_ok_and(|answer| matches!(answer.status().as_u16(), 200 | 401))
    }

    fn ended(&self) -> Option<std::process::ExitStatus> {
        locked(&self.process).as_mut().and_then(|process| process.try_wait().ok().flatten())
    }

    /// The end of what it printed.
    fn log(&self) -> String {
        let text = fs::read(self.folder.path().join("output")).unwrap_or_default();
        let text = String::from_utf8_lossy(&text).into_owned();
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

fn client() -> reqwest::blocking::Client {
    let builder = reqwest::blocking::Client::builder().no_proxy().timeout(Duration::from_secs(60));
    builder.danger_accept_invalid_certs(true).build().expect("a client")
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}

/// Writes the node's folder: its copy of the configuration, and places for what it writes.
fn configure(
    release: &Release,
    distribution: &Path,
    folder: &Path,
    yaml: &str,
    files: &[(&str, &str)],
) -> std::io::Result<()> {
    let config = folder.join("config");
    for name in ["config", "data", "logs", "tmp"] {
        fs::create_dir(folder.join(name))?;
    }
    copy_tree(&distribution.join("config"), &config)?;
    let options = fs::read_to_string(config.join("jvm.options"))?;
    fs::write(config.join("jvm.options"), jvm_options(&options))?;
    fs::write(config.join(format!("{}.yml", release.product)), yaml)?;
    for (name, text) in files {
        fs::write(config.join(name), text)?;
    }
    if fetch::is_root() { give_away(folder) } else { Ok(()) }
}

fn yaml(release: &Release, folder: &Path, (http, transport): (u16, u16), settings: &[&str]) -> String {
    let transport_key = if release.major() == 6 { "transport.tcp.port" } else { "transport.port" };
    let folder = folder.display();
    let mut lines = vec![
        format!("cluster.name: spaniel-{http}"),
        "node.name: n1".into(),
        "network.host: 127.0.0.1".into(),
        format!("http.port: {http}"),
        format!("{transport_key}: {transport}"),
        "discovery.type: single-node".into(),
        format!("path.data: {folder}/data"),
        format!("path.logs: {folder}/logs"),
        // A full disk would make indices read-only.
        "cluster.routing.allocation.disk.threshold_enabled: false".into(),
    ];
    let has_security = !release.is_opensearch() && release.version != "6.6.1";
    if has_security && !settings.iter().any(|line| line.starts_with("xpack.security.enabled")) {
        lines.push("xpack.security.enabled: false".into());
    }
    if release.version == "6.8.23" {
        lines.push("xpack.ml.enabled: false".into());
    }
    lines.extend(settings.iter().map(|line| (*line).to_string()));
    lines.join("\n") + "\n"
}

/// The distribution's options without those for large heaps, for a garbage collector that Java no
/// longer has, and for files in the distribution; and with ours.
fn jvm_options(shipped: &str) -> String {
    let unwanted =
        ["-Xms", "-Xmx", "AlwaysPreTouch", "ConcMarkSweep", "CMS", "HeapDump", "ErrorFile", "gc.log", "-Xlog:gc"];
    let kept = shipped.lines().filter(|line| !unwanted.iter().any(|word| line.contains(word)));
    let ours = ["-Xms256m", "-Xmx512m", "-XX:-AlwaysPreTouch", "-XX:TieredStopAtLevel=1"];
    kept.chain(ours).collect::<Vec<_>>().join("\n") + "\n"
}

/// Starts the server's process. A line on its standard input stops it; the end of that input stops
/// it and removes its folder, so that it never outlives the test, whatever happens to that. A shell
/// waits for either and signals the process, whose number stays the same through `exec`.
fn launch(release: &Release, distribution: &Path, java: &Path, folder: &Path) -> Result<Child, String> {
    let upper = release.product.to_uppercase();
    let prefix = if release.is_opensearch() { upper.as_str() } else { "ES" };
    let drop_root = if fetch::is_root() {
        format!("setpriv --reuid={NOBODY} --regid={NOBODY} --clear-groups -- ")
    } else {
        String::new()
    };
    let gone = "while kill -0 $$ 2>/dev/null; do sleep 0.2; done";
    let watch = format!(r#"if read end <&3; then kill $$; else kill $$; {gone}; rm -rf "$1"; fi"#);
    let script = format!(r#"exec 3<&0; ({watch}) 2>/dev/null & exec {drop_root}"$0" </dev/null 3<&-"#);
    let output = fs::File::create(folder.join("output")).map_err(|error| error.to_string())?;
    let mut command = Command::new("sh");
    command.arg("-c").arg(script).arg(distribution.join("bin").join(release.product)).arg(folder);
    command.current_dir(distribution).stdin(Stdio::piped());
    command.stdout(output.try_clone().map_err(|error| error.to_string())?).stderr(output);
    command.env_remove("JAVA_TOOL_OPTIONS").env("JAVA_HOME", java).env(format!("{prefix}_JAVA_HOME"), java);
    command.env(format!("{prefix}_PATH_CONF"), folder.join("config"));
    command.env(format!("{prefix}_TMPDIR"), folder.join("tmp"));
    command.spawn().map_err(|error| format!("cannot start it: {error}"))
}

fn copy_tree(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_tree(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// Gives a folder and all in it to the user that the server runs as.
pub fn give_away(path: &Path) -> std::io::Result<()> {
    std::os::unix::fs::chown(path, Some(NOBODY), Some(NOBODY))?;
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            give_away(&entry?.path())?;
        }
    }
    Ok(())
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
