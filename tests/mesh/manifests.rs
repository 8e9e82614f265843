//! What stands in `deploy/` is read, and its flags, ports and names are held against the binary.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value as Json;

use crate::{deploy, read, yaml};

fn binary(arguments: &[&str], environment: &BTreeMap<String, String>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spaniel"));
    command.env_clear().envs(environment).args(arguments).output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned()
}

/// Every setting, by the page that the binary prints.
fn ports() -> BTreeSet<u64> {
    let output = binary(&["docs"], &BTreeMap::new());
    let page = text(&output);
    let rows = page.lines().filter(|line| line.contains("| host:port |") && !line.contains("*Refused"));
    rows.filter_map(|line| line.split('`').nth(3)?.strip_prefix(':')?.parse().ok()).collect()
}

fn texts(value: &Json) -> Vec<&str> {
    value.as_array().into_iter().flatten().map(|text| text.as_str().unwrap()).collect()
}

fn services(path: &str) -> BTreeMap<String, Json> {
    let file = yaml(&read(path));
    file["services"].as_object().unwrap().clone().into_iter().collect()
}

const COMPOSE: [&str; 2] = ["compose.yaml", "compose.embedded.yaml"];

#[test]
fn compose_starts_spaniel_by_flags_and_variables_that_it_knows() {
    let known = text(&binary(&["env"], &BTreeMap::new()));
    for path in COMPOSE {
        let spaniel = &services(path)["spaniel"];
        let variables = spaniel["environment"].as_object().cloned().unwrap_or_default();
        let environment: BTreeMap<_, _> =
            variables.into_iter().map(|(name, value)| (name, value.as_str().unwrap().to_string())).collect();
        for name in environment.keys() {
            assert!(known.lines().any(|line| line.starts_with(&format!("{name}="))), "{path}: {name}");
        }
        let arguments = [texts(&spaniel["command"]), vec!["print-config"]].concat();
        let output = binary(&arguments, &environment);
        assert!(output.status.success(), "{path}: {}", text(&output));
        let mut wrong = arguments.clone();
        wrong.insert(0, "--no.such-flag=1");
        assert!(!binary(&wrong, &environment).status.success());
        assert_eq!(texts(&spaniel["healthcheck"]["test"]), ["CMD", "/spaniel", "status"]);
        // Only the volume is writable, and what is kept lies in it.
        assert_eq!(spaniel["read_only"], true);
        assert!(texts(&spaniel["volumes"])[0].ends_with(":/var/lib/spaniel"));
        let published: BTreeSet<u64> =
            texts(&spaniel["ports"]).iter().map(|port| port.rsplit_once(':').unwrap().1.parse().unwrap()).collect();
        assert!(published.is_subset(&ports()), "{path}: {published:?}");
    }
}

#[test]
fn compose_mounts_files_that_are_there_and_names_services_that_it_has() {
    for path in COMPOSE {
        let services = services(path);
        for (name, service) in &services {
            for mount in texts(&service["volumes"]) {
                let from = mount.split(':').next().unwrap();
                if from.starts_with('.') {
                    assert!(deploy(from).exists(), "{path}, {name}: {from}");
                }
            }
            for other in service["depends_on"].as_object().into_iter().flatten().map(|(other, _)| other) {
                assert!(services.contains_key(other), "{path}, {name}: {other}");
            }
            let image = service["image"].as_str().unwrap();
            assert!(image == "spaniel" || image.contains(':'), "{path}, {name}: {image} has no version");
        }
        for (name, url) in urls(&Json::Object(services.clone().into_iter().collect())) {
            assert!(services.contains_key(&name), "{path}: nobody is called {name} in {url}");
        }
    }
}

