//! Whether indices that exist are mapped as Jaeger's reader needs it.
//!
//! An index that came before its template has mappings that the server guessed: text instead of
//! keywords, objects instead of nested ones, numbers instead of dates. Searches in it fail or find
//! nothing, and one such index spoils a search over many.

use serde_json::Value;

use crate::command::ask;
use crate::command::doctor::finding::{Finding, few};
use crate::store::elasticsearch::templates::Template;
use crate::store::elasticsearch::{Cluster, Dialect};

/// Fields that searches name, and the type that these need. Tags are nested though a layout may
/// leave them empty, as a search names their paths all the same.
const SPAN: &[(&str, &str)] = &[
    ("traceID", "keyword"),
    ("operationName", "keyword"),
    ("process.serviceName", "keyword"),
    ("startTime", "long"),
    ("startTimeMillis", "date"),
    ("duration", "long"),
    ("tags", "nested"),
    ("process.tags", "nested"),
    ("logs.fields", "nested"),
];
const SERVICE: &[(&str, &str)] = &[("serviceName", "keyword"), ("operationName", "keyword")];

fn needed(template: Template) -> &'static [(&'static str, &'static str)] {
    if template.name().contains("service") { SERVICE } else { SPAN }
}

pub(super) async fn examine(
    cluster: &Cluster,
    dialect: Dialect,
    base: &str,
    template: Template,
    findings: &mut Vec<Finding>,
) {
    let what = format!("mappings of {base}");
    // Only types: an index with tags as fields has thousands of fields that do not matter here.
    let fields: Vec<String> = needed(template).iter().map(|(path, _)| field_filter(dialect, path)).collect();
    let fields = format!("*.mappings.dynamic,{}", fields.join(","));
    let path = format!("{base}-*/_mapping");
    match ask::find(cluster, &path, &[("filter_path", &fields), ("ignore_unavailable", "true")]).await {
        Ok(answer) => {
            let names = super::names::of(cluster, base).await.unwrap_or_default();
            findings.push(judge(&what, &answer.unwrap_or_default(), &names, dialect, base, template));
        }
        Err(error) => findings.push(Finding::unseen(what, &error)),
    }
}

/// The place of a field's type: `process.tags` is `properties.process.properties.tags.type`.
fn field_filter(dialect: Dialect, path: &str) -> String {
    let kind = if dialect == Dialect::Six { "*." } else { "" };
    format!("*.mappings.{kind}properties.{}.type", path.replace('.', ".properties."))
}

/// `names` are those of all indices: one without any mapping does not stand in the answer.
fn judge(what: &str, answer: &Value, names: &[String], dialect: Dialect, base: &str, template: Template) -> Finding {
    let ours: Vec<&String> = names.iter().filter(|index| !index.starts_with(&format!("{base}-archive"))).collect();
    let bad: Vec<String> = ours
        .iter()
        .filter_map(|index| {
            let mappings = &answer[index.as_str()]["mappings"];
            let mappings = match (dialect, mappings.as_object()) {
                // Under the name of its type.
                (Dialect::Six, Some(types)) => {
                    types.values().find(|inner| inner.get("properties").is_some()).unwrap_or(mappings)
                }
                _ => mappings,
            };
            let wrong: Vec<String> = needed(template)
                .iter()
                .filter_map(|(path, wanted)| {
                    let found = type_of(mappings, path);
                    (found != *wanted).then(|| format!("{path} is {found}, not {wanted}"))
                })
                .collect();
            (!wrong.is_empty()).then(|| format!("{index}: {}", few(&wrong)))
        })
        .collect();
    if bad.is_empty() {
        return Finding::ok(what, format!("{} indices, all as the reader needs them", ours.len()));
    }
    let mend = "they were made without the template, and searches over them fail: see that the template is there, then \
                reindex or delete them";
    Finding::wrong(what, format!("{} of {} indices: {}", bad.len(), ours.len(), few(&bad)), mend)
}

fn type_of<'a>(mappings: &'a Value, path: &str) -> &'a str {
    let found = path.split('.').try_fold(mappings, |value, part| value.get("properties")?.get(part));
    match found {
        Some(field) => field["type"].as_str().unwrap_or("object"),
        None => "missing",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::doctor::finding::State;
    use crate::settings::{Elasticsearch, Indices};
    use crate::store::elasticsearch::Server;
    use crate::store::elasticsearch::templates::{self, Form};
    use serde_json::json;

    fn judged(template: Template, dialect: Dialect, mappings: &Value) -> Finding {
        let base = template.name();
        let answer = json!({ "an-index": { "mappings": mappings } });
        judge("mappings", &answer, &["an-index".into()], dialect, base, template)
    }

    #[test]
    fn what_our_templates_make_is_right() {
        let form = Form::new(&Elasticsearch::default(), &Indices::default());
        for template in Template::ALL {
            let eight = &templates::template(template, &Server::given(8).unwrap(), &form)["template"]["mappings"];
            assert_eq!(judged(template, Dialect::Eight, eight).state, State::Ok);
            let six = &templates::template(template, &Server::given(6).unwrap(), &form)["mappings"];
            assert_eq!(judged(template, Dialect::Six, six).state, State::Ok);
        }
    }

    #[test]
    fn what_a_server_guesses_is_wrong() {
        let guessed = json!({ "properties": {
            "traceID": { "type": "text" }, "startTimeMillis": { "type": "long" },
            "tags": { "properties": { "key": { "type": "text" } } },
        } });
        let finding = judged(Template::Span, Dialect::Eight, &guessed);
        assert_eq!(finding.state, State::Wrong);
        assert!(finding.seen.contains("an-index: traceID is text, not keyword"), "{}", finding.seen);
    }

    #[test]
    fn archives_are_not_ours_and_no_index_is_fine() {
        let names = ["jaeger-span-archive-000001".to_string()];
        let finding = judge("mappings", &json!({}), &names, Dialect::Eight, "jaeger-span", Template::Span);
        assert_eq!((finding.state, finding.seen.as_str()), (State::Ok, "0 indices, all as the reader needs them"));
    }

    #[test]
    fn only_types_are_asked_for() {
        assert_eq!(field_filter(Dialect::Eight, "process.tags"), "*.mappings.properties.process.properties.tags.type");
        assert_eq!(field_filter(Dialect::Six, "traceID"), "*.mappings.*.properties.traceID.type");
    }
}
