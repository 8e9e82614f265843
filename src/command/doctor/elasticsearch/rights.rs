//! Whether the user may do what a collector does.

use serde_json::{Value, json};

use crate::command::ask::{self, QuestionError};
use crate::command::doctor::finding::{Finding, few};
use crate::settings::{Elasticsearch, Indices};
use crate::store::elasticsearch::{Cluster, Dialect, Method};

pub(super) async fn examine(
    cluster: &Cluster,
    dialect: Dialect,
    elasticsearch: &Elasticsearch,
    indices: &Indices,
) -> Finding {
    let path = match dialect {
        // A security plugin that has no such question.
        Dialect::OpenSearch => {
            return Finding::ok("rights", "OpenSearch cannot be asked; the first bulk request shows them");
        }
        Dialect::Six => "_xpack/security/user/_has_privileges",
        Dialect::Seven | Dialect::Eight => "_security/user/_has_privileges",
    };
    let question = question(elasticsearch, indices);
    match ask::send(cluster, Method::Post, path, Some(&question)).await {
        Ok(answer) => judge(&answer),
        // Where nothing is guarded nobody answers.
        Err(QuestionError::Refused { status: 400 | 404 | 405 | 500, .. }) => {
            Finding::ok("rights", "security is switched off: everybody may do all")
        }
        Err(error) => Finding::unseen("rights", &error),
    }
}

fn question(elasticsearch: &Elasticsearch, indices: &Indices) -> Value {
    let mut cluster = vec!["monitor"];
    if elasticsearch.create_index_templates {
        cluster.push("manage_index_templates");
    }
    let mut rights = vec!["create_index", "index", "create", "read", "view_index_metadata"];
    if indices.use_aliases {
        rights.retain(|right| *right != "create_index");
    }
    let prefix = if indices.prefix.is_empty() { String::new() } else { format!("{}-", indices.prefix) };
    let names = [format!("{prefix}jaeger-span-*"), format!("{prefix}jaeger-service-*")];
    json!({ "cluster": cluster, "index": [{ "names": names, "privileges": rights }] })
}

fn judge(answer: &Value) -> Finding {
    let user = answer["username"].as_str().unwrap_or("the user");
    let mut missing = denied(&answer["cluster"], "cluster");
    for (names, rights) in answer["index"].as_object().into_iter().flatten() {
        missing.extend(denied(rights, names));
    }
    if missing.is_empty() {
        return Finding::ok("rights", format!("{user} may do what is needed"));
    }
    let seen = format!("{user} lacks {}", missing.join(", "));
    Finding::wrong("rights", seen, format!("give the role of {user} these privileges: {}", few(&missing)))
}

fn denied(rights: &Value, of: &str) -> Vec<String> {
    let rights = rights.as_object().into_iter().flatten();
    rights.filter(|(_, granted)| **granted == false).map(|(right, _)| format!("{right} ({of})")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::doctor::finding::State;

    #[test]
    fn rights_that_are_lacking_are_named() {
        let answer = json!({
            "username": "writer", "has_all_requested": false,
            "cluster": { "monitor": true, "manage_index_templates": false },
            "index": { "jaeger-span-*": { "create": true, "create_index": false } },
        });
        let finding = judge(&answer);
        assert_eq!(finding.state, State::Wrong);
        assert_eq!(finding.seen, "writer lacks manage_index_templates (cluster), create_index (jaeger-span-*)");
        let all = json!({ "username": "writer", "cluster": { "monitor": true }, "index": {} });
        assert_eq!(judge(&all).state, State::Ok);
    }

    #[test]
    fn what_is_asked_follows_the_settings() {
        let asked = |create_index_templates, use_aliases| {
            let elasticsearch = Elasticsearch { create_index_templates, ..Elasticsearch::default() };
            question(&elasticsearch, &Indices { use_aliases, prefix: "prod".into(), ..Indices::default() }).to_string()
        };
        let plain = asked(true, false);
        assert!(
            plain.contains("manage_index_templates")
                && plain.contains("create_index\"")
                && plain.contains("prod-jaeger-span-*")
        );
        let prepared = asked(false, true);
        assert!(!prepared.contains("manage_index_templates") && !prepared.contains("create_index\""));
    }
}
