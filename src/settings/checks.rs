//! What settings demand of each other. Everything is checked before a port is opened, and all that
//! is wrong is said at once.

mod listeners;
mod sampling;

use std::path::Path;

use super::error::Problem;
use super::layers::{ReadFile, Values};
use super::table::{self, Kind, Setting, Standing};
use super::{StorageType, urls};

/// Finds everything that stops the start.
pub(crate) fn check(values: &Values, read_file: ReadFile<'_>, problems: &mut Vec<Problem>) {
    storage(values, problems);
    refused(values, problems);
    tls(values, problems);
    listeners::check(values, read_file, problems);
    files(values, read_file, problems);
    elasticsearch(values, problems);
    indices(values, problems);
    sampling::check(values, problems);
    layout(values, problems);
    others(values, problems);
}

/// The storage that was asked for, if it is one of ours.
pub(crate) fn storage_type(values: &Values) -> Result<StorageType, String> {
    match values.text("span-storage.type").trim() {
        "embedded" => Ok(StorageType::Embedded),
        "elasticsearch" => Ok(StorageType::Elasticsearch),
        "opensearch" => Ok(StorageType::OpenSearch),
        "memory" | "badger" => Err("write embedded: it needs nothing else either and keeps spans on disk".into()),
        "cassandra" | "kafka" | "grpc" | "blackhole" => {
            Err("this storage is not here: write elasticsearch, opensearch or embedded, or keep jaeger-collector"
                .into())
        }
        text if text.contains(',') => Err("one storage only: write elasticsearch, opensearch or embedded".into()),
        _ => Err("unknown storage: write elasticsearch, opensearch or embedded".into()),
    }
}

/// `es.*` without Elasticsearch never ends in the embedded store without a word.
fn storage(values: &Values, problems: &mut Vec<Problem>) {
    match storage_type(values) {
        Err(mend) => problems.push(values.problem("span-storage.type", mend)),
        Ok(StorageType::Elasticsearch | StorageType::OpenSearch) => {}
        Ok(StorageType::Embedded) => {
            let how = if values.is_set("span-storage.type") { "is `embedded`" } else { "is not set" };
            let set = table::all().filter(|setting| is_elasticsearch(setting) && values.is_set(setting.name));
            problems.extend(set.map(|setting| {
                let mend = format!(
                    "it is set but SPAN_STORAGE_TYPE {how}: set SPAN_STORAGE_TYPE=elasticsearch (or opensearch), or \
                     remove it"
                );
                values.problem(setting.name, mend)
            }));
        }
    }
}

fn is_elasticsearch(setting: &Setting) -> bool {
    setting.name.starts_with("es.") || setting.name.starts_with("es-archive.")
}

fn refused(values: &Values, problems: &mut Vec<Problem>) {
    for setting in table::all().filter(|setting| values.is_changed(setting)) {
        if let Standing::Refused(mend) = setting.standing {
            problems.push(values.problem(setting.name, mend));
        }
    }
}

/// Jaeger's words for options of TLS that is off.
fn tls(values: &Values, problems: &mut Vec<Problem>) {
    for setting in table::all().filter(|setting| !setting.name.starts_with("es-archive.")) {
        let Some((prefix, option)) = setting.name.split_once(".tls.") else { continue };
        if option != "enabled" && values.is_changed(setting) && !values.switch(&format!("{prefix}.tls.enabled")) {
            let mend = format!(
                "{prefix}.tls.* options cannot be used when {prefix}.tls.enabled is false: set --{prefix}.tls.enabled=true \
                 or remove it"
            );
            problems.push(values.problem(setting.name, mend));
        }
    }
    for (one, other) in [("es.tls.cert", "es.tls.key"), ("es.tls.key", "es.tls.cert")] {
        if !values.text(one).is_empty() && values.text(other).is_empty() {
            problems.push(
                values.problem(one, format!("a certificate needs its key and a key its certificate: set --{other}")),
            );
        }
    }
}

