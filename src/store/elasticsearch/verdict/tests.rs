//! The table, row by row, with the words of real servers.

use super::*;

fn error(kind: &str, reason: &str) -> String {
    serde_json::json!({ "type": kind, "reason": reason }).to_string()
}

fn ruling(status: u16, error: &str) -> Ruling {
    rule(status, &serde_json::from_str(error).expect("an error"))
}

#[test]
fn what_is_done_is_done() {
    assert_eq!((ruling(201, "{}"), ruling(200, "{}")), (Ruling::Stored, Ruling::AlreadyThere));
    let conflict = "[x]: version conflict, document already exists (current version [1])";
    assert_eq!(ruling(409, &error("version_conflict_engine_exception", conflict)), Ruling::AlreadyThere);
}

#[test]
fn what_an_operator_can_mend_is_sent_again() {
    let again = [
        (429, "es_rejected_execution_exception", "rejected execution of primary operation", "overloaded"),
        (429, "rejected_execution_exception", "rejected execution of coordinating operation", "overloaded"),
        (429, "circuit_breaking_exception", "[parent] Data too large", "overloaded"),
        (503, "circuit_breaking_exception", "[parent] Data too large", "overloaded"),
        (
            403,
            "cluster_block_exception",
            "blocked by: [FORBIDDEN/12/index read-only / allow delete (api)];",
            "index-blocked",
        ),
        (429, "cluster_block_exception", "blocked by: [TOO_MANY_REQUESTS/12/disk usage exceeded]", "index-blocked"),
        (403, "cluster_block_exception", "blocked by: [FORBIDDEN/8/index write (api)];", "index-blocked"),
        (503, "cluster_block_exception", "blocked by: [SERVICE_UNAVAILABLE/1/state not recovered]", "unavailable"),
        (401, "security_exception", "missing authentication credentials", "unauthorized"),
        (403, "security_exception", "action [indices:data/write/bulk[s]] is unauthorized", "forbidden"),
        (
            404,
            "index_not_found_exception",
            "no such index [j] and [action.auto_create_index] is [false]",
            "index-missing",
        ),
        (
            404,
            "index_not_found_exception",
            "no such index [j] and [require_alias] request flag is [true] and [j] is not an alias",
            "alias-missing",
        ),
        (408, "", "", "timeout"),
        (503, "unavailable_shards_exception", "primary shard is not active", "unavailable"),
        (500, "exception", "", "server-error"),
        (507, "", "", "server-error"),
        (
            400,
            "validation_exception",
            "Validation Failed: 1: this action would add [10] shards, but this cluster currently has [1000]/[1000];",
            "shard-limit",
        ),
        (
            400,
            "illegal_argument_exception",
            "Validation Failed: 1: this action would add [2] total shards",
            "shard-limit",
        ),
        (
            400,
            "illegal_argument_exception",
            "no write index is defined for alias [jaeger-span-write].",
            "alias-missing",
        ),
        (400, "illegal_argument_exception", "Number of documents in the index can't exceed [2147483519]", "index-full"),
        (400, "index_closed_exception", "closed", "index-closed"),
        (
            400,
            "mapper_parsing_exception",
            "Failed to parse mapping [_doc]: No handler for type [nest]",
            "template-broken",
        ),
    ];
    for (status, kind, reason, word) in again {
        assert_eq!(ruling(status, &error(kind, reason)), Ruling::Again(word), "{status} {kind} {reason}");
    }
}

#[test]
fn what_nobody_has_thought_of_is_sent_again_and_said_aloud() {
    let unknown = [
        (400, "unheard_of_exception", "", "unknown-type"),
        (400, "illegal_argument_exception", "pipeline with id [p] does not exist", "unknown-type"),
        (400, "illegal_argument_exception", "unknown setting [index.lifecycle.name]", "unknown-type"),
        (409, "something_else", "", "conflict"),
        (418, "", "", "unknown-status"),
        (0, "", "", "unknown-status"),
        (301, "", "", "unknown-status"),
    ];
    for (status, kind, reason, word) in unknown {
        assert_eq!(ruling(status, &error(kind, reason)), Ruling::Unknown(word), "{status} {kind} {reason}");
    }
}

