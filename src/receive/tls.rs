//! TLS and mutual TLS of a listener.
//!
//! It stands between accepting and serving: a connection that does not come through the handshake
//! in time is closed, and never reaches HTTP. One that begins in plain text is told so before
//! anything is made for it. Certificates, key and the CAs of clients are read again while the
//! process runs; what cannot be used leaves what was read before in force.

mod config;

pub use config::TlsError;

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::reload;
use super::server::{Phase, Server};
use crate::settings::ServerTls;
use crate::telemetry::metrics::Metrics;
use config::Files;

/// Bytes that the TLS of a connection is charged with: a record of 16 KiB that came, one that goes,
/// and what rustls keeps beside them (estimated, not weighed).
pub(super) const CONNECTION: usize = 40 << 10;
/// The first byte of a TLS handshake; no method of HTTP begins so.
const HANDSHAKE: u8 = 0x16;
/// What Go's servers say to HTTP on a port of HTTPS.
const NOT_TLS: &[u8] = b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";

/// The TLS of one listener.
pub struct Tls {
    settings: ServerTls,
    config: ArcSwap<ServerConfig>,
    /// What was tried last, good or not.
    tried: Mutex<Files>,
    metrics: Arc<Metrics>,
}

/// Nothing of the key.
impl std::fmt::Debug for Tls {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Tls").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// How a handshake ended that gave no connection.
enum Failure {
    /// It began with something else.
    PlainText,
    /// One side did not like the other.
    Refused(std::io::Error),
    /// The client went away.
    Gone,
}

impl Tls {
    /// Reads the files, which must be good now; `None` if TLS is off. Needs a tokio runtime.
    pub fn new(settings: &ServerTls, metrics: &Arc<Metrics>) -> Result<Option<Arc<Self>>, TlsError> {
        if !settings.enabled {
            return Ok(None);
        }
        let files = Files::read(settings)?;
        let tls = Arc::new(Tls {
            config: ArcSwap::from_pointee(config::build(settings, &files)?),
            tried: Mutex::new(files),
            settings: settings.clone(),
            metrics: metrics.clone(),
        });
        reload::every(settings.reload_interval, &tls, Tls::look);
        Ok(Some(tls))
    }

    /// Takes what the files hold, if that has changed and can be used.
    fn look(&self) {
        let Some(outcome) = self.renew() else { return };
        self.metrics.tls_reloaded(self.settings.prefix, outcome.is_ok());
        match outcome {
            Ok(()) => tracing::info!(listener = self.settings.prefix, "certificates were read again"),
            Err(error) => tracing::warn!(
                listener = self.settings.prefix,
                "{error}. Until then the certificates that were read before stay in force"
            ),
        }
    }

    /// `None`: nothing has changed since it was tried last.
    fn renew(&self) -> Option<Result<(), TlsError>> {
        let mut tried = self.tried.lock().unwrap_or_else(PoisonError::into_inner);
        let files = match Files::read(&self.settings) {
            Ok(files) => files,
            // Said once: what is there next is news again.
            Err(error) => return (std::mem::take(&mut *tried) != Files::default()).then_some(Err(error)),
        };
        if files == *tried {
            return None;
        }
        let built = config::build(&self.settings, &files);
        *tried = files;
        Some(built.map(|config| self.config.store(Arc::new(config))))
    }

    /// The connection behind the handshake, if that comes to a good end in time and before a drain.
    pub(super) async fn shake(
        &self,
        stream: TcpStream,
        server: &Server,
        mut phase: watch::Receiver<Phase>,
    ) -> Option<TlsStream<TcpStream>> {
        let limit = server.limits.handshake_timeout;
        let too_slow = async {
            match limit.is_zero() {
                true => std::future::pending().await,
                false => tokio::time::sleep(limit).await,
            }
        };
        let reason = tokio::select! {
            biased;
            shaken = self.greet(stream) => match shaken {
                Ok(stream) => return Some(stream),
                Err(Failure::PlainText) => "plain-text",
                Err(Failure::Gone) => "gone",
                Err(Failure::Refused(error)) => {
                    tracing::debug!(listener = self.settings.prefix, %error, "a TLS handshake failed");
                    "refused"
                }
            },
            () = too_slow => {
                server.metrics.limit_reached("limits.handshake-timeout");
                "timeout"
            }
            _ = phase.wait_for(|phase| *phase != Phase::Open) => return None,
        };
        self.metrics.handshake_failed(self.settings.prefix, reason);
        None
    }

    async fn greet(&self, mut stream: TcpStream) -> Result<TlsStream<TcpStream>, Failure> {
        let mut first = [0];
        match stream.peek(&mut first).await {
            Ok(1) if first == [HANDSHAKE] => {}
            Ok(1) => {
                // What lies unread when a socket is closed destroys the answer.
                let _ = stream.try_read(&mut [0; 4096]);
                let _ = stream.write_all(NOT_TLS).await;
                let _ = stream.shutdown().await;
                return Err(Failure::PlainText);
            }
            _ => return Err(Failure::Gone),
        }
        TlsAcceptor::from(self.config.load_full()).accept(stream).await.map_err(Failure::Refused)
    }
}
