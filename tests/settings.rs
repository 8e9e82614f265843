//! Settings as an operator meets them: every flag of jaeger-collector 1.76 is known, and the
//! reference page is current.

#![expect(clippy::unwrap_used, reason = "a test tells what is wrong by panicking")]

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;

use spaniel::settings::{Invocation, SettingsError, load};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/settings.md");

/// Copied by hand from the reference of jaeger-collector 1.76 (general, collector, sampling), with
/// a value other than the default.
const GENERAL: &[(&str, &str)] = &[
    ("config-file", "c.yaml"),
    ("log-level", "debug"),
    ("log-encoding", "console"),
    ("metrics-backend", "none"),
    ("metrics-http-route", "/m"),
    ("admin.http.host-port", ":1"),
    ("feature-gates", "+x"),
    ("span-storage.type", "elasticsearch"),
    ("downsampling.ratio", "0.5"),
    ("downsampling.hashsalt", "salt"),
    ("multi-tenancy.enabled", "true"),
    ("multi-tenancy.header", "x"),
    ("multi-tenancy.tenants", "a,b"),
    ("collector.num-workers", "7"),
    ("collector.queue-size", "7"),
    ("collector.queue-size-memory", "7"),
    ("collector.enable-span-size-metrics", "true"),
    ("collector.tags", "a=b"),
    ("collector.grpc-server.host-port", ":1"),
    ("collector.grpc-server.max-message-size", "7"),
    ("collector.grpc-server.max-connection-age", "7s"),
    ("collector.grpc-server.max-connection-age-grace", "7s"),
    ("collector.http-server.host-port", ":1"),
    ("collector.http-server.read-timeout", "7s"),
    ("collector.http-server.idle-timeout", "7s"),
    ("collector.http-server.read-header-timeout", "7s"),
    ("collector.otlp.enabled", "true"),
    ("collector.otlp.grpc.host-port", ":1"),
    ("collector.otlp.grpc.max-message-size", "7"),
    ("collector.otlp.grpc.max-connection-age", "7s"),
    ("collector.otlp.grpc.max-connection-age-grace", "7s"),
    ("collector.otlp.http.host-port", ":1"),
    ("collector.otlp.http.read-timeout", "7s"),
    ("collector.otlp.http.idle-timeout", "7s"),
    ("collector.otlp.http.read-header-timeout", "7s"),
    ("collector.otlp.http.cors.allowed-origins", "*"),
    ("collector.otlp.http.cors.allowed-headers", "*"),
    ("collector.zipkin.host-port", ":1"),
    ("collector.zipkin.keep-alive", "false"),
    ("collector.zipkin.cors.allowed-origins", "*"),
    ("collector.zipkin.cors.allowed-headers", "*"),
    ("sampling.strategies-file", "s.json"),
    ("sampling.strategies-reload-interval", "7s"),
    ("sampling.default-sampling-probability", "0.5"),
    ("sampling.target-samples-per-second", "7"),
    ("sampling.delta-tolerance", "0.7"),
    ("sampling.buckets-for-calculation", "7"),
    ("sampling.calculation-interval", "7s"),
    ("sampling.aggregation-buckets", "7"),
    ("sampling.delay", "7s"),
    ("sampling.initial-sampling-probability", "0.7"),
    ("sampling.min-sampling-probability", "0.7"),
    ("sampling.min-samples-per-second", "7"),
    ("sampling.leader-lease-refresh-interval", "7s"),
    ("sampling.follower-lease-refresh-interval", "7s"),
    ("status.http.host-port", ":1"),
];

/// Every `--es.*`, without the prefix.
const ELASTICSEARCH: &[(&str, &str)] = &[
    ("server-urls", "http://es:9200"),
    ("remote-read-clusters", "a,b"),
    ("username", "u"),
    ("password", "p"),
    ("password-file", "f"),
    ("password-reload-interval", "7s"),
    ("token-file", "f"),
    ("bearer-token-propagation", "true"),
    ("bearer-token-reload-interval", "7s"),
    ("api-key-file", "f"),
    ("api-key-allow-from-context", "true"),
    ("api-key-reload-interval", "7s"),
    ("tls.enabled", "true"),
    ("tls.ca", "f"),
    ("tls.cert", "f"),
    ("tls.key", "f"),
    ("tls.server-name", "n"),
    ("tls.skip-host-verify", "true"),
    ("sniffer", "true"),
    ("sniffer-tls-enabled", "true"),
    ("disable-health-check", "true"),
    ("timeout", "7s"),
    ("num-shards", "7"),
    ("num-replicas", "7"),
    ("prioirity-span-template", "7"),
    ("prioirity-service-template", "7"),
    ("prioirity-dependencies-template", "7"),
    ("bulk.size", "7"),
    ("bulk.workers", "7"),
    ("bulk.actions", "7"),
    ("bulk.flush-interval", "7s"),
    ("index-prefix", "p"),
    ("index-date-separator", "."),
    ("index-rollover-frequency-spans", "hour"),
    ("index-rollover-frequency-services", "hour"),
    ("index-rollover-frequency-adaptive-sampling", "hour"),
    ("service-cache-ttl", "7s"),
    ("tags-as-fields.all", "true"),
    ("tags-as-fields.include", "a"),
    ("tags-as-fields.config-file", "f"),
    ("tags-as-fields.dot-replacement", "_"),
    ("use-aliases", "true"),
    ("use-ilm", "true"),
    ("create-index-templates", "false"),
    ("version", "7"),
    ("max-doc-count", "7"),
    ("log-level", "debug"),
    ("send-get-body-as", "POST"),
    ("http-compression", "true"),
    ("adaptive-sampling.lookback", "7s"),
];

