//! Whole days are deleted: by age, and while the store is larger than it may be.
//!
//! A day's age counts from its end. That of a day that was made after its end (a replay, an old
//! clock), or long before its begin (a clock that is ahead), counts from when it was made, as
//! Elasticsearch's cleaners count: otherwise the one would go at once and the other never.

use std::sync::Arc;

use super::day::Day;
use super::days::{Days, MICROS_PER_HOUR};
use super::layout::DayFile;

const TWO_DAYS: u64 = 48 * MICROS_PER_HOUR;

/// A day that is to go, and why.
pub(super) type Expired = (Arc<Day>, &'static str);

impl Days {
    /// What is too old, and what is too much.
    pub(super) fn expired(&self) -> Vec<Expired> {
        let mut days = self.all();
        days.sort_by_key(|day| aged_from(&day.file));
        let (old, days): (Vec<_>, Vec<_>) = days.into_iter().partition(|day| self.is_old(&day.file));
        let old = old.into_iter().map(|day| (day, "older than --embedded.max-age"));
        old.chain(self.too_much(&days)).collect()
    }

    fn is_old(&self, file: &DayFile) -> bool {
        let max_age = u64::try_from(self.max_age.as_micros()).unwrap_or(u64::MAX);
        max_age > 0 && aged_from(file).saturating_add(max_age) <= self.clock.micros()
    }

    /// The oldest of `days`, until the rest is small enough. What came last is never deleted,
    /// though it alone be too large: the spans of now are what a store is for.
    fn too_much(&self, days: &[Arc<Day>]) -> Vec<Expired> {
        let mut bytes = days.iter().map(|day| day.bytes()).sum::<u64>();
        let last = days.last().map(|day| aged_from(&day.file));
        let mut expired = Vec::new();
        for day in days {
            if self.max_bytes == 0 || bytes <= self.max_bytes || Some(aged_from(&day.file)) == last {
                break;
            }
            bytes = bytes.saturating_sub(day.bytes());
            expired.push((day.clone(), "the store is larger than --embedded.max-bytes"));
        }
        expired
    }
}

/// When a day's age begins to count: microseconds since 1970.
fn aged_from(file: &DayFile) -> u64 {
    let end = file.first_hour.saturating_add(file.hours).saturating_mul(MICROS_PER_HOUR);
    if end > file.created.saturating_add(TWO_DAYS) { file.created } else { end.max(file.created) }
}
