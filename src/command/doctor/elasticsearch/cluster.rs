//! The cluster as a whole: health, disks, blocks, and room for shards.

use serde_json::Value;

use crate::command::ask;
use crate::command::doctor::finding::{Finding, few};
use crate::settings::{Elasticsearch, Indices};
use crate::store::elasticsearch::Cluster;

const SETTINGS: &str = "*.cluster.routing.allocation.disk,*.cluster.max_shards_per_node,*.action.auto_create_index,\
     *.cluster.blocks";

/// What the operator set, over the defaults.
struct ClusterSettings(Value);

impl ClusterSettings {
    /// Of a path with dots; the answer has each as a tree or, partly, flat.
    fn get(&self, path: &str) -> Option<String> {
        ["transient", "persistent", "defaults"].iter().find_map(|layer| {
            let found = path.split('.').try_fold(&self.0[*layer], |value, part| value.get(part))?;
            found.as_str().map(str::to_string).or_else(|| (!found.is_object()).then(|| found.to_string()))
        })
    }
}

pub(super) async fn examine(
    cluster: &Cluster,
    elasticsearch: &Elasticsearch,
    indices: &Indices,
    findings: &mut Vec<Finding>,
) {
    let health = ask::get(cluster, "_cluster/health", &[]).await;
    let query = [("include_defaults", "true"), ("filter_path", SETTINGS)];
    let settings = ask::get(cluster, "_cluster/settings", &query).await;
    match &health {
        Ok(health) => findings.push(judge_health(health, elasticsearch.num_replicas)),
        Err(error) => findings.push(Finding::unseen("health", error)),
    }
    let settings = match settings {
        Ok(settings) => ClusterSettings(settings),
        Err(error) => return findings.push(Finding::unseen("cluster settings", &error)),
    };
    findings.extend(judge_blocks(&settings));
    findings.extend(judge_auto_create(&settings, indices));
    if let Ok(health) = &health {
        findings.extend(judge_shards(health, &settings, elasticsearch));
    }
    let fields = [("filter_path", "nodes.*.name,nodes.*.fs.total")];
    match ask::get(cluster, "_nodes/stats/fs", &fields).await {
        Ok(answer) => findings.extend(judge_disks(&answer, &settings)),
        Err(error) => findings.push(Finding::unseen("disks", &error)),
    }
}

fn judge_health(health: &Value, replicas: u32) -> Finding {
    let status = health["status"].as_str().unwrap_or("unknown");
    let (nodes, unassigned) =
        (health["number_of_data_nodes"].as_u64().unwrap_or(0), health["unassigned_shards"].as_u64().unwrap_or(0));
    let seen = format!("{status}, {nodes} data nodes, {unassigned} shards without a node");
    match status {
        "green" if u64::from(replicas) < nodes.max(1) => Finding::ok("health", seen),
        "green" | "yellow" if u64::from(replicas) >= nodes => {
            let mend = format!("set --es.num-replicas to {}: copies need a node each", nodes.saturating_sub(1));
            Finding::warning("health", format!("{seen}; --es.num-replicas is {replicas}"), mend)
        }
        "green" | "yellow" => Finding::warning("health", seen, "GET /_cluster/allocation/explain says why"),
        _ => Finding::wrong("health", seen, "GET /_cluster/allocation/explain says why; writing to red indices waits"),
    }
}

fn judge_blocks(settings: &ClusterSettings) -> Option<Finding> {
    let set = |name: &&str| settings.get(name).is_some_and(|value| value == "true");
    let block = ["cluster.blocks.read_only", "cluster.blocks.read_only_allow_delete"].into_iter().find(set)?;
    Some(Finding::wrong(
        "blocks",
        format!("{block} is true: nothing can be written"),
        format!("set {block} to null by PUT /_cluster/settings"),
    ))
}

fn judge_auto_create(settings: &ClusterSettings, indices: &Indices) -> Option<Finding> {
    let value = settings.get("action.auto_create_index")?;
    if indices.use_aliases || value == "true" {
        return None;
    }
    let seen = format!("action.auto_create_index is {value}");
    let mend = "the index of a new day must appear by itself: allow jaeger-* there, or use --es.use-aliases";
    Some(if value == "false" {
        Finding::wrong("new indices", seen, mend)
    } else {
        Finding::warning("new indices", seen, mend)
    })
}

