//! The writer against real servers, and what it writes found again by their own search.
#![expect(clippy::expect_used, reason = "a test that cannot go on has failed")]

#[path = "elasticsearch/aliases.rs"]
mod aliases;
#[path = "elasticsearch/limits.rs"]
mod limits;
#[path = "elasticsearch/mending.rs"]
mod mending;
#[path = "elasticsearch/secure.rs"]
mod secure;
#[path = "elasticsearch/site.rs"]
mod site;
mod support;

use serde_json::json;
use spaniel::item::Verdict;
use spaniel::store::Writer as _;
use support::releases::{self, Release};
use support::server::{self, Server};

use site::{SPANS, Site, batch, golden, golden_spans};

#[test]
fn elasticsearch_6_6() {
    all(releases::ES_6_6);
}

#[test]
fn elasticsearch_6_8() {
    all(releases::ES_6_8);
}

#[test]
fn elasticsearch_7_17() {
    all(releases::ES_7_17);
}

#[test]
fn elasticsearch_8_19() {
    all(releases::ES_8_19);
}

#[test]
fn elasticsearch_9_5() {
    all(releases::ES_9_5);
}

#[test]
fn opensearch_2_19() {
    all(releases::OS_2_19);
}

#[test]
fn opensearch_3_8() {
    all(releases::OS_3_8);
}

/// One release through a life: the checks share its server, each with its own indices. It is
/// stopped on the way, so it is not the one that other tests share.
fn all(release: Release) {
    let Some(server) = server::own(release, &limits::SETTINGS) else { return };
    spans_are_stored_and_found(&server);
    good_answers_are_read_the_short_way(&server);
    compressed_requests_are_taken(&server);
    templates_may_name_a_life_cycle(&server);
    a_document_that_does_not_fit_is_refused_alone(&server);
    limits::what_is_mended_later_is_stored_later(&server);
    limits::an_overloaded_server_gets_all_in_the_end(&server);
    limits::what_is_too_large_together_is_stored_in_parts(&server);
    mending::a_value_that_is_too_long_is_cut(&server);
    mending::past_the_limit_of_fields_tags_are_nested(&server);
    mending::a_field_that_does_not_fit_is_nested(&server);
    mending::past_the_limit_of_nested_documents_the_rest_is_left_out(&server);
    aliases::a_batch_that_is_sent_again_after_a_rollover_is_not_doubled(&server);
    aliases::an_index_that_takes_no_more_gives_place_to_the_next(&server);
    aliases::a_missing_alias_holds_all_and_makes_no_index(&server);
    without_names_every_writing_is_stored(&server);
    a_server_that_went_and_came_is_met_again(&server);
}

fn spans_are_stored_and_found(server: &Server) {
    let site = Site::new(server, "found", |_| {});
    let batch = batch(&golden());
    let verdicts = site.write(&batch);
    // The four service documents are one: after the first it is written over.
    let wanted =
        [1, 0, 2, 0, 2, 0, 0, 2, 0].map(|sort| [Verdict::Stored, Verdict::Stored, Verdict::AlreadyThere][sort]);
    assert_eq!(verdicts, wanted);
    let status = site.writer.status();
    assert_eq!((status.reachable, status.trouble), (true, None));
    assert_eq!((status.store.as_str(), status.place.as_str()), (server.release.product, server.url.as_str()));

    site.check_templates();
    site.check_mapping();
    assert_eq!(site.count("jaeger-span"), SPANS);
    assert_eq!(site.count("jaeger-service"), 1);
    assert_eq!(site.spans_tagged("http.status_code", "200"), SPANS);
    assert_eq!(site.spans_tagged("http.status_code", "404"), 0);

    assert_eq!(site.write(&batch), vec![Verdict::AlreadyThere; batch.len()]);
    assert_eq!(site.count("jaeger-span"), SPANS);
}

/// The writer reads an answer fast if it is, byte for byte, this one.
fn good_answers_are_read_the_short_way(server: &Server) {
    let site = Site::new(server, "short", |_| {});
    let kind = if server.release.major() == 6 { r#","_type":"t""# } else { "" };
    let action = |action: &str, id: u32| format!(r#"{{"{action}":{{"_index":"short"{kind},"_id":"{id}"}}}}"#);
    let body = format!("{}\n{{}}\n{}\n{{}}\n{}\n{{}}\n", action("create", 1), action("index", 2), action("index", 1));
    let answer = site.send_bulk("errors,items.*.status,items.*.error.type,items.*.error.reason", body);
    let wanted =
        r#"{"errors":false,"items":[{"create":{"status":201}},{"index":{"status":201}},{"index":{"status":200}}]}"#;
    assert_eq!(answer, wanted);
}

fn compressed_requests_are_taken(server: &Server) {
    let site = Site::new(server, "gzip", |settings| settings.http_compression = true);
    assert_eq!(site.write(&batch(&golden_spans())), vec![Verdict::Stored; SPANS as usize]);
    assert_eq!(site.spans_tagged("http.status_code", "200"), SPANS);
}

/// Only servers that know the settings: those of 8 and 9 are taught them by the harness, the others
/// lack the module (7, OpenSearch) or Jaeger's templates lack the settings (6).
fn templates_may_name_a_life_cycle(server: &Server) {
    if server.release.is_opensearch() || server.release.major() < 8 {
        return;
    }
    let site = Site::new(server, "cycle", |settings| settings.use_ilm = true);
    assert_eq!(site.write(&batch(&golden_spans()[..1])), [Verdict::Stored]);
    let settings = server.get(&format!("/{}/_settings", site.index("jaeger-span"))).to_string();
    assert!(settings.contains(r#""rollover_alias":"cycle-jaeger-span-write""#), "{settings}");
    assert!(settings.contains(r#""name":"jaeger-ilm-policy""#), "{settings}");
}

fn a_document_that_does_not_fit_is_refused_alone(server: &Server) {
    let site = Site::new(server, "conflict", |_| {});
    let mut documents = golden_spans();
    documents[1].1["startTimeMillis"] = json!("not a time");
    documents[3].1["duration"] = json!({ "seconds": 1 });
    let (stored, refused) = (Verdict::Stored, Verdict::Refused("mapping"));
    assert_eq!(site.write(&batch(&documents)), [stored, refused, stored, refused, stored]);
    assert_eq!(site.count("jaeger-span"), SPANS - 2);

    site.forbid_new_fields();
    documents[2].1["private"] = json!("not in the template");
    let batch = batch(&documents[2..]);
    assert_eq!(site.write(&batch), [Verdict::Refused("strict-mapping"), refused, Verdict::AlreadyThere]);
}

fn without_names_every_writing_is_stored(server: &Server) {
    let site = Site::new(server, "doubles", |settings| settings.document_ids = false);
    let batch = batch(&golden_spans());
    for _ in 0..2 {
        assert_eq!(site.write(&batch), vec![Verdict::Stored; batch.len()]);
    }
    assert_eq!(site.count("jaeger-span"), 2 * SPANS);
}

fn a_server_that_went_and_came_is_met_again(server: &Server) {
    let site = Site::new(server, "away", |_| {});
    let batch = batch(&golden());
    site.write(&batch);
    site.remove_templates();
    server.stop();
    let verdicts = site.write(&batch);
    assert_eq!(verdicts, vec![Verdict::Again("unreachable"); batch.len()]);
    let status = site.writer.status();
    assert!(!status.reachable && status.trouble.is_some(), "{status:?}");
    server.resume().expect("the server starts again");
    assert_eq!(site.write(&batch), vec![Verdict::AlreadyThere; batch.len()]);
    site.check_templates();
    assert!(site.writer.status().reachable);
}
