//! A server on a free port over a pipeline that remembers what it was given.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use spaniel::clock::Clock;
use spaniel::decode::Unreadable;
use spaniel::memory::{Budget, Reservation};
use spaniel::pipeline::{Protocol, Rejected, Taken};
use spaniel::receive::{BodyReader, Reception, Server, Take, bind, grpc, jaeger_http, otlp_http, zipkin};
use spaniel::sample::strategies::StrategiesHandle;
use spaniel::settings::{Age, Connections, Cors, Limits};
use spaniel::span::{Reason, Refusal};
use spaniel::telemetry::health::Health;
use spaniel::telemetry::metrics::{Identity, Metrics, Source};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

/// Remembers bodies; answers by what they say.
#[derive(Debug)]
pub(crate) struct Memo {
    pub(crate) taken: Mutex<Vec<(Protocol, Bytes)>>,
    /// A request is answered when it gets a permit.
    pub(crate) permits: Semaphore,
}

impl Take for Memo {
    async fn take(&self, protocol: Protocol, body: Bytes, reservation: Reservation) -> Result<Taken, Rejected> {
        assert!(reservation.bytes() >= body.len(), "a body must be charged");
        let answer = match &body[..] {
            b"bad" => Err(Unreadable { offset: 0, what: "not a list", limit: None }.into()),
            b"none" => Err(Rejected::NothingReadable { refused: 2, what: "id is no hex", offset: 9 }),
            b"full" => Err(Rejected::NotNow),
            b"some" => {
                let first = Refusal { reason: Reason::TraceId, offset: 9, what: "the trace id is zero" };
                let refused = [("limit", 1), ("trace-id", 1)].into();
                Ok(Taken { accepted: 1, refused, first_refusal: Some(first) })
            }
            _ => Ok(Taken { accepted: 1, ..Taken::default() }),
        };
        self.taken.lock().unwrap().push((protocol, body));
        self.permits.acquire().await.unwrap().forget();
        answer
    }
}

/// What a sender hears of the spans of `some`.
pub(crate) const LEFT_OUT: &str = "2 of 3 spans were left out (limit 1, trace-id 1; the first: the trace id is zero at \
                                   byte 9): sending them again will not help";

/// What is served, and what it may be asked.
pub(crate) struct House {
    pub(crate) server: Arc<Server>,
    pub(crate) memo: Arc<Memo>,
    pub(crate) budget: Arc<Budget>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) health: Arc<Health>,
    /// What its clients are told.
    pub(crate) strategies: StrategiesHandle,
    pub(crate) zipkin: SocketAddr,
    pub(crate) jaeger: SocketAddr,
    /// OTLP over HTTP, open to pages of one origin.
    pub(crate) otlp: SocketAddr,
    pub(crate) jaeger_grpc: SocketAddr,
    pub(crate) otlp_grpc: SocketAddr,
}

/// Memory of a house; the largest body is an eighth of it.
pub(crate) const MEMORY: usize = 8 << 20;

/// The largest message of Jaeger over gRPC; that of OTLP is as large as a body may be.
pub(crate) const LARGEST_MESSAGE: usize = 100_000;

impl House {
    /// A house with patience: nothing times out while a test runs.
    pub(crate) async fn new() -> House {
        House::with(patient()).await
    }

    pub(crate) async fn with(connections: Connections) -> House {
        let memo = Arc::new(Memo { taken: Mutex::default(), permits: Semaphore::new(1_000_000) });
        let budget = Budget::new(MEMORY);
        let sources = [Source { format: "zipkin", transport: "http" }];
        let metrics = Arc::new(Metrics::new(&Identity::default(), &sources));
        let health = Arc::new(Health::new(Clock::System));
        health.set_up();
        let bodies = BodyReader::new(budget.clone(), &Limits::default(), &connections);
        let reception = Reception { take: memo.clone(), bodies, metrics: metrics.clone() };
        let age = connections.age;
        let strategies = StrategiesHandle::default();
        let server = Server::new(connections, metrics.clone(), budget.clone());
        let bound = [(); 5].map(|()| bind("a port", "--its.flag", "127.0.0.1:0").unwrap());
        let [zipkin, jaeger, jaeger_grpc, otlp_grpc, otlp] = bound.each_ref().map(|bound| bound.address());
        let [zipkin_bound, jaeger_bound, jaeger_grpc_bound, otlp_grpc_bound, otlp_bound] = bound;
        let cors = Cors { origins: vec!["https://*.Shop.example".into()], headers: vec!["x-tenant".into()] };
        server.serve(otlp_bound, otlp_http::router(reception.clone(), &cors));
        server.serve(zipkin_bound, zipkin::router(reception.clone(), health.clone()));
        server.serve(jaeger_bound, jaeger_http::router(reception.clone(), strategies.clone()));
        let calls = grpc::jaeger(&reception, LARGEST_MESSAGE, health.clone(), strategies.clone());
        server.serve_to_age(jaeger_grpc_bound, calls, age);
        server.serve_to_age(otlp_grpc_bound, grpc::otlp(&reception, 4 << 20), age);
        House { server, memo, budget, metrics, health, strategies, zipkin, jaeger, jaeger_grpc, otlp_grpc, otlp }
    }

