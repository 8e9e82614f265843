//! Each alert, fired by making the thing happen to a real Spaniel: exactly these fire and no other.

use std::net::UdpSocket;
use std::process::Command;

use crate::made;
use crate::scrape::{Scrape, scrape, sum};
use crate::spaniel::{Spaniel, Start, until};
use crate::stand_in::{Fault, StandIn};
use crate::story::Story;

/// Minutes that are longer than any alert waits.
const LONG: usize = 20;

fn well() -> StandIn {
    let store = StandIn::nodes(1);
    store.up(0);
    store
}

fn over(store: &StandIn, flags: &[&str]) -> Start {
    Start::elasticsearch(&store.urls(), "").flags(&["--es.bulk.flush-interval=5ms"]).flags(flags)
}

/// A span a minute, under this number and the next ones.
fn sends(spaniel: &Spaniel, number: u64) {
    assert_eq!(spaniel.post(made::request(number, 2, 0)).status(), 202);
}

/// Sends until it is refused, about a fifth of a megabyte a time; how often it was taken.
fn fills(spaniel: &Spaniel) -> u64 {
    let mut numbers = 0..;
    until("it is refused", || {
        let number = numbers.next().unwrap();
        (spaniel.post(made::request(1_000_000 + number, 20, 10_000)).status() == 503).then_some(number)
    })
}

/// A minute whose scrape satisfies this.
fn minute_when(story: &mut Story, spaniel: &Spaniel, what: &str, condition: impl Fn(&Scrape) -> bool) {
    until(what, || scrape(spaniel).is_some_and(|scrape| condition(&scrape)).then_some(()));
    story.minute(spaniel);
}

/// Bytes of a spool that is full soon.
const SMALL: [&str; 2] = ["--spool.segment-bytes=1MiB", "--spool.max-bytes=2MiB"];

#[test]
fn nothing_fires_while_all_is_well() {
    let store = well();
    let spaniel = over(&store, &[]).run();
    let mut story = Story::default();
    for number in 0..40 {
        sends(&spaniel, number);
        spaniel.settled_books();
        story.minute(&spaniel);
    }
    story.ends_with(&[]);
}

#[test]
fn a_spaniel_that_dies_is_missed() {
    let store = well();
    let spaniel = over(&store, &[]).run();
    let mut story = Story::default();
    for number in 0..10 {
        sends(&spaniel, number);
        story.minute(&spaniel);
    }
    assert!(Command::new("kill").args(["-KILL", &spaniel.id().to_string()]).status().unwrap().success());
    until("nobody answers", || scrape(&spaniel).is_none().then_some(()));
    story.minute(&spaniel);
    story.stays(LONG);
    story.ends_with(&["SpanielAbsent", "SpanielDown"]);
}

#[test]
fn a_store_that_is_away_is_told_and_then_a_spool_that_is_full() {
    let store = StandIn::nodes(1);
    // A request of which all spans are sampled out while the spool fills up is not refused.
    let spaniel = over(&store, &[SMALL[0], SMALL[1], "--spool.pressure=1"]).run();
    let mut story = Story::default();
    sends(&spaniel, 1);
    minute_when(&mut story, &spaniel, "away", |scrape| scrape["spaniel_store_reachable"] == 0.0);
    for number in 2..8 {
        sends(&spaniel, number);
        story.minute(&spaniel);
    }
    story.ends_with(&["SpanielStoreUnreachable"]);
    fills(&spaniel);
    minute_when(&mut story, &spaniel, "not ready", |scrape| scrape["spaniel_ready"] == 0.0);
    for number in 0..12 {
        assert_eq!(spaniel.post(made::request(2_000_000 + number, 20, 10_000)).status(), 503);
        story.minute(&spaniel);
    }
    story.ends_with(&[
        "SpanielNotReady",
        "SpanielRequestsRefused",
        "SpanielSpoolNearlyFull",
        "SpanielStoreUnreachable",
    ]);
}

