//! The pipe against a fake server, plain and over TLS.

use std::path::PathBuf;

use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use rustls_pki_types::PrivateKeyDer;

use super::*;
use crate::settings::{ClientTls, Secret};
use crate::store::elasticsearch::fake::Fake;

fn settings(urls: &[String]) -> Elasticsearch {
    Elasticsearch { server_urls: urls.to_vec(), ..Elasticsearch::default() }
}

async fn greet(cluster: &Cluster) -> Result<Answer, TransportError> {
    cluster.call(Method::Get, "/", &[], None).await
}

fn cluster(settings: &Elasticsearch) -> Cluster {
    Cluster::new(settings).expect("settings that work")
}

fn refused(settings: &Elasticsearch) -> String {
    Cluster::new(settings).expect_err("settings that cannot work").to_string()
}

/// An address where nobody listens.
async fn nowhere() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    format!("http://{}", listener.local_addr().expect("an address"))
}

#[tokio::test]
async fn bodies_go_out_as_they_are() {
    let fake = Fake::start().await;
    let cluster = cluster(&settings(&[format!("{}/es/", fake.url())]));
    cluster.bulk(&[("filter_path", "a,b.*")], Bytes::from_static(b"{}\n{}\n"), 1).await.expect("an answer");
    cluster.call(Method::Post, "/west:j-*/_search", &[], Some(Bytes::from_static(b"{}"))).await.expect("an answer");
    let [bulk, search] = <[_; 2]>::try_from(fake.heard()).expect("two requests");
    assert_eq!((bulk.method.as_str(), bulk.target.as_str()), ("POST", "/es/_bulk?filter_path=a%2Cb.*"));
    assert_eq!(bulk.body.as_ref(), b"{}\n{}\n");
    assert_eq!(bulk.headers["content-type"], "application/x-ndjson");
    assert_eq!(bulk.headers["accept-encoding"], "identity");
    assert!(!bulk.headers.contains_key("content-encoding") && !bulk.headers.contains_key("authorization"));
    assert!(!bulk.headers.contains_key("x-elastic-client-meta"));
    assert_eq!(
        (search.target.as_str(), &search.headers["content-type"]),
        ("/es/west:j-*/_search", &"application/json".parse().expect("a header"))
    );
}

#[tokio::test]
async fn a_compressed_body_says_so_and_inflates_to_the_same() {
    use std::io::Read as _;
    let fake = Fake::start().await;
    let cluster = cluster(&Elasticsearch { http_compression: true, ..settings(&[fake.url()]) });
    let body = Bytes::from("{\"create\":{}}\n".repeat(1000));
    cluster.bulk(&[], body.clone(), 1).await.expect("an answer");
    let heard = &fake.heard()[0];
    assert_eq!(heard.headers["content-encoding"], "gzip");
    assert!(heard.body.len() < body.len() / 10);
    let mut inflated = Vec::new();
    flate2::read::GzDecoder::new(heard.body.as_ref()).read_to_end(&mut inflated).expect("gzip");
    assert_eq!(inflated, body);
}

#[tokio::test]
async fn nodes_take_turns_and_a_dead_one_costs_nothing() {
    let (one, two) = (Fake::start().await, Fake::start().await);
    let cluster = cluster(&settings(&[one.url(), nowhere().await, two.url()]));
    for _ in 0..30 {
        assert_eq!(greet(&cluster).await.expect("an answer").status, 200);
    }
    let (one, two) = (one.heard().len(), two.heard().len());
    assert_eq!(one + two, 30);
    assert!(one >= 9 && two >= 9, "{one} and {two}");
}

#[tokio::test]
async fn a_node_that_answers_badly_is_tried_last_but_tried() {
    let (bad, good) = (Fake::start().await, Fake::start().await);
    bad.greet_with(502, "bad gateway");
    let pair = cluster(&settings(&[bad.url(), good.url()]));
    assert_eq!(greet(&pair).await.expect("an answer").status, 502);
    // As if it had failed so often that it is set aside for long.
    (0..10).for_each(|_| pair.nodes[0].mark(false));
    for _ in 0..4 {
        assert_eq!(greet(&pair).await.expect("an answer").status, 200);
    }
    assert_eq!((bad.heard().len(), good.heard().len()), (1, 4));
    let alone = cluster(&settings(&[bad.url()]));
    for _ in 0..3 {
        assert_eq!(greet(&alone).await.expect("an answer").status, 502);
    }
    assert_eq!(bad.heard().len(), 4);
}

