mod outage;

use std::collections::VecDeque;
use std::sync::Mutex;

use super::*;
use crate::document::IndexNames;
use crate::item::{Id, Item, Judgement, Kind, Label, Run, Targets};
use crate::memory::Budget;
use crate::spool::{Gather, Shared};
use crate::store::{Status, Task};
use crate::telemetry::books::Outcome;

/// A store that gives out prepared verdicts, and `Stored` when they are used up.
#[derive(Debug, Default)]
struct Scripted {
    answers: Mutex<VecDeque<Vec<Verdict>>>,
    writes: Mutex<Vec<Vec<u8>>>,
}

impl Writer for Scripted {
    fn write<'a>(&'a self, batch: &'a Batch) -> Task<'a, Judgement> {
        self.writes.lock().unwrap().push(batch.iter().map(|(_, item, _)| item.id.0[0]).collect());
        let verdicts = self.answers.lock().unwrap().pop_front();
        Box::pin(async move { verdicts.unwrap_or_else(|| vec![Verdict::Stored; batch.len()]).into() })
    }

    fn index(&self, item: &Item) -> String {
        format!("day-{}", item.hour / 24)
    }

    fn status(&self) -> Status {
        Status::default()
    }

    fn close(&self) -> Task<'_, ()> {
        Box::pin(async {})
    }
}

fn run(ids: std::ops::Range<u8>) -> Run {
    let item = |id: u8| Item { kind: Kind::Span, hour: 0, id: Id([id; 16]), start: id.into(), end: u32::from(id) + 1 };
    let reservation = Budget::new(10).reserve();
    Run::new(Label(0), ids.map(item).collect(), vec![b'x'; 4], reservation)
}

/// Delivers items 0..4 to a store that answers so; returns what it was sent, and the books' page.
async fn deliver(answers: Vec<Vec<Verdict>>, give_up: bool) -> (Vec<Vec<u8>>, crate::telemetry::books::Page) {
    let writer = Arc::new(Scripted { answers: Mutex::new(answers.into()), ..Scripted::default() });
    let (metrics, page) = deliver_to(writer.clone(), give_up).await;
    assert!(metrics.contains("spaniel_possibly_doubled_total 0"), "{metrics}");
    let writes = writer.writes.lock().unwrap().clone();
    (writes, page)
}

/// Delivers items 0..4 to a store; returns the metrics, and the books' page.
async fn deliver_to(writer: Arc<dyn Writer>, give_up: bool) -> (String, crate::telemetry::books::Page) {
    let books = Arc::new(Books::new(&["test"]));
    let metrics = Arc::new(Metrics::for_tests());
    let gather = Gather { bytes: 1000, items: 100, interval: Duration::from_millis(10) };
    let shared = Shared::new(books.clone(), metrics.clone(), Budget::new(1 << 20));
    let spool = Arc::new(Spool::in_memory(gather, 0, shared));
    let names = IndexNames::new(&crate::settings::Indices::default());
    let rooms = Rooms {
        spool: spool.clone(),
        writer,
        books: books.clone(),
        services: Arc::new(Services::new(&names, Duration::ZERO)),
        metrics: metrics.clone(),
        dead_letters: None,
        clock: Clock::at(0),
    };
    let delivery = Delivery::new(rooms, Manner::default());
    let outcome = Outcome { received: 4, held: 4, ..Outcome::default() };
    spool.append(run(0..4), outcome, 0).await.unwrap();
    spool.close();
    if give_up {
        delivery.abandon();
    }
    for carrier in delivery.start() {
        carrier.await.unwrap();
    }
    assert_eq!((spool.held_items(), spool.held_bytes()), (0, 0));
    (metrics.text(), books.spans()["test"].clone())
}

use Verdict::{Again, AlreadyThere, Refused, Stored};

#[tokio::test(start_paused = true)]
async fn what_the_store_takes_is_settled() {
    let (writes, page) = deliver(vec![vec![Stored, AlreadyThere, Refused("mapping"), Stored]], false).await;
    assert_eq!(writes, [[0, 1, 2, 3]]);
    assert_eq!((page.stored, page.already_there, page.refused["mapping"], page.held), (2, 1, 1, 0));
    assert!(page.balances());
}

