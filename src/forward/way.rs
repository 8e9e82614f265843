//! How a copy goes out: a POST, or a call of gRPC; and what the answer says of it.

use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use http::StatusCode;
use http_body_util::BodyExt;
use reqwest::{Certificate, Client, ClientBuilder, Response, Url, redirect};
use tonic::{Code, Status};

use super::ForwardError;
use super::form::{Endpoint, Form};
use super::mark;
use crate::settings::Forward as Settings;

/// Time for a connection; a copy may try several.
const CONNECTING: Duration = Duration::from_secs(3);
/// Shorter than any server keeps an idle connection: a copy that meets its end is lost.
const IDLE: Duration = Duration::from_secs(10);
/// How long a call may be silent before its connection is asked whether it lives, and the time to say so.
const ALIVE: (Duration, Duration) = (Duration::from_secs(20), Duration::from_secs(10));
/// Bytes of an answer that are read, so that its connection can be kept.
const ANSWER: usize = 64 << 10;
/// Bytes before a message of gRPC.
const PREFIX: usize = 5;

/// What became of a copy.
#[derive(Debug)]
pub(super) enum Sent {
    Taken,
    /// It was not taken and never will be.
    Refused(String),
    /// It was surely not taken, and may be later.
    NotNow(String),
    /// Nobody knows.
    Lost(String),
}

/// See the module.
#[derive(Debug)]
pub(super) enum Way {
    Http { client: Client, base: String },
    Grpc { client: Client, base: Url },
}

impl Way {
    pub(super) fn new(endpoint: Endpoint, url: &str, settings: &Settings) -> Result<Self, ForwardError> {
        let authorities = match &settings.ca_file {
            Some(path) => {
                let read = std::fs::read(path);
                Some(read.map_err(|cause| ForwardError::File { path: path.clone(), cause })?)
            }
            None => None,
        };
        let wrong = |cause: String| ForwardError::Url { endpoint: endpoint.name(), cause };
        let builder = builder(authorities.as_deref())?;
        if endpoint != Endpoint::JaegerGrpc {
            let client = builder.http1_only().build().map_err(|error| wrong(error.to_string()))?;
            return Ok(Way::Http { client, base: url.to_string() });
        }
        let base = Url::parse(url).map_err(|error| wrong(error.to_string()))?;
        // A peer that is gone without a word is found out; while nothing is sent nobody is asked.
        let builder = builder.http2_prior_knowledge().http2_keep_alive_interval(ALIVE.0);
        let client = builder.http2_keep_alive_timeout(ALIVE.1).build().map_err(|error| wrong(error.to_string()))?;
        Ok(Way::Grpc { client, base })
    }

    pub(super) async fn send(&self, form: Form, body: &Bytes) -> Sent {
        match self {
            Way::Http { client, base } => post(client, base, form, body.clone()).await,
            Way::Grpc { client, base } => call(client, base, form.path, body).await,
        }
    }
}

/// Copies go where they were sent, or nowhere: to no proxy and to no other place.
fn builder(authorities: Option<&[u8]>) -> Result<ClientBuilder, ForwardError> {
    let mut builder = Client::builder()
        .no_proxy()
        .redirect(redirect::Policy::none())
        .connect_timeout(CONNECTING)
        .pool_idle_timeout(IDLE)
        .user_agent(concat!("spaniel/", env!("CARGO_PKG_VERSION")));
    if let Some(pem) = authorities {
        let unusable = |error: reqwest::Error| ForwardError::Certificates { cause: error.to_string() };
        let certificates = Certificate::from_pem_bundle(pem).map_err(unusable)?;
        if certificates.is_empty() {
            return Err(ForwardError::Certificates { cause: "there is no certificate in it".into() });
        }
        for certificate in certificates {
            builder = builder.add_root_certificate(certificate);
        }
    }
    Ok(builder)
}