/// Hosts of URLs in a value that are names of one word, as services have.
fn urls(value: &Json) -> Vec<(String, String)> {
    match value {
        Json::String(text) => {
            let hosts = text.split("http://").skip(1).filter_map(|rest| rest.split(['/', ':', '"', '\'']).next());
            let named = hosts.filter(|host| !host.contains('.') && *host != "localhost");
            named.map(|host| (host.to_string(), text.clone())).collect()
        }
        Json::Array(values) => values.iter().flat_map(urls).collect(),
        Json::Object(members) => members.values().flat_map(urls).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn grafana_and_prometheus_look_where_compose_has_something() {
    let services = services("compose.yaml");
    let sources = yaml(&read("grafana/datasources.yaml"));
    for (name, url) in urls(&sources) {
        assert!(services.contains_key(&name), "{url}");
    }
    let kinds: Vec<_> =
        sources["datasources"].as_array().unwrap().iter().map(|source| source["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["jaeger", "prometheus", "elasticsearch"]);
    assert_eq!(sources["datasources"][0]["url"], "http://spaniel:16686");
    assert_eq!(sources["datasources"][2]["jsonData"]["index"], "jaeger-span-*");
    assert_eq!(sources["datasources"][2]["jsonData"]["timeField"], "startTimeMillis");
    let folder = &yaml(&read("grafana/dashboards.yaml"))["providers"][0]["options"]["path"];
    let mounts = texts(&services["grafana"]["volumes"]).join(" ");
    assert!(mounts.contains(&format!("dashboard.json:{}/", folder.as_str().unwrap())), "{mounts}");
    let scraped = yaml(&read("prometheus/prometheus.yml"));
    assert_eq!(texts(&scraped["scrape_configs"][0]["static_configs"][0]["targets"]), ["spaniel:14269"]);
}

/// The instructions of a Containerfile, each on one line.
fn instructions() -> Vec<(String, String)> {
    let text = read("Containerfile").replace("\\\n", " ");
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.split_once(' ').unwrap()).map(|(word, rest)| (word.into(), rest.trim().into())).collect()
}

#[test]
fn the_image_is_one_binary_that_runs_as_a_number() {
    let instructions = instructions();
    let last = instructions.iter().rposition(|(word, _)| word == "FROM").unwrap();
    let (build, image) = instructions.split_at(last);
    assert_eq!(image[0].1, "scratch");
    let of =
        |word: &str| image.iter().filter(|(found, _)| found == word).map(|(_, rest)| rest.as_str()).collect::<Vec<_>>();
    assert_eq!(of("USER"), ["10001:10001"]);
    assert_eq!(of("ENTRYPOINT"), [r#"["/spaniel"]"#]);
    assert_eq!(of("COPY"), ["--from=build --chown=10001:10001 /image /"]);
    assert!(of("HEALTHCHECK")[0].ends_with(r#"CMD ["/spaniel", "status"]"#));
    let exposed: BTreeSet<u64> =
        of("EXPOSE")[0].split(' ').map(|port| port.trim_end_matches("/udp").parse().unwrap()).collect();
    assert_eq!(exposed, ports());
    let version = format!("VERSION={}", env!("CARGO_PKG_VERSION"));
    assert!(of("ARG").contains(&version.as_str()), "the image's label has another version than the crate");
    // Each step is a script, which deploy/image/check runs too.
    let steps: Vec<_> = build.iter().filter(|(word, _)| word == "RUN").map(|(_, rest)| rest.as_str()).collect();
    let check = read("image/check");
    for (step, script) in steps.iter().zip(["deploy/image/packages", "deploy/image/build"]) {
        assert!(step.contains(script), "{step}");
        assert!(check.contains(script), "check does not run {script}");
    }
    assert_eq!(steps.len(), 2);
    // The first step runs before the whole source is there.
    let first = build.iter().find(|(word, _)| word == "COPY").unwrap();
    for file in ["deploy/image/packages", "deploy/image/target"] {
        assert!(first.1.contains(file) && deploy(file.trim_start_matches("deploy/")).exists(), "{first:?}");
    }
}

#[test]
fn scripts_are_of_the_shell_and_may_be_run() {
    use std::os::unix::fs::PermissionsExt as _;
    for path in ["image/packages", "image/build", "image/check", "image/try", "kibana/import"] {
        let output = Command::new("sh").arg("-n").arg(deploy(path)).output().unwrap();
        assert!(output.status.success(), "{}", text(&output));
        assert!(deploy(path).metadata().unwrap().permissions().mode() & 0o111 != 0, "{path} may not be run");
    }
}

/// Files of several documents.
fn documents(path: &str) -> Vec<Json> {
    read(path)
        .split("\n---\n")
        .map(str::trim)
        .filter(|part| part.lines().any(|line| !line.starts_with('#')))
        .map(yaml)
        .collect()
}

#[test]
fn istio_is_pointed_at_ports_that_are_open() {
    let old = yaml(&read("istio/istio-1.3.values.yaml"));
    assert_eq!(old["global"]["tracer"]["zipkin"]["address"], "zipkin.jaeger:9411");
    assert_eq!((&old["global"]["proxy"]["tracer"], &old["global"]["enableTracing"]), (&"zipkin".into(), &true.into()));
    let plain = &documents("istio/mesh-config.yaml")[0]["spec"]["meshConfig"];
    assert_eq!(plain["defaultConfig"]["tracing"]["zipkin"]["address"], "zipkin.jaeger:9411");
    let mesh = &documents("istio/extension-providers.yaml")[0]["meshConfig"];
    let providers = mesh["extensionProviders"].as_array().unwrap();
    let ports = ports();
    for provider in providers {
        let of = ["zipkin", "opentelemetry"].iter().find_map(|kind| provider[kind].as_object()).unwrap();
        assert!(ports.contains(&of["port"].as_u64().unwrap()), "{provider}");
        assert!(of["service"].as_str().unwrap().ends_with(".jaeger.svc.cluster.local"), "{provider}");
    }
    let names: BTreeSet<_> = providers.iter().map(|provider| provider["name"].as_str().unwrap()).collect();
    let telemetries = documents("istio/telemetry.yaml");
    assert_eq!(telemetries.len(), 3);
    for telemetry in &telemetries {
        assert_eq!(
            (&telemetry["apiVersion"], &telemetry["kind"]),
            (&"telemetry.istio.io/v1".into(), &"Telemetry".into())
        );
        let chosen = telemetry["spec"]["tracing"][0]["providers"][0]["name"].as_str().unwrap();
        assert!(names.contains(chosen), "{chosen}");
    }
    let peers = &documents("istio/peer-authentication.yaml")[0];
    for (port, mode) in peers["spec"]["portLevelMtls"].as_object().unwrap() {
        assert!(ports.contains(&port.parse().unwrap()), "{port}");
        assert_eq!(mode["mode"], "PERMISSIVE");
    }
}

/// The page names each file beside it, and each file is there.
#[test]
fn the_pages_name_files_that_are_there() {
    for page in ["istio/README.md", "README.md"] {
        let text = read(page);
        for link in text.split("](").skip(1).map(|rest| rest.split([')', '#']).next().unwrap()) {
            let to = deploy(page).parent().unwrap().join(link);
            assert!(link.is_empty() || link.starts_with("http") || to.exists(), "{page}: {link}");
        }
    }
    let istio = read("istio/README.md");
    for file in std::fs::read_dir(deploy("istio")).unwrap().map(|file| file.unwrap().file_name()) {
        let name = Path::new(&file).to_str().unwrap().to_string();
        assert!(name == "README.md" || istio.contains(&format!("]({name})")), "{name} is not in the page");
    }
}
