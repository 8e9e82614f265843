//! How a copy goes out: a POST, or a call of gRPC; and what the answer says of it.

use std::time::Duration;

use bytes::{Buf, BufMut, Bytes};
use http::StatusCode;
use http::uri::PathAndQuery;
use reqwest::{Certificate, Client, redirect};
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::{Channel, ClientTlsConfig, Endpoint as Address};
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
    Grpc(Channel),
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
        match endpoint {
            Endpoint::JaegerGrpc => Ok(Way::Grpc(channel(endpoint, url, authorities.as_deref())?)),
            _ => Ok(Way::Http { client: client(endpoint, authorities.as_deref())?, base: url.to_string() }),
        }
    }

    pub(super) async fn send(&self, form: Form, body: &Bytes) -> Sent {
        match self {
            Way::Http { client, base } => post(client, base, form, body.clone()).await,
            Way::Grpc(channel) => call(channel.clone(), form.path, body.clone()).await,
        }
    }
}

/// Copies go where they were sent, or nowhere: to no proxy and to no other place.
fn client(endpoint: Endpoint, authorities: Option<&[u8]>) -> Result<Client, ForwardError> {
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
    builder.build().map_err(|error| ForwardError::Url { endpoint: endpoint.name(), cause: error.to_string() })
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

/// Connects when it is needed, and again when it must.
fn channel(endpoint: Endpoint, url: &str, authorities: Option<&[u8]>) -> Result<Channel, ForwardError> {
    let wrong =
        |error: tonic::transport::Error| ForwardError::Url { endpoint: endpoint.name(), cause: explain(&error) };
    let mut address = Address::from_shared(url.to_string()).map_err(wrong)?.connect_timeout(CONNECTING);
    // A peer that is gone without a word is found out; while nothing is sent nobody is asked.
    address = address.http2_keep_alive_interval(ALIVE.0).keep_alive_timeout(ALIVE.1);
    if url.starts_with("https:") {
        let mut tls = ClientTlsConfig::new().with_webpki_roots();
        if let Some(pem) = authorities {
            tls = tls.ca_certificate(tonic::transport::Certificate::from_pem(pem));
        }
        address = address.tls_config(tls).map_err(wrong)?;
    }
    Ok(address.connect_lazy())
}

async fn call(channel: Channel, path: &'static str, body: Bytes) -> Sent {
    let mut client = tonic::client::Grpc::new(channel);
    if let Err(error) = client.ready().await {
        return Sent::NotNow(explain(&error));
    }
    let mut request = tonic::Request::new(body);
    request.metadata_mut().insert(mark::HEADER, tonic::metadata::MetadataValue::from_static("true"));
    match client.unary(request, PathAndQuery::from_static(path), Raw).await {
        Ok(_) => Sent::Taken,
        Err(status) => judge(&status),
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

/// Messages as the bytes that they are; what an answer says beside its status is of no matter.
#[derive(Debug, Clone, Copy)]
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = ();
    type Encoder = Raw;
    type Decoder = Raw;

    fn encoder(&mut self) -> Raw {
        Raw
    }

    fn decoder(&mut self) -> Raw {
        Raw
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, message: Bytes, out: &mut EncodeBuf<'_>) -> Result<(), Status> {
        out.put(message);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = ();
    type Error = Status;

    fn decode(&mut self, message: &mut DecodeBuf<'_>) -> Result<Option<()>, Status> {
        message.advance(message.remaining());
        Ok(Some(()))
    }
}
