//! Where we answer otherwise than jaeger-query 1.76, and why.

use serde_json::Value;

use crate::replay::{Ours, Pair};

/// One deliberate difference.
#[derive(Debug)]
pub(crate) struct Difference {
    pub(crate) reason: &'static str,
    /// The recorded pairs that it concerns.
    pub(crate) applies: fn(&Pair) -> bool,
    /// What we answer instead.
    pub(crate) ours: fn(&Pair, &Ours) -> Result<(), String>,
}

/// Beside these, everywhere: names are sorted (jaeger-query: in the order of Elasticsearch's
/// buckets), spans stand by start and id and processes are numbered by first appearance (there: in
/// the order of a hash map), and there is no header `traceresponse` (jaeger-query traces itself).
pub(crate) const DIFFERENCES: &[Difference] = &[
    Difference {
        reason: "an unknown path under /api is 404 in the envelope, not the page of the UI with 200: a client \
                 that asks for what is not there should hear so",
        applies: |pair| is_page(pair) && pair.request.path.contains("/api/"),
        ours: |_, ours| is_fault(ours, 404, "there is no /"),
    },
    Difference {
        reason: "there is no UI yet, so paths other than the root and the base path are 404",
        applies: |pair| is_page(pair) && !matches!(pair.request.path.as_str(), "/jaeger" | "/jaeger/"),
        ours: |_, ours| is_text(ours, 404, "text/plain; charset=utf-8", "404 page not found\n"),
    },
    Difference {
        reason: "the page at the root is our own",
        applies: is_page,
        ours: |_, ours| is_text(ours, 200, "text/html; charset=utf-8", "<!doctype html>"),
    },
    Difference {
        reason: "a long range of time is searched: names of indices are sent in the body, not in the URL, which \
                 Elasticsearch limits to 4096 bytes",
        applies: |pair| pair.body.as_ref().is_some_and(|body| body.to_string().contains("too_long_http_line")),
        ours: |_, ours| if ours.status == 200 { Ok(()) } else { Err(format!("{ours:?}")) },
    },
    Difference {
        reason: "api_v3, dependencies and archive come later",
        applies: |pair| pair.request.path.contains("/api/v3/") || pair.request.path.contains("/api/dependencies"),
        ours: |_, ours| is_fault(ours, 404, "there is no /"),
    },
];

/// Where the embedded store answers otherwise in addition.
pub(crate) const EMBEDDED: &[Difference] = &[
    Difference {
        reason: "services and look-ups by id have no limit of age: what the store has not deleted is shown",
        applies: |pair| {
            let path = pair.request.path.as_str();
            pair.max_span_age_hours() == 72
                && (path == "/api/services" || path == "/api/traces/4a76dfb158d2a770dfc4152598b0048b")
        },
        ours: is_longer,
    },
    Difference {
        reason: "a trace that a search finds is shown whole, also where its spans lie days outside the times of \
                 the search",
        applies: |pair| {
            let rest = pair.request.path.strip_prefix("/api/traces?service=mailer&limit=2");
            matches!(rest, Some("" | "&end=1795305600000000"))
        },
        ours: is_longer,
    },
];

/// Where the lean layout answers otherwise in addition, unless fields of logs are searched.
pub(crate) const LEAN: &[Difference] = &[Difference {
    reason: "a search for the field of a log finds nothing: logs are kept and not indexed",
    applies: |pair| {
        let path = &pair.request.path;
        let of_logs = ["event:posted", "n:3", "ok:false", "r:2.5"].map(|tag| format!("service=ledger-31&tag={tag}&"));
        of_logs.iter().any(|part| path.contains(part)) || path.contains("exception.message")
    },
    ours: |pair, ours| {
        let found = |body: &Value| body["data"].as_array().is_some_and(|traces| !traces.is_empty());
        let answer = serde_json::from_slice(&ours.body).unwrap_or_default();
        let recorded = pair.body.as_ref().is_some_and(found);
        if ours.status == 200 && recorded && !found(&answer) { Ok(()) } else { Err(format!("{ours:?}")) }
    },
}];

fn is_longer(pair: &Pair, ours: &Ours) -> Result<(), String> {
    let good = ours.status == 200 && ours.body.len() > pair.bytes;
    if good { Ok(()) } else { Err(format!("{ours:?}")) }
}

fn is_page(pair: &Pair) -> bool {
    pair.status == 200 && pair.headers.get("content-type").is_some_and(|kind| kind.starts_with("text/html"))
}

fn is_text(ours: &Ours, status: u16, content_type: &str, start: &str) -> Result<(), String> {
    let good = ours.status == status
        && ours.headers.get("content-type").is_some_and(|kind| kind == content_type)
        && ours.body.starts_with(start.as_bytes());
    if good { Ok(()) } else { Err(format!("{ours:?}")) }
}

fn is_fault(ours: &Ours, status: u16, start: &str) -> Result<(), String> {
    let answer: Value = serde_json::from_slice(&ours.body).map_err(|error| format!("{ours:?}: {error}"))?;
    let message = answer["errors"][0]["msg"].as_str().unwrap_or_default();
    let good = ours.status == status && answer["errors"][0]["code"] == status && message.starts_with(start);
    if good { Ok(()) } else { Err(format!("{ours:?}")) }
}
