//! Copies for a second collector: what one takes is in both, and whatever the second does, the first
//! one takes and stores as if it were alone.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes};
use spaniel::clock::Clock;
use spaniel::settings::{Embedded, Indices};
use spaniel::store::embedded::EmbeddedStore;
use spaniel::store::{Reader as _, Search};
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

use crate::bodies;
use crate::jaeger_golden::data;
use crate::made::request;
use crate::spaniel::{Spaniel, Start, folder, until};
use crate::stand_in::free_port;

/// The sum of a metric over the series that hold these words.
fn metric(spaniel: &Spaniel, name: &str, words: &str) -> u64 {
    let text = spaniel.get("admin", "/metrics").text().unwrap();
    let lines = text.lines().filter(|line| line.split(['{', ' ']).next() == Some(name) && line.contains(words));
    lines.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
}

fn copies(spaniel: &Spaniel) -> [u64; 3] {
    ["copies", "sent", "dropped"].map(|what| metric(spaniel, &format!("spaniel_forward_{what}_total"), ""))
}

/// The copies, sent and dropped, as soon as none waits.
fn settled_copies(spaniel: &Spaniel) -> [u64; 3] {
    until("no copy waits", || {
        let [due, sent, dropped] = copies(spaniel);
        (due == sent + dropped && metric(spaniel, "spaniel_forward_waiting_bytes", "") == 0)
            .then_some([due, sent, dropped])
    })
}

/// Requests of Zipkin spans, all of which are taken and stored, whatever becomes of their copies.
fn check_untouched(spaniel: &Spaniel, requests: u64) {
    let books = spaniel.settled_books();
    let page = &books["spans"]["zipkin-json"];
    assert_eq!((&page["received"], &page["stored"]), (&requests.into(), &requests.into()), "{books}");
    assert_eq!(spaniel.json("admin", "/ready")["ready"], true);
}

fn lines_of_log(spaniel: &Spaniel, words: &str) -> usize {
    spaniel.log().lines().filter(|line| line.contains(words)).count()
}

const FAILS: &str = "copies cannot be forwarded";
const WORKS: &str = "copies are forwarded again";

/// A second collector that answers as it is told: with a status, or (0) not at all.
pub(crate) struct Second {
    pub(crate) address: String,
    status: Arc<AtomicU16>,
    requests: Arc<AtomicUsize>,
}

impl Second {
    pub(crate) fn start(status: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (status, requests) = (Arc::new(AtomicU16::new(status)), Arc::new(AtomicUsize::new(0)));
        let shared = (status.clone(), requests.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (status, requests) = shared.clone();
                std::thread::spawn(move || serve(&stream, &status, &requests));
            }
        });
        Second { address, status, requests }
    }

    fn flag(&self) -> String {
        format!("--forward.zipkin.url=http://{}", self.address)
    }
}

fn serve(stream: &TcpStream, status: &AtomicU16, requests: &AtomicUsize) -> Option<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            let line = line.trim().to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
            if line.is_empty() {
                break;
            }
        }
        reader.read_exact(&mut vec![0; length]).ok()?;
        requests.fetch_add(1, Ordering::SeqCst);
        match status.load(Ordering::SeqCst) {
            0 => std::thread::park(),
            status => write!(&*stream, "HTTP/1.1 {status} As Told\r\ncontent-length: 0\r\n\r\n").ok()?,
        }
    }
}

