//! The memory of the process stays under `--memory.limit`, whatever arrives: anonymous and shared
//! memory, at every moment at which we look, is at most the limit and a twentieth.
//!
//! `SPANIEL_MEMORY_LIMIT=512` tests with so many MiB instead of 64.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::made;
use crate::spaniel::{Spaniel, Start, until};
use crate::stand_in::StandIn;

/// Bytes of `--memory.limit`.
fn limit() -> u64 {
    std::env::var("SPANIEL_MEMORY_LIMIT").map_or(64, |text| text.parse().unwrap()) << 20
}

fn limited(start: Start) -> Start {
    limited_to(limit(), start)
}

fn limited_to(limit: u64, start: Start) -> Start {
    start.flags(&[&format!("--memory.limit={limit}")])
}

/// Looks at a process's memory all the time.
struct Watch {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<u64>,
}

impl Watch {
    fn begin(spaniel: &Spaniel) -> Self {
        let status = format!("/proc/{}/status", spaniel.id());
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            let mut most = 0;
            while !stopped.load(Ordering::Relaxed) {
                most = most.max(resident(&std::fs::read_to_string(&status).unwrap_or_default()));
                std::thread::sleep(Duration::from_millis(2));
            }
            most
        });
        Watch { stop, thread }
    }

    /// The most that was seen, which must be under the limit.
    fn end(self, what: &str) {
        self.end_under(limit(), what);
    }

    fn end_under(self, limit: u64, what: &str) {
        self.stop.store(true, Ordering::Relaxed);
        let most = self.thread.join().unwrap();
        eprintln!("{what}: at most {:.1} MiB of {}", most as f64 / f64::from(1 << 20), limit >> 20);
        assert!(most > 0, "nothing was seen");
        assert!(most <= limit + limit / 20, "{what}: {most} bytes are over the limit of {limit}");
    }
}

/// Anonymous and shared memory, in bytes.
fn resident(status: &str) -> u64 {
    let of = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().trim_end_matches(" kB").parse::<u64>().ok()
    };
    (of("RssAnon:").unwrap_or(0) + of("RssShmem:").unwrap_or(0)) * 1024
}

/// Many senders at once, with bodies of all sizes, some times the limit in all. Returns how many
/// spans were accepted.
fn flood(spaniel: &Spaniel, times: u64) -> u64 {
    let (sent, accepted, numbers) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..24 {
            scope.spawn(|| {
                while sent.load(Ordering::Relaxed) < times * limit() {
                    let number = numbers.fetch_add(1, Ordering::Relaxed) + 1;
                    let (spans, text) =
                        [(5, 400), (100, 300), (1_000, 200), (20, 40_000), (3, 10)][number as usize % 5];
                    let body = made::request(number, spans, text);
                    sent.fetch_add(body.len() as u64, Ordering::Relaxed);
                    let post = spaniel.client().post(spaniel.url("zipkin", "/api/v2/spans")).body(body);
                    // A connection that there is no memory for is closed.
                    let Ok(answer) = post.send() else { continue };
                    let status = answer.status().as_u16();
                    assert!([202, 503].contains(&status), "{status}");
                    accepted.fetch_add(if status == 202 { spans } else { 0 }, Ordering::Relaxed);
                }
            });
        }
    });
    accepted.into_inner()
}

#[test]
fn memory_stays_under_its_limit_while_the_store_is_well() {
    let store = StandIn::nodes(1);
    store.up(0);
    let spaniel = limited(Start::elasticsearch(&store.urls(), "well")).run();
    let watch = Watch::begin(&spaniel);
    let accepted = flood(&spaniel, 4);
    let books = spaniel.settled_books();
    watch.end("store well");
    assert_eq!(books["spans"]["zipkin-json"]["received"], accepted);
    assert_eq!(store.spans().len() as u64, accepted);
}

#[test]
fn memory_stays_under_its_limit_while_the_store_is_away_and_when_it_is_back() {
    let store = StandIn::nodes(1);
    let spaniel = limited(Start::elasticsearch(&store.urls(), "away")).run();
    let watch = Watch::begin(&spaniel);
    let accepted = flood(&spaniel, 3);
    store.up(0);
    spaniel.settled_books();
    watch.end("store away, then back");
    assert_eq!(store.spans().len() as u64, accepted);
}

