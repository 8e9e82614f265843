//! The writer against a fake server: what it sends, and what it makes of the answers.

use bytes::Bytes;

use super::*;
use crate::item::{Id, Item, Kind, Label, Run};
use crate::memory::Budget;
use crate::store::elasticsearch::Server;
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

/// The same, whose answers are charged to so many bytes.
fn writer_within(fake: &Fake, bytes: usize) -> (BulkWriter, Arc<Budget>) {
    let (settings, budget) =
        (Elasticsearch { server_urls: vec![fake.url()], ..Elasticsearch::default() }, Budget::new(bytes));
    let cluster = Cluster::new(&settings).expect("settings that work").charged_to(&budget);
    (BulkWriter::over(cluster, &settings, &Indices::default()), budget)
}

/// An answer that says that all is well, at length.
fn long_answer(items: usize, bytes: usize) -> String {
    let good = vec![r#"{"create":{"status":201}}"#; items].join(",");
    format!(r#"{{"errors":false,{}"items":[{good}]}}"#, " ".repeat(bytes))
}

#[tokio::test]
async fn an_answer_that_there_is_no_memory_for_is_asked_for_in_parts() {
    let fake = Fake::start().await;
    let (writer, budget) = writer_within(&fake, 256 << 10);
    fake.answer_bulk(200, &long_answer(4, 500 << 10));
    fake.answer_bulk(200, &long_answer(2, 50 << 10));
    assert_eq!(writer.write(&batch(4)).await.verdicts, [Verdict::Stored; 4]);
    assert_eq!(targets(&fake).iter().filter(|target| *target == BULK).count(), 3, "the whole, and its halves");
    assert_eq!(budget.used(), 0);
}

#[tokio::test]
async fn what_cannot_be_answered_for_want_of_memory_is_sent_again() {
    let fake = Fake::start().await;
    let (writer, budget) = writer_within(&fake, 256 << 10);
    (0..20).for_each(|_| fake.answer_bulk(200, &long_answer(64, 900 << 10)));
    let judgement = writer.write(&batch(64)).await;
    assert_eq!(judgement.verdicts, [Verdict::Again("no-memory"); 64]);
    assert!(judgement.away, "its carrier pauses");
    let trouble = writer.status().trouble.expect("an alarm");
    assert!(trouble.contains("--memory.limit"), "{trouble}");
    assert!(targets(&fake).len() < 20 && budget.used() == 0, "it is not asked for each item");
}

#[tokio::test]
async fn a_full_memory_does_not_keep_a_short_answer_from_being_read() {
    let fake = Fake::start().await;
    let (writer, budget) = writer_within(&fake, 256 << 10);
    let mut others = budget.reserve();
    others.insist(300 << 10);
    fake.answer_bulk(200, &long_answer(64, 20 << 10));
    assert_eq!(writer.write(&batch(64)).await.verdicts, [Verdict::Stored; 64]);
}

fn targets(fake: &Fake) -> Vec<String> {
    fake.heard().into_iter().map(|heard| format!("{} {}", heard.method, heard.target)).collect()
}

const BULK: &str = "POST /_bulk?filter_path=errors%2Citems.*.status%2Citems.*.error.type%2Citems.*.error.reason%2Citems.*.error.caused_by.type%2Citems.*.error.caused_by.reason";

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
    writer.meeting.assume(Server::given(8).expect("a version"));
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
    let body = writer.buffers().pop().expect("a buffer");
    assert_eq!((body.as_ptr(), body.capacity()), (place, 5000));
    let (held, kept) = (Bytes::from(body), writer.buffers().len());
    let other = held.clone();
    writer.keep(held);
    assert_eq!((writer.buffers().len(), kept), (0, 0), "what is still being sent is not written over: {other:?}");
}

/// A batch of these documents.
fn batch_of(documents: &[&[u8]]) -> Batch {
    let mut buffer = Vec::new();
    let items = documents.iter().zip(0_u128..).map(|(document, number)| {
        let start = buffer.len() as u32;
        buffer.extend_from_slice(document);
        Item { kind: Kind::Span, hour: HOUR, id: Id(number.to_be_bytes()), start, end: buffer.len() as u32 }
    });
    let items = items.collect();
    Batch::of(vec![Arc::new(Run::new(Label(0), items, buffer, Budget::new(0).reserve()))])
}

/// The documents of a bulk request.
fn documents(body: &[u8]) -> Vec<serde_json::Value> {
    let lines = body.split(|&byte| byte == b'\n').skip(1).step_by(2);
    lines.map(|line| serde_json::from_slice(line).expect("JSON")).collect()
}

fn bulk_bodies(fake: &Fake) -> Vec<Bytes> {
    fake.heard().into_iter().filter(|heard| heard.method == "POST").map(|heard| heard.body).collect()
}

fn failed(status: u16, kind: &str, reason: &str) -> String {
    let error = serde_json::json!({ "type": kind, "reason": reason });
    format!(r#"{{"create":{{"status":{status},"error":{error}}}}}"#)
}

const CREATED: &str = r#"{"create":{"status":201}}"#;

fn answer(items: &[&str]) -> String {
    format!(r#"{{"errors":true,"items":[{}]}}"#, items.join(","))
}

const SPAN: &[u8] = br#"{"traceID":"1","spanID":"2","startTime":3,"tags":[],"tag":{"http@status_code":200},"logs":[],"references":[],"process":{"serviceName":"s","tags":[]}}"#;

#[tokio::test]
async fn the_servers_words_on_what_it_refused_are_told() {
    let fake = Fake::start().await;
    let writer = writer(&fake, |_| {});
    let bad = failed(400, "mapper_parsing_exception", "failed to parse field [duration]");
    fake.answer_bulk(200, &answer(&[CREATED, &bad, &failed(429, "es_rejected_execution_exception", "busy")]));
    let judgement = writer.write(&batch(3)).await;
    assert_eq!(judgement.verdicts, [Verdict::Stored, Verdict::Refused("mapping"), Verdict::Again("overloaded")]);
    let words = "mapper_parsing_exception: failed to parse field [duration]";
    assert_eq!(judgement.reasons, [(1, words.into())]);
    assert!(!judgement.away);
}

#[tokio::test]
async fn only_a_store_that_judged_nothing_was_away() {
    let fake = Fake::start().await;
    let writer = writer(&fake, |_| {});
    for status in [429, 503, 401] {
        fake.answer_bulk(status, "{}");
        assert!(writer.write(&batch(2)).await.away, "{status}");
    }
    fake.answer_bulk(200, &answer(&[&failed(429, "es_rejected_execution_exception", "busy")]));
    assert!(!writer.write(&batch(1)).await.away);
    fake.answer_bulk(413, "");
    fake.answer_bulk(200, &answer(&[CREATED]));
    fake.answer_bulk(503, "");
    let judgement = writer.write(&batch(2)).await;
    assert_eq!(judgement.verdicts, [Verdict::Stored, Verdict::Again("unavailable")]);
    assert!(!judgement.away);
}

#[tokio::test]
async fn a_document_that_no_request_can_carry_is_cut_and_marked() {
    let fake = Fake::start().await;
    fake.take_at_most(20_000);
    let writer = writer(&fake, |_| {});
    let text = "x".repeat(100_000);
    let large = format!(
        r#"{{"traceID":"1","spanID":"2","startTime":3,"operationName":"{text}","tags":[],"process":{{"serviceName":"s","tags":[]}}}}"#
    );
    let judgement = writer.write(&batch_of(&[SPAN, large.as_bytes(), SPAN])).await;
    assert_eq!(judgement.verdicts, vec![Verdict::Stored; 3]);
    assert_eq!((judgement.mended.as_slice(), judgement.reasons.len()), ([("shortened", 1)].as_slice(), 0));
    let bodies = bulk_bodies(&fake);
    let stored = documents(bodies.last().expect("a request"));
    assert_eq!(stored[0]["tags"][0]["key"], "spaniel.shortened");
    assert!(
        bodies
            .last()
            .expect("a request")
            .starts_with(br#"{"create":{"_index":"jaeger-span-2026-11-21","_id":"AAAAAAAAAAAAAAAAAAAAAQ"}}"#)
    );
    let name = stored[0]["operationName"].as_str().expect("a text");
    assert!(text.starts_with(name) && name.len() > 1000, "{}", name.len());
}

#[tokio::test]
async fn a_document_that_cannot_be_cut_is_refused_alone() {
    let fake = Fake::start().await;
    fake.take_at_most(500);
    let writer = writer(&fake, |_| {});
    let many = format!(r#"{{"tags":[{}1]}}"#, "1,".repeat(1000));
    let judgement = writer.write(&batch_of(&[SPAN, many.as_bytes()])).await;
    assert_eq!(judgement.verdicts, [Verdict::Stored, Verdict::Refused("too-large")]);
    assert_eq!(judgement.reasons.len(), 1);
}

#[tokio::test]
async fn a_value_that_is_too_long_is_cut_and_sent_again() {
    let fake = Fake::start().await;
    let writer = writer(&fake, |_| {});
    let text = "é".repeat(20_000);
    let long = format!(r#"{{"tags":[{{"key":"k","type":"string","value":"{text}"}}]}}"#);
    let immense = failed(
        400,
        "illegal_argument_exception",
        "Document contains at least one immense term in field=\"tags.value\"",
    );
    fake.answer_bulk(200, &answer(&[CREATED, &immense]));
    let judgement = writer.write(&batch_of(&[SPAN, long.as_bytes()])).await;
    assert_eq!((judgement.verdicts, judgement.mended), (vec![Verdict::Stored; 2], vec![("shortened", 1)]));
    let sent = documents(&bulk_bodies(&fake)[1]);
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0]["tags"][1]["value"].as_str().map(str::len), Some(32_766));
}

#[tokio::test]
async fn past_the_limit_of_fields_tags_go_to_the_nested_form() {
    let fake = Fake::start().await;
    let writer = writer(&fake, |_| {});
    let limit = failed(400, "illegal_argument_exception", "Limit of total fields [1000] has been exceeded");
    fake.answer_bulk(200, &answer(&[&limit, &limit, CREATED]));
    let judgement = writer.write(&batch_of(&[SPAN, b"{}", SPAN])).await;
    // What has no fields cannot be helped.
    assert_eq!(judgement.verdicts, [Verdict::Stored, Verdict::Refused("field-limit"), Verdict::Stored]);
    assert_eq!(judgement.mended, [("nested-tags", 1)]);
    assert_eq!(judgement.reasons.len(), 1);
    let sent = documents(&bulk_bodies(&fake)[1]);
    assert_eq!(sent[0]["tags"][0], serde_json::json!({"key": "http.status_code", "type": "int64", "value": 200}));
    assert!(sent[0].get("tag").is_none());
}

#[tokio::test]
async fn past_the_limit_of_nested_documents_the_rest_is_left_out() {
    let fake = Fake::start().await;
    let writer = writer(&fake, |_| {});
    let tags: Vec<_> = (0..10).map(|key| format!(r#"{{"key":"{key}","type":"int64","value":1}}"#)).collect();
    let many = format!(
        r#"{{"references":[],"tags":[{}],"logs":[],"process":{{"serviceName":"s","tags":[]}}}}"#,
        tags.join(",")
    );
    let limit = failed(
        400,
        "mapper_parsing_exception",
        "The number of nested documents has exceeded the allowed limit of [5].",
    );
    fake.answer_bulk(200, &answer(&[&limit]));
    let judgement = writer.write(&batch_of(&[many.as_bytes()])).await;
    assert_eq!((judgement.verdicts, judgement.mended), (vec![Verdict::Stored], vec![("nested-left-out", 1)]));
    let sent = documents(&bulk_bodies(&fake)[1]);
    assert_eq!(sent[0]["tags"].as_array().map(Vec::len), Some(5));
    assert_eq!(sent[0]["tags"][0]["value"], 6);
}

#[tokio::test]
async fn what_is_refused_mended_too_is_refused_with_the_last_words() {
    let fake = Fake::start().await;
    let writer = writer(&fake, |_| {});
    let limit = failed(400, "illegal_argument_exception", "Limit of total fields [1000] has been exceeded");
    for (second, wanted) in [
        (failed(400, "mapper_parsing_exception", "nor this"), Verdict::Refused("field-limit")),
        (failed(429, "es_rejected_execution_exception", "busy"), Verdict::Again("overloaded")),
        (failed(409, "version_conflict_engine_exception", "there"), Verdict::AlreadyThere),
    ] {
        fake.answer_bulk(200, &answer(&[&limit]));
        fake.answer_bulk(200, &answer(&[&second]));
        let judgement = writer.write(&batch_of(&[SPAN])).await;
        assert_eq!(judgement.verdicts, [wanted]);
        let words =
            (wanted == Verdict::Refused("field-limit")).then(|| (0, "mapper_parsing_exception: nor this".into()));
        assert_eq!(judgement.reasons, Vec::from_iter(words));
    }
}

#[tokio::test]
async fn a_cluster_that_lost_its_templates_or_changed_is_met_again() {
    let fake = Fake::start().await;
    let writer = writer(&fake, |_| {});
    let looked = |fake: &Fake| targets(fake).into_iter().filter(|target| target != BULK).collect::<Vec<_>>();
    assert_eq!(writer.write(&batch(1)).await.verdicts, [Verdict::Stored]);
    let met = looked(&fake).len();
    writer.meeting.age();
    assert_eq!(writer.write(&batch(1)).await.verdicts, [Verdict::Stored]);
    let look = ["GET /", "HEAD /_index_template/jaeger-span", "HEAD /_index_template/jaeger-service"];
    assert_eq!(looked(&fake)[met..], look, "all is as it was");
    fake.lack("/_index_template/jaeger-service");
    writer.meeting.age();
    assert_eq!(writer.write(&batch(1)).await.verdicts, [Verdict::Stored]);
    let again = [
        "GET /",
        "PUT /_index_template/jaeger-span",
        "PUT /_index_template/jaeger-service",
        "DELETE /_index_template/jaeger-span-lean",
    ];
    assert_eq!(looked(&fake)[met + 3..], [look.as_slice(), &again].concat());
    fake.greet_with(200, r#"{"version":{"number":"7.17.29"}}"#);
    writer.meeting.age();
    assert_eq!(writer.write(&batch(1)).await.verdicts, [Verdict::Stored]);
    assert_eq!(writer.status().version.as_deref(), Some("7.17.29"));
    assert!(looked(&fake).contains(&"PUT /_template/jaeger-span".to_string()));
}

#[tokio::test]
async fn a_large_request_that_breaks_its_connection_goes_in_halves() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let fake = Fake::start().await;
    // Before the server stands one that takes no more than 100,000 bytes, and says so by a reset.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let behind = fake.address;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut server = tokio::net::TcpStream::connect(behind).await.expect("the server");
                let (mut sent, mut up, mut down) = (0, [0; 4096], [0; 4096]);
                loop {
                    tokio::select! {
                        read = stream.read(&mut up) => match read {
                            Ok(read) if read > 0 => {
                                sent += read;
                                if sent > 100_000 {
                                    let _ = stream.set_zero_linger();
                                    return;
                                }
                                server.write_all(&up[..read]).await.expect("passed on");
                            }
                            _ => return,
                        },
                        read = server.read(&mut down) => {
                            // The next request on this connection is counted anew.
                            sent = 0;
                            let read = read.expect("an answer");
                            stream.write_all(&down[..read]).await.expect("passed back");
                        }
                    }
                }
            });
        }
    });
    let writer = writer(&fake, |settings| settings.server_urls = vec![url]);
    let document = format!(r#"{{"operationName":"{}"}}"#, "x".repeat(20_000));
    let documents = vec![document.as_bytes(); 16];
    let judgement = writer.write(&batch_of(&documents)).await;
    assert_eq!(judgement.verdicts, vec![Verdict::Stored; 16]);
    let huge = format!(r#"{{"operationName":"{}"}}"#, "x".repeat(200_000));
    let judgement = writer.write(&batch_of(&[document.as_bytes(), huge.as_bytes()])).await;
    assert_eq!(judgement.verdicts, [Verdict::Stored, Verdict::Again("connection-reset")]);
}

impl BulkWriter {
    /// As if it had been asked long ago what the aliases stand for.
    fn forget_aliases(&mut self) {
        self.aliases = Some(Aliases::new(&self.names));
    }
}

/// A writer to aliases.
fn aliased(fake: &Fake) -> BulkWriter {
    let settings = Elasticsearch { server_urls: vec![fake.url()], ..Elasticsearch::default() };
    BulkWriter::new(&settings, &Indices { use_aliases: true, ..Indices::default() }).expect("settings that work")
}

/// What `GET /_alias/…` answers when these indices are written to.
fn stands_for(spans: &str) -> String {
    let member = |index: &str, alias: &str| format!(r#""{index}":{{"aliases":{{"{alias}":{{}}}}}}"#);
    let services = member("jaeger-service-000001", "jaeger-service-write");
    format!("{{{},{services}}}", member(spans, "jaeger-span-write"))
}

/// The indices of the bulk requests, each with its query.
fn indices(fake: &Fake) -> Vec<String> {
    let bulks = fake.heard().into_iter().filter(|heard| heard.target.starts_with("/_bulk"));
    let first_line = |body: &[u8]| body.split(|&byte| byte == b'\n').next().map(<[u8]>::to_vec).unwrap_or_default();
    let lines = bulks.map(|heard| serde_json::from_slice::<serde_json::Value>(&first_line(&heard.body)).expect("JSON"));
    lines.map(|line| line["create"]["_index"].as_str().expect("an index").to_string()).collect()
}

#[tokio::test]
async fn a_batch_goes_to_the_index_behind_the_alias_and_again_to_the_same() {
    let fake = Fake::start().await;
    fake.answer_aliases(200, &stands_for("jaeger-span-000001"));
    let mut writer = aliased(&fake);
    let mut batch = batch(2);
    fake.answer_bulk(504, "");
    let first = writer.write(&batch).await;
    assert_eq!(first.verdicts, vec![Verdict::Again("server-error"); 2]);
    let targets = first.targets.clone().expect("targets");
    assert_eq!((&*targets.spans, targets.unclear), ("jaeger-span-000001", true));
    // Rolled over between the two tries.
    fake.answer_aliases(200, &stands_for("jaeger-span-000002"));
    writer.forget_aliases();
    batch.targets = first.targets;
    let second = writer.write(&batch).await;
    assert_eq!((second.verdicts, second.possibly_doubled), (vec![Verdict::Stored; 2], 0));
    batch.targets = None;
    assert_eq!(writer.write(&batch).await.targets.expect("targets").spans, "jaeger-span-000002".into());
    assert_eq!(indices(&fake), ["jaeger-span-000001", "jaeger-span-000001", "jaeger-span-000002"]);
}

#[tokio::test]
async fn an_index_that_is_gone_or_blocked_gives_place_to_the_one_after_it() {
    for (gone, unclear) in [(true, true), (true, false), (false, true), (false, false)] {
        let fake = Fake::start().await;
        fake.answer_aliases(200, &stands_for("jaeger-span-000002"));
        let writer = aliased(&fake);
        let mut batch = batch(2);
        let (spans, services) = ("jaeger-span-000001".into(), "jaeger-service-000001".into());
        batch.targets = Some(Arc::new(Targets { spans, services, unclear }));
        if gone {
            fake.lack("/jaeger-span-000001");
        } else {
            let blocked = failed(403, "cluster_block_exception", "blocked by: [FORBIDDEN/8/index write (api)];");
            fake.answer_bulk(200, &answer(&[&blocked, CREATED]));
        }
        let judgement = writer.write(&batch).await;
        assert_eq!(judgement.verdicts, vec![Verdict::Stored; 2]);
        let moved = if gone { 2 } else { 1 };
        assert_eq!(judgement.possibly_doubled, if unclear { moved } else { 0 });
        assert_eq!(judgement.targets.expect("targets").spans, "jaeger-span-000002".into());
        let wanted = ["jaeger-span-000001", "jaeger-span-000002"];
        assert_eq!(indices(&fake), wanted[usize::from(gone)..]);
    }
}

#[tokio::test]
async fn an_index_that_is_blocked_and_has_no_successor_is_waited_for() {
    let fake = Fake::start().await;
    fake.answer_aliases(200, &stands_for("jaeger-span-000001"));
    let writer = aliased(&fake);
    let blocked = failed(429, "cluster_block_exception", "blocked by: [TOO_MANY_REQUESTS/12/disk usage exceeded]");
    fake.answer_bulk(200, &answer(&[&blocked]));
    let judgement = writer.write(&batch(1)).await;
    assert_eq!(judgement.verdicts, [Verdict::Again("index-blocked")]);
    assert_eq!(judgement.targets.expect("targets").spans, "jaeger-span-000001".into());
    assert_eq!(indices(&fake).len(), 1);
}

#[tokio::test]
async fn a_missing_alias_holds_the_batch_and_makes_no_index() {
    let fake = Fake::start().await;
    let mut writer = aliased(&fake);
    let judgement = writer.write(&batch(2)).await;
    assert_eq!(judgement, Judgement::away(2, "alias-missing"));
    assert!(writer.status().trouble.is_some_and(|trouble| trouble.contains("no write alias jaeger-span-write")));
    assert!(indices(&fake).is_empty());
    fake.answer_aliases(200, &stands_for("jaeger-span-000001"));
    assert_eq!(writer.write(&batch(2)).await.verdicts, vec![Verdict::Stored; 2]);
    fake.answer_aliases(500, "{}");
    assert_eq!(writer.write(&batch(2)).await.verdicts, vec![Verdict::Stored; 2], "what was known holds a while");
    writer.forget_aliases();
    assert_eq!(writer.write(&batch(2)).await, Judgement::away(2, "server-error"));
}

#[tokio::test]
async fn who_may_not_look_at_aliases_demands_that_they_are_some() {
    let fake = Fake::start().await;
    fake.answer_aliases(403, "{}");
    let writer = aliased(&fake);
    let mut batch = batch(2);
    fake.answer_bulk(504, "");
    let first = writer.write(&batch).await;
    batch.targets = first.targets;
    let second = writer.write(&batch).await;
    assert_eq!((second.verdicts, second.possibly_doubled), (vec![Verdict::Stored; 2], 2));
    assert_eq!(indices(&fake), ["jaeger-span-write", "jaeger-span-write"]);
    let demanded = |heard: &crate::store::elasticsearch::fake::Heard| heard.target.ends_with("&require_alias=true");
    assert_eq!(fake.heard().iter().filter(|heard| demanded(heard)).count(), 2);
}
