//! What is known of the segments of a log: how many of their items are unsettled, and which of
//! their records lie on disk only and are still to be read back.
//!
//! A segment may be released when it is written no more, was looked through (if an earlier life
//! wrote it), nothing of it is left to be read, and every item is settled. No item is named here:
//! what is sent twice changes nothing, so counting is enough.

use std::collections::{BTreeMap, VecDeque};

use super::counts::Counts;

/// The accounts of all segments in use.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    segments: BTreeMap<u64, Account>,
    /// The one that is written, if any.
    active: Option<u64>,
}

#[derive(Debug, Default)]
struct Account {
    unsettled: u64,
    /// Parts of the file to be read back, in order.
    unread: VecDeque<Part>,
    /// What the records of these parts hold.
    on_disk: Counts,
    /// An earlier life wrote it, and nobody has looked through it yet.
    unseen: bool,
    /// Somebody reads it back now.
    reading: bool,
}

/// From an offset to another, or to the end of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) from: u64,
    pub(super) to: Option<u64>,
}

/// A part that one reader has taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) segment: u64,
    pub(super) part: Part,
}

impl Ledger {
    /// A segment of an earlier life.
    pub(super) fn found(&mut self, segment: u64) {
        self.segments.insert(segment, Account { unseen: true, ..Account::default() });
    }

    /// The oldest segment that nobody has looked through.
    pub(super) fn unseen(&self) -> Option<u64> {
        self.segments.iter().find(|(_, account)| account.unseen).map(|(segment, _)| *segment)
    }

    /// A segment of an earlier life was looked through and holds so much, all of it to be read.
    pub(super) fn seen(&mut self, segment: u64, counts: &Counts) {
        let account = self.segments.entry(segment).or_default();
        account.unseen = false;
        account.unsettled += counts.items;
        if !counts.is_empty() {
            account.unread.push_back(Part { from: 0, to: None });
        }
        account.on_disk.add(counts);
    }

    /// So many items were written into a segment, which is the active one from now on.
    pub(super) fn written(&mut self, segment: u64, items: u64) {
        self.active = Some(segment);
        self.segments.entry(segment).or_default().unsettled += items;
    }

    /// The active segment is written no more.
    pub(super) fn sealed(&mut self) {
        self.active = None;
    }

    /// A record is on disk only from now on.
    pub(super) fn left(&mut self, segment: u64, part: Part, counts: &Counts) {
        let account = self.segments.entry(segment).or_default();
        account.on_disk.add(counts);
        match account.unread.back_mut() {
            Some(last) if last.to == Some(part.from) => last.to = part.to,
            _ => account.unread.push_back(part),
        }
    }

    /// The oldest part to be read back.
    pub(super) fn claim(&mut self) -> Option<Claim> {
        let readable = |account: &Account| !account.unseen && !account.reading && !account.unread.is_empty();
        let (&segment, account) = self.segments.iter_mut().find(|(_, account)| readable(account))?;
        account.reading = true;
        account.unread.pop_front().map(|part| Claim { segment, part })
    }

    /// Of a claim so much was read, up to `rest`, where reading goes on later. What the records
    /// should have held and did not is given back: it is lost.
    pub(super) fn read(&mut self, claim: Claim, counts: &Counts, rest: Option<Part>) -> Counts {
        let Some(account) = self.segments.get_mut(&claim.segment) else { return Counts::default() };
        account.reading = false;
        account.on_disk.take(counts);
        if let Some(rest) = rest {
            account.unread.push_front(rest);
        }
        if !account.unread.is_empty() {
            return Counts::default();
        }
        let lost = std::mem::take(&mut account.on_disk);
        account.unsettled = account.unsettled.saturating_sub(lost.items);
        lost
    }

    pub(super) fn settled(&mut self, segment: u64, items: u64) {
        if let Some(account) = self.segments.get_mut(&segment) {
            account.unsettled = account.unsettled.saturating_sub(items);
        }
    }

    /// The oldest segment of which nobody sends anything: all of it that is unsettled lies on disk
    /// only, or is among the items that wait in memory, counted by segment.
    pub(super) fn droppable(&self, waiting: &BTreeMap<u64, u64>) -> Option<u64> {
        let is_droppable = |segment: u64, account: &Account| {
            let idle = account.on_disk.items + waiting.get(&segment).copied().unwrap_or(0);
            !account.unseen && !account.reading && account.unsettled > 0 && account.unsettled == idle
        };
        let mut oldest = self.segments.iter().filter(|(segment, _)| Some(**segment) != self.active);
        oldest.find(|(segment, account)| is_droppable(**segment, account)).map(|(segment, _)| *segment)
    }

    /// Gives up a segment; what of it lay on disk only.
    pub(super) fn give_up(&mut self, segment: u64) -> Counts {
        let Some(account) = self.segments.get_mut(&segment) else { return Counts::default() };
        account.unread.clear();
        account.unsettled = 0;
        std::mem::take(&mut account.on_disk)
    }

