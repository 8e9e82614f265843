//! Names of settings: as variables, old ones, and what was probably meant by an unknown one.

use super::{Setting, all};

/// Names that mean a setting under another name.
const ALIASES: &[(&str, &str)] = &[
    ("es.priority-span-template", "es.prioirity-span-template"),
    ("es.priority-service-template", "es.prioirity-service-template"),
    ("es.priority-dependencies-template", "es.prioirity-dependencies-template"),
];

/// Variables of older Jaegers and of Zipkin, and the settings that they mean.
pub(crate) const ENVIRONMENT_ALIASES: &[(&str, &str)] = &[
    ("COLLECTOR_ZIPKIN_HTTP_PORT", "collector.zipkin.host-port"),
    ("COLLECTOR_HTTP_PORT", "collector.http-server.host-port"),
    ("QUERY_PORT", "collector.zipkin.host-port"),
    ("ES_PRIORITY_SPAN_TEMPLATE", "es.prioirity-span-template"),
    ("ES_PRIORITY_SERVICE_TEMPLATE", "es.prioirity-service-template"),
    ("ES_PRIORITY_DEPENDENCIES_TEMPLATE", "es.prioirity-dependencies-template"),
];

/// Flags that jaeger-collector once had, and what to write today.
const RETIRED: &[(&str, &str)] = &[
    ("collector.http-port", "collector.http-server.host-port"),
    ("collector.grpc-port", "collector.grpc-server.host-port"),
    ("collector.zipkin.http-port", "collector.zipkin.host-port"),
    ("collector.zipkin.allowed-origins", "collector.zipkin.cors.allowed-origins"),
    ("collector.zipkin.allowed-headers", "collector.zipkin.cors.allowed-headers"),
    ("collector.grpc.tls", "collector.grpc.tls.enabled"),
    ("collector.grpc.tls.client.ca", "collector.grpc.tls.client-ca"),
    ("health-check-http-port", "admin.http.host-port"),
    ("admin-http-port", "admin.http.host-port"),
    ("es.tls", "es.tls.enabled"),
    ("es.max-num-spans", "es.max-doc-count"),
];

/// Prefixes of settings of storages that are not here.
const OTHER_STORAGES: &[&str] =
    &["cassandra.", "cassandra-archive.", "kafka.", "badger.", "grpc-storage.", "memory.max-traces"];

/// The setting of that flag or key.
pub(crate) fn find(name: &str) -> Option<&'static Setting> {
    let name = ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name, |(_, name)| name);
    all().find(|setting| setting.name == name)
}

/// The variable of a setting: upper case, `.` and `-` as `_`, no prefix.
pub(crate) fn environment_name(name: &str) -> String {
    name.chars().map(|letter| if matches!(letter, '.' | '-') { '_' } else { letter.to_ascii_uppercase() }).collect()
}

/// The name that was probably meant.
fn nearest(name: &str) -> Option<&'static str> {
    let names = all().filter(|setting| !setting.environment_only).map(|setting| setting.name);
    let scored = names.map(|known| (strsim::normalized_damerau_levenshtein(name, known), known));
    scored.max_by(|left, right| left.0.total_cmp(&right.0)).filter(|(score, _)| *score > 0.6).map(|(_, known)| known)
}

/// What to say of a name that is not in the table; `dashes` is how its kind of place writes it.
pub(crate) fn unknown(name: &str, dashes: &str) -> String {
    if name == "collector.port" || name == "collector.tchan-server.host-port" {
        return "TChannel left Jaeger with 1.18: remove it and let agents use a newer protocol".into();
    }
    if name == "sampling.strategies.bugfix-5270" {
        return "what it switched on is always on, as in Jaeger since 1.68: remove it".into();
    }
    if OTHER_STORAGES.iter().any(|prefix| name.starts_with(prefix)) {
        return "it belongs to a storage that is not here: remove it, and set SPAN_STORAGE_TYPE to elasticsearch, \
                opensearch or embedded"
            .into();
    }
    if let Some((_, today)) = RETIRED.iter().find(|(old, _)| *old == name) {
        return format!("it was renamed: write `{dashes}{today}`");
    }
    match nearest(name) {
        Some(known) => format!("did you mean `{dashes}{known}`?"),
        None => "`spaniel --help` lists what is known".into(),
    }
}