#[tokio::test]
async fn a_node_whose_time_is_over_is_asked_before_it_gets_work() {
    let (dead, good) = (Fake::start().await, Fake::start().await);
    dead.greet_with(503, "");
    let pair = cluster(&settings(&[dead.url(), good.url()]));
    pair.nodes[0].mark(false);
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(40)).await;
    tokio::time::resume();
    let bulk = async || pair.bulk(&[], Bytes::from_static(b"{}\n{}\n"), 1).await.expect("an answer").status;
    for _ in 0..6 {
        assert_eq!(bulk().await, 200);
    }
    let asked = async |times: usize| {
        while dead.heard().len() < times {
            tokio::task::yield_now().await;
        }
        dead.heard().into_iter().map(|heard| heard.method).collect::<Vec<_>>()
    };
    assert_eq!(asked(1).await, ["GET"], "it was asked once, and got no work");
    while !matches!(pair.nodes[0].standing(), Standing::Aside(_)) {
        tokio::task::yield_now().await;
    }
    dead.greet_with(200, "{}");
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(40)).await;
    tokio::time::resume();
    assert_eq!(bulk().await, 200);
    assert_eq!(asked(2).await, ["GET", "GET"]);
    while pair.nodes[0].standing() != Standing::Good {
        tokio::task::yield_now().await;
    }
    assert_eq!((bulk().await, bulk().await), (200, 200));
    assert_eq!(asked(3).await, ["GET", "GET", "POST"]);
}

/// An answer as bytes on the wire, to whoever comes; the connections are kept open.
async fn raw_server(answer: impl Fn() -> Vec<Vec<u8>> + Send + Sync + 'static) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let answer = Arc::new(answer);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = answer.clone();
            tokio::spawn(async move {
                let mut head = [0; 4096];
                let _ = stream.read(&mut head).await;
                for piece in answer() {
                    if stream.write_all(&piece).await.is_err() {
                        return;
                    }
                }
                std::future::pending::<()>().await;
            });
        }
    });
    url
}

/// Says nothing of its length.
const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

#[tokio::test]
async fn an_answer_without_end_is_read_up_to_its_limit() {
    let url = raw_server(|| {
        let chunk = [b"10000\r\n".to_vec(), vec![b'x'; 0x10000], b"\r\n".to_vec()].concat();
        [vec![CHUNKED.as_bytes().to_vec()], vec![chunk; 1000]].concat()
    })
    .await;
    let error = cluster(&settings(&[url])).bulk(&[], Bytes::from_static(b"{}\n{}\n"), 3).await;
    let error = error.expect_err("65 MB of no end");
    assert!(matches!(error, TransportError::TooLarge { limit, .. } if limit == (1 << 20) + 3 * 1024), "{error}");
    let url = raw_server(|| vec![b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n".to_vec()]).await;
    let error = greet(&cluster(&settings(&[url]))).await.expect_err("a terabyte is announced");
    assert!(matches!(error, TransportError::TooLarge { limit: LARGEST_ANSWER, .. }), "{error}");
}

#[tokio::test]
async fn an_answer_is_charged_while_it_is_read_and_kept() {
    let url = raw_server(|| {
        let chunk = [b"10000\r\n".to_vec(), vec![b'x'; 0x10000], b"\r\n".to_vec()].concat();
        [vec![CHUNKED.as_bytes().to_vec()], vec![chunk; 1000]].concat()
    })
    .await;
    let budget = Budget::new(1 << 20);
    let error = greet(&cluster(&settings(&[url])).charged_to(&budget)).await.expect_err("65 MB of no end");
    assert!(matches!(error, TransportError::NoMemory { read, .. } if read < 1 << 20), "{error}");
    assert_eq!(budget.used(), 0);
    let whole = |bytes: usize| {
        move || {
            vec![
                [format!("HTTP/1.1 200 OK\r\nContent-Length: {bytes}\r\n\r\n").into_bytes(), vec![b'x'; bytes]]
                    .concat(),
            ]
        }
    };
    for bytes in [100, 50_000, 400_000] {
        let answer = greet(&cluster(&settings(&[raw_server(whole(bytes)).await])).charged_to(&budget)).await;
        let answer = answer.expect("there is memory for it");
        assert_eq!(answer.body.len(), bytes);
        assert!((bytes..=2 * bytes).contains(&budget.used()), "{} for {bytes}", budget.used());
        drop(answer);
        assert_eq!(budget.used(), 0);
    }
}

#[tokio::test]
async fn of_a_bad_answer_only_the_beginning_is_read() {
    let url = raw_server(|| {
        let head = b"HTTP/1.1 500 no\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
        let chunk = [b"10000\r\n".to_vec(), vec![b'x'; 0x10000], b"\r\n".to_vec()].concat();
        [vec![head], vec![chunk; 3]].concat()
    })
    .await;
    let answer = greet(&cluster(&settings(&[url]))).await.expect("an answer");
    assert_eq!((answer.status, answer.body.len()), (500, 64 << 10));
}

#[tokio::test]
async fn an_answer_in_an_encoding_is_never_inflated() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&vec![b' '; 200 << 20]).expect("memory");
    let bomb = encoder.finish().expect("memory");
    let answer = move |status: u16| {
        let head = format!("HTTP/1.1 {status} x\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", bomb.len());
        vec![[head.as_bytes(), &bomb].concat()]
    };
    let good = answer.clone();
    let error = greet(&cluster(&settings(&[raw_server(move || good(200)).await]))).await.expect_err("a bomb");
    assert!(matches!(&error, TransportError::Encoded { encoding, .. } if encoding == "gzip"), "{error}");
    let answer = greet(&cluster(&settings(&[raw_server(move || answer(413)).await]))).await.expect("a status");
    assert_eq!((answer.status, answer.body.len()), (413, 0));
}

