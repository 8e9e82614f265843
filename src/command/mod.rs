//! What an operator does beside running a collector: prepare and examine a cluster, look into a
//! spool, drain it, and deal with dead letters.
//!
//! A command writes what it did or found to the output that it is given, in words for a person, and
//! says how it ended; what stopped it half-way is a [`CommandError`] that tells what to do. It opens
//! no port. Commands that only look may run beside a running collector; each says so where it
//! matters. Here every command is one file or folder, and [`run`] is their table of contents.

mod ask;
mod doctor;
mod init;

use std::io::Write;

use crate::clock::Clock;
use crate::settings::{Operation, Settings};
use crate::store::elasticsearch::{Cluster, ConnectionError, VersionError};

/// How a command ended that could be carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Good,
    /// It found, or left, something wrong, and said what.
    Wrong,
}

/// Why a command could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    #[error(transparent)]
    Connection(#[from] ConnectionError),
    #[error(transparent)]
    Version(#[from] VersionError),
    #[error(transparent)]
    Question(#[from] ask::QuestionError),
    #[error(transparent)]
    Init(#[from] init::InitError),
    #[error("this command comes with the durable spool, which is not built yet")]
    NotBuilt,
    #[error("standard output cannot be written: {0}")]
    Output(#[from] std::io::Error),
}

/// Carries out a command; `out` is for what the operator reads or takes on.
pub async fn run(
    operation: &Operation,
    settings: &Settings,
    clock: &Clock,
    out: &mut dyn Write,
) -> Result<Outcome, CommandError> {
    match operation {
        Operation::PrepareElasticsearch => {
            let cluster = Cluster::new(&settings.elasticsearch)?;
            init::run(&cluster, settings, out).await
        }
        Operation::ExamineElasticsearch => doctor::run(settings, clock, out).await,
        Operation::ListSpool
        | Operation::VerifySpool
        | Operation::DrainSpool
        | Operation::ExportSpool(_)
        | Operation::ListDeadLetters
        | Operation::ShowDeadLetter { .. }
        | Operation::ReplayDeadLetters(_) => Err(CommandError::NotBuilt),
    }
}
