//! The configurations of the page for operators, as they stand there.

use std::fs;

use serde_json::Value as Json;

use super::{SPANS, h, page_load, send, settled, stored, trace_ids};
use crate::spaniel::{Spaniel, Start, folder};

const PAGE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/sampling.md"));

/// The files of a section: each is a block of code whose first line is a comment with its name, or,
/// where the form knows no comments, stands after its name.
fn files(section: &str) -> Vec<(String, String)> {
    let rest = PAGE.split(&format!("\n### {section}\n")).nth(1).unwrap_or_else(|| panic!("no section {section}"));
    let text = rest.split("\n### ").next().unwrap().split("\n## ").next().unwrap();
    let mut files = Vec::new();
    for (index, block) in text.split("```").enumerate().filter(|(index, _)| index % 2 == 1) {
        let content = block.split_once('\n').unwrap().1;
        let before = text.split("```").nth(index - 1).unwrap();
        let name = before.rsplit('`').nth(1).unwrap_or_default();
        files.push((name.to_string(), content.to_string()));
    }
    files
}

/// A Spaniel with the files of a section in its folder and the settings file among them.
fn configured(section: &str) -> Spaniel {
    let directory = folder();
    let files = files(section);
    for (name, content) in &files {
        fs::write(directory.path().join(name), content).unwrap();
    }
    assert!(files.iter().any(|(name, _)| name == "spaniel.yaml"), "{files:?}");
    Start::embedded().flags(&["--config-file=spaniel.yaml"]).run_in(directory)
}

/// A span of the page load that is changed in this way, under its own trace id.
fn changed(span: usize, id: &str, changes: &[(&str, &str)]) -> String {
    let mut text = page_load()[span].replace(super::TRACE, id);
    for (from, to) in changes {
        assert!(text.contains(from), "{from}: {text}");
        text = text.replace(from, to);
    }
    text
}

fn sampled_out(page: &Json) -> Vec<(&str, u64)> {
    let counts = page["sampled_out"].as_object().unwrap();
    counts.iter().map(|(rule, count)| (rule.as_str(), count.as_u64().unwrap())).collect()
}

#[test]
fn one_rate_for_the_mesh_keeps_whole_traces() {
    let spaniel = configured("One rate for the mesh");
    let ids = trace_ids(1000, 15);
    send(&[&spaniel], &ids, 16);
    let page = settled(&spaniel, Some(ids.len() * SPANS));
    let kept = ids.iter().filter(|id| h(**id) < 0.05).count();
    assert_eq!(sampled_out(&page), [("mesh", ((ids.len() - kept) * SPANS) as u64)]);
    let traces = stored(spaniel, &ids);
    assert_eq!(traces.len(), kept);
    assert!(kept > 0 && traces.values().all(|spans| spans.len() == SPANS));
}

#[test]
fn strategies_by_service_are_enforced_and_probes_dropped() {
    let spaniel = configured("Rates by service, and no probes");
    let ids = trace_ids(600, 17);
    send(&[&spaniel], &ids, 18);
    // A probe that would be kept otherwise, and one that failed.
    let kept = ids.iter().find(|id| h(**id) < 0.05).unwrap();
    let (low, name) =
        (format!("{:016x}{:016x}", kept.high, kept.low), "\"name\":\"details.default.svc.cluster.local:9080/*\"");
    let server =
        page_load().iter().position(|span| span.contains("\"SERVER\"") && span.contains("details.default")).unwrap();
    let url = page_load()[server].split("\"http.url\":\"").nth(1).unwrap().split('"').next().unwrap().to_string();
    let probe = changed(server, &low, &[(name, "\"name\":\"probe\""), (&url, "http://details:9080/healthz")]);
    let failed = probe.replace("\"http.status_code\":\"200\"", "\"http.status_code\":\"503\"");
    assert_eq!(spaniel.post(format!("[{probe}]")).status(), 202);
    assert_eq!(spaniel.post(format!("[{failed}]")).status(), 202);
    let page = settled(&spaniel, Some(ids.len() * SPANS + 2));
    // The gateway has two spans of the nine, productpage three, details one, reviews two, ratings one.
    let dropped = |share: f64| ids.iter().filter(|id| h(**id) >= share).count() as u64;
    let by_strategies = dropped(0.1) * (2 + 3 + 1) + dropped(0.5) * 2 + dropped(0.1);
    assert_eq!(sampled_out(&page), [("probes", 2), ("strategies", by_strategies)]);
}

#[test]
fn errors_and_slow_spans_are_kept_over_a_low_base() {
    let spaniel = configured("Errors and slow spans over a low base");
    let ids = trace_ids(500, 19);
    send(&[&spaniel], &ids, 20);
    let gone = ids.iter().find(|id| h(**id) >= 0.5).unwrap();
    let id = format!("{:016x}{:016x}", gone.high, gone.low);
    let failed = changed(5, &id, &[("\"http.status_code\":\"200\"", "\"http.status_code\":\"503\"")]);
    let slow = changed(6, &id, &[("\"duration\":", "\"duration\":999")]);
    let flagged = changed(7, &id, &[("\"response_flags\":\"-\"", "\"response_flags\":\"UF,URX\"")]);
    assert_eq!(spaniel.post(format!("[{failed},{slow},{flagged}]")).status(), 202);
    let page = settled(&spaniel, Some(ids.len() * SPANS + 3));
    let kept = ids.iter().filter(|id| h(**id) < 0.01).count();
    assert_eq!(sampled_out(&page), [("mesh", ((ids.len() - kept) * SPANS) as u64)]);
    assert!(spaniel.log().contains("keeps the spans with"), "{}", spaniel.log());
    // Told honestly: of its trace nothing else is there.
    let traces = stored(spaniel, &[*gone]);
    assert_eq!(traces[gone].len(), 3);
}
