//! Answers as real servers give them.

use super::*;

fn verdicts(body: &str, sent: usize) -> Result<Vec<Verdict>, Unreadable> {
    read(body.as_bytes(), sent).map(|reading| reading.verdicts)
}

#[test]
fn the_short_way_and_the_long_way_read_alike() {
    let body =
        r#"{"errors":false,"items":[{"create":{"status":201}},{"index":{"status":200}},{"index":{"status":201}}]}"#;
    let wanted = vec![Verdict::Stored, Verdict::AlreadyThere, Verdict::Stored];
    assert_eq!(read_all_good(body.as_bytes(), 3), Some(wanted.clone()));
    assert_eq!(read_any(body.as_bytes(), 3).map(|reading| reading.verdicts), Ok(wanted.clone()));
    // Unfiltered, in the order of 7: not for the short way, but read.
    let full = r#"{"took":30,"errors":false,"items":[{"create":{"_index":"j","_type":"_doc","_id":"1","_version":1,"result":"created","_shards":{"total":2,"successful":1,"failed":0},"_seq_no":0,"_primary_term":1,"status":201}},{"index":{"_index":"j","_id":"2","status":200}},{"index":{"status":201}}]}"#;
    assert_eq!(read_all_good(full.as_bytes(), 3), None);
    assert_eq!(verdicts(full, 3), Ok(wanted));
}

proptest::proptest! {
    #[test]
    fn both_ways_agree_on_every_answer(
        items in proptest::collection::vec((proptest::bool::ANY, 199u16..203), 0..20),
        sent in 0usize..20,
        errors: bool,
    ) {
        let text = items.iter().map(|(create, status)| {
            let action = if *create { "create" } else { "index" };
            format!(r#"{{"{action}":{{"status":{status}}}}}"#)
        });
        let body = format!(r#"{{"errors":{errors},"items":[{}]}}"#, text.collect::<Vec<_>>().join(","));
        let slow = read_any(body.as_bytes(), sent).map(|reading| reading.verdicts);
        if let Some(fast) = read_all_good(body.as_bytes(), sent) {
            assert_eq!(slow, Ok(fast));
        }
        assert_eq!(slow.is_ok(), items.len() == sent);
    }
}

#[test]
fn another_number_of_items_says_nothing() {
    let two = r#"{"errors":false,"items":[{"create":{"status":201}},{"create":{"status":201}}]}"#;
    assert_eq!(verdicts(two, 1), Err(Unreadable::Count { sent: 1, answered: 2 }));
    assert_eq!(verdicts(two, 3), Err(Unreadable::Count { sent: 3, answered: 2 }));
    assert_eq!(verdicts(r#"{"errors":false,"items":[]}"#, 1), Err(Unreadable::Count { sent: 1, answered: 0 }));
}

#[test]
fn every_cut_of_an_answer_is_unreadable() {
    let bodies = [
        r#"{"errors":false,"items":[{"create":{"status":201}},{"index":{"status":200}}]}"#,
        r#"{"errors":true,"items":[{"create":{"status":409,"error":{"type":"version_conflict_engine_exception","reason":"r"}}},{"create":{"status":201}}]}"#,
    ];
    for body in bodies {
        assert!(verdicts(body, 2).is_ok());
        for end in 0..body.len() {
            assert_eq!(verdicts(&body[..end], 2), Err(Unreadable::Json), "cut at {end}");
        }
    }
    assert_eq!(verdicts("<html>bad gateway</html>", 1), Err(Unreadable::Json));
    assert_eq!(verdicts(r#"{"errors":false,"items":[{"create":{"status":201}}]} x"#, 1), Err(Unreadable::Json));
}

#[test]
fn neighbours_of_a_refused_item_are_stored() {
    let body = r#"{"errors":true,"items":[{"create":{"status":201}},{"create":{"status":400,"error":{"type":"mapper_parsing_exception","reason":"failed to parse field [startTimeMillis] of type [date]"}}},{"create":{"status":429,"error":{"type":"es_rejected_execution_exception","reason":"rejected execution"}}}]}"#;
    let reading = read(body.as_bytes(), 3).expect("readable");
    assert_eq!(reading.verdicts, [Verdict::Stored, Verdict::Refused("mapping"), Verdict::Again("overloaded")]);
    let refused = reading.refused.expect("a refusal");
    assert_eq!((refused.item, refused.kind.as_str()), (1, "mapper_parsing_exception"));
    assert_eq!(reading.again.map(|fault| fault.item), Some(2));
}

#[test]
fn what_an_operator_can_mend_is_sent_again() {
    let again = [
        (429, "rejected_execution_exception", "", "overloaded"),
        (403, "cluster_block_exception", "index [j] blocked by: [FORBIDDEN/12/index read-only]", "index-blocked"),
        (429, "cluster_block_exception", "index [j] blocked by: [TOO_MANY_REQUESTS/12]", "index-blocked"),
        (403, "security_exception", "action [indices:data/write/bulk[s]] is unauthorized", "forbidden"),
        (
            404,
            "index_not_found_exception",
            "no such index [j] and [action.auto_create_index] is [false]",
            "index-missing",
        ),
        (503, "unavailable_shards_exception", "primary shard is not active", "unavailable"),
        (500, "exception", "", "server-error"),
        (
            400,
            "validation_exception",
            "Validation Failed: 1: this action would add [10] shards, but this cluster currently has [1000]/[1000] maximum normal shards open;",
            "shard-limit",
        ),
        (400, "illegal_argument_exception", "no write index is defined for alias [jaeger-span-write]", "alias"),
        (400, "illegal_argument_exception", "Number of documents in the index can't exceed [2147483519]", "index-full"),
        (409, "something_else", "", "conflict"),
        (418, "", "", "unknown-status"),
    ];
    for (status, kind, reason, word) in again {
        assert_eq!(judge(status, kind, reason), Verdict::Again(word), "{status} {kind} {reason}");
    }
}

#[test]
fn what_is_wrong_with_a_document_is_refused() {
    let refused = [
        ("mapper_parsing_exception", "", "mapping"),
        ("document_parsing_exception", "", "mapping"),
        ("strict_dynamic_mapping_exception", "", "strict-mapping"),
        ("illegal_argument_exception", "Limit of total fields [1000] has been exceeded", "field-limit"),
        (
            "illegal_argument_exception",
            "The number of nested documents has exceeded the allowed limit of [10000].",
            "illegal-argument",
        ),
        ("invalid_index_name_exception", "Invalid index name [J], must be lowercase", "index-name"),
        ("unheard_of_exception", "", "document"),
    ];
    for (kind, reason, word) in refused {
        assert_eq!(judge(400, kind, reason), Verdict::Refused(word), "{kind} {reason}");
    }
    assert_eq!(judge(409, "version_conflict_engine_exception", ""), Verdict::AlreadyThere);
}
