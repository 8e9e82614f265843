//! Whether the templates are there, are what we would put, and are those that a new index gets.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::command::ask;
use crate::command::doctor::finding::{Finding, few};
use crate::settings::Elasticsearch;
use crate::store::elasticsearch::templates::{self, Form, Template};
use crate::store::elasticsearch::{Cluster, Dialect, Server};

const INIT: &str = "`spaniel es init` with the same settings puts it";

/// A template of the server's list, as far as it decides which one an index gets.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Rival {
    /// Of composable ones; `order` of legacy ones.
    priority: i64,
    name: String,
    patterns: Vec<String>,
}

/// All that the server has, of both kinds.
#[derive(Debug, Default)]
struct Rivals {
    composable: Vec<Rival>,
    legacy: Vec<Rival>,
}

pub(super) async fn examine(
    cluster: &Cluster,
    server: &Server,
    elasticsearch: &Elasticsearch,
    form: &Form,
    findings: &mut Vec<Finding>,
) {
    let dialect = server.dialect;
    let rivals = match rivals(cluster, dialect).await {
        Ok(rivals) => rivals,
        Err(error) => {
            findings.push(Finding::unseen("other templates", &error));
            Rivals::default()
        }
    };
    for template in Template::ALL {
        let name = form.name(template);
        let what = format!("template {name}");
        let path = format!("{}/{name}", templates::endpoint(dialect));
        let ours = templates::template(template, server, form);
        match ask::find(cluster, &path, &[]).await {
            Ok(Some(answer)) => findings.push(compare(&what, &there(dialect, &name, &answer), &ours, elasticsearch)),
            Ok(None) if elasticsearch.create_index_templates => {
                findings.push(Finding::warning(&what, "missing; the collector puts it when it starts", INIT));
            }
            Ok(None) => findings.push(Finding::wrong(&what, "missing: the next index will be mapped by guesses", INIT)),
            Err(error) => findings.push(Finding::unseen(&what, &error)),
        }
        let priority = ours["priority"].as_i64();
        findings.extend(shadow(&name, priority, &rivals, template));
    }
}

/// The body of a template, out of the answer that has it.
fn there(dialect: Dialect, name: &str, answer: &Value) -> Value {
    match dialect {
        Dialect::Eight => answer["index_templates"][0]["index_template"].clone(),
        Dialect::Six | Dialect::Seven | Dialect::OpenSearch => answer[name].clone(),
    }
}

/// Settings may differ on purpose; a mapping that differs breaks searches.
fn compare(what: &str, there: &Value, ours: &Value, elasticsearch: &Elasticsearch) -> Finding {
    let (there, ours) = (flat(there), flat(ours));
    let differs = |path: &&String| there.get(*path) != ours.get(*path);
    let mapped = |path: &&String| path.contains("mappings.");
    let (mappings, settings): (Vec<_>, Vec<_>) = ours.keys().filter(differs).partition(mapped);
    let line = |path: &&String| {
        let text = |side: &BTreeMap<String, String>| side.get(*path).map_or("nothing", String::as_str).to_string();
        format!("{path} is {} (ours: {})", text(&there), text(&ours))
    };
    let show = |paths: &[&String]| few(&paths.iter().map(line).collect::<Vec<_>>());
    let mend = if elasticsearch.create_index_templates { "the collector puts its own when it starts" } else { INIT };
    let extra: Vec<String> = there.keys().filter(|path| mapped(path) && !ours.contains_key(*path)).cloned().collect();
    if !mappings.is_empty() {
        return Finding::wrong(what, show(&mappings), mend);
    }
    if !settings.is_empty() {
        return Finding::warning(what, show(&settings), mend);
    }
    if !extra.is_empty() {
        return Finding::warning(what, format!("it maps more than ours: {}", few(&extra)), "");
    }
    Finding::ok(what, "there, as we would put it")
}

/// Every leaf under its path, as text, so that `5` and `"5"` and the two ways to write a setting
/// are the same. Only what makes an index: its settings, mappings, aliases, patterns, priority.
fn flat(body: &Value) -> BTreeMap<String, String> {
    let inner = if body.get("template").is_some_and(Value::is_object) { &body["template"] } else { body };
    let mut leaves = BTreeMap::new();
    for part in ["settings", "mappings", "aliases"] {
        flatten(part, &inner[part], &mut leaves);
    }
    for (part, name) in [("index_patterns", "patterns"), ("priority", "priority"), ("template", "patterns")] {
        if !body[part].is_object() {
            let value =
                if body[part].is_string() { Value::Array(vec![body[part].clone()]) } else { body[part].clone() };
            flatten(name, &value, &mut leaves);
        }
    }
    leaves
}

