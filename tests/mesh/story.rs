//! A story of scrapes, one a minute, told to Prometheus' own evaluation of the rules.
//!
//! A test makes something happen to a real Spaniel and scrapes it as it goes; `promtool test rules`
//! evaluates the rules over exactly these samples and says which alerts fire. A minute of the story
//! is as long as a test takes: what depends on a state may stay as it is for as long as the alert
//! waits.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value as Json, json};

use crate::names::{metrics_of, queries};
use crate::scrape::{Scrape, name, scrape};
use crate::spaniel::Spaniel;
use crate::{deploy, read, yaml};

const RULES: &str = "helm/spaniel/files/alerts.yaml";

/// What a scrape of it has beside its own labels.
const TARGET: &str = r#"namespace="jaeger",pod="spaniel-0",job="spaniel",instance="10.0.0.1:14269""#;

/// Minute by minute; `None`: there was no such target.
#[derive(Debug, Default)]
pub(crate) struct Story(Vec<Option<Scrape>>);

/// `promtool`, or `None` where there is none and none is required.
pub(crate) fn promtool() -> Option<PathBuf> {
    let found = std::env::var_os("SPANIEL_PROMTOOL").map_or_else(|| "promtool".into(), PathBuf::from);
    if Command::new(&found).arg("--version").output().is_ok_and(|output| output.status.success()) {
        return Some(found);
    }
    assert!(std::env::var_os("SPANIEL_REQUIRE_PROMTOOL").is_none(), "there is no promtool");
    eprintln!("SKIPPED: there is no promtool on the path (Debian's package prometheus has it)");
    None
}

/// The rules, and of them the alerts.
pub(crate) fn rules() -> Vec<Json> {
    let file = yaml(&read(RULES));
    let groups = file["groups"].as_array().unwrap();
    groups.iter().flat_map(|group| group["rules"].as_array().unwrap().clone()).collect()
}

fn alerts() -> Vec<String> {
    rules().iter().filter_map(|rule| Some(rule["alert"].as_str()?.to_string())).collect()
}

impl Story {
    /// A minute passes, and it is scraped: `up` is 0 if it does not answer.
    pub(crate) fn minute(&mut self, spaniel: &Spaniel) -> &Scrape {
        let mut samples = scrape(spaniel).unwrap_or_default();
        samples.insert("up".into(), if samples.is_empty() { 0.0 } else { 1.0 });
        self.0.push(Some(samples));
        self.0.last().unwrap().as_ref().unwrap()
    }

    /// Nothing changes for so many minutes more.
    pub(crate) fn stays(&mut self, minutes: usize) {
        let last = self.0.last().unwrap().clone();
        self.0.extend(std::iter::repeat_n(last, minutes));
    }

    /// Its pod is gone for so many minutes, and so is the target.
    pub(crate) fn is_gone(&mut self, minutes: usize) {
        self.0.extend(std::iter::repeat_n(None, minutes));
    }

    /// The clock of a story begins in 1970: what says when the process began says so.
    pub(crate) fn begins_with_its_life(&mut self) {
        for samples in self.0.iter_mut().flatten() {
            samples.insert("process_start_time_seconds".into(), 0.0);
        }
    }

    /// At its end exactly these alerts fire.
    pub(crate) fn ends_with(&self, firing: &[&str]) {
        self.ends_with_perhaps(firing, &[]);
    }

