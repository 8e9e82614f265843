//! Stopping: from the sources outwards, within a time.

use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use super::build::House;
use super::listeners::Servers;
use crate::settings::Shutdown;

/// What copies for a second collector get at the end: nobody is to wait for it.
const FORWARDING: Duration = Duration::from_secs(1);

/// SIGTERM and SIGINT.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    pub(super) fn new() -> std::io::Result<Self> {
        Ok(Signals { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for one of them.
    pub(super) async fn stop_asked(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Stops everything. A second signal cuts the delay and the waiting short; what is held then is
/// dropped and counted.
pub(super) async fn stop(
    house: House,
    servers: Servers,
    mut carriers: Vec<JoinHandle<()>>,
    shutdown: &Shutdown,
    mut signals: Signals,
) {
    tracing::info!(delay = ?shutdown.delay, timeout = ?shutdown.timeout, "shutting down");
    house.health.set_draining();
    let in_time = async {
        tokio::time::sleep(shutdown.delay).await;
        drain(&house, &servers, &mut carriers, Instant::now() + shutdown.timeout).await;
    };
    let hurried = tokio::select! {
        () = in_time => false,
        () = signals.stop_asked() => true,
    };
    if hurried {
        tracing::warn!("asked to stop a second time: what is held is dropped");
        drain(&house, &servers, &mut carriers, Instant::now()).await;
    }
    house.writer.close().await;
    house.spool.tidy();
    tell_what_is_left(&house);
    servers.admin.drain(Duration::ZERO).await;
    tracing::info!("shutdown complete");
}

/// Listeners first, then what they have taken. May be begun anew with an earlier deadline.
async fn drain(house: &House, servers: &Servers, carriers: &mut Vec<JoinHandle<()>>, deadline: Instant) {
    // Half of the time for requests in flight: the other half belongs to what they brought.
    let requests = deadline.saturating_duration_since(Instant::now()) / 2;
    let (cut, safe) = tokio::join!(servers.spans.drain(requests), servers.datagrams.drain(requests));
    if !safe {
        tracing::warn!("datagrams that were read could not be made safe in time");
    }
    if cut > 0 {
        tracing::warn!(connections = cut, "cut connections that did not end in time");
    }
    house.spool.close();
    house.delivery.stop();
    while let Some(carrier) = carriers.last_mut() {
        if timeout_at(deadline, &mut *carrier).await.is_err() {
            house.delivery.abandon();
            let _ = carrier.await;
        }
        carriers.pop();
    }
    if let Some(forward) = &house.forward {
        forward.stop(FORWARDING.min(deadline.saturating_duration_since(Instant::now()))).await;
    }
}

fn tell_what_is_left(house: &House) {
    for (protocol, page) in house.books.spans() {
        if let Some(&spans) = page.dropped.get("shutdown") {
            tracing::error!(protocol, spans, "spans were dropped: the store did not take them before the time to stop");
        }
        if house.spool.is_durable() && page.held > 0 {
            let spans = page.held;
            tracing::info!(protocol, spans, "spans stay in the spool: they are sent when Spaniel starts there again");
        }
        if !page.balances() {
            tracing::error!(protocol, ?page, "the books do not balance");
        }
    }
}
