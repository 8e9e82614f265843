//! The room as a whole: what is written in, what comes out. Nothing here touches the disk.

mod meanings;
mod refused;

use std::collections::BTreeSet;
use std::io;
use std::time::Duration;

use super::*;

const FILE: &str = "/etc/spaniel.yaml";

const TLS: [&str; 3] = ["--query.http.tls.enabled=true", "--query.http.tls.cert=there", "--query.http.tls.key=there"];

/// Loads with these flags, variables, and content of [`FILE`]; a file named `there` exists too.
fn load_all(flags: &[&str], environment: &[(&str, &str)], file: &str) -> Result<Invocation, SettingsError> {
    let arguments = std::iter::once("spaniel").chain(flags.iter().copied()).map(OsString::from);
    let environment = environment.iter().map(|(name, value)| ((*name).to_string(), (*value).to_string()));
    load(arguments, environment, |path| match path.to_str() {
        Some(FILE) => Ok(file.to_string()),
        Some("there") => Ok(" http.url \n\nerror\n".into()),
        _ => Err(io::ErrorKind::NotFound.into()),
    })
}

fn run(flags: &[&str], environment: &[(&str, &str)]) -> (Settings, Notes) {
    match load_all(flags, environment, "") {
        Ok(Invocation::Run(settings, notes)) => (*settings, notes),
        other => panic!("{flags:?} {environment:?}: {other:?}"),
    }
}

fn settings(flags: &[&str]) -> Settings {
    run(flags, &[("SPAN_STORAGE_TYPE", "elasticsearch")]).0
}

fn from_file(file: &str) -> Result<Settings, String> {
    match load_all(&["--config-file", FILE], &[], file) {
        Ok(Invocation::Run(settings, _)) => Ok(*settings),
        other => Err(other.unwrap_err().to_string()),
    }
}

/// The whole message for these flags, with Elasticsearch as the storage.
fn refusal(flags: &[&str]) -> String {
    load_all(flags, &[("SPAN_STORAGE_TYPE", "elasticsearch")], "").expect_err(&flags.join(" ")).to_string()
}

#[test]
fn without_settings_the_typed_values_are_their_defaults() {
    let (settings, notes) = run(&[], &[]);
    assert_eq!(format!("{settings:#?}"), format!("{:#?}", Settings::default()));
    assert!(notes.ignored.is_empty() && notes.changed.is_empty() && notes.warnings.is_empty(), "{notes:?}");
}

#[test]
fn names_are_unique_in_both_forms() {
    let names: BTreeSet<_> = table::all().map(|setting| setting.name).collect();
    let variables: BTreeSet<_> = names.iter().map(|name| table::environment_name(name)).collect();
    assert_eq!(names.len(), table::all().count());
    assert_eq!(variables.len(), names.len());
    assert!(table::ENVIRONMENT_ALIASES.iter().all(|(_, name)| names.contains(name)));
}

#[test]
fn every_default_can_be_read() {
    for setting in table::all() {
        value::read(setting, setting.default, &Source::Flag).unwrap_or_else(|mend| panic!("{}: {mend}", setting.name));
    }
}

#[test]
fn a_budget_may_follow_how_quickly_the_store_answers() {
    let latency = |flags: &[&str]| settings(flags).sampling_limits.bulk_latency;
    let budget = "--sampling.max-spans-per-second=10";
    assert_eq!(latency(&[budget, "--sampling.max-bulk-latency=1s"]), Some(Duration::from_secs(1)));
    assert_eq!(latency(&[budget, "--sampling.max-bulk-latency=0"]), None);
}