    /// Takes out the segments that may be released.
    pub(super) fn take_settled(&mut self) -> Vec<u64> {
        let active = self.active;
        let done = |segment: u64, account: &Account| {
            Some(segment) != active
                && account.unsettled == 0
                && account.unread.is_empty()
                && !account.unseen
                && !account.reading
        };
        let settled: Vec<_> =
            self.segments.iter().filter(|(segment, account)| done(**segment, account)).map(|(it, _)| *it).collect();
        for segment in &settled {
            self.segments.remove(segment);
        }
        settled
    }

    /// True if nothing of the active segment is unsettled.
    pub(super) fn active_is_settled(&self) -> bool {
        self.active.is_some_and(|active| self.segments.get(&active).is_none_or(|account| account.unsettled == 0))
    }

    /// Items on disk only.
    pub(super) fn on_disk(&self) -> u64 {
        self.segments.values().map(|account| account.on_disk.items).sum()
    }

    /// True if something is there to be read back and nobody does.
    pub(super) fn has_unread(&self) -> bool {
        self.segments.values().any(|account| !account.unseen && !account.reading && !account.unread.is_empty())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.segments.values().all(|account| account.unsettled == 0 && !account.unseen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::{Id, Item, Kind, Label};

    fn counts(items: u64) -> Counts {
        let item = Item { kind: Kind::Span, hour: 0, id: Id([0; 16]), start: 0, end: 10 };
        Counts::of(Label(0), vec![item; items as usize])
    }

    fn part(from: u64, to: u64) -> Part {
        Part { from, to: Some(to) }
    }

    #[test]
    fn a_segment_is_released_when_its_last_item_is_settled_and_it_is_written_no_more() {
        let mut ledger = Ledger::default();
        ledger.written(1, 3);
        ledger.settled(1, 3);
        assert_eq!(ledger.take_settled(), [] as [u64; 0]);
        ledger.written(2, 1);
        assert_eq!(ledger.take_settled(), [1]);
        assert_eq!(ledger.take_settled(), [] as [u64; 0]);
    }

    #[test]
    fn what_was_left_on_disk_is_read_back_in_order_in_as_few_parts_as_there_are() {
        let mut ledger = Ledger::default();
        ledger.written(1, 3);
        ledger.written(2, 1);
        ledger.left(1, part(64, 128), &counts(1));
        ledger.left(1, part(128, 192), &counts(1));
        ledger.left(1, part(256, 320), &counts(1));
        ledger.left(2, part(64, 128), &counts(1));
        let first = ledger.claim().unwrap();
        assert_eq!(first, Claim { segment: 1, part: part(64, 192) });
        // While one reads a segment, the next one may be read.
        assert_eq!(ledger.claim().unwrap().segment, 2);
        assert_eq!(ledger.read(first, &counts(1), Some(part(128, 192))), Counts::default());
        assert_eq!(ledger.claim().unwrap().part, part(128, 192));
        ledger.read(Claim { segment: 1, part: part(128, 192) }, &counts(1), None);
        assert_eq!(ledger.claim().unwrap().part, part(256, 320));
        assert_eq!(ledger.on_disk(), 2);
    }

    #[test]
    fn what_cannot_be_read_any_more_is_said_to_be_lost() {
        let mut ledger = Ledger::default();
        ledger.found(7);
        assert_eq!((ledger.unseen(), ledger.claim()), (Some(7), None));
        ledger.seen(7, &counts(5));
        let claim = ledger.claim().unwrap();
        assert_eq!(ledger.read(claim, &counts(3), None), counts(2));
        ledger.settled(7, 3);
        assert_eq!(ledger.take_settled(), [7]);
    }

    #[test]
    fn a_segment_of_which_something_is_under_way_is_not_dropped() {
        let mut ledger = Ledger::default();
        ledger.written(1, 2);
        ledger.left(1, part(64, 128), &counts(1));
        ledger.written(2, 1);
        ledger.left(2, part(64, 128), &counts(1));
        ledger.written(3, 3);
        ledger.left(3, part(64, 128), &counts(1));
        ledger.written(4, 1);
        assert_eq!(ledger.droppable(&BTreeMap::new()), Some(2));
        assert_eq!(ledger.give_up(2), counts(1));
        assert_eq!(ledger.take_settled(), [2]);
        assert_eq!(ledger.droppable(&BTreeMap::new()), None);
        assert_eq!(ledger.droppable(&[(3, 1), (4, 1)].into()), None, "one is under way, and one is being written");
        assert_eq!(ledger.droppable(&[(3, 2)].into()), Some(3));
        assert_eq!(ledger.droppable(&[(1, 1), (3, 2)].into()), Some(1), "the oldest first");
        let claim = ledger.claim().unwrap();
        assert_eq!(claim.segment, 1);
        assert_eq!(ledger.droppable(&[(1, 1), (3, 2)].into()), Some(3), "somebody reads the first");
    }
}
