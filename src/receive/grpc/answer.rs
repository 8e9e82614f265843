//! How calls end: a reply with its trailers, or a refusal with its code.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response};
use bytes::BufMut;
use http_body_util::{BodyExt, Full};
use prost::Message;
use tonic::{Code, Status};

use super::message::MessageError;
use crate::pipeline::Rejected;
use crate::proto::rpc;
use crate::receive::body::BodyError;

/// After so long one who was refused for want of room may try again.
const RETRY: Duration = Duration::from_secs(1);

/// Encodings of messages that are read.
const ENCODINGS: &str = "identity,gzip,deflate,zstd,snappy";

/// The answer to a call that was taken.
pub(super) fn reply(message: &[u8]) -> Response<Body> {
    let mut framed = Vec::with_capacity(5 + message.len());
    framed.put_u8(0);
    framed.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
    framed.put_slice(message);
    let trailers = HeaderMap::from_iter([(HeaderName::from_static("grpc-status"), HeaderValue::from_static("0"))]);
    let body = Full::new(Bytes::from(framed)).with_trailers(std::future::ready(Some(Ok(trailers))));
    let mut response = Response::new(Body::new(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    response
}

/// A call that was not taken.
#[derive(Debug)]
pub(super) struct Refusal {
    status: Status,
    /// The limit that was reached.
    pub(super) limit: Option<&'static str>,
}

impl Refusal {
    pub(super) fn new(code: Code, words: impl Into<String>) -> Self {
        Refusal { status: Status::new(code, words), limit: None }
    }

    /// Not the sender's fault, and worth another try in a while.
    fn later(words: &str) -> Self {
        Refusal { status: Status::with_details(Code::Unavailable, words, retry_info(words)), limit: None }
    }

    fn at(self, limit: &'static str) -> Self {
        Refusal { limit: Some(limit), ..self }
    }

    pub(super) fn code(&self) -> Code {
        self.status.code()
    }

    pub(super) fn into_response(self) -> Response<Body> {
        let mut response: Response<Body> = self.status.into_http();
        if response.headers().get("grpc-status").is_some_and(|code| code == "12") {
            response.headers_mut().insert("grpc-accept-encoding", HeaderValue::from_static(ENCODINGS));
        }
        response
    }
}

impl From<Rejected> for Refusal {
    fn from(rejected: Rejected) -> Self {
        let words = rejected.to_string();
        match rejected {
            Rejected::Unreadable(_) | Rejected::NothingReadable { .. } => Refusal::new(Code::InvalidArgument, words),
            Rejected::NotNow => Refusal::later(&words),
        }
    }
}

impl From<MessageError> for Refusal {
    fn from(error: MessageError) -> Self {
        let words = error.to_string();
        match error {
            MessageError::TooLong { setting, .. }
            | MessageError::TooLongInflated { setting, .. }
            | MessageError::Body(BodyError::TooLarge { setting, .. }) => {
                Refusal::new(Code::ResourceExhausted, words).at(setting)
            }
            MessageError::Body(BodyError::NoRoom) => Refusal::later(&words).at("memory.limit"),
            MessageError::Body(BodyError::NoTurn(_)) => Refusal::later(&words).at("limits.body-timeout"),
            MessageError::Body(BodyError::TooSlow(_)) => {
                Refusal::new(Code::DeadlineExceeded, words).at("limits.body-timeout")
            }
            MessageError::Body(BodyError::BrokeOff) => Refusal::new(Code::Cancelled, words),
            MessageError::UnknownEncoding(_) | MessageError::Body(BodyError::UnknownEncoding(_)) => {
                Refusal::new(Code::Unimplemented, words)
            }
            MessageError::EncodingNotNamed
            | MessageError::UnknownFlag(_)
            | MessageError::Broken(_)
            | MessageError::Body(BodyError::Broken { .. })
            | MessageError::CutShort
            | MessageError::More => Refusal::new(Code::Internal, words),
        }
    }
}

/// The details that tell a sender when to try again; senders of OTLP wait so long.
fn retry_info(words: &str) -> Bytes {
    let retry_delay = prost_types::Duration { seconds: RETRY.as_secs().cast_signed(), nanos: 0 };
    let detail = prost_types::Any {
        type_url: "type.googleapis.com/google.rpc.RetryInfo".into(),
        value: rpc::RetryInfo { retry_delay: Some(retry_delay) }.encode_to_vec(),
    };
    let status = rpc::Status { code: Code::Unavailable as i32, message: words.into(), details: vec![detail] };
    status.encode_to_vec().into()
}
