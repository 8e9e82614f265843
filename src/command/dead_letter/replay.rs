//! `spaniel dead-letter replay`: sends letters again, under the same ids, so that they are stored
//! once however often they are sent. What the store has goes; what it refuses stays with its new
//! reason; what it would take later stays as it is.

use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::sync::Arc;

use super::is_chosen;
use crate::clock::Clock;
use crate::command::{CommandError, Outcome};
use crate::dead_letter::{DeadLetters, Fate, Key, Letter};
use crate::item::{Batch, Item, Judgement, Label, Run, Verdict};
use crate::memory::Budget;
use crate::settings::Choice;
use crate::store::Writer;

/// Sent at once; a store halves what is too much for it.
const MOST_LETTERS: usize = 1000;
const MOST_BYTES: usize = 4 << 20;

/// What became of the letters.
#[derive(Debug, Default)]
struct Tally {
    stored: u64,
    already_there: u64,
    /// Reasons, with one letter's words each.
    refused: BTreeMap<String, (u64, String)>,
    again: BTreeMap<&'static str, u64>,
    is_away: bool,
}

pub(in crate::command) async fn run(
    letters: &DeadLetters,
    writer: &dyn Writer,
    choice: &Choice,
    clock: &Clock,
    out: &mut dyn Write,
) -> Result<Outcome, CommandError> {
    let replay = letters.replay()?;
    let mut tally = Tally::default();
    for &segment in replay.segments() {
        let mut chosen = replay.letters(segment)?;
        chosen.retain(|letter| is_chosen(choice, letter));
        let mut fates = HashMap::new();
        for letters in batches(&chosen) {
            let judgement = writer.write(&batch(letters)).await;
            tally.enter(letters, &judgement, clock.micros(), &mut fates);
            if tally.is_away {
                break;
            }
        }
        replay.settle(segment, &fates)?;
        if tally.is_away {
            break;
        }
    }
    writer.close().await;
    tally.print(writer, out)?;
    let is_done = tally.refused.is_empty() && tally.again.is_empty();
    Ok(if is_done { Outcome::Good } else { Outcome::Wrong })
}

/// Parts of limited number and size; a letter that is too large is a part alone.
fn batches(letters: &[Letter]) -> Vec<&[Letter]> {
    let (mut parts, mut rest) = (Vec::new(), letters);
    while !rest.is_empty() {
        let mut bytes = 0;
        let fits = |letter: &&Letter| {
            bytes += letter.document.len();
            bytes <= MOST_BYTES
        };
        let count = rest.iter().take(MOST_LETTERS).take_while(fits).count().max(1);
        let (part, after) = rest.split_at(count);
        parts.push(part);
        rest = after;
    }
    parts
}

fn batch(letters: &[Letter]) -> Batch {
    let mut documents = Vec::new();
    let item = |letter: &Letter| {
        let start = documents.len() as u32;
        documents.extend_from_slice(&letter.document);
        Item { start, end: documents.len() as u32, ..letter.item }
    };
    let items = letters.iter().map(item).collect();
    let reservation = Budget::new(0).reserve();
    Batch::of(vec![Arc::new(Run::new(Label(0), items, documents, reservation))])
}

impl Tally {
    fn enter(&mut self, letters: &[Letter], judgement: &Judgement, now: u64, fates: &mut HashMap<Key, Fate>) {
        self.is_away = judgement.away;
        for (index, (letter, verdict)) in letters.iter().zip(&judgement.verdicts).enumerate() {
            match verdict {
                Verdict::Stored => self.stored += 1,
                Verdict::AlreadyThere => self.already_there += 1,
                Verdict::Again(word) => *self.again.entry(word).or_default() += 1,
                Verdict::Refused(reason) => {
                    let told = judgement.reasons.iter().find(|(at, _)| *at as usize == index);
                    let words = told.map(|(_, words)| words.to_string()).unwrap_or_default();
                    let refused = self.refused.entry((*reason).to_string()).or_default();
                    *refused = (refused.0 + 1, words.clone());
                    if (letter.reason.as_str(), letter.words.as_str()) != (*reason, words.as_str()) {
                        fates.insert(letter.key(), Fate::Stays { reason: (*reason).to_string(), words, time: now });
                    }
                }
            }
            if matches!(verdict, Verdict::Stored | Verdict::AlreadyThere) {
                fates.insert(letter.key(), Fate::Gone);
            }
        }
    }

    fn print(&self, writer: &dyn Writer, out: &mut dyn Write) -> std::io::Result<()> {
        writeln!(out, "{:>8}  stored\n{:>8}  already there", self.stored, self.already_there)?;
        for (reason, (letters, words)) in &self.refused {
            writeln!(out, "{letters:>8}  refused again, kept: {reason}: {words}")?;
        }
        for (word, letters) in &self.again {
            writeln!(out, "{letters:>8}  not taken now, kept as they are: {word}")?;
        }
        if self.is_away {
            let trouble = writer.status().trouble.unwrap_or_default();
            writeln!(out, "The store takes nothing now: {trouble}\nRun this again when it does.")?;
        }
        Ok(())
    }
}
