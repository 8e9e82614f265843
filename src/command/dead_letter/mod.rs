//! `spaniel dead-letter`: the documents that the store will never take, listed, shown, and sent
//! again. All of it works while a collector runs on the same directory.

mod list;
mod replay;

#[cfg(test)]
mod tests;

use std::io::Write;
use std::sync::Arc;

use super::spool::DEAD_LETTERS;
use super::{CommandError, Outcome};
use crate::dead_letter::{DeadLetterError, DeadLetters, Letter};
use crate::document::write_id;
use crate::settings::{Choice, Settings};
use crate::spool::disk::RealDisk;

pub(super) use list::run as list;
pub(super) use replay::run as replay;

/// The dead letters of the configured spool.
pub(super) fn open(settings: &Settings) -> Result<DeadLetters, DeadLetterError> {
    let directory = settings.spool.directory.join(DEAD_LETTERS);
    DeadLetters::open(Arc::new(RealDisk), &directory, settings.spool.dead_letter_max_bytes)
}

/// The name of a letter's document, as the store has it.
fn id(letter: &Letter) -> String {
    let mut text = Vec::new();
    write_id(&mut text, letter.item.kind, &letter.item.id);
    String::from_utf8_lossy(&text).into_owned()
}

fn is_chosen(choice: &Choice, letter: &Letter) -> bool {
    choice.id.as_ref().is_none_or(|wanted| *wanted == id(letter))
        && choice.index.as_ref().is_none_or(|wanted| *wanted == letter.index)
        && choice.reason.as_ref().is_none_or(|wanted| *wanted == letter.reason)
}

/// Prints a letter: what is known of it, and its document.
pub(super) fn show(letters: &DeadLetters, wanted: &str, out: &mut dyn Write) -> Result<Outcome, CommandError> {
    let mut found: Vec<Letter> = Vec::new();
    letters.read(&mut |letter| {
        if id(&letter) == wanted && !found.iter().any(|other| other.key() == letter.key()) {
            found.push(letter);
        }
    })?;
    for letter in &found {
        writeln!(
            out,
            "id        {wanted}\nindex     {}\nprotocol  {}",
            letter.index,
            super::spool_protocol(letter.label)
        )?;
        writeln!(
            out,
            "time      {}\nreason    {}\nwords     {}",
            super::when(letter.time / 1_000_000),
            letter.reason,
            letter.words
        )?;
        match serde_json::from_slice::<&serde_json::value::RawValue>(&letter.document).is_ok() {
            true => {
                let value: serde_json::Value = serde_json::from_slice(&letter.document).unwrap_or_default();
                writeln!(out, "{value:#}\n")?;
            }
            false => writeln!(out, "{}\n", String::from_utf8_lossy(&letter.document))?,
        }
    }
    if found.is_empty() {
        writeln!(out, "no dead letter has the id {wanted}; `spaniel dead-letter list` has them all")?;
        return Ok(Outcome::Wrong);
    }
    Ok(Outcome::Good)
}
