//! Whether the ports that the settings open are open, and can be reached.

use std::time::Duration;

use serde_json::Value;
use tokio::net::TcpStream;

use super::finding::Finding;
use crate::settings::Settings;

const PATIENCE: Duration = Duration::from_secs(3);

/// Listeners that spans come by, as the running Spaniel names them, and the flags of their addresses.
const SPANS: [(&str, &str); 7] = [
    ("zipkin", "collector.zipkin.host-port"),
    ("otlp-grpc", "collector.otlp.grpc.host-port"),
    ("otlp-http", "collector.otlp.http.host-port"),
    ("jaeger-grpc", "collector.grpc-server.host-port"),
    ("jaeger-thrift-http", "collector.http-server.host-port"),
    ("agent-compact", "processor.jaeger-compact.server-host-port"),
    ("agent-binary", "processor.jaeger-binary.server-host-port"),
];

/// `host`: where the running Spaniel was reached.
pub(super) async fn examine(status: &Value, settings: &Settings, host: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, flag) in SPANS {
        let open = status["listeners"][name].as_str();
        findings.extend(match (open, is_set(settings, name)) {
            (Some(address), _) if name.starts_with("agent-") => {
                Some(Finding::ok(format!("port {name}"), format!("{address}, UDP: open there, nothing answers on it")))
            }
            (Some(address), _) => Some(try_port(name, &seen_from(address, host)).await),
            (None, true) => Some(Finding::wrong(
                format!("port {name}"),
                "these settings open it, and the running Spaniel has it closed",
                format!("give both the same settings: --{flag}"),
            )),
            (None, false) => None,
        });
    }
    if findings.is_empty() {
        let mend = "open one: --collector.zipkin.host-port=:9411 is what a mesh sends to";
        findings.push(Finding::wrong("ports", "no port for spans is open", mend));
    }
    findings
}

fn is_set(settings: &Settings, name: &str) -> bool {
    let (listen, agent) = (&settings.listen, &settings.agent);
    match name {
        "zipkin" => listen.zipkin.is_some(),
        "otlp-grpc" => listen.otlp_grpc.is_some(),
        "otlp-http" => listen.otlp_http.is_some(),
        "jaeger-grpc" => listen.jaeger_grpc.is_some(),
        "jaeger-thrift-http" => listen.jaeger_http.is_some(),
        "agent-compact" => agent.compact.host_port.is_some(),
        _ => agent.binary.host_port.is_some(),
    }
}

/// A listener on every address is reached where the admin port was.
fn seen_from(address: &str, host: &str) -> String {
    match address.rsplit_once(':') {
        Some(("0.0.0.0" | "[::]" | "", port)) => format!("{host}:{port}"),
        _ => address.to_string(),
    }
}

async fn try_port(name: &str, address: &str) -> Finding {
    let what = format!("port {name}");
    let cause = match tokio::time::timeout(PATIENCE, TcpStream::connect(address)).await {
        Ok(Ok(_)) => return Finding::ok(what, format!("{address} takes connections")),
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("no answer within {} s", PATIENCE.as_secs()),
    };
    let mend = "something lies between: a NetworkPolicy, a firewall, or a sidecar that takes the port";
    Finding::wrong(what, format!("{address} cannot be reached: {cause}"), mend)
}

#[cfg(test)]
mod tests {
    use super::super::finding::State;
    use super::*;
    use serde_json::json;

    #[tokio::test]
    async fn open_ports_are_tried_and_closed_ones_are_told() {
        let open = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = open.local_addr().unwrap().port();
        let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let status = json!({"listeners": {
            "zipkin": format!("[::]:{port}"), "otlp-http": gone.to_string(), "agent-compact": "[::]:6831",
        }});
        let mut settings = Settings::default();
        settings.listen.jaeger_http = None;
        let found = examine(&status, &settings, "127.0.0.1").await;
        let state = |name: &str| found.iter().find(|one| one.what == format!("port {name}")).map(|one| one.state);
        assert_eq!(state("zipkin"), Some(State::Ok));
        assert_eq!(state("otlp-http"), Some(State::Wrong), "nobody listens");
        assert_eq!(state("agent-compact"), Some(State::Ok));
        assert_eq!(state("otlp-grpc"), Some(State::Wrong), "the settings differ");
        assert_eq!(state("jaeger-thrift-http"), None, "closed on purpose");
    }
}