#[tokio::test(start_paused = true)]
async fn only_what_was_not_taken_is_sent_again() {
    let first = vec![Stored, Again("429"), Stored, Again("429")];
    let (writes, page) = deliver(vec![first, vec![Stored, Again("429")]], false).await;
    assert_eq!(writes, [vec![0, 1, 2, 3], vec![1, 3], vec![3]]);
    assert_eq!((page.stored, page.held), (4, 0));
}

/// What the budget of sampling follows: items that were pushed back, each time, and no others.
#[tokio::test(start_paused = true)]
async fn what_was_pushed_back_is_counted() {
    let again = crate::item::OVERLOADED;
    let first = vec![Stored, Again(again), Again(again), Again("shard-limit")];
    let answers = vec![first, vec![Again(again), Stored, Again("shard-limit")]];
    let writer = Scripted { answers: Mutex::new(answers.into()), ..Scripted::default() };
    let (metrics, page) = deliver_to(Arc::new(writer), false).await;
    assert!(metrics.contains("spaniel_store_pushed_back_total 3\n"), "{metrics}");
    assert_eq!(page.stored, 4);
}

/// A store that says at the first try where it sent the items, and wants it back at the second.
#[derive(Debug, Default)]
struct Aiming {
    seen: Mutex<Vec<Option<Box<str>>>>,
}

impl Writer for Aiming {
    fn write<'a>(&'a self, batch: &'a Batch) -> Task<'a, Judgement> {
        let mut seen = self.seen.lock().unwrap();
        seen.push(batch.targets.as_ref().map(|targets| targets.spans.clone()));
        let (verdict, place) = if seen.len() == 3 { (Stored, None) } else { (Again("429"), Some("here")) };
        let targets =
            place.filter(|_| seen.len() == 1).map(|place| Targets { spans: place.into(), ..Targets::default() });
        let mut verdicts = vec![verdict; batch.len()];
        verdicts[0] = Stored;
        let judgement = Judgement { targets: targets.map(Arc::new), possibly_doubled: 2, ..verdicts.into() };
        Box::pin(async move { judgement })
    }

    fn index(&self, item: &Item) -> String {
        format!("day-{}", item.hour / 24)
    }

    fn status(&self) -> Status {
        Status::default()
    }

    fn close(&self) -> Task<'_, ()> {
        Box::pin(async {})
    }
}

#[tokio::test(start_paused = true)]
async fn where_a_batch_went_is_kept_with_what_is_sent_again() {
    let writer = Arc::new(Aiming::default());
    let (metrics, page) = deliver_to(writer.clone(), false).await;
    assert!(metrics.contains("spaniel_possibly_doubled_total 6"), "{metrics}");
    let here = || Some(Box::from("here"));
    assert_eq!(*writer.seen.lock().unwrap(), [None, here(), here()]);
    assert_eq!(page.stored, 4);
}

#[tokio::test(start_paused = true)]
async fn an_absent_store_is_tried_until_it_is_back() {
    let (writes, page) = deliver(vec![vec![Again("absent"); 4]; 20], false).await;
    assert_eq!(writes.len(), 21);
    assert_eq!(page.stored, 4);
}

#[tokio::test(start_paused = true)]
async fn too_few_verdicts_are_no_success() {
    let (writes, page) = deliver(vec![vec![Stored]], false).await;
    assert_eq!(writes, [vec![0, 1, 2, 3], vec![1, 2, 3]]);
    assert_eq!(page.stored, 4);
}

#[tokio::test(start_paused = true)]
async fn what_is_left_at_the_end_is_dropped_and_counted() {
    let (writes, page) = deliver(vec![vec![Stored, Again("429"), Again("429"), Again("429")]], true).await;
    assert!(writes.is_empty());
    assert_eq!((page.stored, page.dropped["shutdown"], page.held), (0, 4, 0));
    assert!(page.balances());
}