const SERVER_TLS: &[(&str, &str)] = &[
    ("enabled", "true"),
    ("cert", "f"),
    ("key", "f"),
    ("client-ca", "f"),
    ("cipher-suites", "TLS_AES_128_GCM_SHA256"),
    ("min-version", "1.2"),
    ("max-version", "1.3"),
    ("reload-interval", "7s"),
];

const LISTENERS: &[&str] = &[
    "admin.http",
    "collector.grpc",
    "collector.http",
    "collector.otlp.grpc",
    "collector.otlp.http",
    "collector.zipkin",
];

fn jaegers() -> Vec<(String, &'static str)> {
    let general = GENERAL.iter().map(|(name, value)| ((*name).to_string(), *value));
    let primary = ELASTICSEARCH.iter().map(|(name, value)| (format!("es.{name}"), *value));
    let archive = ELASTICSEARCH.iter().map(|(name, value)| (format!("es-archive.{name}"), *value));
    let only_one = [("es.max-span-age".to_string(), "7s"), ("es-archive.enabled".to_string(), "true")];
    let tls = LISTENERS
        .iter()
        .flat_map(|prefix| SERVER_TLS.iter().map(move |(option, value)| (format!("{prefix}.tls.{option}"), *value)));
    general.chain(primary).chain(archive).chain(only_one).chain(tls).collect()
}

/// Every file exists and is an empty one.
fn start(flags: &[String], environment: &[(&str, &str)]) -> Result<Invocation, SettingsError> {
    let arguments = std::iter::once("spaniel".into()).chain(flags.iter().map(OsString::from));
    let environment = environment.iter().map(|(name, value)| ((*name).to_string(), (*value).to_string()));
    load(arguments, environment, |_: &Path| Ok(String::new()))
}

fn page() -> String {
    match start(&["docs".into()], &[]) {
        Ok(Invocation::Docs(text)) => text,
        other => panic!("no page: {other:?}"),
    }
}

#[test]
fn every_flag_of_jaeger_is_known() {
    let mut outcomes = [0, 0];
    for (name, value) in jaegers() {
        match start(&[format!("--{name}={value}")], &[("SPAN_STORAGE_TYPE", "elasticsearch")]) {
            Ok(_) => outcomes[0] += 1,
            // Refused, or in want of another one; in any case not unknown.
            Err(error) => {
                assert!(!error.to_string().contains("unknown"), "{error}");
                assert!(error.to_string().contains(&name), "{error}");
                outcomes[1] += 1;
            }
        }
    }
    assert!(outcomes[0] > 100 && outcomes[1] > 40, "accepted and refused: {outcomes:?}");
}

#[test]
fn every_flag_of_jaeger_is_a_variable_and_on_the_page() {
    let page = page();
    for (name, value) in jaegers() {
        assert!(page.contains(&format!("| `{name}` |")), "{name}");
        let variable = name.to_uppercase().replace(['.', '-'], "_");
        let by_variable = start(&[], &[("SPAN_STORAGE_TYPE", "elasticsearch"), (&variable, value)]);
        let by_flag = start(&[format!("--{name}={value}")], &[("SPAN_STORAGE_TYPE", "elasticsearch")]);
        assert_eq!(by_variable.is_ok(), by_flag.is_ok(), "{variable}: {by_variable:?}");
    }
}

#[test]
fn the_copied_list_has_no_doubles() {
    let names: BTreeSet<_> = jaegers().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), jaegers().len());
}

/// A manifest of a real installation of jaeger-collector with Elasticsearch starts unchanged.
#[test]
fn a_real_manifest_starts_unchanged() {
    let environment = [
        ("SPAN_STORAGE_TYPE", "elasticsearch"),
        ("ES_SERVER_URLS", "http://elasticsearch:9200"),
        ("ES_USERNAME", "elastic"),
        ("ES_PASSWORD", "changeme"),
        ("ES_INDEX_PREFIX", "prod"),
        ("ES_NUM_SHARDS", "1"),
        ("ES_NUM_REPLICAS", "0"),
        ("COLLECTOR_ZIPKIN_HOST_PORT", ":9411"),
        ("COLLECTOR_QUEUE_SIZE", "10000"),
        ("COLLECTOR_NUM_WORKERS", "100"),
        ("ES_BULK_WORKERS", "4"),
        ("KUBERNETES_SERVICE_PORT", "443"),
    ];
    let Ok(Invocation::Run(settings, notes)) = start(&["--log-level=warn".into()], &environment) else {
        panic!("must start")
    };
    assert_eq!(settings.indices.prefix, "prod");
    assert_eq!(notes.ignored.len(), 2);
}

