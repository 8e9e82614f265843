//! The gate of the commit thread, from outside: who is woken when. An interval of an hour stands for
//! what must not be waited for; only a failure waits.

use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;

use super::*;
use crate::spool::commit::{Gate, Pending};

/// Nobody waits for that.
const NEVER: Duration = Duration::from_secs(3600);
/// Only a failure takes so long.
const PATIENCE: Duration = Duration::from_secs(60);
/// Bytes of documents that are enough to go at once.
const ENOUGH: usize = 1 << 20;

fn enter(gate: &Gate, bytes: usize) -> Result<(), NotSafe> {
    let (answer, _) = oneshot::channel();
    let arrival = Arrival { run: run(1, bytes), outcome: Outcome::default(), services: 0 };
    gate.enter(Pending { arrival, answer })
}

fn sizes(batch: &mut Vec<Pending>) -> Vec<usize> {
    batch.drain(..).map(|pending| pending.arrival.run.documents.len()).collect()
}

/// A thread that takes batches until the gate is closed, and tells their sizes.
struct Taker {
    gate: Arc<Gate>,
    taken: Receiver<Vec<usize>>,
    thread: JoinHandle<()>,
}

impl Taker {
    fn start(gate: &Arc<Gate>) -> Self {
        let (tell, taken) = channel();
        let taking = gate.clone();
        let thread = std::thread::spawn(move || {
            let mut batch = Vec::new();
            while taking.take(&mut batch) {
                tell.send(sizes(&mut batch)).unwrap();
            }
        });
        Taker { gate: gate.clone(), taken, thread }
    }

    fn next(&self) -> Vec<usize> {
        self.taken.recv_timeout(PATIENCE).expect("a batch")
    }

    /// What is told until the gate is closed and empty.
    fn end(self) -> Vec<usize> {
        self.gate.close();
        let mut rest = Vec::new();
        while let Ok(batch) = self.taken.recv_timeout(PATIENCE) {
            rest.extend(batch);
        }
        self.thread.join().unwrap();
        rest
    }
}

#[test]
fn a_first_run_wakes_a_thread_that_has_nothing_to_do() {
    // Without an interval there is no doze: between two runs the thread waits without limit.
    let taker = Taker::start(&Arc::new(Gate::new(Duration::ZERO)));
    for round in 0..1000 {
        enter(&taker.gate, 10 + round).unwrap();
        assert_eq!(taker.next(), [10 + round]);
    }
    // With one it does when an interval has passed without any; whether it has just now is chance.
    let taker = Taker::start(&Arc::new(Gate::new(Duration::from_micros(100))));
    for round in 0..1000 {
        enter(&taker.gate, 10 + round).unwrap();
        assert_eq!(taker.next(), [10 + round]);
        std::thread::sleep(Duration::from_micros(round as u64 % 4 * 100));
    }
    assert!(taker.end().is_empty());
}

#[test]
fn runs_that_come_during_a_doze_are_taken_together_when_it_is_over() {
    let gate = Gate::new(Duration::from_millis(1));
    let mut batch = Vec::new();
    for round in 0..50 {
        enter(&gate, 10).unwrap();
        assert!(gate.take(&mut batch));
        assert_eq!(sizes(&mut batch), [10], "round {round}");
        // Nobody takes now, and nobody needs to be woken for these.
        (20..23).for_each(|bytes| enter(&gate, bytes).unwrap());
        assert!(gate.take(&mut batch));
        assert_eq!(sizes(&mut batch), [20, 21, 22], "round {round}");
    }
}

#[test]
fn one_alone_goes_at_once_and_enough_out_of_a_doze() {
    let taker = Taker::start(&Arc::new(Gate::new(NEVER)));
    enter(&taker.gate, 10).unwrap();
    assert_eq!(taker.next(), [10]);
    for _ in 0..50 {
        (0..3).for_each(|_| enter(&taker.gate, ENOUGH / 4).unwrap());
        assert!(taker.taken.try_recv().is_err(), "not yet enough");
        enter(&taker.gate, ENOUGH / 4).unwrap();
        assert_eq!(taker.next(), [ENOUGH / 4; 4]);
    }
    enter(&taker.gate, 2 * ENOUGH).unwrap();
    assert_eq!(taker.next(), [2 * ENOUGH], "one alone");
    assert!(taker.end().is_empty());
}

#[test]
fn closing_ends_a_wait_and_a_doze_and_nothing_is_left() {
    // Out of a doze, with and without a run that came meanwhile.
    for meanwhile in [vec![], vec![30, 40]] {
        let taker = Taker::start(&Arc::new(Gate::new(NEVER)));
        enter(&taker.gate, ENOUGH).unwrap();
        assert_eq!(taker.next(), [ENOUGH]);
        meanwhile.iter().for_each(|&bytes| enter(&taker.gate, bytes).unwrap());
        assert!(taker.taken.try_recv().is_err(), "it dozes");
        let gate = taker.gate.clone();
        assert_eq!(taker.end(), meanwhile);
        assert_eq!(enter(&gate, 10), Err(NotSafe::Closed));
        assert!(!gate.take(&mut Vec::new()));
    }
    // Out of a wait for the first.
    assert!(Taker::start(&Arc::new(Gate::new(NEVER))).end().is_empty());
}

#[test]
fn nothing_that_many_threads_enter_is_lost() {
    for interval in [Duration::ZERO, Duration::from_micros(50), Duration::from_millis(1)] {
        let taker = Taker::start(&Arc::new(Gate::new(interval)));
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let gate = &taker.gate;
                scope.spawn(move || (0..500).for_each(|run| enter(gate, 1 + thread * 500 + run).unwrap()));
            }
        });
        let mut taken = taker.end();
        taken.sort_unstable();
        assert_eq!(taken, (1..=2000).collect::<Vec<_>>());
    }
}