#[test]
fn documents_that_fail_are_told() {
    let store = well();
    let spaniel = over(&store, &[]).run();
    let kind = "unavailable_shards_exception";
    store.begin(Fault::Items { every: 2, status: 503, kind, reason: "primary shard is not active" });
    let mut story = Story::default();
    let errors = |scrape: &Scrape| sum(scrape, "jaeger_storage_bulk_index_errors_total", "");
    for number in 0..LONG as u64 {
        let before = errors(&scrape(&spaniel).unwrap());
        sends(&spaniel, number);
        minute_when(&mut story, &spaniel, "one more has failed", |scrape| errors(scrape) > before);
    }
    story.ends_with(&["SpanielStoreErrors"]);
}

#[test]
fn a_slow_store_is_told() {
    let store = well();
    let spaniel = over(&store, &["--es.bulk.max-workers=1", "--es.service-cache-ttl=1h"]).run();
    sends(&spaniel, 1);
    spaniel.settled_books();
    // About 230 bytes of an answer: something over five seconds.
    store.begin(Fault::Drip(30));
    let mut story = Story::default();
    let writes = |scrape: &Scrape| sum(scrape, "jaeger_collector_save_latency_count", "");
    for number in 2..6 {
        let before = writes(&scrape(&spaniel).unwrap());
        sends(&spaniel, number);
        story.minute(&spaniel);
        minute_when(&mut story, &spaniel, "a write has ended", |scrape| writes(scrape) > before);
        story.stays(2);
    }
    story.ends_with(&["SpanielStoreSlow"]);
}

#[test]
fn a_store_that_takes_less_than_comes_is_told() {
    let store = well();
    let flags = ["--memory.limit=64MiB", "--es.bulk.max-workers=1", "--es.bulk.size=100000", "--spool.pace-bytes=0"];
    let spaniel = over(&store, &flags).run();
    sends(&spaniel, 1);
    spaniel.settled_books();
    // One write takes longer than this test, and no answer is bad.
    store.begin(Fault::Drip(200));
    let backlog = |scrape: &Scrape| scrape["spaniel_spool_backlog_items"];
    let mut numbers = 2..;
    until("memory leaves some to the disk", || {
        assert_eq!(spaniel.post(made::request(numbers.next().unwrap(), 40, 20_000)).status(), 202);
        (backlog(&scrape(&spaniel).unwrap()) > 0.0).then_some(())
    });
    let mut story = Story::default();
    for _ in 0..2 * LONG {
        let before = backlog(story.minute(&spaniel));
        until("more is left to the disk", || {
            assert_eq!(spaniel.post(made::request(numbers.next().unwrap(), 40, 20_000)).status(), 202);
            (backlog(&scrape(&spaniel).unwrap()) > before).then_some(())
        });
    }
    story.ends_with(&["SpanielFallingBehind"]);
}

