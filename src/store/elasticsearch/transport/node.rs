//! One node of the cluster: its transport, its own credentials, and whether it is set aside.
//!
//! A server that finds a request too large may answer before it has read it, and take the rest for
//! another request (6.6.1 does, and answers that with 400). Whoever used that connection next would
//! get an answer that is not his. So after a 413 or 400 all connections are left behind.

use std::error::Error as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use elasticsearch::http::Url;
use elasticsearch::http::headers::{AUTHORIZATION, HeaderMap, HeaderValue};
use elasticsearch::http::response::Response;
use elasticsearch::http::transport::Transport;
use tokio::time::Instant;

use super::credentials::basic;
use super::tls::Certificates;
use super::{Answer, ConnectionError, LARGEST_ANSWER, Method, TransportError};

/// How long a node is set aside after its first failure; doubled with each further one.
const ASIDE: Duration = Duration::from_secs(1);
const LONGEST_ASIDE: Duration = Duration::from_secs(30);

/// A node; see the module.
#[derive(Debug)]
pub(super) struct Node {
    transport: ArcSwap<Transport>,
    certificates: Arc<Certificates>,
    url: Url,
    limit: Duration,
    /// The URL without credentials.
    place: String,
    /// Those of the URL, used when no others are set.
    credentials: Option<HeaderValue>,
    health: Mutex<Health>,
}

#[derive(Debug, Default)]
struct Health {
    failures: u32,
    aside_until: Option<Instant>,
}

impl Node {
    /// `limit` is that of each request.
    pub(super) fn new(url: &str, certificates: &Arc<Certificates>, limit: Duration) -> Result<Self, ConnectionError> {
        let (url, credentials) = split(url)?;
        let place = url.as_str().trim_end_matches('/').to_string();
        let transport = certificates.transport(url.clone(), &place, limit)?;
        let (transport, certificates) = (ArcSwap::from_pointee(transport), certificates.clone());
        Ok(Node { transport, certificates, url, limit, place, credentials, health: Mutex::default() })
    }

    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// Until when the node is set aside; `None`: it is not, or no longer.
    pub(super) fn aside(&self) -> Option<Instant> {
        self.health().aside(Instant::now())
    }

    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        mut headers: HeaderMap,
        query: &[(&str, &str)],
        body: Option<Bytes>,
    ) -> Result<Answer, TransportError> {
        if let (Some(value), false) = (&self.credentials, headers.contains_key(AUTHORIZATION)) {
            headers.insert(AUTHORIZATION, value.clone());
        }
        let query = Some(query).filter(|query| !query.is_empty());
        let transport = self.transport.load_full();
        let sent = transport.send(method, path, headers, query, body, None).await;
        let answer = match sent {
            Ok(response) => self.read(response).await,
            Err(error) => Err(self.failed(&error)),
        };
        self.mark(answer.as_ref().is_ok_and(|answer| !matches!(answer.status, 502..=504)));
        answer
    }

    async fn read(&self, response: Response) -> Result<Answer, TransportError> {
        let status = response.status_code().as_u16();
        if matches!(status, 400 | 413) {
            self.leave_connections();
        }
        let too_large = || TransportError::TooLarge { place: self.place.clone(), limit: LARGEST_ANSWER };
        if response.content_length().is_some_and(|length| length > LARGEST_ANSWER as u64) {
            return Err(too_large());
        }
        let body = response.bytes().await.map_err(|error| self.failed(&error))?;
        if body.len() > LARGEST_ANSWER {
            return Err(too_large());
        }
        Ok(Answer { status, body })
    }

    /// The next request opens a connection of its own; see the module.
    fn leave_connections(&self) {
        match self.certificates.transport(self.url.clone(), &self.place, self.limit) {
            Ok(transport) => self.transport.store(Arc::new(transport)),
            // What could be built at start can be built again; else the old one stays.
            Err(error) => tracing::warn!(%error, place = %self.place, "connections cannot be renewed"),
        }
    }

    fn failed(&self, error: &elasticsearch::Error) -> TransportError {
        let place = self.place.clone();
        if error.is_timeout() {
            return TransportError::Timeout { place, limit: self.limit };
        }
        TransportError::Unreachable { place, cause: explain(error) }
    }

    /// Notes how a request went.
    pub(super) fn mark(&self, good: bool) {
        let mut health = self.health();
        if good {
            *health = Health::default();
        } else {
            health.fail(Instant::now());
        }
    }

    fn health(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Health {
    fn fail(&mut self, now: Instant) {
        let pause = ASIDE.saturating_mul(1 << self.failures.min(8)).min(LONGEST_ASIDE);
        self.failures = self.failures.saturating_add(1);
        self.aside_until = Some(now + pause);
    }

    fn aside(&self, now: Instant) -> Option<Instant> {
        self.aside_until.filter(|&until| until > now)
    }
}

/// The URL without its user, and the header that says who that was.
fn split(text: &str) -> Result<(Url, Option<HeaderValue>), ConnectionError> {
    // What is not a URL is shown without all before an `@`: there may be a password in it.
    let shown = || text.rsplit_once('@').map_or(text, |(_, host)| host).to_string();
    let fail = |cause: &str| ConnectionError::Url { place: shown(), cause: cause.to_string() };
    let mut url = Url::parse(text).map_err(|error| fail(&error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(fail("it must begin with http:// or https://"));
    }
    let password = url.password().map(decoded).unwrap_or_default();
    let user = decoded(url.username());
    let credentials = match user.is_empty() && password.is_empty() {
        true => None,
        false => Some(basic(&user, &password).ok_or(ConnectionError::Header { setting: "--es.server-urls" })?),
    };
    let cleared = url.set_username("").and_then(|()| url.set_password(None));
    cleared.map_err(|()| fail("its user cannot be read"))?;
    url.set_query(None);
    url.set_fragment(None);
    Ok((url, credentials))
}

/// Per-cent escapes undone; what is no escape stays.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        let value = digits.and_then(|pair| u8::from_str_radix(pair, 16).ok()).filter(|_| first == b'%');
        bytes.push(value.unwrap_or(first));
        rest = if value.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The causes of an error, outermost first, each once, and a mend where we know one.
fn explain(error: &elasticsearch::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let words = cause.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        source = cause.source();
    }
    if text.contains("HandshakeFailure") {
        text.push_str(" (no cipher suite in common: Elasticsearch 6 has to be given some with GCM)");
    }
    if text.contains("certificate") {
        text.push_str(
            " (name its authority with --es.tls.enabled=true --es.tls.ca=FILE, \
             or trust any with --es.tls.enabled=true --es.tls.skip-host-verify=true)",
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_that_fails_on_is_set_aside_longer_up_to_a_limit() {
        let (mut health, now) = (Health::default(), Instant::now());
        assert_eq!(health.aside(now), None);
        let mut pauses = Vec::new();
        for _ in 0..40 {
            health.fail(now);
            pauses.extend(health.aside(now).map(|until| until - now));
        }
        assert_eq!(pauses[..6].iter().map(Duration::as_secs).collect::<Vec<_>>(), [1, 2, 4, 8, 16, 30]);
        assert_eq!(pauses[39], LONGEST_ASIDE);
        assert_eq!(health.aside(now + LONGEST_ASIDE), None);
    }

    #[test]
    fn escapes_in_a_user_are_undone_and_what_is_none_stays() {
        assert_eq!(decoded("a%40b%3A%zz%4"), "a@b:%zz%4");
    }
}
