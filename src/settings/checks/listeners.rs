//! What the settings of listeners demand of each other.

use std::path::Path;

use crate::settings::error::{Problem, shown};
use crate::settings::layers::{ReadFile, Values};
use crate::settings::table::Kind;

/// What the names of a listener's TLS settings begin with.
const TLS_PREFIXES: [&str; 7] = [
    "collector.zipkin",
    "collector.http",
    "collector.grpc",
    "collector.otlp.grpc",
    "collector.otlp.http",
    "query.http",
    "admin.http",
];

/// The suites that we speak, by their names in Go; the last five are of TLS 1.3 or mean one above.
const SUITES: [&str; 11] = [
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305",
];

pub(super) fn check(values: &Values, read_file: ReadFile<'_>, problems: &mut Vec<Problem>) {
    let has_tls = |prefix: &&str| is_open(values, prefix) && values.switch(&format!("{prefix}.tls.enabled"));
    for prefix in TLS_PREFIXES.into_iter().filter(has_tls) {
        server_tls(values, prefix, problems);
    }
    token(values, read_file, problems);
    tenancy(values, problems);
    same_port(values, problems);
}

fn server_tls(values: &Values, prefix: &str, problems: &mut Vec<Problem>) {
    let name = |option: &str| format!("{prefix}.tls.{option}");
    if values.text(&name("cert")).is_empty() || values.text(&name("key")).is_empty() {
        let mend = format!("a certificate and its key are needed: set --{} and --{}", name("cert"), name("key"));
        problems.push(values.problem(&name("enabled"), mend));
    }
    let suites = values.list(&name("cipher-suites"));
    if let Some(unknown) = suites.iter().find(|suite| !SUITES.contains(&suite.as_str())) {
        let mend = format!("{unknown} is not spoken: write some of {}", SUITES.join(", "));
        problems.push(values.problem(&name("cipher-suites"), mend));
    }
    let (least, most) = (values.text(&name("min-version")), values.text(&name("max-version")));
    if matches!(most, "1.0" | "1.1") {
        problems.push(values.problem(&name("max-version"), "1.0 and 1.1 are broken and not spoken: write 1.2 or 1.3"));
    } else if least == "1.3" && most == "1.2" {
        problems.push(values.problem(&name("max-version"), "it is below the lowest version: write 1.3"));
    }
    let of_1_2 = suites.iter().any(|suite| suite.contains("ECDHE"));
    if !suites.is_empty() && !of_1_2 && most == "1.2" {
        let mend = "none of them is of TLS 1.2, and nothing newer is allowed: write one with ECDHE in its name";
        problems.push(values.problem(&name("cipher-suites"), mend));
    }
}

fn token(values: &Values, read_file: ReadFile<'_>, problems: &mut Vec<Problem>) {
    let name = "collector.auth.bearer-token-file";
    let path = values.text(name);
    if path.is_empty() {
        return;
    }
    // One that cannot be read is said elsewhere.
    if read_file(Path::new(path)).is_ok_and(|text| text.trim().is_empty()) {
        problems.push(values.problem(name, "the file is empty: write a token into it, or several, one a line"));
    }
}

fn tenancy(values: &Values, problems: &mut Vec<Problem>) {
    let header = values.text("multi-tenancy.header");
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if header.is_empty() || !header.bytes().all(fits) {
        problems.push(values.problem("multi-tenancy.header", "no header has such a name: write for example x-tenant"));
    }
}

/// False for the ports of OTLP where that is switched off: how they are set is of no matter then.
fn is_open(values: &Values, name: &str) -> bool {
    !name.starts_with("collector.otlp.") || values.switch("collector.otlp.enabled")
}

/// Two listeners on the same port; port 0 is another one each time.
fn same_port(values: &Values, problems: &mut Vec<Problem>) {
    let tcp = [
        "collector.zipkin.host-port",
        "collector.http-server.host-port",
        "collector.grpc-server.host-port",
        "collector.otlp.grpc.host-port",
        "collector.otlp.http.host-port",
        "http-server.host-port",
        "query.http-server.host-port",
        "admin.http.host-port",
    ];
    let udp = ["processor.jaeger-compact.server-host-port", "processor.jaeger-binary.server-host-port"];
    for ports in [&tcp[..], &udp[..]] {
        let ports: Vec<_> = ports.iter().filter(|name| is_open(values, name)).collect();
        for (index, name) in ports.iter().enumerate() {
            let address = values.text(name);
            let other = ports.iter().take(index).find(|other| values.text(other) == address);
            if let (Some(other), false) = (other, address.is_empty() || address.ends_with(":0")) {
                let shown = shown(Kind::Address, address);
                problems.push(values.problem(name, format!("{shown} is also --{other}: give each its own port")));
            }
        }
    }
}
