//! All days that are on disk, and which may be added.
//!
//! A span's own start time decides its day, and start times can be anything. A day *near* now
//! (not older than what is kept, not more than two days ahead) is always made. Of the others at
//! most 64 of a kind exist at a time; what would need one more is refused as
//! `too-many-days`. So a broken clock, or a sender of random times, costs a bounded number of
//! directories, while a replay of an old week is kept like any other.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use tantivy::TantivyError;

use super::OpenError;
use super::day::{Day, guarded, is_damage};
use super::layout::{DayFile, DayKind, Found, Root};
use super::schema::{Fields, schema};
use super::segments::Snapshot;
use crate::clock::Clock;
use crate::document::IndexNames;
use crate::item::Kind;
use crate::settings::{Embedded, Indices, Rotation};
use crate::store::ReadError;

/// Days of a kind far from now that may exist at once.
pub(super) const MAX_DISTANT_DAYS: usize = 64;
pub(super) const MICROS_PER_HOUR: u64 = 3_600_000_000;
/// A day older than this is far away, or than what is kept if that is longer.
const NEAR_PAST: Duration = Duration::from_secs(8 * 24 * 3600);
const NEAR_FUTURE_HOURS: u64 = 48;

/// The days on disk.
#[derive(Debug)]
pub(super) struct Days {
    pub(super) root: Root,
    pub(super) fields: Fields,
    pub(super) clock: Clock,
    /// What stands for a dot in the name of a tag that is a field.
    pub(super) dot_replacement: String,
    pub(super) max_age: Duration,
    pub(super) max_bytes: u64,
    names: IndexNames,
    span_hours: u64,
    service_hours: u64,
    days: RwLock<BTreeMap<String, Arc<Day>>>,
    trouble: Mutex<Option<String>>,
    /// Days that cannot be read, for the thread that writes: it may have one of them open, and
    /// would go on to write in the directory that has its name next.
    damaged: Mutex<Vec<(Arc<Day>, String)>>,
    /// Whether the last write was good.
    well: AtomicBool,
}

/// Why there is no day for a document.
#[derive(Debug)]
pub(super) enum NoDay {
    TooManyDays,
    Failed(TantivyError),
}

impl Days {
    /// Opens the directory and looks at every day in it; what cannot be read is set aside.
    pub(super) fn open(settings: &Embedded, indices: &Indices, dots: &str, clock: Clock) -> Result<Self, OpenError> {
        let days = Days {
            root: Root::open(&settings.directory)?,
            fields: schema().1,
            clock,
            dot_replacement: dots.to_string(),
            max_age: settings.max_age,
            max_bytes: settings.max_bytes,
            // A day is a directory, whatever aliases the servers have.
            names: IndexNames::new(&Indices { use_aliases: false, ..indices.clone() }),
            span_hours: hours(indices.spans),
            service_hours: hours(indices.services),
            days: RwLock::default(),
            trouble: Mutex::default(),
            damaged: Mutex::default(),
            well: AtomicBool::new(true),
        };
        let unusable = |source| OpenError::Unusable { directory: settings.directory.clone(), source };
        for found in days.root.days().map_err(unusable)? {
            match found {
                Found::Day { name, file } => days.look_at(name, file),
                Found::Unreadable { name, reason } => days.set_aside(&name, &reason),
            }
        }
        Ok(days)
    }

    fn look_at(&self, name: String, file: DayFile) {
        let day = self.day(name, file);
        match day.snapshot() {
            Ok(_) => {
                day.measure();
                day.rest(Duration::ZERO);
                self.add(day);
            }
            Err(error) => self.set_aside(&day.name, &error.to_string()),
        }
    }

    fn day(&self, name: String, file: DayFile) -> Day {
        let path = self.root.path.join(&name);
        Day::new(name, file, path, self.fields)
    }

    fn add(&self, day: Day) -> Arc<Day> {
        let day = Arc::new(day);
        let mut days = self.days.write().unwrap_or_else(PoisonError::into_inner);
        days.insert(day.name.clone(), day.clone());
        day
    }

    /// The first hour of the day that a document of this kind and hour belongs to.
    pub(super) fn first_hour(&self, kind: Kind, hour: u64) -> u64 {
        self.names.period(kind, hour)
    }

    /// The name of the day that a document of this kind and hour belongs to.
    pub(super) fn name(&self, kind: Kind, hour: u64) -> String {
        self.names.name(kind, hour)
    }

