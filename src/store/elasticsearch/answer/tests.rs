//! Answers as real servers give them.

use super::super::verdict::Mending;
use super::*;

fn rulings(body: &str, sent: usize) -> Result<Vec<Ruling>, Unreadable> {
    read(body.as_bytes(), sent).map(|reading| reading.rulings)
}

#[test]
fn the_short_way_and_the_long_way_read_alike() {
    let body =
        r#"{"errors":false,"items":[{"create":{"status":201}},{"index":{"status":200}},{"index":{"status":201}}]}"#;
    let wanted = vec![Ruling::Stored, Ruling::AlreadyThere, Ruling::Stored];
    assert_eq!(read_all_good(body.as_bytes(), 3), Some(wanted.clone()));
    assert_eq!(read_any(body.as_bytes(), 3).map(|reading| reading.rulings), Ok(wanted.clone()));
    // Unfiltered, in the order of 7: not for the short way, but read.
    let full = r#"{"took":30,"errors":false,"items":[{"create":{"_index":"j","_type":"_doc","_id":"1","_version":1,"result":"created","_shards":{"total":2,"successful":1,"failed":0},"_seq_no":0,"_primary_term":1,"status":201}},{"index":{"_index":"j","_id":"2","status":200}},{"index":{"status":201}}]}"#;
    assert_eq!(read_all_good(full.as_bytes(), 3), None);
    assert_eq!(rulings(full, 3), Ok(wanted));
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
        let slow = read_any(body.as_bytes(), sent).map(|reading| reading.rulings);
        if let Some(fast) = read_all_good(body.as_bytes(), sent) {
            assert_eq!(slow, Ok(fast));
        }
        assert_eq!(slow.is_ok(), items.len() == sent);
    }
}

#[test]
fn another_number_of_items_says_nothing() {
    let two = r#"{"errors":false,"items":[{"create":{"status":201}},{"create":{"status":201}}]}"#;
    assert_eq!(rulings(two, 1), Err(Unreadable::Count { sent: 1, answered: 2 }));
    assert_eq!(rulings(two, 3), Err(Unreadable::Count { sent: 3, answered: 2 }));
    assert_eq!(rulings(r#"{"errors":false,"items":[]}"#, 1), Err(Unreadable::Count { sent: 1, answered: 0 }));
}

#[test]
fn every_cut_of_an_answer_is_unreadable() {
    let bodies = [
        r#"{"errors":false,"items":[{"create":{"status":201}},{"index":{"status":200}}]}"#,
        r#"{"errors":true,"items":[{"create":{"status":409,"error":{"type":"version_conflict_engine_exception","reason":"r"}}},{"create":{"status":201}}]}"#,
    ];
    for body in bodies {
        assert!(rulings(body, 2).is_ok());
        for end in 0..body.len() {
            assert_eq!(rulings(&body[..end], 2), Err(Unreadable::Json), "cut at {end}");
        }
    }
    assert_eq!(rulings("<html>bad gateway</html>", 1), Err(Unreadable::Json));
    assert_eq!(rulings(r#"{"errors":false,"items":[{"create":{"status":201}}]} x"#, 1), Err(Unreadable::Json));
}

#[test]
fn neighbours_of_a_refused_item_are_stored() {
    let body = r#"{"errors":true,"items":[{"create":{"status":201}},{"create":{"status":400,"error":{"type":"mapper_parsing_exception","reason":"failed to parse field [startTimeMillis] of type [date]"}}},{"create":{"status":429,"error":{"type":"es_rejected_execution_exception","reason":"rejected execution"}}}]}"#;
    let reading = read(body.as_bytes(), 3).expect("readable");
    assert_eq!(
        reading.rulings,
        [Ruling::Stored, Ruling::Mend(Mending::NestedTags, "mapping"), Ruling::Again("overloaded")]
    );
    let words = "mapper_parsing_exception: failed to parse field [startTimeMillis] of type [date]";
    assert_eq!(reading.refused, [Fault { item: 1, status: 400, words: words.into() }]);
    assert_eq!(reading.again.map(|fault| fault.item), Some(2));
}

#[test]
fn what_is_told_of_an_item_names_the_cause_and_is_bounded() {
    let reason = "r".repeat(10_000);
    let body = format!(
        r#"{{"errors":true,"items":[{{"index":{{"status":400,"error":{{"type":"mapper_parsing_exception","reason":"failed to parse","caused_by":{{"type":"number_format_exception","reason":"{reason}"}}}}}}}}]}}"#
    );
    let reading = read(body.as_bytes(), 1).expect("readable");
    let words = &reading.refused[0].words;
    assert!(words.starts_with("mapper_parsing_exception: failed to parse; number_format_exception: rrr"), "{words}");
    assert_eq!(words.len(), LONGEST_WORDS);
}
