//! TLS, tokens and the ports of an agent, as an operator sets them, in the real binary.

use rcgen::{CertificateParams, KeyPair};
use reqwest::blocking::Client;

use crate::made::request;
use crate::spaniel::{PATIENCE, Start, command, folder, until};

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
fn ports_of_grpc_and_otlp_ask_for_tls_and_a_token_too() {
    let directory = folder();
    let put = |name: &str, content: String| std::fs::write(directory.path().join(name), content).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["127.0.0.1".into()]).unwrap().self_signed(&key).unwrap();
    put("cert.pem", certificate.pem());
    put("key.pem", key.serialize_pem());
    put("tokens", "a-token\n".into());
    let tls = ["collector.grpc", "collector.otlp.grpc", "collector.otlp.http"].map(|prefix| {
        ["enabled=true", "cert=cert.pem", "key=key.pem"].map(|option| format!("--{prefix}.tls.{option}"))
    });
    let tls: Vec<&str> = tls.iter().flatten().map(String::as_str).collect();
    let token = ["--collector.auth.bearer-token-file=tokens"];
    let spaniel = Start::embedded().flags(&tls).flags(&token).run_in(directory);
    let root = reqwest::Certificate::from_pem(certificate.pem().as_bytes()).unwrap();
    let client =
        Client::builder().http1_only().no_proxy().add_root_certificate(root).timeout(PATIENCE).build().unwrap();
    let post = |listener: &str, path: &str, kind: &str, token: &str| {
        let url = spaniel.url(listener, path).replace("http:", "https:");
        // No spans: an empty message.
        let body: &[u8] = if kind == "application/json" { b"{}" } else { &[0; 5] };
        let answer =
            client.post(url).header("content-type", kind).bearer_auth(token).body(body.to_vec()).send().unwrap();
        let code = answer.headers().get("grpc-status").map(|code| code.to_str().unwrap().to_string());
        (answer.status().as_u16(), code)
    };
    let calls = [
        ("jaeger-grpc", "/jaeger.api_v2.CollectorService/PostSpans"),
        ("otlp-grpc", "/opentelemetry.proto.collector.trace.v1.TraceService/Export"),
    ];
    for (listener, path) in calls {
        let heard = ["another", "a-token"].map(|token| post(listener, path, "application/grpc", token));
        // Behind the guard this client hears that gRPC is not spoken over its HTTP/1.1.
        assert_eq!(heard, [(200, Some("16".into())), (505, None)], "{listener}");
    }
    let heard = ["another", "a-token"].map(|token| post("otlp-http", "/v1/traces", "application/json", token));
    assert_eq!(heard, [(401, None), (200, None)]);
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

/// The files are those of the settings that both have; the name in the certificate is none of loopback's.
#[test]
fn the_admin_port_is_asked_over_tls_where_its_settings_say_so() {
    let directory = folder();
    let path = |name: &str| directory.path().join(name).display().to_string();
    let pair = |name: &str| {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec!["spaniel.example".into()]).unwrap().self_signed(&key).unwrap();
        std::fs::write(path(&format!("{name}.pem")), certificate.pem()).unwrap();
        std::fs::write(path(&format!("{name}.key")), key.serialize_pem()).unwrap();
    };
    pair("own");
    pair("other");
    let tls = |name: &str| {
        let files = [("cert", "pem"), ("key", "key")]
            .map(|(option, kind)| format!("--admin.http.tls.{option}={}", path(&format!("{name}.{kind}"))));
        [&["--admin.http.tls.enabled".to_string()][..], &files].concat()
    };
    // Clients must show a certificate: the same one is shown.
    let client_ca = format!("--admin.http.tls.client-ca={}", path("own.pem"));
    for more in [vec![], vec![client_ca]] {
        let address = format!("--admin.http.host-port=127.0.0.1:{}", crate::stand_in::free_port());
        let flags = [&tls("own")[..], &more, std::slice::from_ref(&address)].concat();
        let words: Vec<&str> = flags.iter().map(String::as_str).collect();
        let spaniel = Start::embedded().flags(&words).spawn_in(folder());
        let ask = |words: &[&str]| command(words);
        let status = [&["status"], &words[..]].concat();
        let healthy = until("it is healthy", || Some(ask(&status)).filter(|ended| ended.code == Some(0)));
        assert!(healthy.stdout.contains("Server available"), "{healthy:?}");
        let examined = ask(&[&["doctor"], &words[..]].concat());
        assert!(examined.stdout.contains("✓ collector"), "{examined:?}");
        let plain = ask(&["status", &address]);
        assert_eq!(plain.code, Some(1), "{plain:?}");
        let other = [&tls("other")[..], std::slice::from_ref(&address)].concat();
        let other = ask(&[&["status"], &other.iter().map(String::as_str).collect::<Vec<_>>()[..]].concat());
        assert!(other.code == Some(1) && other.stdout.contains("another certificate"), "{other:?}");
        drop(spaniel);
    }
}
