//! `spaniel dead-letter list`: each letter once, and sums.

use std::collections::BTreeMap;
use std::io::Write;

use super::id;
use crate::clock::Clock;
use crate::command::{CommandError, Outcome, spool_protocol};
use crate::dead_letter::{DeadLetters, Key};

/// A letter, without its document.
struct Line {
    id: String,
    protocol: String,
    reason: String,
    /// When it came last.
    time: u64,
    times: u64,
}

pub(in crate::command) fn run(
    letters: &DeadLetters,
    clock: &Clock,
    out: &mut dyn Write,
) -> Result<Outcome, CommandError> {
    let mut lines: BTreeMap<Key, Line> = BTreeMap::new();
    let unread = letters.read(&mut |letter| {
        let line = lines.entry(letter.key()).or_insert_with(|| Line {
            id: id(&letter),
            protocol: spool_protocol(letter.label),
            reason: String::new(),
            time: 0,
            times: 0,
        });
        line.times += 1;
        if letter.time >= line.time {
            (line.time, line.reason) = (letter.time, letter.reason);
        }
    })?;
    if !lines.is_empty() {
        writeln!(out, "{:<22}  {:<18}  {:<16}  {:>6}  {:>5}  index", "id", "protocol", "reason", "age", "times")?;
    }
    let mut sums: BTreeMap<(&str, &str, &str), u64> = BTreeMap::new();
    for (key, line) in &lines {
        let Line { id, protocol, reason, time, times } = line;
        let age = age(clock.micros().saturating_sub(*time));
        writeln!(out, "{id:<22}  {protocol:<18}  {reason:<16}  {age:>6}  {times:>5}  {}", key.index)?;
        *sums.entry((protocol, reason, &key.index)).or_default() += 1;
    }
    writeln!(out, "{}{} dead letters", if lines.is_empty() { "" } else { "\n" }, lines.len())?;
    for ((protocol, reason, index), letters) in sums {
        writeln!(out, "{letters:>8}  {protocol}, {reason}, {index}")?;
    }
    for unread in &unread {
        writeln!(out, "damaged: {}, offset {}, {} bytes", unread.path.display(), unread.offset, unread.bytes)?;
    }
    Ok(if unread.is_empty() { Outcome::Good } else { Outcome::Wrong })
}

/// In the largest unit of which it has some.
fn age(micros: u64) -> String {
    let seconds = micros / 1_000_000;
    let units = [(86_400, 'd'), (3600, 'h'), (60, 'm')];
    let unit = units.into_iter().find(|(length, _)| seconds >= 2 * length).unwrap_or((1, 's'));
    format!("{}{}", seconds / unit.0, unit.1)
}

#[cfg(test)]
mod tests {
    use super::age;

    #[test]
    fn ages() {
        let ages = [0, 119, 120, 7199, 7200, 172_800].map(|seconds| age(seconds * 1_000_000));
        assert_eq!(ages, ["0s", "119s", "2m", "119m", "2h", "2d"]);
    }
}
