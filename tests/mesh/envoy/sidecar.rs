//! An Envoy that is configured as Istio configures a sidecar: a call goes out through the listener of
//! its client, in through that of its server, and is answered there.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use reqwest::blocking::Client;
use serde_json::{Value as Json, json};
use tempfile::TempDir;

use crate::spaniel::until;

/// How Envoy writes its reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Proto,
}

impl Format {
    fn name(self) -> &'static str {
        match self {
            Format::Json => "HTTP_JSON",
            Format::Proto => "HTTP_PROTO",
        }
    }

    /// The page of the books.
    pub(crate) fn page(self) -> &'static str {
        match self {
            Format::Json => "zipkin-json",
            Format::Proto => "zipkin-proto",
        }
    }
}

/// A running Envoy, gone with the test.
pub(crate) struct Sidecar {
    pub(crate) format: Format,
    process: Child,
    folder: TempDir,
    client: Client,
    admin: String,
    outbound: String,
}

impl Sidecar {
    pub(crate) fn start(envoy: &Path, collector: &str, format: Format) -> Self {
        let folder = tempfile::Builder::new().prefix("spaniel-envoy-").tempdir().unwrap();
        let [inbound, outbound] = [crate::stand_in::free_port(), crate::stand_in::free_port()];
        let (file, admin) = (folder.path().join("envoy.json"), folder.path().join("admin"));
        std::fs::write(&file, bootstrap(collector, format, inbound, outbound).to_string()).unwrap();
        let mut command = Command::new(envoy);
        command.args(["--disable-hot-restart", "--concurrency", "2", "--log-level", "warn", "-c"]).arg(&file);
        command.arg("--admin-address-path").arg(&admin).stdin(Stdio::null()).stdout(Stdio::null());
        let process = command.stderr(File::create(folder.path().join("log")).unwrap()).spawn().unwrap();
        let client = Client::builder().no_proxy().timeout(Duration::from_secs(20)).build().unwrap();
        let outbound = format!("http://127.0.0.1:{outbound}");
        let mut sidecar = Sidecar { format, process, folder, client, admin: String::new(), outbound };
        sidecar.admin = until("Envoy's admin port", || {
            assert!(sidecar.process.try_wait().unwrap().is_none(), "{}", sidecar.log());
            std::fs::read_to_string(&admin).ok().filter(|address| !address.is_empty())
        });
        until("Envoy is ready", || sidecar.ask("/ready").filter(|text| text.trim() == "LIVE"));
        sidecar
    }

    /// A call from the client's application, over both sidecars.
    pub(crate) fn call(&self, number: u64) {
        let request = self.client.get(format!("{}/cart/{number}", self.outbound));
        let answer = request.header("host", "cart.demo.svc.cluster.local").send().unwrap();
        assert_eq!(answer.status(), 200, "{}", self.log());
    }

    /// The counters of Envoy's Zipkin tracer.
    pub(crate) fn tracing(&self) -> BTreeMap<String, u64> {
        let text = self.ask("/stats?filter=tracing.zipkin").unwrap_or_default();
        let lines = text.lines().filter_map(|line| line.strip_prefix("tracing.zipkin.")?.split_once(": "));
        lines.map(|(name, value)| (name.to_string(), value.parse().unwrap())).collect()
    }

    fn ask(&self, path: &str) -> Option<String> {
        self.client.get(format!("http://{}{path}", self.admin)).send().ok()?.text().ok()
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap()
    }
}

impl Drop for Sidecar {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        if std::thread::panicking() {
            eprintln!("{}", self.log());
        }
    }
}

/// As istiod writes it for a sidecar (`tracing` of the bootstrap and of each listener), with direct
/// addresses for those that it would discover.
fn bootstrap(collector: &str, format: Format, inbound: u16, outbound: u16) -> Json {
    let node = json!({
        "id": "sidecar~10.244.1.17~shop-5d8f9c7b6-x2x9z.demo~demo.svc.cluster.local",
        "cluster": "shop.demo",
        "metadata": { "NAMESPACE": "demo", "MESH_ID": "cluster.local", "CLUSTER_ID": "Kubernetes" },
    });
    let inbound_cluster = "inbound|8080||";
    let answer = json!({ "direct_response": { "status": 200, "body": { "inline_string": "ok" } } });
    let onward = json!({ "route": { "cluster": inbound_cluster, "timeout": "0s" } });
    json!({
        "node": node,
        "admin": { "address": address("127.0.0.1:0") },
        "static_resources": {
            "listeners": [
                listener("virtualOutbound", "OUTBOUND", outbound, format, &onward),
                listener("virtualInbound", "INBOUND", inbound, format, &answer),
            ],
            "clusters": [
                cluster("zipkin", "STRICT_DNS", collector),
                cluster(inbound_cluster, "STATIC", &format!("127.0.0.1:{inbound}")),
            ],
        },
        "layered_runtime": { "layers": [
            { "name": "global config", "static_layer": { "tracing.zipkin.flush_interval_ms": 500 } },
        ] },
    })
}

fn address(text: &str) -> Json {
    let (host, port) = text.rsplit_once(':').unwrap();
    json!({ "socket_address": { "address": host, "port_value": port.parse::<u16>().unwrap() } })
}

fn cluster(name: &str, kind: &str, at: &str) -> Json {
    json!({
        "name": name,
        "type": kind,
        "connect_timeout": "1s",
        "dns_lookup_family": "V4_ONLY",
        "lb_policy": "ROUND_ROBIN",
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{ "lb_endpoints": [{ "endpoint": { "address": address(at) } }] }],
        },
    })
}

fn listener(name: &str, direction: &str, port: u16, format: Format, action: &Json) -> Json {
    let mut route = json!({
        "match": { "prefix": "/" },
        "decorator": { "operation": "cart.demo.svc.cluster.local:8080/*" },
    });
    route.as_object_mut().unwrap().extend(action.as_object().unwrap().clone());
    json!({
        "name": name,
        "traffic_direction": direction,
        "address": address(&format!("127.0.0.1:{port}")),
        "filter_chains": [{ "filters": [{
            "name": "envoy.filters.network.http_connection_manager",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
                "stat_prefix": name,
                "generate_request_id": true,
                "use_remote_address": false,
                "server_name": "istio-envoy",
                "tracing": tracing(format),
                "route_config": { "virtual_hosts": [{ "name": "all", "domains": ["*"], "routes": [route] }] },
                "http_filters": [{
                    "name": "envoy.filters.http.router",
                    "typed_config": { "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router" },
                }],
            },
        }] }],
    })
}

fn tracing(format: Format) -> Json {
    let tag = |name: &str, value: &str| json!({ "tag": name, "literal": { "value": value } });
    json!({
        "client_sampling": { "value": 100 },
        "random_sampling": { "value": 100 },
        "overall_sampling": { "value": 100 },
        "custom_tags": [
            tag("istio.canonical_service", "shop"),
            tag("istio.canonical_revision", "latest"),
            tag("istio.mesh_id", "cluster.local"),
            tag("istio.namespace", "demo"),
            tag("istio.cluster_id", "Kubernetes"),
        ],
        "provider": {
            "name": "envoy.tracers.zipkin",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.config.trace.v3.ZipkinConfig",
                "collector_cluster": "zipkin",
                "collector_endpoint": "/api/v2/spans",
                "collector_endpoint_version": format.name(),
                "trace_id_128bit": true,
                "shared_span_context": false,
            },
        },
    })
}
