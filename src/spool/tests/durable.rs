//! The spool on disk, over the simulated disk: what was acknowledged and is not settled is offered
//! until it is, over any number of lives.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::super::disk::simulated::{Call, Chance, Fault, SimulatedDisk};
use super::*;
use crate::spool::durable::Durability;

/// A disk, and a directory on the real one for the lock.
pub(super) struct Place {
    pub(super) disk: SimulatedDisk,
    directory: tempfile::TempDir,
    pub(super) books: Arc<Books>,
    budget: Arc<Budget>,
}

/// An item is known by the first eight bytes of its id.
pub(super) type Number = u64;

impl Place {
    pub(super) fn new(seed: u64) -> Self {
        let (disk, directory) = (SimulatedDisk::new(seed), tempfile::tempdir().unwrap());
        Place { disk, directory, books: Arc::new(Books::new(&["test"])), budget: Budget::new(1 << 20) }
    }

    fn durability(&self) -> Durability {
        Durability {
            directory: PathBuf::from(self.directory.path()),
            sync: true,
            compress: false,
            max_bytes: 8 * SEGMENT,
            segment_bytes: SEGMENT,
            held_max_bytes: 4 * SEGMENT,
            commit_interval: Duration::ZERO,
            drop_oldest: false,
            memory_bytes: 1 << 20,
        }
    }

    pub(super) fn open(&self, change: impl FnOnce(&mut Durability)) -> Arc<Spool> {
        let mut durability = self.durability();
        change(&mut durability);
        let metrics = Arc::new(Metrics::for_tests());
        let shared = Shared::new(self.books.clone(), metrics, self.budget.clone());
        let gather = Gather { items: 50, bytes: 20_000, interval: Duration::from_millis(1) };
        loop {
            match Spool::open(gather, 0, shared.clone(), Arc::new(self.disk.clone()), durability.clone()) {
                // The last thread of the life before is letting go of it.
                Err(OpenError::Lock(_)) => std::thread::yield_now(),
                opened => return opened.unwrap(),
            }
        }
    }

    /// The next life begins with new books.
    fn after(self, seed: u64) -> Self {
        Place { disk: self.disk.crash(seed), books: Arc::new(Books::new(&["test"])), ..self }
    }

    /// After a kill: the disk has all that was written.
    pub(super) fn after_kill(self) -> Self {
        self.disk.work_on();
        Place { books: Arc::new(Books::new(&["test"])), ..self }
    }

    pub(super) fn held(&self) -> u64 {
        let page = &self.books.spans()["test"];
        assert!(page.balances(), "{page:?}");
        page.held
    }
}

const SEGMENT: u64 = 32 << 10;

/// Ends a life: its threads are gone when this returns.
pub(super) async fn end(spool: Arc<Spool>) {
    spool.close();
    let weak = Arc::downgrade(&spool);
    drop(spool);
    while weak.upgrade().is_some() {
        tokio::task::yield_now().await;
    }
}

fn numbered(numbers: std::ops::Range<Number>, bytes: usize) -> Run {
    let mut run = run(numbers.clone().count(), bytes);
    for (item, number) in run.items.iter_mut().zip(numbers) {
        item.id.0[..8].copy_from_slice(&number.to_be_bytes());
    }
    run
}

fn numbers(batch: &Batch) -> Vec<Number> {
    batch.iter().map(|(_, item, _)| Number::from_be_bytes(item.id.0[..8].try_into().unwrap())).collect()
}

pub(super) async fn append(spool: &Spool, numbers: std::ops::Range<Number>, bytes: usize) -> Result<(), NotSafe> {
    let spans = numbers.clone().count() as u64;
    let outcome = Outcome { received: spans, held: spans, ..Outcome::default() };
    spool.append(self::numbered(numbers, bytes), outcome, 0).await
}

fn settle(spool: &Spool, batch: &Batch) {
    spool.settle(&batch.lane, &batch.segments(), batch.bytes);
    let settlement = crate::telemetry::books::Settlement { stored: batch.len() as u64, ..Default::default() };
    spool.books().settle(0, &settlement);
}