/// A value other than the default for each used setting reaches the typed values.
#[test]
fn every_used_setting_changes_something() {
    let inert = [
        "config-file",
        "span-storage.type",
        "es.use-ilm",
        "es.lean.max-fields",
        "es.lean.search-logs",
        "sampling.enforce",
        "sampling.max-bulk-latency",
    ];
    let default = format!("{:?}", settings(&[]));
    for setting in table::all().filter(|setting| setting.standing == table::Standing::Used) {
        if inert.contains(&setting.name) || setting.environment_only {
            continue;
        }
        let value = match setting.kind {
            table::Kind::Switch if setting.default == "true" => "false",
            table::Kind::Switch => "true",
            table::Kind::List if setting.name.ends_with("allowed-origins") => "https://*.example",
            table::Kind::List if setting.name.ends_with("allowed-headers") => "x-tenant",
            table::Kind::Size if setting.name.starts_with("spool.") => "512MiB",
            table::Kind::Size if setting.name.ends_with("max-message-size") => "5MiB",
            table::Kind::Size if setting.name.ends_with("-window") || setting.name.ends_with("header-bytes") => "70KiB",
            table::Kind::Size if setting.name.ends_with("unasked-bytes") => "70KiB",
            table::Kind::Whole { .. } | table::Kind::Size => "8",
            table::Kind::Number { .. } => "0.5",
            table::Kind::Time if setting.name == "spool.commit-interval" => "7ms",
            table::Kind::Time if setting.name == "spool.max-age" => "777h",
            table::Kind::Time => "7s",
            table::Kind::Words(words) => words.iter().find(|word| **word != setting.default).unwrap(),
            table::Kind::Address => ":0",
            table::Kind::File => "there",
            table::Kind::Urls | table::Kind::Url => "https://other:9200",
            table::Kind::List if setting.name.ends_with(".cipher-suites") => "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
            table::Kind::List => "a=7",
            table::Kind::Text | table::Kind::Secret if setting.name == "metrics-http-route" => "/m",
            table::Kind::Text | table::Kind::Secret | table::Kind::Folder | table::Kind::FileOrUrl => "x",
        };
        let flag = format!("--{}={value}", setting.name);
        let mut flags = vec![flag.as_str()];
        let tls = setting.name.split_once(".tls.").map(|(prefix, _)| {
            ["enabled=true", "cert=there", "key=there"].map(|option| format!("--{prefix}.tls.{option}"))
        });
        let tls = tls.iter().flatten().map(String::as_str);
        flags.splice(0..0, tls.filter(|other| other.split('=').next() != flag.split('=').next()));
        let changed = settings(&flags);
        assert_ne!(format!("{changed:?}"), default, "{flag}");
    }
}

#[test]
fn a_flag_wins_over_the_environment_and_that_over_the_file() {
    let file = "log-level: debug\nlog-encoding: console\nshutdown.delay: 1s\n";
    let environment = [("CONFIG_FILE", FILE), ("LOG_LEVEL", "warn"), ("SHUTDOWN_DELAY", "2s"), ("LOG_ENCODING", "")];
    let Ok(Invocation::Run(settings, notes)) = load_all(&["--shutdown.delay=3s"], &environment, file) else {
        panic!("must run")
    };
    assert_eq!(settings.shutdown.delay, Duration::from_secs(3));
    assert_eq!(settings.log.level, "warn");
    assert_eq!(settings.log.encoding, LogEncoding::Console);
    let sources: Vec<_> = notes.changed.iter().map(|changed| format!("{} {}", changed.name, changed.source)).collect();
    let expected = [
        "config-file environment CONFIG_FILE",
        "log-level environment LOG_LEVEL",
        "log-encoding /etc/spaniel.yaml:2:1",
        "shutdown.delay flag",
    ];
    assert_eq!(sources, expected);
}

#[test]
fn variables_are_jaegers() {
    let environment = [
        ("SPAN_STORAGE_TYPE", "opensearch"),
        ("ES_SERVER_URLS", "http://a:9200, http://b:9200/"),
        ("ES_TLS_SKIP_HOST_VERIFY", "false"),
        ("COLLECTOR_ZIPKIN_HTTP_PORT", "9999"),
        ("QUERY_PORT", "tcp://10.0.0.1:80"),
        ("ES_BULK_FLUSH_INTERVAL", "5000000"),
        ("HOME", "/root"),
    ];
    let (settings, _) = run(&[], &environment);
    assert_eq!(settings.storage, StorageType::OpenSearch);
    assert_eq!(settings.elasticsearch.server_urls, ["http://a:9200", "http://b:9200"]);
    assert_eq!(settings.listen.zipkin.as_deref(), Some(":9999"));
    assert_eq!(settings.elasticsearch.bulk_flush_interval, Duration::from_millis(5));
}

#[test]
fn a_value_may_begin_with_a_dash() {
    assert_eq!(settings(&["--es.password", "-hunter2"]).elasticsearch.password, Secret("-hunter2".into()));
    let message = refusal(&["--es.passwrd=hunter2"]);
    assert!(message.contains("did you mean `--es.password`?") && !message.contains("hunter2"), "{message}");
}

