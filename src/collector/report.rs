//! What the start says: what listens where, which store, which settings are not the default.

use super::build::House;
use super::listeners::Servers;
use crate::settings::{self, Notes, Settings, SpoolSync};

/// What each port takes, for people.
const WHAT: [(&str, &str); 10] = [
    ("zipkin", "Zipkin: POST /api/v2/spans, /api/v1/spans; gRPC: SpanService/Report"),
    ("jaeger-thrift-http", "Jaeger Thrift: POST /api/traces; GET /api/sampling"),
    ("agent-compact", "Jaeger Thrift over UDP, compact protocol"),
    ("agent-binary", "Jaeger Thrift over UDP, binary protocol"),
    ("agent-http", "for clients of a jaeger-agent: /sampling, /baggageRestrictions"),
    ("jaeger-grpc", "Jaeger over gRPC: CollectorService/PostSpans, SamplingManager/GetSamplingStrategy"),
    ("otlp-grpc", "OTLP over gRPC: TraceService/Export"),
    ("otlp-http", "OTLP, protobuf and JSON: POST /v1/traces"),
    ("query", "Jaeger's query API: GET /api/traces"),
    ("admin", "health, /ready, /status, /metrics, /books"),
];

pub(super) fn started(house: &House, servers: &Servers, settings: &Settings, notes: &Notes) {
    for changed in &notes.changed {
        tracing::info!(setting = changed.name, value = %changed.value, source = %changed.source, "setting");
    }
    for ignored in &notes.ignored {
        tracing::warn!(setting = ignored.name, source = %ignored.source, "setting ignored: {}", ignored.reason);
    }
    for warning in &notes.warnings {
        tracing::warn!("{warning}");
    }
    let status = house.writer.status();
    eprintln!("Spaniel {} is up", house.identity.version);
    for (name, address) in &servers.table {
        let what = WHAT.iter().find(|(known, _)| known == name).map_or("", |(_, what)| what);
        eprintln!("  {name:<20} {address:<24} {what}");
    }
    let version = status.version.map(|version| format!(" {version}")).unwrap_or_default();
    eprintln!("  {:<20} {}{version} at {}", "store", status.store, status.place);
    eprintln!("  {:<20} {} MiB", "memory limit", house.budget.limit() >> 20);
    eprintln!("  {:<20} {}", "spool", spool(&settings.spool));
    for copies in house.forward.iter().flat_map(|forward| forward.status()) {
        eprintln!("  {:<20} {:<24} copies go there", format!("forward {}", copies.endpoint), copies.url);
    }
    tracing::info!(store = %status.store, place = %status.place, "started");
}

fn spool(settings: &settings::Spool) -> String {
    let directory = settings.directory.display();
    match settings.sync {
        SpoolSync::Off => "off: spans wait in memory until the store has them".into(),
        SpoolSync::Process => format!("{directory}: an answer means that spans are written; they survive this process"),
        SpoolSync::Disk => format!("{directory}: an answer means that spans are on disk; they survive a loss of power"),
    }
}