/// All that a spool has, taken when it is closed. A number comes once, but for what is held apart:
/// if the power goes just after it was carried over, it may be in both places, and carried over again.
pub(super) async fn drain(spool: &Arc<Spool>) -> BTreeSet<Number> {
    while !spool.is_counted() {
        tokio::task::yield_now().await;
    }
    spool.close();
    let mut found = BTreeSet::new();
    let mut take = |batch: Batch| {
        for number in numbers(&batch) {
            let is_held = matches!(batch.lane, Lane::Held(_));
            assert!(found.insert(number) || is_held, "{number} came twice in one life");
        }
        settle(spool, &batch);
    };
    while let Some(batch) = spool.next().await {
        take(batch);
    }
    while let Some(batch) = spool.next_of_backlog().await {
        take(batch);
    }
    for index in spool.held_indices() {
        while let Some(batch) = spool.next_of_held(&index, &spool.gather).await {
            take(batch);
        }
    }
    found
}

/// Segments of another size are not written again.
#[tokio::test]
async fn what_waits_together_fills_segments_of_the_usual_size() {
    let place = Place::new(1);
    let spool = place.open(|durability| {
        (durability.max_bytes, durability.commit_interval) = (64 * SEGMENT, Duration::from_millis(50));
    });
    let mut waiting = tokio::task::JoinSet::new();
    for number in 0..40 {
        let spool = spool.clone();
        waiting.spawn(async move { append(&spool, number..number + 1, 8000).await });
    }
    assert!(waiting.join_all().await.iter().all(Result::is_ok));
    let (bytes, _) = spool.disk_bytes();
    assert!(bytes >= 10 * SEGMENT && bytes.is_multiple_of(SEGMENT), "{bytes}");
    assert_eq!(drain(&spool).await, (0..40).collect());
}

#[tokio::test]
async fn what_was_not_settled_comes_back_in_the_next_life() {
    let place = Place::new(1);
    let spool = place.open(|_| {});
    append(&spool, 0..10, 100).await.unwrap();
    append(&spool, 10..20, 100).await.unwrap();
    assert_eq!((place.held(), spool.is_well()), (20, true));
    place.disk.cut_power(0);
    end(spool).await;
    let place = place.after(2);
    let spool = place.open(|_| {});
    assert_eq!(drain(&spool).await, (0..20).collect());
    assert_eq!(place.held(), 0);
    spool.tidy();
    end(spool).await;
    let place = place.after(3);
    let spool = place.open(|_| {});
    assert_eq!(drain(&spool).await, BTreeSet::new(), "all was settled and tidied up");
    end(spool).await;
}

#[tokio::test]
async fn a_file_that_becomes_free_is_synced_beside_the_commits() {
    let place = Place::new(1);
    let spool = place.open(|_| {});
    for number in 0..6 {
        append(&spool, number..number + 1, 8000).await.unwrap();
    }
    // While nothing is appended nobody else syncs: who meets this fault does it for the free file.
    place.disk.plan(Fault { after: 0, call: Some(Call::Sync), kind: std::io::ErrorKind::Other });
    for _ in 0..3 {
        let batch = spool.next().await.unwrap();
        settle(&spool, &batch);
    }
    let began = std::time::Instant::now();
    while place.disk.has_faults() {
        assert!(began.elapsed().as_secs() < 60, "nobody synced the free file");
        tokio::task::yield_now().await;
    }
    append(&spool, 6..7, 8000).await.unwrap();
    assert_eq!(drain(&spool).await, BTreeSet::from([6]));
    end(spool).await;
}

#[tokio::test]
async fn a_full_spool_refuses_and_takes_again_when_something_was_settled() {
    let place = Place::new(1);
    let spool = place.open(|_| {});
    let (mut next, mut fullness) = (0, vec![spool.fullness()]);
    let refused = loop {
        match append(&spool, next..next + 10, 1000).await {
            Ok(()) => next += 10,
            Err(why) => break why,
        }
        fullness.push(spool.fullness());
    };
    assert_eq!((refused, spool.is_well()), (NotSafe::Full, false));
    // It tells early and in small steps that it fills up, though files are reserved whole.
    assert!(fullness[0] < 0.01 && *fullness.last().unwrap() > 0.8, "{fullness:?}");
    assert!(fullness.windows(2).all(|pair| (0.0..0.1).contains(&(pair[1] - pair[0]))), "{fullness:?}");
    assert_eq!(place.held(), next, "what was refused was not entered");
    assert!(spool.disk_bytes().0 <= 8 * SEGMENT);
    while !spool.is_well() {
        let batch = spool.next().await.unwrap();
        settle(&spool, &batch);
    }
    assert!(spool.fullness() < *fullness.last().unwrap());
    append(&spool, next..next + 10, 1000).await.unwrap();
    end(spool).await;
}

