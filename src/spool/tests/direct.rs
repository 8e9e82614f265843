//! Runs that their requests write themselves, over the simulated disk.

use std::collections::BTreeSet;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use tokio::time::Instant;

use super::durable::{Number, Place, append, drain, end};
use super::*;
use crate::spool::Durability;
use crate::spool::direct::Turn;
use crate::spool::disk::simulated::Chance;

fn unsynced(durability: &mut Durability) {
    durability.sync = false;
}

/// With an interval some runs go together.
fn mixed(durability: &mut Durability, seed: u64) {
    unsynced(durability);
    (durability.max_bytes, durability.commit_interval) = (1 << 24, Duration::from_millis(seed % 2));
}

/// Asks once whether it is done; nobody hears it if it is later.
fn at_once<T>(work: impl Future<Output = T>) -> Option<T> {
    match pin!(work).as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => Some(done),
        Poll::Pending => None,
    }
}

fn turn(spool: &Spool) -> MutexGuard<'_, Turn> {
    spool.durable.as_ref().unwrap().turn.lock().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_request_waits_for_nobody_while_nobody_else_writes() {
    let place = Place::new(1);
    let spool = place.open(unsynced);
    // There is no segment yet: the commit thread begins one.
    append(&spool, 0..1, 100).await.unwrap();
    drop(turn(&spool));
    for number in 1..90 {
        assert_eq!(at_once(append(&spool, number..number + 1, 100)), Some(Ok(())), "run {number}");
    }
    assert_eq!((place.held(), drain(&spool).await), (90, (0..90).collect()));
    end(spool).await;
}

#[tokio::test(start_paused = true)]
async fn of_many_runs_in_an_interval_the_first_go_alone_and_the_others_together() {
    let place = Place::new(1);
    let interval = Duration::from_millis(20);
    let spool = place.open(|durability| (durability.sync, durability.commit_interval) = (false, interval));
    append(&spool, 0..1, 100).await.unwrap();
    for next in [1, 4] {
        // The commit thread may still have the turn though it has answered.
        drop(turn(&spool));
        tokio::time::advance(interval).await;
        assert_eq!(at_once(append(&spool, next..next + 1, 100)), Some(Ok(())));
        assert_eq!(at_once(append(&spool, next + 1..next + 2, 100)), Some(Ok(())));
        let mut third = pin!(append(&spool, next + 2..next + 3, 100));
        assert_eq!(at_once(third.as_mut()), None);
        third.await.unwrap();
    }
    assert_eq!((drain(&spool).await, place.held()), ((0..7).collect(), 0));
    end(spool).await;
}

#[tokio::test]
async fn what_cannot_be_written_at_once_is_left_to_the_commit_thread() {
    let changes: [fn(&mut Durability); 3] =
        [unsynced, |_| {}, |durability| (durability.sync, durability.compress) = (false, true)];
    for (index, change) in changes.into_iter().enumerate() {
        let place = Place::new(1);
        let spool = place.open(change);
        append(&spool, 0..1, 100).await.unwrap();
        let taken = turn(&spool);
        assert_eq!(at_once(append(&spool, 1..2, 100)), None, "somebody writes: {index}");
        drop(taken);
        // Nobody asks for the answer, and it is made safe all the same.
        assert_eq!(drain(&spool).await, (0..2).collect());
        assert_eq!(append(&spool, 2..3, 100).await, Err(NotSafe::Closed));
        end(spool).await;
    }
}

#[tokio::test]
async fn new_segments_are_begun_by_the_commit_thread_and_nothing_is_lost_between_them() {
    let place = Place::new(1);
    let spool = place.open(unsynced);
    for next in (0..150).step_by(3) {
        append(&spool, next..next + 3, 1000).await.unwrap();
    }
    assert!(spool.disk_bytes().0 > 4 * (32 << 10), "several segments");
    place.disk.cut_power(0);
    end(spool).await;
    let place = place.after_kill();
    let spool = place.open(unsynced);
    assert_eq!((drain(&spool).await, place.held()), ((0..150).collect(), 0));
    end(spool).await;
}

