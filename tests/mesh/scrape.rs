//! What Prometheus would read.

use std::collections::{BTreeMap, BTreeSet};

use crate::spaniel::Spaniel;

/// The samples of one scrape, by series as it is written.
pub(crate) type Scrape = BTreeMap<String, f64>;

/// One scrape; `None`: nobody answers.
pub(crate) fn scrape(spaniel: &Spaniel) -> Option<Scrape> {
    let answer = spaniel.client().get(spaniel.url("admin", "/metrics")).send().ok()?;
    assert_eq!(answer.status(), 200);
    Some(samples(&answer.text().unwrap()))
}

fn samples(text: &str) -> Scrape {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| line.rsplit_once(' ').unwrap())
        .map(|(series, value)| (series.into(), value.parse().unwrap()))
        .collect()
}

/// The name of a series.
pub(crate) fn name(series: &str) -> &str {
    series.split('{').next().unwrap()
}

/// The sum of the series of a name whose labels hold this text.
pub(crate) fn sum(scrape: &Scrape, of: &str, labels: &str) -> f64 {
    scrape.iter().filter(|(series, _)| name(series) == of && series.contains(labels)).map(|(_, value)| value).sum()
}

/// Every name that a query may use: those of samples, also of families that have no sample yet.
pub(crate) fn exposed(spaniel: &Spaniel) -> BTreeSet<String> {
    let text = spaniel.get("admin", "/metrics").text().unwrap();
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    types
        .flat_map(|(name, kind)| {
            let suffixes: &[&str] = if kind == "histogram" { &["_bucket", "_sum", "_count"] } else { &[""] };
            suffixes.iter().map(move |suffix| format!("{name}{suffix}"))
        })
        .collect()
}
