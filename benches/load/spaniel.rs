//! The real binary in a process of its own.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::protocol::Protocol;

/// The flags of the listeners beside Zipkin's, and where they listen if no load goes there.
const LISTENERS: [(&str, &str); 8] = [
    ("collector.http-server.host-port", "127.0.0.1:0"),
    ("collector.grpc-server.host-port", "127.0.0.1:0"),
    ("collector.otlp.grpc.host-port", "127.0.0.1:0"),
    ("collector.otlp.http.host-port", "127.0.0.1:0"),
    ("query.http-server.host-port", "127.0.0.1:0"),
    ("processor.jaeger-compact.server-host-port", "off"),
    ("processor.jaeger-binary.server-host-port", "off"),
    ("http-server.host-port", "off"),
];

/// A running Spaniel, killed when dropped.
#[derive(Debug)]
pub(crate) struct Spaniel {
    process: Child,
    /// host:port of the Zipkin listener.
    pub(crate) zipkin: String,
    /// host:port of the listener of the protocol that it was started for.
    pub(crate) address: String,
    admin: String,
    _spool: tempfile::TempDir,
}

impl Spaniel {
    /// Starts it with Elasticsearch at `store` and waits until it is ready.
    pub(crate) fn start(store: &str, flags: &[String]) -> Result<Self> {
        Spaniel::start_for(Protocol::ZipkinJson, store, flags)
    }

    /// The same for a load of another protocol.
    pub(crate) fn start_for(protocol: Protocol, store: &str, flags: &[String]) -> Result<Self> {
        let (zipkin, other, admin) = (free_address()?, free_address()?, free_address()?);
        let is_zipkin = protocol.listener() == Protocol::ZipkinJson.listener();
        let address = if is_zipkin { zipkin.clone() } else { other };
        let at = |listener, usual| if listener == protocol.listener() { address.as_str() } else { usual };
        let spool = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
        let process = Command::new(env!("CARGO_BIN_EXE_spaniel"))
            .env("SPAN_STORAGE_TYPE", "elasticsearch")
            .arg(format!("--es.server-urls={store}"))
            .arg(format!("--collector.zipkin.host-port={zipkin}"))
            .arg(format!("--admin.http.host-port={admin}"))
            .args(LISTENERS.map(|(listener, usual)| format!("--{listener}={}", at(listener, usual))))
            .arg(format!("--spool.directory={}", spool.path().display()))
            .arg("--log-level=warn")
            .args(flags)
            .stdin(Stdio::null())
            .stderr(if std::env::var_os("SPANIEL_BENCH_LOG").is_some() { Stdio::inherit() } else { Stdio::null() })
            .spawn()
            .context("cannot start the binary")?;
        let mut spaniel = Spaniel { process, zipkin, address, admin, _spool: spool };
        spaniel.wait_until_ready()?;
        Ok(spaniel)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        let deadline = Instant::now() + Duration::from_secs(30);
        while Instant::now() < deadline {
            if let Some(status) = self.process.try_wait()? {
                bail!("the binary stopped at start: {status}");
            }
            let ready = reqwest::blocking::get(format!("http://{}/ready", self.admin));
            if ready.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        bail!("the binary was not ready within 30 s")
    }

    /// The sum of a metric's series.
    pub(crate) fn metric(&self, name: &str) -> Result<f64> {
        let text = reqwest::blocking::get(format!("http://{}/metrics", self.admin))?.text()?;
        let lines = text.lines().filter(|line| line.split([' ', '{']).next() == Some(name));
        Ok(lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum())
    }

    /// Waits until nothing is held any more; returns the books.
    pub(crate) fn wait_until_settled(&self) -> Result<serde_json::Value> {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let books: serde_json::Value = reqwest::blocking::get(format!("http://{}/books", self.admin))?.json()?;
            let pages = books["spans"].as_object().context("no pages in /books")?;
            if pages.values().all(|page| page["held"] == 0) && books["serviceDocuments"]["held"] == 0 {
                return Ok(books);
            }
            if Instant::now() > deadline {
                bail!("not settled within 60 s: {books}");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Spaniel {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_address() -> Result<String> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}
