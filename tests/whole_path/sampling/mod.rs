//! Sampling by rules and by strategies that are enforced, of a page load that Envoys traced: nine
//! spans of five services, sent again and again under fresh trace ids.

mod changes;
mod document;
mod explain;
mod room;
mod ways;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::hash::Hasher;
use std::sync::Arc;

use serde_json::Value as Json;
use spaniel::document::StoredSpan;
use spaniel::span::TraceId;
use tempfile::TempDir;

use crate::embedded::spans_of;
use crate::jaeger_golden::data;
use crate::reading::{Traces, by_trace};
use crate::spaniel::{Spaniel, Start, folder};

/// The captured bodies of one page load, a body for each of five pods.
const BODIES: [&str; 5] = [
    "envoy/065-bookinfo-json-one-ingressgateway.json",
    "envoy/066-bookinfo-json-one-productpage.json",
    "envoy/067-bookinfo-json-one-details.json",
    "envoy/068-bookinfo-json-one-reviews-v3.json",
    "envoy/069-bookinfo-json-one-ratings.json",
];
const TRACE: &str = "bf0c6964044100de6a8bcf05bcaa167b";
const SPANS: usize = 9;

/// A span of the page load as Envoy wrote it.
type Spans = Vec<String>;

fn page_load() -> Spans {
    let spans = BODIES.iter().flat_map(|body| {
        let text = String::from_utf8(data(body)).unwrap();
        let list: Vec<Box<serde_json::value::RawValue>> = serde_json::from_str(&text).unwrap();
        list.into_iter().map(|span| span.get().to_string()).collect::<Vec<_>>()
    });
    let spans: Spans = spans.collect();
    assert_eq!(spans.len(), SPANS);
    spans
}

/// SplitMix64.
fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn trace_ids(count: usize, mut seed: u64) -> Vec<TraceId> {
    let id = || TraceId { high: random(&mut seed), low: random(&mut seed) };
    std::iter::repeat_with(id).take(count).collect()
}

/// h of the default hash, from another crate's FNV-1a and MurmurHash3's finaliser.
fn h(id: TraceId) -> f64 {
    let mut hasher = fnv::FnvHasher::default();
    hasher.write(b"downsampling-default-salt");
    hasher.write(&(u128::from(id.high) << 64 | u128::from(id.low)).to_be_bytes());
    let mut hash = hasher.finish();
    for factor in [0xff51_afd7_ed55_8ccd_u64, 0xc4ce_b9fe_1a85_ec53] {
        hash = (hash ^ (hash >> 33)).wrapping_mul(factor);
    }
    (hash ^ (hash >> 33)) as f64 / 2f64.powi(64)
}

/// Sends the page load under these ids, each span to one of the Spaniels by chance; many spans a
/// request.
fn send(spaniels: &[&Spaniel], ids: &[TraceId], seed: u64) {
    let (spans, mut chance) = (page_load(), seed);
    for chunk in ids.chunks(200) {
        let mut bodies = vec![Vec::new(); spaniels.len()];
        for id in chunk {
            let id = format!("{:016x}{:016x}", id.high, id.low);
            for span in &spans {
                bodies[random(&mut chance) as usize % spaniels.len()].push(span.replace(TRACE, &id));
            }
        }
        for (spaniel, body) in spaniels.iter().zip(bodies) {
            assert_eq!(spaniel.post(format!("[{}]", body.join(","))).status(), 202);
        }
    }
}

