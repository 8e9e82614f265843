//! TLS on a listener, over real sockets.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion, version};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use spaniel::receive::{BodyReader, Reception, Server, Tls, bind, zipkin};
use spaniel::settings::{Connections, Limits, ServerTls, TlsVersion};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::house::{House, Wire, patient, post};

const SPANS: &[u8] = b"[{\"id\":\"1\"}]";

/// An authority, and a folder with a server's pair and a client's.
struct Authority {
    folder: tempfile::TempDir,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root = params.self_signed(&key).unwrap();
        std::fs::write(folder.path().join("ca.pem"), root.pem()).unwrap();
        let authority = Authority { folder, issuer: Issuer::new(params, key) };
        authority.issue("server", ExtendedKeyUsagePurpose::ServerAuth);
        authority.issue("client", ExtendedKeyUsagePurpose::ClientAuth);
        authority
    }

    /// Writes a new pair in the place of an old one.
    fn issue(&self, name: &str, usage: ExtendedKeyUsagePurpose) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["localhost".into()]).unwrap();
        params.extended_key_usages = vec![usage];
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        self.put(&format!("{name}.key"), key.serialize_pem());
        self.put(&format!("{name}.pem"), certificate.pem());
    }

    /// Puts a file in its place in one step.
    fn put(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path("new"), content).unwrap();
        std::fs::rename(self.path("new"), self.path(name)).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn server(&self) -> ServerTls {
        let (cert, key) = (self.path("server.pem"), self.path("server.key"));
        ServerTls { prefix: "collector.zipkin", enabled: true, cert, key, ..ServerTls::default() }
    }

    fn mutual(&self) -> ServerTls {
        ServerTls { client_ca: Some(self.path("ca.pem")), ..self.server() }
    }

    fn certificate(&self, name: &str) -> CertificateDer<'static> {
        CertificateDer::from_pem_file(self.path(name)).unwrap()
    }

    /// One who trusts this authority, and shows the client's certificate of another or of none.
    fn client(&self, shown: Option<&Authority>, versions: &[&'static SupportedProtocolVersion]) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate("ca.pem")).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
        let builder = builder.with_root_certificates(roots);
        match shown {
            None => builder.with_no_client_auth(),
            Some(other) => {
                let key = PrivateKeyDer::from_pem_file(other.path("client.key")).unwrap();
                builder.with_client_auth_cert(vec![other.certificate("client.pem")], key).unwrap()
            }
        }
    }
}

const ALL: [&SupportedProtocolVersion; 2] = [&version::TLS12, &version::TLS13];

/// Zipkin's port behind TLS.
struct Secured {
    house: House,
    server: Arc<Server>,
    address: SocketAddr,
}

async fn secured(settings: &ServerTls, connections: Connections) -> Secured {
    let house = House::new().await;
    let server = Server::new(connections.clone(), house.metrics.clone(), house.budget.clone());
    let bodies = BodyReader::new(house.budget.clone(), &Limits::default(), &connections);
    let reception = Reception { take: house.memo.clone(), bodies, metrics: house.metrics.clone() };
    let tls = Tls::new(settings, &house.metrics).unwrap();
    assert!(tls.is_some());
    let bound = bind("Zipkin", "--flag", "127.0.0.1:0").unwrap().with_tls(tls);
    let address = bound.address();
    server.serve(bound, zipkin::router(reception, house.health.clone()));
    Secured { house, server, address }
}

async fn connect(address: SocketAddr, config: ClientConfig) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(address).await.unwrap();
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("localhost").unwrap(), stream).await
}

/// The status of a request, or none if the server would have nothing to do with this client. (In
/// TLS 1.3 a client hears that only when it reads.)
async fn status(address: SocketAddr, config: ClientConfig) -> Option<String> {
    let mut stream = connect(address, config).await.ok()?;
    stream.write_all(&post("/api/v2/spans", "Connection: close\r\n", SPANS)).await.ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.ok()?;
    Some(String::from_utf8(answer).unwrap().split(' ').nth(1)?.to_string())
}

#[tokio::test]
async fn spans_come_in_over_either_version() {
    let authority = Authority::new();
    let secured = secured(&authority.server(), patient()).await;
    for version in ALL {
        assert_eq!(status(secured.address, authority.client(None, &[version])).await.as_deref(), Some("202"));
    }
    assert_eq!(secured.house.bodies(), [SPANS, SPANS]);
    let other = Authority::new();
    assert_eq!(status(secured.address, other.client(None, &ALL)).await, None);
    secured.house.until_metric(&failed("refused", 1)).await;
}