/// Spans and services of two more days must fit, or midnight stops the writing.
fn judge_shards(health: &Value, settings: &ClusterSettings, elasticsearch: &Elasticsearch) -> Option<Finding> {
    let limit: u64 = settings.get("cluster.max_shards_per_node")?.parse().ok()?;
    let nodes = health["number_of_data_nodes"].as_u64()?;
    let (limit, used) = (limit * nodes, health["active_shards"].as_u64()? + health["unassigned_shards"].as_u64()?);
    let day = 2 * u64::from(elasticsearch.num_shards) * u64::from(1 + elasticsearch.num_replicas);
    let seen = format!("{used} of {limit} shards (cluster.max_shards_per_node); a day's indices have {day}");
    let mend = "delete old indices, set --es.num-shards to fewer (one for each 30 GB a day), or raise the limit";
    Some(match limit.saturating_sub(used) {
        left if left < 2 * day => Finding::wrong("shards", seen, mend),
        left if left < 7 * day => Finding::warning("shards", seen, mend),
        _ => Finding::ok("shards", seen),
    })
}

fn judge_disks(answer: &Value, settings: &ClusterSettings) -> Vec<Finding> {
    let disk = "cluster.routing.allocation.disk";
    let enabled = settings.get(&format!("{disk}.threshold_enabled")).is_none_or(|value| value == "true");
    let free_at = |name: &str, default: &str, total: u64| {
        let text = settings.get(&format!("{disk}.watermark.{name}")).unwrap_or_else(|| default.to_string());
        free_bytes(&text, total)
    };
    let mut findings = Vec::new();
    for node in answer["nodes"].as_object().into_iter().flatten().map(|(_, node)| node) {
        let total = &node["fs"]["total"];
        let (Some(size), Some(free)) = (total["total_in_bytes"].as_u64(), total["available_in_bytes"].as_u64()) else {
            continue;
        };
        let what = format!("disk of {}", node["name"].as_str().unwrap_or("a node"));
        let seen = format!("{} of {} free", gigabytes(free), gigabytes(size));
        let below = |name, default| free_at(name, default, size).is_some_and(|least| free < least);
        findings.push(if !enabled {
            Finding::ok(what, format!("{seen}; watermarks are switched off"))
        } else if below("flood_stage", "95%") {
            Finding::wrong(
                what,
                format!("{seen}: past the flood stage, its indices are read-only"),
                "make room: delete old indices, add disk",
            )
        } else if below("high", "90%") {
            Finding::warning(
                what,
                format!("{seen}: past the high watermark, shards move away"),
                "make room before the flood stage stops all writing",
            )
        } else if below("low", "85%") {
            Finding::warning(
                what,
                format!("{seen}: past the low watermark, no new shard comes to it"),
                "make room: an index of a new day may find no node",
            )
        } else {
            Finding::ok(what, seen)
        });
    }
    findings
}

/// The least free bytes that a watermark wants: `90%` and `0.9` are of what is used, `20gb` is free.
fn free_bytes(watermark: &str, total: u64) -> Option<u64> {
    let text = watermark.trim().to_ascii_lowercase();
    let of_used = |share: f64| (0.0..=1.0).contains(&share).then_some((total as f64 * (1.0 - share)).round() as u64);
    if let Some(percent) = text.strip_suffix('%') {
        return of_used(percent.parse::<f64>().ok()? / 100.0);
    }
    if let Ok(ratio) = text.parse::<f64>() {
        return of_used(ratio);
    }
    let at = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
    let (number, unit) = text.split_at(at);
    let shift = match unit {
        "b" => 0,
        "k" | "kb" => 10,
        "m" | "mb" => 20,
        "g" | "gb" => 30,
        "t" | "tb" => 40,
        "p" | "pb" => 50,
        _ => return None,
    };
    Some((number.parse::<f64>().ok()? * (1_u64 << shift) as f64) as u64)
}

fn gigabytes(bytes: u64) -> String {
    format!("{:.1} GB", bytes as f64 / 1e9)
}

/// Blocks of single indices.
pub(super) async fn index_blocks(cluster: &Cluster, patterns: &str, findings: &mut Vec<Finding>) {
    let path = format!("{patterns}/_settings/index.blocks.*");
    match ask::find(cluster, &path, &[("flat_settings", "true"), ("ignore_unavailable", "true")]).await {
        Ok(answer) => findings.extend(judge_index_blocks(&answer.unwrap_or_default())),
        Err(error) => findings.push(Finding::unseen("blocks of indices", &error)),
    }
}