/// The folder of the spool's files is no folder any more, so that none can be begun.
#[test]
fn a_spool_that_cannot_be_written_is_told() {
    let store = StandIn::nodes(1);
    let spaniel = over(&store, &["--spool.segment-bytes=1MiB"]).run();
    let mut story = Story::default();
    sends(&spaniel, 1);
    story.minute(&spaniel);
    story.stays(10);
    let segments = spaniel.directory().path().join("spaniel-spool/segments");
    std::fs::remove_dir_all(&segments).unwrap();
    std::fs::write(&segments, "").unwrap();
    fills(&spaniel);
    let failed = |scrape: &Scrape| sum(scrape, "spaniel_spool_events_total", r#"event="write-failed""#);
    // It is called well again after two seconds, until the next write fails.
    let well = |scrape: &Scrape| failed(scrape) > 0.0 && scrape["spaniel_ready"] == 1.0;
    minute_when(&mut story, &spaniel, "a write has failed", well);
    story.stays(5);
    story.ends_with(&["SpanielSpoolFails", "SpanielStoreUnreachable"]);
}

#[test]
fn a_damaged_spool_is_told() {
    let store = StandIn::nodes(1);
    let start = over(&store, &["--shutdown.timeout=100ms"]);
    let spaniel = start.run();
    for number in 0..10 {
        sends(&spaniel, number);
    }
    let folder = spaniel.kill();
    let segments = folder.path().join("spaniel-spool/segments");
    let file =
        std::fs::read_dir(segments).unwrap().map(|file| file.unwrap().path()).find(|path| path.is_file()).unwrap();
    let mut bytes = std::fs::read(&file).unwrap();
    let text = bytes.windows(4).position(|window| window == b"load").unwrap();
    bytes[text] ^= 0x20;
    std::fs::write(&file, bytes).unwrap();
    store.up(0);
    let spaniel = start.run_in(folder);
    until("it is counted", || (spaniel.json("admin", "/status")["waiting"]["counted"] == true).then_some(()));
    let mut story = Story::default();
    for number in 100..103 {
        sends(&spaniel, number);
        story.minute(&spaniel);
    }
    story.begins_with_its_life();
    story.ends_with(&["SpanielSpoolDamaged"]);
}

#[test]
fn spans_that_are_dropped_are_told() {
    let store = StandIn::nodes(1);
    // More than carriers have under way: that is not dropped.
    let flags = [SMALL[0], "--spool.max-bytes=16MiB", "--spool.on-full=drop-oldest"];
    let spaniel = over(&store, &flags).run();
    let mut story = Story::default();
    sends(&spaniel, 1);
    story.minute(&spaniel);
    story.stays(10);
    let dropped = |scrape: &Scrape| sum(scrape, "jaeger_collector_spans_dropped_total", "");
    let mut numbers = 2..;
    until("some are dropped", || {
        let answer = spaniel.post(made::request(numbers.next().unwrap(), 20, 10_000));
        assert_eq!(answer.status(), 202, "{}", answer.text().unwrap());
        (dropped(&scrape(&spaniel).unwrap()) > 0.0).then_some(())
    });
    story.minute(&spaniel);
    story.stays(7);
    story.ends_with(&["SpanielSpansDropped", "SpanielSpoolNearlyFull", "SpanielStoreUnreachable"]);
}

#[test]
fn spans_that_cannot_be_read_are_told() {
    let store = well();
    let spaniel = over(&store, &[]).run();
    let mut story = Story::default();
    for number in 0..30 {
        let body = made::request(number, 5, 0);
        let (first, rest) = body.split_once("\"id\":\"").unwrap();
        let bad = format!("{first}\"id\":\"no digits\",\"was\":\"{rest}");
        assert_eq!(spaniel.post(bad).status(), 202);
        spaniel.settled_books();
        story.minute(&spaniel);
    }
    story.ends_with(&["SpanielSpansRefused"]);
}

/// A tag that no index takes, of 60,000 letters that hardly compress.
fn poison(seed: u64) -> String {
    let mut state = seed;
    let letter = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b'0' + (state >> 57) as u8 % 43)
    };
    let letters: String = (0..60_000).map(letter).filter(|letter| *letter != '\\').collect();
    format!("\"padding\":\"POISON{letters}\"")
}

