//! What clients are told over HTTP that ask how much to sample, as jaeger-collector 1.76 and
//! jaeger-agent tell it: `GET` with the name of one service in the query.

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{Method, Response, StatusCode, Uri};

use super::answer;
use crate::sample::strategies::StrategiesHandle;
use crate::telemetry::metrics::{Metrics, StrategyForm, StrategyRefusal};

/// Answers a request for a strategy.
pub(super) fn tell(
    strategies: &StrategiesHandle,
    metrics: &Metrics,
    (method, uri): (&Method, &Uri),
    form: StrategyForm,
) -> Response<Body> {
    let service = match service(method, uri) {
        Ok(service) => service,
        Err(refused) => {
            if refused == Refused::NotOnce {
                metrics.strategy_refused(StrategyRefusal::BadRequest);
            }
            return refused.answer();
        }
    };
    let strategies = strategies.current();
    let answer = strategies.answer(&service);
    let json = match form {
        StrategyForm::Named => Ok(answer.by_name()),
        StrategyForm::Numbered => answer.by_number(),
    };
    match json {
        Ok(json) => {
            metrics.strategy_told(form);
            told(json)
        }
        Err(_) => {
            metrics.strategy_refused(StrategyRefusal::Thrift);
            answer::words(StatusCode::INTERNAL_SERVER_ERROR, "cannot marshall to JSON")
        }
    }
}

/// Why a request gets no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    Method,
    /// It names no service, or several.
    NotOnce,
}

impl Refused {
    pub(super) fn answer(self) -> Response<Body> {
        match self {
            Refused::Method => answer::method_not_allowed("GET"),
            Refused::NotOnce => answer::words(StatusCode::BAD_REQUEST, "'service' parameter must be provided once"),
        }
    }
}

/// The service that a request asks for, which may be an empty name.
pub(super) fn service(method: &Method, uri: &Uri) -> Result<String, Refused> {
    if method != Method::GET {
        return Err(Refused::Method);
    }
    let mut named = services(uri.query().unwrap_or_default());
    match (named.pop(), named.is_empty()) {
        (Some(service), true) => Ok(service),
        _ => Err(Refused::NotOnce),
    }
}

pub(super) fn told(json: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(json.into());
    answer::set(&mut response, CONTENT_TYPE, "application/json");
    response
}

/// The services that a query names, read as Go reads it: pairs with a semicolon or a bad escape are
/// as if they were not there.
fn services(query: &str) -> Vec<String> {
    let pairs = query.split('&').filter(|pair| !pair.contains(';'));
    let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs
        .filter(|(key, _)| unescaped(key).as_deref() == Some("service"))
        .filter_map(|(_, value)| unescaped(value))
        .collect()
}

/// `+` is a blank, `%XX` a byte; each byte that is no UTF-8 becomes U+FFFD, which is no service.
fn unescaped(text: &str) -> Option<String> {
    let digit = |byte: Option<u8>| char::from(byte?).to_digit(16).map(|digit| digit as u8);
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => digit(rest.next())? << 4 | digit(rest.next())?,
            byte => byte,
        });
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_found_as_go_finds_them() {
        for (query, expected) in [
            ("service=web", &["web"][..]),
            ("a=b&service=", &[""]),
            ("service", &[""]),
            ("service=a&service=b", &["a", "b"]),
            ("s%65rvice=a+b%2Fc%3D", &["a b/c="]),
            ("service=a=b", &["a=b"]),
            ("service=%E2%98%83", &["☃"]),
            ("Service=a&services=b&xservice=c", &[]),
            ("service=%zz", &[]),
            ("service=%4", &[]),
            ("service=a;b", &[]),
            ("service=a;b&service=c", &["c"]),
            ("", &[]),
            ("&&", &[]),
        ] {
            assert_eq!(services(query), expected, "{query}");
        }
    }
}
