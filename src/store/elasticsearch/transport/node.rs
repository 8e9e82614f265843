//! One node of the cluster: its client, its own credentials, and whether it is set aside.
//!
//! A node that fails is set aside, longer each time and with jitter, so that not all collectors come
//! back to it at once. When its time is over it gets a small question first, and work again only
//! when it has answered that: a dead node's first bulk request would cost a whole time limit.
//!
//! A server that finds a request too large may answer before it has read it, and take the rest for
//! another request (6.6.1 does, and answers that with 400). Whoever used that connection next would
//! get an answer that is not his. So after a 413 or 400 all connections are left behind.

use std::error::Error as _;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, CONTENT_ENCODING, HeaderValue};
use reqwest::{Client, Response, Url};
use tokio::time::Instant;

use super::credentials::basic;
use super::reading::{self, Unread};
use super::tls::Certificates;
use super::{Answer, ConnectionError, Question, TransportError};
use crate::memory::Budget;

/// How long a node is set aside after its first failure; doubled with each further one.
const ASIDE: Duration = Duration::from_secs(1);
const LONGEST_ASIDE: Duration = Duration::from_secs(30);

/// The time limit of the small question that a node gets before it gets work again.
const PROBE: Duration = Duration::from_secs(5);

/// A node; see the module.
#[derive(Debug)]
pub(super) struct Node {
    client: ArcSwap<Client>,
    certificates: Arc<Certificates>,
    /// With a slash at its end, so that paths go below it.
    url: Url,
    limit: Duration,
    /// The URL without credentials.
    place: String,
    /// Those of the URL, used when no others are set.
    credentials: Option<HeaderValue>,
    health: Mutex<Health>,
}

/// How ready a node is for work; the better ones come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    Good,
    /// Its time aside is over, but it has not answered yet.
    OnTrial,
    /// Set aside until then.
    Aside(Instant),
}

#[derive(Debug, Default)]
struct Health {
    failures: u32,
    aside_until: Option<Instant>,
    /// Someone is asking it whether it is back.
    probed: bool,
}

impl Node {
    /// `limit` is that of each request.
    pub(super) fn new(url: &str, certificates: &Arc<Certificates>, limit: Duration) -> Result<Self, ConnectionError> {
        let (mut url, credentials) = split(url)?;
        let place = url.as_str().trim_end_matches('/').to_string();
        if !url.path().ends_with('/') {
            url.set_path(&format!("{}/", url.path()));
        }
        let client = certificates.client(&url, &place, limit)?;
        let (client, certificates) = (ArcSwap::from_pointee(client), certificates.clone());
        Ok(Node { client, certificates, url, limit, place, credentials, health: Mutex::default() })
    }

    pub(super) fn place(&self) -> &str {
        &self.place
    }

    pub(super) fn standing(&self) -> Standing {
        self.health().standing(Instant::now())
    }

    /// Sends a question to this node and reads its answer.
    pub(super) async fn send(&self, question: &Question<'_>) -> Result<Answer, TransportError> {
        let answer = self.exchange(question, self.limit).await;
        match &answer {
            Ok(answer) => self.mark(is_there(answer)),
            Err(TransportError::Timeout { .. } | TransportError::Unreachable { .. }) => self.mark(false),
            // Perhaps the body was too large for it, not the node gone.
            Err(TransportError::Broken { .. }) if question.is_large() => {}
            Err(TransportError::Broken { .. }) => self.mark(false),
            Err(TransportError::TooLarge { .. } | TransportError::Encoded { .. } | TransportError::NoMemory { .. }) => {
            }
        }
        answer
    }

    /// Asks a node that was set aside whether it is back, unless that is being asked already.
    pub(super) async fn probe(&self, credentials: Option<HeaderValue>) {
        if !std::mem::replace(&mut self.health().probed, true) {
            // What it says is short, or read no further.
            let budget = Budget::new(usize::MAX);
            let question = Question::probe(credentials, &budget);
            let answer = self.exchange(&question, self.limit.min(PROBE)).await;
            self.mark(answer.is_ok_and(|answer| is_there(&answer)));
        }
    }

