//! Who may send: a bearer token that must be shown, a tenant that must be named.
//!
//! Both are asked for before a request reaches its routes, and its body is not read if they are
//! missing. What is said then is said in the protocol's own words: a gRPC status, OTLP's `Status`,
//! or a line of text. Pre-flights of browsers and probes carry neither and are let through.
//!
//! Tenancy is Jaeger's: a header that must be there, once, and name one of the tenants. It
//! separates nothing, for Jaeger's documents know no tenant.

mod denial;
mod tokens;

pub use tokens::TokenError;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderName, Method, Response};
use axum::middleware::{Next, from_fn_with_state};

use crate::settings::{Auth, Tenancy};
use crate::telemetry::metrics::Metrics;
use denial::Denial;
use tokens::Tokens;

/// Probes, which are nobody's spans. To the letter: Zipkin's paths may have any beginning.
const PROBES: [&str; 4] = ["/health", "/info", "/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch"];

/// Nobody's spans either, and Jaeger asks for no tenant; but only who has a token is told.
const STRATEGIES: &str = "/jaeger.api_v2.SamplingManager/GetSamplingStrategy";

/// What is asked of requests.
#[derive(Debug)]
pub struct Guard {
    tokens: Option<Arc<Tokens>>,
    tenancy: Option<Arc<Tenants>>,
    metrics: Arc<Metrics>,
}

/// `--multi-tenancy.*`.
#[derive(Debug)]
struct Tenants {
    header: HeaderName,
    /// Empty: any.
    known: Vec<String>,
}

/// The guard of one listener.
#[derive(Debug, Clone)]
struct Door {
    name: &'static str,
    tokens: Option<Arc<Tokens>>,
    tenants: Option<Arc<Tenants>>,
    metrics: Arc<Metrics>,
    /// jaeger-query answers without a line's end, and 401 to whatever is wrong with a tenant.
    is_query: bool,
}

impl Guard {
    /// Reads the tokens, which must be good now. Needs a tokio runtime.
    pub fn new(auth: &Auth, tenancy: &Tenancy, metrics: &Arc<Metrics>) -> Result<Self, TokenError> {
        let tokens = match &auth.bearer_token_file {
            Some(path) => Some(Tokens::open(path, auth.bearer_token_reload_interval)?),
            None => None,
        };
        // The name was checked with the settings.
        let header = HeaderName::from_bytes(tenancy.header.as_bytes()).ok().filter(|_| tenancy.enabled);
        let tenancy = header.map(|header| Arc::new(Tenants { header, known: tenancy.tenants.clone() }));
        Ok(Guard { tokens, tenancy, metrics: metrics.clone() })
    }

    /// A port that takes spans: token and tenant. `name` is the listener's, for the metrics.
    pub fn spans(&self, name: &'static str, router: Router) -> Router {
        self.at(name, router, true, true)
    }

    /// A port that takes spans, on which Jaeger asks for no tenant: the token.
    pub fn untenanted(&self, name: &'static str, router: Router) -> Router {
        self.at(name, router, true, false)
    }

    /// The query: the tenant.
    pub fn query(&self, name: &'static str, router: Router) -> Router {
        self.at(name, router, false, true)
    }

    fn at(&self, name: &'static str, router: Router, token: bool, tenant: bool) -> Router {
        let tokens = self.tokens.clone().filter(|_| token);
        let tenants = self.tenancy.clone().filter(|_| tenant);
        if tokens.is_none() && tenants.is_none() {
            return router;
        }
        let door = Door { name, tokens, tenants, metrics: self.metrics.clone(), is_query: !token };
        router.layer(from_fn_with_state(door, pass))
    }
}

/// Lets a request through, or answers it.
async fn pass(State(door): State<Door>, request: Request, next: Next) -> Response<Body> {
    if is_free(&request) {
        return next.run(request).await;
    }
    match door.check(&request) {
        Ok(()) => next.run(request).await,
        Err(denial) => {
            door.metrics.request_refused(door.name, denial.counted_as(&request, door.is_query));
            denial.answer(&request, door.is_query)
        }
    }
}

fn is_free(request: &Request) -> bool {
    *request.method() == Method::OPTIONS || PROBES.contains(&request.uri().path())
}

impl Door {
    fn check(&self, request: &Request) -> Result<(), Denial> {
        let headers = request.headers();
        if let Some(tokens) = &self.tokens {
            let shown = headers.get(AUTHORIZATION).and_then(|value| bearer(value.as_bytes()));
            if !tokens.know(shown.ok_or(Denial::NoToken)?) {
                return Err(Denial::UnknownToken);
            }
        }
        let tenants = self.tenants.as_ref().filter(|_| request.uri().path() != STRATEGIES);
        tenants.map_or(Ok(()), |tenants| tenants.check(headers))
    }
}

/// What stands behind `Bearer`.
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked("Bearer ".len())?;
    let token = token.trim_ascii();
    (scheme.eq_ignore_ascii_case(b"Bearer ") && !token.is_empty()).then_some(token)
}

impl Tenants {
    fn check(&self, headers: &HeaderMap) -> Result<(), Denial> {
        let mut named = headers.get_all(&self.header).iter();
        let tenant = named.next().filter(|tenant| !tenant.is_empty()).ok_or(Denial::NoTenant)?;
        if named.next().is_some() {
            return Err(Denial::SeveralTenants);
        }
        let is_known = self.known.is_empty() || self.known.iter().any(|known| tenant == known.as_str());
        if is_known { Ok(()) } else { Err(Denial::UnknownTenant) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_stand_behind_the_word_bearer() {
        for (value, token) in [
            (&b"Bearer abc"[..], Some(&b"abc"[..])),
            (b"bEARER  abc ", Some(b"abc")),
            (b"Bearer ", None),
            (b"Bearerabc", None),
            (b"Basic abc", None),
            (b"", None),
        ] {
            assert_eq!(bearer(value), token, "{value:?}");
        }
    }
}
