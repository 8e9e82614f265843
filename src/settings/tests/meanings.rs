//! What single settings mean, and how their values are written.

use super::*;

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
