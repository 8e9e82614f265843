//! What the rest of the collector tells the limits of sampling: how full the spool is, and what the
//! store pushes back.

use serde_json::Value as Json;

use crate::made;
use crate::spaniel::{Spaniel, Start, until};
use crate::stand_in::{Fault, StandIn, free_port};

/// Spans of each request.
const SPANS: u64 = 4;

/// A number of the metrics.
fn metric(spaniel: &Spaniel, name: &str) -> f64 {
    let text = spaniel.get("admin", "/metrics").text().unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("no {name}: {text}"));
    line.trim().parse().unwrap()
}

fn page(books: &Json) -> &Json {
    &books["spans"]["zipkin-json"]
}

/// A store that is away fills the spool: fewer traces are kept, whole ones; and all again when it has
/// taken what waited.
#[test]
fn a_spool_that_fills_up_thins_the_traces() {
    let port = free_port();
    let flags = ["--spool.max-bytes=4MiB", "--spool.segment-bytes=1MiB", "--spool.pressure=0.1"];
    let spaniel = Start::elasticsearch(&format!("http://127.0.0.1:{port}"), "room").flags(&flags).run();
    let mut numbers = 0..;
    let mut post = |padding| {
        let number = numbers.next().unwrap();
        assert_eq!(spaniel.post(made::request(number, SPANS, padding)).status(), 202);
        number
    };
    assert!((metric(&spaniel, "spaniel_sampling_pressure ") - 1.0).abs() < 1e-9);
    while metric(&spaniel, "spaniel_sampling_pressure ") >= 1.0 {
        // Not so much between two looks that it is full before it is noticed.
        let held = page(&spaniel.books())["held"].as_u64().unwrap_or(0);
        post(if held < 400 { 4000 } else { 0 });
    }
    assert!(spaniel.log().contains("the spool fills up"), "{}", spaniel.log());
    until("a trace is dropped for the sake of the spool", || {
        post(0);
        page(&spaniel.books())["sampled_out"]["pressure"].as_u64()
    });
    let store = StandIn::start(port);
    until("all is kept again", || {
        post(0);
        (metric(&spaniel, "spaniel_sampling_pressure ") >= 1.0).then_some(())
    });
    assert!(spaniel.log().contains("the spool has room again"), "{}", spaniel.log());
    let sent = post(0) + 1;
    let books = spaniel.settled_books();
    let (received, dropped) = (&page(&books)["received"], &page(&books)["sampled_out"]["pressure"]);
    assert_eq!(*received, sent * SPANS, "{books}");
    assert_eq!(store.spans().len() as u64, sent * SPANS - dropped.as_u64().unwrap(), "{books}");
    assert_eq!(dropped.as_u64().unwrap() % SPANS, 0, "{books}");
}

/// A store that takes its time lowers the budget, though it takes everything.
#[test]
fn a_store_that_answers_slowly_lowers_the_budget() {
    let store = StandIn::start(free_port());
    let flags = ["--sampling.max-spans-per-second=1000", "--sampling.max-bulk-latency=1s"];
    let spaniel = Start::elasticsearch(&store.urls(), "slow").flags(&flags).run();
    let effective = || metric(&spaniel, "spaniel_sampling_budget_spans_per_second{state=\"effective\"} ");
    // An answer has a hundred bytes and more: two seconds.
    store.begin(Fault::Drip(20));
    let mut numbers = 0..;
    let mut post = || assert_eq!(spaniel.post(made::request(numbers.next().unwrap(), SPANS, 0)).status(), 202);
    until("the budget follows how long the store takes", || {
        post();
        (effective() < 1000.0).then_some(())
    });
    assert!(metric(&spaniel, "spaniel_store_answers_total{pace=\"slow\"} ") >= 1.0);
    assert!(metric(&spaniel, "spaniel_store_pushed_back_total ") < 1.0);
    store.lift();
    let mut least = effective();
    until("and rises again", || {
        post();
        least = effective().min(least);
        (effective() > least).then_some(())
    });
    spaniel.settled_books();
}

/// What the store does not take for having too much to do lowers the budget.
#[test]
fn a_store_that_pushes_back_lowers_the_budget() {
    let store = StandIn::start(free_port());
    let flags = ["--sampling.max-spans-per-second=1000"];
    let spaniel = Start::elasticsearch(&store.urls(), "pushed").flags(&flags).run();
    let effective = || metric(&spaniel, "spaniel_sampling_budget_spans_per_second{state=\"effective\"} ");
    assert!((effective() - 1000.0).abs() < 1e-9);
    store.begin(Fault::Items { every: 1, status: 429, kind: "es_rejected_execution_exception", reason: "full" });
    let mut numbers = 0..;
    let mut post = || assert_eq!(spaniel.post(made::request(numbers.next().unwrap(), SPANS, 0)).status(), 202);
    until("the budget follows what the store bears", || {
        post();
        (effective() < 1000.0).then_some(())
    });
    store.lift();
    until("and comes back", || {
        post();
        (effective() >= 1000.0).then_some(())
    });
    spaniel.settled_books();
}