#[tokio::test]
async fn a_connection_that_breaks_is_not_one_that_was_never_there() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = stream.set_zero_linger();
        }
    });
    let fake = Fake::start().await;
    let pair = cluster(&settings(&[url, fake.url()]));
    let large = || Bytes::from(vec![b'\n'; LARGE_BODY]);
    for _ in 0..2 {
        // In turn: the first goes to the one that breaks it, the second does not.
        let sent = pair.bulk(&[], large(), 1).await;
        assert!(matches!(sent, Err(TransportError::Broken { .. }) | Ok(_)), "{sent:?}");
    }
    assert_eq!(fake.heard().len(), 1);
    assert_eq!(pair.nodes[0].standing(), Standing::Good, "it may have been the size");
    for _ in 0..2 {
        assert_eq!(greet(&pair).await.expect("the other one").status, 200);
    }
}

#[tokio::test]
async fn after_a_request_that_was_not_read_its_connection_is_left() {
    let fake = Fake::start().await;
    let cluster = cluster(&settings(&[fake.url()]));
    let from = async |status: u16| {
        fake.answer_bulk(status, "{}");
        cluster.bulk(&[], Bytes::from_static(b"{}\n{}\n"), 1).await.expect("an answer");
        fake.heard().last().expect("a request").from
    };
    let (first, second) = (from(200).await, from(413).await);
    assert_eq!(first, second, "a connection is kept");
    let (third, fourth) = (from(400).await, from(200).await);
    assert!(third != second && fourth != third, "{second:?} {third:?} {fourth:?}");
}

#[tokio::test]
async fn what_cannot_be_reached_is_named_without_its_password() {
    let url = nowhere().await.replace("http://", "http://elastic:hunter2@");
    let cluster = cluster(&settings(&[url]));
    let error = greet(&cluster).await.expect_err("nobody is there").to_string();
    assert!(error.contains("cannot be reached") && error.contains("refused"), "{error}");
    let shown = format!("{error} {} {cluster:?}", cluster.place());
    assert!(!shown.contains("hunter2") && !shown.contains("aHVudGVyMg"), "{shown}");
}

#[tokio::test]
async fn a_server_that_never_answers_is_left_at_the_time_limit() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let settings = Elasticsearch { timeout: Duration::from_millis(50), ..settings(&[url]) };
    let error = greet(&cluster(&settings)).await.expect_err("nobody answers");
    assert!(matches!(error, TransportError::Timeout { .. }), "{error}");
    assert!(error.to_string().contains("0.05 s (--es.timeout)"), "{error}");
}