#[tokio::test]
async fn a_full_spool_gives_up_its_oldest_if_it_is_told_to() {
    let place = Place::new(1);
    let spool = place.open(|durability| {
        durability.drop_oldest = true;
        durability.memory_bytes = 0;
    });
    for next in (0..1000).step_by(10) {
        append(&spool, next..next + 10, 1000).await.unwrap();
    }
    let dropped = place.books.spans()["test"].dropped["spool-full"];
    assert!(dropped > 0);
    assert_eq!(place.held() + dropped, 1000);
    let found = drain(&spool).await;
    assert_eq!(found.len() as u64 + dropped, 1000);
    assert!(found.iter().all(|&number| number >= dropped), "the oldest went");
    assert_eq!(place.held(), 0);
    end(spool).await;
}

/// Memory has room for more than the disk: nothing lies on disk only.
fn small_disk(durability: &mut Durability) {
    durability.drop_oldest = true;
    durability.max_bytes = 4 * SEGMENT;
}

#[tokio::test]
async fn a_full_spool_gives_up_its_oldest_though_all_of_it_waits_in_memory() {
    let place = Place::new(1);
    let spool = place.open(small_disk);
    for next in (0..1000).step_by(10) {
        append(&spool, next..next + 10, 1000).await.unwrap();
    }
    let dropped = place.books.spans()["test"].dropped["spool-full"];
    assert_eq!(place.held() + dropped, 1000);
    assert_eq!((spool.held_items() as u64, spool.held_bytes() as u64), (1000 - dropped, (1000 - dropped) * 1000));
    assert_eq!(spool.live_bytes.load(Ordering::Relaxed) as u64, (1000 - dropped) * 1000);
    assert!(spool.disk_bytes().0 <= 4 * SEGMENT && spool.is_well());
    assert_eq!(drain(&spool).await, (dropped..1000).collect(), "the oldest went, and nothing else");
    assert_eq!((place.held(), spool.held_items(), spool.live_bytes.load(Ordering::Relaxed)), (0, 0, 0));
    end(spool).await;
}

#[tokio::test]
async fn what_is_under_way_is_not_dropped_and_counts_once() {
    let place = Place::new(1);
    let spool = place.open(small_disk);
    append(&spool, 0..10, 1000).await.unwrap();
    let under_way = spool.next().await.unwrap();
    for next in (10..1000).step_by(10) {
        append(&spool, next..next + 10, 1000).await.unwrap();
    }
    let dropped = place.books.spans()["test"].dropped["spool-full"];
    assert_eq!(numbers(&under_way), (0..10).collect::<Vec<_>>());
    settle(&spool, &under_way);
    assert_eq!(place.held() + dropped + 10, 1000);
    let rest = drain(&spool).await;
    assert_eq!(rest.len() as u64 + dropped + 10, 1000);
    assert!(rest.contains(&999) && rest.iter().filter(|&&number| number >= 1000 - 40).count() == 40);
    assert_eq!((place.held(), spool.held_items()), (0, 0));
    end(spool).await;
}

#[tokio::test]
async fn a_spool_all_of_which_is_under_way_refuses_until_something_is_settled() {
    let place = Place::new(1);
    let spool = place.open(small_disk);
    let (mut next, mut under_way) = (0, Vec::new());
    while append(&spool, next..next + 10, 1000).await.is_ok() {
        under_way.push(spool.next().await.unwrap());
        next += 10;
    }
    assert_eq!((spool.is_well(), place.held()), (false, next));
    assert!(place.books.spans()["test"].dropped.is_empty());
    under_way.iter().for_each(|batch| settle(&spool, batch));
    append(&spool, next..next + 10, 1000).await.unwrap();
    assert_eq!(drain(&spool).await, (next..next + 10).collect());
    assert_eq!(place.held(), 0);
    end(spool).await;
}

#[tokio::test]
async fn what_was_read_back_and_not_taken_is_dropped_too() {
    let place = Place::new(1);
    let spool = place.open(|durability| {
        small_disk(durability);
        durability.memory_bytes = 0;
    });
    // A commit of more than two batches, which are read back at once and given out one by one.
    append(&spool, 0..25, 1000).await.unwrap();
    let first = spool.next_of_backlog().await.unwrap();
    settle(&spool, &first);
    assert!(spool.backlog_items() == 0 && first.len() < 25, "the rest was read and waits");
    for next in (25..1000).step_by(5) {
        append(&spool, next..next + 5, 1000).await.unwrap();
    }
    let (dropped, settled) = (place.books.spans()["test"].dropped["spool-full"], first.len() as u64);
    assert_eq!(place.held() + dropped + settled, 1000);
    assert_eq!(drain(&spool).await, (dropped + settled..1000).collect(), "the oldest went, and nothing else");
    assert_eq!((place.held(), spool.held_items()), (0, 0));
    end(spool).await;
}