/// Messages of gRPC as bytes.
#[derive(Clone, Copy)]
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = ();
    type Encoder = Raw;
    type Decoder = Raw;
    fn encoder(&mut self) -> Raw {
        Raw
    }
    fn decoder(&mut self) -> Raw {
        Raw
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = tonic::Status;
    fn encode(&mut self, message: Bytes, out: &mut EncodeBuf<'_>) -> Result<(), tonic::Status> {
        out.put(message);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = ();
    type Error = tonic::Status;
    fn decode(&mut self, message: &mut DecodeBuf<'_>) -> Result<Option<()>, tonic::Status> {
        message.advance(message.remaining());
        Ok(Some(()))
    }
}

/// Sends captured messages by gRPC, whatever becomes of each; tells how many were taken.
fn call(spaniel: &Spaniel, listener: &str, path: &'static str, messages: &[Vec<u8>]) -> usize {
    let address = spaniel.url(listener, "");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let channel = tonic::transport::Endpoint::from_shared(address).unwrap().connect().await.unwrap();
        let mut client = tonic::client::Grpc::new(channel);
        let mut taken = 0;
        for message in messages {
            client.ready().await.unwrap();
            let path = http::uri::PathAndQuery::from_static(path);
            let request = tonic::Request::new(Bytes::from(message.clone()));
            taken += usize::from(client.unary(request, path, Raw).await.is_ok());
        }
        taken
    })
}

fn files(folder: &str, extension: &str) -> Vec<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(folder);
    let mut names: Vec<_> = std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    let names = names.iter().map(|name| name.to_str().unwrap()).filter(|name| name.ends_with(extension));
    let all: Vec<_> = names.map(|name| data(&format!("{folder}/{name}"))).collect();
    assert!(!all.is_empty(), "{folder}");
    all
}

/// All spans of a store that nobody has open, each once.
fn all_spans(directory: &Path) -> BTreeSet<String> {
    let settings = Embedded {
        directory: directory.join("spaniel-data"),
        max_age: Duration::ZERO,
        max_bytes: 0,
        commit_interval: Duration::from_millis(5),
    };
    let store = EmbeddedStore::open(&settings, &Indices::default(), Clock::System).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let mut ids = BTreeSet::new();
        for service in store.services().await.unwrap() {
            let search = Search { service, end: u64::MAX, limit: 100_000, ..Search::default() };
            ids.extend(store.find_trace_ids(&search).await.unwrap().into_iter().map(|id| (id.high, id.low)));
        }
        let ids: Vec<_> = ids.into_iter().map(|(high, low)| spaniel::span::TraceId { high, low }).collect();
        let traces = store.traces(&ids).await.unwrap();
        traces.into_iter().flatten().map(|span| format!("{:?}", bodies::in_order(span))).collect()
    })
}

/// A first one that forwards everything to a second.
fn pair() -> (Spaniel, Spaniel) {
    let second = Start::embedded().run();
    let url = |name: &str, listener: &str| format!("--forward.{name}.url=http://{}", second.address(listener));
    let urls = [
        url("zipkin", "zipkin"),
        url("jaeger-http", "jaeger-thrift-http"),
        url("jaeger-grpc", "jaeger-grpc"),
        url("otlp", "otlp-http"),
    ];
    let first = Start::embedded().flags(&urls.each_ref().map(String::as_str)).run();
    (first, second)
}

