//! What is wrong, or probably not meant, and what is said of it.

use super::*;

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
