//! The writer against a fake server: what it sends, and what it makes of the answers.

use super::*;
use crate::item::{Id, Item, Judgement, Kind, Label, Run};
use crate::memory::Budget;
use crate::store::elasticsearch::fake::Fake;

const HOUR: u64 = 1_795_255_200 / 3600;

fn batch(spans: u32) -> Batch {
    let items = (0..spans).map(|number| Item {
        kind: Kind::Span,
        hour: HOUR,
        id: Id(u128::from(number).to_be_bytes()),
        start: number * 2,
        end: number * 2 + 2,
    });
    let documents = b"{}".repeat(spans as usize);
    let run = Run::new(Label(0), items.collect(), documents, Budget::new(0).reserve());
    Batch::of(vec![Arc::new(run)])
}

fn writer(fake: &Fake, change: impl FnOnce(&mut Elasticsearch)) -> BulkWriter {
    let mut settings = Elasticsearch { server_urls: vec![fake.url()], ..Elasticsearch::default() };
    change(&mut settings);
    BulkWriter::new(&settings, &Indices::default()).expect("settings that work")
}

fn targets(fake: &Fake) -> Vec<String> {
    fake.heard().into_iter().map(|heard| format!("{} {}", heard.method, heard.target)).collect()
}

const BULK: &str = "POST /_bulk?filter_path=errors%2Citems.*.status%2Citems.*.error.type%2Citems.*.error.reason";

#[tokio::test]
async fn the_cluster_is_met_once_and_before_the_first_write() {
    let fake = Fake::start().await;
    let writer = writer(&fake, |_| {});
    for _ in 0..2 {
        assert_eq!(writer.write(&batch(2)).await.verdicts, [Verdict::Stored, Verdict::Stored]);
    }
    let meeting = [
        "GET /",
        "PUT /_index_template/jaeger-span",
        "PUT /_index_template/jaeger-service",
        "DELETE /_index_template/jaeger-span-lean",
    ];
    assert_eq!(targets(&fake), [meeting.as_slice(), &[BULK, BULK]].concat());
    let status = writer.status();
    assert_eq!((status.store.as_str(), status.version.as_deref()), ("elasticsearch", Some("8.19.21")));
    assert!(status.reachable);
}

#[tokio::test]
async fn many_writers_meet_the_cluster_once() {
    let fake = Fake::start().await;
    let writer = writer(&fake, |_| {});
    let (one, two, three) = (batch(1), batch(2), batch(3));
    let verdicts = tokio::join!(writer.write(&one), writer.write(&two), writer.write(&three));
    assert_eq!(verdicts.2.verdicts, vec![Verdict::Stored; 3]);
    assert_eq!(targets(&fake).iter().filter(|target| *target == "GET /").count(), 1);
}

#[tokio::test]
async fn those_who_wait_for_a_meeting_take_what_came_of_it() {
    let fake = Fake::start().await;
    fake.greet_with(503, "{}");
    let writer = writer(&fake, |_| {});
    let batch = batch(1);
    let (one, two) = tokio::join!(writer.write(&batch), writer.write(&batch));
    let away = Judgement::away(1, "unavailable");
    assert_eq!((one, two), (away.clone(), away));
    assert_eq!(targets(&fake), ["GET /"]);
    assert_eq!(writer.write(&batch).await.verdicts, [Verdict::Again("unavailable")]);
    assert_eq!(targets(&fake), ["GET /", "GET /"], "a later write asks again");
}

