//! Index templates: what makes a new index map spans as Jaeger's reader needs them.
//!
//! They must exist before the first document of an index, or the server guesses, and every search
//! fails. Names, patterns, settings and mappings are those of jaeger-collector 1.76.

use bytes::Bytes;
use serde_json::{Value, json};

use super::{Cluster, Dialect, Method, Server, TransportError};
use crate::settings::{Elasticsearch, Indices};

/// The policy that index life cycle management follows, by Jaeger's convention.
pub const ILM_POLICY: &str = "jaeger-ilm-policy";

/// Longest text that is indexed as a keyword; longer values are stored, but not found.
const IGNORE_ABOVE: u32 = 256;

/// Which documents a template is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Template {
    Span,
    Service,
}

impl Template {
    pub const ALL: [Template; 2] = [Template::Span, Template::Service];

    /// The name without prefix: of the template, and of its indices before the date.
    pub fn name(self) -> &'static str {
        match self {
            Template::Span => "jaeger-span",
            Template::Service => "jaeger-service",
        }
    }

    fn document_type(self) -> &'static str {
        match self {
            Template::Span => "span",
            Template::Service => "service",
        }
    }

    fn properties(self) -> Value {
        match self {
            Template::Span => span_properties(),
            Template::Service => json!({ "serviceName": keyword(), "operationName": keyword() }),
        }
    }
}

/// What an operator may choose of a template.
#[derive(Debug, Clone)]
pub struct Form {
    /// With its trailing dash, or empty.
    pub prefix: String,
    pub shards: u32,
    pub replicas: u32,
    /// Of composable templates only.
    pub span_priority: i64,
    pub service_priority: i64,
    /// The policy, when indices are rolled over by the server.
    pub ilm_policy: Option<String>,
}

impl Form {
    /// As the settings say; the same prefix as that of the indices.
    pub fn new(settings: &Elasticsearch, indices: &Indices) -> Self {
        let prefix = indices.prefix.strip_suffix('-').unwrap_or(&indices.prefix);
        Form {
            prefix: if prefix.is_empty() { String::new() } else { format!("{prefix}-") },
            shards: settings.num_shards,
            replicas: settings.num_replicas,
            span_priority: settings.priority_span_template,
            service_priority: settings.priority_service_template,
            ilm_policy: settings.use_ilm.then(|| ILM_POLICY.to_string()),
        }
    }
}

/// A template was not taken.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    #[error(transparent)]
    Transport(#[from] TransportError),
    #[error("the index template {name} was answered with {status}: {excerpt}")]
    Refused { name: String, status: u16, excerpt: String },
}

/// Puts all templates; those that exist are replaced.
pub async fn install(cluster: &Cluster, server: &Server, form: &Form) -> Result<(), TemplateError> {
    for template in Template::ALL {
        let name = format!("{}{}", form.prefix, template.name());
        let path = format!("{}/{name}", endpoint(server.dialect));
        let body = Bytes::from(self::template(template, server.dialect, form).to_string());
        let answer = cluster.call(Method::Put, &path, &[], Some(body)).await?;
        if !answer.is_good() {
            return Err(TemplateError::Refused { name, status: answer.status, excerpt: answer.excerpt() });
        }
    }
    Ok(())
}

/// False if the cluster says that one of the templates is not there; true also if it does not say.
pub async fn are_there(cluster: &Cluster, server: &Server, form: &Form) -> bool {
    for template in Template::ALL {
        let path = format!("{}/{}{}", endpoint(server.dialect), form.prefix, template.name());
        if cluster.call(Method::Head, &path, &[], None).await.is_ok_and(|answer| answer.status == 404) {
            return false;
        }
    }
    true
}

/// Where templates of this dialect are put.
pub fn endpoint(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Six | Dialect::Seven | Dialect::OpenSearch => "_template",
        Dialect::Eight => "_index_template",
    }
}

/// The body of a template.
pub fn template(template: Template, dialect: Dialect, form: &Form) -> Value {
    let base = format!("{}{}", form.prefix, template.name());
    // The leading star of the legacy form is Jaeger's; a composable one would overlap others.
    let (plain, starred) = (format!("{base}-*"), format!("*{base}-*"));
    let settings = settings(dialect, form, &base);
    match dialect {
        Dialect::Six => json!({ "template": starred, "settings": settings, "mappings": typed_mappings(template) }),
        Dialect::Seven | Dialect::OpenSearch => {
            let mut body = json!({ "index_patterns": [starred], "settings": settings, "mappings": mappings(template) });
            add_aliases(&mut body, form, &base);
            body
        }
        Dialect::Eight => {
            let priority = match template {
                Template::Span => form.span_priority,
                Template::Service => form.service_priority,
            };
            let mut inner = json!({ "settings": settings, "mappings": mappings(template) });
            add_aliases(&mut inner, form, &base);
            json!({ "priority": priority, "index_patterns": [plain], "template": inner })
        }
    }
}