#[test]
fn memory_stays_under_its_limit_while_the_store_is_away_and_nothing_goes_to_disk() {
    let store = StandIn::nodes(1);
    let spaniel = limited(Start::elasticsearch(&store.urls(), "off").flags(&["--spool.sync=off"])).run();
    let watch = Watch::begin(&spaniel);
    let accepted = flood(&spaniel, 3);
    store.up(0);
    spaniel.settled_books();
    watch.end("store away, in memory");
    assert_eq!(store.spans().len() as u64, accepted);
}

/// The embedded store's index writers work in some 50 MiB that nobody can charge: under 128 MiB the
/// limit may be passed.
#[test]
fn memory_stays_under_its_limit_with_the_embedded_store() {
    let limit = 2 * limit();
    let spaniel = limited_to(limit, Start::embedded()).run();
    let watch = Watch::begin(&spaniel);
    flood(&spaniel, 4);
    spaniel.settled_books();
    watch.end_under(limit, "embedded store");
}

/// What a hostile connection sends, and leaves open.
fn hostile(number: usize) -> Vec<u8> {
    let head = |rest: &str| format!("POST /api/v2/spans HTTP/1.1\r\nhost: h\r\n{rest}").into_bytes();
    match number % 6 {
        // A head that does not end.
        0 => [head("x-long: "), vec![b'a'; 60_000]].concat(),
        // A body that does not end, most of its first part large.
        1 => [head("content-length: 4000000\r\n\r\n["), vec![b' '; 200_000]].concat(),
        // A chunked one.
        2 => {
            let chunk = [b"10000\r\n".to_vec(), vec![b' '; 0x10000], b"\r\n".to_vec()].concat();
            [head("transfer-encoding: chunked\r\n\r\n"), chunk.clone(), chunk].concat()
        }
        // Half of a bomb: a megabyte of zeros in a thousand bytes.
        3 => {
            let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
            gzip.write_all(&vec![b' '; 30 << 20]).unwrap();
            let bomb = gzip.finish().unwrap();
            [head(&format!("content-encoding: gzip\r\ncontent-length: {}\r\n\r\n", bomb.len())), bomb].concat()
        }
        // Many requests at once, whose answers nobody reads.
        4 => b"GET /health HTTP/1.1\r\nhost: h\r\n\r\n".repeat(3_000),
        // HTTP/2 that says hello, and many settings.
        _ => [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"[..], &b"\0\0\0\x04\0\0\0\0\0".repeat(5_000)]
            .concat(),
    }
}

#[test]
fn memory_stays_under_its_limit_on_a_thousand_hostile_connections() {
    withstand(limit());
}

/// Where bodies may be larger, there is more that moves.
#[test]
fn memory_stays_under_a_larger_limit_on_a_thousand_hostile_connections() {
    withstand(512 << 20);
}

fn withstand(limit: u64) {
    let store = StandIn::nodes(1);
    store.up(0);
    let spaniel = limited_to(limit, Start::elasticsearch(&store.urls(), "hostile")).run();
    let watch = Watch::begin(&spaniel);
    let held: Vec<Option<TcpStream>> = (0..1_000)
        .map(|number| {
            let mut stream = TcpStream::connect(spaniel.address("zipkin")).ok()?;
            // What is not taken within that time is not taken at all; a refusal is as good.
            stream.set_write_timeout(Some(Duration::from_millis(20))).unwrap();
            let _ = stream.write_all(&hostile(number));
            Some(stream)
        })
        .collect();
    let accepted = flood(&spaniel, 1);
    drop(held);
    until("a good sender is heard", || {
        let mut stream = TcpStream::connect(spaniel.address("zipkin")).ok()?;
        stream.write_all(b"GET /health HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        answer.starts_with("HTTP/1.1 200").then_some(())
    });
    spaniel.settled_books();
    watch.end_under(limit, "a thousand hostile connections");
    assert!(store.spans().len() as u64 >= accepted, "what was answered is there");
}
