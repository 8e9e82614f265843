use std::time::Duration;

use super::*;
use crate::document::IndexNames;
use crate::memory::Budget;
use crate::settings::{Settings, SpanTimes};
use crate::spool::{Gather, Shared};
use crate::telemetry::books::{Books, Page};

/// A captured body of one span that started at [`START`].
const BODY: &[u8] = include_bytes!("../../tests/data/envoy/001-json-plain-egress.json");
const START: u64 = 1_795_237_377_926_637;

fn pipeline() -> Pipeline {
    let settings = Settings::default();
    let (books, metrics) = (Arc::new(Books::new(&Protocol::NAMES)), Arc::new(Metrics::for_tests()));
    let shared = Shared::new(books, metrics.clone(), Budget::new(1 << 30));
    Pipeline {
        spool: Arc::new(Spool::in_memory(Gather::everything(), 0, shared)),
        metrics,
        services: Arc::new(Services::new(&IndexNames::new(&settings.indices), Duration::ZERO)),
        shape: Shape::new(&settings.document),
        sampler: Arc::new(Sampler::alone(&settings.downsampling, &settings.sampling, None)),
        clock: Clock::at(START),
        limits: decode::Limits::default(),
        output_bytes: None,
        times: settings.spans,
        envoy_ids: settings.collector.envoy_ids,
        collector_tags: CollectorTags::new(&settings.collector),
        growth: Growth::default(),
    }
}

/// Posts the body; returns the answer and the page of the books, which must balance.
async fn post(pipeline: &Pipeline, memory: usize) -> (Result<Taken, Rejected>, Page) {
    let body = Bytes::from_static(BODY);
    let taken = pipeline.take(Protocol::ZipkinJson, body, Budget::new(memory).reserve()).await;
    let page = pipeline.spool.books().spans().remove("zipkin-json").unwrap_or_default();
    assert!(page.balances() && pipeline.spool.books().services().balances());
    (taken, page)
}

#[tokio::test]
async fn a_span_and_its_service_are_held() {
    let pipeline = pipeline();
    let (taken, page) = post(&pipeline, 1 << 20).await;
    assert_eq!(taken.unwrap(), Taken { accepted: 1, ..Taken::default() });
    assert_eq!((page.received, page.held, pipeline.spool.books().services().held), (1, 1, 1));
    assert_eq!(pipeline.spool.held_items(), 2);
    post(&pipeline, 1 << 20).await.0.unwrap();
    assert_eq!(pipeline.spool.held_items(), 3);
}

#[tokio::test]
async fn documents_that_outgrow_the_request_are_refused_and_their_service_forgotten() {
    let mut pipeline = pipeline();
    pipeline.output_bytes = Some(100);
    let (taken, page) = post(&pipeline, 1 << 20).await;
    assert!(matches!(taken, Err(Rejected::NothingReadable { refused: 1, .. })));
    assert_eq!((page.refused["amplification"], pipeline.spool.held_items()), (1, 0));
    pipeline.output_bytes = None;
    post(&pipeline, 1 << 20).await.0.unwrap();
    assert_eq!(pipeline.spool.held_items(), 2);
}

#[tokio::test]
async fn a_start_outside_the_limits_becomes_the_arrival_under_the_same_name() {
    let hour = Some(Duration::from_secs(3600));
    let mut pipeline = pipeline();
    pipeline.times = SpanTimes { max_age: hour, max_future: hour };
    let day = 24 * 3_600_000_000;
    let mut names = Vec::new();
    for (now, mended) in [
        (START, false),
        (START + 3_600_000_000, false),
        (START - 3_600_000_000, false),
        (START + 3_600_000_001, true),
        (START - 3_600_000_001, true),
        (START + 40 * day, true),
    ] {
        pipeline.clock.turn_to(now);
        assert_eq!(post(&pipeline, 1 << 20).await.0.unwrap(), Taken { accepted: 1, ..Taken::default() });
        let (item, document) = next_span(&pipeline).await;
        let start = if mended { now } else { START };
        assert_eq!((item.hour, &document["startTime"]), (start / 3_600_000_000, &start.into()));
        assert_eq!(document["startTimeMillis"], start / 1000);
        let tags = document["tags"].as_array().unwrap();
        let sent = serde_json::json!({"key": "spaniel.start_time", "type": "int64", "value": START});
        assert_eq!(tags.iter().filter(|tag| tag["key"] == "spaniel.start_time").count(), usize::from(mended));
        assert_eq!(tags.contains(&sent), mended);
        names.push(item.id);
    }
    assert!(names.iter().all(|name| *name == names[0]), "{names:?}");
    let text = pipeline.metrics.text();
    assert!(text.contains("spaniel_mended_total{mend=\"start-time\"} 3"), "{text}");
}