    /// The day of documents of this kind and hour, made if need be.
    pub(super) fn for_writing(&self, kind: Kind, hour: u64) -> Result<Arc<Day>, NoDay> {
        let name = self.name(kind, hour);
        if let Some(day) = self.get(&name) {
            return Ok(day);
        }
        let first_hour = self.first_hour(kind, hour);
        let hours = if kind == Kind::Span { self.span_hours } else { self.service_hours };
        let file = DayFile { kind: kind.into(), first_hour, hours, created: self.clock.micros() };
        if self.is_distant(&file) && self.distant_days(file.kind) >= MAX_DISTANT_DAYS {
            return Err(NoDay::TooManyDays);
        }
        self.root.create(&name, &file).map_err(NoDay::Failed)?;
        Ok(self.add(self.day(name, file)))
    }

    fn is_distant(&self, file: &DayFile) -> bool {
        let now = self.clock.micros() / MICROS_PER_HOUR;
        let past = self.max_age.max(NEAR_PAST).as_secs() / 3600;
        file.first_hour > now + NEAR_FUTURE_HOURS || file.first_hour + file.hours + past < now
    }

    fn distant_days(&self, kind: DayKind) -> usize {
        self.all().iter().filter(|day| day.file.kind == kind && self.is_distant(&day.file)).count()
    }

    fn get(&self, name: &str) -> Option<Arc<Day>> {
        self.days.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// All days, in the order of their names.
    pub(super) fn all(&self) -> Vec<Arc<Day>> {
        self.days.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// All days of a kind, the latest first.
    pub(super) fn latest_first(&self, kind: DayKind) -> Vec<Arc<Day>> {
        let mut days = self.all();
        days.retain(|day| day.file.kind == kind);
        days.sort_by_key(|day| std::cmp::Reverse(day.file.first_hour));
        days
    }

    /// Shows `look` what is committed of each day. A day that fails is reported and left out; if
    /// all fail, so does this.
    pub(super) fn each(
        &self,
        days: Vec<Arc<Day>>,
        mut look: impl FnMut(&Snapshot) -> tantivy::Result<()>,
    ) -> Result<(), ReadError> {
        let (mut good, mut failure) = (0, None);
        for day in days {
            let looked = day.snapshot().and_then(|snapshot| guarded(|| look(&snapshot)));
            match looked {
                Ok(()) => good += 1,
                Err(error) => {
                    self.failed(&day, &error);
                    failure = Some(error);
                }
            }
        }
        match failure {
            Some(error) if good == 0 => Err(ReadError::Unreadable(error.to_string())),
            _ => Ok(()),
        }
    }

    /// Deletes a day; documents, directory and all.
    pub(super) fn delete(&self, day: &Day, reason: &str) {
        self.forget(&day.name);
        match self.root.delete(&day.name) {
            Ok(()) => {
                tracing::info!(day = day.name, reason, bytes = day.bytes(), "deleted a day of the embedded store")
            }
            Err(error) => self.report(format!("{} cannot be deleted: {error}", day.name)),
        }
    }

    /// Puts a day away that cannot be read, so that the others go on.
    pub(super) fn set_aside(&self, name: &str, reason: &str) {
        self.forget(name);
        match self.root.set_aside(name) {
            Ok(aside) => self.report(format!("{name} could not be read and was renamed to {aside}: {reason}")),
            Err(error) => self.report(format!("{name} cannot be read ({reason}) nor renamed: {error}")),
        }
    }

    fn forget(&self, name: &str) {
        self.days.write().unwrap_or_else(PoisonError::into_inner).remove(name);
    }

    /// What to do about a failure of a day: damaged files are to be set aside, all else is for
    /// later.
    pub(super) fn failed(&self, day: &Arc<Day>, error: &TantivyError) {
        // A day that was deleted under a reader's hands is no failure.
        if !self.get(&day.name).is_some_and(|known| Arc::ptr_eq(&known, day)) {
            return;
        }
        self.report(format!("{}: {error}", day.name));
        if is_damage(error) {
            let mut damaged = self.damaged.lock().unwrap_or_else(PoisonError::into_inner);
            if !damaged.iter().any(|(known, _)| Arc::ptr_eq(known, day)) {
                damaged.push((day.clone(), error.to_string()));
            }
        }
    }

    /// What failed since this was asked last.
    pub(super) fn take_damaged(&self) -> Vec<(Arc<Day>, String)> {
        std::mem::take(&mut *self.damaged.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Logs and remembers what went wrong, for `/status`; the same again and again only once.
    pub(super) fn report(&self, trouble: String) {
        let mut last = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        if last.as_deref() != Some(&trouble) {
            tracing::error!(directory = %self.root.path.display(), "embedded store: {trouble}");
            *last = Some(trouble);
        }
    }

    /// Remembers whether the last write was good.
    pub(super) fn wrote(&self, well: bool) {
        self.well.store(well, Ordering::Relaxed);
    }

    pub(super) fn is_well(&self) -> bool {
        self.well.load(Ordering::Relaxed)
    }

    pub(super) fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn hours(rotation: Rotation) -> u64 {
    match rotation {
        Rotation::Day => 24,
        Rotation::Hour => 1,
    }
}