/// And they are silent again when the letters have been replayed by another process.
#[test]
fn dead_letters_are_told_until_they_are_replayed() {
    let store = well();
    let spaniel = over(&store, &["--dead-letter.max-bytes=1MiB"]).run();
    let (kind, reason) = ("mapper_parsing_exception", "failed to parse field [tags]");
    let mut story = Story::default();
    let letters = |scrape: &Scrape| scrape["spaniel_dead_letter_bytes"];
    sends(&spaniel, 1);
    story.minute(&spaniel);
    store.begin(Fault::Poison { text: "POISON", status: 400, kind, reason });
    let mut numbers = 100..;
    let mut fill = |share: f64| {
        until("letters", || {
            let number = numbers.next().unwrap();
            // Most of an index must be good, or its template is held to be broken.
            let spans = made::request(number, 20, 0).replacen("\"padding\":\"\"", &poison(number), 2);
            assert_eq!(spaniel.post(spans).status(), 202);
            spaniel.settled_books();
            (letters(&scrape(&spaniel).unwrap()) > share * f64::from(1 << 20)).then_some(())
        });
    };
    fill(0.0);
    for number in 10..18 {
        sends(&spaniel, number);
        spaniel.settled_books();
        story.minute(&spaniel);
    }
    story.ends_with(&["SpanielDeadLetters"]);
    fill(0.8);
    for number in 20..28 {
        sends(&spaniel, number);
        spaniel.settled_books();
        story.minute(&spaniel);
    }
    story.ends_with(&["SpanielDeadLetters", "SpanielDeadLettersNearlyFull"]);
    store.lift();
    let mut replay = Command::new(env!("CARGO_BIN_EXE_spaniel"));
    replay.current_dir(spaniel.directory().path()).env_clear().env("SPAN_STORAGE_TYPE", "elasticsearch");
    replay.args(["dead-letter", "replay", &format!("--es.server-urls={}", store.urls())]);
    let replayed = replay.output().unwrap();
    assert!(replayed.status.success(), "{}", String::from_utf8_lossy(&replayed.stdout));
    sends(&spaniel, 30);
    minute_when(&mut story, &spaniel, "no letter is left", |scrape| letters(scrape) == 0.0);
    story.ends_with(&[]);
}

#[test]
fn an_index_that_takes_nothing_is_told() {
    let store = well();
    let spaniel = over(&store, &["--spool.carry-after=20ms"]).run();
    let kind = "cluster_block_exception";
    store.begin(Fault::Poison { text: "traceID", status: 403, kind, reason: "index [x] blocked by: [FORBIDDEN/8]" });
    let mut story = Story::default();
    sends(&spaniel, 1);
    minute_when(&mut story, &spaniel, "held apart", |scrape| scrape["spaniel_spool_held_bytes"] > 0.0);
    story.stays(LONG);
    story.ends_with(&["SpanielIndexHeld", "SpanielNoSpans"]);
}

#[test]
fn memory_that_is_full_is_told() {
    let store = StandIn::nodes(1);
    let spaniel = over(&store, &["--spool.sync=off", "--memory.limit=32MiB"]).run();
    fills(&spaniel);
    let mut story = Story::default();
    let mut numbers = 2_000_000..;
    for _ in 0..LONG as u64 {
        until("it is full", || {
            let small = made::request(numbers.next().unwrap(), 1, 10_000);
            (spaniel.post(small).status() == 503 && scrape(&spaniel)?["spaniel_ready"] == 0.0).then_some(())
        });
        assert_eq!(spaniel.post(made::request(numbers.next().unwrap(), 20, 20_000)).status(), 503);
        minute_when(&mut story, &spaniel, "not ready", |scrape| scrape["spaniel_ready"] == 0.0);
    }
    let fires = ["SpanielMemoryNearlyFull", "SpanielNotReady", "SpanielRequestsRefused", "SpanielStoreUnreachable"];
    // It depends on when the last one was taken.
    story.ends_with_perhaps(&fires, &["SpanielNoSpans"]);
}

/// While a process does not run, its socket's buffer fills.
#[test]
fn datagrams_that_the_kernel_drops_are_told() {
    let store = well();
    let flags = ["--processor.jaeger-compact.server-socket-buffer-size=4096"];
    let spaniel = over(&store, &flags).run();
    let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
    let signal = |name: &str| {
        assert!(Command::new("kill").args([name, &spaniel.id().to_string()]).status().unwrap().success());
    };
    let lost = |scrape: &Scrape| sum(scrape, "spaniel_datagrams_dropped_by_kernel_total", "agent-compact");
    let mut story = Story::default();
    for number in 0..12 {
        let before = lost(&scrape(&spaniel).unwrap());
        sends(&spaniel, number);
        signal("-STOP");
        for _ in 0..100 {
            sender.send_to(&[0; 1000], spaniel.address("agent-compact")).unwrap();
        }
        signal("-CONT");
        minute_when(&mut story, &spaniel, "more are lost", |scrape| lost(scrape) > before);
    }
    story.ends_with(&["SpanielDatagramsLost"]);
}

