//! What rustls needs, from the settings and the files that they name.

use std::path::Path;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion, version};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::settings::{ServerTls, TlsVersion};

/// Protocols above TLS, the better one first.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// Why TLS cannot be served. The text says how to mend it.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("--{prefix}.tls.{option}={path} cannot be read ({error}): write the path of a PEM file that can")]
    File { prefix: &'static str, option: &'static str, path: String, error: std::io::Error },
    #[error("--{prefix}.tls.{option}={path} cannot be used ({cause}): write the path of a PEM file that holds {what}")]
    Content { prefix: &'static str, option: &'static str, path: String, cause: String, what: &'static str },
    #[error(
        "--{prefix}.tls.cert and --{prefix}.tls.key cannot be used ({error}): give a certificate and the key that belongs \
         to it"
    )]
    Pair { prefix: &'static str, error: rustls::Error },
    #[error("--{prefix}.tls.cipher-suites and the versions leave nothing to speak ({error}): remove one of them")]
    Nothing { prefix: &'static str, error: rustls::Error },
}

/// What the files hold.
#[derive(Default, PartialEq, Eq)]
pub(super) struct Files {
    cert: Vec<u8>,
    key: Vec<u8>,
    client_ca: Option<Vec<u8>>,
}

impl Files {
    pub(super) fn read(settings: &ServerTls) -> Result<Self, TlsError> {
        let read = |option, path: &Path| {
            std::fs::read(path).map_err(|error| {
                let path = path.display().to_string();
                TlsError::File { prefix: settings.prefix, option, path, error }
            })
        };
        Ok(Files {
            cert: read("cert", &settings.cert)?,
            key: read("key", &settings.key)?,
            client_ca: settings.client_ca.as_deref().map(|path| read("client-ca", path)).transpose()?,
        })
    }
}

pub(super) fn build(settings: &ServerTls, files: &Files) -> Result<ServerConfig, TlsError> {
    let prefix = settings.prefix;
    let provider = Arc::new(provider(&settings.cipher_suites));
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&versions(settings))
        .map_err(|error| TlsError::Nothing { prefix, error })?;
    let builder = match (&settings.client_ca, &files.client_ca) {
        (Some(path), Some(pem)) => {
            let unusable = |cause: String| content(settings, "client-ca", path, cause, "certificates of CAs");
            let roots = roots(pem).map_err(unusable)?;
            let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider).build();
            builder.with_client_cert_verifier(verifier.map_err(|error| unusable(error.to_string()))?)
        }
        _ => builder.with_no_client_auth(),
    };
    let chain = certificates(&files.cert)
        .map_err(|cause| content(settings, "cert", &settings.cert, cause, "a certificate and those above it"))?;
    let key = PrivateKeyDer::from_pem_slice(&files.key)
        .map_err(|error| content(settings, "key", &settings.key, error.to_string(), "a private key"))?;
    let mut config = builder.with_single_cert(chain, key).map_err(|error| TlsError::Pair { prefix, error })?;
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
    Ok(config)
}

fn content(settings: &ServerTls, option: &'static str, path: &Path, cause: String, what: &'static str) -> TlsError {
    TlsError::Content { prefix: settings.prefix, option, path: path.display().to_string(), cause, what }
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let all = all.map_err(|error| error.to_string())?;
    if all.is_empty() { Err("it holds no certificate".into()) } else { Ok(all) }
}

fn roots(pem: &[u8]) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(pem)? {
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    Ok(roots)
}

fn versions(settings: &ServerTls) -> Vec<&'static SupportedProtocolVersion> {
    let spoken = [(TlsVersion::V1_2, &version::TLS12), (TlsVersion::V1_3, &version::TLS13)];
    let allowed = settings.min_version..=settings.max_version;
    spoken.into_iter().filter(|(version, _)| allowed.contains(version)).map(|(_, version)| version).collect()
}

/// As in Go, the list is one of TLS 1.2; those of 1.3 are always on.
fn provider(names: &[String]) -> CryptoProvider {
    let mut provider = rustls::crypto::ring::default_provider();
    if !names.is_empty() {
        provider.cipher_suites.retain(|suite| {
            let name = format!("{:?}", suite.suite());
            let is_named = |given: &String| name == *given || name.strip_suffix("_SHA256") == Some(given);
            suite.tls13().is_some() || names.iter().any(is_named)
        });
    }
    provider
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suites_are_found_by_their_go_names() {
        let count = |names: &[&str]| {
            let names: Vec<_> = names.iter().map(|name| (*name).to_string()).collect();
            provider(&names).cipher_suites.iter().filter(|suite| suite.tls13().is_none()).count()
        };
        assert_eq!(count(&[]), 6);
        assert_eq!(count(&["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"]), 1);
        assert_eq!(count(&["TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305", "TLS_AES_128_GCM_SHA256"]), 1);
        assert_eq!(count(&["TLS_AES_128_GCM_SHA256"]), 0);
        assert_eq!(provider(&["TLS_AES_128_GCM_SHA256".into()]).cipher_suites.len(), 3);
    }
}
