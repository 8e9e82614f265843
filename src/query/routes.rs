//! The routes and their manners.
//!
//! A known path answers GET only, everything else 405 without a body (HEAD too: so does
//! jaeger-query). An unknown path under `/api` is 404 in the envelope, where jaeger-query sends
//! its page; a doubled slash is redirected to the clean path, an escape that is none is 400.

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::handler::Handler;
use axum::http::{HeaderValue, Response, StatusCode, Uri, header};
use axum::middleware::{Next, from_fn};
use axum::routing::{MethodRouter, get};
use serde::Serialize;

use super::answer::{self, Fault};
use super::go::{Form, is_escaped_well, unescape};
use super::parameters::{self, Refused, Wanted};
use super::traces::{self, Failed, Found};
use super::{Query, page};
use crate::store::ReadError;

type Answer = Response<Body>;

/// The query API and the page at `/`, under the base path.
pub fn router(state: Query) -> Router {
    let base_path = base_path(&state.base_path);
    let api = Router::new()
        .route("/", only_get(front_page))
        .route("/api/services", only_get(services))
        .route("/api/services/{service}/operations", only_get(operations_of_service))
        .route("/api/operations", only_get(operations))
        .route("/api/traces", only_get(search))
        .route("/api/traces/{id}", only_get(look_up))
        .with_state(state.clone());
    let router = if base_path.is_empty() { api } else { under(&base_path, api, state) };
    router.fallback(unknown).layer(from_fn(check_path))
}

/// A base path with a slash before it and none behind; empty for the root.
fn base_path(text: &str) -> String {
    let path = text.trim_matches('/');
    if path.is_empty() { String::new() } else { format!("/{path}") }
}

fn under(base_path: &str, api: Router, state: Query) -> Router {
    Router::new().route(&format!("{base_path}/"), only_get(front_page)).with_state(state).nest(base_path, api)
}

fn only_get<H: Handler<T, Query>, T: 'static>(handler: H) -> MethodRouter<Query> {
    get(handler).head(not_allowed).fallback(not_allowed)
}

