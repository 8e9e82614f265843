//! Senders whose clocks are broken: their spans are stored where they are looked for, and make no
//! indices of days that never were.

use serde_json::{Value as Json, json};

use crate::bodies::Sums;
use crate::spaniel::Start;
use crate::stand_in::StandIn;

const DAY: u64 = 24 * 3_600_000_000;

fn now() -> u64 {
    std::time::UNIX_EPOCH.elapsed().unwrap().as_micros() as u64
}

/// Spans that started then, all of one trace.
fn body(starts: &[u64]) -> String {
    let span = |(index, start): (usize, &u64)| {
        json!({
            "traceId": "00000000000c10c5", "id": format!("{:016x}", index + 1), "name": "get", "timestamp": start,
            "duration": 700, "localEndpoint": {"serviceName": "clocks"},
            "annotations": [{"timestamp": start + 5, "value": "logged"}],
        })
    };
    starts.iter().enumerate().map(span).collect::<Json>().to_string()
}

/// The start as it was sent, as the tag says; `None`: no tag.
fn sent_start(span: &Json) -> Option<u64> {
    let tag = span["tags"].as_array().unwrap().iter().find(|tag| tag["key"] == "spaniel.start_time")?;
    assert_eq!(tag["type"], "int64");
    tag["value"].as_u64()
}

#[test]
fn spans_of_broken_clocks_are_stored_on_the_day_that_they_came() {
    let store = StandIn::nodes(1);
    store.up(0);
    let spaniel = Start::elasticsearch(&store.urls(), "").without("--span.max-").run();
    let before = now();
    // 1970, 2001, four days ago, in two hours, 2069; and two that are believed.
    let broken = [1, 1_000_000_000_000_000, before - 4 * DAY, before + DAY / 12, 3_127_000_000_000_000];
    let believed = [before - 2 * DAY, before + DAY / 48];
    let body = body(&[&broken[..], &believed].concat());
    assert_eq!(spaniel.post(body.clone()).status(), 202);
    spaniel.settled_books();
    // The same bytes again, on the same day: nothing changes.
    assert_eq!(spaniel.post(body).status(), 202);
    let books = spaniel.settled_books();
    let after = now();
    let sums = Sums::of_page(&books["spans"]["zipkin-json"]);
    let spans = store.spans_by_index();
    // Unless midnight came between.
    if before / DAY == after / DAY {
        assert_eq!((sums.received, sums.stored, sums.already_there), (14, 7, 7), "{books}");
        assert_eq!(spans.len(), 7);
    }
    for (index, span) in &spans {
        let start = span["startTime"].as_u64().unwrap();
        let date = time::OffsetDateTime::from_unix_timestamp((start / 1_000_000) as i64).unwrap().date();
        assert_eq!(*index, format!("jaeger-span-{date}"));
        assert_eq!((&span["startTimeMillis"], &span["duration"]), (&(start / 1000).into(), &700.into()));
        let sent = sent_start(span).unwrap_or(start);
        assert_eq!(span["logs"][0]["timestamp"], sent + 5);
        if sent_start(span).is_some() {
            assert!(broken.contains(&sent) && (before..=after).contains(&start), "{span}");
        } else {
            assert!(believed.contains(&start), "{span}");
        }
    }
    let metrics = spaniel.get("admin", "/metrics").text().unwrap();
    assert!(metrics.contains("spaniel_mended_total{mend=\"start-time\"} 10"), "{metrics}");
    spaniel.stop();
}

#[test]
fn the_trace_of_a_broken_clock_is_found_by_its_id() {
    let spaniel = Start::embedded().without("--span.max-").run();
    assert_eq!(spaniel.post(body(&[1_000_000_000_000_000])).status(), 202);
    spaniel.settled_books();
    let answer = spaniel.json("query", "/api/traces/c10c5");
    let spans = answer["data"][0]["spans"].as_array().unwrap();
    assert_eq!((spans.len(), sent_start(&spans[0])), (1, Some(1_000_000_000_000_000)), "{answer}");
    spaniel.stop();
}