fn settings(dialect: Dialect, form: &Form, base: &str) -> Value {
    let mut settings = json!({
        "index.number_of_shards": form.shards,
        "index.number_of_replicas": form.replicas,
        "index.mapping.nested_fields.limit": 50,
        "index.requests.cache.enable": true,
    });
    let alias = format!("{base}-write");
    match (dialect, &form.ilm_policy) {
        // Jaeger has no life cycles for Elasticsearch 6.
        (Dialect::Six, _) => settings["index.mapper.dynamic"] = json!(false),
        (_, None) => {}
        (Dialect::OpenSearch, Some(_)) => settings["plugins.index_state_management.rollover_alias"] = json!(alias),
        (Dialect::Seven | Dialect::Eight, Some(policy)) => {
            settings["lifecycle"] = json!({ "name": policy, "rollover_alias": alias });
        }
    }
    settings
}

fn add_aliases(body: &mut Value, form: &Form, base: &str) {
    if form.ilm_policy.is_some() {
        let mut aliases = serde_json::Map::new();
        aliases.insert(format!("{base}-read"), json!({}));
        body["aliases"] = Value::Object(aliases);
    }
}

fn mappings(template: Template) -> Value {
    json!({ "dynamic_templates": dynamic_templates(), "properties": template.properties() })
}

fn typed_mappings(template: Template) -> Value {
    let mut mappings = serde_json::Map::new();
    let default = json!({ "_all": { "enabled": false }, "dynamic_templates": dynamic_templates() });
    mappings.insert("_default_".into(), default);
    mappings.insert(template.document_type().into(), json!({ "properties": template.properties() }));
    Value::Object(mappings)
}

/// Tags that were made fields are keywords, whatever the first value looked like.
fn dynamic_templates() -> Value {
    json!([
        { "span_tags_map": { "mapping": keyword(), "path_match": "tag.*" } },
        { "process_tags_map": { "mapping": keyword(), "path_match": "process.tag.*" } },
    ])
}

fn span_properties() -> Value {
    json!({
        "traceID": keyword(),
        "parentSpanID": keyword(),
        "spanID": keyword(),
        "operationName": keyword(),
        "startTime": { "type": "long" },
        "startTimeMillis": { "type": "date", "format": "epoch_millis" },
        "duration": { "type": "long" },
        "flags": { "type": "integer" },
        "references": nested(&json!({ "refType": keyword(), "traceID": keyword(), "spanID": keyword() })),
        "tags": tags(),
        "tag": { "type": "object" },
        "logs": nested(&json!({ "timestamp": { "type": "long" }, "fields": tags() })),
        "process": {
            "properties": { "serviceName": keyword(), "tag": { "type": "object" }, "tags": tags() }
        },
    })
}

fn keyword() -> Value {
    json!({ "type": "keyword", "ignore_above": IGNORE_ABOVE })
}

fn nested(properties: &Value) -> Value {
    json!({ "type": "nested", "dynamic": false, "properties": properties })
}

fn tags() -> Value {
    nested(&json!({ "key": keyword(), "value": keyword(), "type": keyword() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form() -> Form {
        Form { prefix: "prod-".into(), shards: 3, replicas: 0, span_priority: 7, service_priority: 8, ilm_policy: None }
    }

    #[test]
    fn each_dialect_has_its_envelope() {
        let six = template(Template::Span, Dialect::Six, &form());
        assert_eq!(six["template"], "*prod-jaeger-span-*");
        assert_eq!(six["mappings"]["span"]["properties"]["tags"]["type"], "nested");
        assert_eq!(six["settings"]["index.mapper.dynamic"], false);
        let seven = template(Template::Service, Dialect::Seven, &form());
        assert_eq!(seven["index_patterns"], json!(["*prod-jaeger-service-*"]));
        assert_eq!(seven["mappings"]["properties"]["serviceName"]["type"], "keyword");
        assert_eq!(seven["settings"]["index.number_of_shards"], 3);
        assert!(seven.get("priority").is_none());
        let eight = template(Template::Service, Dialect::Eight, &form());
        assert_eq!(eight["index_patterns"], json!(["prod-jaeger-service-*"]));
        assert_eq!(
            (&eight["priority"], &eight["template"]["settings"]["index.number_of_replicas"]),
            (&json!(8), &json!(0))
        );
    }

    #[test]
    fn life_cycles_are_named_as_each_product_wants() {
        let form = Form { ilm_policy: Some(ILM_POLICY.into()), ..form() };
        let eight = &template(Template::Span, Dialect::Eight, &form)["template"];
        let wanted = json!({ "name": "jaeger-ilm-policy", "rollover_alias": "prod-jaeger-span-write" });
        assert_eq!(eight["settings"]["lifecycle"], wanted);
        assert_eq!(eight["aliases"], json!({ "prod-jaeger-span-read": {} }));
        let open = template(Template::Span, Dialect::OpenSearch, &form);
        assert!(open["settings"].get("lifecycle").is_none());
        let alias = &open["settings"]["plugins.index_state_management.rollover_alias"];
        assert_eq!(
            (alias, &open["aliases"]),
            (&json!("prod-jaeger-span-write"), &json!({ "prod-jaeger-span-read": {} }))
        );
        let six = template(Template::Span, Dialect::Six, &form);
        assert!(six.get("aliases").is_none() && six["settings"].get("lifecycle").is_none());
    }
}