async fn post(client: &Client, base: &str, form: Form, body: Bytes) -> Sent {
    let request = client.post(format!("{base}{}", form.path)).header("content-type", form.content_type);
    let mut answer = match request.header(mark::HEADER, "true").body(body).send().await {
        Ok(answer) => answer,
        Err(error) if error.is_connect() => return Sent::NotNow(explain(&error)),
        Err(error) => return Sent::Lost(explain(&error)),
    };
    let status = answer.status();
    let mut text = Vec::new();
    while let Ok(Some(piece)) = answer.chunk().await {
        text.extend_from_slice(&piece);
        if text.len() > ANSWER {
            break;
        }
    }
    if status.is_success() {
        return Sent::Taken;
    }
    let words: String = String::from_utf8_lossy(&text).trim().chars().take(200).collect();
    let why = format!("answered with {status}: {words}");
    match status {
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => Sent::NotNow(why),
        status if status.is_server_error() => Sent::Lost(why),
        _ => Sent::Refused(why),
    }
}

/// An error with its causes: reqwest tells the outermost one only.
fn explain(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        words = format!("{words}: {inner}");
        cause = inner.source();
    }
    words
}

/// A unary call; what its answer says beside the status is of no matter.
async fn call(client: &Client, base: &Url, path: &str, message: &Bytes) -> Sent {
    let Ok(url) = base.join(path) else { return Sent::Refused(format!("{base}{path} is no URL")) };
    let Some(body) = frame(message) else { return Sent::Refused("longer than a message can be".into()) };
    let request = client.post(url).header("content-type", "application/grpc").header("te", "trailers");
    match request.header(mark::HEADER, "true").body(body).send().await {
        Ok(answer) => status(answer).await.map_or(Sent::Taken, |status| judge(&status)),
        Err(error) if error.is_connect() || is_unprocessed(&error) => Sent::NotNow(explain(&error)),
        Err(error) => Sent::Lost(explain(&error)),
    }
}

/// The message with its length before it, not compressed.
fn frame(message: &Bytes) -> Option<Bytes> {
    let mut framed = BytesMut::with_capacity(PREFIX + message.len());
    framed.put_u8(0);
    framed.put_u32(u32::try_from(message.len()).ok()?);
    framed.extend_from_slice(message);
    Some(framed.freeze())
}

/// True if the peer says that it has not begun with the call.
fn is_unprocessed(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut causes = std::iter::successors(Some(error), |error| error.source());
    let reason = causes.find_map(|cause| cause.downcast_ref::<h2::Error>()).and_then(h2::Error::reason);
    reason == Some(h2::Reason::REFUSED_STREAM)
}

/// How the call ended; `None`: well.
async fn status(answer: Response) -> Option<Status> {
    let code = answer.status();
    let (head, mut body) = http::Response::<reqwest::Body>::from(answer).into_parts();
    let mut read = 0;
    let mut status = Status::from_header_map(&head.headers);
    while status.is_none() && read <= ANSWER {
        match body.frame().await {
            Some(Ok(frame)) => {
                read += frame.data_ref().map_or(0, Bytes::len);
                status = frame.trailers_ref().and_then(Status::from_header_map);
            }
            Some(Err(error)) => return Some(Status::unknown(explain(&error))),
            None => break,
        }
    }
    let status = status.unwrap_or_else(|| Status::new(meaning(code), format!("no status of gRPC, but {code}")));
    (status.code() != Code::Ok).then_some(status)
}

/// What a status of HTTP means to gRPC, where there is no other.
fn meaning(status: StatusCode) -> Code {
    match status.as_u16() {
        400 => Code::Internal,
        401 => Code::Unauthenticated,
        403 => Code::PermissionDenied,
        404 => Code::Unimplemented,
        429 | 502..=504 => Code::Unavailable,
        _ => Code::Unknown,
    }
}

fn judge(status: &Status) -> Sent {
    let why = format!("answered with {:?}: {}", status.code(), status.message());
    match status.code() {
        Code::Unavailable | Code::ResourceExhausted => Sent::NotNow(why),
        Code::Unknown | Code::Internal | Code::Cancelled | Code::DeadlineExceeded | Code::Aborted => Sent::Lost(why),
        _ => Sent::Refused(why),
    }
}
