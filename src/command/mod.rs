//! What an operator does beside running a collector: examine it, prepare and examine a cluster, drive
//! a collector with a load, look into a spool, drain it, deal with dead letters, and ask why a trace is
//! kept or dropped.
//!
//! A command writes what it did or found to the output that it is given, in words for a person, and
//! says how it ended; what stopped it half-way is a [`CommandError`] that tells what to do. It opens
//! no port. Commands that only look may run beside a running collector; each says so where it
//! matters. Here every command is one file or folder, and [`run`] is their table of contents.

mod admin;
mod ask;
mod dead_letter;
mod doctor;
mod explain;
mod init;
pub mod load;
mod spool;

use std::io::Write;
use std::sync::Arc;

use crate::clock::Clock;
use crate::dead_letter::DeadLetterError;
use crate::settings::{Operation, Settings, StorageType};
use crate::spool::log::LogError;
use crate::store::Writer;
use crate::store::elasticsearch::{BulkWriter, Cluster, ConnectionError, VersionError};
use crate::store::embedded::{EmbeddedStore, OpenError};

pub use admin::{AdminError, AdminPort};
use spool::protocol as spool_protocol;

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
    Admin(#[from] AdminError),
    #[error(transparent)]
    Connection(#[from] ConnectionError),
    #[error(transparent)]
    Version(#[from] VersionError),
    #[error(transparent)]
    Question(#[from] ask::QuestionError),
    #[error(transparent)]
    Init(#[from] init::InitError),
    #[error(transparent)]
    Embedded(#[from] OpenError),
    #[error(transparent)]
    Spool(#[from] LogError),
    #[error(transparent)]
    DeadLetter(#[from] DeadLetterError),
    #[error(transparent)]
    OpenSpool(#[from] crate::spool::OpenError),
    #[error(transparent)]
    Explain(#[from] explain::ExplainError),
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
        Operation::Examine => doctor::examine(settings, clock, out).await,
        Operation::ExamineElasticsearch => doctor::examine_elasticsearch(settings, clock, out).await,
        Operation::Load(plan) => load::run(plan, out).await,
        Operation::ListSpool => spool::list(&settings.spool.directory, out),
        Operation::VerifySpool => spool::verify(settings, out),
        Operation::DrainSpool => spool::drain(settings, writer(settings, clock)?, clock, out).await,
        Operation::ExportSpool(form) => spool::export(settings, *form, out, &mut std::io::stderr()),
        Operation::ExplainSampling(question) => explain::run(settings, question, out).await,
        Operation::ListDeadLetters => dead_letter::list(&dead_letter::open(settings)?, clock, out),
        Operation::ShowDeadLetter { id } => dead_letter::show(&dead_letter::open(settings)?, id, out),
        Operation::ReplayDeadLetters(choice) => {
            let (letters, writer) = (dead_letter::open(settings)?, writer(settings, clock)?);
            dead_letter::replay(&letters, writer.as_ref(), choice, clock, out).await
        }
    }
}

/// The configured store, to be written to.
fn writer(settings: &Settings, clock: &Clock) -> Result<Arc<dyn Writer>, CommandError> {
    Ok(match settings.storage {
        StorageType::Embedded => {
            let dots = &settings.document.tags_as_fields.dot_replacement;
            EmbeddedStore::open_with(&settings.embedded, &settings.indices, dots, clock.clone())?
        }
        StorageType::Elasticsearch | StorageType::OpenSearch => {
            Arc::new(BulkWriter::new(&settings.elasticsearch, &settings.indices)?)
        }
    })
}

/// A time in seconds since 1970, to the minute.
fn when(seconds: u64) -> String {
    let format = time::macros::format_description!("[year]-[month]-[day] [hour]:[minute]");
    let moment =
        i64::try_from(seconds).ok().and_then(|seconds| time::OffsetDateTime::from_unix_timestamp(seconds).ok());
    moment.and_then(|moment| moment.format(format).ok()).unwrap_or_else(|| format!("second {seconds}"))
}
