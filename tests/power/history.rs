//! One random history of a log: lives full of appends, releases and failing calls, each ended by a
//! power loss or a kill in the middle of a call, and a look at what is left.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use spaniel::spool::disk::simulated::{Call, Chance, Fault, SimulatedDisk};
use spaniel::spool::log::{AppendError, DamageKind, Log, LogError, Oddity, Opened, Options, Record, Walked};

use crate::model::{Model, record, see};

/// How the lives of a history end, and what is promised for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    PowerLoss,
    Kill,
    /// Power loss in a log that does not sync: nothing is promised but that it works on.
    PowerLossUnsynced,
}

/// What all histories came by.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) histories: u64,
    pub(crate) crashes: u64,
    crashes_while_opening: u64,
    appends: u64,
    failed_appends: u64,
    full: u64,
    releases: u64,
    faults: u64,
    reused: u64,
    confirmed: u64,
    torn: u64,
    mended: u64,
    damaged: u64,
    strays: u64,
    unfinished_files: u64,
    unreadable_files: u64,
}

impl Tally {
    /// True if the histories came by everything that they are about.
    pub(crate) fn saw_all(&self, ending: Ending) -> bool {
        let always = [self.appends, self.failed_appends, self.full, self.releases, self.reused, self.unreadable_files];
        let at_power_loss = [self.crashes_while_opening, self.unfinished_files, self.strays, self.torn, self.mended];
        always.iter().all(|&count| count > 0)
            && (ending == Ending::Kill || at_power_loss.iter().all(|&count| count > 0))
            && (ending == Ending::PowerLossUnsynced || self.damaged == 0)
            && (ending != Ending::PowerLoss || self.confirmed > 0)
    }
}

const DIRECTORY: &str = "/spool/log";
/// Calls that may fail by plan; `None`: any.
const CALLS: [Option<Call>; 8] = [
    None,
    Some(Call::Sync),
    Some(Call::Write),
    Some(Call::Create),
    Some(Call::SyncDirectory),
    Some(Call::Open),
    Some(Call::Remove),
    Some(Call::SetLength),
];

struct History<'a> {
    ending: Ending,
    chance: Chance,
    options: Options,
    disk: SimulatedDisk,
    model: Model,
    /// The number of the next record.
    next: u64,
    /// What the files may take: the limit, or what was there when the log was opened.
    most: u64,
    /// Segments of earlier lives that are to be cut back when the power may go.
    to_cut: Vec<(u64, Walked)>,
    tally: &'a mut Tally,
}

pub(crate) fn run(seed: u64, ending: Ending, tally: &mut Tally) {
    let mut chance = Chance::new(seed);
    let segment_bytes = [12 << 10, 16 << 10, 32 << 10][chance.below(3) as usize];
    let options = Options {
        segment_bytes,
        max_bytes: segment_bytes * (3 + chance.below(8)),
        sync: ending == Ending::PowerLoss,
        compress: chance.percent(30),
        spare: chance.below(4) as usize,
    };
    let disk = SimulatedDisk::new(chance.number());
    tally.histories += 1;
    let (model, to_cut) = (Model::default(), Vec::new());
    let mut history = History { ending, chance, options, disk, model, next: 0, most: 0, to_cut, tally };
    for _ in 0..=history.chance.below(6) {
        if history.chance.percent(25) {
            history.open_in_trouble();
        }
        history.live();
        history.crash();
    }
    history.settle();
}

