use std::sync::Mutex;

use super::*;
use crate::decode::Unreadable;

/// Answers as it is told, and remembers what it was given.
#[derive(Debug)]
struct Fake {
    answer: fn() -> Result<Taken, Rejected>,
    taken: Mutex<usize>,
}

impl Take for Fake {
    async fn take(&self, _: Protocol, body: Bytes, _: Reservation) -> Result<Taken, Rejected> {
        *self.taken.lock().unwrap() += body.len();
        (self.answer)()
    }
}

fn settings(max_bytes: usize) -> settings::Forward {
    // A port that is never open.
    let zipkin = Some("http://127.0.0.1:1".into());
    let timeout = Duration::from_millis(1);
    settings::Forward { zipkin, max_bytes, timeout, ..settings::Forward::default() }
}

fn text(metrics: &Metrics, name: &str) -> u64 {
    let text = metrics.text();
    let lines = text.lines().filter(|line| line.split(['{', ' ']).next() == Some(name));
    lines.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
}

/// Copies, and bytes that wait, after one body of 1000 bytes was answered so.
async fn after(answer: fn() -> Result<Taken, Rejected>, max_bytes: usize) -> (u64, u64) {
    let (budget, metrics) = (Budget::new(1 << 20), Arc::new(Metrics::for_tests()));
    let forward = Forward::start(&settings(max_bytes), &budget, &metrics).unwrap();
    let take = Arc::new(Fake { answer, taken: Mutex::new(0) });
    let forwarding = Forwarding { take: take.clone(), forward: forward.clone() };
    let taken = forwarding.take(Protocol::ZipkinJson, vec![b' '; 1000].into(), budget.reserve()).await;
    assert_eq!((taken.is_ok(), *take.taken.lock().unwrap()), (answer().is_ok(), 1000));
    forward.unwrap().stop(Duration::from_secs(10)).await;
    assert_eq!(text(&metrics, "spaniel_forward_waiting_bytes"), 0);
    (text(&metrics, "spaniel_forward_copies_total"), text(&metrics, "spaniel_forward_dropped_total"))
}

#[tokio::test]
async fn only_what_was_taken_is_copied() {
    let some = || Ok(Taken { accepted: 1, refused: [("span-id", 1)].into(), ..Taken::default() });
    let none = || Ok(Taken::default());
    assert_eq!(after(some, 1 << 20).await, (1, 1));
    assert_eq!(after(some, 10).await, (1, 1), "no room for it");
    assert_eq!(after(none, 1 << 20).await, (0, 0));
    assert_eq!(after(|| Err(Rejected::NotNow), 1 << 20).await, (0, 0));
    assert_eq!(after(|| Err(Unreadable { offset: 0, what: "no", limit: None }.into()), 1 << 20).await, (0, 0));
}

#[tokio::test]
async fn its_room_is_taken_once_and_never_more_than_an_eighth() {
    let (budget, metrics) = (Budget::new(1 << 20), Arc::new(Metrics::for_tests()));
    let forward = Forward::start(&settings(1 << 30), &budget, &metrics).unwrap();
    assert_eq!(budget.used(), 1 << 17);
    drop(forward);
    let off = Forward::start(&settings::Forward::default(), &budget, &metrics).unwrap();
    assert!(off.is_none());
}