    /// The same, and perhaps these others.
    pub(crate) fn ends_with_perhaps(&self, firing: &[&str], others: &[&str]) {
        let Some(promtool) = promtool() else { return };
        let mut known = alerts();
        known.retain(|alert| !others.contains(&alert.as_str()));
        let unknown: Vec<_> = firing.iter().filter(|alert| !known.iter().any(|known| known == *alert)).collect();
        assert!(unknown.is_empty(), "no such alerts: {unknown:?}");
        let names = rules().iter().flat_map(|rule| metrics_of(rule["expr"].as_str().unwrap())).collect();
        let expect = |alert: &String| {
            let expression = format!(r#"count(ALERTS{{alertname="{alert}",alertstate="firing"}})"#);
            (expression, firing.contains(&alert.as_str()))
        };
        let questions: Vec<_> = known.iter().map(expect).collect();
        self.judge(&promtool, &[deploy(RULES)], "1m", &names, &questions);
    }

    /// At its end this expression is true of one target, if each of its scrapes is 15 seconds after
    /// the one before.
    pub(crate) fn makes_true(&self, expression: &str) {
        let Some(promtool) = promtool() else { return };
        let question = (format!("count({expression})"), true);
        self.judge(&promtool, &[], "15s", &metrics_of(expression), &[question]);
    }

    /// Has promtool evaluate expressions at the end, each of which is 1 or nothing.
    fn judge(
        &self,
        promtool: &Path,
        rules: &[PathBuf],
        step: &str,
        names: &BTreeSet<String>,
        asked: &[(String, bool)],
    ) {
        let seconds = if step == "15s" { 15 } else { 60 };
        let expect = |(expression, holds): &(String, bool)| {
            let samples = if *holds { json!([{ "labels": "{}", "value": 1 }]) } else { json!([]) };
            let end = format!("{}s", (self.0.len() - 1) * seconds);
            json!({ "expr": expression, "eval_time": end, "exp_samples": samples })
        };
        let test = json!({
            "rule_files": rules,
            "evaluation_interval": step,
            "tests": [{
                "interval": step,
                "input_series": self.series(names),
                "promql_expr_test": asked.iter().map(expect).collect::<Json>(),
            }],
        });
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("story.json");
        std::fs::write(&file, test.to_string()).unwrap();
        let output = Command::new(promtool).args(["test", "rules"]).arg(&file).output().unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success(), "{said}");
    }

    /// Every series of these names.
    fn series(&self, wanted: &BTreeSet<String>) -> Vec<Json> {
        let minutes = || self.0.iter().flatten();
        let all: BTreeSet<&String> =
            minutes().flat_map(Scrape::keys).filter(|series| wanted.contains(name(series))).collect();
        let one = |series: &&String| {
            let mut values = String::new();
            for minute in &self.0 {
                match minute.as_ref().and_then(|samples| samples.get(*series)) {
                    // Writing into a string cannot fail.
                    Some(value) => write!(values, "{value} ").unwrap(),
                    None => values.push_str("_ "),
                }
            }
            json!({ "series": labelled(series), "values": values.trim_end() })
        };
        all.iter().map(one).collect()
    }
}

/// A series with the labels that Prometheus adds.
fn labelled(series: &str) -> String {
    match series.split_once('{') {
        Some((name, labels)) => format!("{name}{{{TARGET},{labels}"),
        None => format!("{series}{{{TARGET}}}"),
    }
}

/// The rules are well formed, and each fires in the tests written for it.
#[test]
fn promtool_takes_the_rules_and_their_tests() {
    let Some(promtool) = promtool() else { return };
    for arguments in [["check", RULES], ["test", "prometheus/alerts.test.yaml"]] {
        let output = Command::new(&promtool).args([arguments[0], "rules"]).arg(deploy(arguments[1])).output().unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success(), "{said}");
    }
}

/// As rules, for there promtool reads them.
#[test]
fn every_panel_asks_in_promql() {
    let Some(promtool) = promtool() else { return };
    let plain = |query: &str| query.replace("$__rate_interval", "5m").replace("$job", ".*").replace("$instance", ".*");
    let rule = |(place, (_, query)): (usize, (String, String))| json!({ "record": format!("panel:{place}"), "expr": plain(&query) });
    let rules: Json = queries().into_iter().enumerate().map(rule).collect();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("panels.json");
    std::fs::write(&file, json!({ "groups": [{ "name": "panels", "rules": rules }] }).to_string()).unwrap();
    let output = Command::new(promtool).args(["check", "rules"]).arg(&file).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Each alert is fired twice: in promtool's tests, and by what a real Spaniel exposes.
#[test]
fn every_alert_is_fired_in_both_ways() {
    let (tests, stories) = (read("prometheus/alerts.test.yaml"), include_str!("alerts.rs"));
    for alert in alerts() {
        assert!(tests.contains(&format!("\"{alert}: ")), "{alert} is not in alerts.test.yaml");
        assert!(stories.contains(&format!("\"{alert}\"")), "{alert} is not in tests/mesh/alerts.rs");
    }
}