/// The span that waits in the spool, and its document.
async fn next_span(pipeline: &Pipeline) -> (crate::item::Item, serde_json::Value) {
    let batch = pipeline.spool.next().await.unwrap();
    let mut spans = batch.iter().filter(|(_, item, _)| item.kind == crate::item::Kind::Span);
    let (_, item, document) = spans.next().unwrap();
    assert!(spans.next().is_none());
    (*item, serde_json::from_slice(document).unwrap())
}

#[tokio::test]
async fn without_memory_nothing_is_entered_and_the_service_is_forgotten() {
    let pipeline = pipeline();
    let (taken, page) = post(&pipeline, 100).await;
    assert!(matches!(taken, Err(Rejected::NotNow)));
    assert_eq!((page, pipeline.spool.held_items()), (Page::default(), 0));
    post(&pipeline, 1 << 20).await.0.unwrap();
    assert_eq!(pipeline.spool.held_items(), 2);
}

#[tokio::test]
async fn what_comes_after_the_spool_was_closed_is_not_held() {
    let pipeline = pipeline();
    pipeline.spool.close();
    let (taken, page) = post(&pipeline, 1 << 20).await;
    assert!(matches!(taken, Err(Rejected::NotNow)));
    // Its sender still has it: nothing is entered.
    assert_eq!((page, pipeline.spool.books().services()), (Page::default(), Page::default()));
}

/// The series of spans are those of all spans, whatever share is kept, and of each once.
#[tokio::test]
async fn no_rate_of_sampling_changes_what_is_counted_before_it() {
    let bodies: [&[u8]; 3] = [
        BODY,
        include_bytes!("../../tests/data/envoy/010-json-errors-1.json"),
        include_bytes!("../../tests/data/envoy/019-json-batch300.json"),
    ];
    let mut seen = Vec::new();
    for ratio in [1.0, 0.01, 0.0] {
        let identity = crate::telemetry::metrics::Identity { span_series: 100, ..Default::default() };
        let mut pipeline = pipeline();
        pipeline.metrics = Arc::new(Metrics::new(&identity, &[]));
        let downsampling = crate::settings::Downsampling { ratio, hashsalt: String::new() };
        pipeline.sampler = Arc::new(Sampler::alone(&downsampling, &Default::default(), None));
        // It is refused, and its sender sends it again.
        assert!(matches!(post(&pipeline, 100).await.0, Err(Rejected::NotNow)));
        let mut received = 0;
        for body in bodies {
            let budget = Budget::new(16 << 20);
            let taken = pipeline.take(Protocol::ZipkinJson, Bytes::copy_from_slice(body), budget.reserve()).await;
            received += taken.unwrap().accepted;
        }
        let text = pipeline.metrics.text();
        let lines: Vec<_> =
            text.lines().filter(|line| line.starts_with("traces_span_metrics_")).map(str::to_string).collect();
        let calls = lines.iter().filter(|line| line.starts_with("traces_span_metrics_calls_total{"));
        let calls: u64 = calls.map(|line| line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap()).sum();
        assert_eq!(calls, received);
        let kept = pipeline.spool.held_items();
        seen.push((lines, kept));
    }
    assert!(seen[0].1 > seen[2].1 && seen[2].1 == 0);
    assert_eq!(seen[0].0, seen[1].0);
    assert_eq!(seen[0].0, seen[2].0);
}

