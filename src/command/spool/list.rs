//! `spaniel spool list`: the segments of a directory and what they hold.

use std::io::Write;
use std::path::Path;

use super::survey::{Survey, survey};
use super::{DEAD_LETTERS, HELD, Part, SEGMENTS, parts, set_aside};
use crate::command::{CommandError, Outcome, when};
use crate::spool::disk::{Disk, RealDisk};
use crate::spool::lock::holder_of;

pub(in crate::command) fn run(directory: &Path, out: &mut dyn Write) -> Result<Outcome, CommandError> {
    let holder = holder_of(directory);
    let parts = parts(directory)?;
    match &holder {
        Some(holder) => writeln!(out, "{}: in use by {holder}", directory.display())?,
        None => writeln!(out, "{}: not in use", directory.display())?,
    }
    let mut damages = 0;
    // The directory of an index that took all of its items stays, empty.
    let is_listed = |part: &&Part| part.index.is_none() || part.log.bytes() > 0 || !part.opened.notes.is_empty();
    for part in parts.iter().filter(is_listed) {
        match &part.index {
            None => writeln!(out, "\nwaiting to be sent ({SEGMENTS}/)")?,
            Some(index) => writeln!(out, "\nheld for {index} ({HELD}/{index}/)")?,
        }
        damages += list(part, holder.is_some(), out)?;
    }
    list_dead_letters(directory, out)?;
    for from in parts.iter().map(|part| part.directory.as_path()).chain([directory.join(DEAD_LETTERS).as_path()]) {
        for (path, bytes) in set_aside(from) {
            writeln!(out, "set aside: {}, {bytes} bytes", path.display())?;
        }
    }
    Ok(if damages == 0 { Outcome::Good } else { Outcome::Wrong })
}

/// Lists the segments of a log; returns how much is damaged.
fn list(part: &Part, in_use: bool, out: &mut dyn Write) -> Result<usize, CommandError> {
    let (mut damages, mut total) = (part.opened.notes.len(), Survey::default());
    writeln!(
        out,
        "{:>8} {:>12} {:>8} {:>8}  {:<16}  {:<16}  {:>6}  spans of",
        "segment", "bytes", "records", "services", "oldest hour", "newest hour", "damage"
    )?;
    for found in &part.opened.segments {
        let Some(survey) = survey(part, found.segment, in_use)? else { continue };
        damages += survey.damages.len();
        let hour = |hour: Option<u64>| hour.map_or_else(|| "-".into(), |hour| when(hour.saturating_mul(3600)));
        let (oldest, newest) = (hour(survey.hours.map(|hours| hours.0)), hour(survey.hours.map(|hours| hours.1)));
        let Survey { records, services, damages, .. } = &survey;
        let (segment, bytes, damages, protocols) = (found.segment, found.bytes, damages.len(), survey.protocols());
        writeln!(
            out,
            "{segment:>8} {bytes:>12} {records:>8} {services:>8}  {oldest:<16}  {newest:<16}  {damages:>6}  {protocols}"
        )?;
        total.records += survey.records;
        total.services += survey.services;
        survey.spans.into_iter().for_each(|(label, spans)| *total.spans.entry(label).or_default() += spans);
    }
    writeln!(
        out,
        "{:>8} {:>12} {:>8} {:>8}  {:<16}  {:<16}  {:>6}  {}",
        "all",
        part.log.bytes(),
        total.records,
        total.services,
        "",
        "",
        damages,
        total.protocols()
    )?;
    for note in &part.opened.notes {
        writeln!(out, "cannot be used: {}: {}", note.path.display(), note.oddity)?;
    }
    Ok(damages)
}

fn list_dead_letters(directory: &Path, out: &mut dyn Write) -> Result<(), CommandError> {
    let entries = RealDisk.list(&directory.join(DEAD_LETTERS)).unwrap_or_default();
    let segments: Vec<u64> = entries
        .iter()
        .filter(|entry| entry.name.to_string_lossy().ends_with(".segment"))
        .map(|entry| entry.bytes)
        .collect();
    let bytes: u64 = segments.iter().sum();
    let more = if segments.is_empty() { "" } else { "; see `spaniel dead-letter list`" };
    writeln!(out, "\ndead letters ({DEAD_LETTERS}/): {} files, {bytes} bytes{more}", segments.len())?;
    Ok(())
}
