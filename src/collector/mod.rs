//! The whole collector: settings become rooms, rooms become running tasks, and SIGTERM takes them
//! down again from the sources outwards.
//!
//! Every port is bound before any is served, so that a port in use stops the start and nothing was
//! taken by then. The store need not be there.

mod build;
mod listeners;
mod report;
mod sampling;
mod stop;
mod weigh;

use std::time::Duration;

use crate::forward::ForwardError;
use crate::receive::{BindError, Guard, TlsError, TokenError};
use crate::sample::strategies::{Loader, StrategiesError};
use crate::settings::{Notes, Settings};
use crate::store::elasticsearch::ConnectionError;
use crate::store::embedded::OpenError;
use crate::telemetry::log::LogLevel;

use build::House;
use listeners::Listeners;
use stop::Signals;

/// Why Spaniel could not start. The text says how to mend it.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Listener(#[from] BindError),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error(transparent)]
    Tokens(#[from] TokenError),
    #[error(transparent)]
    Forward(#[from] ForwardError),
    #[error(transparent)]
    Embedded(#[from] OpenError),
    #[error(transparent)]
    Spool(#[from] crate::spool::OpenError),
    #[error(transparent)]
    DeadLetters(#[from] crate::dead_letter::DeadLetterError),
    #[error(transparent)]
    Elasticsearch(#[from] ConnectionError),
    #[error(transparent)]
    Rules(#[from] sampling::RulesError),
    #[error(transparent)]
    Strategies(#[from] StrategiesError),
    #[error("cannot start a thread: {0}; the system allows no more")]
    Thread(std::io::Error),
    #[error("cannot listen for signals: {0}")]
    Signals(std::io::Error),
}

/// Runs until SIGTERM or SIGINT, and stops. Returns an error only if it could not start.
pub async fn run(settings: &Settings, notes: &Notes, level: LogLevel) -> Result<(), StartError> {
    let mut signals = Signals::new().map_err(StartError::Signals)?;
    let bound = Listeners::bind(settings)?;
    let house = House::build(settings)?;
    let loader = Loader::open(&settings.strategies, &house.strategies, &house.metrics).await?;
    let guard = Guard::new(&settings.auth, &settings.tenancy, &house.metrics)?;
    let servers = bound.secure(&house, settings)?.serve(&house, settings, level, &guard);
    let carriers = house.delivery.start();
    house.health.set_up();
    report::started(&house, &servers, settings, notes);
    sampling::tell_holes(&house.sampler, &settings.sampling_limits);
    sampling::keep_up(settings, &house);
    house.meet_store();
    loader.map(|loader| tokio::spawn(loader.keep_up()));
    house.watch_room();
    house.watch_dead_letters();
    weigh::begin(&house.budget).map_err(StartError::Thread)?;
    house.audit();
    signals.stop_asked().await;
    stop::stop(house, servers, carriers, &settings.shutdown, signals).await;
    Ok(())
}

/// How often the meeting with the store is tried before the first batch: the writer tries again
/// with every batch.
const MEETING: Duration = Duration::from_secs(5);