#[tokio::test]
async fn a_segment_that_was_closed_for_want_of_room_goes_when_it_is_settled() {
    let place = Place::new(1);
    let spool = place.open(|durability| durability.max_bytes = 2 * SEGMENT);
    append(&spool, 0..20, 1000).await.unwrap();
    let _pinned = spool.next().await.unwrap();
    append(&spool, 20..40, 1000).await.unwrap();
    let second = spool.next().await.unwrap();
    settle(&spool, &second);
    assert_eq!(numbers(&second), (20..40).collect::<Vec<_>>());
    // The first segment is under way still; the second is full, and settled.
    append(&spool, 40..60, 1000).await.unwrap();
    assert_eq!(place.held(), 40, "the first run and the third");
    end(spool).await;
}

#[tokio::test]
async fn what_cannot_be_written_is_refused_until_it_can() {
    let place = Place::new(1);
    let spool = place.open(|_| {});
    append(&spool, 0..5, 100).await.unwrap();
    for call in [Call::Write, Call::Sync] {
        // The file that is written, and the one that is tried after it.
        for after in 0..4 {
            place.disk.plan(Fault { after, call: Some(call), kind: std::io::ErrorKind::Other });
        }
        assert_eq!(append(&spool, 5..10, 100).await, Err(NotSafe::Disk));
        assert!(!spool.is_well());
        place.disk.mend();
    }
    append(&spool, 10..15, 100).await.unwrap();
    assert_eq!(drain(&spool).await, (0..5).chain(10..15).collect());
    end(spool).await;
}

#[tokio::test]
async fn what_memory_has_no_room_for_is_read_back() {
    let place = Place::new(1);
    let spool = place.open(|durability| durability.memory_bytes = 5_000);
    for next in (0..200).step_by(5) {
        append(&spool, next..next + 5, 200).await.unwrap();
    }
    while spool.backlog_items() == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(place.held(), 200);
    let in_memory = spool.live_bytes.load(Ordering::Relaxed);
    assert!(in_memory < 10_000, "{in_memory}");
    let first = spool.next_of_backlog().await.unwrap();
    assert_eq!(numbers(&first)[0], 0, "the oldest first");
    settle(&spool, &first);
    let rest = drain(&spool).await;
    assert_eq!(rest.len() + first.len(), 200);
    end(spool).await;
}

#[tokio::test]
async fn what_was_carried_over_pins_no_segment_and_survives() {
    let place = Place::new(1);
    let spool = place.open(|_| {});
    append(&spool, 0..20, 1000).await.unwrap();
    let batch = spool.next().await.unwrap();
    let (ours, theirs) = (batch.only(|index| index < 3), batch.only(|index| index >= 3));
    settle(&spool, &theirs);
    spool.carry_over("jaeger-span-2026-11-21", &ours).await.unwrap();
    append(&spool, 20..60, 1000).await.unwrap();
    assert_eq!(spool.held_indices(), ["jaeger-span-2026-11-21".into()]);
    assert_eq!(place.held(), 43);
    place.disk.cut_power(0);
    end(spool).await;
    let place = place.after(9);
    let spool = place.open(|_| {});
    let found = drain(&spool).await;
    let must: BTreeSet<Number> = numbers(&ours).into_iter().chain(20..60).collect();
    assert!(found.is_superset(&must), "{found:?}");
    assert_eq!(place.held(), 0);
    end(spool).await;
}

#[tokio::test]
async fn what_cannot_be_read_now_is_not_lost() {
    let place = Place::new(1);
    let spool = place.open(|_| {});
    append(&spool, 0..10, 100).await.unwrap();
    place.disk.cut_power(0);
    end(spool).await;
    let place = place.after(2);
    let spool = place.open(|durability| durability.memory_bytes = 0);
    append(&spool, 10..20, 100).await.unwrap();
    while !spool.is_counted() || spool.backlog_items() < 20 {
        tokio::task::yield_now().await;
    }
    place.disk.plan(Fault { after: 0, call: Some(Call::Open), kind: std::io::ErrorKind::Other });
    assert_eq!(drain(&spool).await, (0..20).collect());
    assert_eq!((place.held(), place.disk.has_faults()), (0, false));
    end(spool).await;
}

/// A batch that is there, or will be in a moment; there may be none, or no power to read it by.
async fn soon(batch: impl Future<Output = Option<Batch>>) -> Option<Batch> {
    tokio::time::timeout(Duration::from_millis(10), batch).await.ok().flatten()
}