fn files(values: &Values, read_file: ReadFile<'_>, problems: &mut Vec<Problem>) {
    for setting in table::all().filter(|setting| setting.kind == Kind::File) {
        let path = values.text(setting.name);
        if path.is_empty() || setting.standing != Standing::Used {
            continue;
        }
        if let Err(error) = read_file(Path::new(path)) {
            problems.push(
                values.problem(
                    setting.name,
                    format!("the file cannot be read ({error}): write the path of one that can"),
                ),
            );
        }
    }
}

fn elasticsearch(values: &Values, problems: &mut Vec<Problem>) {
    if let Err(mend) = urls::read(values.text("es.server-urls")) {
        problems.push(values.problem("es.server-urls", mend));
    }
    if !values.text("es.password").is_empty() && !values.text("es.password-file").is_empty() {
        problems
            .push(values.problem("es.password-file", "both a password and a file of one are set: keep one of them"));
    }
    let ways = [("es.username", "basic"), ("es.token-file", "bearer token"), ("es.api-key-file", "API key")];
    let set: Vec<_> = ways.iter().filter(|(name, _)| !values.text(name).is_empty()).collect();
    if let [_, (name, way), ..] = set.as_slice() {
        problems.push(values.problem(name, format!("{way} is a second way of authentication: keep one of them")));
    }
    if !matches!(values.whole("es.version"), 0 | 6..=9) {
        let mend =
            "Elasticsearch 5 and older are not spoken: write 6, 7, 8 or 9 (7 for OpenSearch), or 0 to ask the server";
        problems.push(values.problem("es.version", mend));
    }
    let prepared = values.switch("es.use-aliases") && !values.switch("es.create-index-templates");
    if values.switch("es.use-ilm") && !prepared {
        let mend = "it needs --es.use-aliases=true and --es.create-index-templates=false: set both, after the rollover tool \
                    has made aliases and templates";
        problems.push(values.problem("es.use-ilm", mend));
    }
}

/// Names that Elasticsearch would refuse are refused at start.
fn indices(values: &Values, problems: &mut Vec<Problem>) {
    let forbidden = |letter: char| r#"\/*?"<>|,#: "#.contains(letter) || letter.is_control() || letter.is_uppercase();
    for name in ["es.index-prefix", "es.index-date-separator"] {
        if values.text(name).contains(forbidden) {
            let mend = r#"names of indices have no capital letters, no blanks and none of \ / * ? " < > | , # :"#;
            problems.push(values.problem(name, mend));
        }
    }
    if values.text("es.index-prefix").starts_with(['-', '_', '+', '.']) {
        problems.push(values.problem("es.index-prefix", "names of indices do not start with - _ + or a dot"));
    }
    if values.text("es.tags-as-fields.dot-replacement").contains('.') {
        let mend = "it stands for dots and cannot hold one: write another character, such as @";
        problems.push(values.problem("es.tags-as-fields.dot-replacement", mend));
    }
}

/// The lean layout decides by itself which tags are fields.
fn layout(values: &Values, problems: &mut Vec<Problem>) {
    let is_lean = values.text("es.layout") == "lean";
    for setting in table::all().filter(|setting| values.is_changed(setting)) {
        let chooses = setting.name.starts_with("es.tags-as-fields.") && !setting.name.ends_with(".dot-replacement");
        if is_lean && chooses {
            let mend = "--es.layout=lean writes every tag as a field: remove this setting, or write --es.layout=jaeger";
            problems.push(values.problem(setting.name, mend));
        }
        if !is_lean && setting.name.starts_with("es.lean.") {
            problems.push(values.problem(setting.name, "it needs --es.layout=lean: set that too, or remove it"));
        }
    }
    if is_lean && values.text("es.tags-as-fields.dot-replacement").is_empty() {
        let mend = "without a sign for dots `a.b` and `ab` would be one field: write one, such as @";
        problems.push(values.problem("es.tags-as-fields.dot-replacement", mend));
    }
}

