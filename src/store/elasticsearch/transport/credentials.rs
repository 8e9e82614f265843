//! Who we are to the cluster: a header, made once, and made again when its file has changed.
//!
//! A file is looked at when a request is sent and its interval has passed, so that no task has to
//! be started and stopped. A file that cannot be read leaves what was known in force.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::HeaderValue;
use tokio::time::Instant;

use super::ConnectionError;
use crate::settings::Elasticsearch;
use crate::store::elasticsearch::alarm::Alarm;

/// The header for requests, and where it comes from.
#[derive(Debug, Default)]
pub(super) struct Credentials {
    header: ArcSwapOption<HeaderValue>,
    file: Option<File>,
    alarm: Alarm,
}

/// A file that holds a secret.
#[derive(Debug)]
struct File {
    path: PathBuf,
    scheme: Scheme,
    /// Zero: read at start only.
    interval: Duration,
    due: Mutex<Instant>,
}

/// How a secret is made into a header.
#[derive(Debug, Clone)]
enum Scheme {
    Basic { user: String },
    Bearer,
    ApiKey,
}

impl Scheme {
    fn setting(&self) -> &'static str {
        match self {
            Scheme::Basic { .. } => "--es.password-file",
            Scheme::Bearer => "--es.token-file",
            Scheme::ApiKey => "--es.api-key-file",
        }
    }

    /// `None`: the secret holds what no header can.
    fn header(&self, secret: &str) -> Option<HeaderValue> {
        match self {
            Scheme::Basic { user } => basic(user, secret),
            Scheme::Bearer => sensitive(&format!("Bearer {secret}")),
            Scheme::ApiKey => sensitive(&format!("ApiKey {secret}")),
        }
    }
}

impl Credentials {
    /// Reads what the settings name; more than one way to be known is a mistake.
    pub(super) fn new(settings: &Elasticsearch) -> Result<Self, ConnectionError> {
        one_of(settings)?;
        if let Some(file) = File::named_by(settings) {
            let secret = std::fs::read(&file.path).map_err(|error| unreadable(&file, &error))?;
            let header = file.header(&secret).ok_or(ConnectionError::Header { setting: file.scheme.setting() })?;
            return Ok(Credentials { header: Some(header.into()).into(), file: Some(file), alarm: Alarm::default() });
        }
        if settings.username.is_empty() {
            return Ok(Credentials::default());
        }
        let header = basic(&settings.username, &settings.password.0);
        let header = header.ok_or(ConnectionError::Header { setting: "--es.username" })?;
        Ok(Credentials { header: Some(header.into()).into(), ..Credentials::default() })
    }

    /// The header to send now; reads the file again if it is time.
    pub(super) async fn header(&self) -> Option<HeaderValue> {
        if let Some(file) = self.file.as_ref().filter(|file| file.is_due()) {
            self.renew(file).await;
        }
        self.header.load().as_deref().cloned()
    }

    /// The cluster did not know us: the file may have changed before its time.
    pub(super) fn doubt(&self) {
        if let Some(file) = &self.file {
            *file.due.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        }
    }

    async fn renew(&self, file: &File) {
        let read = tokio::fs::read(&file.path).await;
        let cause = match read.map(|secret| file.header(&secret)) {
            Ok(Some(header)) => return self.header.store(Some(header.into())),
            Ok(None) => "it holds characters that no HTTP header can carry".to_string(),
            Err(error) => error.to_string(),
        };
        if let Some(silenced) = self.alarm.ring() {
            let (setting, path) = (file.scheme.setting(), file.path.display());
            tracing::warn!(%path, %cause, silenced, "{setting} cannot be read again, the old one stays in force");
        }
    }
}

impl File {
    fn named_by(settings: &Elasticsearch) -> Option<Self> {
        let user = settings.username.clone();
        let named = [
            (&settings.password_file, Scheme::Basic { user }, settings.password_reload_interval),
            (&settings.token_file, Scheme::Bearer, settings.bearer_token_reload_interval),
            (&settings.api_key_file, Scheme::ApiKey, settings.api_key_reload_interval),
        ];
        let mut named =
            named.into_iter().filter_map(|(path, scheme, interval)| Some((path.clone()?, scheme, interval)));
        named.next().map(|(path, scheme, interval)| {
            let due = Mutex::new(Instant::now() + interval);
            File { path, scheme, interval, due }
        })
    }

    /// True once an interval, for the one caller that then reads the file.
    fn is_due(&self) -> bool {
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if self.interval.is_zero() || now < *due {
            return false;
        }
        *due = now + self.interval;
        true
    }

    fn header(&self, secret: &[u8]) -> Option<HeaderValue> {
        self.scheme.header(std::str::from_utf8(secret).ok()?.trim_end_matches(['\r', '\n']))
    }
}

fn unreadable(file: &File, error: &std::io::Error) -> ConnectionError {
    let path = Path::display(&file.path).to_string();
    ConnectionError::File { setting: file.scheme.setting(), path, cause: error.to_string() }
}

/// Refuses settings that name two ways to be known.
fn one_of(settings: &Elasticsearch) -> Result<(), ConnectionError> {
    let basic = !settings.password.0.is_empty() || (!settings.username.is_empty() && settings.password_file.is_none());
    let set = [
        ("--es.password", basic),
        ("--es.password-file", settings.password_file.is_some()),
        ("--es.token-file", settings.token_file.is_some()),
        ("--es.api-key-file", settings.api_key_file.is_some()),
    ];
    let mut set = set.into_iter().filter(|(_, set)| *set).map(|(name, _)| name);
    match (set.next(), set.next()) {
        (Some(one), Some(other)) => Err(ConnectionError::TwoCredentials { one, other }),
        _ => Ok(()),
    }
}

/// The header of basic authentication.
pub(super) fn basic(user: &str, password: &str) -> Option<HeaderValue> {
    sensitive(&format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))))
}

/// A header that is not shown in debug output.
fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}
