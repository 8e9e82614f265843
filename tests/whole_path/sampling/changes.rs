//! Rules that change while spans arrive.

use std::collections::BTreeMap;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

use spaniel::document::StoredValue;
use spaniel::span::TraceId;

use super::{SPANS, TRACE, h, page_load, send, settled, stored, trace_ids, with_file};
use crate::spaniel::{Spaniel, Start, until};

/// Traces of one request.
const TRACES: usize = 40;

/// Half of all traces, by a rule of this name.
fn half(name: &str) -> String {
    format!("rates: [{{ name: {name}, rate: 0.5 }}]")
}

fn start(rules: &str, flags: &[&str]) -> (Spaniel, String) {
    let (directory, file) = with_file("rules.yaml", rules);
    let rules = format!("--sampling.rules-file={file}");
    let flags = [&[rules.as_str(), "--sampling.rules-reload-interval=5ms"], flags].concat();
    (Start::embedded().flags(&flags).run_in(directory), file)
}

/// In one step, and waits until it was read.
fn change(spaniel: &Spaniel, file: &str, text: &str, result: &str, count: u32) {
    fs::write(format!("{file}.new"), text).unwrap();
    fs::rename(format!("{file}.new"), file).unwrap();
    reloads(spaniel, result, count);
}

fn reloads(spaniel: &Spaniel, result: &str, count: u32) {
    let line = format!("spaniel_sampling_rules_reloads_total{{result=\"{result}\"}} {count}");
    until(&line, || spaniel.get("admin", "/metrics").text().unwrap().contains(&line).then_some(()));
}

/// Sends requests until it is told to stop; the traces of each.
fn keep_sending(spaniel: &Spaniel, stop: &AtomicBool, seed: u64) -> Vec<Vec<TraceId>> {
    let (spans, mut sent) = (page_load(), Vec::new());
    while !stop.load(Ordering::Relaxed) || sent.is_empty() {
        let ids = trace_ids(TRACES, seed + sent.len() as u64);
        let of_trace = |id: &TraceId| {
            let id = format!("{:016x}{:016x}", id.high, id.low);
            spans.iter().map(|span| span.replace(TRACE, &id)).collect::<Vec<_>>().join(",")
        };
        let body = ids.iter().map(of_trace).collect::<Vec<_>>().join(",");
        assert_eq!(spaniel.post(format!("[{body}]")).status(), 202);
        sent.push(ids);
    }
    sent
}

/// Every request is judged by the rules before or by those after, never by both; files that cannot be
/// used change nothing; and the books have every span under the rule that took it.
#[test]
fn a_request_has_the_rules_before_or_those_after() {
    let (spaniel, file) = start(&half("one"), &["--sampling.annotate=all"]);
    let stop = AtomicBool::new(false);
    let sent = std::thread::scope(|scope| {
        let seeds = [1 << 32, 2 << 32];
        let senders = seeds.map(|seed| {
            scope.spawn({
                let (spaniel, stop) = (&spaniel, &stop);
                move || keep_sending(spaniel, stop, seed)
            })
        });
        for round in 0..8 {
            change(&spaniel, &file, &half(if round % 2 == 0 { "two" } else { "one" }), "good", round + 1);
            let bad = ["rates: [{ name: thr", "", "# to be written\n", "rates: [{ name: three, rate: 2 }]"];
            change(&spaniel, &file, bad[round as usize % bad.len()], "bad", round + 1);
        }
        stop.store(true, Ordering::Relaxed);
        senders.map(|sender| sender.join().unwrap()).concat()
    });
    let page = settled(&spaniel, Some(sent.len() * TRACES * SPANS));
    let traces = stored(spaniel, &sent.concat());
    let mut dropped = BTreeMap::<String, usize>::new();
    for ids in &sent {
        let kept: Vec<_> = ids.iter().filter_map(|id| traces.get(id)).collect();
        assert_eq!(kept.len(), ids.iter().filter(|id| h(**id) < 0.5).count());
        assert!(kept.iter().all(|spans| spans.len() == SPANS));
        let tags = kept
            .iter()
            .flat_map(|spans| spans.iter())
            .map(|span| span.tags.iter().find(|tag| tag.key == "spaniel.rule"));
        let rules: Vec<_> = tags.map(|tag| tag.unwrap().value.clone()).collect();
        assert!(rules.windows(2).all(|pair| pair[0] == pair[1]), "{rules:?}");
        let StoredValue::String(rule) = &rules[0] else { panic!("{:?}", rules[0]) };
        *dropped.entry(rule.to_string()).or_default() += (TRACES - kept.len()) * SPANS;
    }
    assert_eq!(page["sampled_out"], serde_json::json!(dropped));
    assert_eq!(dropped.len(), 2);
}

/// A file that was emptied is most likely being written; none is wanted only where that is said.
#[test]
fn no_rules_are_a_thing_that_is_written_out() {
    let (spaniel, file) = start("rates: [{ name: one, rate: 0 }]", &[]);
    let ids = trace_ids(20, 31);
    change(&spaniel, &file, "", "bad", 1);
    assert!(spaniel.log().contains("rules.yaml:1:1: the file is empty"), "{}", spaniel.log());
    send(&[&spaniel], &ids[..5], 1);
    fs::remove_file(&file).unwrap();
    reloads(&spaniel, "bad", 2);
    send(&[&spaniel], &ids[5..10], 1);
    change(&spaniel, &file, "rates: []", "good", 1);
    send(&[&spaniel], &ids[10..], 1);
    let page = settled(&spaniel, Some(20 * SPANS));
    assert_eq!(page["sampled_out"], serde_json::json!({ "one": 10 * SPANS }), "{page}");
    assert_eq!(page["stored"], 10 * SPANS, "{page}");
}
