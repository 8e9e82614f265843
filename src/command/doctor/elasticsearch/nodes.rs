//! Each configured node by itself: is it there, does it know us, is it of the same cluster; and what
//! the cluster says of all its nodes: clocks, versions, the largest request.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::clock::Clock;
use crate::command::ask::{self, QuestionError};
use crate::command::doctor::finding::{Finding, few};
use crate::settings::Elasticsearch;
use crate::store::elasticsearch::{Cluster, Server};

/// A clock that is off by more makes searches miss the newest spans, and by much more moves them to
/// other days.
const CLOCK_WARNING_MICROS: u64 = 5 * 1_000_000;
const CLOCK_WRONG_MICROS: u64 = 300 * 1_000_000;

/// The first node that answered well, and what was found of all.
pub(super) struct Reached {
    pub(super) cluster: Option<Cluster>,
    pub(super) findings: Vec<Finding>,
}

/// Asks each node of `--es.server-urls` without help of the others.
pub(super) async fn reach(settings: &Elasticsearch) -> Result<Reached, crate::command::CommandError> {
    let (mut reached, mut identities) = (Vec::new(), BTreeSet::new());
    let mut findings = Vec::new();
    let mut failures = Vec::new();
    for url in &settings.server_urls {
        let alone = Elasticsearch { server_urls: vec![url.clone()], ..settings.clone() };
        let cluster = Cluster::new(&alone)?;
        match ask::get(&cluster, "", &[]).await {
            Ok(greeting) => {
                findings.push(met(&cluster, &greeting, settings));
                identities.extend(greeting["cluster_uuid"].as_str().map(str::to_string));
                reached.push(cluster);
            }
            Err(error) => failures.push((cluster.place(), error)),
        }
    }
    let alone = reached.is_empty();
    findings.extend(failures.iter().map(|(place, error)| missed(place, error, alone)));
    if identities.len() > 1 {
        let seen = format!("the nodes are of {} clusters, and spans are spread over them", identities.len());
        findings.push(Finding::wrong("one cluster", seen, "name nodes of one cluster in --es.server-urls"));
    }
    Ok(Reached { cluster: reached.into_iter().next(), findings })
}

fn met(cluster: &Cluster, greeting: &Value, settings: &Elasticsearch) -> Finding {
    let place = cluster.place();
    let name = greeting["name"].as_str().unwrap_or("a node");
    let number = greeting["version"]["number"].as_str().unwrap_or("?");
    let mut seen = format!("{name} answers, version {number}");
    let what = format!("node {place}");
    let credentials = !settings.username.is_empty() || settings.token_file.is_some() || settings.api_key_file.is_some();
    if place.starts_with("https:") && settings.tls.skip_host_verify {
        seen.push_str("; its certificate is not verified: anybody can pose as it");
        return Finding::warning(
            what,
            seen,
            "set --es.tls.ca to its authority and leave out --es.tls.skip-host-verify",
        );
    }
    if place.starts_with("https:") {
        seen.push_str(", certificate verified");
    } else if credentials {
        seen.push_str("; credentials go over the network unencrypted");
        return Finding::warning(what, seen, "use https in --es.server-urls, unless the network is trusted");
    }
    Finding::ok(what, seen)
}

/// `alone`: no other node took its place.
fn missed(place: &str, error: &QuestionError, alone: bool) -> Finding {
    let (what, seen) = (format!("node {place}"), error.to_string());
    let mend = match error {
        QuestionError::Refused { status: 401, .. } => {
            "check --es.username with --es.password-file, or --es.token-file or --es.api-key-file"
        }
        QuestionError::Refused { status: 403, .. } => {
            "give the user the right cluster:monitor/main, or set --es.version"
        }
        QuestionError::Refused { .. } | QuestionError::Unreadable { .. } => {
            "is this Elasticsearch? check --es.server-urls"
        }
        QuestionError::Transport(_) => "check --es.server-urls, that the node runs, and what lies between",
    };
    if alone {
        Finding::wrong(what, seen, mend)
    } else {
        Finding::warning(what, format!("{seen}; the others take its part"), mend)
    }
}

/// Whether the server is one that `--es.version` says.
pub(super) async fn version(cluster: &Cluster, given: u32, findings: &mut Vec<Finding>) -> Option<Server> {
    let asked = Server::ask(cluster, 0).await;
    let told = (given > 0).then(|| Server::given(given));
    match (asked, told) {
        (Ok(asked), Some(Ok(told))) if asked.dialect != told.dialect => {
            let seen = format!("{} {} answers, and --es.version={given} says otherwise", asked.product, asked.version);
            findings.push(Finding::wrong("version", seen, "leave out --es.version"));
            Some(asked)
        }
        (Ok(server), _) => {
            let seen = format!("{} {}, spoken to as {:?}", server.product, server.version, server.dialect);
            findings.push(Finding::ok("version", seen));
            Some(server)
        }
        (Err(error), Some(Ok(server))) => {
            findings.push(Finding::warning("version", format!("{error}; --es.version={given} is believed"), ""));
            Some(server)
        }
        (Err(error), _) => {
            findings.push(Finding::wrong(
                "version",
                error.to_string(),
                "Spaniel speaks Elasticsearch 6 to 9 and OpenSearch",
            ));
            None
        }
    }
}

