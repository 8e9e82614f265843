//! Which index a write alias stands for.
//!
//! A document that is sent again must go to the index of its first try: in another generation its
//! name is not taken yet, and it would be stored twice. So documents go to the index, never to the
//! alias, and the writer notes with the batch which one that was. What an alias stands for is asked
//! now and then; a rollover in between is no harm, as the index before it can still be written.
//!
//! An alias that is missing holds everything: a request to its name would make a plain index of that
//! name, after which no rollover ever works. Who may not look at aliases writes to the alias itself,
//! with the demand that it is one, where the server knows that demand.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::{Answer, Cluster, Method, Server, TransportError};
use crate::document::IndexNames;
use crate::item::{Kind, Targets};

/// How long it is believed what an alias stands for.
const KEPT: Duration = Duration::from_secs(5);

/// The write aliases of spans and services.
#[derive(Debug)]
pub(super) struct Aliases {
    spans: String,
    services: String,
    known: Mutex<Option<(Instant, Arc<Targets>)>>,
}

/// It is not known where to send, or there is no such place.
#[derive(Debug, thiserror::Error)]
pub(super) enum AliasError {
    #[error(transparent)]
    Transport(#[from] TransportError),
    #[error("there is no write alias {alias}: make it with es-rollover init; spans wait until it is there")]
    Missing { alias: String },
    #[error("the alias {alias} is that of several indices, none of them with is_write_index: {indices}")]
    NoWriteIndex { alias: String, indices: String },
    #[error(
        "GET /_alias was answered with {status}: give our user the right view_index_metadata on the indices, as this \
         server knows no require_alias: {excerpt}"
    )]
    Forbidden { status: u16, excerpt: String },
    #[error("GET /_alias was answered with {status}: {excerpt}")]
    Status { status: u16, excerpt: String },
}

impl AliasError {
    /// The word for logs and metrics.
    pub(super) fn word(&self) -> &'static str {
        match self {
            AliasError::Transport(error) => super::writer::away(error),
            AliasError::Missing { .. } | AliasError::NoWriteIndex { .. } => "alias-missing",
            AliasError::Forbidden { .. } => "forbidden",
            AliasError::Status { status, .. } => super::verdict::whole_request(*status),
        }
    }
}

impl Aliases {
    pub(super) fn new(names: &IndexNames) -> Self {
        let alias = |kind| {
            let mut name = Vec::new();
            names.write_target(&mut name, kind, 0);
            String::from_utf8_lossy(&name).into_owned()
        };
        Aliases { spans: alias(Kind::Span), services: alias(Kind::Service), known: Mutex::default() }
    }

    /// Where new batches go: to indices, or to the aliases themselves.
    pub(super) async fn targets(&self, cluster: &Cluster, server: &Server) -> Result<Arc<Targets>, AliasError> {
        let known = self.known().clone();
        match known.filter(|(asked, _)| asked.elapsed() < KEPT) {
            Some((_, targets)) => Ok(targets),
            None => self.ask(cluster, server).await,
        }
    }

    /// True if these are the aliases, which has to be demanded of them.
    pub(super) fn are(&self, targets: &Targets) -> bool {
        *targets.spans == *self.spans
    }

    /// The same, asked anew.
    pub(super) async fn ask(&self, cluster: &Cluster, server: &Server) -> Result<Arc<Targets>, AliasError> {
        let asked = Instant::now();
        let answer = cluster.call(Method::Get, &format!("_alias/{},{}", self.spans, self.services), &[], None).await?;
        let targets = self.read(&answer, server).map(Arc::new);
        *self.known() = targets.as_ref().ok().map(|targets| (asked, targets.clone()));
        targets
    }

    fn read(&self, answer: &Answer, server: &Server) -> Result<Targets, AliasError> {
        let (status, excerpt) = (answer.status, answer.excerpt());
        match status {
            // What is there stands in the answer even if the other alias is missing.
            200..=299 | 404 => {}
            401 | 403 if server.knows_require_alias() => return Ok(targets(&self.spans, &self.services)),
            401 | 403 => return Err(AliasError::Forbidden { status, excerpt }),
            _ => return Err(AliasError::Status { status, excerpt }),
        }
        let members: BTreeMap<String, Value> =
            serde_json::from_slice(&answer.body).map_err(|_| AliasError::Status { status, excerpt })?;
        let index = |alias: &str| write_index(&members, alias);
        Ok(targets(index(&self.spans)?, index(&self.services)?))
    }

