//! `spaniel es doctor`: examines a cluster, changes nothing, and says what to mend.
//!
//! What could not be looked at, for want of rights or because a version does not know the question, is
//! said and is not wrong.

mod aliases;
mod cluster;
mod mappings;
mod names;
mod nodes;
pub(in crate::command) mod policy;
mod rights;
mod templates;

use super::finding::Finding;
use crate::clock::Clock;
use crate::command::CommandError;
use crate::command::init::Family;
use crate::settings::Settings;
use crate::store::elasticsearch::templates::{Form, Template};
use crate::store::elasticsearch::{Cluster, Server};

/// What is found in the cluster of these settings.
pub(super) async fn findings(settings: &Settings, clock: &Clock) -> Result<Vec<Finding>, CommandError> {
    let reached = nodes::reach(&settings.elasticsearch).await?;
    let mut findings = reached.findings;
    if let Some(cluster) = &reached.cluster {
        let version = settings.elasticsearch.version;
        if let Some(server) = nodes::version(cluster, version, &mut findings).await {
            examine(cluster, &server, settings, clock, &mut findings).await;
        }
    }
    Ok(findings)
}

async fn examine(cluster: &Cluster, server: &Server, settings: &Settings, clock: &Clock, findings: &mut Vec<Finding>) {
    let (elasticsearch, indices) = (&settings.elasticsearch, &settings.indices);
    let form = Form::new(elasticsearch, indices);
    findings.push(rights::examine(cluster, server.dialect, elasticsearch, indices).await);
    cluster::examine(cluster, elasticsearch, indices, findings).await;
    nodes::clocks(cluster, clock, findings).await;
    nodes::limits(cluster, elasticsearch.bulk_size, findings).await;
    templates::examine(cluster, server, elasticsearch, &form, findings).await;
    if elasticsearch.use_ilm {
        findings.push(policy::examine(cluster, server.dialect).await);
    }
    for template in Template::ALL {
        let base = format!("{}{}", form.prefix, template.name());
        findings.extend(aliases::judge(Family::ask(cluster, &base).await, &base, indices.use_aliases));
        mappings::examine(cluster, server.dialect, &base, template, findings).await;
        names::examine(cluster, &base, &indices.date_separator, clock, findings).await;
        cluster::index_blocks(cluster, &format!("{base}-*"), findings).await;
    }
}
