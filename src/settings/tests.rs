//! The room as a whole: what is written in, what comes out. Nothing here touches the disk.

use std::collections::BTreeSet;
use std::io;
use std::time::Duration;

use super::*;

const FILE: &str = "/etc/spaniel.yaml";

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
fn ports_close() {
    let (settings, _) = run(&["--collector.zipkin.host-port=", "--query.http-server.host-port", "off"], &[]);
    assert_eq!((settings.listen.zipkin, settings.listen.query), (None, None));
    let (settings, _) = run(&[], &[("COLLECTOR_HTTP_ENABLED", "false")]);
    assert_eq!(settings.listen.zipkin, None);
}

#[test]
fn credentials_in_urls_become_user_and_password() {
    let settings = settings(&["--es.server-urls=https://elastic:p%40ss@es:9200"]);
    assert_eq!(settings.elasticsearch.server_urls, ["https://es:9200"]);
    assert_eq!(settings.elasticsearch.username, "elastic");
    assert_eq!(settings.elasticsearch.password, Secret("p@ss".into()));
}

#[test]
fn a_value_may_begin_with_a_dash() {
    assert_eq!(settings(&["--es.password", "-hunter2"]).elasticsearch.password, Secret("-hunter2".into()));
    let message = refusal(&["--es.passwrd=hunter2"]);
    assert!(message.contains("did you mean `--es.password`?") && !message.contains("hunter2"), "{message}");
}

#[test]
fn zero_is_the_default_where_jaeger_has_it_so() {
    let settings =
        settings(&["--es.bulk.size=0", "--es.bulk.flush-interval=0", "--es.num-shards=0", "--es.num-replicas=0"]);
    let elasticsearch = settings.elasticsearch;
    assert_eq!((elasticsearch.bulk_size, elasticsearch.num_shards, elasticsearch.num_replicas), (5_000_000, 5, 0));
    assert_eq!(elasticsearch.bulk_flush_interval, Duration::from_millis(200));
    assert_eq!(elasticsearch.service_cache_ttl, Duration::from_secs(12 * 3600));
}

#[test]
fn tags_as_fields_come_from_list_and_file() {
    let settings = settings(&["--es.tags-as-fields.include=a, b", "--es.tags-as-fields.config-file=there"]);
    assert_eq!(settings.document.tags_as_fields.include, ["a", " b", "http.url", "error"]);
}