fn flatten(path: &str, value: &Value, leaves: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(inner) if !inner.is_empty() => {
            for (name, value) in inner {
                flatten(&format!("{path}.{name}"), value, leaves);
            }
        }
        Value::Array(inner) => {
            for (index, value) in inner.iter().enumerate() {
                flatten(&format!("{path}.{index}"), value, leaves);
            }
        }
        Value::Null => {}
        _ => {
            let settings = path.strip_prefix("settings.");
            let path = match settings.map(|rest| rest.strip_prefix("index.").unwrap_or(rest)) {
                Some(rest) => format!("settings.index.{rest}"),
                // An object says so or does not; its properties say it too.
                None if path.ends_with(".type") && value == "object" => return,
                None => path.to_string(),
            };
            leaves.insert(path, value.as_str().map_or_else(|| value.to_string(), str::to_string));
        }
    }
}

async fn rivals(cluster: &Cluster, dialect: Dialect) -> Result<Rivals, ask::QuestionError> {
    let legacy = ask::get(cluster, "_template", &[("filter_path", "*.order,*.index_patterns,*.template")]).await?;
    let fields =
        "index_templates.name,index_templates.index_template.priority,index_templates.index_template.index_patterns";
    let composable = match dialect {
        Dialect::Six => Value::Null,
        // Before 7.8 there are none; the path means something else there.
        Dialect::Seven | Dialect::OpenSearch => {
            ask::get(cluster, "_index_template", &[("filter_path", fields)]).await.unwrap_or_default()
        }
        Dialect::Eight => ask::get(cluster, "_index_template", &[("filter_path", fields)]).await?,
    };
    Ok(read_rivals(&composable, &legacy))
}

fn read_rivals(composable: &Value, legacy: &Value) -> Rivals {
    let patterns = |body: &Value| {
        let texts = body["index_patterns"].as_array().into_iter().flatten().filter_map(Value::as_str);
        texts.map(str::to_string).collect()
    };
    let composable = composable["index_templates"].as_array().into_iter().flatten().filter_map(|entry| {
        let body = &entry["index_template"];
        let priority = body["priority"].as_i64().unwrap_or(0);
        Some(Rival { priority, name: entry["name"].as_str()?.to_string(), patterns: patterns(body) })
    });
    let legacy = legacy.as_object().into_iter().flatten().map(|(name, body)| Rival {
        priority: body["order"].as_i64().unwrap_or(0),
        name: name.clone(),
        patterns: patterns(body),
    });
    Rivals { composable: composable.collect(), legacy: legacy.collect() }
}

/// Whether a new index gets another template than ours. A composable one beats all legacy ones;
/// among composable ones the highest priority; legacy ones are merged, the highest order last.
/// `priority` is ours if ours is composable.
fn shadow(name: &str, priority: Option<i64>, rivals: &Rivals, template: Template) -> Option<Finding> {
    let index = format!("{name}-2026-11-21");
    let matching = |of: &[Rival]| {
        let fits = |rival: &&Rival| rival.name != name && rival.patterns.iter().any(|pattern| matches(pattern, &index));
        let mut found: Vec<Rival> = of.iter().filter(fits).cloned().collect();
        found.sort();
        found
    };
    let what = format!("new indices of {name}");
    let (composable, legacy) = (matching(&rivals.composable), matching(&rivals.legacy));
    if let Some(rival) = composable.last().filter(|rival| priority.is_none_or(|ours| rival.priority >= ours)) {
        let Rival { priority: theirs, name: other, patterns } = rival;
        let seen = format!("they get the template {other} (priority {theirs}, {}) instead of ours", few(patterns));
        let flag = if template == Template::Service {
            "--es.prioirity-service-template"
        } else {
            "--es.prioirity-span-template"
        };
        let mend = match priority {
            Some(_) => {
                format!("set {flag} to {} or more and run `spaniel es init`, or narrow its patterns", theirs + 1)
            }
            None => "composable templates beat the legacy ones of this version: narrow its patterns".into(),
        };
        return Some(Finding::wrong(what, seen, mend));
    }
    // A legacy template of Jaeger without prefix also fits the indices of every prefix.
    let merged: Vec<_> = legacy.iter().filter(|rival| priority.is_none() && !is_jaegers(&rival.name)).collect();
    let names: Vec<_> = merged.iter().map(|rival| format!("{} (order {})", rival.name, rival.priority)).collect();
    let mend = "what they say is mixed with ours, and a higher order than 0 wins: see that they leave mappings alone";
    (!names.is_empty()).then(|| Finding::warning(what, format!("other templates fit too: {}", few(&names)), mend))
}

fn is_jaegers(name: &str) -> bool {
    ["jaeger-span", "jaeger-service"].iter().any(|ending| name.ends_with(ending))
}