    async fn exchange(&self, question: &Question<'_>, limit: Duration) -> Result<Answer, TransportError> {
        let mut headers = question.headers.clone();
        if let (Some(value), false) = (&self.credentials, headers.contains_key(AUTHORIZATION)) {
            headers.insert(AUTHORIZATION, value.clone());
        }
        // What is no path below the URL of the node goes nowhere.
        let url = self.url.join(&question.path).map_err(|error| self.unreachable(error.to_string()))?;
        let mut request = self.client.load().request(question.method.into(), url).headers(headers).timeout(limit);
        if !question.query.is_empty() {
            request = request.query(question.query);
        }
        if let Some(body) = &question.body {
            request = request.body(body.clone());
        }
        match request.send().await {
            Ok(response) => self.read(response, question).await,
            Err(error) => Err(self.failed(&error)),
        }
    }

    /// Reads an answer piece by piece, no further than it may go.
    async fn read(&self, response: Response, question: &Question<'_>) -> Result<Answer, TransportError> {
        let status = response.status().as_u16();
        if matches!(status, 400 | 413) {
            self.leave_connections();
        }
        let encoding = response.headers().get(CONTENT_ENCODING).map(|value| value.as_bytes().to_vec());
        let encoded = encoding.filter(|encoding| !encoding.eq_ignore_ascii_case(b"identity"));
        match (encoded, (200..300).contains(&status)) {
            // We asked for none: whoever sends one nevertheless may send anything.
            (Some(encoding), true) => {
                let encoding = String::from_utf8_lossy(&encoding).into_owned();
                Err(TransportError::Encoded { place: self.place.clone(), encoding })
            }
            (Some(_), false) => Ok(Answer { status, body: Bytes::new() }),
            (None, true) => {
                let room = question.budget.reserve_for_answer();
                let body = reading::whole(response, question.most, room).await;
                body.map(|body| Answer { status, body }).map_err(|why| self.unread(&why, question.most))
            }
            (None, false) => Ok(Answer { status, body: reading::beginning(response).await }),
        }
    }

    fn unread(&self, why: &Unread, most: usize) -> TransportError {
        let place = self.place.clone();
        match why {
            Unread::TooLarge => TransportError::TooLarge { place, limit: most },
            Unread::NoMemory(read) => TransportError::NoMemory { place, read: *read },
            Unread::Broken(error) => self.failed(error),
        }
    }

    /// The next request opens a connection of its own; see the module.
    fn leave_connections(&self) {
        match self.certificates.client(&self.url, &self.place, self.limit) {
            Ok(client) => self.client.store(Arc::new(client)),
            // What could be built at start can be built again; else the old one stays.
            Err(error) => tracing::warn!(%error, place = %self.place, "connections cannot be renewed"),
        }
    }

    fn failed(&self, error: &reqwest::Error) -> TransportError {
        let place = self.place.clone();
        if error.is_timeout() {
            return TransportError::Timeout { place, limit: self.limit };
        }
        if error.is_connect() {
            return self.unreachable(explain(error));
        }
        TransportError::Broken { place, cause: explain(error) }
    }

    fn unreachable(&self, cause: String) -> TransportError {
        TransportError::Unreachable { place: self.place.clone(), cause }
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
        let whole = ASIDE.saturating_mul(1 << self.failures.min(8)).min(LONGEST_ASIDE);
        self.failures = self.failures.saturating_add(1);
        self.probed = false;
        // The standard library seeds each RandomState anew; that is all the chance needed here.
        let chance = RandomState::new().hash_one(self.failures) % 1024;
        self.aside_until = Some(now + whole / 2 + whole.mul_f64(chance as f64 / 2048.0));
    }

    fn standing(&self, now: Instant) -> Standing {
        match self.aside_until {
            None => Standing::Good,
            Some(until) if until > now => Standing::Aside(until),
            Some(_) => Standing::OnTrial,
        }
    }
}

/// What answers so is no gateway whose node is gone.
fn is_there(answer: &Answer) -> bool {
    !matches!(answer.status, 502..=504)
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
pub(super) fn explain(error: &reqwest::Error) -> String {
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
        assert_eq!(health.standing(now), Standing::Good);
        for failure in 0..40 {
            health.fail(now);
            let whole = ASIDE.saturating_mul(1 << failure.min(8)).min(LONGEST_ASIDE);
            let Standing::Aside(until) = health.standing(now) else { panic!("not aside after {failure}") };
            assert!(until - now >= whole / 2 && until - now <= whole, "{:?} of {whole:?}", until - now);
        }
        assert_eq!(health.standing(now + LONGEST_ASIDE), Standing::OnTrial);
    }

    #[test]
    fn escapes_in_a_user_are_undone_and_what_is_none_stays() {
        assert_eq!(decoded("a%40b%3A%zz%4"), "a@b:%zz%4");
    }
}