#[tokio::test]
async fn a_limit_that_is_passed_is_told_to_the_sender_and_counted_by_its_name() {
    let mut pipeline = pipeline();
    pipeline.limits.tags = 2;
    let tags = r#"{"traceId":"a","id":"1","tags":{"a":"","b":"","c":""}}"#;
    let body = format!(r#"[{tags},{tags},{{"traceId":"a","id":"x"}},{{"traceId":"a","id":"2"}}]"#);
    let reservation = Budget::new(1 << 20).reserve();
    let taken = pipeline.take(Protocol::ZipkinJson, body.into(), reservation).await.unwrap();
    assert_eq!((taken.accepted, taken.refusals()), (1, 3));
    let words = taken.left_out().unwrap();
    let (begin, end) =
        ("3 of 4 spans were left out (limit 2, span-id 1; the first: too many tags on a span at byte ", ")");
    assert!(words.starts_with(begin) && words.contains(end), "{words}");
    let text = pipeline.metrics.text();
    assert!(text.contains("spaniel_limits_reached_total{limit=\"limits.tags-per-span\"} 2"), "{text}");
    assert_eq!(Taken { accepted: 1, ..Taken::default() }.left_out(), None);
    // A body that cannot be read at all because of a limit.
    let deep = format!("{{\"x\":{}", "[".repeat(1_000_000));
    let reservation = Budget::new(1 << 30).reserve();
    assert!(pipeline.take(Protocol::OtlpJson, deep.into(), reservation).await.is_err());
    let text = pipeline.metrics.text();
    assert!(text.contains("spaniel_limits_reached_total{limit=\"limits.depth\"} 1"), "{text}");
}

/// What is built beside a body counts too: the body and the documents alone would fit.
#[tokio::test]
async fn without_memory_for_what_must_be_built_nothing_is_taken() {
    let pipeline = pipeline();
    let body = |value: &str| {
        let span = format!(r#"{{"traceId":"{:032x}","spanId":"{:016x}","attributes":[{value}]}}"#, 1, 1);
        Bytes::from(format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{span}]}}]}}]}}"#))
    };
    let text = "x".repeat(50_000);
    let plain = body(&format!(r#"{{"key":"k","value":{{"stringValue":"{text}"}}}}"#));
    let list = body(&format!(r#"{{"key":"k","value":{{"arrayValue":{{"values":[{{"stringValue":"{text}"}}]}}}}}}"#));
    let mut least = [0, 0];
    for (least, body) in least.iter_mut().zip([plain, list]) {
        let fits = async |memory: usize| {
            let reservation = Budget::new(memory).reserve();
            pipeline.take(Protocol::OtlpJson, body.clone(), reservation).await.is_ok()
        };
        *least = 50_000;
        while !fits(*least).await {
            *least += 5_000;
        }
    }
    assert!(least[1] >= least[0] + 50_000, "{least:?}");
}

/// The captured datagrams: good ones, ones without spans that can be taken, and ones that cannot be read.
fn datagrams() -> Vec<Vec<u8>> {
    let files = std::fs::read_dir("tests/data/jaeger/udp-compact").unwrap().map(|file| file.unwrap().path());
    let mut files: Vec<_> = files.filter(|path| path.extension().is_some_and(|ending| ending == "thrift")).collect();
    files.sort();
    let zeros = "tests/data/jaeger/udp-compact/minimal-64.thrift";
    let cut = std::fs::read(zeros).unwrap();
    let cut = cut[..cut.len() - 30].to_vec();
    files.iter().map(|path| std::fs::read(path).unwrap()).chain([cut]).collect()
}

/// The documents that are held, and the metrics.
fn brought(pipeline: &Pipeline) -> (Vec<String>, Vec<String>) {
    let rest = pipeline.spool.take_rest();
    let text = |item: &crate::item::Item, run: &crate::item::Run| {
        let document = &run.documents[item.start as usize..item.end as usize];
        format!("{:?} {} {:?} {}", item.kind, item.hour, item.id, String::from_utf8_lossy(document))
    };
    let runs = rest.runs.iter();
    let documents = runs.flat_map(|run| run.items.iter().map(|item| text(item, run)).collect::<Vec<_>>()).collect();
    let mut metrics: Vec<_> = pipeline.metrics.text().lines().map(str::to_owned).collect();
    metrics.sort();
    (documents, metrics)
}

#[tokio::test]
async fn bodies_taken_together_bring_what_each_alone_brings() {
    let (alone, together, budget) = (pipeline(), pipeline(), Budget::new(1 << 26));
    let (mut bodies, mut refused) = (Bodies::default(), Vec::new());
    for body in datagrams() {
        bodies.push(&body);
        let taken = alone.take(Protocol::AgentCompact, body.into(), budget.reserve()).await;
        refused.extend(taken.err());
    }
    let rejected = together.take_all(Protocol::AgentCompact, bodies, budget.reserve()).await;
    assert!(refused.len() > 2, "{refused:?}");
    assert_eq!(format!("{rejected:?}"), format!("{refused:?}"));
    assert_eq!(together.spool.books().spans(), alone.spool.books().spans());
    let (together, alone) = (brought(&together), brought(&alone));
    assert!(alone.0.len() > 50, "{}", alone.0.len());
    assert_eq!(together, alone);
}

#[tokio::test]
async fn without_memory_for_all_bodies_those_are_taken_that_fit() {
    let pipeline = pipeline();
    let mut bodies = Bodies::default();
    let all = datagrams();
    all.iter().for_each(|body| bodies.push(body));
    let bytes = bodies.bytes();
    let rejected = pipeline.take_all(Protocol::AgentCompact, bodies, Budget::new(bytes).reserve()).await;
    let for_now = rejected.iter().filter(|why| matches!(why, Rejected::NotNow)).count();
    assert!(for_now > 0 && pipeline.spool.held_items() > 0, "{for_now} of {}", all.len());
    assert!(pipeline.spool.books().spans()["agent-compact"].balances());
}