#[test]
fn captured_bodies_of_every_protocol_are_the_same_in_both_stores() {
    let (first, second) = pair();
    bodies::send(&first, &bodies::all());
    bodies::of_other_formats().values().for_each(|bodies| bodies::send(&first, bodies));
    for (protocol, file) in crate::agent::PORTS {
        crate::agent::send(&first, protocol, file);
    }
    let post_spans = "/jaeger.api_v2.CollectorService/PostSpans";
    assert!(call(&first, "jaeger-grpc", post_spans, &files("jaeger/grpc", ".pb")) > 0);
    let export = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
    assert!(call(&first, "otlp-grpc", export, &files("jaeger/otlp-grpc", ".pb")) > 0);
    assert!(call(&first, "zipkin", "/zipkin.proto3.SpanService/Report", &files("envoy", ".pb")) > 0);
    for (extension, kind) in [(".pb", "application/x-protobuf"), (".json", "application/json")] {
        for body in files("jaeger/otlp", extension) {
            let post = first.client().post(first.url("otlp-http", "/v1/traces")).header("content-type", kind);
            post.body(body).send().unwrap();
        }
    }
    // A datagram's batch without its message, as it is posted over HTTP.
    let datagram = data("jaeger/udp-compact/trace.thrift");
    let batch = datagram.windows(9).position(|name| name == b"emitBatch").unwrap() + 9 + 1;
    let post = first.client().post(first.url("jaeger-thrift-http", "/api/traces"));
    let post = post.header("content-type", "application/vnd.apache.thrift.compact");
    assert_eq!(post.body(datagram[batch..].to_vec()).send().unwrap().status(), 202);
    let [due, sent, dropped] = settled_copies(&first);
    let unreadable = metric(&first, "spaniel_forward_dropped_total", "reason=\"unreadable\"");
    assert_eq!((sent, dropped), (due - unreadable, unreadable));
    for protocol in spaniel::pipeline::Protocol::ALL {
        let label = format!("protocol=\"{}\"", protocol.name());
        let of_it = metric(&first, "spaniel_forward_sent_total", &label);
        assert!(of_it > 0, "{label}");
    }
    let [books, copies] = [&first, &second].map(Spaniel::settled_books);
    let directories = [first.stop(), second.stop()];
    let [ours, theirs] = directories.each_ref().map(|directory| all_spans(directory.path()));
    let only_here: Vec<_> = ours.difference(&theirs).take(3).collect();
    let only_there: Vec<_> = theirs.difference(&ours).take(3).collect();
    assert!(ours.len() > 1500, "{}: {books}", ours.len());
    assert_eq!((only_here.len(), only_there.len()), (0, 0), "{only_here:#?}\n{only_there:#?}\n{books}\n{copies}");
}

#[test]
fn a_second_that_is_dead_costs_its_copies_and_nothing_else() {
    let url = format!("--forward.zipkin.url=http://127.0.0.1:{}", free_port());
    let spaniel = Start::embedded().flags(&[&url, "--forward.timeout=100ms"]).run();
    for number in 0..100 {
        assert_eq!(spaniel.post(request(number, 1, 0)).status(), 202);
    }
    check_untouched(&spaniel, 100);
    assert_eq!(settled_copies(&spaniel), [100, 0, 100]);
    assert_eq!(metric(&spaniel, "spaniel_forward_dropped_total", "reason=\"failed\""), 100);
    assert_eq!(metric(&spaniel, "spaniel_forward_failing", ""), 1);
    assert!(spaniel.json("admin", "/status")["forward"][0]["failing"].is_string());
    assert_eq!((lines_of_log(&spaniel, FAILS), lines_of_log(&spaniel, WORKS)), (1, 0), "{}", spaniel.log());
    spaniel.stop();
}

#[test]
fn a_second_that_never_answers_holds_no_more_memory_than_it_may() {
    let second = Second::start(0);
    let most = 1 << 20;
    let flags = [&second.flag(), "--forward.max-bytes=1MiB", "--forward.timeout=1h", "--memory.limit=192MiB"];
    let spaniel = Start::embedded().flags(&flags).run();
    for number in 0..200 {
        assert_eq!(spaniel.post(request(number, 1, 50_000)).status(), 202);
        let waiting = metric(&spaniel, "spaniel_forward_waiting_bytes", "");
        assert!(waiting <= most, "{waiting}");
    }
    check_untouched(&spaniel, 200);
    let [due, sent, dropped] = copies(&spaniel);
    let full = metric(&spaniel, "spaniel_forward_dropped_total", "reason=\"full\"");
    assert!(due == 200 && sent == 0 && full == dropped && full >= 200 - most / 50_000, "{due} {sent} {dropped} {full}");
    assert!(spaniel.peak() < 192 << 20, "{}", spaniel.peak());
    // What waits has a second at the end, and is counted.
    spaniel.stop();
}

