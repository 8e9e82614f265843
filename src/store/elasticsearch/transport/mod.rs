//! The pipe to the cluster: bytes out, bytes back.
//!
//! The `elasticsearch` crate carries the bytes to one node; everything around it is ours, for its
//! pool knows no failed nodes, its sniffing can die, and its compression runs on the network
//! threads. So each configured node has a transport of its own, requests go round robin, and a node
//! that failed is set aside for a while ([`Node`]). A request that a node did not take goes to the
//! next one; a time-out does not, as the time is spent. Every request has a time limit. The
//! system's proxy settings are not used.

mod credentials;
mod node;
mod tls;

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use elasticsearch::http::headers::{
    ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue,
};
use flate2::Compression;
use flate2::write::GzEncoder;

pub use elasticsearch::http::Method;

use crate::settings::Elasticsearch;
use credentials::Credentials;
use node::Node;

/// The time limit of a request when none was set.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Bytes of the largest answer that is taken. An answer that announces more is not read; one that
/// announces nothing is judged when it is read, for the crate gives no part of a body.
const LARGEST_ANSWER: usize = 128 << 20;

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
    #[error("{place} answered with more than {limit} bytes")]
    TooLarge { place: String, limit: usize },
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

/// The configured nodes of one cluster.
#[derive(Debug)]
pub struct Cluster {
    nodes: Vec<Node>,
    next: AtomicUsize,
    credentials: Credentials,
    compress: bool,
}

impl Cluster {
    /// Reads certificates and credentials; connects to nothing.
    pub fn new(settings: &Elasticsearch) -> Result<Self, ConnectionError> {
        let timeout = if settings.timeout.is_zero() { TIMEOUT } else { settings.timeout };
        let certificates = Arc::new(tls::Certificates::read(&settings.tls)?);
        let urls = settings.server_urls.iter().map(|url| url.trim()).filter(|url| !url.is_empty());
        let nodes = urls.map(|url| Node::new(url, &certificates, timeout)).collect::<Result<Vec<_>, _>>()?;
        if nodes.is_empty() {
            return Err(ConnectionError::NoServer);
        }
        let credentials = Credentials::new(settings)?;
        Ok(Cluster { nodes, next: AtomicUsize::new(0), credentials, compress: settings.http_compression })
    }

    /// Where the cluster is, without credentials.
    pub fn place(&self) -> String {
        self.nodes.iter().map(Node::place).collect::<Vec<_>>().join(",")
    }

    /// Sends a bulk request: lines of JSON, each with its line feed. `query` as in [`Cluster::call`].
    pub async fn bulk(&self, query: &[(&str, &str)], body: Bytes) -> Result<Answer, TransportError> {
        let mut headers = self.headers("application/x-ndjson").await;
        let body = if self.compress { compressed(body, &mut headers).await } else { body };
        self.send(Method::Post, "_bulk", headers, query, Some(body)).await
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
        self.send(method, path, headers, query, body).await
    }

    async fn headers(&self, content_type: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::with_capacity(4);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        // The crate would ask for gzip; inside a cluster that costs both sides more than it saves.
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        if let Some(value) = self.credentials.header().await {
            headers.insert(AUTHORIZATION, value);
        }
        headers
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        headers: HeaderMap,
        query: &[(&str, &str)],
        body: Option<Bytes>,
    ) -> Result<Answer, TransportError> {
        // A first segment with a colon (another cluster's index) would be taken for a URL.
        let path = format!("./{}", path.trim_start_matches('/'));
        let mut nodes = self.in_turn().into_iter();
        loop {
            let Some(node) = nodes.next() else {
                return Err(TransportError::Unreachable { place: self.place(), cause: "no node".into() });
            };
            let sent = node.send(method, &path, headers.clone(), query, body.clone()).await;
            match sent {
                Err(TransportError::Unreachable { .. }) if nodes.len() > 0 => {}
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

    /// The nodes in the order to try: round robin, those set aside last.
    fn in_turn(&self) -> Vec<&Node> {
        let start = self.next.fetch_add(1, Ordering::Relaxed) % self.nodes.len();
        let (behind, ahead) = self.nodes.split_at(start);
        let mut nodes: Vec<&Node> = ahead.iter().chain(behind).collect();
        nodes.sort_by_key(|node| node.aside());
        nodes
    }
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
