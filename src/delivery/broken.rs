//! Tells an index that is at fault from documents that are.
//!
//! When most of what an index was given within a minute was refused for good, its template or its
//! mapping is broken, not the documents: they are held until somebody mends it, rather than thrown
//! to the dead letters by the million at midnight. It is over as soon as it takes most of a batch.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::item::{Batch, Kind, Verdict};

const MINUTE: Duration = Duration::from_secs(60);

/// Fewer refusals than this say nothing about an index.
const ENOUGH: u64 = 50;

/// The word for items of a broken index.
pub(super) const WORD: &str = "template-or-mapping-broken";

/// An index: what for, and the day.
type Index = (bool, u64);

/// What is known of indices that were written lately.
#[derive(Debug, Default)]
pub(super) struct Broken {
    indices: Mutex<BTreeMap<Index, Window>>,
}

#[derive(Debug, Clone, Copy)]
struct Window {
    since: Instant,
    judged: u64,
    refused: u64,
    broken: bool,
}

impl Broken {
    /// Enters the verdicts on a batch. What a broken index refused is to be sent again: its
    /// verdicts are changed. Returns the day of an index that was found broken just now.
    pub(super) fn hold(&self, batch: &Batch, verdicts: &mut [Verdict]) -> Option<u64> {
        let counts = count(batch, verdicts);
        let mut found = None;
        let mut indices = self.indices.lock().unwrap_or_else(PoisonError::into_inner);
        indices.retain(|index, window| window.since.elapsed() < MINUTE || window.broken || counts.contains_key(index));
        for (index, (judged, refused)) in &counts {
            let now = Instant::now();
            let fresh = Window { since: now, judged: 0, refused: 0, broken: false };
            let window = indices.entry(*index).or_insert(fresh);
            if window.since.elapsed() >= MINUTE {
                *window = Window { broken: window.broken, ..fresh };
            }
            window.judged += judged;
            window.refused += refused;
            let was = window.broken;
            if *judged > 0 && refused * 2 <= *judged {
                window.broken = false;
            } else if window.refused >= ENOUGH && window.refused * 2 > window.judged {
                window.broken = true;
            }
            if window.broken && !was {
                found = Some(index.1);
            }
        }
        if indices.values().any(|window| window.broken) {
            for ((_, item, _), verdict) in batch.iter().zip(verdicts) {
                let broken = indices.get(&index(item.kind, item.hour)).is_some_and(|window| window.broken);
                if broken && matches!(verdict, Verdict::Refused(_)) {
                    *verdict = Verdict::Again(WORD);
                }
            }
        }
        found
    }
}

fn index(kind: Kind, hour: u64) -> Index {
    (kind == Kind::Service, hour / 24)
}

/// How many items of each index were judged, and refused for good.
fn count(batch: &Batch, verdicts: &[Verdict]) -> BTreeMap<Index, (u64, u64)> {
    let mut counts = BTreeMap::new();
    let mut last: Option<(Index, (u64, u64))> = None;
    for ((_, item, _), verdict) in batch.iter().zip(verdicts) {
        let (judged, refused) = match verdict {
            Verdict::Stored | Verdict::AlreadyThere => (1, 0),
            Verdict::Refused(_) => (1, 1),
            Verdict::Again(_) => continue,
        };
        let place = index(item.kind, item.hour);
        match &mut last {
            Some((index, sums)) if *index == place => *sums = (sums.0 + judged, sums.1 + refused),
            _ => add(&mut counts, last.replace((place, (judged, refused)))),
        }
    }
    add(&mut counts, last);
    counts
}

fn add(counts: &mut BTreeMap<Index, (u64, u64)>, more: Option<(Index, (u64, u64))>) {
    if let Some((index, (judged, refused))) = more {
        let sums = counts.entry(index).or_default();
        *sums = (sums.0 + judged, sums.1 + refused);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::item::{Id, Item, Label, Run};
    use crate::memory::Budget;

    fn batch(items: usize, day: u64) -> Batch {
        let item = Item { kind: Kind::Span, hour: day * 24 + 3, id: Id([0; 16]), start: 0, end: 1 };
        Batch::of(vec![Arc::new(Run::new(Label(0), vec![item; items], vec![b'x'], Budget::new(0).reserve()))])
    }

    fn verdicts(refused: usize, stored: usize) -> Vec<Verdict> {
        [vec![Verdict::Refused("mapping"); refused], vec![Verdict::Stored; stored]].concat()
    }

    #[tokio::test(start_paused = true)]
    async fn single_bad_documents_are_refused() {
        let broken = Broken::default();
        for _ in 0..100 {
            let mut some = verdicts(4, 6);
            assert_eq!(broken.hold(&batch(10, 7), &mut some), None);
            assert_eq!(some, verdicts(4, 6));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_an_index_refuses_by_the_most_is_held_until_it_takes_it() {
        let broken = Broken::default();
        let mut all = verdicts(100, 0);
        assert_eq!(broken.hold(&batch(100, 7), &mut all), Some(7));
        assert_eq!(all, vec![Verdict::Again(WORD); 100]);
        // Another index is none the worse, and a minute changes nothing.
        let mut other = verdicts(1, 9);
        assert_eq!(broken.hold(&batch(10, 8), &mut other), None);
        assert_eq!(other[0], Verdict::Refused("mapping"));
        tokio::time::advance(MINUTE * 2).await;
        let mut few = verdicts(1, 0);
        assert_eq!(broken.hold(&batch(1, 7), &mut few), None);
        assert_eq!(few, [Verdict::Again(WORD)]);
        let mut good = verdicts(1, 9);
        broken.hold(&batch(10, 7), &mut good);
        assert_eq!(good, verdicts(1, 9));
    }
}
