//! A server for tests that says what it is told to say, over plain sockets or TLS.

use std::collections::{HashSet, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::response::Response;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use tokio::net::TcpListener;

/// What came in.
#[derive(Debug, Clone)]
pub(super) struct Heard {
    /// The other end of the connection; over TLS not known.
    pub(super) from: Option<SocketAddr>,
    pub(super) method: String,
    /// Path and query.
    pub(super) target: String,
    pub(super) headers: http::HeaderMap,
    pub(super) body: Bytes,
}

/// A fake server on a port of its own; it lives until it is dropped.
#[derive(Debug)]
pub(super) struct Fake {
    pub(super) address: SocketAddr,
    state: Arc<Script>,
    task: tokio::task::JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Script {
    heard: Mutex<Vec<Heard>>,
    /// Answers to bulk requests, the next one first; with none left all is created.
    bulk: Mutex<VecDeque<(u16, String)>>,
    greeting: Mutex<Option<(u16, String)>>,
    templates: Mutex<Option<u16>>,
    aliases: Mutex<Option<(u16, String)>>,
    /// Paths of what is not there.
    missing: Mutex<HashSet<String>>,
    /// Bytes of the largest bulk request that is taken.
    largest: Mutex<Option<usize>>,
}

impl Fake {
    pub(super) async fn start() -> Self {
        Fake::start_at(([127, 0, 0, 1], 0).into()).await
    }

    pub(super) async fn start_at(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(Script::default());
        let router = router(state.clone());
        let task = tokio::spawn(async move {
            axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>()).await.expect("serves")
        });
        Fake { address, state, task }
    }

    /// The same over TLS.
    pub(super) async fn start_tls(config: rustls::ServerConfig) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(Script::default());
        let router = router(state.clone());
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.expect("a connection");
                let (acceptor, router) = (acceptor.clone(), router.clone());
                tokio::spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    let service = hyper_util::service::TowerToHyperService::new(router);
                    let http = hyper::server::conn::http1::Builder::new();
                    let _ = http.serve_connection(hyper_util::rt::TokioIo::new(stream), service).await;
                });
            }
        });
        Fake { address, state, task }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(super) fn heard(&self) -> Vec<Heard> {
        self.state.heard.lock().expect("sound").clone()
    }

    /// Answers the next bulk request so.
    pub(super) fn answer_bulk(&self, status: u16, body: &str) {
        self.state.bulk.lock().expect("sound").push_back((status, body.to_string()));
    }

    /// Answers 413 to larger bulk requests.
    pub(super) fn take_at_most(&self, bytes: usize) {
        *self.state.largest.lock().expect("sound") = Some(bytes);
    }

    /// Answers so to `GET /_alias/…`.
    pub(super) fn answer_aliases(&self, status: u16, body: &str) {
        *self.state.aliases.lock().expect("sound") = Some((status, body.to_string()));
    }

    /// Answers 404 to `HEAD` of this path.
    pub(super) fn lack(&self, path: &str) {
        self.state.missing.lock().expect("sound").insert(path.to_string());
    }

    pub(super) fn greet_with(&self, status: u16, body: &str) {
        *self.state.greeting.lock().expect("sound") = Some((status, body.to_string()));
    }

    pub(super) fn answer_templates(&self, status: u16) {
        *self.state.templates.lock().expect("sound") = Some(status);
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn router(state: Arc<Script>) -> Router {
    Router::new().fallback(answer).with_state(state)
}

async fn answer(State(script): State<Arc<Script>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    let target = head.uri.to_string();
    let (status, text) = script.say(&head, &target, &body);
    let from = head.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0);
    let heard = Heard { from, method: head.method.to_string(), target, headers: head.headers, body };
    script.heard.lock().expect("sound").push(heard);
    Response::builder().status(status).body(Body::from(text)).expect("a response")
}

impl Script {
    fn say(&self, head: &http::request::Parts, target: &str, body: &[u8]) -> (u16, String) {
        if target.starts_with("/_bulk") {
            if self.largest.lock().expect("sound").is_some_and(|largest| body.len() > largest) {
                return (413, String::new());
            }
            return self.bulk.lock().expect("sound").pop_front().unwrap_or_else(|| (200, all_created(body)));
        }
        if head.method == http::Method::PUT {
            return (self.templates.lock().expect("sound").unwrap_or(200), r#"{"acknowledged":true}"#.into());
        }
        if head.method == http::Method::HEAD {
            let there = !self.missing.lock().expect("sound").contains(target);
            return (if there { 200 } else { 404 }, String::new());
        }
        if target.starts_with("/_alias") {
            return self.aliases.lock().expect("sound").clone().unwrap_or_else(|| (404, "{}".into()));
        }
        let greeting = self.greeting.lock().expect("sound").clone();
        greeting.unwrap_or_else(|| (200, r#"{"version":{"number":"8.19.21"},"tagline":"You Know, for Search"}"#.into()))
    }
}

/// The answer to a bulk request all of whose items are new.
fn all_created(body: &[u8]) -> String {
    let actions = body.split(|&byte| byte == b'\n').step_by(2).filter(|line| !line.is_empty());
    let items: Vec<_> = actions
        .map(|line| if line.starts_with(br#"{"create"#) { "create" } else { "index" })
        .map(|action| format!(r#"{{"{action}":{{"status":201}}}}"#))
        .collect();
    format!(r#"{{"errors":false,"items":[{}]}}"#, items.join(","))
}