#[test]
fn collector_tags_resolve_variables() {
    let flags = ["--collector.tags=k1 = v1, k2=${POD:none},k3=${NODE},k4=${GONE:fallback},k5=${GONE}"];
    let (settings, _) = run(&flags, &[("POD", "p-0"), ("NODE", "n-1")]);
    let tags: Vec<_> = settings.collector.tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
    assert_eq!(tags, ["k1=v1", "k2=p-0", "k3=n-1", "k4=fallback"]);
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
fn strategies_come_from_a_file_or_a_url() {
    let url = "https://me:hunter2@config:8443/a,b.json?token=hunter2#x";
    for (text, expected) in [
        ("", None),
        ("s.json", Some(StrategiesSource::File("s.json".into()))),
        ("/etc/strategies with blanks.json", Some(StrategiesSource::File("/etc/strategies with blanks.json".into()))),
        // No host: a path, as to Jaeger.
        ("file:///etc/s.json", Some(StrategiesSource::File("file:///etc/s.json".into()))),
        (url, Some(StrategiesSource::Url(Secret(url.into())))),
    ] {
        let interval = [("SAMPLING_STRATEGIES_RELOAD_INTERVAL", "7s"), ("SAMPLING_STRATEGIES_FILE", text)];
        let (settings, notes) = run(&[], &interval);
        assert_eq!(
            (settings.strategies.source, settings.strategies.reload_interval),
            (expected, Duration::from_secs(7))
        );
        assert!(!format!("{notes:?}").contains("hunter2"), "{notes:?}");
    }
    let Strategies { default_probability, default_is_written, .. } = settings(&[]).strategies;
    assert_eq!((default_probability, default_is_written), (0.001, false));
    let written = settings(&["--sampling.default-sampling-probability=0.25"]).strategies;
    assert_eq!((written.default_probability, written.default_is_written), (0.25, true));
    let wrong = load_all(&["--sampling.strategies-file=http://me:hunter2@host:port/"], &[], "").unwrap_err();
    assert!(!format!("{wrong} {wrong:?}").contains("hunter2"), "{wrong}");
}

#[test]
fn a_refused_setting_that_asks_for_nothing_is_accepted() {
    settings(&["--collector.otlp.enabled=false", "--collector.zipkin.tls.enabled=false"]);
    settings(&["--collector.otlp.enabled=false", "--collector.otlp.grpc.host-port=:4317"]);
    settings(&["--collector.otlp.enabled=false", "--collector.otlp.http.tls.enabled=true"]);
}

#[test]
fn otlp_over_http_has_jaegers_settings() {
    let read = settings(&[
        "--collector.otlp.http.cors.allowed-origins=https://*.example,http://localhost:*",
        "--collector.otlp.http.cors.allowed-headers=x-tenant",
        "--collector.otlp.http.read-timeout=7s",
        "--collector.otlp.http.idle-timeout=8s",
        "--collector.http-server.idle-timeout=9s",
        "--collector.otlp.http.read-header-timeout=1s",
        "--limits.header-timeout=2s",
    ]);
    assert_eq!(read.otlp_http_cors.origins, ["https://*.example", "http://localhost:*"]);
    assert_eq!(read.otlp_http_cors.headers, ["x-tenant"]);
    let seconds = |connections: &Connections| {
        [connections.body_timeout, connections.idle_timeout, connections.header_timeout].map(|time| time.as_secs())
    };
    assert_eq!(seconds(&read.connections), [7, 9, 2]);
    assert_eq!(settings(&[]).listen.otlp_http.as_deref(), Some(":4318"));
    assert_eq!(settings(&["--collector.otlp.enabled=false"]).listen.otlp_http, None);
    assert_eq!(settings(&["--collector.otlp.http.host-port="]).listen.otlp_http, None);
}

#[test]
fn grpc_servers_have_jaegers_settings() {
    let flags = ["--collector.grpc-server.max-message-size=5000000", "--collector.otlp.grpc.max-message-size=1000"];
    let ages = ["--collector.grpc-server.max-connection-age=0s", "--collector.otlp.grpc.max-connection-age-grace=3s"];
    let read = settings(&[&flags[..], &ages[..], &["--limits.connection-age=1h"]].concat());
    let (jaeger, otlp) = (read.jaeger_grpc, read.otlp_grpc);
    assert_eq!((jaeger.max_message_size, otlp.max_message_size), (5_000_000, 4 << 20));
    let (never, hour, three) = (Duration::ZERO, Duration::from_secs(3600), Duration::from_secs(3));
    assert_eq!((jaeger.age.max, jaeger.age.grace), (never, never));
    assert_eq!((otlp.age.max, otlp.age.grace), (hour, three));
    let off = settings(&["--collector.otlp.enabled=false", "--collector.zipkin.host-port=:4317"]);
    assert_eq!((off.listen.otlp_grpc, off.listen.jaeger_grpc.as_deref()), (None, Some(":14250")));
    assert_eq!(settings(&["--collector.grpc-server.host-port=off"]).listen.jaeger_grpc, None);
}

const TLS: [&str; 3] = ["--query.http.tls.enabled=true", "--query.http.tls.cert=there", "--query.http.tls.key=there"];

#[test]
fn with_a_token_udp_is_open_only_if_its_address_is_set() {
    let (closed, _) = run(&["--collector.auth.bearer-token-file=there"], &[]);
    assert_eq!((closed.agent.compact.host_port, closed.agent.binary.host_port), (None, None));
    let flags = ["--collector.auth.bearer-token-file=there", "--processor.jaeger-binary.server-host-port=:6832"];
    let (open, notes) = run(&flags, &[]);
    assert_eq!((open.agent.compact.host_port, open.agent.binary.host_port.as_deref()), (None, Some(":6832")));
    assert!(notes.warnings.iter().any(|warning| warning.contains("UDP")), "{notes:?}");
}

#[test]
fn versions_of_tls_that_are_not_spoken_mean_the_lowest_that_is() {
    let flags = [TLS[0], TLS[1], TLS[2], "--query.http.tls.min-version=1.0"];
    assert_eq!(settings(&flags).tls.query.min_version, TlsVersion::V1_2);
}

/// Flags, and what the message must hold.
#[test]
fn refusals_say_what_to_write_instead() {
    let cases: &[(&[&str], &str)] = &[
        (&["--es.timeout=5"], "--es.timeout=5: the unit is missing: write 5s"),
        (&["--es.bulk.workers=many"], "--es.bulk.workers=many: not a whole number from 0 to 1024"),
        (&["--es.bulk.size=5MiBs"], "not a size"),
        (&["--es.use-aliases=maybe"], "write true or false"),
        (&["--es.use-aliases", "false"], "write `--x=false`"),
        (&["--es.bulk.siz=1"], "--es.bulk.siz: unknown flag: did you mean `--es.bulk.size`?"),
        (&["-es.bulk.size=1"], "-es.bulk.size: flags have two dashes: write `--es.bulk.size`"),
        (&["--es.bulk.size"], "--es.bulk.size: its value is missing: write `--es.bulk.size=value`"),
        (&["--sampling.strategies.bugfix-5270=true"], "always on, as in Jaeger since 1.68: remove it"),
        (&["--sampling.strategies-file=ftp://host/s.json"], "not a URL that can be asked"),
        (&["--sampling.default-sampling-probability=10"], "not a number from 0 to 1"),
        (&["--sampling.min-samples-per-second=1"], "adaptive sampling is not built yet"),
        (&["--es.max-num-spans=1"], "it was renamed: write `--es.max-doc-count`"),
        (&["--kafka.producer.brokers=x"], "belongs to a storage that is not here"),
        (&["--collector.otlp.http.host-port=:4317"], ":4317 is also --collector.otlp.grpc.host-port"),
        (&["--collector.otlp.http.cors.allowed-origins=shop.example"], "an origin is a scheme and a host"),
        (&["--collector.otlp.http.cors.allowed-headers=x tenant"], "a header's name has letters"),
        (&["--collector.grpc-server.host-port=:4317"], ":4317 is also --collector.grpc-server.host-port"),
        (
            &["--collector.zipkin.tls.cert=x"],
            "collector.zipkin.tls.* options cannot be used when collector.zipkin.tls.enabled is false",
        ),
        (
            &["--collector.http.tls.enabled=true", "--collector.http.tls.cert=there"],
            "set --collector.http.tls.cert and",
        ),
        (&[TLS[0], TLS[1], "--query.http.tls.key=gone"], "--query.http.tls.key=gone: the file cannot be read"),
        (&[TLS[0], TLS[1], TLS[2], "--query.http.tls.max-version=1.1"], "write 1.2 or 1.3"),
        (
            &[TLS[0], TLS[1], TLS[2], "--query.http.tls.min-version=1.3", "--query.http.tls.max-version=1.2"],
            "write 1.3",
        ),
        (&[TLS[0], TLS[1], TLS[2], "--query.http.tls.cipher-suites=TLS_RSA_WITH_RC4_128_SHA"], "is not spoken"),
        (&["--collector.auth.bearer-token-file=gone"], "the file cannot be read"),
        (&["--multi-tenancy.header=x y"], "no header has such a name"),
        (&["--processor.zipkin-compact.server-host-port=:1"], "over HTTP to 9411"),
        (&["--processor.jaeger-binary.server-host-port=:6831"], "is also --processor.jaeger-compact"),
        (&["--es.tls.ca=there"], "es.tls.* options cannot be used when es.tls.enabled is false"),
        (&["--es.tls.enabled", "--es.tls.cert=there"], "set --es.tls.key"),
        (&["--es.tls.enabled", "--es.tls.ca=gone.pem"], "--es.tls.ca=gone.pem: the file cannot be read"),
        (&["--es.use-ilm=true"], "--es.use-aliases=true and --es.create-index-templates=false"),
        (&["--es.index-rollover-frequency-spans=week"], "write one of day, hour"),
        (&["--es.index-date-separator=/"], "names of indices"),
        (&["--es.index-prefix=Prod"], "no capital letters"),
        (&["--es.version=5"], "write 6, 7, 8 or 9"),
        (&["--es.server-urls=es:9200"], "not a URL: write for example http://"),
        (&["--es.server-urls=ftp://es:9200"], "not a URL"),
        (&["--es.password=a", "--es.password-file=there"], "keep one of them"),
        (&["--es.username=a", "--es.token-file=there"], "second way of authentication"),
        (&["--span-storage.type=cassandra"], "write elasticsearch, opensearch or embedded"),
        (&["--span-storage.type=memory"], "write embedded"),
        (&["--span-storage.type=elasticsearch,kafka"], "one storage only"),
        (&["--spool.segment-bytes=8"], "write a size from 1MiB to 1GiB"),
        (&["--spool.max-bytes=10MiB"], "two segments are the least"),
        (&["--spool.commit-interval=2s"], "write a time up to 1s"),
        (&["--spool.max-age=24h", "--span.max-age=48h"], "write a time above --span.max-age"),
        (&["--collector.tags=novalue"], "write key=value"),
        (&["--downsampling.ratio=2"], "not a number from 0 to 1"),
        (&["--downsampling.ratio=0.5", "--sampling.rules-file=there"], "a second way of sampling"),
        (&["--downsampling.ratio=0.5", "--sampling.head-rate=0.5"], "a second way of sampling"),
        (&["--sampling.enforce=true"], "set --sampling.strategies-file too"),
        (&["--sampling.head-rate=0"], "write a share above 0"),
        (&["--sampling.max-bulk-latency=1s"], "set --sampling.max-spans-per-second too"),
        (&["--metrics-backend=expvar"], "write one of prometheus, none"),
        (&["--log-level=loud"], "write one of debug, info"),
        (&["--admin.http.host-port=localhost"], "write for example :9411"),
        (&["--admin.http.host-port=:99999"], "write for example :9411"),
        (&["--query.http-server.host-port=:9411"], ":9411 is also --collector.zipkin.host-port"),
        (&["--limits.body-bytes=0"], "0 would let nothing through"),
        (&["--config-file=gone.yaml"], "the file cannot be read"),
        (&["--config-file=x.toml"], "settings files are YAML or JSON"),
        (&["serve"], "unknown command"),
    ];
    for (flags, mend) in cases {
        let message = refusal(flags);
        assert!(message.contains(mend), "{flags:?}\n  wants: {mend}\n  said: {message}");
    }
}

#[test]
fn elasticsearch_settings_without_elasticsearch_stop_the_start() {
    let message = load_all(&[], &[("ES_SERVER_URLS", "http://es:9200")], "").unwrap_err().to_string();
    let mend = "ES_SERVER_URLS=http://es:9200: it is set but SPAN_STORAGE_TYPE is not set: set SPAN_STORAGE_TYPE=elasticsearch";
    assert!(message.contains(mend), "{message}");
    let message = load_all(&["--es.num-shards=5"], &[("SPAN_STORAGE_TYPE", "embedded")], "").unwrap_err().to_string();
    assert!(message.contains("SPAN_STORAGE_TYPE is `embedded`"), "{message}");
    let message = from_file("es: {index-prefix: x}").unwrap_err();
    assert!(message.contains("/etc/spaniel.yaml:1:6: es.index-prefix: x: it is set but"), "{message}");
}

#[test]
fn everything_wrong_is_said_at_once() {
    let error = load_all(&["--es.timeout=5"], &[("ES_VERSION", "x"), ("LOG_LEVEL", "loud")], "").unwrap_err();
    let written: Vec<_> = error.problems.iter().map(|problem| problem.written.as_str()).collect();
    for expected in ["LOG_LEVEL=loud", "--es.timeout=5", "ES_VERSION=x"] {
        assert!(written.contains(&expected), "{expected}: {written:?}");
    }
    assert!(error.on_stdout());
    assert!(!load_all(&[], &[("LOG_LEVEL", "loud")], "").unwrap_err().on_stdout());
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

#[test]
fn files_say_where_they_are_wrong() {
    let cases = [
        (
            "log-level: info\nlog-levle: debug\n",
            "/etc/spaniel.yaml:2:1: log-levle: unknown key: did you mean `log-level`?",
        ),
        ("limits:\n  deph: 3\n", "/etc/spaniel.yaml:2:3: limits.deph: unknown key: did you mean `limits.depth`?"),
        ("limits:\n  depth: deep\n", "/etc/spaniel.yaml:2:3: limits.depth: deep: not a whole number"),
        ("limits:\n  depth: [1]\n", "/etc/spaniel.yaml:2:3: limits.depth: one value stands here, not a list"),
        ("log-level: {a: 1}\n", "a value stands here, not a map"),
        ("limits.depth: 8\nlimits: {depth: 9}\n", "/etc/spaniel.yaml:2:10: limits.depth: set twice"),
        ("- a\n", "a settings file is a map"),
        ("a: [\n", "/etc/spaniel.yaml:"),
        ("gomaxprocs: 3\n", "unknown key"),
    ];
    for (file, mend) in cases {
        let message = from_file(file).unwrap_err();
        assert!(message.contains(mend), "{file}\n  wants: {mend}\n  said: {message}");
    }
}

#[test]
fn secrets_are_never_printed() {
    let environment = [
        ("SPAN_STORAGE_TYPE", "elasticsearch"),
        ("ES_PASSWORD", "hunter2"),
        ("ES_SERVER_URLS", "http://elastic:hunter2@es:9200,http://elastic:hunter2@b:9200"),
    ];
    let Ok(Invocation::PrintConfig(text)) = load_all(&["print-config"], &environment, "") else { panic!("must print") };
    assert!(text.contains(r#"# es.password: "***" # environment ES_PASSWORD"#), "{text}");
    assert!(text.contains(r#"es.server-urls: "http://es:9200,http://b:9200" # environment"#), "{text}");
    let settings = load_all(&[], &environment[..2], "").unwrap();
    let wrong = load_all(&["--es.server-urls=x://elastic:hunter2@es"], &environment[..2], "").unwrap_err();
    let broken = load_all(&["--es.server-urls=http://elastic:hunter2@es:9200"], &[], "").unwrap_err();
    let comma = load_all(&["--es.server-urls=http://elastic:hunter2,3@es:9200"], &environment[..2], "").unwrap_err();
    let slash = load_all(&["--es.server-urls=http://elastic:12/hunter2@es:9200"], &environment[..2], "").unwrap_err();
    let errors = [wrong, broken, comma, slash].map(|error| format!("{error} {error:?}"));
    for shown in errors.into_iter().chain([text, format!("{settings:?}")]) {
        assert!(!shown.contains("hunter2"), "{shown}");
    }
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
fn what_works_and_is_probably_not_meant_is_warned_of() {
    let cases = [
        ("ES_SERVER_URLS", "https://es:9200", "its certificate is verified"),
        ("ES_PASSWORD", "secret", "es.username is not"),
        ("ES_TIMEOUT", "5", "es.timeout is 5 nanoseconds, as in jaeger-collector: write 5s"),
    ];
    for (name, value, warning) in cases {
        let (_, notes) = run(&[], &[("SPAN_STORAGE_TYPE", "elasticsearch"), (name, value)]);
        assert!(notes.warnings.len() == 1 && notes.warnings[0].contains(warning), "{name}: {:?}", notes.warnings);
    }
    let (_, notes) = run(&["--es.tls.enabled", "--es.tls.skip-host-verify"], &[("SPAN_STORAGE_TYPE", "elasticsearch")]);
    assert!(notes.warnings[0].contains("anybody can pose"), "{:?}", notes.warnings);
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

/// Go's own examples and edges of `time.ParseDuration`.
#[test]
fn durations_are_gos() {
    let cases = [
        ("0", 0),
        ("300ms", 300_000_000),
        ("1.5h", 5_400_000_000_000),
        ("2h45m", 9_900_000_000_000),
        ("1m0.5s", 60_500_000_000),
        ("+5s", 5_000_000_000),
        (".5s", 500_000_000),
        ("5.s", 5_000_000_000),
        ("10us", 10_000),
        ("10µs", 10_000),
        ("39h9m14.425s", 140_954_425_000_000),
        ("1ns", 1),
        ("9223372036854775807ns", i64::MAX.unsigned_abs()),
    ];
    for (text, nanoseconds) in cases {
        assert_eq!(duration::parse(text), Ok(Duration::from_nanos(nanoseconds)), "{text}");
    }
    for text in ["", "3", "-3s", "s", ".", ".s", "+", "1d", "3000000h", "9223372036854775808ns", "1.2.3s", "1s ", "1 s"]
    {
        assert!(duration::parse(text).is_err(), "{text}");
    }
}

#[test]
fn sizes() {
    let cases =
        [("0", 0), ("4096", 4096), ("5_000", 5000), ("512MiB", 512 << 20), ("2 gb", 2_000_000_000), ("1Ki", 1024)];
    for (text, bytes) in cases {
        assert_eq!(duration::parse_size(text), Ok(bytes), "{text}");
    }
    for text in ["", "MiB", "-1", "1.5GiB", "1PiB", "99999999TiB", "0x10"] {
        assert!(duration::parse_size(text).is_err(), "{text}");
    }
}

#[test]
fn the_lean_layout_brings_its_settings() {
    let lean = |flags: &[&str]| settings(&[&["--es.layout=lean"], flags].concat());
    let plain = lean(&[]);
    let layout = |settings: &Settings| settings.elasticsearch.layout;
    assert_eq!(layout(&plain), Layout::Lean(Lean { num_shards: 1, max_fields: 500, search_logs: false }));
    assert_eq!((plain.elasticsearch.num_shards, plain.document.tags_as_fields.all), (5, false));
    assert_eq!(plain.document.lean, Some(LeanFields { most: 500, period_hours: 24 }));
    let set = lean(&["--es.num-shards=5", "--es.lean.max-fields=9", "--es.lean.search-logs"]);
    assert_eq!(layout(&set), Layout::Lean(Lean { num_shards: 5, max_fields: 9, search_logs: true }));
    let hours = |flags: &[&str]| lean(flags).document.lean.map(|lean| lean.period_hours);
    assert_eq!(hours(&["--es.index-rollover-frequency-spans=hour"]), Some(1));
    assert_eq!(hours(&["--es.use-aliases"]), Some(0));
    assert_eq!(layout(&settings(&[])), Layout::Jaeger);
    assert_eq!(settings(&[]).document.lean, None);
}

#[test]
fn what_contradicts_the_lean_layout_is_refused() {
    for flag in ["--es.tags-as-fields.all", "--es.tags-as-fields.include=a", "--es.tags-as-fields.config-file=there"] {
        let said = refusal(&["--es.layout=lean", flag]);
        assert!(said.contains("writes every tag as a field"), "{said}");
    }
    assert!(refusal(&["--es.layout=lean", "--es.tags-as-fields.dot-replacement="]).contains("such as @"));
    for flag in ["--es.lean.max-fields=7", "--es.lean.search-logs"] {
        assert!(refusal(&[flag]).contains("needs --es.layout=lean"), "{flag}");
    }
    settings(&["--es.layout=lean", "--es.tags-as-fields.dot-replacement=#", "--es.tags-as-fields.all=false"]);
}