/// A full spool in random work: what it dropped, what was settled and what is left are all that it took,
/// and nothing that a carrier held was dropped under its hands.
#[tokio::test]
async fn whatever_is_dropped_counts_once() {
    for seed in 0..30 {
        let (mut chance, place) = (Chance::new(seed), Place::new(seed));
        let memory_bytes = [0, 4_000, 1 << 20][seed as usize % 3];
        let spool = place.open(|durability| {
            small_disk(durability);
            durability.memory_bytes = memory_bytes;
            durability.sync = seed % 2 == 0;
        });
        let (mut next, mut taken, mut seen, mut under_way) = (0, 0, BTreeSet::new(), Vec::new());
        for _ in 0..150 {
            let spans = 1 + chance.below(12);
            taken += append(&spool, next..next + spans, 1 + chance.below(1000) as usize).await.map_or(0, |()| spans);
            next += spans;
            let batch = match chance.below(12) {
                0 => soon(spool.next()).await,
                1 => soon(spool.next_of_backlog()).await,
                _ => None,
            };
            if let Some(batch) = batch {
                assert!(numbers(&batch).into_iter().all(|number| seen.insert(number)), "seed {seed}: twice");
                under_way.push(batch);
            }
            if chance.percent(10) && !under_way.is_empty() {
                settle(&spool, &under_way.swap_remove(chance.below(under_way.len() as u64) as usize));
            }
            place.held();
        }
        under_way.iter().for_each(|batch| settle(&spool, batch));
        let rest = drain(&spool).await;
        assert!(rest.is_disjoint(&seen), "seed {seed}: twice");
        let dropped = place.books.spans()["test"].dropped["spool-full"];
        assert_eq!(rest.len() as u64 + seen.len() as u64 + dropped, taken, "seed {seed}");
        assert_eq!((place.held(), spool.held_items(), spool.held_bytes()), (0, 0, 0), "seed {seed}");
        end(spool).await;
    }
}

/// One life of random work; what was acknowledged and what was settled.
async fn live(place: &Place, chance: &mut Chance, known: &mut BTreeMap<Number, bool>, next: &mut Number) {
    let spool = place.open(|durability| durability.memory_bytes = 4_000);
    let work = 5 + chance.below(25);
    place.disk.cut_power(chance.below(200));
    for _ in 0..work {
        let spans = 1 + chance.below(8);
        if append(&spool, *next..*next + spans, 10 + chance.below(900) as usize).await.is_ok() {
            known.extend((*next..*next + spans).map(|number| (number, false)));
        }
        *next += spans;
        let batch = match chance.below(3) {
            0 => soon(spool.next()).await,
            1 => soon(spool.next_of_backlog()).await,
            _ => None,
        };
        let Some(batch) = batch else { continue };
        match chance.below(4) {
            0 => settle(&spool, &batch),
            1 => {
                let some = batch.only(|index| index % 2 == 0);
                settle(&spool, &some);
                known.extend(numbers(&some).into_iter().map(|number| (number, true)));
                continue;
            }
            2 if spool.carry_over("index", &batch).await.is_ok() => continue,
            // Sent, and no answer when the power goes.
            _ => continue,
        }
        known.extend(numbers(&batch).into_iter().map(|number| (number, true)));
    }
    place.disk.cut_power(0);
    end(spool).await;
}

/// Lives that end with the power; `SPANIEL_SPOOL_LIVES` says how many.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_many_lives_nothing_acknowledged_is_lost() {
    let lives = std::env::var("SPANIEL_SPOOL_LIVES").map_or(60, |text| text.parse::<u64>().unwrap());
    for seed in 0..lives.div_ceil(4) {
        let mut chance = Chance::new(seed);
        let mut place = Place::new(seed);
        // Numbers that were acknowledged, and whether they were settled.
        let (mut known, mut next) = (BTreeMap::new(), 0);
        for life in 0..4 {
            live(&place, &mut chance, &mut known, &mut next).await;
            place = place.after(seed * 10 + life);
        }
        let spool = place.open(|_| {});
        let found = drain(&spool).await;
        let lost: Vec<_> = known.iter().filter(|(number, settled)| !**settled && !found.contains(number)).collect();
        assert!(lost.is_empty(), "seed {seed}: lost {lost:?}");
        assert!(found.iter().all(|number| *number < next));
        assert_eq!(place.held(), 0, "seed {seed}");
        end(spool).await;
    }
}
