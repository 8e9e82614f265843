//! Where a document comes from: a file, or a URL that is asked by GET.

use std::error::Error as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::{Client, Response, StatusCode, Url, redirect};
use tokio::io::AsyncReadExt as _;

use crate::settings::StrategiesSource;

/// Bytes of the largest document.
const LARGEST: u64 = 16 << 20;

/// Time for one answer of a URL. Jaeger's is a second; nothing waits for ours but the start.
const TIMEOUT: Duration = Duration::from_secs(5);

/// How often a URL may send us elsewhere.
const REDIRECTS: usize = 10;

/// Bytes of an answer that is no document and is shown.
const EXCERPT: usize = 200;

/// Where a document comes from.
#[derive(Debug)]
pub(super) enum Source {
    File(PathBuf),
    /// The URL as it may be printed stands beside it.
    Url {
        client: Client,
        url: Url,
        place: String,
    },
}

/// Why a source gave no document. The text says it without the source's name.
#[derive(Debug, thiserror::Error)]
pub(super) enum SourceError {
    #[error("it cannot be read ({0}): write the path of a file that can")]
    Unreadable(std::io::Error),
    #[error("it does not answer within {} s", .0.as_secs_f64())]
    Timeout(Duration),
    #[error("it cannot be reached: {0}")]
    Unreachable(String),
    /// Jaeger takes 503 for an empty document.
    #[error("it answers 503: there is no document now")]
    Unavailable,
    #[error("it answers {status}: {excerpt}")]
    Status { status: StatusCode, excerpt: String },
    #[error("it is larger than {} MiB", LARGEST >> 20)]
    TooLarge,
}

impl SourceError {
    /// The label of the counter.
    pub(super) fn result(&self) -> &'static str {
        match self {
            SourceError::Unreadable(_) => "unreadable",
            SourceError::Timeout(_) => "timeout",
            SourceError::Unreachable(_) => "unreachable",
            SourceError::Unavailable => "unavailable",
            SourceError::Status { .. } => "status",
            SourceError::TooLarge => "too-large",
        }
    }
}

impl Source {
    /// The error says why a URL cannot be asked.
    pub(super) fn new(settings: &StrategiesSource) -> Result<Self, String> {
        let url = match settings {
            StrategiesSource::File(path) => return Ok(Source::File(path.clone())),
            StrategiesSource::Url(url) => Url::parse(&url.0).map_err(|error| error.to_string())?,
        };
        let mut shown = url.clone();
        // What has no host has no user either.
        let _ = shown.set_username("");
        let _ = shown.set_password(None);
        shown.set_query(None);
        shown.set_fragment(None);
        let builder =
            Client::builder().http1_only().timeout(TIMEOUT).no_proxy().redirect(redirect::Policy::limited(REDIRECTS));
        let client = builder.user_agent(concat!("spaniel/", env!("CARGO_PKG_VERSION"))).build();
        let client = client.map_err(|error| error.without_url().to_string())?;
        Ok(Source::Url { client, url, place: shown.into() })
    }

    /// As it may be printed.
    pub(super) fn place(&self) -> String {
        match self {
            Source::File(path) => path.display().to_string(),
            Source::Url { place, .. } => place.clone(),
        }
    }

    /// The document's bytes now.
    pub(super) async fn read(&self) -> Result<Vec<u8>, SourceError> {
        match self {
            Source::File(path) => read_file(path).await,
            Source::Url { client, url, .. } => match client.get(url.clone()).send().await {
                Ok(response) => read_answer(response).await,
                Err(error) => Err(failed(error)),
            },
        }
    }
}

async fn read_file(path: &Path) -> Result<Vec<u8>, SourceError> {
    let file = tokio::fs::File::open(path).await.map_err(SourceError::Unreadable)?;
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes).await.map_err(SourceError::Unreadable)?;
    if bytes.len() as u64 > LARGEST { Err(SourceError::TooLarge) } else { Ok(bytes) }
}

async fn read_answer(mut response: Response) -> Result<Vec<u8>, SourceError> {
    let status = response.status();
    if status == StatusCode::SERVICE_UNAVAILABLE {
        return Err(SourceError::Unavailable);
    }
    let is_good = status == StatusCode::OK;
    let most = if is_good { LARGEST } else { EXCERPT as u64 };
    let mut bytes = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(failed)? {
        bytes.extend_from_slice(&piece);
        if bytes.len() as u64 > most {
            break;
        }
    }
    match is_good {
        true if bytes.len() as u64 > LARGEST => Err(SourceError::TooLarge),
        true => Ok(bytes),
        false => {
            bytes.truncate(EXCERPT);
            Err(SourceError::Status { status, excerpt: String::from_utf8_lossy(&bytes).trim().to_string() })
        }
    }
}

/// What went wrong, innermost cause last, without the URL, in which a password may stand.
fn failed(error: reqwest::Error) -> SourceError {
    if error.is_timeout() {
        return SourceError::Timeout(TIMEOUT);
    }
    let error = error.without_url();
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let words = cause.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        source = cause.source();
    }
    SourceError::Unreachable(text)
}
