//! `spaniel spool verify`: reads all of a spool, and tells each damage.

use std::io::Write;
use std::path::Path;

use super::survey::{loss, survey};
use super::{DEAD_LETTERS, parts};
use crate::command::dead_letter;
use crate::command::{CommandError, Outcome};
use crate::settings::Settings;
use crate::spool::lock::holder_of;

pub(in crate::command) fn run(settings: &Settings, out: &mut dyn Write) -> Result<Outcome, CommandError> {
    let directory: &Path = &settings.spool.directory;
    let in_use = holder_of(directory).is_some();
    let (mut damages, mut records, mut segments) = (0_usize, 0, 0);
    for part in parts(directory)? {
        for note in &part.opened.notes {
            damages += 1;
            writeln!(out, "{}: {}", note.path.display(), note.oddity)?;
        }
        for found in &part.opened.segments {
            let Some(survey) = survey(&part, found.segment, in_use)? else { continue };
            segments += 1;
            records += survey.records;
            damages += survey.damages.len();
            let path = part.log.path(found.segment).unwrap_or_default();
            for damage in &survey.damages {
                writeln!(
                    out,
                    "{}: offset {}, {} bytes damaged: {}",
                    path.display(),
                    damage.offset,
                    damage.bytes,
                    loss(damage)
                )?;
            }
        }
    }
    let mut letters = 0_u64;
    if directory.join(DEAD_LETTERS).is_dir() {
        for unread in dead_letter::open(settings)?.read(&mut |_| letters += 1)? {
            damages += 1;
            writeln!(
                out,
                "{}: offset {}, {} bytes damaged: dead letters were lost",
                unread.path.display(),
                unread.offset,
                unread.bytes
            )?;
        }
    }
    writeln!(out, "{segments} segments with {records} records and {letters} dead letters read, {damages} damages")?;
    Ok(if damages == 0 { Outcome::Good } else { Outcome::Wrong })
}
