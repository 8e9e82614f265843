//! The pipe to the cluster: bytes out, bytes back.
//!
//! An HTTP client carries the bytes to one node; everything around it is ours. Each configured node
//! has a client of its own, requests go round robin, and a node that failed is set aside for a while
//! ([`Node`]). A request that a node did not take goes to the next one; a time-out does not, as the
//! time is spent, and neither does a large body that broke the connection, which may be too large
//! for every node. Every request has a time limit, and every answer a limit of bytes beyond which it
//! is not read; its bytes are charged to the memory limit. The system's proxy settings are not used.
//!
//! The client is the one that the official `elasticsearch` crate wraps. That crate gives an answer
//! only whole, and inflates what is gzipped though we ask for none: whoever answers in the cluster's
//! place could fill our memory.

mod credentials;
mod node;
mod reading;
mod tls;

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use reqwest::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue};

use crate::memory::Budget;
use crate::settings::Elasticsearch;
use credentials::Credentials;
use node::{Node, Standing};

/// The time limit of a request when none was set.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Bytes of the largest answer that is read.
const LARGEST_ANSWER: usize = 128 << 20;

/// Bytes of an answer to a bulk request: so many, and so many more for each item.
const BULK_ANSWER: usize = 1 << 20;
const BULK_ANSWER_ITEM: usize = 1 << 10;

/// From this size on it may be the size of a body that broke the connection: some servers and
/// proxies reset it instead of answering 413.
pub(super) const LARGE_BODY: usize = 64 << 10;

/// What a request does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Get,
    Head,
    Post,
    Put,
    Delete,
}

impl From<Method> for reqwest::Method {
    fn from(method: Method) -> Self {
        match method {
            Method::Get => reqwest::Method::GET,
            Method::Head => reqwest::Method::HEAD,
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
            Method::Delete => reqwest::Method::DELETE,
        }
    }
}

/// What an operator set cannot work: said at start, with the mend.
#[derive(Debug, thiserror::Error)]
pub enum ConnectionError {
    #[error("--es.server-urls is empty: name at least one URL, such as http://elasticsearch:9200")]
    NoServer,
    #[error("--es.server-urls: '{place}' is not a URL of the form http://host:9200: {cause}")]
    Url { place: String, cause: String },
    #[error("{setting}: cannot read {path}: {cause}")]
    File { setting: &'static str, path: String, cause: String },
    #[error("{setting} holds characters that no HTTP header can carry")]
    Header { setting: &'static str },
    #[error("{one} and {other} are both set: keep one of them")]
    TwoCredentials { one: &'static str, other: &'static str },
    #[error("--es.tls.cert and --es.tls.key belong together: set both or none")]
    HalfPair,
    #[error("{setting} cannot be used: {cause}")]
    Tls { setting: &'static str, cause: String },
    #[error(
        "--es.tls.server-name={name} differs from the host in --es.server-urls={place}, which cannot be checked: \
         name the server in the URL as its certificate does, or set --es.tls.skip-host-verify=true"
    )]
    ServerName { name: String, place: String },
}

/// No answer came from the cluster.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TransportError {
    #[error("{place} did not answer within {} s (--es.timeout)", .limit.as_secs_f64())]
    Timeout { place: String, limit: Duration },
    #[error("{place} cannot be reached: {cause}")]
    Unreachable { place: String, cause: String },
    #[error("the connection to {place} broke before its answer was there: {cause}")]
    Broken { place: String, cause: String },
    #[error("{place} answered with more than {limit} bytes")]
    TooLarge { place: String, limit: usize },
    #[error("there is no memory for the answer of {place} beyond its first {read} bytes (--memory.limit)")]
    NoMemory { place: String, read: usize },
    #[error("{place} answered in the encoding {encoding}, which we did not ask for")]
    Encoded { place: String, encoding: String },
}

impl TransportError {
    /// True if the request may have been carried out though no answer was read.
    pub fn is_unclear(&self) -> bool {
        !matches!(self, TransportError::Unreachable { .. })
    }
}

/// What the cluster answered.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub body: Bytes,
}

impl Answer {
    /// True for 2xx.
    pub fn is_good(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The beginning of the body, for logs.
    pub fn excerpt(&self) -> String {
        let text = String::from_utf8_lossy(&self.body);
        let end = text.char_indices().nth(300).map_or(text.len(), |(at, _)| at);
        text.get(..end).unwrap_or_default().trim().to_string()
    }
}

/// A request, as it goes to a node.
#[derive(Debug)]
struct Question<'a> {
    method: Method,
    /// Below the URL of the node.
    path: String,
    headers: HeaderMap,
    /// Not encoded yet.
    query: &'a [(&'a str, &'a str)],
    body: Option<Bytes>,
    /// Bytes of a good answer that are read.
    most: usize,
    /// What they are charged to.
    budget: &'a Arc<Budget>,
}

impl<'a> Question<'a> {
    /// Whether a node is there at all.
    fn probe(credentials: Option<HeaderValue>, budget: &'a Arc<Budget>) -> Self {
        let mut headers = headers("application/json");
        headers.extend(credentials.map(|value| (AUTHORIZATION, value)));
        Question { method: Method::Get, path: "./".into(), headers, query: &[], body: None, most: BULK_ANSWER, budget }
    }

    fn is_large(&self) -> bool {
        self.body.as_ref().is_some_and(|body| body.len() >= LARGE_BODY)
    }
}

/// The configured nodes of one cluster.
#[derive(Debug)]
pub struct Cluster {
    nodes: Vec<Arc<Node>>,
    next: AtomicUsize,
    credentials: Credentials,
    compress: bool,
    /// What answers are charged to.
    budget: Arc<Budget>,
}