#[test]
fn the_page_is_current() {
    let kept = std::fs::read_to_string(PAGE).unwrap_or_default();
    assert!(
        kept == page(),
        "docs/settings.md is not current: run `cargo test --test settings -- --ignored write_the_page`"
    );
}

#[test]
#[ignore = "writes docs/settings.md anew"]
fn write_the_page() {
    std::fs::write(PAGE, page()).unwrap();
}

const MIGRATION: &str = include_str!("../docs/migrate-from-jaeger.md");

/// The rows of the migration page: the patterns of a row's flags, and what it claims.
fn claims() -> Vec<(String, &'static str)> {
    let rows = MIGRATION.lines().filter(|line| line.starts_with("| `--"));
    let cells = rows.map(|row| row.trim_matches('|').split(" | ").map(str::trim).collect::<Vec<_>>());
    cells
        .flat_map(|cells| {
            let flags = cells[0].split("`, `").map(|flag| flag.trim_matches('`').trim_start_matches("--").to_string());
            let claim = cells[1];
            flags.map(move |flag| (flag, claim)).collect::<Vec<_>>()
        })
        .collect()
}

/// `a.{b,c}`: each of them; `a.*`: all that begin so.
fn covers(pattern: &str, flag: &str) -> bool {
    if let Some((before, rest)) = pattern.split_once('{') {
        let (words, after) = rest.split_once('}').unwrap();
        return words.split(',').any(|word| covers(&format!("{before}{word}{after}"), flag));
    }
    match pattern.strip_suffix('*') {
        Some(prefix) => flag.starts_with(prefix),
        None => pattern == flag,
    }
}

/// What the binary says of a flag with this value.
fn told_by_the_binary(name: &str, value: &str, page: &str, directory: &Path) -> &'static str {
    let file = ["f", "there"].contains(&value);
    let path = directory.join("file").display().to_string();
    let value = match value {
        "c.yaml" | "s.json" => path.as_str(),
        _ if file => path.as_str(),
        value => value,
    };
    let mut flags = vec![format!("--{name}={value}")];
    if let Some((prefix, option)) = name.split_once(".tls.").filter(|_| !name.starts_with("es-archive.")) {
        let others = if prefix == "es" { &["enabled"][..] } else { &["enabled", "cert", "key"] };
        flags.extend(others.iter().filter(|other| **other != option).map(|other| match *other {
            "enabled" => format!("--{prefix}.tls.enabled=true"),
            other => format!("--{prefix}.tls.{other}={path}"),
        }));
        let pair = [("cert", "key"), ("key", "cert")].into_iter().find(|(one, _)| prefix == "es" && *one == option);
        flags.extend(pair.map(|(_, other)| format!("--{prefix}.tls.{other}={path}")));
    }
    if name == "es.use-ilm" {
        flags.extend(["--es.use-aliases=true".to_string(), "--es.create-index-templates=false".to_string()]);
    }
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_spaniel"));
    command.env_clear().env("SPAN_STORAGE_TYPE", "elasticsearch").arg("print-config").args(&flags);
    if name == "config-file" {
        command.env_remove("SPAN_STORAGE_TYPE");
    }
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    let row = page.lines().find(|line| line.starts_with(&format!("| `{name}` |"))).unwrap_or_else(|| panic!("{name}"));
    if !output.status.success() {
        assert!(said.contains(name) && !said.contains("unknown flag"), "{name}: {said}");
        return "refused";
    }
    if row.contains("*Ignored") { "ignored" } else { "used" }
}

#[test]
fn the_migration_page_says_of_every_flag_of_jaeger_what_the_binary_does() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("file"), "").unwrap();
    let (claims, page) = (claims(), page());
    let mut used = BTreeSet::new();
    for (name, value) in jaegers() {
        let of_it: Vec<_> = claims.iter().enumerate().filter(|(_, (pattern, _))| covers(pattern, &name)).collect();
        assert_eq!(of_it.len(), 1, "--{name} stands in {} rows: {of_it:?}", of_it.len());
        let (place, (_, claim)) = of_it[0];
        used.insert(place);
        let told = told_by_the_binary(&name, value, &page, directory.path());
        let claimed = if ["same", "differs"].contains(claim) { "used" } else { claim };
        assert_eq!(claimed, told, "--{name}={value}");
    }
    let idle: Vec<_> = claims.iter().enumerate().filter(|(place, _)| !used.contains(place)).collect();
    assert!(idle.is_empty(), "rows about no flag of Jaeger's: {idle:?}");
}
