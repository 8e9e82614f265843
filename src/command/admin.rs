//! A running Spaniel's admin port, asked over HTTP, or over TLS where its settings say so.
//!
//! Whoever asks has the settings of whom he asks. So what is trusted is not an authority and a name
//! but the very certificate of `--admin.http.tls.cert`: a loopback address is in no certificate.
//! Where clients must show one (`--admin.http.tls.client-ca`) the same certificate is shown.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, StreamOwned};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};

use crate::settings::{AdminAddress, ServerTls};

/// For connecting, and for each part of the answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes of an answer: metrics of many services are the longest.
const LONGEST: u64 = 64 << 20;

/// Why there is no answer, or none that is good.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    #[error("no answer from {address} ({cause}): start Spaniel, or name its admin port by --status.http.host-port")]
    Unreachable { address: String, cause: std::io::Error },
    #[error("--admin.http.host-port closes the admin port: name an open one by --status.http.host-port")]
    Closed,
    #[error("not healthy: {answer}")]
    Unhealthy { answer: String },
    #[error("--admin.http.tls.{option}={} cannot be used: {cause}", .path.display())]
    File { option: &'static str, path: PathBuf, cause: String },
}

/// The admin port of these settings.
#[derive(Debug, Clone)]
pub struct AdminPort {
    address: String,
    tls: Option<Arc<ClientConfig>>,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl AdminPort {
    pub fn new(settings: &AdminAddress) -> Result<Self, AdminError> {
        if settings.host_port.is_empty() {
            return Err(AdminError::Closed);
        }
        let tls = if settings.tls.enabled { Some(Arc::new(client(&settings.tls)?)) } else { None };
        Ok(AdminPort { address: reachable(&settings.host_port), tls })
    }

    /// The body of `/` if it is healthy.
    pub fn health(&self) -> Result<String, AdminError> {
        match self.get("/")? {
            Answer { status: 200, body } => Ok(body.trim().to_string()),
            Answer { status, body } if body.trim().is_empty() => {
                Err(AdminError::Unhealthy { answer: format!("status {status}") })
            }
            Answer { body, .. } => Err(AdminError::Unhealthy { answer: body.trim().into() }),
        }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn get(&self, path: &str) -> Result<Answer, AdminError> {
        let unreachable = |cause| AdminError::Unreachable { address: self.address.clone(), cause };
        let answer = self.exchange(path).map_err(unreachable)?;
        let text = String::from_utf8_lossy(&answer);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        let no_http = || unreachable(std::io::Error::other("the answer is not HTTP: is this port served with TLS?"));
        Ok(Answer { status: status.ok_or_else(no_http)?, body: body.to_string() })
    }

    /// HTTP 1.0, so that the answer ends with the connection and is never chunked.
    fn exchange(&self, path: &str) -> std::io::Result<Vec<u8>> {
        let resolved = self.address.to_socket_addrs()?.next().ok_or(std::io::ErrorKind::AddrNotAvailable)?;
        let stream = TcpStream::connect_timeout(&resolved, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let request = format!("GET {path} HTTP/1.0\r\nHost: {}\r\n\r\n", self.address);
        match &self.tls {
            None => ask(stream, &request),
            Some(config) => {
                let name = ServerName::IpAddress(resolved.ip().into());
                let session = ClientConnection::new(config.clone(), name).map_err(std::io::Error::other)?;
                ask(StreamOwned::new(session, stream), &request)
            }
        }
    }
}

fn ask(mut stream: impl Read + Write, request: &str) -> std::io::Result<Vec<u8>> {
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    match stream.take(LONGEST).read_to_end(&mut answer) {
        // Connections that end without a word of TLS about it: what came is the answer.
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof && !answer.is_empty() => Ok(answer),
        read => read.map(|_| answer),
    }
}

/// Where a listener's address can be reached from this machine.
pub(crate) fn reachable(host_port: &str) -> String {
    match host_port.rsplit_once(':') {
        Some(("" | "0.0.0.0" | "[::]", port)) => format!("127.0.0.1:{port}"),
        _ => host_port.to_string(),
    }
}

fn client(settings: &ServerTls) -> Result<ClientConfig, AdminError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let wrong = |option, path: &Path, cause: String| AdminError::File { option, path: path.into(), cause };
    let cert = |cause| wrong("cert", &settings.cert, cause);
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&settings.cert)
        .and_then(Iterator::collect)
        .map_err(|error| cert(error.to_string()))?;
    let own = chain.first().cloned().ok_or_else(|| cert("it holds no certificate".into()))?;
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| cert(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(TheOne { certificate: own, provider }));
    if settings.client_ca.is_none() {
        return Ok(builder.with_no_client_auth());
    }
    let key = PrivateKeyDer::from_pem_file(&settings.key);
    let key = key.map_err(|error| wrong("key", &settings.key, error.to_string()))?;
    builder.with_client_auth_cert(chain, key).map_err(|error| cert(error.to_string()))
}

/// Believes one certificate, whatever its names and times.
#[derive(Debug)]
struct TheOne {
    certificate: CertificateDer<'static>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for TheOne {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if *shown == self.certificate {
            return Ok(ServerCertVerified::assertion());
        }
        Err(rustls::Error::General("it shows another certificate than that of --admin.http.tls.cert".into()))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    fn port(address: &str) -> AdminPort {
        AdminPort::new(&AdminAddress { host_port: address.into(), ..AdminAddress::default() }).unwrap()
    }

    fn answered(answer: &'static str) -> Result<String, AdminError> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!(":{}", listener.local_addr().unwrap().port());
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 5];
            stream.read_exact(&mut request).unwrap();
            assert_eq!(&request, b"GET /");
            stream.write_all(answer.as_bytes()).unwrap();
            // Closing with bytes unread would reset the connection and could lose the answer.
            stream.shutdown(std::net::Shutdown::Write).unwrap();
            let _ = stream.read_to_end(&mut Vec::new());
        });
        let result = port(&address).health();
        server.join().unwrap();
        result
    }

    #[test]
    fn healthy_is_a_200() {
        assert_eq!(
            answered("HTTP/1.0 200 OK\r\n\r\n{\"status\":\"Server available\"}").unwrap(),
            "{\"status\":\"Server available\"}"
        );
    }

    #[test]
    fn all_else_is_not() {
        let error = answered("HTTP/1.0 503 Service Unavailable\r\n\r\n{}").unwrap_err();
        assert!(matches!(error, AdminError::Unhealthy { answer } if answer == "{}"));
        let error = answered("\x15\x03\x03\x00\x02\x02\x32").unwrap_err();
        assert!(error.to_string().contains("not HTTP"), "{error}");
    }

    #[test]
    fn nobody_there_says_what_to_do() {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let error = port(&format!("127.0.0.1:{free}")).health().unwrap_err();
        assert!(error.to_string().contains("--status.http.host-port"), "{error}");
        let closed = AdminPort::new(&AdminAddress { host_port: String::new(), ..AdminAddress::default() });
        assert!(matches!(closed, Err(AdminError::Closed)));
    }
}