#[tokio::test]
async fn a_given_version_is_not_asked_for_and_templates_can_be_left_alone() {
    let fake = Fake::start().await;
    let six = writer(&fake, |settings| {
        settings.version = 6;
        settings.create_index_templates = false;
    });
    assert_eq!(six.write(&batch(1)).await.verdicts, [Verdict::Stored]);
    assert_eq!(targets(&fake), [BULK]);
    assert!(fake.heard()[0].body.starts_with(br#"{"create":{"_index":"jaeger-span-2026-11-21","_type":"span","#));
}

#[tokio::test]
async fn nothing_is_written_before_the_templates_are_there() {
    let fake = Fake::start().await;
    fake.answer_templates(503);
    let writer = writer(&fake, |_| {});
    assert_eq!(writer.write(&batch(2)).await.verdicts, vec![Verdict::Again("templates-missing"); 2]);
    let status = writer.status();
    assert!(!status.reachable);
    assert!(status.trouble.is_some_and(|trouble| trouble.contains("jaeger-span was answered with 503")));
    assert!(!targets(&fake).iter().any(|target| target == BULK));
    fake.answer_templates(200);
    assert_eq!(writer.write(&batch(2)).await.verdicts, vec![Verdict::Stored; 2]);
}

#[tokio::test]
async fn an_unknown_server_gets_nothing() {
    let fake = Fake::start().await;
    let writer = writer(&fake, |_| {});
    for (status, body, word) in [
        (401, "Unauthorized", "unauthorized"),
        (503, "{}", "unavailable"),
        (405, "{}", "version-unknown"),
        (200, "<html>", "version-unknown"),
        (200, r#"{"version":{"number":"5.6.0"}}"#, "version-unknown"),
    ] {
        fake.greet_with(status, body);
        assert_eq!(writer.write(&batch(1)).await.verdicts, [Verdict::Again(word)], "{status} {body}");
    }
    assert!(!targets(&fake).iter().any(|target| target == BULK));
}

#[tokio::test]
async fn whole_requests_that_fail_leave_all_to_be_sent_again() {
    let fake = Fake::start().await;
    let writer = writer(&fake, |_| {});
    let one_of_two = r#"{"errors":false,"items":[{"create":{"status":201}}]}"#;
    for (status, body, word) in [
        (429, "{}", "overloaded"),
        (503, "", "unavailable"),
        (500, "", "server-error"),
        (401, "Unauthorized", "unauthorized"),
        (403, "{}", "forbidden"),
        (404, "", "not-found"),
        (406, "{}", "unknown-status"),
        (200, one_of_two, "unreadable-answer"),
        (200, "", "unreadable-answer"),
        (200, r#"{"errors":false,"items":[{"create":{"sta"#, "unreadable-answer"),
    ] {
        fake.answer_bulk(status, body);
        assert_eq!(writer.write(&batch(2)).await.verdicts, vec![Verdict::Again(word); 2], "{status} {body}");
        assert!(writer.status().trouble.is_some());
    }
    assert_eq!(writer.write(&batch(2)).await.verdicts, vec![Verdict::Stored; 2]);
    assert_eq!(writer.status().trouble, None);
}

#[tokio::test]
async fn a_request_that_is_too_large_goes_in_halves() {
    let fake = Fake::start().await;
    let writer = writer(&fake, |_| {});
    fake.answer_bulk(413, "");
    assert_eq!(writer.write(&batch(5)).await.verdicts, vec![Verdict::Stored; 5]);
    let bodies: Vec<_> =
        fake.heard().into_iter().filter(|heard| heard.method == "POST").map(|heard| heard.body).collect();
    let lines = |body: &Bytes| body.iter().filter(|&&byte| byte == b'\n').count();
    assert_eq!(bodies.iter().map(lines).collect::<Vec<_>>(), [10, 4, 6]);
    assert_eq!([&bodies[1][..], &bodies[2][..]].concat(), bodies[0]);
}

#[tokio::test]
async fn a_request_that_is_not_understood_makes_the_writer_ask_who_answers() {
    let fake = Fake::start().await;
    let writer = writer(&fake, |_| {});
    assert_eq!(writer.write(&batch(1)).await.verdicts, [Verdict::Stored]);
    fake.greet_with(200, r#"{"version":{"number":"6.8.23"}}"#);
    fake.answer_bulk(400, r#"{"error":{"type":"illegal_argument_exception"}}"#);
    assert_eq!(writer.write(&batch(1)).await.verdicts, [Verdict::Again("malformed")]);
    assert_eq!(writer.write(&batch(1)).await.verdicts, [Verdict::Stored]);
    assert!(targets(&fake).contains(&"PUT /_template/jaeger-span".to_string()));
    assert_eq!(writer.status().version.as_deref(), Some("6.8.23"));
}

#[tokio::test]
async fn a_cluster_that_went_away_is_met_again() {
    let fake = Fake::start().await;
    let writer = writer(&fake, |_| {});
    assert_eq!(writer.write(&batch(1)).await.verdicts, [Verdict::Stored]);
    writer.server.store(Some(Arc::new(Server::given(8).expect("a version"))));
    let address = fake.address;
    drop(fake);
    let mut verdicts = writer.write(&batch(1)).await.verdicts;
    // A connection that was open may be served once more.
    for _ in 0..10 {
        if verdicts == [Verdict::Again("unreachable")] {
            break;
        }
        verdicts = writer.write(&batch(1)).await.verdicts;
    }
    assert_eq!(verdicts, [Verdict::Again("unreachable")]);
    assert!(!writer.status().reachable);
    let fake = Fake::start_at(address).await;
    assert_eq!(writer.write(&batch(1)).await.verdicts, [Verdict::Stored]);
    assert_eq!(targets(&fake).first().map(String::as_str), Some("GET /"));
}

#[tokio::test]
async fn a_buffer_is_used_again() {
    let fake = Fake::start().await;
    let writer = writer(&fake, |_| {});
    let body = Vec::with_capacity(5000);
    let place = body.as_ptr();
    writer.keep(Bytes::from(body));
    let body = writer.body(&Server::given(8).expect("a version"), &batch(3), 0, 3);
    assert_eq!((body.as_ptr(), body.capacity()), (place, 5000));
    let (held, kept) = (Bytes::from(body), writer.buffers().len());
    let other = held.clone();
    writer.keep(held);
    assert_eq!((writer.buffers().len(), kept), (0, 0), "what is still being sent is not written over: {other:?}");
}
