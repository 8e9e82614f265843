//! `spaniel es init`: prepares a cluster, as jaeger's `es-rollover init` does.
//!
//! It finds the version, puts the templates (also with `--es.create-index-templates=false`, which is
//! a word to the collector), and with `--es.use-aliases` makes the first index of each kind and its
//! read and write alias. With `--es.use-ilm` the policy must be there before anything is put. What is
//! there already is left: running it again changes nothing. Other than es-rollover it points an alias
//! that is missing at the newest index and not at the first.

mod aliases;
#[cfg(test)]
mod tests;

use std::io::Write;

use serde_json::{Value, json};

use super::ask::{self, QuestionError};
use super::doctor::elasticsearch::policy;
use super::{CommandError, Outcome};
use crate::settings::Settings;
use crate::store::elasticsearch::templates::{self, Form, Template};
use crate::store::elasticsearch::{Cluster, Dialect, Method, Server};

pub(super) use aliases::{Family, generation};

/// The cluster is not as it has to be, and we must not mend it.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    #[error(
        "--es.use-ilm: the policy {policy} is not there: make it ({how}) and run this again; or leave out --es.use-ilm"
    )]
    Policy { policy: &'static str, how: String },
    #[error("--es.use-ilm: Jaeger has no life cycles for Elasticsearch 6: leave it out, and roll over by a timer")]
    Six,
    #[error(
        "{name} is an index and must be an alias: a collector wrote before the alias was made. Stop the collectors, copy \
         what you need with _reindex, remove it (DELETE /{name}), and run this again"
    )]
    Concrete { name: String },
    #[error(
        "the alias {alias} has {count} indices and no write index: set is_write_index of the newest by POST /_aliases, \
         and run this again"
    )]
    NoWriteIndex { alias: String, count: usize },
}

pub(super) async fn run(cluster: &Cluster, settings: &Settings, out: &mut dyn Write) -> Result<Outcome, CommandError> {
    let server = Server::ask(cluster, settings.elasticsearch.version).await?;
    writeln!(out, "{} {} at {}", server.product, server.version, cluster.place())?;
    if settings.elasticsearch.use_ilm {
        check_policy(cluster, server.dialect).await?;
        writeln!(out, "there     policy {}", templates::ILM_POLICY)?;
    }
    let form = Form::new(&settings.elasticsearch, &settings.indices);
    for (name, body) in bodies(&server, &form, settings.indices.use_aliases) {
        put_template(cluster, server.dialect, &name, &body, out).await?;
    }
    if !settings.indices.use_aliases {
        writeln!(out, "The cluster is prepared. Indices are made by the first document of their day.")?;
        return Ok(Outcome::Good);
    }
    for base in bases(&form) {
        aliases::prepare(cluster, &base, settings.elasticsearch.use_ilm, out).await?;
    }
    writeln!(out, "The cluster is prepared.")?;
    Ok(Outcome::Good)
}

async fn check_policy(cluster: &Cluster, dialect: Dialect) -> Result<(), CommandError> {
    if dialect == Dialect::Six {
        return Err(InitError::Six.into());
    }
    match ask::find(cluster, policy::path(dialect), &[]).await? {
        Some(_) => Ok(()),
        None => {
            let how = format!("PUT /{}", policy::path(dialect));
            Err(InitError::Policy { policy: templates::ILM_POLICY, how }.into())
        }
    }
}

/// The templates that are put, by name. With aliases there is one for the dependencies too, whose
/// index is made here and is written by Jaeger's Spark job.
fn bodies(server: &Server, form: &Form, with_dependencies: bool) -> Vec<(String, Value)> {
    let body = |template| (form.name(template), templates::template(template, server, form));
    let mut bodies: Vec<_> = Template::ALL.into_iter().map(body).collect();
    if with_dependencies {
        bodies.push((dependencies(form), dependencies_body(server, form)));
    }
    bodies
}

fn dependencies(form: &Form) -> String {
    format!("{}jaeger-dependencies", form.prefix)
}

/// As that of the services, without a mapping: it is made from the documents.
fn dependencies_body(server: &Server, form: &Form) -> Value {
    let service = format!("{}{}", form.prefix, Template::Service.name());
    let text = templates::template(Template::Service, server, form).to_string();
    let mut body: Value = serde_json::from_str(&text.replace(&service, &dependencies(form))).unwrap_or_default();
    let inner = if server.dialect == Dialect::Eight { &mut body["template"] } else { &mut body };
    inner["mappings"] = json!({});
    if let Some(settings) = inner["settings"].as_object_mut() {
        settings.remove("index.mapper.dynamic");
    }
    body
}

/// Of the indices with aliases.
fn bases(form: &Form) -> Vec<String> {
    let ours = Template::ALL.into_iter().map(|template| format!("{}{}", form.prefix, template.name()));
    ours.chain([dependencies(form)]).collect()
}

async fn put_template(
    cluster: &Cluster,
    dialect: Dialect,
    name: &str,
    body: &Value,
    out: &mut dyn Write,
) -> Result<(), CommandError> {
    let path = format!("{}/{name}", templates::endpoint(dialect));
    let before = ask::find(cluster, &path, &[]).await?;
    let put: Result<Value, QuestionError> = ask::send(cluster, Method::Put, &path, Some(body)).await;
    put?;
    let did = if before.is_some() { "put again" } else { "put" };
    writeln!(out, "{did:<9} template {name}")?;
    Ok(())
}
