//! Pages that may send: what `--*.cors.*` of a listener allows, as jaeger-collector allows it.

use axum::Router;
use axum::http::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue};
use axum::http::{Method, request::Parts};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use crate::settings::Cors;

/// Answers what browsers ask before they send, and marks the answers that a page may read. Without
/// origins nothing is answered, and no page may send.
pub(super) fn allow(router: Router, cors: &Cors) -> Router {
    if cors.origins.is_empty() {
        return router;
    }
    let origins: Vec<_> = cors.origins.iter().map(|origin| origin.to_ascii_lowercase()).collect();
    let is_allowed = move |origin: &HeaderValue, _: &Parts| {
        let origin = origin.as_bytes().to_ascii_lowercase();
        origins.iter().any(|allowed| matches(allowed, &origin))
    };
    let layer = CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(is_allowed))
        .allow_methods([Method::GET, Method::POST, Method::HEAD])
        .allow_headers(headers(&cors.headers))
        .allow_credentials(true);
    router.layer(layer)
}

/// True if `origin` is the one that is allowed, or begins and ends as that does around its `*`.
fn matches(allowed: &str, origin: &[u8]) -> bool {
    let Some((start, end)) = allowed.split_once('*') else { return allowed.as_bytes() == origin };
    let is_long_enough = origin.len() >= start.len() + end.len();
    is_long_enough && origin.starts_with(start.as_bytes()) && origin.ends_with(end.as_bytes())
}

fn headers(names: &[String]) -> AllowHeaders {
    if names.iter().any(|name| name == "*") {
        return AllowHeaders::mirror_request();
    }
    let known = names.iter().filter_map(|name| name.parse().ok());
    let usual = [ACCEPT, CONTENT_TYPE, HeaderName::from_static("x-requested-with")];
    AllowHeaders::list(if names.is_empty() { usual.to_vec() } else { known.collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_compared_around_their_star() {
        for (allowed, origin, expected) in [
            ("https://shop.example", "https://shop.example", true),
            ("https://shop.example", "https://shop.example:8443", false),
            ("*", "null", true),
            ("https://*.example", "https://a.b.example", true),
            ("https://*.example", "https://.example.org", false),
            ("http://a*a", "http://a", false),
            ("http://localhost:*", "http://localhost:3000", true),
        ] {
            assert_eq!(matches(allowed, origin.as_bytes()), expected, "{allowed} {origin}");
        }
    }
}
