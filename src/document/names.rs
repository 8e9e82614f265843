//! Names of indices: what a document of an hour goes to, and what a question about a time asks.
//!
//! `[<prefix>-]jaeger-span-2026-11-21`, always in UTC, by the start of the span. Years are printed
//! as Jaeger prints them, however far they lie. With aliases no date is computed: all goes to
//! `…-write` and is read from `…-read`. The names of the embedded store's directories are the same.

use super::number::write_integer;
use crate::item::Kind;
use crate::settings::{Indices, Rotation};

const HOUR_MICROS: u64 = 3600 * 1_000_000;

/// A question that spans more indices than this is asked of all of them by a pattern.
const MOST_NAMES: u64 = 10_000;

/// How the indices are named: made once from the settings.
#[derive(Debug, Clone)]
pub struct IndexNames {
    spans: Family,
    services: Family,
    separator: String,
    aliases: bool,
}

/// The indices of one kind of document.
#[derive(Debug, Clone)]
struct Family {
    /// With the prefix and without the date: `prod-jaeger-span-`.
    base: String,
    rotation: Rotation,
}

/// Hours since 1970 of a time in microseconds since 1970.
pub fn hour_of(micros: u64) -> u64 {
    micros / HOUR_MICROS
}

impl IndexNames {
    pub fn new(settings: &Indices) -> Self {
        let prefix = settings.prefix.strip_suffix('-').unwrap_or(&settings.prefix);
        let dash = if prefix.is_empty() { "" } else { "-" };
        let family = |name: &str, rotation| Family { base: format!("{prefix}{dash}{name}-"), rotation };
        IndexNames {
            spans: family("jaeger-span", settings.spans),
            services: family("jaeger-service", settings.services),
            separator: settings.date_separator.clone(),
            aliases: settings.use_aliases,
        }
    }

    /// The name of the template, and of all indices of a kind with a dash after it.
    pub fn template(&self, kind: Kind) -> &str {
        let base = &self.family(kind).base;
        base.strip_suffix('-').unwrap_or(base)
    }

    /// The pattern that all indices of a kind match.
    pub fn pattern(&self, kind: Kind) -> String {
        format!("{}*", self.family(kind).base)
    }

    /// The first hour of the index that holds this hour: equal for equal indices.
    pub fn period(&self, kind: Kind, hour: u64) -> u64 {
        match self.family(kind).rotation {
            _ if self.aliases => 0,
            Rotation::Day => hour - hour % 24,
            Rotation::Hour => hour,
        }
    }

    /// Appends the dated name of the index for an hour since 1970.
    pub fn write(&self, out: &mut Vec<u8>, kind: Kind, hour: u64) {
        let family = self.family(kind);
        let (year, month, day) = civil_date(hour / 24);
        out.extend_from_slice(family.base.as_bytes());
        write_integer(out, year);
        let hour = (family.rotation == Rotation::Hour).then_some(hour % 24);
        for part in [Some(month), Some(day), hour].into_iter().flatten() {
            out.extend_from_slice(self.separator.as_bytes());
            out.extend([b'0' + (part / 10) as u8, b'0' + (part % 10) as u8]);
        }
    }

    /// Appends what a document of this hour is sent to: the dated index, or the alias.
    pub fn write_target(&self, out: &mut Vec<u8>, kind: Kind, hour: u64) {
        if !self.aliases {
            return self.write(out, kind, hour);
        }
        out.extend_from_slice(self.family(kind).base.as_bytes());
        out.extend_from_slice(b"write");
    }

    /// What to ask for documents between two times (microseconds since 1970, both included),
    /// newest first; some of it may not exist. One pattern where it would be more than 10,000.
    pub fn read_names(&self, kind: Kind, start_micros: u64, end_micros: u64) -> Vec<String> {
        if self.aliases {
            return vec![format!("{}read", self.family(kind).base)];
        }
        let step = if self.family(kind).rotation == Rotation::Hour { 1 } else { 24 };
        let first = hour_of(start_micros.min(end_micros)) / step;
        let last = hour_of(end_micros) / step;
        if last - first >= MOST_NAMES {
            return vec![self.pattern(kind)];
        }
        (first..=last).rev().map(|period| self.name(kind, period * step)).collect()
    }

    /// The dated name of the index for an hour since 1970.
    pub fn name(&self, kind: Kind, hour: u64) -> String {
        let mut out = Vec::with_capacity(64);
        self.write(&mut out, kind, hour);
        String::from_utf8_lossy(&out).into_owned()
    }

    fn family(&self, kind: Kind) -> &Family {
        match kind {
            Kind::Span => &self.spans,
            Kind::Service => &self.services,
        }
    }
}

