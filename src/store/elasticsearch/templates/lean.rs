//! The template of spans in the lean layout: what jaeger-query asks for, and nothing else.
//!
//! It promises that jaeger-query 1.76 and 2.20 find and show what they would over Jaeger's own
//! template, but for the fields of logs. For that `tags`, `process.tags` and `logs.fields` are
//! mapped as nested, though they hold nothing or little: a search for a tag asks these paths too,
//! and where one is not nested the whole search fails.
//!
//! What is left out, and why nobody misses it:
//! - `references` and `logs` are kept and not indexed. Nobody searches references. Below `logs`,
//!   which is disabled, `fields` is declared nested, which satisfies the search and makes no
//!   documents; with `--es.lean.search-logs` they are made, one a field and none a log.
//! - `startTime`, `spanID` and `parentSpanID` are sorted by, summed up and asked for being there,
//!   for which doc values do: nobody looks for a value of theirs.
//! - Tags are looked up and never summed up: they have no doc values.
//!
//! The template goes by a name of its own and above Jaeger's. With the legacy API both apply, and
//! this one wins where they differ, so that every difference is said: what is left out here would
//! come back from there.

use serde_json::{Value, json};

use super::{
    Form, IGNORE_ABOVE, Template, TemplateError, add_aliases, dynamic_templates, endpoint, nested, settings,
    span_properties, typed,
};
use crate::settings::Lean;
use crate::store::elasticsearch::{Cluster, Dialect, Method, Server};

/// How far above Jaeger's template this one stands.
const ABOVE: i64 = 100;

/// Fields of the mapping that are no tags, and room for more of Jaeger's.
const OTHER_FIELDS: usize = 100;

/// New spans are found after so long. Not set, it is one second while someone searches, and a
/// small segment each time; half a minute costs no less that could be measured.
const REFRESH: &str = "5s";

/// The name of the template.
pub(super) fn name(prefix: &str) -> String {
    format!("{prefix}{}-lean", Template::Span.name())
}

/// The body of the template.
pub(super) fn template(server: &Server, form: &Form, layout: Lean) -> Value {
    let base = format!("{}{}", form.prefix, Template::Span.name());
    let pattern = format!("{base}-*");
    let order = form.span_priority.saturating_add(ABOVE);
    let settings = lean_settings(server, form, layout, &base);
    let mappings = mappings(layout);
    // Without Jaeger's leading star: it would take the indices of other prefixes too.
    match server.dialect {
        Dialect::Six => {
            let mappings = typed(Template::Span, mappings);
            json!({ "order": order, "index_patterns": [pattern], "settings": settings, "mappings": mappings })
        }
        Dialect::Seven | Dialect::OpenSearch => {
            let mut body =
                json!({ "order": order, "index_patterns": [pattern], "settings": settings, "mappings": mappings });
            add_aliases(&mut body, form, &base);
            body
        }
        Dialect::Eight => {
            let mut inner = json!({ "settings": settings, "mappings": mappings });
            add_aliases(&mut inner, form, &base);
            json!({ "priority": order, "index_patterns": [pattern], "template": inner })
        }
    }
}

/// Takes the template away, so that Jaeger's holds again. That it cannot be done must not stop the
/// writing: most users of the default layout never had one, and may not have the right.
pub(super) async fn remove(cluster: &Cluster, dialect: Dialect, form: &Form) -> Result<(), TemplateError> {
    let name = name(&form.prefix);
    let answer = cluster.call(Method::Delete, &format!("{}/{name}", endpoint(dialect)), &[], None).await?;
    match answer.status {
        404 => {}
        _ if answer.is_good() => tracing::info!(%name, "removed the template of the lean layout"),
        status => {
            let excerpt = answer.excerpt();
            tracing::debug!(%name, status, %excerpt, "cannot tell whether there is a template of the lean layout");
        }
    }
    Ok(())
}

fn lean_settings(server: &Server, form: &Form, layout: Lean, base: &str) -> Value {
    let mut settings = settings(server.dialect, form, base);
    settings["index.number_of_shards"] = json!(layout.num_shards);
    settings["index.refresh_interval"] = json!(REFRESH);
    settings["index.codec"] = json!("best_compression");
    // A name may be one of a span's tag and of a process's.
    settings["index.mapping.total_fields.limit"] = json!(2 * layout.max_fields + OTHER_FIELDS);
    if ignores_fields_beyond_the_limit(server) {
        settings["index.mapping.total_fields.ignore_dynamic_beyond_limit"] = json!(true);
    }
    settings
}

/// Elasticsearch 8.14 and later can keep a field beyond the limit without indexing it. Others
/// refuse the document.
fn ignores_fields_beyond_the_limit(server: &Server) -> bool {
    let mut numbers = server.version.split('.').map_while(|number| number.parse::<u32>().ok());
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    server.dialect == Dialect::Eight && version >= (8, 14)
}