fn failed(reason: &str, count: u64) -> String {
    format!("spaniel_tls_handshakes_failed_total{{listener=\"collector.zipkin\",reason=\"{reason}\"}} {count}")
}

#[tokio::test]
async fn http2_is_chosen_in_the_handshake() {
    let authority = Authority::new();
    let secured = secured(&authority.server(), patient()).await;
    for (offered, chosen) in [(vec!["h2", "http/1.1"], "h2"), (vec!["http/1.1"], "http/1.1")] {
        let mut config = authority.client(None, &ALL);
        config.alpn_protocols = offered.into_iter().map(|name| name.as_bytes().to_vec()).collect();
        let stream = connect(secured.address, config).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(chosen.as_bytes()));
        if chosen == "h2" {
            let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
            tokio::spawn(connection);
            let request = Request::post("http://localhost/api/v2/spans").body(Body::from(SPANS)).unwrap();
            assert_eq!(sender.send_request(request).await.unwrap().status(), 202);
        }
    }
}

#[tokio::test]
async fn plain_text_is_told_so_and_closed() {
    let authority = Authority::new();
    let secured = secured(&authority.server(), patient()).await;
    let mut wire = Wire::to(secured.address).await;
    wire.send(post("/api/v2/spans", "", SPANS)).await;
    assert!(wire.closed().await.ends_with("Client sent an HTTP request to an HTTPS server.\n"));
    secured.house.until_metric(&failed("plain-text", 1)).await;
    secured.house.until_metric("spaniel_connections_open 0").await;
    assert!(secured.house.bodies().is_empty());
}

#[tokio::test]
async fn what_only_looks_like_a_handshake_is_closed() {
    let authority = Authority::new();
    let secured = secured(&authority.server(), patient()).await;
    let mut wire = Wire::to(secured.address).await;
    wire.send([0x16, 3, 1, 0, 4, 9, 9, 9, 9]).await;
    while wire.stream.read(&mut [0; 64]).await.unwrap_or(0) > 0 {}
    secured.house.until_metric(&failed("refused", 1)).await;
    secured.house.until_metric("spaniel_connections_open 0").await;
}

#[tokio::test]
async fn a_client_must_show_a_certificate_of_the_authority() {
    let (ours, others) = (Authority::new(), Authority::new());
    let secured = secured(&ours.mutual(), patient()).await;
    for version in ALL {
        assert_eq!(status(secured.address, ours.client(Some(&ours), &[version])).await.as_deref(), Some("202"));
        assert_eq!(status(secured.address, ours.client(None, &[version])).await, None);
        assert_eq!(status(secured.address, ours.client(Some(&others), &[version])).await, None);
    }
    assert_eq!(secured.house.bodies().len(), 2);
    secured.house.until_metric(&failed("refused", 4)).await;
}

#[tokio::test]
async fn versions_and_suites_are_those_that_were_set() {
    let authority = Authority::new();
    let newest = ServerTls { min_version: TlsVersion::V1_3, ..authority.server() };
    let oldest = ServerTls {
        max_version: TlsVersion::V1_2,
        cipher_suites: vec!["TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384".into()],
        ..authority.server()
    };
    for (settings, spoken, refused) in
        [(newest, &version::TLS13, &version::TLS12), (oldest, &version::TLS12, &version::TLS13)]
    {
        let secured = secured(&settings, patient()).await;
        assert!(connect(secured.address, authority.client(None, &[refused])).await.is_err());
        let stream = connect(secured.address, authority.client(None, &[spoken])).await.unwrap();
        let suite = stream.get_ref().1.negotiated_cipher_suite().unwrap().suite();
        let is_set = suite == rustls::CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384;
        assert_eq!(is_set, settings.max_version == TlsVersion::V1_2);
    }
}

