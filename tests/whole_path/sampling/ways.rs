//! The ways of sampling: Zipkin's rate, files of rules that change, weights, and what is refused.

use std::fs;

use spaniel::document::StoredValue;

use super::{SPANS, h, send, settled, stored, trace_ids, with_file};
use crate::spaniel::{Start, until};

/// Zipkin's boundary for a quarter, of its own making.
const QUARTER: i64 = 2_305_843_009_213_693_952;

#[test]
fn zipkins_rate_keeps_the_traces_that_zipkin_keeps() {
    let spaniel = Start::embedded().environment("COLLECTOR_SAMPLE_RATE", "0.25").run();
    let ids = trace_ids(500, 9);
    send(&[&spaniel], &ids, 10);
    let debug = r#"[{"traceId":"7fffffffffffffff","id":"1","debug":true,"timestamp":1795237706605522}]"#;
    assert_eq!(spaniel.post(debug).status(), 202);
    let is_kept = |low: u64| low.cast_signed().checked_abs().unwrap_or(i64::MAX) <= QUARTER;
    let kept = ids.iter().filter(|id| is_kept(id.low)).count();
    let page = settled(&spaniel, Some(ids.len() * SPANS + 1));
    assert_eq!(page["sampled_out"]["collector-sample-rate"], (ids.len() - kept) * SPANS, "{page}");
    let traces = stored(spaniel, &ids);
    assert_eq!(traces.len(), kept);
    assert!(traces.iter().all(|(id, spans)| is_kept(id.low) && spans.len() == SPANS));
}

/// A span that is kept says why, and for how many traces it stands, if that is asked for.
#[test]
fn kept_spans_carry_their_rule_and_weight() {
    let (directory, file) = with_file("rules.yaml", "rates: [{ name: mesh, rate: 0.4 }]");
    let rules = format!("--sampling.rules-file={file}");
    let flags = [rules.as_str(), "--sampling.annotate=all", "--sampling.head-rate=0.5"];
    let spaniel = Start::embedded().flags(&flags).run_in(directory);
    let ids = trace_ids(50, 11);
    send(&[&spaniel], &ids, 12);
    settled(&spaniel, Some(ids.len() * SPANS));
    let traces = stored(spaniel, &ids);
    // Of what the head has left, four fifths, so that two fifths of all are kept.
    assert_eq!(traces.len(), ids.iter().filter(|id| h(**id) < 0.8).count());
    for span in traces.values().flatten() {
        let tag = |key| span.tags.iter().find(|tag| tag.key == key).map(|tag| tag.value.clone());
        assert_eq!(tag("spaniel.rule"), Some(StoredValue::String("mesh".into())));
        assert_eq!(tag("spaniel.weight"), Some(StoredValue::Float64(2.5)));
    }
}

/// New rules hold without a restart; a file that cannot be used changes nothing, and is told of.
#[test]
fn rules_are_read_again_when_they_change() {
    let (directory, file) = with_file("rules.yaml", "rates: [{ name: one, rate: 0 }]");
    let flags = [format!("--sampling.rules-file={file}"), "--sampling.rules-reload-interval=20ms".into()];
    let spaniel = Start::embedded().flags(&flags.each_ref().map(String::as_str)).run_in(directory);
    let ids = trace_ids(30, 13);
    let reloads = |result: &str, count: u32| {
        let line = format!("spaniel_sampling_rules_reloads_total{{result=\"{result}\"}} {count}");
        until(&line, || spaniel.get("admin", "/metrics").text().unwrap().contains(&line).then_some(()));
    };
    send(&[&spaniel], &ids[..10], 14);
    // At once, as mounted files change: one that is written in place is empty for a moment.
    let write = |text: &str| {
        fs::write(format!("{file}.new"), text).unwrap();
        fs::rename(format!("{file}.new"), &file).unwrap();
    };
    write("rates: [{ name: two, rate: 2 }]");
    reloads("bad", 1);
    send(&[&spaniel], &ids[10..20], 14);
    assert!(spaniel.log().contains("rules.yaml:1:28: a rate is a share from 0 to 1"), "{}", spaniel.log());
    write("rates: [{ name: three, rate: 0 }]");
    reloads("good", 1);
    send(&[&spaniel], &ids[20..], 14);
    let page = settled(&spaniel, Some(30 * SPANS));
    assert_eq!(page["sampled_out"], serde_json::json!({ "one": 20 * SPANS, "three": 10 * SPANS }), "{page}");
}

#[test]
fn rules_that_cannot_be_used_stop_the_start_with_their_places() {
    let (_directory, file) =
        with_file("rules.yaml", "keep:\n  - { name: errors, when: \"eror\" }\nrates: [{ name: x, rate: 3 }]");
    let ended = Start::embedded().flags(&[&format!("--sampling.rules-file={file}")]).fails();
    assert_eq!(ended.code, Some(1));
    for told in [
        "2 places need mending",
        "rules.yaml:2:27: rule `errors`, character 1: unknown field `eror`",
        "rules.yaml:3:26:",
    ] {
        assert!(ended.stderr.contains(told), "{told}: {}", ended.stderr);
    }
}

/// Each way decides by a number of its own.
#[test]
fn two_ways_of_sampling_at_once_are_refused() {
    let (_directory, file) = with_file("rules.yaml", "rates: [{ name: mesh, rate: 0.5 }]");
    let rules = format!("--sampling.rules-file={file}");
    let ratio = "--downsampling.ratio=0.5";
    for start in [
        Start::embedded().flags(&[ratio, &rules]),
        Start::embedded().flags(&[ratio]).environment("COLLECTOR_SAMPLE_RATE", "0.5"),
        Start::embedded().flags(&[&rules]).environment("COLLECTOR_SAMPLE_RATE", "0.5"),
    ] {
        let ended = start.fails();
        let told = format!("{}{}", ended.stdout, ended.stderr);
        assert!(ended.code == Some(1) && told.contains("a second way of sampling"), "{told}");
    }
    let ended = Start::embedded().flags(&["--sampling.enforce=true"]).fails();
    assert!(ended.stdout.contains("set --sampling.strategies-file too"), "{}", ended.stdout);
}
