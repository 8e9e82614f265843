//! A call that takes spans, from its head to its trailers.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Method as Verb, Response, StatusCode, Version};
use axum::routing::any;
use tonic::Code;

use super::answer::{self, Refusal};
use super::message;
use crate::pipeline::{Protocol, Taken};
use crate::receive::{Reception, Take};

/// The one method of a service.
#[derive(Debug, Clone, Copy)]
pub(super) struct Method {
    pub(super) service: &'static str,
    pub(super) name: &'static str,
    pub(super) protocol: Protocol,
    /// The message that says what became of the spans.
    pub(super) reply: fn(&Taken) -> Bytes,
    /// Where those go who do not speak gRPC.
    pub(super) elsewhere: &'static str,
}

/// A method, and what serves it.
#[derive(Debug)]
pub(super) struct Call<T> {
    method: Method,
    reception: Reception<T>,
}

impl<T> Clone for Call<T> {
    fn clone(&self) -> Self {
        Call { method: self.method, reception: self.reception.clone() }
    }
}

impl<T: Take> Call<T> {
    pub(super) fn new(method: Method, reception: Reception<T>) -> Self {
        Call { method, reception }
    }

    /// The method on a port of its own.
    pub(super) fn port(self) -> Router {
        let call = self.clone();
        self.route().fallback_service(any(serve::<T>).with_state(call))
    }

    /// The method's service alone.
    pub(super) fn route(self) -> Router {
        let service = self.method.service;
        let path = format!("/{service}/{}", self.method.name);
        Router::new()
            .route(&path, any(serve::<T>))
            .route(&format!("/{service}/{{method}}"), any(serve::<T>))
            .with_state(self)
    }

    async fn take(&self, request: Request) -> Result<Bytes, Refusal> {
        let (head, body) = request.into_parts();
        find(head.uri.path(), self.method.service, self.method.name)?;
        let admitted = message::read(&self.reception.bodies, &head.headers, body).await?;
        if admitted.bytes.is_empty() {
            return Ok((self.method.reply)(&Taken::default()));
        }
        let taken = self.reception.take.take(self.method.protocol, admitted.bytes, admitted.reservation).await?;
        Ok((self.method.reply)(&taken))
    }

    /// The answer to what is no call of gRPC at all.
    fn not_grpc(&self, status: StatusCode, what: &str) -> Response<Body> {
        self.reception.metrics.request_refused(self.method.protocol.name(), status.as_u16());
        let words =
            format!("{what}: this is {}/{} of gRPC; {}", self.method.service, self.method.name, self.method.elsewhere);
        crate::receive::answer::words(status, &words)
    }
}

pub(super) async fn serve<T: Take>(State(call): State<Call<T>>, request: Request) -> Response<Body> {
    if let Some((status, what)) = not_a_call(&request) {
        return call.not_grpc(status, what);
    }
    match call.take(request).await {
        Ok(reply) => answer::reply(&reply),
        Err(refusal) => {
            let metrics = &call.reception.metrics;
            metrics.request_refused(call.method.protocol.name(), refusal.code() as u16);
            refusal.limit.inspect(|limit| metrics.limit_reached(limit));
            refusal.into_response()
        }
    }
}

/// What tells that a request is no call of gRPC at all.
pub(super) fn not_a_call(request: &Request) -> Option<(StatusCode, &'static str)> {
    if !is_grpc(request.headers()) {
        return Some((StatusCode::UNSUPPORTED_MEDIA_TYPE, "the content type is not application/grpc"));
    }
    if request.version() != Version::HTTP_2 {
        return Some((StatusCode::HTTP_VERSION_NOT_SUPPORTED, "gRPC is spoken over HTTP/2"));
    }
    (request.method() != Verb::POST).then_some((StatusCode::METHOD_NOT_ALLOWED, "gRPC is spoken by POST"))
}

/// Checks that a path names this method; else answers in grpc-go's words.
pub(super) fn find(path: &str, service: &str, name: &str) -> Result<(), Refusal> {
    match path.strip_prefix('/').and_then(|path| path.rsplit_once('/')) {
        Some(asked) if asked == (service, name) => Ok(()),
        Some((asked, method)) if asked == service => {
            Err(Refusal::new(Code::Unimplemented, format!("unknown method {method} for service {service}")))
        }
        Some((asked, _)) => Err(Refusal::new(Code::Unimplemented, format!("unknown service {asked}"))),
        None => Err(Refusal::new(Code::Unimplemented, format!("malformed method name: {path:?}"))),
    }
}

/// `application/grpc`, alone or with the name of a codec, of which there is one.
pub(super) fn is_grpc(headers: &HeaderMap) -> bool {
    const NAME: &[u8] = b"application/grpc";
    let value = headers.get(CONTENT_TYPE).map(|value| value.as_bytes()).unwrap_or_default();
    let (name, rest) = value.split_at(value.len().min(NAME.len()));
    name.eq_ignore_ascii_case(NAME) && matches!(rest.first(), None | Some(b'+' | b';' | b' '))
}
