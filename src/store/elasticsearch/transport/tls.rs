//! TLS towards the cluster, as far as the HTTP client underneath can.
//!
//! A certificate is checked against the bundled web authorities and those of `--es.tls.ca`. With
//! `--es.tls.enabled=false` and an `https` URL Jaeger checks nothing; we check, and say how to turn
//! that off. Another server name than the URL's host cannot be set in the client, so a different
//! `--es.tls.server-name` is refused at start rather than ignored.

use std::path::Path;
use std::time::Duration;

use reqwest::{Certificate, Client, Identity, Url, redirect};

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

    /// A client for one node. Requests go where they were sent, or nowhere: to no proxy, and to no
    /// other place that an answer names, for they carry our credentials.
    pub(super) fn client(&self, url: &Url, place: &str, timeout: Duration) -> Result<Client, ConnectionError> {
        self.check_server_name(url, place)?;
        // HTTP/1.1 to every server, and to every proxy before it.
        let builder = Client::builder().http1_only().timeout(timeout).no_proxy().redirect(redirect::Policy::none());
        let mut builder = builder.user_agent(concat!("spaniel/", env!("CARGO_PKG_VERSION")));
        if self.trust_all {
            builder = builder.danger_accept_invalid_certs(true);
        } else if let Some(pem) = &self.authorities {
            let authorities = Certificate::from_pem_bundle(pem);
            for authority in authorities.map_err(|error| unusable("--es.tls.ca", &error))? {
                builder = builder.add_root_certificate(authority);
            }
        }
        let pair = "--es.tls.cert with --es.tls.key";
        if let Some(pem) = &self.identity {
            builder = builder.identity(Identity::from_pem(pem).map_err(|error| unusable(pair, &error))?);
        }
        let setting = if self.identity.is_some() { pair } else { "--es.tls.ca" };
        builder.build().map_err(|error| unusable(setting, &error))
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

fn unusable(setting: &'static str, cause: &reqwest::Error) -> ConnectionError {
    ConnectionError::Tls { setting, cause: super::node::explain(cause) }
}

fn file(setting: &'static str, path: &Path) -> Result<Vec<u8>, ConnectionError> {
    let fail = |error: std::io::Error| ConnectionError::File {
        setting,
        path: path.display().to_string(),
        cause: error.to_string(),
    };
    std::fs::read(path).map_err(fail)
}
