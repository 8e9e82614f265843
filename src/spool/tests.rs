mod direct;
mod durable;
mod gate;

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::item::{Id, Item, Kind, Label};
use crate::memory::Budget;
use crate::telemetry::books::Books;
use crate::telemetry::metrics::Metrics;

fn run(items: usize, bytes: usize) -> Run {
    let item = |index: usize| Item {
        kind: Kind::Span,
        hour: 0,
        id: Id([index as u8; 16]),
        start: (index * bytes) as u32,
        end: ((index + 1) * bytes) as u32,
    };
    let items: Vec<_> = (0..items).map(item).collect();
    let documents = vec![b'x'; items.len() * bytes];
    Run::new(Label(0), items, documents, Budget::new(1).reserve())
}

fn spool(gather: Gather, pace_bytes: usize) -> Spool {
    let (books, metrics) = (Arc::new(Books::new(&["test"])), Arc::new(Metrics::for_tests()));
    Spool::in_memory(gather, pace_bytes, Shared::new(books, metrics, Budget::new(1 << 20)))
}

fn gather(items: usize, bytes: usize) -> Gather {
    Gather { items, bytes, interval: Duration::from_secs(1) }
}

#[tokio::test(start_paused = true)]
async fn a_batch_goes_when_it_is_large_enough() {
    let spool = spool(gather(4, 1000), 0);
    for _ in 0..3 {
        spool.append(run(2, 10), Outcome::default(), 0).await.unwrap();
    }
    let batch = spool.next().await.unwrap();
    assert_eq!((batch.len(), batch.bytes, batch.runs.len()), (4, 40, 2));
    assert_eq!(spool.held_items(), 6);
}

#[tokio::test(start_paused = true)]
async fn a_small_batch_goes_when_it_has_waited() {
    let spool = spool(gather(4, 1000), 0);
    spool.append(run(1, 10), Outcome::default(), 0).await.unwrap();
    let before = tokio::time::Instant::now();
    let batch = spool.next().await.unwrap();
    assert_eq!(batch.len(), 1);
    assert_eq!(before.elapsed(), Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_large_run_is_taken_in_parts_and_no_item_twice() {
    let spool = spool(gather(100, 35), 0);
    spool.append(run(10, 10), Outcome::default(), 0).await.unwrap();
    let mut seen = Vec::new();
    while seen.len() < 10 {
        let batch = spool.next().await.unwrap();
        assert!(batch.len() <= 3);
        seen.extend(batch.iter().map(|(_, item, document)| (item.id.0[0], document.len())));
    }
    assert_eq!(seen, (0..10).map(|index| (index, 10)).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn an_item_over_the_limit_goes_alone() {
    let spool = spool(gather(100, 35), 0);
    spool.append(run(2, 500), Outcome::default(), 0).await.unwrap();
    assert_eq!(spool.next().await.unwrap().len(), 1);
    assert_eq!(spool.next().await.unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_closed_spool_gives_out_the_rest_and_takes_no_more() {
    let spool = spool(gather(100, 1000), 0);
    spool.append(run(3, 10), Outcome::default(), 0).await.unwrap();
    spool.close();
    assert_eq!(spool.append(run(1, 10), Outcome::default(), 0).await, Err(NotSafe::Closed));
    assert_eq!(spool.next().await.unwrap().len(), 3);
    assert!(spool.next().await.is_none());
    assert!(spool.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn two_senders_share_the_work() {
    let spool = std::sync::Arc::new(spool(gather(2, 1000), 0));
    let sender = |spool: std::sync::Arc<Spool>| async move {
        let mut items = 0;
        while let Some(batch) = spool.next().await {
            items += batch.len();
        }
        items
    };
    let one = tokio::spawn(sender(spool.clone()));
    let two = tokio::spawn(sender(spool.clone()));
    for _ in 0..20 {
        spool.append(run(3, 10), Outcome::default(), 0).await.unwrap();
        tokio::task::yield_now().await;
    }
    spool.close();
    assert_eq!(one.await.unwrap() + two.await.unwrap(), 60);
}

#[tokio::test(start_paused = true)]
async fn answers_are_held_back_while_the_store_is_behind() {
    let spool = std::sync::Arc::new(spool(gather(100, 1000), 50));
    spool.set_flowing(true);
    let append = |spool: std::sync::Arc<Spool>| {
        tokio::spawn(async move { spool.append(run(1, 40), Outcome::default(), 0).await })
    };
    append(spool.clone()).await.unwrap().unwrap();
    let second = append(spool.clone());
    tokio::task::yield_now().await;
    assert!(!second.is_finished());
    spool.settle(&Lane::Live, &[(0, 1)], 40);
    let before = tokio::time::Instant::now();
    second.await.unwrap().unwrap();
    assert_eq!(before.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_a_store_that_is_away_or_longer_than_half_a_second() {
    let spool = spool(gather(100, 1000), 50);
    let before = tokio::time::Instant::now();
    spool.append(run(1, 400), Outcome::default(), 0).await.unwrap();
    assert_eq!(before.elapsed(), Duration::ZERO);
    spool.set_flowing(true);
    spool.append(run(1, 400), Outcome::default(), 0).await.unwrap();
    assert_eq!(before.elapsed(), Duration::from_millis(500));
}

#[tokio::test(start_paused = true)]
async fn what_one_sender_leaves_another_takes_in_time() {
    let spool = std::sync::Arc::new(spool(gather(2, 1000), 0));
    let waiting =
        |spool: std::sync::Arc<Spool>| tokio::spawn(async move { spool.next().await.map(|batch| batch.len()) });
    let (one, two) = (waiting(spool.clone()), waiting(spool.clone()));
    tokio::task::yield_now().await;
    let before = tokio::time::Instant::now();
    spool.append(run(3, 10), Outcome::default(), 0).await.unwrap();
    assert_eq!(one.await.unwrap().unwrap() + two.await.unwrap().unwrap(), 3);
    assert_eq!(before.elapsed(), Duration::from_secs(1));
}