fn judge_index_blocks(answer: &Value) -> Option<Finding> {
    let blocked = answer.as_object()?.iter().filter_map(|(index, inner)| {
        let mut blocks = inner["settings"]
            .as_object()?
            .iter()
            .filter(|(name, value)| name.starts_with("index.blocks.") && *value == "true");
        blocks.next().map(|(block, _)| format!("{index} ({block})"))
    });
    let blocked: Vec<String> = blocked.collect();
    if blocked.is_empty() {
        return None;
    }
    let mend = "spans for them wait; a block of the flood stage goes by itself when there is room (before 7.4 set it to null by PUT /INDEX/_settings)";
    Some(Finding::wrong("blocks of indices", few(&blocked), mend))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::doctor::finding::State;
    use serde_json::json;

    fn settings(defaults: &Value, persistent: &Value) -> ClusterSettings {
        ClusterSettings(json!({ "defaults": defaults, "persistent": persistent, "transient": {} }))
    }

    fn watermarks(low: &str, high: &str, flood: &str) -> ClusterSettings {
        let disk =
            json!({ "threshold_enabled": "true", "watermark": { "low": low, "high": high, "flood_stage": flood } });
        settings(&json!({ "cluster": { "routing": { "allocation": { "disk": disk } } } }), &json!({}))
    }

    #[test]
    fn watermarks_in_every_form() {
        assert_eq!(free_bytes("90%", 1000), Some(100));
        assert_eq!(free_bytes("0.85", 1000), Some(150));
        assert_eq!(free_bytes("2kb", 1000), Some(2048));
        assert_eq!(free_bytes("1.5gb", 1000), Some(1_610_612_736));
        assert_eq!((free_bytes("much", 1000), free_bytes("3 pints", 1000)), (None, None));
    }

    #[test]
    fn a_disk_is_held_against_its_watermarks() {
        let disk = |free: u64| json!({ "nodes": { "a": { "name": "n1", "fs": { "total": { "total_in_bytes": 1000, "available_in_bytes": free } } } } });
        let state = |free, settings: &ClusterSettings| judge_disks(&disk(free), settings)[0].state;
        let set = watermarks("85%", "90%", "95%");
        assert_eq!(
            [600, 120, 70, 40].map(|free| state(free, &set)),
            [State::Ok, State::Warning, State::Warning, State::Wrong]
        );
        let bytes = watermarks("500b", "400b", "300b");
        assert_eq!([600, 450, 200].map(|free| state(free, &bytes)), [State::Ok, State::Warning, State::Wrong]);
        let off = settings(
            &json!({ "cluster": { "routing": { "allocation": { "disk": { "threshold_enabled": "false" } } } } }),
            &json!({}),
        );
        assert_eq!(state(1, &off), State::Ok);
        assert_eq!(state(1, &settings(&json!({}), &json!({}))), State::Wrong, "the defaults hold");
    }

    #[test]
    fn what_was_set_wins_over_defaults() {
        let both = settings(
            &json!({ "cluster": { "max_shards_per_node": "1000" } }),
            &json!({ "cluster": { "max_shards_per_node": "50" } }),
        );
        assert_eq!(both.get("cluster.max_shards_per_node").as_deref(), Some("50"));
        assert_eq!(both.get("cluster.blocks.read_only"), None);
    }

    #[test]
    fn tomorrow_must_find_room_for_its_shards() {
        let health = |active: u64| json!({ "status": "green", "number_of_data_nodes": 1, "active_shards": active, "unassigned_shards": 0 });
        let (limit, defaults) =
            (settings(&json!({ "cluster": { "max_shards_per_node": "1000" } }), &json!({})), Elasticsearch::default());
        let state = |active| judge_shards(&health(active), &limit, &defaults).map(|finding| finding.state);
        assert_eq!([100, 900, 970].map(state), [Some(State::Ok), Some(State::Warning), Some(State::Wrong)]);
    }

    #[test]
    fn health_says_what_to_do() {
        let health = |status: &str, nodes: u64| json!({ "status": status, "number_of_data_nodes": nodes, "unassigned_shards": 5 });
        assert_eq!(judge_health(&health("green", 3), 1).state, State::Ok);
        let single = judge_health(&health("yellow", 1), 1);
        assert_eq!((single.state, single.mend.contains("--es.num-replicas to 0")), (State::Warning, true));
        assert_eq!(judge_health(&health("yellow", 3), 1).state, State::Warning);
        assert_eq!(judge_health(&health("red", 3), 1).state, State::Wrong);
    }

    #[test]
    fn blocks_and_indices_that_may_not_appear() {
        let blocked = settings(&json!({}), &json!({ "cluster": { "blocks": { "read_only_allow_delete": "true" } } }));
        assert_eq!(judge_blocks(&blocked).map(|finding| finding.state), Some(State::Wrong));
        let auto = |value: &str| settings(&json!({ "action": { "auto_create_index": value } }), &json!({}));
        let state = |value: &str, aliases| {
            let indices = Indices { use_aliases: aliases, ..Indices::default() };
            judge_auto_create(&auto(value), &indices).map(|finding| finding.state)
        };
        assert_eq!((state("true", false), state("false", false)), (None, Some(State::Wrong)));
        assert_eq!((state("+logs-*", false), state("false", true)), (Some(State::Warning), None));
        let index = json!({ "jaeger-span-2026-11-21": { "settings": { "index.blocks.read_only_allow_delete": "true" } }, "b": { "settings": {} } });
        assert!(judge_index_blocks(&index).is_some_and(|finding| finding.seen.contains("jaeger-span-2026-11-21")));
        assert_eq!(judge_index_blocks(&json!({})), None);
    }
}
