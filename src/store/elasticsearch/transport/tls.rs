//! TLS towards the cluster, as far as the crate underneath can.
//!
//! A certificate is checked against the bundled web authorities and those of `--es.tls.ca`. With
//! `--es.tls.enabled=false` and an `https` URL Jaeger checks nothing; we check, and say how to turn
//! that off. Another server name than the URL's host cannot be set in the crate, so a different
//! `--es.tls.server-name` is refused at start rather than ignored.

use std::path::Path;
use std::time::Duration;

use elasticsearch::auth::{ClientCertificate, Credentials};
use elasticsearch::cert::{Certificate, CertificateValidation};
use elasticsearch::http::Url;
use elasticsearch::http::transport::{BuildError, SingleNodeConnectionPool, Transport, TransportBuilder};

use super::ConnectionError;
use crate::settings::ClientTls;

/// What was read of the files that `--es.tls.*` names.
#[derive(Debug, Default)]
pub(super) struct Certificates {
    /// PEM of the authorities to trust.
    authorities: Option<Vec<u8>>,
    /// PEM of our key and certificate chain.
    identity: Option<Vec<u8>>,
    trust_all: bool,
    server_name: String,
}

impl Certificates {
    pub(super) fn read(settings: &ClientTls) -> Result<Self, ConnectionError> {
        if !settings.enabled {
            return Ok(Certificates::default());
        }
        let authorities = settings.ca.as_deref().map(|path| file("--es.tls.ca", path)).transpose()?;
        let identity = match (&settings.cert, &settings.key) {
            (None, None) => None,
            (Some(certificate), Some(key)) => {
                let mut pem = file("--es.tls.key", key)?;
                pem.push(b'\n');
                pem.extend(file("--es.tls.cert", certificate)?);
                Some(pem)
            }
            _ => return Err(ConnectionError::HalfPair),
        };
        let server_name = settings.server_name.clone();
        Ok(Certificates { authorities, identity, trust_all: settings.skip_host_verify, server_name })
    }

    /// A transport to one node.
    pub(super) fn transport(&self, url: Url, place: &str, timeout: Duration) -> Result<Transport, ConnectionError> {
        self.check_server_name(&url, place)?;
        let builder = TransportBuilder::new(SingleNodeConnectionPool::new(url));
        let mut builder = builder.timeout(timeout).disable_proxy().enable_meta_header(false);
        if self.trust_all {
            builder = builder.cert_validation(CertificateValidation::None);
        } else if let Some(pem) = &self.authorities {
            let authorities = Certificate::from_pem(pem);
            let authorities = authorities.map_err(|error| unusable("--es.tls.ca", &error.to_string()))?;
            builder = builder.cert_validation(CertificateValidation::Full(authorities));
        }
        if let Some(pem) = &self.identity {
            builder = builder.auth(Credentials::Certificate(ClientCertificate::Pem(pem.clone())));
        }
        let setting = if self.identity.is_some() { "--es.tls.cert with --es.tls.key" } else { "--es.tls.ca" };
        builder.build().map_err(|error: BuildError| unusable(setting, &error.to_string()))
    }

    fn check_server_name(&self, url: &Url, place: &str) -> Result<(), ConnectionError> {
        let host = url.host_str().unwrap_or_default();
        let checked = url.scheme() == "https" && !self.trust_all && !self.server_name.is_empty();
        if checked && !self.server_name.eq_ignore_ascii_case(host) {
            let (name, place) = (self.server_name.clone(), place.to_string());
            return Err(ConnectionError::ServerName { name, place });
        }
        Ok(())
    }
}

fn unusable(setting: &'static str, cause: &str) -> ConnectionError {
    ConnectionError::Tls { setting, cause: cause.to_string() }
}

fn file(setting: &'static str, path: &Path) -> Result<Vec<u8>, ConnectionError> {
    let fail = |error: std::io::Error| ConnectionError::File {
        setting,
        path: path.display().to_string(),
        cause: error.to_string(),
    };
    std::fs::read(path).map_err(fail)
}