/// Whether a pattern with stars fits a name.
fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else { return false };
    let mut parts: Vec<_> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = rest.get(at + part.len()..).unwrap_or_default();
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::doctor::finding::State;
    use crate::settings::Indices;
    use serde_json::json;

    fn ours(dialect: Dialect) -> Value {
        let form = Form::new(&Elasticsearch::default(), &Indices::default());
        let server = Server { product: "elasticsearch", version: "8.19.21".into(), dialect };
        templates::template(Template::Span, &server, &form)
    }

    /// As 8.19.21 gives it back: settings as a tree of texts.
    fn given_back() -> Value {
        let mut body = ours(Dialect::Eight);
        body["template"]["settings"] = json!({ "index": {
            "mapping": { "nested_fields": { "limit": "50" } }, "requests": { "cache": { "enable": "true" } },
            "number_of_shards": "5", "number_of_replicas": "1",
        } });
        body["composed_of"] = json!([]);
        body
    }

    fn compared(change: impl FnOnce(&mut Value)) -> (State, String) {
        let mut there = given_back();
        change(&mut there);
        let finding = compare("template", &there, &ours(Dialect::Eight), &Elasticsearch::default());
        (finding.state, finding.seen)
    }

    #[test]
    fn what_a_server_gives_back_is_what_was_put() {
        assert_eq!(compared(|_| ()), (State::Ok, "there, as we would put it".into()));
    }

    #[test]
    fn differences_are_named() {
        let shards = compared(|body| body["template"]["settings"]["index"]["number_of_shards"] = json!("3"));
        assert_eq!(shards, (State::Warning, "settings.index.number_of_shards is 3 (ours: 5)".into()));
        let mapping = compared(|body| body["template"]["mappings"]["properties"]["tags"]["type"] = json!("object"));
        assert_eq!(mapping, (State::Wrong, "mappings.properties.tags.type is nothing (ours: nested)".into()));
        let more = compared(|body| body["template"]["mappings"]["properties"]["own"] = json!({ "type": "keyword" }));
        assert_eq!(more, (State::Warning, "it maps more than ours: mappings.properties.own.type".into()));
        let priority = compared(|body| body["priority"] = json!(9));
        assert_eq!(priority, (State::Warning, "priority is 9 (ours: 0)".into()));
    }

    fn rivals(composable: &[(&str, i64, &str)], legacy: &[(&str, i64, &str)]) -> Rivals {
        let list = |of: &[(&str, i64, &str)]| {
            of.iter()
                .map(|(name, priority, pattern)| Rival {
                    priority: *priority,
                    name: (*name).into(),
                    patterns: vec![(*pattern).into()],
                })
                .collect()
        };
        Rivals { composable: list(composable), legacy: list(legacy) }
    }

    #[test]
    fn the_template_that_wins_is_found() {
        let state = |priority, rivals: &Rivals| {
            shadow("jaeger-span", priority, rivals, Template::Span).map(|finding| finding.state)
        };
        let own = rivals(&[("jaeger-span", 0, "jaeger-span-*"), ("logs", 100, "logs-*")], &[("old", 0, "*")]);
        assert_eq!(state(Some(0), &own), None);
        let catch_all = rivals(&[("all", 1, "*")], &[]);
        assert_eq!((state(Some(0), &catch_all), state(Some(2), &catch_all)), (Some(State::Wrong), None));
        assert_eq!(state(None, &catch_all), Some(State::Wrong), "it beats a legacy one at any priority");
        let legacy = rivals(&[], &[("all", 1, "*"), ("jaeger-span", 0, "*jaeger-span-*")]);
        assert_eq!((state(None, &legacy), state(Some(0), &legacy)), (Some(State::Warning), None));
        let told = shadow("jaeger-span", Some(0), &catch_all, Template::Span).map(|finding| finding.mend);
        assert!(told.is_some_and(|mend| mend.contains("--es.prioirity-span-template to 2")));
    }

    #[test]
    fn lists_of_servers_are_read() {
        // Cut from answers of 8.19.21 and 6.8.23.
        let composable = json!({ "index_templates": [{ "name": "all", "index_template": { "index_patterns": ["*"], "priority": 1 } }] });
        let legacy = json!({ ".ml-anomalies-": { "order": 0, "index_patterns": [".ml-anomalies-*"] } });
        let read = read_rivals(&composable, &legacy);
        assert_eq!(read.composable, rivals(&[("all", 1, "*")], &[]).composable);
        assert_eq!(read.legacy, rivals(&[], &[(".ml-anomalies-", 0, ".ml-anomalies-*")]).legacy);
    }

    #[test]
    fn patterns_with_stars() {
        for (pattern, name) in
            [("*", "a"), ("a*", "ab"), ("*b", "ab"), ("a*c", "abc"), ("*b*", "abc"), ("abc", "abc"), ("a**c", "ac")]
        {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [("a", "ab"), ("b*", "ab"), ("*a", "ab"), ("a*b*c", "acb"), ("ab*ba", "aba")] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }
}
