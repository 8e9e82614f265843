//! The policy of index life cycles.

use crate::command::ask;
use crate::command::doctor::finding::Finding;
use crate::store::elasticsearch::templates::ILM_POLICY;
use crate::store::elasticsearch::{Cluster, Dialect};

/// Where a cluster has it.
pub(crate) fn path(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::OpenSearch => "_plugins/_ism/policies/jaeger-ilm-policy",
        Dialect::Six | Dialect::Seven | Dialect::Eight => "_ilm/policy/jaeger-ilm-policy",
    }
}

pub(super) async fn examine(cluster: &Cluster, dialect: Dialect) -> Finding {
    let what = format!("policy {ILM_POLICY}");
    if dialect == Dialect::Six {
        let mend = "leave out --es.use-ilm and roll over by a timer";
        return Finding::wrong(what, "Jaeger has no life cycles for Elasticsearch 6", mend);
    }
    match ask::find(cluster, path(dialect), &[]).await {
        Ok(Some(_)) => Finding::ok(what, "there"),
        Ok(None) => {
            Finding::wrong(what, "missing: indices are never rolled over", format!("make it: PUT /{}", path(dialect)))
        }
        Err(error) => Finding::unseen(what, &error),
    }
}
