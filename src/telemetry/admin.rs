//! The admin port (14269): health, readiness, status, metrics, the books, the version, the log
//! level, and why a trace is kept or dropped.
//!
//! As in Jaeger, every path that is not named here answers as health, so that probes written for
//! jaeger-collector go on working. Nothing here knows the rooms above: what it shows is asked of
//! closures. Nothing here is secret, and only the log level can be changed.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};

use super::books::Books;
use super::health::Health;
use super::metrics::{CONTENT_TYPE, Identity, Metrics};

/// Answers with JSON now.
pub type Tell = Arc<dyn Fn() -> Value + Send + Sync>;

/// Tells the level of the log.
pub type TellLevel = Arc<dyn Fn() -> String + Send + Sync>;

/// Sets the level of the log, or says why it is none.
pub type SetLevel = Arc<dyn Fn(&str) -> Result<(), String> + Send + Sync>;

/// Explains a verdict, from the parameters of a query: as JSON or in words, or says what is wrong
/// with them.
pub type Explain = Arc<dyn Fn(&[(String, String)]) -> Result<Explained, String> + Send + Sync>;

/// An explanation in both forms.
#[derive(Debug)]
pub struct Explained {
    pub json: Value,
    pub words: String,
}

/// Where the admin port's answers come from.
#[derive(Clone)]
pub struct AdminSources {
    pub health: Arc<Health>,
    pub metrics: Arc<Metrics>,
    pub books: Arc<Books>,
    pub identity: Identity,
    /// `--metrics-http-route`; `None`: `--metrics-backend=none`.
    pub metrics_route: Option<String>,
    /// Members of `/status`, an object: store, waiting bytes, memory.
    pub status: Tell,
    pub log_level: TellLevel,
    pub set_log_level: SetLevel,
    /// Why a trace is kept or dropped.
    pub explain: Explain,
}

impl std::fmt::Debug for AdminSources {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("AdminSources").field("identity", &self.identity).finish_non_exhaustive()
    }
}

/// The routes of the admin port.
pub fn router(sources: AdminSources) -> Router {
    let named = Router::new()
        .route("/ready", get(ready))
        .route("/status", get(status))
        .route("/books", get(books))
        .route("/version", get(version))
        .route("/sampling/explain", get(explain))
        .route("/log-level", get(log_level).put(set_log_level));
    let with_metrics = match sources.metrics_route.as_deref().map(as_path) {
        Some(path) if is_free(&path) => named.route(&path, get(metrics)),
        _ => named,
    };
    with_metrics.fallback(health).with_state(sources)
}

/// A route as axum wants it.
fn as_path(route: &str) -> String {
    format!("/{}", route.trim_matches('/'))
}

/// True if this path may become a route: it is not one yet, and has no characters that would make
/// it a pattern.
fn is_free(path: &str) -> bool {
    let taken = ["/", "/ready", "/status", "/books", "/version", "/log-level", "/sampling/explain"];
    !taken.contains(&path) && path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-_.".contains(&byte))
}

async fn health(State(sources): State<AdminSources>) -> Response {
    let status = if sources.health.is_alive() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, json_answer(&sources.health.json())).into_response()
}

async fn ready(State(sources): State<AdminSources>) -> Response {
    let ready = sources.health.is_ready();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, json_answer(&json!({ "ready": ready }))).into_response()
}

async fn status(State(sources): State<AdminSources>) -> impl IntoResponse {
    let mut status = (sources.status)();
    if let Some(members) = status.as_object_mut() {
        members.insert("version".into(), sources.identity.version.clone().into());
        members.insert("uptimeSeconds".into(), sources.health.uptime_seconds().into());
        members.insert("alive".into(), sources.health.is_alive().into());
        members.insert("ready".into(), sources.health.is_ready().into());
    }
    json_answer(&status)
}

async fn books(State(sources): State<AdminSources>) -> impl IntoResponse {
    let (spans, services) = (sources.books.spans(), sources.books.services());
    let balanced = services.balances() && spans.values().all(super::books::Page::balances);
    json_answer(&json!({ "balanced": balanced, "spans": spans, "serviceDocuments": services }))
}

/// As jaeger-collector's: the names of the members are those of its build.
async fn version(State(sources): State<AdminSources>) -> impl IntoResponse {
    let Identity { version, revision, build_date, .. } = &sources.identity;
    let [commit, version, date] = [revision, version, build_date].map(|text| Value::from(text.as_str()));
    json_text(format!(r#"{{"gitCommit":{commit},"gitVersion":{version},"buildDate":{date}}}"#))
}

async fn metrics(State(sources): State<AdminSources>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], sources.metrics.text())
}

/// In words with `form=text`, else as JSON.
async fn explain(State(sources): State<AdminSources>, Query(parameters): Query<Vec<(String, String)>>) -> Response {
    let in_words = parameters.iter().any(|(key, value)| key == "form" && value == "text");
    match (sources.explain)(&parameters) {
        Ok(explained) if in_words => explained.words.into_response(),
        Ok(explained) => json_answer(&explained.json).into_response(),
        Err(why) => (StatusCode::BAD_REQUEST, json_answer(&json!({ "error": why }))).into_response(),
    }
}

async fn log_level(State(sources): State<AdminSources>) -> impl IntoResponse {
    json_answer(&json!({ "level": (sources.log_level)() }))
}

/// Takes `debug` or `{"level":"debug"}`.
async fn set_log_level(State(sources): State<AdminSources>, body: String) -> Response {
    let named = serde_json::from_str::<Value>(&body).ok();
    let level = named.as_ref().and_then(|value| value.get("level")?.as_str()).unwrap_or(body.trim());
    match (sources.set_log_level)(level) {
        Ok(()) => json_answer(&json!({ "level": (sources.log_level)() })).into_response(),
        Err(why) => (StatusCode::BAD_REQUEST, json_answer(&json!({ "error": why }))).into_response(),
    }
}

fn json_answer(value: &Value) -> impl IntoResponse + use<> {
    json_text(value.to_string())
}

fn json_text(text: String) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], text)
}

#[cfg(test)]
mod tests;