impl History<'_> {
    /// One life, up to the moment at which it is cut short.
    fn live(&mut self) {
        let log = self.open();
        let calls = if self.chance.percent(20) { 20 } else { 300 };
        self.disk.cut_power(self.chance.below(calls));
        for (segment, walked) in std::mem::take(&mut self.to_cut) {
            log.cut_back(segment, &walked);
        }
        for _ in 0..self.chance.below(80) {
            if self.disk.is_off() {
                return;
            }
            self.act(&log);
            assert!(self.used() <= self.most, "over the limit");
        }
    }

    /// Opens the log while nothing fails and looks at everything in it.
    fn open(&mut self) -> Log {
        self.most = self.options.max_bytes.max(self.used());
        let (log, opened) = self.try_open().expect("a disk that works");
        for note in &opened.notes {
            let is_promised = self.ending != Ending::PowerLossUnsynced;
            assert!(!is_promised || note.oddity == Oddity::Unfinished, "{note:?}");
            self.tally.unfinished_files += u64::from(note.oddity == Oddity::Unfinished);
        }
        let found: Vec<u64> = opened.segments.iter().map(|found| found.segment).collect();
        assert!(found.is_sorted());
        for segment in self.model.kept.keys() {
            assert!(found.contains(segment), "acknowledged and lost: segment {segment}");
        }
        self.to_cut.clear();
        found.into_iter().for_each(|segment| self.look_at_found(&log, segment));
        log
    }

    fn try_open(&self) -> Result<(Log, Opened), LogError> {
        Log::open(Arc::new(self.disk.clone()), Path::new(DIRECTORY), self.options.clone())
    }

    /// What must be there is there, and what must not be is not.
    fn look_at_found(&mut self, log: &Log, segment: u64) {
        let seen = see(log, segment).expect("a disk that works");
        for damage in &seen.damages {
            let is_torn = damage.kind == DamageKind::Torn;
            assert!(is_torn || self.ending == Ending::PowerLossUnsynced, "segment {segment}: {damage:?}");
            self.tally.torn += u64::from(is_torn);
            self.tally.damaged += u64::from(!is_torn);
        }
        self.model.check_contents(&seen);
        self.model.check_kept(segment, &seen);
        self.tally.strays += self.model.note_strays(segment, &seen);
        let walked = seen.walked.expect("a walk");
        match self.chance.below(3) {
            0 => {
                log.cut_back(segment, &walked);
                let after = see(log, segment).expect("a disk that works");
                self.tally.mended += u64::from(after.damages.is_empty() && !seen.damages.is_empty());
                assert_eq!(after.records, seen.records, "cut off");
            }
            1 => self.to_cut.push((segment, walked)),
            _ => {}
        }
    }

    /// A start during which calls fail, or the power goes.
    fn open_in_trouble(&mut self) {
        if self.chance.percent(50) {
            self.disk.cut_power(self.chance.below(30));
        }
        self.plan_faults();
        if let Ok((log, opened)) = self.try_open() {
            let unreadable = opened.notes.iter().filter(|note| matches!(note.oddity, Oddity::Unreadable(_))).count();
            self.tally.unreadable_files += unreadable as u64;
            drop(log);
        }
        self.tally.crashes_while_opening += u64::from(self.disk.is_off());
        self.crash();
    }

    /// One thing that a process does.
    fn act(&mut self, log: &Log) {
        match self.chance.below(100) {
            0..60 => self.append(log),
            60..66 => log.seal(),
            66..82 => self.release(log),
            82..85 => self.look(log),
            85..90 => self.tally.confirmed += u64::from(log.confirm_free()),
            90..95 => self.plan_faults(),
            95..97 => {
                let used = self.used();
                self.disk.set_capacity(used + self.chance.below(2 * self.options.segment_bytes));
            }
            _ => {
                self.disk.mend();
                self.disk.set_capacity(u64::MAX);
            }
        }
    }

    fn append(&mut self, log: &Log) {
        let numbers = self.new_records(log);
        let records: Vec<Record<'_>> = numbers.iter().map(|number| self.model.tried[number].as_record()).collect();
        let newest = self.model.newest;
        let before = log.active();
        self.tally.appends += 1;
        match log.append(&records) {
            Ok(places) => {
                let segment = places[0].segment;
                assert!(segment > newest || before == Some(segment), "an old number");
                let is_reused = !log.path(segment).unwrap().ends_with(format!("{segment:020}.segment"));
                self.tally.reused += u64::from(before != Some(segment) && is_reused);
                self.model.acknowledged(log, &places, &numbers);
            }
            Err(AppendError::Full { .. }) => self.tally.full += 1,
            Err(AppendError::Disk { .. }) => self.tally.failed_appends += 1,
            Err(error @ AppendError::Record(_)) => panic!("{error}"),
        }
    }

    fn new_records(&mut self, log: &Log) -> Vec<u64> {
        let poison = self.poison(log);
        let mut numbers = Vec::new();
        for _ in 0..=self.chance.below(4) {
            self.model.tried.insert(self.next, record(self.next, &mut self.chance, &poison));
            numbers.push(self.next);
            self.next += 1;
        }
        numbers
    }

    /// Bytes of the file that is being written, good records among them.
    fn poison(&mut self, log: &Log) -> Vec<u8> {
        let path = log.active().and_then(|active| log.path(active));
        let bytes = path.and_then(|path| self.disk.bytes(&path)).unwrap_or_default();
        let records = bytes.get(8192..).unwrap_or_default();
        let start = 64 * self.chance.below(records.len() as u64 / 64 + 1) as usize;
        records[start..records.len().min(start + 2000)].to_vec()
    }

    fn release(&mut self, log: &Log) {
        let active = log.active();
        let sealed: Vec<u64> = self.model.segments().filter(|&segment| Some(segment) != active).collect();
        if !sealed.is_empty() {
            let segment = sealed[self.chance.below(sealed.len() as u64) as usize];
            self.model.release(log, segment);
            self.tally.releases += 1;
        }
    }

    /// Reads a segment of this life.
    fn look(&mut self, log: &Log) {
        let own: Vec<u64> = self.model.own_segments().collect();
        if own.is_empty() || self.disk.has_faults() {
            return;
        }
        let segment = own[self.chance.below(own.len() as u64) as usize];
        let seen = see(log, segment);
        // The power may go during a walk; then nobody is there to hear of it.
        if !self.disk.is_off() {
            self.model.check_exact(segment, &seen.expect("a disk that works"));
        }
    }

    fn plan_faults(&mut self) {
        let call = CALLS[self.chance.below(CALLS.len() as u64) as usize];
        let kind = if self.chance.percent(50) { ErrorKind::Other } else { ErrorKind::StorageFull };
        for _ in 0..=self.chance.below(3) {
            self.disk.plan(Fault { after: self.chance.below(12), call, kind });
            self.tally.faults += 1;
        }
    }

    fn crash(&mut self) {
        self.tally.crashes += 1;
        if self.ending != Ending::Kill {
            self.disk = self.disk.crash(self.chance.number());
        }
        self.disk.work_on();
        if self.ending == Ending::PowerLossUnsynced {
            self.model.forget();
        }
    }

    /// After all that the log gives everything back, and takes records again.
    fn settle(&mut self) {
        let log = self.open();
        let segments: Vec<u64> = self.model.segments().collect();
        segments.into_iter().for_each(|segment| self.model.release(&log, segment));
        assert_eq!(log.bytes(), 0);
        self.model.tried.insert(self.next, record(self.next, &mut Chance::new(8), &[]));
        let places = log.append(&[self.model.tried[&self.next].as_record()]).expect("a disk that works");
        self.model.acknowledged(&log, &places, &[self.next]);
        self.model.check_exact(places[0].segment, &see(&log, places[0].segment).expect("a disk that works"));
        assert!(self.disk.lengths(Path::new(DIRECTORY)).len() <= self.options.spare + 1, "files are left over");
    }

    fn used(&self) -> u64 {
        self.disk.lengths(Path::new(DIRECTORY)).iter().sum()
    }
}
