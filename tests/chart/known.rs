//! Every flag, command and setting that the chart gives is known to the binary, and its value good.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use crate::rendered::{self, Container, Render, list, text};

/// What the binary made of a container's settings.
fn settings_of(container: &Container<'_>) -> BTreeMap<String, Json> {
    let root = container.root();
    let flags: Vec<_> = container.args().into_iter().filter(|arg| arg.starts_with("--")).collect();
    let output = root.spaniel(&[&["print-config"], &flags[..]].concat(), &container.environment()).output().unwrap();
    let [out, err] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    let name = &container.object["metadata"]["name"];
    assert!(output.status.success(), "{name}, {flags:?}: {out}{err}");
    // Defaults stand in comments.
    let plain: Vec<_> = out.lines().map(|line| line.strip_prefix("# ").unwrap_or(line)).collect();
    serde_saphyr::from_str(&plain.join("\n")).expect("YAML")
}

#[test]
fn the_binary_takes_all_settings_of_every_render() {
    let renders = rendered::all();
    assert!(renders.len() >= 12, "renders are missing");
    for render in &renders {
        let containers = render.containers();
        assert!(!containers.is_empty(), "{}", render.name);
        for container in containers.iter().filter(|container| container.spec["volumeMounts"].is_array()) {
            settings_of(container);
        }
    }
}

/// The words before the flags are a command that `--help` lists, and flags without settings are
/// among those that it lists.
#[test]
fn the_binary_knows_all_commands_of_every_render() {
    let help = std::process::Command::new(env!("CARGO_BIN_EXE_spaniel")).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let mut seen = BTreeSet::new();
    for render in rendered::all() {
        for container in render.containers() {
            let args = container.args();
            let words: Vec<_> = args.iter().copied().take_while(|arg| !arg.starts_with("--")).collect();
            seen.insert(words.join(" "));
            assert!(
                words.is_empty() || help.contains(&format!("\n  {} ", words.join(" "))),
                "{words:?} of {}",
                render.name
            );
            for flag in args.iter().filter_map(|arg| arg.strip_prefix("--")) {
                let (name, _) = flag.split_once('=').unwrap_or((flag, ""));
                assert!(help.contains(&format!("--{name} ")), "--{name} of {}", render.name);
            }
        }
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), ["", "load", "spool drain", "status"]);
}

#[test]
fn a_setting_that_does_not_exist_is_noticed() {
    let render = Render::of("default");
    let container = render.collector();
    let root = container.root();
    let output = root.spaniel(&["print-config", "--spool.directories=/spool"], &BTreeMap::new()).output().unwrap();
    assert!(!output.status.success());
}

#[test]
fn what_the_user_wrote_arrives_in_the_process() {
    let render = Render::of("memory");
    let settings = settings_of(&render.collector());
    let shown = |name: &str| settings.get(name).map(ToString::to_string).unwrap_or_default().replace('"', "");
    assert_eq!(shown("span-storage.type"), "opensearch");
    assert_eq!(shown("es.bulk.size"), "20000000");
    assert_eq!(shown("es.bulk.workers"), "0");
    assert_eq!(shown("es.index-date-separator"), "");
    assert_eq!(shown("es.create-index-templates"), "false");
    assert_eq!(shown("downsampling.ratio"), "0.25");
    assert_eq!(shown("spool.sync"), "off");
    assert_eq!(shown("es.server-urls"), "https://search-0:9200,https://search-1:9200");
}

#[test]
fn values_of_jaegers_chart_arrive_too() {
    let render = Render::of("jaeger");
    let settings = settings_of(&render.collector());
    let shown =
        |name: &str| settings.get(name).map(ToString::to_string).unwrap_or_default().replace(['"', '[', ']'], "");
    assert_eq!(shown("es.server-urls"), "https://es-http.logging:9200");
    assert_eq!(shown("es.username"), "tracer");
    assert_eq!(shown("es.index-prefix"), "prod");
    assert_eq!(shown("es.num-replicas"), "1");
    assert_eq!(shown("es.num-shards"), "3");
    assert_eq!(shown("es.tags-as-fields.all"), "false");
    assert_eq!(shown("es.timeout"), "20s");
    assert!(shown("es.tls.ca").ends_with("/es-tls/ca-cert.pem"));
}

/// The ports of the container are those that the process opens, and no other is.
#[test]
fn open_ports_are_named_ports() {
    for render in rendered::all() {
        let container = render.collector();
        let settings = settings_of(&container);
        let is_address = |name: &&String| {
            name.ends_with("host-port")
                && **name != "status.http.host-port"
                && !name.starts_with("processor.zipkin-compact")
        };
        let opened: BTreeSet<u64> = (settings.keys().filter(is_address))
            .filter_map(|name| text(&settings[name]).rsplit(':').next().unwrap().parse().ok())
            .collect();
        let ports = list(&container.spec["ports"]).iter();
        let named: BTreeSet<u64> = ports.map(|port| port["containerPort"].as_u64().unwrap()).collect();
        assert_eq!(opened, named, "{}", render.name);
    }
}

/// The root is read-only: what is written to is a mount, and a volume's limits leave room on it.
#[test]
fn directories_that_are_written_to_are_writable() {
    for render in rendered::all() {
        let container = render.collector();
        let settings = settings_of(&container);
        let writable = container.writable();
        let mut used = Vec::new();
        if settings["spool.sync"] != "off" {
            used.push(text(&settings["spool.directory"]));
        }
        if settings["span-storage.type"] == "embedded" {
            used.push(text(&settings["embedded.directory"]));
        }
        assert_eq!(used.len(), writable.len(), "{}: {used:?} {writable:?}", render.name);
        for directory in used {
            assert!(
                writable.iter().any(|mount| directory.contains(&format!("{mount}/"))),
                "{}: {directory}",
                render.name
            );
        }
    }
}

#[test]
fn the_grace_period_is_longer_than_the_drain() {
    for render in rendered::all() {
        let container = render.collector();
        let settings = settings_of(&container);
        let [delay, timeout] = ["shutdown.delay", "shutdown.timeout"].map(|name| seconds(text(&settings[name])));
        let grace = container.pod["terminationGracePeriodSeconds"].as_f64().unwrap();
        assert!(grace >= delay + timeout + 4.0, "{}: {grace} s for {delay} s and {timeout} s", render.name);
    }
}

/// Of a duration as Go prints it.
fn seconds(duration: &str) -> f64 {
    let mut sum = 0.0;
    for part in duration.split_inclusive(|letter: char| letter.is_ascii_alphabetic()) {
        if part == "s" {
            // The second letter of `ms`: what `m` added was milliseconds.
            continue;
        }
        let (number, unit) = part.split_at(part.len() - 1);
        let milli = duration.ends_with("ms") && duration.trim_end_matches('s').ends_with(part);
        sum += number.parse::<f64>().unwrap()
            * match unit {
                "h" => 3600.0,
                "m" if milli => 0.001,
                "m" => 60.0,
                _ => 1.0,
            };
    }
    sum
}

#[test]
fn durations_are_read_as_go_prints_them() {
    assert_eq!(["5s", "1m30.5s", "500ms", "2h0m0s"].map(seconds), [5.0, 90.5, 0.5, 7200.0]);
}
