//! What one hears who may not send, in the words of each protocol.

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use prost::Message;

use crate::receive::answer;

/// gRPC's numbers.
const PERMISSION_DENIED: i32 = 7;
const UNAUTHENTICATED: i32 = 16;

/// OTLP's path over HTTP, whose errors are messages.
const OTLP: &str = "/v1/traces";

/// Why a request is not let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Denial {
    NoToken,
    UnknownToken,
    NoTenant,
    SeveralTenants,
    UnknownTenant,
}

/// `google.rpc.Status`.
#[derive(Clone, PartialEq, prost::Message)]
struct Status {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

impl Denial {
    /// Of tenants: Jaeger's words.
    fn words(self) -> &'static str {
        match self {
            Denial::NoToken => "missing bearer token: send it in the header Authorization",
            Denial::UnknownToken => "unknown bearer token",
            Denial::NoTenant => "missing tenant header",
            Denial::SeveralTenants => "extra tenant header",
            Denial::UnknownTenant => "unknown tenant",
        }
    }

    fn code(self) -> i32 {
        match self {
            Denial::NoToken | Denial::UnknownToken | Denial::NoTenant => UNAUTHENTICATED,
            Denial::SeveralTenants | Denial::UnknownTenant => PERMISSION_DENIED,
        }
    }

    pub(super) fn status(self, is_query: bool) -> StatusCode {
        match self.code() {
            PERMISSION_DENIED if !is_query => StatusCode::FORBIDDEN,
            _ => StatusCode::UNAUTHORIZED,
        }
    }

    /// The status in the metrics: gRPC's number for a call.
    pub(super) fn counted_as(self, request: &Request, is_query: bool) -> u16 {
        if is_call(request) { self.code() as u16 } else { self.status(is_query).as_u16() }
    }

    pub(super) fn answer(self, request: &Request, is_query: bool) -> Response<Body> {
        if is_call(request) {
            return self.of_grpc();
        }
        let media = media_type(request.headers());
        let is_otlp = request.uri().path() == OTLP;
        let mut response = match media.as_str() {
            "application/json" if is_otlp => {
                let body = serde_json::json!({"code": self.code(), "message": self.words()});
                self.of_otlp("application/json", body.to_string().into())
            }
            "application/x-protobuf" if is_otlp => {
                let body = Status { code: self.code(), message: self.words().into() };
                self.of_otlp("application/x-protobuf", body.encode_to_vec().into())
            }
            _ if is_query => {
                let mut response = answer::status(self.status(is_query));
                *response.body_mut() = self.words().into();
                answer::set(&mut response, CONTENT_TYPE, "text/plain; charset=utf-8");
                response
            }
            _ => answer::words(self.status(is_query), self.words()),
        };
        if matches!(self, Denial::NoToken | Denial::UnknownToken) {
            answer::set(&mut response, WWW_AUTHENTICATE, "Bearer");
        }
        response
    }

    fn of_otlp(self, media: &'static str, body: Body) -> Response<Body> {
        let mut response = answer::status(self.status(false));
        *response.body_mut() = body;
        answer::set(&mut response, CONTENT_TYPE, media);
        response
    }

    /// A response of trailers alone.
    fn of_grpc(self) -> Response<Body> {
        let mut response = answer::status(StatusCode::OK);
        answer::set(&mut response, CONTENT_TYPE, "application/grpc");
        let headers = response.headers_mut();
        headers.insert(HeaderName::from_static("grpc-status"), HeaderValue::from(self.code()));
        headers.insert(HeaderName::from_static("grpc-message"), HeaderValue::from_static(self.words()));
        response
    }
}

/// True for a call of gRPC.
fn is_call(request: &Request) -> bool {
    media_type(request.headers()).starts_with("application/grpc")
}

fn media_type(headers: &HeaderMap) -> String {
    let text = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}
