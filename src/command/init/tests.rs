//! What is planned for clusters in every state; the answers are those of real servers, cut.

use serde_json::{Value, json};

use super::aliases::{Family, Plan, generation, plan};
use super::*;

fn family(answer: &Value) -> Family {
    Family::read("jaeger-span", answer)
}

fn planned(answer: &Value) -> Result<Plan, String> {
    plan(&family(answer)).map_err(|error| error.to_string())
}

fn there(index: &str, make_index: bool, add_write: bool, add_read: bool) -> Result<Plan, String> {
    Ok(Plan { index: index.into(), make_index, add_write, add_read })
}

#[test]
fn an_empty_cluster_gets_the_first_index_and_both_aliases() {
    assert_eq!(planned(&json!({})), there("jaeger-span-000001", true, true, true));
}

#[test]
fn what_is_there_is_left() {
    let done = json!({ "jaeger-span-000001": { "aliases": { "jaeger-span-read": {}, "jaeger-span-write": {} } } });
    assert_eq!(planned(&done), there("jaeger-span-000001", false, false, false));
    let rolled = json!({
        "jaeger-span-000001": { "aliases": { "jaeger-span-read": {}, "jaeger-span-write": { "is_write_index": false } } },
        "jaeger-span-000002": { "aliases": { "jaeger-span-read": {}, "jaeger-span-write": { "is_write_index": true } } },
    });
    assert_eq!(planned(&rolled), there("jaeger-span-000002", false, false, false));
}

#[test]
fn aliases_that_are_lost_go_to_the_newest_index() {
    let lost = json!({
        "jaeger-span-000009": { "aliases": {} },
        "jaeger-span-000010": { "aliases": {} },
        "jaeger-span-2025-12-03": { "aliases": {} },
        "jaeger-span-archive-000011": { "aliases": {} },
    });
    assert_eq!(planned(&lost), there("jaeger-span-000010", false, true, true));
}

#[test]
fn what_is_written_must_be_found() {
    let unread = json!({
        "jaeger-span-000001": { "aliases": { "jaeger-span-read": {} } },
        "jaeger-span-000002": { "aliases": { "jaeger-span-write": {} } },
    });
    assert_eq!(planned(&unread), there("jaeger-span-000002", false, false, true));
}

#[test]
fn an_index_with_the_name_of_an_alias_stops_it() {
    let concrete = json!({ "jaeger-span-write": { "aliases": {} } });
    assert!(planned(&concrete).is_err_and(|error| error.contains("DELETE /jaeger-span-write")));
    let many = json!({
        "jaeger-span-000001": { "aliases": { "jaeger-span-write": {} } },
        "jaeger-span-000002": { "aliases": { "jaeger-span-write": {} } },
    });
    assert!(planned(&many).is_err_and(|error| error.contains("is_write_index")));
}

#[test]
fn generations_have_six_digits() {
    assert_eq!(generation("jaeger-span", "jaeger-span-000012"), Some(12));
    assert_eq!(generation("jaeger-span", "jaeger-span-1000000"), Some(1_000_000));
    for other in ["jaeger-span-2025", "jaeger-span-2025-12-03", "jaeger-span-archive-000001", "jaeger-span-write"] {
        assert_eq!(generation("jaeger-span", other), None, "{other}");
    }
}

#[test]
fn dependencies_have_the_envelope_and_no_mapping() {
    let (elasticsearch, indices) = (crate::settings::Elasticsearch::default(), crate::settings::Indices::default());
    let form = Form::new(&elasticsearch, &indices);
    let eight = dependencies_body(&Server::given(8).unwrap(), &form);
    assert_eq!(eight["index_patterns"], json!(["jaeger-dependencies-*"]));
    assert_eq!(eight["template"]["mappings"], json!({}));
    assert_eq!(eight["template"]["settings"]["index.number_of_shards"], 5);
    let six = dependencies_body(&Server::given(6).unwrap(), &form);
    assert_eq!((&six["template"], &six["mappings"]), (&json!("*jaeger-dependencies-*"), &json!({})));
    assert!(six["settings"].get("index.mapper.dynamic").is_none());
}