fn mappings(layout: Lean) -> Value {
    let looked_up = json!({ "type": "keyword", "ignore_above": IGNORE_ABOVE, "doc_values": false });
    let sorted_by = json!({ "type": "keyword", "ignore_above": IGNORE_ABOVE, "index": false });
    let kept = json!({ "type": "keyword", "ignore_above": IGNORE_ABOVE, "index": false, "doc_values": false });
    let listed = nested(&json!({ "key": looked_up, "value": looked_up, "type": kept }));
    let mut properties = span_properties();
    properties["startTime"] = json!({ "type": "long", "index": false });
    properties["spanID"] = sorted_by.clone();
    properties["parentSpanID"] = sorted_by;
    properties["flags"] = json!({ "type": "integer", "index": false, "doc_values": false });
    properties["references"] = json!({ "type": "object", "enabled": false });
    properties["tags"] = listed.clone();
    properties["process"]["properties"]["tags"] = listed.clone();
    properties["logs"] = logs(layout, &listed);
    json!({ "dynamic_templates": dynamic_templates(&looked_up), "properties": properties })
}

fn logs(layout: Lean, listed: &Value) -> Value {
    if layout.search_logs {
        let timestamp = json!({ "type": "long", "index": false, "doc_values": false });
        return json!({ "type": "object", "dynamic": false, "properties": { "timestamp": timestamp, "fields": listed } });
    }
    json!({ "type": "object", "enabled": false, "properties": { "fields": listed } })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Layout;
    use crate::store::elasticsearch::templates;

    const LEAN: Lean = Lean { num_shards: 2, max_fields: 300, search_logs: false };

    fn form(layout: Lean) -> Form {
        let (replicas, ilm_policy) = (0, Some(templates::ILM_POLICY.into()));
        let prefix = "prod-".into();
        let layout = Layout::Lean(layout);
        Form { prefix, shards: 5, replicas, span_priority: 7, service_priority: 8, ilm_policy, layout }
    }

    fn server(version: &str, dialect: Dialect) -> Server {
        Server { product: "elasticsearch", version: version.into(), dialect }
    }

    fn body(version: &str, dialect: Dialect) -> Value {
        templates::template(Template::Span, &server(version, dialect), &form(LEAN))
    }

    #[test]
    fn it_has_a_name_of_its_own_and_stands_above_jaegers() {
        assert_eq!(form(LEAN).name(Template::Span), "prod-jaeger-span-lean");
        assert_eq!(form(LEAN).name(Template::Service), "prod-jaeger-service");
        for (version, dialect) in
            [("6.8.23", Dialect::Six), ("7.17.29", Dialect::Seven), ("3.8.0", Dialect::OpenSearch)]
        {
            assert_eq!(body(version, dialect)["order"], 107);
            assert_eq!(body(version, dialect)["index_patterns"], json!(["prod-jaeger-span-*"]));
        }
        assert_eq!(body("8.19.21", Dialect::Eight)["priority"], 107);
        assert_eq!(body("6.8.23", Dialect::Six)["mappings"]["span"]["properties"]["logs"]["enabled"], false);
    }

    #[test]
    fn services_keep_jaegers_template() {
        let server = server("8.19.21", Dialect::Eight);
        let jaeger = Form { layout: Layout::Jaeger, ..form(LEAN) };
        let body = |form| templates::template(Template::Service, &server, form);
        assert_eq!(body(&form(LEAN)), body(&jaeger));
    }

    #[test]
    fn the_settings_are_those_for_traces() {
        let settings = |version, dialect| body(version, dialect)["template"]["settings"].clone();
        let eight = settings("8.19.21", Dialect::Eight);
        assert_eq!(eight["index.number_of_shards"], 2);
        assert_eq!(eight["index.mapping.total_fields.limit"], 700);
        assert_eq!(eight["index.mapping.total_fields.ignore_dynamic_beyond_limit"], true);
        assert_eq!(eight["lifecycle"]["rollover_alias"], "prod-jaeger-span-write");
        for version in ["8.13.4", "8"] {
            let old = settings(version, Dialect::Eight);
            assert!(old.get("index.mapping.total_fields.ignore_dynamic_beyond_limit").is_none(), "{version}");
        }
        assert!(settings("9", Dialect::Eight).to_string().contains("ignore_dynamic_beyond_limit"));
    }

    #[test]
    fn logs_are_kept_or_searched_and_always_nested_where_a_search_asks() {
        let kept = mappings(LEAN)["properties"]["logs"].clone();
        assert_eq!((&kept["type"], &kept["enabled"]), (&json!("object"), &json!(false)));
        let searched = mappings(Lean { search_logs: true, ..LEAN })["properties"]["logs"].clone();
        assert_eq!((&searched["type"], searched.get("enabled")), (&json!("object"), None));
        assert_eq!(kept["properties"]["fields"], searched["properties"]["fields"]);
        assert_eq!(kept["properties"]["fields"]["type"], "nested");
    }
}