#[tokio::test]
async fn certificates_are_read_again_and_bad_ones_change_nothing() {
    let authority = Authority::new();
    let settings = ServerTls { reload_interval: Duration::from_millis(5), ..authority.server() };
    let secured = secured(&settings, patient()).await;
    let shown = async || {
        let stream = connect(secured.address, authority.client(None, &ALL)).await.unwrap();
        stream.get_ref().1.peer_certificates().unwrap()[0].clone()
    };
    let reloads = |result: &str, count: u64| {
        format!("spaniel_tls_reloads_total{{listener=\"collector.zipkin\",result=\"{result}\"}} {count}")
    };
    let first = authority.certificate("server.pem");
    assert_eq!(shown().await, first);
    // A key that does not belong to the certificate, and then one that is gone.
    authority.put("server.key", KeyPair::generate().unwrap().serialize_pem());
    secured.house.until_metric(&reloads("err", 1)).await;
    std::fs::remove_file(authority.path("server.key")).unwrap();
    secured.house.until_metric(&reloads("err", 2)).await;
    assert_eq!(shown().await, first);
    authority.issue("server", ExtendedKeyUsagePurpose::ServerAuth);
    let second = authority.certificate("server.pem");
    while shown().await != second {}
    assert_ne!(first, second);
    assert_eq!(status(secured.address, authority.client(None, &ALL)).await.as_deref(), Some("202"));
}

#[tokio::test]
async fn the_authority_of_clients_is_read_again_too() {
    let (ours, others) = (Authority::new(), Authority::new());
    let settings = ServerTls { reload_interval: Duration::from_millis(5), ..ours.mutual() };
    let secured = secured(&settings, patient()).await;
    assert_eq!(status(secured.address, ours.client(Some(&others), &ALL)).await, None);
    let root = ours.certificate("ca.pem");
    let client = ours.client(Some(&ours), &ALL);
    assert_eq!(status(secured.address, client.clone()).await.as_deref(), Some("202"));
    ours.put("ca.pem", std::fs::read(others.path("ca.pem")).unwrap());
    secured.house.until_metric("spaniel_tls_reloads_total{listener=\"collector.zipkin\",result=\"ok\"} 1").await;
    // A session of before does not let the one in who is known no more.
    assert_eq!(status(secured.address, client).await, None);
    assert_ne!(root, ours.certificate("ca.pem"));
}

#[tokio::test]
async fn a_handshake_that_takes_too_long_is_cut() {
    let authority = Authority::new();
    let connections = Connections { handshake_timeout: Duration::from_millis(50), ..patient() };
    let secured = secured(&authority.server(), connections).await;
    for begun in [&[][..], &[0x16, 3, 1]] {
        let mut wire = Wire::to(secured.address).await;
        wire.send(begun).await;
        assert_eq!(wire.closed().await, "");
    }
    secured.house.until_metric(&failed("timeout", 2)).await;
    secured.house.until_metric("spaniel_limits_reached_total{limit=\"limits.handshake-timeout\"} 2").await;
    secured.house.until_metric("spaniel_connections_open 0").await;
}

#[tokio::test]
async fn a_drain_does_not_wait_for_handshakes() {
    let authority = Authority::new();
    let secured = secured(&authority.server(), patient()).await;
    let _silent = TcpStream::connect(secured.address).await.unwrap();
    secured.house.until_metric("spaniel_connections_open 1").await;
    assert_eq!(secured.server.drain(Duration::from_secs(60)).await, 0);
}

#[tokio::test]
async fn what_cannot_be_used_at_start_says_how_to_mend_it() {
    let (authority, others) = (Authority::new(), Authority::new());
    let house = House::new().await;
    let good = authority.mutual();
    let missing = Some(authority.path("gone"));
    for (settings, words) in [
        (ServerTls { cert: authority.path("gone"), ..good.clone() }, "--collector.zipkin.tls.cert="),
        (ServerTls { client_ca: missing, ..good.clone() }, "--collector.zipkin.tls.client-ca="),
        (ServerTls { cert: authority.path("server.key"), ..good.clone() }, "it holds no certificate"),
        (ServerTls { client_ca: Some(authority.path("server.key")), ..good.clone() }, "certificates of CAs"),
        (ServerTls { key: authority.path("server.pem"), ..good.clone() }, "a private key"),
        (ServerTls { key: others.path("server.key"), ..good.clone() }, "the key that belongs to it"),
    ] {
        let error = Tls::new(&settings, &house.metrics).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
    assert!(Tls::new(&ServerTls::default(), &house.metrics).unwrap().is_none());
}
