//! Whether the aliases are as `--es.use-aliases` needs them, or out of the way without it.

use crate::command::ask::QuestionError;
use crate::command::doctor::finding::{Finding, few};
use crate::command::init::Family;

const INIT: &str = "`spaniel es init` with the same settings makes them";

pub(super) fn judge(family: Result<Family, QuestionError>, base: &str, use_aliases: bool) -> Vec<Finding> {
    match family {
        Err(error) => vec![Finding::unseen(format!("aliases of {base}"), &error)],
        Ok(family) if use_aliases => used(&family),
        Ok(family) => unused(&family).into_iter().collect(),
    }
}

fn used(family: &Family) -> Vec<Finding> {
    let (write, read) = (family.write_alias(), family.read_alias());
    let what = format!("aliases of {}", family.base);
    let concrete: Vec<_> = [&write, &read].into_iter().filter(|name| family.is_concrete(name)).cloned().collect();
    if !concrete.is_empty() {
        let seen =
            format!("{} is an index and must be an alias: something wrote before the alias was made", few(&concrete));
        let mend = "stop the collectors, copy what you need with _reindex, delete it, then `spaniel es init`";
        return vec![Finding::wrong(what, seen, mend)];
    }
    let written = family.with(&write);
    let Some(index) = family.write_index() else {
        return vec![if written.is_empty() {
            Finding::wrong(what, format!("{write} is missing: spans wait"), INIT)
        } else {
            let names: Vec<_> = written.iter().map(ToString::to_string).collect();
            let seen = format!("{write} has no write index among {}: spans wait", few(&names));
            Finding::wrong(what, seen, "set is_write_index of the newest by POST /_aliases")
        }];
    };
    let readable = family.with(&read);
    if !readable.contains(&index) {
        let seen = format!("{index} is written and has not the alias {read}: what is written is not found");
        return vec![Finding::wrong(what, seen, INIT)];
    }
    let mut findings = vec![Finding::ok(what, format!("{index} is written, {} indices are read", readable.len()))];
    findings.extend(newer(family, index));
    findings
}

/// After a restore or a hand at work the alias may stay behind.
fn newer(family: &Family, index: &str) -> Option<Finding> {
    let newest = family.newest().filter(|newest| *newest > index && newest.len() >= index.len())?;
    let seen = format!("{index} is written though {newest} is newer");
    Some(Finding::warning(
        format!("aliases of {}", family.base),
        seen,
        "move the alias by POST /_aliases, or delete the other index",
    ))
}

fn unused(family: &Family) -> Option<Finding> {
    let write = family.write_alias();
    let indices = family.with(&write);
    let there = !indices.is_empty() || family.is_concrete(&write);
    let seen = format!("{write} exists, and --es.use-aliases is not set: spans go to an index of their day");
    there.then(|| {
        Finding::warning(
            format!("aliases of {}", family.base),
            seen,
            "set --es.use-aliases if collector and query are to use them",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::doctor::finding::State;
    use serde_json::{Value, json};

    fn judged(answer: &Value, use_aliases: bool) -> Vec<(State, String)> {
        let family = Family::read("jaeger-span", answer);
        judge(Ok(family), "jaeger-span", use_aliases).into_iter().map(|finding| (finding.state, finding.seen)).collect()
    }

    #[test]
    fn aliases_in_use() {
        let both = json!({ "aliases": { "jaeger-span-read": {}, "jaeger-span-write": {} } });
        let good = json!({ "jaeger-span-000001": both });
        assert_eq!(judged(&good, true), [(State::Ok, "jaeger-span-000001 is written, 1 indices are read".to_string())]);
        let two = json!({ "jaeger-span-000001": both, "jaeger-span-000002": both });
        let cases = [
            (json!({}), "jaeger-span-write is missing"),
            (json!({ "jaeger-span-write": { "aliases": {} } }), "jaeger-span-write is an index"),
            (two, "no write index among jaeger-span-000001, jaeger-span-000002"),
            (
                json!({ "jaeger-span-000001": { "aliases": { "jaeger-span-write": {} } } }),
                "has not the alias jaeger-span-read",
            ),
        ];
        for (answer, told) in cases {
            let found = judged(&answer, true);
            assert!(found.len() == 1 && found[0].0 == State::Wrong && found[0].1.contains(told), "{told}: {found:?}");
        }
        let behind = json!({ "jaeger-span-000001": both, "jaeger-span-000002": { "aliases": {} } });
        assert_eq!(judged(&behind, true)[1].0, State::Warning);
    }

    #[test]
    fn aliases_that_nobody_uses() {
        assert_eq!(judged(&json!({ "jaeger-span-2026-11-21": { "aliases": {} } }), false), []);
        let there = json!({ "jaeger-span-000001": { "aliases": { "jaeger-span-write": {} } } });
        assert_eq!(judged(&there, false)[0].0, State::Warning);
    }
}
