//! What a log must hold, kept beside it in plain maps.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::path::PathBuf;

use spaniel::item::{Id, Item, Kind, Label};
use spaniel::spool::disk::simulated::Chance;
use spaniel::spool::log::{Damage, Log, LogError, OwnedRecord, Place, Step, Walked};

/// Each record has a number, which begins its note.
#[derive(Debug, Default)]
pub(crate) struct Model {
    /// All that was ever handed to the log.
    pub(crate) tried: BTreeMap<u64, OwnedRecord>,
    /// Acknowledged and not released, by segment.
    pub(crate) kept: BTreeMap<u64, Vec<(Place, u64)>>,
    /// The highest number of a segment that was acknowledged in.
    pub(crate) newest: u64,
    /// What else was seen in segments of earlier lives.
    pub(crate) strays: BTreeMap<u64, BTreeSet<Place>>,
    /// What the files of released segments held: it may come back until the file is used again.
    released: BTreeMap<PathBuf, BTreeSet<Place>>,
    /// What must never come back. (Its records may, from where they were tried first and failed.)
    gone: BTreeSet<Place>,
}

/// All that a walk hands out.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// How the walk ended.
    pub(crate) walked: Option<Walked>,
    pub(crate) records: Vec<(Place, OwnedRecord)>,
    pub(crate) damages: Vec<Damage>,
}

pub(crate) fn number_of(record: &OwnedRecord) -> u64 {
    u64::from_le_bytes(record.note[..8].try_into().unwrap())
}

pub(crate) fn see(log: &Log, segment: u64) -> Result<Seen, LogError> {
    let mut seen = Seen::default();
    let walked = log.walk(segment, 0, None, &mut |step| {
        match step {
            Step::Record(place, record) => seen.records.push((place, record.to_record())),
            Step::Damage(damage) => seen.damages.push(damage),
        }
        ControlFlow::Continue(())
    });
    let walked = walked?;
    assert!(walked.is_finished);
    seen.walked = Some(walked);
    assert_eq!((walked.records, walked.damages), (seen.records.len() as u64, seen.damages.len() as u64));
    Ok(seen)
}

/// A record of chance, which may hold what a file of the log holds.
pub(crate) fn record(number: u64, chance: &mut Chance, poison: &[u8]) -> OwnedRecord {
    let length = match chance.below(20) {
        0 => 0,
        1 => chance.below(40_000),
        _ => chance.below(900),
    };
    let mut documents: Vec<u8> = (0..length).map(|_| chance.below(4) as u8).collect();
    if chance.percent(20) {
        documents.extend_from_slice(poison);
    }
    let mut items = Vec::new();
    let mut start = 0;
    for _ in 0..chance.below(6) {
        let end = start + chance.below(documents.len() as u64 - u64::from(start) + 1) as u32;
        let kind = if chance.percent(80) { Kind::Span } else { Kind::Service };
        items.push(Item { kind, hour: chance.below(1 << 40), id: Id([number as u8; 16]), start, end });
        start = end;
    }
    let mut note = number.to_le_bytes().to_vec();
    note.resize(8 + chance.below(90) as usize, b'n');
    OwnedRecord { label: Label(number as u8), items, documents, note }
}

impl Model {
    pub(crate) fn acknowledged(&mut self, log: &Log, places: &[Place], numbers: &[u64]) {
        assert_eq!(places.len(), numbers.len());
        for (&place, &number) in places.iter().zip(numbers) {
            let path = log.path(place.segment).expect("an acknowledged segment");
            // Its heads were safe before this was: what stood there before is gone.
            if let Some(places) = self.released.remove(&path) {
                self.gone.extend(places);
            }
            self.newest = self.newest.max(place.segment);
            self.kept.entry(place.segment).or_default().push((place, number));
        }
    }

    pub(crate) fn release(&mut self, log: &Log, segment: u64) {
        let path = log.path(segment).expect("a segment in use");
        assert!(log.release(segment));
        let mut places = self.strays.remove(&segment).unwrap_or_default();
        places.extend(self.kept.remove(&segment).unwrap_or_default().iter().map(|&(place, _)| place));
        self.released.entry(path).or_default().extend(places);
    }

    /// A walk in the life in which a segment was written shows what was acknowledged, no more.
    pub(crate) fn check_exact(&self, segment: u64, seen: &Seen) {
        assert_eq!(seen.damages, [], "segment {segment}");
        let got: Vec<_> = seen.records.iter().map(|(place, record)| (*place, number_of(record))).collect();
        assert_eq!(got, self.kept[&segment], "segment {segment}");
        self.check_contents(seen);
    }

    /// What is seen is what was handed in, and not what must be gone.
    pub(crate) fn check_contents(&self, seen: &Seen) {
        for (place, record) in &seen.records {
            let number = number_of(record);
            assert_eq!(self.tried.get(&number), Some(record), "{place:?}");
            assert!(!self.gone.contains(place), "{number} came back at {place:?}");
        }
    }

    /// All that must be in a segment is there, in its place.
    pub(crate) fn check_kept(&self, segment: u64, seen: &Seen) {
        let places: BTreeMap<Place, u64> =
            seen.records.iter().map(|(place, record)| (*place, number_of(record))).collect();
        for (place, number) in self.kept.get(&segment).into_iter().flatten() {
            assert_eq!(places.get(place), Some(number), "acknowledged and lost: {place:?}");
        }
    }

    /// Notes what else came back, and tells how much.
    pub(crate) fn note_strays(&mut self, segment: u64, seen: &Seen) -> u64 {
        let kept: BTreeSet<Place> = self.kept.get(&segment).into_iter().flatten().map(|&(place, _)| place).collect();
        let places = seen.records.iter().map(|&(place, _)| place);
        let strays: BTreeSet<Place> = places.filter(|place| !kept.contains(place)).collect();
        let count = strays.len() as u64;
        self.strays.insert(segment, strays);
        count
    }

    /// All segments that are in use.
    pub(crate) fn segments(&self) -> impl Iterator<Item = u64> {
        let all: BTreeSet<u64> = self.kept.keys().chain(self.strays.keys()).copied().collect();
        all.into_iter()
    }

    /// Those of this life.
    pub(crate) fn own_segments(&self) -> impl Iterator<Item = u64> {
        self.kept.keys().copied().filter(|segment| !self.strays.contains_key(segment))
    }

    /// Power was lost in a mode that promises nothing then.
    pub(crate) fn forget(&mut self) {
        self.newest = 0;
        self.kept.clear();
        self.strays.clear();
        self.released.clear();
        self.gone.clear();
    }
}