#[test]
fn ignored_settings_say_why() {
    let (_, notes) = run(&["--collector.queue-size=9000", "--collector.num-workers=50"], &[("GOMAXPROCS", "4")]);
    let ignored: Vec<_> = notes.ignored.iter().map(|ignored| ignored.name).collect();
    // The second is set to its default: there is nothing to say.
    assert_eq!(ignored, ["collector.queue-size", "gomaxprocs"]);
    assert!(notes.ignored[0].reason.contains("--memory.limit"));
    let (_, notes) = run(&["--embedded.max-age=1h"], &[("SPAN_STORAGE_TYPE", "opensearch")]);
    assert_eq!(notes.ignored[0].name, "embedded.max-age");
    let (_, notes) = run(&["--sampling.strategies-reload-interval=1s"], &[]);
    assert_eq!(notes.ignored[0].reason, "there is no `--sampling.strategies-file`");
}

#[test]
fn a_refused_setting_that_asks_for_nothing_is_accepted() {
    settings(&["--collector.otlp.enabled=false", "--collector.zipkin.tls.enabled=false"]);
    settings(&["--collector.otlp.enabled=false", "--collector.otlp.grpc.host-port=:4317"]);
    settings(&["--collector.otlp.enabled=false", "--collector.otlp.http.tls.enabled=true"]);
}

#[test]
fn files_are_flat_or_nested_yaml_or_json() {
    let nested = "span-storage: {type: elasticsearch}\nes:\n  bulk.size: 7\n  server-urls:\n    - http://a:1\n    - http://b:2\n  \
                  tls:\n  username: 0123\n  password: 1e3\n";
    let settings = from_file(nested).unwrap();
    assert_eq!(settings.elasticsearch.bulk_size, 7);
    assert_eq!(settings.elasticsearch.server_urls, ["http://a:1", "http://b:2"]);
    assert_eq!(settings.elasticsearch.username, "0123", "as it stands, not as a number");
    assert_eq!(settings.elasticsearch.password, Secret("1e3".into()));
    let json = r#"{"collector": {"zipkin": {"host-port": ":1"}}, "Downsampling.Ratio": 0.5}"#;
    let settings = from_file(json).unwrap();
    assert_eq!((settings.listen.zipkin.as_deref(), settings.downsampling.ratio), (Some(":1"), 0.5));
    assert!(from_file("").is_ok() && from_file("# nothing\n").is_ok());
}

/// What `print-config` prints gives the same settings again.
#[test]
fn the_settings_in_force_are_a_settings_file() {
    let timeout = "--collector.http-server.read-header-timeout=2s";
    let cases: [&[&str]; 3] = [
        &[],
        &[timeout, "--downsampling.ratio=1e-3", "--collector.zipkin.host-port="],
        &["--span-storage.type=elasticsearch", "--es.timeout=5s", "--es.tags-as-fields.dot-replacement=#"],
    ];
    for flags in cases {
        let line: Vec<_> = flags.iter().copied().chain(["print-config"]).collect();
        let Ok(Invocation::PrintConfig(text)) = load_all(&line, &[], "") else { panic!("must print") };
        assert_eq!(format!("{:?}", from_file(&text).unwrap()), format!("{:?}", run(flags, &[]).0), "{text}");
    }
}

#[test]
fn commands() {
    let text = |flags: &[&str]| match load_all(flags, &[], "").unwrap() {
        Invocation::Help(text) | Invocation::Docs(text) | Invocation::Environment(text) => text,
        Invocation::Status(address) => address.host_port,
        other => panic!("{flags:?}: {other:?}"),
    };
    assert!(text(&["--help"]).contains("--collector.zipkin.host-port <host:port>"));
    assert_eq!(text(&["help"]), text(&["-h"]));
    assert!(!text(&["help"]).contains("collector.queue-size"), "without effect: on the page, not in the help");
    assert!(text(&["docs"]).contains("`collector.queue-size`"));
    assert!(text(&["env"]).contains("ES_SERVER_URLS=http://127.0.0.1:9200"));
    assert_eq!(text(&["status", "--status.http.host-port=:1"]), ":1");
    assert_eq!(text(&["--admin.http.host-port=:2", "status"]), ":2");
    assert!(matches!(load_all(&["version"], &[], ""), Ok(Invocation::Version)));
}