fn others(values: &Values, problems: &mut Vec<Problem>) {
    if let Err(mend) = super::tags::read(values.text("collector.tags"), &values.environment) {
        problems.push(values.problem("collector.tags", mend));
    }
    if let Err(mend) = super::quotas::read(values.text("sampling.max-spans-per-second-by-service")) {
        problems.push(values.problem("sampling.max-spans-per-second-by-service", mend));
    }
    spool(values, problems);
    if !values.text("metrics-http-route").starts_with('/') {
        problems.push(values.problem("metrics-http-route", "a path starts with a slash: write for example /metrics"));
    }
    http(values, problems);
    for name in [
        "limits.body-bytes",
        "limits.inflated-bytes",
        "embedded.commit-interval",
        "forward.max-bytes",
        "forward.timeout",
    ] {
        if values.whole(name) == 0 && values.time(name).is_zero() {
            problems.push(values.problem(name, "0 would let nothing through: write a size or time above it"));
        }
    }
    if values.text("embedded.directory").is_empty() {
        problems.push(values.problem("embedded.directory", "a directory is needed: write its path"));
    }
    cors(values, problems);
    strategies(values, problems);
}

/// A source that could never give anything.
fn strategies(values: &Values, problems: &mut Vec<Problem>) {
    const NAME: &str = "sampling.strategies-file";
    let source = values.text(NAME);
    if urls::is_url(source) && !urls::can_be_asked(source) {
        let mend =
            "not a URL that can be asked: write for example http://config/strategies.json, or the path of a file";
        problems.push(values.problem(NAME, mend));
    }
}

/// Sizes that HTTP can work with, and what a mistake could not be told by.
fn http(values: &Values, problems: &mut Vec<Problem>) {
    const SIZES: [(&str, u64, u64, &str); 4] = [
        ("limits.header-bytes", 8 << 10, 1 << 20, "from 8KiB to 1MiB"),
        ("limits.http2-stream-window", 16 << 10, 16 << 20, "from 16KiB to 16MiB"),
        ("limits.http2-connection-window", 64 << 10, 64 << 20, "from 64KiB to 64MiB"),
        ("limits.http2-unasked-bytes", 64 << 10, 1 << 30, "from 64KiB to 1GiB"),
    ];
    for (name, least, most, range) in SIZES {
        if !(least..=most).contains(&values.whole(name)) {
            problems.push(values.problem(name, format!("write a size {range}")));
        }
    }
}

fn spool(values: &Values, problems: &mut Vec<Problem>) {
    if values.text("spool.directory").is_empty() {
        problems.push(values.problem("spool.directory", "a directory is needed: write its path, or --spool.sync=off"));
    }
    let segment = values.whole("spool.segment-bytes");
    if !(1 << 20..=1 << 30).contains(&segment) {
        problems.push(values.problem("spool.segment-bytes", "write a size from 1MiB to 1GiB"));
    }
    if values.whole("spool.max-bytes") < segment.saturating_mul(2) {
        problems
            .push(values.problem("spool.max-bytes", "two segments are the least: write twice --spool.segment-bytes"));
    }
    if values.time("spool.commit-interval") > std::time::Duration::from_secs(1) {
        problems.push(values.problem("spool.commit-interval", "senders wait for it: write a time up to 1s"));
    }
    let (kept, sent) = (values.time("span.max-age"), values.time("spool.max-age"));
    if !kept.is_zero() && !sent.is_zero() && sent <= kept {
        let mend = "spans that are taken must not be too old to be sent: write a time above --span.max-age";
        problems.push(values.problem("spool.max-age", mend));
    }
}

/// Origins and headers are compared as they were written: what can match nothing is a mistake.
fn cors(values: &Values, problems: &mut Vec<Problem>) {
    for origin in values.list("collector.otlp.http.cors.allowed-origins") {
        let is_origin = origin.contains("://") || origin.contains('*');
        if !is_origin || origin.matches('*').count() > 1 {
            let mend = "an origin is a scheme and a host, with one `*` at most: write for example https://shop.example";
            problems.push(values.problem("collector.otlp.http.cors.allowed-origins", mend));
        }
    }
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    for header in values.list("collector.otlp.http.cors.allowed-headers") {
        if !header.bytes().all(is_name) {
            let mend = "a header's name has letters, digits and dashes only: write for example x-tenant";
            problems.push(values.problem("collector.otlp.http.cors.allowed-headers", mend));
        }
    }
}