impl Cluster {
    /// Reads certificates and credentials; connects to nothing.
    pub fn new(settings: &Elasticsearch) -> Result<Self, ConnectionError> {
        let timeout = if settings.timeout.is_zero() { TIMEOUT } else { settings.timeout };
        let certificates = Arc::new(tls::Certificates::read(&settings.tls)?);
        let urls = settings.server_urls.iter().map(|url| url.trim()).filter(|url| !url.is_empty());
        let nodes =
            urls.map(|url| Node::new(url, &certificates, timeout).map(Arc::new)).collect::<Result<Vec<_>, _>>()?;
        if nodes.is_empty() {
            return Err(ConnectionError::NoServer);
        }
        let credentials = Credentials::new(settings)?;
        Ok(Cluster {
            nodes,
            next: AtomicUsize::new(0),
            credentials,
            compress: settings.http_compression,
            budget: Budget::new(usize::MAX),
        })
    }

    /// With what answers are charged to; else there is no limit to all of them together.
    #[must_use]
    pub fn charged_to(self, budget: &Arc<Budget>) -> Self {
        Cluster { budget: budget.clone(), ..self }
    }

    /// Where the cluster is, without credentials.
    pub fn place(&self) -> String {
        self.nodes.iter().map(|node| node.place()).collect::<Vec<_>>().join(",")
    }

    /// Sends a bulk request of `items`: lines of JSON, each with its line feed. `query` as in
    /// [`Cluster::call`].
    pub async fn bulk(&self, query: &[(&str, &str)], body: Bytes, items: usize) -> Result<Answer, TransportError> {
        let mut headers = self.headers("application/x-ndjson").await;
        let body = if self.compress { compressed(body, &mut headers).await } else { body };
        let most = items.saturating_mul(BULK_ANSWER_ITEM).saturating_add(BULK_ANSWER).min(LARGEST_ANSWER);
        let (method, path, budget) = (Method::Post, "./_bulk".into(), &self.budget);
        self.send(&Question { method, path, headers, query, body: Some(body), most, budget }).await
    }

    /// Sends any other request; `path` is under the URL of the node, `query` is not encoded yet.
    pub async fn call(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        body: Option<Bytes>,
    ) -> Result<Answer, TransportError> {
        let headers = self.headers("application/json").await;
        // A first segment with a colon (another cluster's index) would be taken for a URL.
        let path = format!("./{}", path.trim_start_matches('/'));
        let (most, budget) = (LARGEST_ANSWER, &self.budget);
        self.send(&Question { method, path, headers, query, body, most, budget }).await
    }

    async fn headers(&self, content_type: &'static str) -> HeaderMap {
        let mut headers = headers(content_type);
        headers.extend(self.credentials.header().await.map(|value| (AUTHORIZATION, value)));
        headers
    }

    async fn send(&self, question: &Question<'_>) -> Result<Answer, TransportError> {
        let mut nodes = self.in_turn(question).into_iter();
        loop {
            let Some(node) = nodes.next() else {
                return Err(TransportError::Unreachable { place: self.place(), cause: "no node".into() });
            };
            match node.send(question).await {
                Err(TransportError::Unreachable { .. }) if nodes.len() > 0 => {}
                Err(TransportError::Broken { .. }) if nodes.len() > 0 && !question.is_large() => {}
                Ok(answer) => return Ok(self.noticed(answer)),
                Err(error) => return Err(error),
            }
        }
    }

    /// A cluster that does not know us is reason to read the credentials again before their time.
    fn noticed(&self, answer: Answer) -> Answer {
        if answer.status == 401 {
            self.credentials.doubt();
        }
        answer
    }

    /// The nodes in the order to try: round robin, those set aside last. Those whose time aside is
    /// over are asked, beside this request, whether they are back.
    fn in_turn(&self, question: &Question<'_>) -> Vec<&Arc<Node>> {
        let start = self.next.fetch_add(1, Ordering::Relaxed) % self.nodes.len();
        let (behind, ahead) = self.nodes.split_at(start);
        let mut nodes: Vec<_> = ahead.iter().chain(behind).map(|node| (node.standing(), node)).collect();
        nodes.sort_by_key(|(standing, _)| *standing);
        let others_are_good = nodes.first().is_some_and(|(standing, _)| *standing == Standing::Good);
        for (_, node) in nodes.iter().filter(|(standing, _)| others_are_good && *standing == Standing::OnTrial) {
            let (node, credentials) = (Arc::clone(node), question.headers.get(AUTHORIZATION).cloned());
            tokio::spawn(async move { node.probe(credentials).await });
        }
        nodes.into_iter().map(|(_, node)| node).collect()
    }
}

fn headers(content_type: &'static str) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(4);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    // Inside a cluster a compressed answer costs both sides more than it saves.
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    headers
}

/// The gzipped body, made on a thread that may block, and the header that says so. Level 1: the
/// higher ones cost far more than they save.
async fn compressed(body: Bytes, headers: &mut HeaderMap) -> Bytes {
    let plain = body.clone();
    let work = move || {
        let mut encoder = GzEncoder::new(Vec::with_capacity(plain.len() / 6), Compression::fast());
        encoder.write_all(&plain).and_then(|()| encoder.finish())
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(gzipped)) => {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            Bytes::from(gzipped)
        }
        // Writing to memory does not fail; at shutdown the thread may be refused.
        Ok(Err(_)) | Err(_) => body,
    }
}

#[cfg(test)]
mod tests;