#[test]
fn a_second_that_refuses_is_told_of_once_and_again_when_it_takes() {
    let second = Second::start(400);
    let spaniel = Start::embedded().flags(&[&second.flag()]).run();
    for number in 0..50 {
        assert_eq!(spaniel.post(request(number, 1, 0)).status(), 202);
    }
    assert_eq!(settled_copies(&spaniel), [50, 0, 50]);
    assert_eq!(metric(&spaniel, "spaniel_forward_dropped_total", "reason=\"refused\""), 50);
    assert_eq!((lines_of_log(&spaniel, FAILS), lines_of_log(&spaniel, WORKS)), (1, 0), "{}", spaniel.log());
    second.status.store(202, Ordering::SeqCst);
    let mut number = 50;
    until("copies are forwarded again", || {
        assert_eq!(spaniel.post(request(number, 1, 0)).status(), 202);
        number += 1;
        (metric(&spaniel, "spaniel_forward_failing", "") == 0).then_some(())
    });
    assert_eq!(settled_copies(&spaniel), [number, number - 50, 50]);
    assert_eq!((lines_of_log(&spaniel, FAILS), lines_of_log(&spaniel, WORKS)), (1, 1), "{}", spaniel.log());
    check_untouched(&spaniel, number);
    spaniel.stop();
}

#[test]
fn what_was_surely_not_taken_is_sent_again_and_nothing_else_is() {
    let second = Second::start(503);
    let spaniel = Start::embedded().flags(&[&second.flag(), "--forward.timeout=1h"]).run();
    assert_eq!(spaniel.post(request(1, 1, 0)).status(), 202);
    until("it is tried again", || (second.requests.load(Ordering::SeqCst) >= 2).then_some(()));
    second.status.store(202, Ordering::SeqCst);
    assert_eq!(settled_copies(&spaniel), [1, 1, 0]);
    second.status.store(500, Ordering::SeqCst);
    let before = second.requests.load(Ordering::SeqCst);
    assert_eq!(spaniel.post(request(2, 1, 0)).status(), 202);
    assert_eq!(settled_copies(&spaniel), [2, 1, 1]);
    assert_eq!(second.requests.load(Ordering::SeqCst), before + 1, "it may have been taken");
    // Neither what was refused nor what has no URL.
    assert_eq!(spaniel.post("no spans").status(), 400);
    let otlp = spaniel.client().post(spaniel.url("otlp-http", "/v1/traces"));
    let body = crate::made::Request::new(1, 1).body(crate::made::Protocol::Otlp);
    assert_eq!(otlp.header("content-type", "application/x-protobuf").body(body).send().unwrap().status(), 200);
    assert_eq!(settled_copies(&spaniel), [3, 1, 2]);
    assert_eq!(metric(&spaniel, "spaniel_forward_dropped_total", "reason=\"no-url\""), 1);
    spaniel.stop();
}

#[test]
fn copies_wait_for_a_second_that_starts_over_http_and_grpc() {
    let ports = [free_port(), free_port()];
    let forward = [
        format!("--forward.zipkin.url=http://127.0.0.1:{}", ports[0]),
        format!("--forward.jaeger-grpc.url=http://127.0.0.1:{}", ports[1]),
    ];
    let flags = [&forward[0], &forward[1], "--forward.timeout=1h"];
    let first = Start::embedded().flags(&flags.map(|flag| flag as &str)).run();
    assert_eq!(first.post(request(1, 3, 0)).status(), 202);
    let message = [data("jaeger/grpc/minimal.pb")];
    assert_eq!(call(&first, "jaeger-grpc", "/jaeger.api_v2.CollectorService/PostSpans", &message), 1);
    until("both are tried", || (metric(&first, "spaniel_forward_failing", "") == 2).then_some(()));
    let listen = [
        format!("--collector.zipkin.host-port=127.0.0.1:{}", ports[0]),
        format!("--collector.grpc-server.host-port=127.0.0.1:{}", ports[1]),
    ];
    let second = Start::embedded().flags(&listen.each_ref().map(String::as_str)).run();
    assert_eq!(settled_copies(&first), [2, 2, 0]);
    let books = second.settled_books();
    assert_eq!(
        (&books["spans"]["zipkin-json"]["stored"], &books["spans"]["jaeger-grpc"]["stored"]),
        (&3.into(), &1.into())
    );
    first.stop();
    second.stop();
}