#[tokio::test]
async fn each_way_to_be_known_has_its_header() {
    let fake = Fake::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("secret");
    std::fs::write(&file, "s3cret\n").expect("written");
    let plain = settings(&[fake.url()]);
    let in_url = fake.url().replace("http://", "http://u%40x:p%3aq@");
    let cases = [
        (Elasticsearch { username: "u".into(), password: Secret("p".into()), ..plain.clone() }, "Basic dTpw"),
        (
            Elasticsearch { username: "u".into(), password_file: Some(file.clone()), ..plain.clone() },
            "Basic dTpzM2NyZXQ=",
        ),
        (Elasticsearch { token_file: Some(file.clone()), ..plain.clone() }, "Bearer s3cret"),
        (Elasticsearch { api_key_file: Some(file.clone()), ..plain.clone() }, "ApiKey s3cret"),
        (settings(std::slice::from_ref(&in_url)), "Basic dUB4OnA6cQ=="),
        (Elasticsearch { token_file: Some(file.clone()), ..settings(&[in_url]) }, "Bearer s3cret"),
    ];
    for (settings, wanted) in cases {
        greet(&cluster(&settings)).await.expect("an answer");
        assert_eq!(fake.heard().last().expect("a request").headers["authorization"], wanted);
    }
}

#[tokio::test]
async fn a_changed_file_is_read_again_and_a_missing_one_changes_nothing() {
    let fake = Fake::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("token");
    std::fs::write(&file, "one").expect("written");
    let mut settings = settings(&[fake.url()]);
    settings.token_file = Some(file.clone());
    settings.bearer_token_reload_interval = Duration::from_nanos(1);
    let changing = cluster(&settings);
    settings.bearer_token_reload_interval = Duration::from_secs(3600);
    let slow = cluster(&settings);
    let sent = async |cluster: &Cluster| {
        greet(cluster).await.expect("an answer");
        fake.heard().last().expect("a request").headers["authorization"].clone()
    };
    assert_eq!(sent(&changing).await, "Bearer one");
    std::fs::write(&file, "two").expect("written");
    assert_eq!(
        (sent(&changing).await, sent(&slow).await),
        ("Bearer two".parse().expect("a header"), "Bearer one".parse().expect("a header"))
    );
    // Told that it is unknown, even the slow one looks again.
    fake.greet_with(401, "{}");
    assert_eq!(
        (sent(&slow).await, sent(&slow).await),
        ("Bearer one".parse().expect("a header"), "Bearer two".parse().expect("a header"))
    );
    std::fs::remove_file(&file).expect("removed");
    assert_eq!(sent(&changing).await, "Bearer two");
}

#[test]
fn settings_that_cannot_work_say_how_to_mend_them() {
    let missing = || Some(PathBuf::from("/nonexistent/secret"));
    let plain = settings(&["http://es:9200".into()]);
    assert!(refused(&settings(&[])).contains("--es.server-urls is empty"));
    let typo = refused(&settings(&["ftp://elastic:hunter2@es:9200".into()]));
    assert!(typo.contains("ftp") || typo.contains("http://"), "{typo}");
    assert!(!typo.contains("hunter2"), "{typo}");
    assert!(!refused(&settings(&["elastic:hunter2@es:9200".into()])).contains("hunter2"));
    let both = Elasticsearch { token_file: missing(), username: "u".into(), ..plain.clone() };
    assert!(refused(&both).contains("--es.password and --es.token-file are both set"));
    let absent = refused(&Elasticsearch { api_key_file: missing(), ..plain.clone() });
    assert!(absent.contains("--es.api-key-file: cannot read /nonexistent/secret"), "{absent}");
    let tls = |tls| Elasticsearch { tls: ClientTls { enabled: true, ..tls }, ..settings(&["https://es:9200".into()]) };
    assert!(refused(&tls(ClientTls { cert: missing(), ..ClientTls::default() })).contains("belong together"));
    assert!(refused(&tls(ClientTls { ca: missing(), ..ClientTls::default() })).contains("--es.tls.ca: cannot read"));
    let name = |name: &str| tls(ClientTls { server_name: name.into(), ..ClientTls::default() });
    assert!(refused(&name("other")).contains("--es.tls.server-name=other differs"));
    assert!(Cluster::new(&name("ES")).is_ok());
}