/// The versions and the largest request of all nodes.
pub(super) async fn limits(cluster: &Cluster, bulk_size: usize, findings: &mut Vec<Finding>) {
    let fields = "nodes.*.name,nodes.*.version,nodes.*.http.max_content_length_in_bytes";
    match ask::get(cluster, "_nodes/http", &[("filter_path", fields)]).await {
        Ok(answer) => findings.extend(judge_limits(&answer, bulk_size)),
        Err(error) => findings.push(Finding::unseen("bulk size", &error)),
    }
}

fn judge_limits(answer: &Value, bulk_size: usize) -> Vec<Finding> {
    let nodes: Vec<&Value> = answer["nodes"].as_object().into_iter().flatten().map(|(_, node)| node).collect();
    let mut findings = Vec::new();
    let versions: BTreeSet<_> = nodes.iter().filter_map(|node| node["version"].as_str()).map(str::to_string).collect();
    if versions.len() > 1 {
        let seen = format!("the nodes have several versions: {}", few(&versions.into_iter().collect::<Vec<_>>()));
        findings.push(Finding::warning(
            "versions of nodes",
            seen,
            "finish the upgrade; the one that was asked decides our dialect",
        ));
    }
    let limits = nodes.iter().filter_map(|node| node["http"]["max_content_length_in_bytes"].as_u64());
    let Some(limit) = limits.min() else { return findings };
    // A batch is closed by the document that passes the size, and has an action line for each.
    let seen = format!("--es.bulk.size is {bulk_size} bytes, http.max_content_length {limit}");
    findings.push(if bulk_size as u64 >= limit {
        Finding::wrong(
            "bulk size",
            seen,
            format!("set --es.bulk.size to {} or less: every request is halved now", limit / 2),
        )
    } else if bulk_size as u64 > limit / 2 {
        Finding::warning("bulk size", seen, "a larger document or action lines pass it: keep to half of the limit")
    } else {
        Finding::ok("bulk size", seen)
    });
    findings
}

/// The clocks of all nodes against ours.
pub(super) async fn clocks(cluster: &Cluster, clock: &Clock, findings: &mut Vec<Finding>) {
    let before = clock.micros();
    let asked = ask::get(cluster, "_nodes/stats/fs", &[("filter_path", "nodes.*.name,nodes.*.timestamp")]).await;
    match asked {
        Ok(answer) => findings.extend(judge_clocks(&answer, before, clock.micros())),
        Err(error) => findings.push(Finding::unseen("clocks", &error)),
    }
}

/// A node tells when it counted, which was between asking and answer if the clocks agree.
fn judge_clocks(answer: &Value, before: u64, after: u64) -> Option<Finding> {
    let nodes = answer["nodes"].as_object()?;
    let off = |node: &Value| {
        let told = node["timestamp"].as_u64()?.saturating_mul(1000);
        // The node may keep what it counted for a second.
        let off = before.saturating_sub(1_000_000).saturating_sub(told).max(told.saturating_sub(after + 1000));
        Some((off, node["name"].as_str().unwrap_or("a node").to_string()))
    };
    let (worst, name) = nodes.values().filter_map(off).max()?;
    let seen = format!("the clock of {name} and ours differ by {:.1} s", worst as f64 / 1e6);
    let mend = "set both clocks by NTP: a span's day and the range of a search come from clocks";
    Some(match worst {
        CLOCK_WRONG_MICROS.. => Finding::wrong("clocks", seen, mend),
        CLOCK_WARNING_MICROS.. => Finding::warning("clocks", seen, mend),
        _ => Finding::ok("clocks", format!("{} nodes agree with ours", nodes.len())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::doctor::finding::State;
    use serde_json::json;

    #[test]
    fn clocks_are_held_against_the_time_of_the_question() {
        // Cut from an answer of 8.19.21.
        let answer =
            json!({ "nodes": { "-_kE9GW2SLC5Sx3Nw2RMIQ": { "timestamp": 1_795_272_958_678_u64, "name": "n1" } } });
        let told = 1_795_272_958_678_000;
        let state = |before, after| judge_clocks(&answer, before, after).map(|finding| finding.state);
        assert_eq!(state(told - 1000, told + 1000), Some(State::Ok));
        assert_eq!(state(told - 900_000_000, told + 1), Some(State::Ok), "a slow answer is no wrong clock");
        assert_eq!(state(told + 20_000_000, told + 20_000_001), Some(State::Warning));
        assert_eq!(state(told - 20_000_001, told - 20_000_000), Some(State::Warning));
        assert_eq!(state(told + 3_600_000_000, told + 3_600_000_001), Some(State::Wrong));
        assert_eq!(judge_clocks(&json!({}), 1, 2), None);
    }

    #[test]
    fn a_bulk_must_fit_into_a_request() {
        let node =
            |version: &str, limit: u64| json!({ "version": version, "http": { "max_content_length_in_bytes": limit } });
        let answer = json!({ "nodes": { "a": node("8.19.21", 104_857_600), "b": node("8.19.21", 10_485_760) } });
        let states = |size| judge_limits(&answer, size).iter().map(|finding| finding.state).collect::<Vec<_>>();
        assert_eq!(states(5_000_000), [State::Ok]);
        assert_eq!(states(10_000_000), [State::Warning]);
        assert_eq!(states(20_000_000), [State::Wrong]);
        let mixed = json!({ "nodes": { "a": node("8.19.21", 104_857_600), "b": node("8.18.0", 104_857_600) } });
        assert_eq!(judge_limits(&mixed, 1)[0].state, State::Warning);
    }
}