    /// Lets no request be answered until permits are given.
    pub(crate) fn hold_answers(&self) {
        self.memo.permits.forget_permits(usize::MAX);
    }

    pub(crate) fn bodies(&self) -> Vec<Bytes> {
        self.memo.taken.lock().unwrap().iter().map(|(_, body)| body.clone()).collect()
    }

    /// Waits until so many bodies have reached the pipeline.
    pub(crate) async fn until_taken(&self, bodies: usize) {
        while self.memo.taken.lock().unwrap().len() < bodies {
            tokio::task::yield_now().await;
        }
    }

    /// Waits until nothing is charged any more: bodies are gone, and so are connections.
    pub(crate) async fn until_free(&self) {
        while self.budget.used() > 0 {
            tokio::task::yield_now().await;
        }
    }

    /// Waits until a line is in the metrics.
    pub(crate) async fn until_metric(&self, line: &str) {
        while !self.metrics.text().lines().any(|found| found == line) {
            tokio::task::yield_now().await;
        }
    }
}

pub(crate) fn patient() -> Connections {
    let hour = Duration::from_secs(3600);
    let age = Age { max: hour, grace: Duration::ZERO };
    Connections {
        max: 100,
        handshake_timeout: hour,
        header_timeout: hour,
        body_timeout: hour,
        idle_timeout: hour,
        age,
        ..Connections::default()
    }
}

/// An answer as it came over the wire.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) status: u16,
    pub(crate) headers: String,
    /// Bytes that are no text are U+FFFD in it.
    pub(crate) body: String,
    pub(crate) bytes: Vec<u8>,
}

impl Heard {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.headers.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }
}

/// A connection on which bytes are written by hand.
pub(crate) struct Wire {
    pub(crate) stream: TcpStream,
    unread: Vec<u8>,
}

impl Wire {
    pub(crate) async fn to(address: SocketAddr) -> Wire {
        Wire { stream: TcpStream::connect(address).await.unwrap(), unread: Vec::new() }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    /// The next answer of HTTP/1.1, which must have a `content-length`.
    pub(crate) async fn hear(&mut self) -> Heard {
        let end = loop {
            if let Some(at) = self.unread.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            assert!(self.more().await, "closed before an answer: {:?}", String::from_utf8_lossy(&self.unread));
        };
        let headers = String::from_utf8(self.unread.drain(..end).collect()).unwrap();
        let status = headers.split(' ').nth(1).unwrap().parse().unwrap();
        let mut heard = Heard { status, headers, body: String::new(), bytes: Vec::new() };
        let length = heard.header("content-length").map_or(0, |length| length.parse().unwrap());
        while self.unread.len() < length {
            assert!(self.more().await, "closed in the middle of a body");
        }
        heard.bytes = self.unread.drain(..length).collect();
        heard.body = String::from_utf8_lossy(&heard.bytes).into_owned();
        heard
    }

    /// Waits for the other side to close; what came before that.
    pub(crate) async fn closed(&mut self) -> String {
        while self.more().await {}
        String::from_utf8(std::mem::take(&mut self.unread)).unwrap()
    }

    /// Reads on; false at the end or after a reset.
    async fn more(&mut self) -> bool {
        let mut buffer = [0; 4096];
        let read = self.stream.read(&mut buffer).await.unwrap_or(0);
        self.unread.extend_from_slice(&buffer[..read]);
        read > 0
    }
}

/// A request of HTTP/1.1 with a length.
pub(crate) fn post(path: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n{headers}\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// One request on a connection of its own.
pub(crate) async fn ask(address: SocketAddr, request: impl AsRef<[u8]>) -> Heard {
    let mut wire = Wire::to(address).await;
    wire.send(request).await;
    wire.hear().await
}
