use std::sync::Mutex;

use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt;
use tower::ServiceExt;

use super::*;
use crate::clock::Clock;
use crate::telemetry::books::{Outcome, Settlement};
use crate::telemetry::metrics::Source;

fn sources() -> AdminSources {
    let level = Arc::new(Mutex::new("info".to_string()));
    let told = level.clone();
    let set_log_level: SetLevel = Arc::new(move |wanted| match wanted {
        "debug" | "info" => {
            *level.lock().unwrap() = wanted.into();
            Ok(())
        }
        _ => Err(format!("no log level {wanted:?}")),
    });
    AdminSources {
        health: Arc::new(Health::new(Clock::System)),
        metrics: Arc::new(Metrics::for_tests()),
        books: Arc::new(Books::new(&["zipkin-json"])),
        identity: Identity { version: "v1.2.3".into(), revision: "ab\"c".into(), ..Identity::default() },
        metrics_route: Some("/metrics".into()),
        status: Arc::new(|| json!({ "waitingBytes": 7 })),
        log_level: Arc::new(move || told.lock().unwrap().clone()),
        set_log_level,
        explain: Arc::new(|parameters| match parameters {
            [(key, id), ..] if key == "traceID" => {
                Ok(Explained { json: json!({ "traceID": id }), words: format!("trace {id}") })
            }
            _ => Err("which trace?".into()),
        }),
    }
}

async fn ask(sources: &AdminSources, method: &str, path: &str, body: &str) -> (u16, String, String) {
    let request = Request::builder().method(method).uri(path).body(Body::from(body.to_string())).unwrap();
    let response = router(sources.clone()).oneshot(request).await.unwrap();
    let kind = response.headers().get(header::CONTENT_TYPE).map(|value| value.to_str().unwrap().to_string());
    let status = response.status().as_u16();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (status, kind.unwrap_or_default(), String::from_utf8(bytes.to_vec()).unwrap())
}

async fn get_json(sources: &AdminSources, path: &str) -> (u16, Value) {
    let (status, kind, text) = ask(sources, "GET", path, "").await;
    assert_eq!(kind, "application/json", "{path}");
    (status, serde_json::from_str(&text).unwrap())
}

#[tokio::test]
async fn any_path_and_any_method_answers_as_health() {
    let sources = sources();
    for (method, path) in [("GET", "/"), ("POST", "/"), ("DELETE", "/nothing/here"), ("GET", "/debug/vars")] {
        let (status, kind, text) = ask(&sources, method, path, "").await;
        assert_eq!((status, kind.as_str()), (503, "application/json"), "{method} {path}");
        assert!(text.contains("Server not available"), "{text}");
    }
    sources.health.set_up();
    let (status, body) = get_json(&sources, "/").await;
    assert_eq!((status, &body["status"]), (200, &json!("Server available")));
    sources.health.set_draining();
    assert_eq!(get_json(&sources, "/").await.0, 503);
}

#[tokio::test]
async fn readiness_fails_while_nothing_can_be_made_safe_and_liveness_does_not() {
    let sources = sources();
    sources.health.set_up();
    assert_eq!(get_json(&sources, "/ready").await, (200, json!({ "ready": true })));
    sources.health.set_can_make_safe(false);
    assert_eq!(get_json(&sources, "/ready").await, (503, json!({ "ready": false })));
    assert_eq!(get_json(&sources, "/").await.0, 200);
}

#[tokio::test]
async fn the_books_are_shown_with_their_balance() {
    let sources = sources();
    sources.books.enter(0, &Outcome { received: 3, held: 3, ..Outcome::default() });
    sources.books.settle(0, &Settlement { stored: 2, ..Settlement::default() });
    sources.books.enter_services(1);
    let (status, body) = get_json(&sources, "/books").await;
    assert_eq!((status, &body["balanced"]), (200, &json!(true)));
    assert_eq!(body["spans"]["zipkin-json"]["held"], 1);
    assert_eq!(body["serviceDocuments"]["received"], 1);
    sources.books.enter(0, &Outcome { received: 1, ..Outcome::default() });
    assert_eq!(get_json(&sources, "/books").await.1["balanced"], json!(false));
}

#[tokio::test]
async fn the_version_is_in_jaegers_form() {
    let (status, _, text) = ask(&sources(), "GET", "/version", "").await;
    assert_eq!((status, text.as_str()), (200, r#"{"gitCommit":"ab\"c","gitVersion":"v1.2.3","buildDate":""}"#));
}

#[tokio::test]
async fn the_status_has_what_was_told_and_how_long_we_are_up() {
    let sources = sources();
    sources.health.set_up();
    let (status, body) = get_json(&sources, "/status").await;
    assert_eq!((status, &body["waitingBytes"], &body["version"]), (200, &json!(7), &json!("v1.2.3")));
    assert!(body["uptimeSeconds"].as_f64().unwrap() >= 0.0);
}

#[tokio::test]
async fn the_log_level_is_told_and_set() {
    let sources = sources();
    for body in ["debug", "debug\n", r#"{"level":"debug"}"#] {
        assert_eq!(ask(&sources, "PUT", "/log-level", "info").await.0, 200);
        assert_eq!(ask(&sources, "PUT", "/log-level", body).await.0, 200);
        assert_eq!(get_json(&sources, "/log-level").await, (200, json!({ "level": "debug" })));
    }
    let (status, _, text) = ask(&sources, "PUT", "/log-level", "loud").await;
    assert_eq!((status, text.as_str()), (400, r#"{"error":"no log level \"loud\""}"#));
}

#[tokio::test]
async fn a_verdict_is_explained_in_both_forms() {
    let sources = sources();
    let explained = get_json(&sources, "/sampling/explain?traceID=a%20b").await;
    assert_eq!(explained, (200, json!({ "traceID": "a b" })));
    let (status, kind, text) = ask(&sources, "GET", "/sampling/explain?traceID=ab&form=text", "").await;
    assert_eq!((status, kind.as_str(), text.as_str()), (200, "text/plain; charset=utf-8", "trace ab"));
    assert_eq!(get_json(&sources, "/sampling/explain").await, (400, json!({ "error": "which trace?" })));
}

#[tokio::test]
async fn metrics_have_the_route_that_was_set() {
    let source = Source { format: "zipkin", transport: "http" };
    let metrics = Arc::new(Metrics::new(&Identity::default(), &[source]));
    let (status, kind, text) = ask(&AdminSources { metrics, ..sources() }, "GET", "/metrics", "").await;
    assert_eq!((status, kind.as_str()), (200, CONTENT_TYPE));
    assert!(text.contains("# TYPE jaeger_collector_spans_received_total counter\n"), "{text}");
    for (route, asked) in [(Some("prometheus/all/"), "/prometheus/all"), (None, "/none"), (Some("/{any}"), "/x")] {
        let sources = AdminSources { metrics_route: route.map(Into::into), ..sources() };
        let is_metrics = ask(&sources, "GET", asked, "").await.1 == CONTENT_TYPE;
        assert_eq!(is_metrics, route == Some("prometheus/all/"), "{route:?}");
    }
}