    fn known(&self) -> MutexGuard<'_, Option<(Instant, Arc<Targets>)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn targets(spans: &str, services: &str) -> Targets {
    Targets { spans: spans.into(), services: services.into(), unclear: false }
}

/// The index that is written to under an alias, among those of the answer.
fn write_index<'a>(members: &'a BTreeMap<String, Value>, alias: &str) -> Result<&'a str, AliasError> {
    let holders: Vec<(&String, &Value)> =
        members.iter().filter_map(|(index, member)| Some((index, member.get("aliases")?.get(alias)?))).collect();
    let is_write_index = |properties: &Value| properties.get("is_write_index").and_then(Value::as_bool);
    let chosen = holders.iter().find(|(_, properties)| is_write_index(properties) == Some(true));
    let only = || holders.first().filter(|(_, it)| holders.len() == 1 && is_write_index(it) != Some(false));
    match chosen.or_else(only) {
        Some((index, _)) => Ok(index.as_str()),
        None if holders.is_empty() => Err(AliasError::Missing { alias: alias.into() }),
        None => {
            let indices = holders.iter().map(|(index, _)| index.as_str()).collect::<Vec<_>>().join(", ");
            Err(AliasError::NoWriteIndex { alias: alias.into(), indices })
        }
    }
}

/// Whether an index is still there; an error is no answer to that.
pub(super) async fn exists(cluster: &Cluster, index: &str) -> Result<bool, AliasError> {
    let answer = cluster.call(Method::Head, index, &[], None).await?;
    match answer.status {
        200..=299 => Ok(true),
        404 => Ok(false),
        status => Err(AliasError::Status { status, excerpt: answer.excerpt() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Indices;

    fn read(status: u16, body: &str, version: u32) -> Result<Targets, String> {
        let names = IndexNames::new(&Indices { use_aliases: true, ..Indices::default() });
        let answer = Answer { status, body: body.to_string().into() };
        let server = Server::given(version).expect("a version");
        Aliases::new(&names).read(&answer, &server).map_err(|error| error.to_string())
    }

    fn to(spans: &str, services: &str) -> Result<Targets, String> {
        Ok(targets(spans, services))
    }

    #[test]
    fn the_write_index_is_the_only_one_or_the_one_that_says_so() {
        let plain = r#"{"jaeger-span-000007":{"aliases":{"jaeger-span-write":{}}},
            "jaeger-service-000003":{"aliases":{"jaeger-service-write":{"is_write_index":true}}}}"#;
        assert_eq!(read(200, plain, 8), to("jaeger-span-000007", "jaeger-service-000003"));
        let two = r#"{"jaeger-span-000001":{"aliases":{"jaeger-span-write":{"is_write_index":false}}},
            "jaeger-span-000002":{"aliases":{"jaeger-span-write":{"is_write_index":true}}},
            "both":{"aliases":{"jaeger-service-write":{}}}}"#;
        assert_eq!(read(200, two, 8), to("jaeger-span-000002", "both"));
        let none = two.replace("true", "false");
        assert!(read(200, &none, 8).is_err_and(|error| error.contains("jaeger-span-000001, jaeger-span-000002")));
    }

    #[test]
    fn a_missing_alias_is_no_place() {
        let missing = r#"{"error":"alias [jaeger-span-write] missing","status":404,
            "jaeger-service-000001":{"aliases":{"jaeger-service-write":{}}}}"#;
        assert!(read(404, missing, 8).is_err_and(|error| error.contains("no write alias jaeger-span-write")));
        assert!(read(200, "{}", 8).is_err());
        assert!(read(200, "<html>", 8).is_err() && read(503, "{}", 8).is_err());
    }

    #[test]
    fn who_may_not_look_relies_on_the_servers_own_check() {
        assert_eq!(read(403, "{}", 8), to("jaeger-span-write", "jaeger-service-write"));
        assert_eq!(read(403, "{}", 2), to("jaeger-span-write", "jaeger-service-write"));
        assert!(read(403, "{}", 6).is_err_and(|error| error.contains("view_index_metadata")));
        assert!(read(403, "{}", 7).is_err(), "7 may be 7.2");
    }
}