/// An authority, a server's pair and a client's pair, as PEM files.
struct Certificates {
    folder: tempfile::TempDir,
    server: rustls::ServerConfig,
}

impl Certificates {
    /// The server wants a certificate of its clients if `mutual`.
    fn new(mutual: bool) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let key = KeyPair::generate().expect("a key");
        let mut authority = CertificateParams::new(Vec::new()).expect("parameters");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root = authority.self_signed(&key).expect("a certificate");
        let issuer = Issuer::new(authority, key);
        let leaf = |names: &[&str], usage| {
            let key = KeyPair::generate().expect("a key");
            let names: Vec<_> = names.iter().map(|name| (*name).to_string()).collect();
            let mut params = CertificateParams::new(names).expect("parameters");
            params.extended_key_usages = vec![usage];
            (params.signed_by(&key, &issuer).expect("a certificate"), key)
        };
        let (client, client_key) = leaf(&["collector"], ExtendedKeyUsagePurpose::ClientAuth);
        let (server, server_key) = leaf(&["127.0.0.1"], ExtendedKeyUsagePurpose::ServerAuth);
        let put = |name: &str, pem: String| std::fs::write(folder.path().join(name), pem).expect("written");
        put("ca.pem", root.pem());
        put("cert.pem", client.pem());
        put("key.pem", client_key.serialize_pem());
        let mut roots = rustls::RootCertStore::empty();
        roots.add(root.der().clone()).expect("a root");
        let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
        let builder = rustls::ServerConfig::builder_with_provider(provider.clone());
        let builder = builder.with_safe_default_protocol_versions().expect("versions");
        let builder = if mutual {
            let verifier = rustls::server::WebPkiClientVerifier::builder_with_provider(roots.into(), provider);
            builder.with_client_cert_verifier(verifier.build().expect("a verifier"))
        } else {
            builder.with_no_client_auth()
        };
        let key = PrivateKeyDer::Pkcs8(server_key.serialize_der().into());
        let server = builder.with_single_cert(vec![server.der().clone()], key).expect("a pair");
        Certificates { folder, server }
    }

    fn path(&self, name: &str) -> Option<PathBuf> {
        Some(self.folder.path().join(name))
    }

    fn tls(&self) -> ClientTls {
        ClientTls { enabled: true, ca: self.path("ca.pem"), ..ClientTls::default() }
    }
}

async fn greet_over(tls: ClientTls, server: &Certificates) -> Result<u16, String> {
    let fake = Fake::start_tls(server.server.clone()).await;
    let url = fake.url().replace("http://", "https://elastic:pw@");
    let cluster = cluster(&Elasticsearch { tls, ..settings(&[url]) });
    let answer = greet(&cluster).await.map_err(|error| error.to_string())?;
    assert_eq!(fake.heard()[0].headers["authorization"], "Basic ZWxhc3RpYzpwdw==");
    Ok(answer.status)
}

#[tokio::test]
async fn a_server_is_known_by_its_authority() {
    let ours = Certificates::new(false);
    assert_eq!(greet_over(ours.tls(), &ours).await, Ok(200));
    let others = Certificates::new(false);
    let error = greet_over(others.tls(), &ours).await.expect_err("another authority");
    assert!(error.contains("certificate") && error.contains("--es.tls.ca"), "{error}");
    let trusting = ClientTls { skip_host_verify: true, ..others.tls() };
    assert_eq!(greet_over(trusting, &ours).await, Ok(200));
}

#[tokio::test]
async fn without_tls_settings_a_private_certificate_is_not_trusted() {
    let server = Certificates::new(false);
    let error = greet_over(ClientTls::default(), &server).await.expect_err("unknown authority");
    assert!(error.contains("--es.tls.enabled=true"), "{error}");
}

#[tokio::test]
async fn a_server_that_wants_a_certificate_gets_ours() {
    let server = Certificates::new(true);
    let pair = ClientTls { cert: server.path("cert.pem"), key: server.path("key.pem"), ..server.tls() };
    assert_eq!(greet_over(pair, &server).await, Ok(200));
    assert!(greet_over(server.tls(), &server).await.is_err());
    let others = Certificates::new(true);
    let wrong = ClientTls { cert: others.path("cert.pem"), key: others.path("key.pem"), ..server.tls() };
    assert!(greet_over(wrong, &server).await.is_err());
}
