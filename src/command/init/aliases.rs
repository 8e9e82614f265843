//! The first index of a kind, and its read and write alias.

use std::collections::BTreeMap;
use std::io::Write;

use serde_json::{Value, json};

use super::super::CommandError;
use super::super::ask::{self, QuestionError};
use super::InitError;
use crate::store::elasticsearch::{Cluster, Method};

/// The indices of a kind, such as `jaeger-span`, and their aliases.
#[derive(Debug, Clone, Default)]
pub(crate) struct Family {
    pub(crate) base: String,
    /// The aliases of each concrete index: their names, and whether it is the write index.
    indices: BTreeMap<String, BTreeMap<String, bool>>,
}

impl Family {
    pub(crate) async fn ask(cluster: &Cluster, base: &str) -> Result<Self, QuestionError> {
        let answer = ask::find(cluster, &format!("{base}-*/_alias"), &[]).await?;
        Ok(Family::read(base, &answer.unwrap_or_default()))
    }

    /// Of the answer to `GET base-*/_alias`.
    pub(crate) fn read(base: &str, answer: &Value) -> Self {
        let mut indices = BTreeMap::new();
        for (index, inner) in answer.as_object().into_iter().flatten() {
            let aliases = inner["aliases"].as_object().into_iter().flatten();
            let aliases = aliases.map(|(name, alias)| (name.clone(), alias["is_write_index"] == true));
            indices.insert(index.clone(), aliases.collect());
        }
        Family { base: base.to_string(), indices }
    }

    pub(crate) fn write_alias(&self) -> String {
        format!("{}-write", self.base)
    }

    pub(crate) fn read_alias(&self) -> String {
        format!("{}-read", self.base)
    }

    pub(crate) fn is_concrete(&self, name: &str) -> bool {
        self.indices.contains_key(name)
    }

    /// Indices that have an alias.
    pub(crate) fn with(&self, alias: &str) -> Vec<&str> {
        let having = self.indices.iter().filter(|(_, aliases)| aliases.contains_key(alias));
        having.map(|(index, _)| index.as_str()).collect()
    }

    /// The index that documents for the write alias go to: the only one, or the one that is marked.
    pub(crate) fn write_index(&self) -> Option<&str> {
        let alias = self.write_alias();
        match self.with(&alias).as_slice() {
            [only] => Some(only),
            many => {
                let marked =
                    |index: &&&str| self.indices.get(**index).and_then(|aliases| aliases.get(&alias)) == Some(&true);
                many.iter().find(marked).copied()
            }
        }
    }

    /// The index of the highest generation, `jaeger-span-000003`.
    pub(crate) fn newest(&self) -> Option<&str> {
        let numbered = self.indices.keys().filter_map(|index| Some((generation(&self.base, index)?, index)));
        numbered.max().map(|(_, index)| index.as_str())
    }
}

/// The number of an index that was made by rolling over: six digits or more.
pub(crate) fn generation(base: &str, index: &str) -> Option<u64> {
    let digits = index.strip_prefix(base)?.strip_prefix('-')?;
    (digits.len() >= 6 && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| digits.parse().ok())?
}

/// What is missing of a family.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// Where documents go.
    pub(super) index: String,
    pub(super) make_index: bool,
    pub(super) add_write: bool,
    pub(super) add_read: bool,
}

pub(super) fn plan(family: &Family) -> Result<Plan, InitError> {
    let (write, read) = (family.write_alias(), family.read_alias());
    for name in [&write, &read] {
        if family.is_concrete(name) {
            return Err(InitError::Concrete { name: name.clone() });
        }
    }
    let count = family.with(&write).len();
    if count > 1 && family.write_index().is_none() {
        return Err(InitError::NoWriteIndex { alias: write, count });
    }
    let first = format!("{}-000001", family.base);
    let there = family.write_index().or_else(|| family.newest());
    let index = there.unwrap_or(&first).to_string();
    // What is written must be found: the index that is written has the read alias too.
    let add_read = !family.with(&read).contains(&index.as_str());
    Ok(Plan { make_index: there.is_none(), add_write: count == 0, add_read, index })
}

/// Makes what is missing, and says what was there.
pub(super) async fn prepare(
    cluster: &Cluster,
    base: &str,
    mark: bool,
    out: &mut dyn Write,
) -> Result<(), CommandError> {
    let mut family = Family::ask(cluster, base).await?;
    let plan = plan(&family)?;
    let index = &plan.index;
    if plan.make_index {
        make_index(cluster, index).await?;
        // With a life cycle its template has given it the read alias.
        family = Family::ask(cluster, base).await?;
    }
    writeln!(out, "{:<9} index {index}", done(plan.make_index))?;
    let add_read = plan.add_read && !family.with(&family.read_alias()).contains(&index.as_str());
    let mut actions = Vec::new();
    if add_read {
        actions.push(json!({ "add": { "index": index, "alias": family.read_alias() } }));
    }
    if plan.add_write && mark {
        actions.push(json!({ "add": { "index": index, "alias": family.write_alias(), "is_write_index": true } }));
    } else if plan.add_write {
        actions.push(json!({ "add": { "index": index, "alias": family.write_alias() } }));
    }
    if !actions.is_empty() {
        ask::send(cluster, Method::Post, "_aliases", Some(&json!({ "actions": actions }))).await?;
    }
    writeln!(out, "{:<9} alias {} of {index}", done(plan.add_read), family.read_alias())?;
    writeln!(out, "{:<9} alias {} of {index}", done(plan.add_write), family.write_alias())?;
    Ok(())
}

fn done(made: bool) -> &'static str {
    if made { "made" } else { "there" }
}

/// Somebody else may make it at this moment: that is as good.
async fn make_index(cluster: &Cluster, index: &str) -> Result<(), QuestionError> {
    match ask::send(cluster, Method::Put, index, None).await {
        Err(QuestionError::Refused { excerpt, .. }) if excerpt.contains("resource_already_exists_exception") => Ok(()),
        made => made.map(drop),
    }
}