async fn not_allowed() -> (StatusCode, [(header::HeaderName, &'static str); 1]) {
    (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET")])
}

async fn front_page(State(query): State<Query>) -> Answer {
    let page = page::front(&base_path(&query.base_path), &query.listeners);
    answer::reply(StatusCode::OK, "text/html; charset=utf-8", page.into())
}

async fn services(State(query): State<Query>, uri: Uri) -> Answer {
    match query.reader.services().await {
        Ok(names) => names_answer(Some(names), &form(&uri)),
        Err(error) => trouble(&error),
    }
}

/// Without operations the data is null, as jaeger-query answers here.
async fn operations_of_service(State(query): State<Query>, uri: Uri) -> Answer {
    let service = uri.path().rsplit('/').nth(1).and_then(unescape).unwrap_or_default();
    match query.reader.operations(&service).await {
        Ok(names) => names_answer(Some(names).filter(|names| !names.is_empty()), &form(&uri)),
        Err(error) => trouble(&error),
    }
}

/// An operation and its span kind, which Jaeger's documents do not hold.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Operation {
    name: String,
    span_kind: &'static str,
}

async fn operations(State(query): State<Query>, uri: Uri) -> Answer {
    let form = form(&uri);
    let service = form.first("service");
    if service.is_empty() {
        return answer::error(StatusCode::BAD_REQUEST, "parameter 'service' is required");
    }
    match query.reader.operations(service).await {
        Ok(names) => {
            let operation = |name| Operation { name, span_kind: "" };
            names_answer(Some(names.into_iter().map(operation).collect()), &form)
        }
        Err(error) => trouble(&error),
    }
}

async fn search(State(query): State<Query>, uri: Uri) -> Answer {
    let form = form(&uri);
    let request = match parameters::traces_request(&form, query.clock.micros()) {
        Ok(request) => request,
        Err(Refused::Bad(message)) => return answer::error(StatusCode::BAD_REQUEST, message),
        Err(Refused::Backwards) => {
            return answer::error(StatusCode::INTERNAL_SERVER_ERROR, "start Time Minimum is above Maximum");
        }
    };
    let found = match &request.wanted {
        Wanted::Ids(ids) if ids.len() > query.limits.traces => {
            let message = format!("too many 'traceID' parameters: at most {}", query.limits.traces);
            return answer::error(StatusCode::BAD_REQUEST, message);
        }
        Wanted::Ids(ids) => traces::by_ids(&query, ids).await,
        Wanted::Matching(search) => traces::matching(&query, search).await,
        Wanted::Nothing => Ok(Found::default()),
    };
    match found {
        Ok(found) => found.answer(request.raw, is_pretty(&form)),
        Err(failed) => no_traces(&failed),
    }
}

async fn look_up(State(query): State<Query>, uri: Uri) -> Answer {
    let form = form(&uri);
    let id = uri.path().rsplit('/').next().unwrap_or_default();
    let (id, raw) = match parameters::look_up_request(id, &form) {
        Ok(request) => request,
        Err(message) => return answer::error(StatusCode::BAD_REQUEST, message),
    };
    match traces::by_ids(&query, &[id]).await {
        Ok(found) if found.is_empty() => answer::error(StatusCode::NOT_FOUND, traces::NOT_FOUND),
        Ok(found) => found.answer(raw, is_pretty(&form)),
        Err(failed) => no_traces(&failed),
    }
}

fn names_answer<T: Serialize>(names: Option<Vec<T>>, form: &Form) -> Answer {
    let total = names.as_ref().map_or(0, Vec::len);
    answer::data(names, total, Vec::<Fault>::new(), is_pretty(form))
}

fn no_traces(failed: &Failed) -> Answer {
    match failed {
        Failed::Store(error) => trouble(error),
        Failed::Memory(_) => answer::error(StatusCode::SERVICE_UNAVAILABLE, failed.to_string()),
    }
}

fn trouble(error: &ReadError) -> Answer {
    tracing::error!(%error, "the query API could not read");
    answer::error(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
}

fn form(uri: &Uri) -> Form {
    Form::parse(uri.query().unwrap_or_default())
}

/// Any value but `false` asks for indented JSON.
fn is_pretty(form: &Form) -> bool {
    !matches!(form.first("prettyPrint"), "" | "false")
}

async fn unknown(uri: Uri) -> Answer {
    if uri.path().split('/').any(|segment| segment == "api") {
        return answer::error(StatusCode::NOT_FOUND, format!("there is no {}", uri.path()));
    }
    answer::plain(StatusCode::NOT_FOUND, "404 page not found\n")
}

/// Refuses escapes that are none and redirects to the clean form of a path.
async fn check_path(request: Request, next: Next) -> Answer {
    let uri = request.uri();
    if !is_escaped_well(uri.path()) {
        return answer::reply(StatusCode::BAD_REQUEST, "text/plain; charset=utf-8", "400 Bad Request".into());
    }
    let clean = clean_path(uri.path());
    if clean == uri.path() {
        return next.run(request).await;
    }
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    match HeaderValue::try_from(format!("{clean}{query}")) {
        Ok(location) => {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::MOVED_PERMANENTLY;
            response.headers_mut().insert(header::LOCATION, location);
            response
        }
        Err(_) => next.run(request).await,
    }
}

/// The path without empty segments, `.` and `..`; a slash at its end stays.
fn clean_path(path: &str) -> String {
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => _ = segments.pop(),
            _ => segments.push(segment),
        }
    }
    let end = if path.ends_with('/') && !segments.is_empty() { "/" } else { "" };
    format!("/{}{end}", segments.join("/"))
}

#[cfg(test)]
mod tests {
    use super::clean_path;

    #[test]
    fn paths_are_cleaned() {
        let cases = [
            ("/", "/"),
            ("//", "/"),
            ("/api/services//operations", "/api/services/operations"),
            ("/a/./b/../c/", "/a/c/"),
            ("/../a", "/a"),
            ("/api/services/a%2F%2Fb/operations", "/api/services/a%2F%2Fb/operations"),
        ];
        for (path, expected) in cases {
            assert_eq!(clean_path(path), expected);
        }
    }
}