/// Year, month and day of a day since 1970, in the Gregorian calendar. Years are counted from
/// March, so that the day which comes and goes is the last one.
fn civil_date(days: u64) -> (u64, u64, u64) {
    const ERA: u64 = 146_097; // days in 400 years
    let days = days + 719_468; // since 1 March of the year 0
    let (era, day) = (days / ERA, days % ERA);
    let year = (day - day / 1460 + day / 36_524 - day / (ERA - 1)) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, turn) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + turn, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::tests::golden;

    const MOMENT: u64 = 1_764_770_700_000_000; // 2025-12-03T14:05:00Z

    fn names(change: impl FnOnce(&mut Indices)) -> IndexNames {
        let mut indices = Indices::default();
        change(&mut indices);
        IndexNames::new(&indices)
    }

    fn span_index(micros: u64, change: impl FnOnce(&mut Indices)) -> String {
        let mut out = Vec::new();
        names(change).write_target(&mut out, Kind::Span, hour_of(micros));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn names_follow_the_settings() {
        assert_eq!(span_index(MOMENT, |_| ()), "jaeger-span-2025-12-03");
        assert_eq!(span_index(MOMENT, |set| set.spans = Rotation::Hour), "jaeger-span-2025-12-03-14");
        assert_eq!(span_index(MOMENT, |set| set.services = Rotation::Hour), "jaeger-span-2025-12-03");
        assert_eq!(span_index(MOMENT, |set| set.date_separator = String::new()), "jaeger-span-20251203");
        assert_eq!(span_index(MOMENT, |set| set.prefix = "prod".into()), "prod-jaeger-span-2025-12-03");
        assert_eq!(span_index(MOMENT, |set| set.prefix = "prod-".into()), "prod-jaeger-span-2025-12-03");
        let dots = |set: &mut Indices| (set.date_separator, set.spans) = (".".into(), Rotation::Hour);
        assert_eq!(span_index(MOMENT, dots), "jaeger-span-2025.12.03.14");
        let aliases = |set: &mut Indices| (set.prefix, set.use_aliases) = ("prod".into(), true);
        assert_eq!(span_index(MOMENT, aliases), "prod-jaeger-span-write");
        assert_eq!(names(aliases).read_names(Kind::Service, 0, MOMENT), ["prod-jaeger-service-read"]);
        assert_eq!(names(aliases).template(Kind::Service), "prod-jaeger-service");
        assert_eq!(names(aliases).pattern(Kind::Span), "prod-jaeger-span-*");
    }

    #[test]
    fn the_day_is_that_of_the_start_in_utc() {
        assert_eq!(span_index(1_764_806_399_999_999, |_| ()), "jaeger-span-2025-12-03");
        assert_eq!(span_index(1_764_806_400_000_000, |_| ()), "jaeger-span-2025-12-04");
        assert_eq!(span_index(0, |_| ()), "jaeger-span-1970-01-01");
        // Golden body start-times-negative.thrift.
        assert_eq!(span_index(u64::MAX, |_| ()), "jaeger-span-586524-01-19");
        assert_eq!(span_index(1 << 63, |_| ()), "jaeger-span-294247-01-10");
    }

    #[test]
    fn jaegers_spans_go_where_jaeger_put_them() {
        let mut count = 0;
        for golden in golden() {
            let document: serde_json::Value = serde_json::from_str(golden.source.get()).unwrap();
            let start = document["startTime"].as_u64().unwrap();
            // Where the number in the document has wrapped around, it says nothing of the date.
            let wrapped = golden.input.contains("start-times") && golden.index >= "jaeger-span-2200";
            let before_1970 = start > i64::MAX as u64 || golden.index == "jaeger-span-1969-12-31";
            if !wrapped && !before_1970 {
                assert_eq!(span_index(start, |_| ()), golden.index, "{}", golden.input);
                count += 1;
            }
        }
        assert!(count > 300, "{count}");
    }

    #[test]
    fn all_days_of_nine_thousand_years_are_those_of_the_time_crate() {
        let mut date = time::macros::date!(1970 - 01 - 01);
        for day in 0..2_932_896 {
            let (year, month, month_day) = civil_date(day);
            assert_eq!((year as i32, month as u8, month_day as u8), (date.year(), date.month().into(), date.day()));
            date = date.next_day().unwrap();
        }
        assert_eq!(date, time::Date::MAX);
    }

    #[test]
    fn a_reader_asks_for_the_newest_first() {
        let daily = names(|_| ());
        let asked = daily.read_names(Kind::Span, MOMENT - 24 * HOUR_MICROS, MOMENT);
        assert_eq!(asked, ["jaeger-span-2025-12-03", "jaeger-span-2025-12-02"]);
        assert_eq!(daily.read_names(Kind::Span, MOMENT, MOMENT - 1).len(), 1);
        let hourly = names(|set| set.services = Rotation::Hour);
        let asked = hourly.read_names(Kind::Service, MOMENT - HOUR_MICROS, MOMENT);
        assert_eq!(asked, ["jaeger-service-2025-12-03-14", "jaeger-service-2025-12-03-13"]);
        assert_eq!(daily.read_names(Kind::Span, 0, u64::MAX), ["jaeger-span-*"]);
    }
}
