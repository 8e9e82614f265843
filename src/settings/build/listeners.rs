//! Ports of jaeger-agent, TLS of listeners, and who may send.

use super::{Values, path};
use crate::settings::{Agent, AgentPort, Auth, ListenerTls, ServerTls, Tenancy, TlsVersion};

/// With a token nobody comes in by UDP, where none can be shown, unless that was asked for.
pub(super) fn agent(values: &Values) -> Agent {
    let has_token = !values.text("collector.auth.bearer-token-file").is_empty();
    let port = |prefix: &str| {
        let name = |option: &str| format!("{prefix}.{option}");
        let address = name("server-host-port");
        let bytes = values.count(&name("server-socket-buffer-size"));
        AgentPort {
            host_port: open(values, &address).filter(|_| !has_token || values.is_set(&address)),
            max_packet_bytes: values.count(&name("server-max-packet-size")),
            socket_buffer_bytes: Some(bytes).filter(|bytes| *bytes > 0),
            workers: values.count(&name("workers")),
            queue: values.count(&name("server-queue-size")),
        }
    };
    Agent {
        compact: port("processor.jaeger-compact"),
        binary: port("processor.jaeger-binary"),
        http: open(values, "http-server.host-port"),
    }
}

fn open(values: &Values, name: &str) -> Option<String> {
    Some(values.text(name).to_string()).filter(|address| !address.is_empty())
}

pub(super) fn tls(values: &Values) -> ListenerTls {
    ListenerTls {
        zipkin: server_tls(values, "collector.zipkin"),
        jaeger_http: server_tls(values, "collector.http"),
        jaeger_grpc: server_tls(values, "collector.grpc"),
        otlp_grpc: server_tls(values, "collector.otlp.grpc"),
        otlp_http: server_tls(values, "collector.otlp.http"),
        query: server_tls(values, "query.http"),
        admin: server_tls(values, "admin.http"),
    }
}

fn server_tls(values: &Values, prefix: &'static str) -> ServerTls {
    let name = |option: &str| format!("{prefix}.tls.{option}");
    let highest = if values.text(&name("max-version")) == "1.2" { TlsVersion::V1_2 } else { TlsVersion::V1_3 };
    ServerTls {
        prefix,
        enabled: values.switch(&name("enabled")),
        cert: values.text(&name("cert")).into(),
        key: values.text(&name("key")).into(),
        client_ca: path(values, &name("client-ca")),
        cipher_suites: values.list(&name("cipher-suites")),
        min_version: if values.text(&name("min-version")) == "1.3" { TlsVersion::V1_3 } else { TlsVersion::V1_2 },
        max_version: highest,
        reload_interval: values.time(&name("reload-interval")),
    }
}

pub(super) fn auth(values: &Values) -> Auth {
    Auth {
        bearer_token_file: path(values, "collector.auth.bearer-token-file"),
        bearer_token_reload_interval: values.time("collector.auth.bearer-token-reload-interval"),
    }
}

/// As with Jaeger, blanks around the commas belong to the names.
pub(super) fn tenancy(values: &Values) -> Tenancy {
    let tenants = values.text("multi-tenancy.tenants");
    Tenancy {
        enabled: values.switch("multi-tenancy.enabled"),
        header: values.text("multi-tenancy.header").into(),
        tenants: tenants.split(',').filter(|tenant| !tenant.is_empty()).map(str::to_string).collect(),
    }
}