/// Requests on several threads, beside the commit thread, until the spool is closed or the process is
/// killed: what they acknowledged, and the first number that was never used.
async fn busy(spool: &Arc<Spool>, seed: u64, first: Number) -> (BTreeSet<Number>, Number) {
    const NUMBERS: u64 = 300;
    let requests = (0..4).map(|request| {
        let (spool, mut chance) = (spool.clone(), Chance::new(seed * 4 + request));
        tokio::spawn(async move {
            let (mut next, last) = (first + request * NUMBERS, first + (request + 1) * NUMBERS);
            let mut acknowledged = BTreeSet::new();
            while next < last {
                let run = next..last.min(next + 1 + chance.below(6));
                if append(&spool, run.clone(), 10 + chance.below(300) as usize).await.is_ok() {
                    acknowledged.extend(run.clone());
                }
                next = run.end;
                if chance.percent(5) {
                    tokio::task::yield_now().await;
                }
            }
            acknowledged
        })
    });
    let mut acknowledged = BTreeSet::new();
    for request in requests.collect::<Vec<_>>() {
        acknowledged.append(&mut request.await.unwrap());
    }
    (acknowledged, first + 4 * NUMBERS)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_acknowledged_while_the_spool_is_closed_is_given_out() {
    for seed in 0..20 {
        let place = Place::new(seed);
        let spool = place.open(|durability| mixed(durability, seed));
        append(&spool, 0..1, 10).await.unwrap();
        let closing = spool.clone();
        let close = tokio::task::spawn_blocking(move || {
            while closing.held_items() < 10 * (1 + seed as usize) {
                std::thread::yield_now();
            }
            closing.close();
        });
        let (mut acknowledged, _) = busy(&spool, seed, 1).await;
        close.await.unwrap();
        acknowledged.insert(0);
        assert_eq!(place.held(), acknowledged.len() as u64, "seed {seed}");
        assert_eq!(drain(&spool).await, acknowledged, "seed {seed}");
        end(spool).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_kill_in_the_middle_of_any_call_loses_nothing_acknowledged() {
    for seed in 0..20 {
        let (mut chance, mut place) = (Chance::new(seed), Place::new(seed));
        let (mut acknowledged, mut next) = (BTreeSet::new(), 0);
        for _ in 0..3 {
            let spool = place.open(|durability| mixed(durability, seed));
            place.disk.cut_power(chance.below(400));
            let (more, unused) = busy(&spool, seed, next).await;
            acknowledged.extend(more);
            next = unused;
            place.disk.cut_power(0);
            end(spool).await;
            place = place.after_kill();
        }
        let spool = place.open(unsynced);
        let found = drain(&spool).await;
        let lost: Vec<_> = acknowledged.difference(&found).collect();
        assert!(lost.is_empty(), "seed {seed}: lost {lost:?}");
        assert!(place.held() == 0 && found.iter().all(|&number| number < next), "seed {seed}");
        end(spool).await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_commit_thread_takes_over_while_writes_are_slow() {
    let (mut turn, now) = (Turn::default(), Instant::now());
    let (copy, hiccup, throttled) = (Duration::from_micros(15), Duration::from_millis(3), Duration::from_millis(100));
    for _ in 0..20 {
        (0..200).for_each(|_| turn.took(10_000, copy, now));
        turn.took(10_000, hiccup, now);
        assert!(turn.is_quick(now), "a thread that lost its core");
    }
    turn.took(10_000, throttled, now);
    assert!(!turn.is_quick(now));
    assert!(!turn.is_quick(now + Duration::from_millis(999)));
    assert!(turn.is_quick(now + Duration::from_secs(1)), "it is tried again");
    let read_first = Duration::from_micros(400);
    let writes = (1..).find(|_| {
        turn.took(10_000, read_first, now);
        !turn.is_quick(now)
    });
    assert!(writes < Some(100), "each write reads a page first: {writes:?}");
}