#[test]
fn what_is_wrong_with_a_document_is_refused_or_mended() {
    let never = [("invalid_index_name_exception", "Invalid index name [J], must be lowercase", "index-name")];
    for (kind, reason, word) in never {
        assert_eq!(ruling(400, &error(kind, reason)), Ruling::Never(word), "{kind} {reason}");
    }
    let mended = [
        ("mapper_parsing_exception", "failed to parse field [startTime]", Mending::NestedTags, "mapping"),
        ("document_parsing_exception", "[1:9] failed to parse", Mending::NestedTags, "mapping"),
        ("parsing_exception", "", Mending::NestedTags, "mapping"),
        (
            "illegal_argument_exception",
            "mapper [tag.http] cannot be changed from type [keyword] to [ObjectMapper]",
            Mending::NestedTags,
            "mapping",
        ),
        ("strict_dynamic_mapping_exception", "mapping set to strict", Mending::NestedTags, "strict-mapping"),
        (
            "illegal_argument_exception",
            "Limit of total fields [1000] in index [j] has been exceeded",
            Mending::NestedTags,
            "field-limit",
        ),
        (
            "illegal_argument_exception",
            "The number of nested documents has exceeded the allowed limit of [10000].",
            Mending::FewerNested,
            "nested-limit",
        ),
        (
            "illegal_argument_exception",
            "Document contains at least one immense term in field=\"x\" (whose UTF8 encoding is longer than the max length 32766)",
            Mending::ShortValues,
            "value-too-long",
        ),
        ("max_bytes_length_exceeded_exception", "bytes can be at most 32766", Mending::ShortValues, "value-too-long"),
    ];
    for (kind, reason, mending, word) in mended {
        assert_eq!(ruling(400, &error(kind, reason)), Ruling::Mend(mending, word), "{kind} {reason}");
    }
}

#[test]
fn the_cause_of_an_error_counts_as_the_error() {
    let wrapped = |kind: &str, reason: &str| {
        let cause = serde_json::json!({ "type": kind, "reason": reason });
        serde_json::json!({ "type": "document_parsing_exception", "reason": "failed", "caused_by": cause }).to_string()
    };
    let limit = wrapped("illegal_argument_exception", "Limit of total fields [10] has been exceeded");
    assert_eq!(ruling(400, &limit), Ruling::Mend(Mending::NestedTags, "field-limit"));
    let long = wrapped("max_bytes_length_exceeded_exception", "");
    assert_eq!(ruling(400, &long), Ruling::Mend(Mending::ShortValues, "value-too-long"));
}

#[test]
fn only_the_word_for_too_much_work_is_one() {
    let words = TABLE.iter().filter_map(|row| match row.ruling {
        Ruling::Again(word) | Ruling::Unknown(word) => Some((row, word)),
        _ => None,
    });
    for (row, word) in words {
        assert_eq!(crate::item::is_overload(word), word == "overloaded", "{word}");
        assert!(*row.status.start() != 429 || word == "overloaded" || !row.kind.is_empty());
    }
    assert!(crate::item::is_overload(whole_request(429)) && !crate::item::is_overload(whole_request(503)));
}

#[test]
fn a_whole_request_is_a_documents_fault_only_if_the_server_says_so() {
    assert!(is_about_a_document(
        br#"{"error":{"root_cause":[],"type":"x_content_e_o_f_exception","reason":"r"},"status":400}"#
    ));
    for body in
        ["", "<html>Bad Request</html>", r#"{"error":"no"}"#, r#"{"error":{"type":"media_type_header_exception"}}"#]
    {
        assert!(!is_about_a_document(body.as_bytes()), "{body}");
    }
}
