//! TLS, tokens and the ports of an agent, as an operator sets them, in the real binary.

use rcgen::{CertificateParams, KeyPair};
use reqwest::blocking::Client;

use crate::made::request;
use crate::spaniel::{PATIENCE, Start, folder};

#[test]
fn spans_come_in_over_tls_with_a_token_and_no_other_way() {
    let directory = folder();
    let put = |name: &str, content: String| std::fs::write(directory.path().join(name), content).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["127.0.0.1".into()]).unwrap().self_signed(&key).unwrap();
    put("cert.pem", certificate.pem());
    put("key.pem", key.serialize_pem());
    put("tokens", "a-token\n".into());
    let tls = ["--collector.zipkin.tls.enabled=true", "--collector.zipkin.tls.cert=cert.pem"];
    let rest = ["--collector.zipkin.tls.key=key.pem", "--collector.auth.bearer-token-file=tokens"];
    let spaniel = Start::embedded().flags(&tls).flags(&rest).run_in(directory);
    let root = reqwest::Certificate::from_pem(certificate.pem().as_bytes()).unwrap();
    let client = Client::builder().no_proxy().add_root_certificate(root).timeout(PATIENCE).build().unwrap();
    let url = spaniel.url("zipkin", "/api/v2/spans").replace("http:", "https:");
    let post = |token: &str| client.post(&url).bearer_auth(token).body(request(1, 1, 0)).send().unwrap().status();
    assert_eq!((post("a-token").as_u16(), post("another").as_u16()), (202, 401));
    assert_eq!(spaniel.post(request(2, 1, 0)).status(), 400);
    assert_eq!(spaniel.settled_books()["spans"]["zipkin-json"]["received"], 1);
    let log = spaniel.log();
    assert!(!log.contains("a-token") && log.contains("a UDP port is open"), "{log}");
    spaniel.stop();
}

#[test]
fn certificates_that_cannot_be_used_stop_the_start() {
    let key = KeyPair::generate().unwrap();
    let directory = folder();
    let file = directory.path().join("key.pem");
    std::fs::write(&file, key.serialize_pem()).unwrap();
    let path = file.display();
    let ended = Start::embedded()
        .flags(&["--admin.http.tls.enabled", &format!("--admin.http.tls.cert={path}")])
        .flags(&[&format!("--admin.http.tls.key={path}")])
        .fails();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("--admin.http.tls.cert") && ended.stderr.contains("no certificate"), "{ended:?}");
}
