//! The operator's commands as an operator runs them: the real binary against real servers.
#![expect(clippy::expect_used, reason = "a test that cannot go on has failed")]

mod support;

use std::process::Command;
use std::sync::Arc;

use serde_json::json;
use spaniel::dead_letter::{DeadLetters, Letter};
use spaniel::item::{Id, Item, Kind, Label};
use spaniel::spool::disk::RealDisk;
use support::releases::{self, Release};
use support::server::{self, Server};

/// How a command ended, and what it said.
#[derive(Debug)]
struct Ended {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Ended {
    /// The line about this, which comes after its mark or its first word or two, as words.
    fn line(&self, about: &str) -> Vec<&str> {
        let begins = |line: &str, at: usize| line.chars().skip(at).collect::<String>().starts_with(about);
        let line = self.out.lines().find(|line| begins(line, 2) || begins(line, 10));
        line.unwrap_or_else(|| panic!("no line about {about}: {self:?}")).split_whitespace().collect()
    }

    fn says(&self, words: &str) -> bool {
        let text: Vec<_> = self.out.split_whitespace().chain(self.err.split_whitespace()).collect();
        text.join(" ").contains(words)
    }
}

/// Runs a command on a server under a prefix of the test's own.
fn run(server: &Server, prefix: &str, words: &[&str], flags: &[&str]) -> Ended {
    let urls = format!("--es.server-urls={}", server.url);
    run_at(&urls, prefix, words, flags)
}

fn run_at(urls: &str, prefix: &str, words: &[&str], flags: &[&str]) -> Ended {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spaniel"));
    command.env_clear().env("ES_NUM_SHARDS", "1").env("ES_NUM_REPLICAS", "0").env("SPAN_STORAGE_TYPE", "elasticsearch");
    command.args(words).arg(urls).arg(format!("--es.index-prefix={prefix}")).args(flags);
    let output = command.output().expect("it runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    Ended { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

#[test]
fn clusters_are_prepared_and_examined_6_8() {
    prepare_and_examine(releases::ES_6_8);
}

#[test]
fn clusters_are_prepared_and_examined_8_19() {
    prepare_and_examine(releases::ES_8_19);
}

fn prepare_and_examine(release: Release) {
    let Some(server) = server::shared(release) else { return };
    a_cluster_without_aliases(&server);
    a_cluster_with_aliases(&server);
    what_is_wrong_is_found(&server);
    let nobody = run_at("--es.server-urls=http://127.0.0.1:1", "x", &["es", "doctor"], &[]);
    assert_eq!(nobody.code, Some(1));
    assert_eq!(nobody.line("node http://127.0.0.1:1")[0], "✗");
}

fn a_cluster_without_aliases(server: &Server) {
    let before = run(server, "plain", &["es", "doctor"], &[]);
    assert_eq!(before.code, Some(0), "{before:?}");
    assert_eq!(before.line("template plain-jaeger-span")[0], "!");
    let put = run(server, "plain", &["es", "init"], &[]);
    assert_eq!(put.code, Some(0), "{put:?}");
    assert_eq!(put.line("template plain-jaeger-span"), ["put", "template", "plain-jaeger-span"]);
    let after = run(server, "plain", &["es", "doctor"], &[]);
    assert_eq!(after.code, Some(0), "{after:?}");
    for about in
        ["template plain-jaeger-span", "template plain-jaeger-service", "version", "clocks", "bulk size", "rights"]
    {
        assert_eq!(after.line(about)[0], "✓", "{after:?}");
    }
    assert!(after.says(&format!("{} {}", server.release.product, server.release.version)), "{after:?}");
    let other = run(server, "plain", &["es", "doctor"], &["--es.num-shards=3"]);
    assert!(other.says("settings.index.number_of_shards is 1 (ours: 3)"), "{other:?}");
}

fn a_cluster_with_aliases(server: &Server) {
    let aliases = ["--es.use-aliases"];
    let missing = run(server, "rolled", &["es", "doctor"], &aliases);
    assert_eq!(missing.code, Some(1), "{missing:?}");
    assert!(missing.says("rolled-jaeger-span-write is missing"), "{missing:?}");
    for made in ["made", "there"] {
        let init = run(server, "rolled", &["es", "init"], &aliases);
        assert_eq!(init.code, Some(0), "{init:?}");
        assert_eq!(init.line("index rolled-jaeger-span-000001")[0], made);
        assert_eq!(init.line("alias rolled-jaeger-service-write")[0], made);
    }
    for name in ["span", "service", "dependencies"] {
        let index = format!("rolled-jaeger-{name}-000001");
        let answer = server.get(&format!("/{index}/_alias"));
        let aliases = answer[&index]["aliases"].as_object().expect("aliases");
        let wanted = ["read", "write"].map(|end| format!("rolled-jaeger-{name}-{end}"));
        assert_eq!(aliases.keys().collect::<Vec<_>>(), wanted.iter().collect::<Vec<_>>());
    }
    let well = run(server, "rolled", &["es", "doctor"], &aliases);
    assert_eq!(well.code, Some(0), "{well:?}");
    assert_eq!(well.line("mappings of rolled-jaeger-span")[0], "✓", "{well:?}");
    // Rolled over: the alias moves, and what is written then is not in the read alias yet.
    let (status, body) = server.call("POST", "/rolled-jaeger-span-write/_rollover", None);
    assert_eq!(status, 200, "{body}");
    let moved = run(server, "rolled", &["es", "doctor"], &aliases);
    assert!(moved.code == Some(1) && moved.says("has not the alias rolled-jaeger-span-read"), "{moved:?}");
    let init = run(server, "rolled", &["es", "init"], &aliases);
    assert_eq!(
        init.line("alias rolled-jaeger-span-read"),
        ["made", "alias", "rolled-jaeger-span-read", "of", "rolled-jaeger-span-000002"]
    );
    assert_eq!(run(server, "rolled", &["es", "doctor"], &aliases).code, Some(0));
}

/// Indices that came before their template, of a broken clock, or under the name of an alias.
fn what_is_wrong_is_found(server: &Server) {
    let make = |index: &str| {
        let kind = if server.release.major() == 6 { "span" } else { "_doc" };
        let document = json!({ "traceID": "abc", "tags": [{ "key": "a", "value": "b" }], "startTimeMillis": 5 });
        let (status, body) = server.call("PUT", &format!("/{index}/{kind}/1?refresh=true"), Some(&document));
        assert!(matches!(status, 200 | 201), "{body}");
    };
    make("bad-jaeger-span-2069-02-07");
    let examined = run(server, "bad", &["es", "doctor"], &[]);
    assert_eq!(examined.code, Some(1), "{examined:?}");
    assert!(examined.says("traceID is text, not keyword"), "{examined:?}");
    assert!(examined.says("1 indices of days that cannot be: bad-jaeger-span-2069-02-07"), "{examined:?}");
    make("concrete-jaeger-span-write");
    for word in ["init", "doctor"] {
        let ended = run(server, "concrete", &["es", word], &["--es.use-aliases"]);
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.says("concrete-jaeger-span-write is an index and must be an alias"), "{ended:?}");
    }
    if server.release.major() >= 8 {
        shadowing(server);
    }
}

/// A template of somebody else for all indices, with a higher priority.
fn shadowing(server: &Server) {
    let body = json!({ "index_patterns": ["shadow-*"], "priority": 5, "template": {} });
    assert_eq!(server.call("PUT", "/_index_template/everything", Some(&body)).0, 200);
    run(server, "shadow", &["es", "init"], &[]);
    let shadowed = run(server, "shadow", &["es", "doctor"], &[]);
    assert!(shadowed.code == Some(1) && shadowed.says("they get the template everything (priority 5"), "{shadowed:?}");
    // As it advises.
    let flags = ["--es.prioirity-span-template=6", "--es.prioirity-service-template=6"];
    run(server, "shadow", &["es", "init"], &flags);
    let mended = run(server, "shadow", &["es", "doctor"], &flags);
    assert_eq!(mended.code, Some(0), "{mended:?}");
}

#[test]
fn dead_letters_are_replayed_after_the_mapping_is_mended_8_19() {
    let Some(server) = server::shared(releases::ES_8_19) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let directory = format!("--spool.directory={}", folder.path().display());
    let document =
        br#"{"traceID":"0000000000000001","spanID":"2","startTime":1795269600000000,"startTimeMillis":1795269600000}"#;
    let letter = Letter {
        label: Label(0),
        item: Item { kind: Kind::Span, hour: 498_686, id: Id([7; 16]), start: 0, end: 0 },
        document: document.to_vec(),
        index: "letters-jaeger-span-2026-11-21".into(),
        reason: "mapping".into(),
        words: "once".into(),
        time: 1_795_269_600_000_000,
    };
    let letters = DeadLetters::open(Arc::new(RealDisk), &folder.path().join("dead-letters"), 1 << 30).expect("letters");
    letters.append(&[letter.clone(), letter.clone()]).expect("kept");
    let mapping = json!({ "mappings": { "dynamic": "strict", "properties": { "traceID": { "type": "keyword" } } } });
    let index = "/letters-jaeger-span-2026-11-21";
    assert_eq!(server.call("PUT", index, Some(&mapping)).0, 200);
    let command = |words: &[&str]| run(&server, "letters", words, &[&directory]);

    let refused = command(&["dead-letter", "replay"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.says("1 refused again, kept: strict"), "{refused:?}");
    let shown = command(&["dead-letter", "show", "BwcHBwcHBwcHBwcHBwcHBw"]);
    assert!(shown.code == Some(0) && shown.says(r#""traceID": "0000000000000001""#), "{shown:?}");

    // The mapping is mended, while a collector keeps another letter.
    assert_eq!(server.call("DELETE", index, None).0, 200);
    letters.append(&[letter]).expect("kept");
    let replayed = command(&["dead-letter", "replay"]);
    assert_eq!(replayed.code, Some(0), "{replayed:?}");
    assert!(command(&["dead-letter", "list"]).says("0 dead letters"));
    server.call("POST", &format!("{index}/_refresh"), None);
    let count = server.get(&format!("{index}/_count"));
    assert_eq!(count["count"], 1, "{count}");
}

#[test]
fn commands_that_cannot_be_say_why() {
    let ended = run_at("--es.server-urls=http://127.0.0.1:1", "x", &["es"], &[]);
    assert!(ended.code == Some(1) && ended.says("write `spaniel es init`, `spaniel es doctor`"), "{ended:?}");
    let directory = ["--spool.directory=/nonexistent-spool"];
    let ended = run_at("--es.server-urls=http://127.0.0.1:1", "x", &["spool", "list"], &directory);
    assert!(ended.code == Some(1) && ended.says("/nonexistent-spool"), "{ended:?}");
    let ended = run_at("--es.server-urls=http://127.0.0.1:1", "x", &["spool", "drain"], &directory);
    assert!(ended.code == Some(1) && ended.says("holds no spool"), "{ended:?}");
}

/// What `elasticsearch-users useradd writer -p spans4all` of 6.8.23 writes.
const USERS: &str = "writer:$2a$10$SeW5F1LNO6QEvCTKhWdC5uJGjjhmUr3IWddTDbB58kgXrr6rlu9FO\n";
const ROLES: &str = "limited:\n  cluster: [monitor]\n  indices:\n    - names: ['*']\n      \
    privileges: [read, view_index_metadata, monitor]\n";

#[test]
fn rights_that_are_lacking_are_named_6_8() {
    rights(releases::ES_6_8);
}

#[test]
fn rights_that_are_lacking_are_named_8_19() {
    rights(releases::ES_8_19);
}

fn rights(release: Release) {
    let files = [("users", USERS), ("users_roles", "limited:writer\n"), ("roles.yml", ROLES)];
    let Some(server) = server::own_with(release, &["xpack.security.enabled: true"], &files) else { return };
    let examine = |flags: &[&str]| run(&server, "rights", &["es", "doctor"], flags);
    let limited = examine(&["--es.username=writer", "--es.password=spans4all"]);
    assert_eq!(limited.code, Some(1), "{limited:?}");
    assert_eq!(limited.line("rights")[0], "✗", "{limited:?}");
    assert!(limited.says("writer lacks manage_index_templates (cluster)"), "{limited:?}");
    assert!(limited.says("create_index (rights-jaeger-span-*)"), "{limited:?}");
    assert!(limited.says("credentials go over the network unencrypted"), "{limited:?}");
    let unknown = examine(&["--es.username=writer", "--es.password=wrong"]);
    assert_eq!(unknown.code, Some(1), "{unknown:?}");
    assert!(unknown.says("answered with 401, check the credentials"), "{unknown:?}");
    assert!(!unknown.out.contains("wrong\"") && !unknown.out.contains("spans4all"), "{unknown:?}");
}