#[test]
fn silence_is_told() {
    let store = well();
    let spaniel = over(&store, &[]).run();
    let mut story = Story::default();
    sends(&spaniel, 1);
    story.minute(&spaniel);
    story.stays(2 * LONG);
    story.ends_with(&["SpanielNoSpans"]);
}

#[test]
fn a_volume_that_is_left_with_spans_is_told() {
    let store = StandIn::nodes(1);
    let start = over(&store, &["--shutdown.timeout=100ms"]);
    let spaniel = start.run();
    let mut story = Story::default();
    sends(&spaniel, 1);
    minute_when(&mut story, &spaniel, "away", |scrape| scrape["spaniel_store_reachable"] == 0.0);
    let folder = spaniel.stop();
    story.is_gone(2 * LONG);
    story.ends_with(&["SpanielAbsent", "SpanielVolumeLeft"]);
    // It is scaled out again, and its store is back.
    store.up(0);
    let spaniel = start.run_in(folder);
    spaniel.settled_books();
    for number in 10..20 {
        sends(&spaniel, number);
        spaniel.settled_books();
        story.minute(&spaniel);
    }
    story.ends_with(&[]);
}

/// Nothing that we know of brings it about; the alert is fired by promtool's tests alone.
#[test]
fn what_tells_of_a_defect_is_there_and_0() {
    let store = well();
    let spaniel = over(&store, &[]).run();
    let scrape = scrape(&spaniel).unwrap();
    assert_eq!(scrape.get("spaniel_books_violations_total"), Some(&0.0), "SpanielBooksViolated looks at it");
    let _alert = "SpanielBooksViolated";
}

/// What jaeger-mixin's alerts ask: more than one in a hundred fails.
fn share(errors: &str, all: &str, by: &str) -> String {
    format!("100 * sum(rate({errors}[1m])) by ({by}) / sum(rate({all}[1m])) by ({by}) > 1")
}

/// `JaegerCollectorDroppingSpans`, as jaeger-mixin of Jaeger 1.76 has it.
#[test]
fn jaegers_alert_of_dropped_spans_fires() {
    let store = StandIn::nodes(1);
    let flags = [SMALL[0], "--spool.max-bytes=16MiB", "--memory.limit=32MiB", "--spool.on-full=drop-oldest"];
    let spaniel = over(&store, &flags).run();
    let dropped = |scrape: &Scrape| sum(scrape, "jaeger_collector_spans_dropped_total", "");
    let (mut story, mut numbers) = (Story::default(), 1..);
    for _ in 0..6 {
        let before = dropped(story.minute(&spaniel));
        until("more are dropped", || {
            assert_eq!(spaniel.post(made::request(numbers.next().unwrap(), 20, 10_000)).status(), 202);
            (dropped(&scrape(&spaniel).unwrap()) > before).then_some(())
        });
    }
    let [dropped, received] = ["dropped", "received"].map(|what| format!("jaeger_collector_spans_{what}_total"));
    story.makes_true(&share(&dropped, &received, "instance, job, namespace"));
}

/// `JaegerQueryReqsFailing`. The stand-in cannot be searched.
#[test]
fn jaegers_alert_of_failing_queries_fires() {
    let store = well();
    let spaniel = over(&store, &[]).run();
    let mut story = Story::default();
    for _ in 0..6 {
        assert_eq!(spaniel.get("query", "/api/services").status(), 500);
        story.minute(&spaniel);
    }
    let requests = "jaeger_query_requests_total";
    story.makes_true(&share(
        &format!(r#"{requests}{{result="err"}}"#),
        requests,
        "instance, job, namespace, operation",
    ));
}
