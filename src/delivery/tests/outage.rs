//! After an outage a store that bears little is not asked for much: of all items answered while the
//! backlog drains, less than one in a hundred is told that there is too much.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

/// A store that works on so many requests at once, each for so long, and refuses more, item by
/// item, as Elasticsearch's write queue does.
#[derive(Debug)]
struct Narrow {
    bears: usize,
    takes: Duration,
    at_work: AtomicUsize,
    most_at_work: AtomicUsize,
    answered: AtomicUsize,
    refused: AtomicUsize,
}

impl Writer for Narrow {
    fn write<'a>(&'a self, batch: &'a Batch) -> Task<'a, Judgement> {
        Box::pin(async move {
            let others = self.at_work.fetch_add(1, Ordering::Relaxed);
            self.most_at_work.fetch_max(others + 1, Ordering::Relaxed);
            let verdict = if others < self.bears {
                tokio::time::sleep(self.takes).await;
                Stored
            } else {
                tokio::time::sleep(Duration::from_millis(5)).await;
                self.refused.fetch_add(batch.len(), Ordering::Relaxed);
                Again("overloaded")
            };
            self.at_work.fetch_sub(1, Ordering::Relaxed);
            self.answered.fetch_add(batch.len(), Ordering::Relaxed);
            vec![verdict; batch.len()].into()
        })
    }

    fn index(&self, _: &Item) -> String {
        "day".into()
    }

    fn status(&self) -> Status {
        Status::default()
    }

    fn close(&self) -> Task<'_, ()> {
        Box::pin(async {})
    }
}

/// A backlog of 2,000 batches for such a store; items refused for each thousand answered, and the
/// most requests at once.
async fn drain(bears: usize, takes: Duration) -> (usize, usize) {
    let zero = AtomicUsize::default;
    let narrow = Narrow { bears, takes, at_work: zero(), most_at_work: zero(), answered: zero(), refused: zero() };
    let writer = Arc::new(narrow);
    let metrics = Arc::new(Metrics::for_tests());
    let books = Arc::new(Books::new(&["test"]));
    let gather = Gather { bytes: 1000, items: 4, interval: Duration::from_millis(10) };
    let shared = Shared::new(books.clone(), metrics.clone(), Budget::new(1 << 20));
    let spool = Arc::new(Spool::in_memory(gather, 0, shared));
    let rooms = Rooms {
        spool: spool.clone(),
        writer: writer.clone(),
        books: books.clone(),
        services: Arc::new(Services::new(&IndexNames::new(&crate::settings::Indices::default()), Duration::ZERO)),
        metrics,
        dead_letters: None,
        clock: Clock::at(0),
    };
    for _ in 0..2_000 {
        let outcome = Outcome { received: 4, held: 4, ..Outcome::default() };
        spool.append(run(0..4), outcome, 0).await.unwrap();
    }
    let delivery = Delivery::new(rooms, Manner { carriers: 1, most_carriers: 8, ..Manner::default() });
    let carriers = delivery.start();
    while spool.held_items() > 0 {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    delivery.stop();
    spool.close();
    for carrier in carriers {
        carrier.await.unwrap();
    }
    assert_eq!(books.spans()["test"].stored, 8_000);
    let count = |count: &AtomicUsize| count.load(Ordering::Relaxed);
    (count(&writer.refused) * 1000 / count(&writer.answered), count(&writer.most_at_work))
}

#[tokio::test(start_paused = true)]
async fn less_than_one_in_a_hundred_is_told_that_there_is_too_much() {
    for bears in [1, 2, 3, 5, 8] {
        for takes in [5, 50, 500] {
            let (refused, most) = drain(bears, Duration::from_millis(takes)).await;
            assert!(refused < 10, "{refused} of 1000 refused by one that bears {bears} of {takes} ms");
            assert!(most >= bears, "only {most} at once of {bears}");
        }
    }
}