/// The page of Zipkin's JSON, of which all is settled; what came is what was kept and dropped.
fn settled(spaniel: &Spaniel, received: Option<usize>) -> Json {
    let books = spaniel.settled_books();
    let page = books["spans"]["zipkin-json"].clone();
    if let Some(received) = received {
        assert_eq!(page["received"], received, "{page}");
    }
    let dropped: u64 = page["sampled_out"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(page["stored"].as_u64().unwrap() + dropped, page["received"].as_u64().unwrap(), "{page}");
    page
}

/// Stops a Spaniel; what its store has of these traces.
fn stored(spaniel: Spaniel, ids: &[TraceId]) -> Traces {
    let directory = spaniel.stop();
    let spans = ids.chunks(1000).flat_map(|ids| spans_of(&directory.path().join("spaniel-data"), ids));
    by_trace(spans)
}

/// A folder with this file in it, and the path of the file.
fn with_file(name: &str, content: &str) -> (Arc<TempDir>, String) {
    let directory = folder();
    let path = directory.path().join(name);
    fs::write(&path, content).unwrap();
    (directory, path.display().to_string())
}

/// Within three standard deviations of the share that was wanted.
fn assert_share(kept: usize, of: usize, wanted: f64) {
    let deviation = (of as f64 * wanted * (1.0 - wanted)).sqrt();
    assert!((kept as f64 - of as f64 * wanted).abs() <= 3.0 * deviation, "{kept} of {of}, not {wanted}");
}

fn services(spans: &[StoredSpan]) -> BTreeSet<&str> {
    spans.iter().map(|span| span.process.service.as_str()).collect()
}

/// So many traces; more with `SPANIEL_SAMPLED_TRACES`.
fn many() -> usize {
    std::env::var("SPANIEL_SAMPLED_TRACES").map_or(3000, |count| count.parse().unwrap())
}

const TENTH: &str = r#"{"default_strategy": {"type": "probabilistic", "param": 0.2}}"#;

/// What jaeger-collector cannot do for a mesh: the file acts on Envoy's spans, and traces are whole.
#[test]
fn strategies_are_applied_to_what_envoys_send() {
    let (directory, file) = with_file("strategies.json", TENTH);
    let strategies = format!("--sampling.strategies-file={file}");
    let spaniel = Start::embedded().flags(&[&strategies, "--sampling.enforce=true"]).run_in(directory);
    let ids = trace_ids(many(), 1);
    send(&[&spaniel], &ids, 2);
    let kept: BTreeSet<_> = ids.iter().filter(|id| h(**id) < 0.2).copied().collect();
    let page = settled(&spaniel, Some(ids.len() * SPANS));
    assert_eq!(page["sampled_out"]["strategies"], (ids.len() - kept.len()) * SPANS, "{page}");
    assert!(spaniel.log().contains("this rule can leave holes in traces"), "{}", spaniel.log());
    assert!(!spaniel.log().contains("has no effect on them"));
    let metrics = spaniel.get("admin", "/metrics").text().unwrap();
    let counted =
        format!("spaniel_sampling_spans_total{{rule=\"strategies\",verdict=\"kept\"}} {}", kept.len() * SPANS);
    assert!(metrics.contains(&counted), "{counted}");
    let traces = stored(spaniel, &ids);
    assert_eq!(traces.keys().copied().collect::<BTreeSet<_>>(), kept);
    assert!(traces.values().all(|spans| spans.len() == SPANS));
    assert_share(traces.len(), ids.len(), 0.2);
}

/// And if they are not applied that is said, once.
#[test]
fn strategies_that_have_no_effect_on_envoys_are_told_of_once() {
    let (directory, file) = with_file("strategies.json", TENTH);
    let spaniel = Start::embedded().flags(&[&format!("--sampling.strategies-file={file}")]).run_in(directory);
    // Spans of an application are nobody's worry.
    assert_eq!(spaniel.post(crate::made::request(1, 3, 0)).status(), 202);
    assert!(!spaniel.log().contains("has no effect on them"));
    let ids = trace_ids(20, 3);
    send(&[&spaniel], &ids[..10], 4);
    send(&[&spaniel], &ids[10..], 4);
    assert_eq!(settled(&spaniel, None)["stored"], 20 * SPANS + 3);
    assert_eq!(spaniel.log().matches("has no effect on them").count(), 1, "{}", spaniel.log());
}

const RATES: &str = "
rates:
  - { name: mesh, rate: 0.1 }
  - { name: reviews, rate: 0.4, when: \"service == 'reviews.default'\" }
  - { name: ratings, rate: 0.7, when: \"service == 'ratings.default'\" }
";

/// The services whose rates are larger than h, which is all that the traces of a Spaniel have.
fn nested(id: TraceId) -> BTreeSet<&'static str> {
    let rates = [
        ("istio-ingressgateway.istio-system", 0.1),
        ("productpage.default", 0.1),
        ("details.default", 0.1),
        ("reviews.default", 0.4),
        ("ratings.default", 0.7),
    ];
    rates.into_iter().filter(|(_, rate)| h(id) < *rate).map(|(service, _)| service).collect()
}

/// Three replicas, and each span goes to one of them by chance: none knows of the others. With one
/// rate each trace is whole over all of them or nowhere; with rates by service its parts nest, and
/// every replica explains every hole.
#[test]
fn replicas_that_know_nothing_of_each_other_agree() {
    for (rules, is_whole) in [("rates: [{ name: mesh, rate: 0.1 }]", true), (RATES, false)] {
        let replicas: Vec<_> = (0..3)
            .map(|_| {
                let (directory, file) = with_file("rules.yaml", rules);
                Start::embedded().flags(&[&format!("--sampling.rules-file={file}")]).run_in(directory)
            })
            .collect();
        let ids = trace_ids(400, 5);
        send(&replicas.iter().collect::<Vec<_>>(), &ids, 6);
        let pages: Vec<_> = replicas.iter().map(|replica| settled(replica, None)).collect();
        let received: u64 = pages.iter().map(|page| page["received"].as_u64().unwrap()).sum();
        assert_eq!(received, (ids.len() * SPANS) as u64);
        for id in &ids[..40] {
            explain::accounts_for(&replicas[0], *id, is_whole.then_some(0.1));
        }
        let mut traces: BTreeMap<TraceId, Vec<StoredSpan>> = BTreeMap::new();
        for replica in replicas {
            for (id, spans) in stored(replica, &ids) {
                traces.entry(id).or_default().extend(spans);
            }
        }
        for id in &ids {
            let spans = traces.remove(id).unwrap_or_default();
            if is_whole {
                assert_eq!(spans.len(), if h(*id) < 0.1 { SPANS } else { 0 }, "{id:?}");
            } else {
                assert_eq!(services(&spans), nested(*id), "{id:?}");
            }
        }
    }
}
