//! Names of indices: dates that only a broken clock can have made.

use std::collections::BTreeSet;

use crate::clock::Clock;
use crate::command::ask::{self, QuestionError};
use crate::command::doctor::finding::{Finding, few};
use crate::command::init::generation;
use crate::store::elasticsearch::Cluster;

/// Days that an honest span may lie ahead: time zones are no matter, as names are in UTC.
const FUTURE_DAYS: i64 = 2;
/// Nobody keeps traces so long.
const PAST_DAYS: i64 = 400;

/// The indices of a base, sorted.
pub(super) async fn of(cluster: &Cluster, base: &str) -> Result<Vec<String>, QuestionError> {
    let path = format!("{base}-*/_settings/index.creation_date");
    let answer = ask::find(cluster, &path, &[("ignore_unavailable", "true")]).await?.unwrap_or_default();
    Ok(answer.as_object().into_iter().flatten().map(|(index, _)| index.clone()).collect())
}

pub(super) async fn examine(
    cluster: &Cluster,
    base: &str,
    separator: &str,
    clock: &Clock,
    findings: &mut Vec<Finding>,
) {
    match of(cluster, base).await {
        Ok(names) => findings.extend(judge(base, &names, separator, clock.micros())),
        Err(error) => findings.push(Finding::unseen(format!("dates of {base}"), &error)),
    }
}

fn judge(base: &str, names: &[String], separator: &str, now: u64) -> Vec<Finding> {
    let today = (now / 86_400_000_000) as i64;
    let day = |index: &&String| day_of(index.strip_prefix(base)?.strip_prefix('-')?, separator).map(|day| day - today);
    let strange: Vec<String> = names
        .iter()
        .filter(|index| day(index).is_some_and(|days| !(-PAST_DAYS..=FUTURE_DAYS).contains(&days)))
        .cloned()
        .collect();
    let mut findings = Vec::new();
    if !strange.is_empty() {
        let seen = format!("{} indices of days that cannot be: {}", strange.len(), few(&strange));
        let mend = "spans of broken clocks made them, each costs its shards: delete them, and let --span.max-age and \
                    --span.max-future keep more from coming";
        findings.push(Finding::warning(format!("dates of {base}"), seen, mend));
    }
    let known = |index: &String| {
        let rest = index.strip_prefix(base).and_then(|rest| rest.strip_prefix('-')).unwrap_or_default();
        day_of(rest, separator).is_some()
            || generation(base, index).is_some()
            || rest.starts_with("archive")
            || matches!(rest, "write" | "read")
    };
    let other: BTreeSet<_> = names.iter().filter(|index| !known(index)).cloned().collect();
    if !other.is_empty() {
        let seen = format!("not named as the settings say: {}", few(&other.into_iter().collect::<Vec<_>>()));
        let mend = "they are not read: check --es.index-date-separator against that of their writer";
        findings.push(Finding::warning(format!("names of {base}"), seen, mend));
    }
    findings
}

/// Days since 1970 of `2026-11-21`, or `2026-11-21-07`, with this separator.
fn day_of(text: &str, separator: &str) -> Option<i64> {
    let year_length = text.bytes().take_while(u8::is_ascii_digit).count();
    // Without a separator the year is what is left of two digits each for month and day.
    let year_length = if separator.is_empty() { 4 } else { year_length };
    let (year, rest) = text.split_at_checked(year_length)?;
    let (month, rest) = rest.strip_prefix(separator)?.split_at_checked(2)?;
    let (day, rest) = rest.strip_prefix(separator)?.split_at_checked(2)?;
    let hour = rest.is_empty()
        || rest.strip_prefix(separator).is_some_and(|hour| hour.len() == 2 && hour.parse::<u8>().is_ok());
    let (year, month, day) = (year.parse::<i64>().ok()?, month.parse::<u8>().ok()?, day.parse::<u8>().ok()?);
    if !hour {
        return None;
    }
    // The crate ends with the year 9999; a broken clock does not.
    let within = i32::try_from(year.clamp(0, 9999)).ok()?;
    let date = time::Date::from_calendar_date(within, time::Month::try_from(month).ok()?, day).ok()?;
    Some((date - time::macros::date!(1970 - 01 - 01)).whole_days() + (year - i64::from(within)) * 365)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::doctor::finding::State;

    const NOW: u64 = 1_795_272_958_678_000; // 2026-11-21

    fn seen(names: &[&str], separator: &str) -> Vec<(State, String)> {
        let names: Vec<_> = names.iter().map(|name| (*name).to_string()).collect();
        judge("jaeger-span", &names, separator, NOW).into_iter().map(|finding| (finding.state, finding.seen)).collect()
    }

    #[test]
    fn dates_of_broken_clocks_are_told() {
        let sound = [
            "jaeger-span-2026-11-21",
            "jaeger-span-2026-11-22-23",
            "jaeger-span-2025-12-01",
            "jaeger-span-000001",
            "jaeger-span-archive",
        ];
        assert_eq!(seen(&sound, "-"), []);
        let told = seen(&["jaeger-span-2069-02-07", "jaeger-span-1970-01-01", "jaeger-span-586524-01-19"], "-");
        let text = "3 indices of days that cannot be: jaeger-span-2069-02-07, jaeger-span-1970-01-01, jaeger-span-586524-01-19";
        assert_eq!(told, [(State::Warning, text.to_string())]);
    }

    #[test]
    fn separators() {
        assert_eq!(seen(&["jaeger-span-20261121", "jaeger-span-2026112107"], ""), []);
        assert_eq!(seen(&["jaeger-span-2026.11.21"], "."), []);
        let told = seen(&["jaeger-span-2026.11.21"], "-");
        assert_eq!(told, [(State::Warning, "not named as the settings say: jaeger-span-2026.11.21".to_string())]);
        assert_eq!(day_of("1970-01-02", "-"), Some(1));
        assert_eq!((day_of("2026-13-01", "-"), day_of("2026-11-21-x", "-"), day_of("é", "-")), (None, None, None));
    }
}