#[test]
fn copies_go_over_tls_to_a_certificate_that_is_trusted_and_to_no_other() {
    let directory = folder();
    let path = |name: &str| directory.path().join(name).display().to_string();
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(vec!["127.0.0.1".into()]).unwrap().self_signed(&key).unwrap();
    std::fs::write(path("cert.pem"), certificate.pem()).unwrap();
    std::fs::write(path("key.pem"), key.serialize_pem()).unwrap();
    let tls = ["collector.zipkin", "collector.grpc"].map(|prefix| {
        ["enabled=true".to_string(), format!("cert={}", path("cert.pem")), format!("key={}", path("key.pem"))]
            .map(|option| format!("--{prefix}.tls.{option}"))
    });
    let second = Start::embedded().flags(&tls.iter().flatten().map(String::as_str).collect::<Vec<_>>()).run();
    let forward = [("zipkin", "zipkin"), ("jaeger-grpc", "jaeger-grpc")]
        .map(|(name, listener)| format!("--forward.{name}.url=https://{}", second.address(listener)));
    let trusted = format!("--forward.ca-file={}", path("cert.pem"));
    for (trust, expected) in [(trusted.as_str(), [2, 2, 0]), ("--forward.timeout=200ms", [2, 0, 2])] {
        let first = Start::embedded().flags(&[&forward[0], &forward[1], trust]).run();
        assert_eq!(first.post(request(1, 3, 0)).status(), 202);
        let message = [data("jaeger/grpc/minimal.pb")];
        assert_eq!(call(&first, "jaeger-grpc", "/jaeger.api_v2.CollectorService/PostSpans", &message), 1);
        assert_eq!(settled_copies(&first), expected, "{}", first.log());
        first.stop();
    }
    let books = second.settled_books();
    assert_eq!(
        (&books["spans"]["zipkin-json"]["received"], &books["spans"]["jaeger-grpc"]["received"]),
        (&3.into(), &1.into())
    );
    second.stop();
}

#[test]
fn two_that_name_each_other_send_each_copy_once() {
    let ports = [free_port(), free_port()];
    let start = |own: u16, other: u16| {
        let own = format!("--collector.zipkin.host-port=127.0.0.1:{own}");
        let other = format!("--forward.zipkin.url=http://127.0.0.1:{other}");
        Start::embedded().flags(&[&own, &other]).run()
    };
    let (one, other) = (start(ports[0], ports[1]), start(ports[1], ports[0]));
    assert_eq!(one.post(request(1, 3, 0)).status(), 202);
    assert_eq!(settled_copies(&one), [1, 1, 0]);
    for spaniel in [&one, &other] {
        assert_eq!(spaniel.settled_books()["spans"]["zipkin-json"]["received"], 3);
    }
    assert_eq!(other.get("admin", "/metrics").text().unwrap().matches("spaniel_forward_copies_total{").count(), 0);
    one.stop();
    other.stop();
}

#[test]
fn without_a_url_nothing_of_it_is_there() {
    let spaniel = Start::embedded().run();
    assert_eq!(spaniel.post(request(1, 1, 0)).status(), 202);
    let text = spaniel.get("admin", "/metrics").text().unwrap();
    assert!(!text.contains("spaniel_forward_copies_total{") && !text.contains("spaniel_forward_failing{"), "{text}");
    spaniel.stop();
    let ended = Start::embedded().flags(&["--forward.otlp.url=http://user:secret@otlp:4318"]).fails();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stdout.contains("without user and password") && !ended.stdout.contains("secret"), "{ended:?}");
}
