//! Datagrams, by protocol: those that came, those that were refused, and those that the kernel
//! dropped before we read them, which it is asked for at each scrape.

use std::fmt::Error;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use super::Labels;
use super::register::family;
use super::watched::{counter, gauge};

/// The families.
#[derive(Debug)]
pub(super) struct DatagramCounts {
    received: Family<Labels, Counter>,
    refused: Family<Labels, Counter>,
}

impl DatagramCounts {
    pub(super) fn register(all: &mut Registry) -> Self {
        DatagramCounts {
            received: family(all, "spaniel_datagrams_received", "datagrams that were read, by protocol"),
            refused: family(all, "spaniel_datagrams_refused", "datagrams of which nothing was taken, by reason"),
        }
    }

    pub(super) fn of(&self, protocol: &'static str) -> Datagrams {
        let labels = vec![("protocol", protocol.to_string())];
        let refused = Refusal::ALL.map(|refusal| {
            let labels = vec![("protocol", protocol.to_string()), ("reason", refusal.label().to_string())];
            self.refused.get_or_create(&labels).clone()
        });
        Datagrams { received: self.received.get_or_create(&labels).clone(), refused }
    }
}

/// Why nothing of a datagram was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It is no message of its protocol.
    Unreadable,
    /// It holds spans, and none could be taken.
    NothingReadable,
    /// There is no room in memory.
    Memory,
    /// The spool cannot make its spans safe.
    NotSafe,
}

impl Refusal {
    const ALL: [Refusal; 4] = [Refusal::Unreadable, Refusal::NothingReadable, Refusal::Memory, Refusal::NotSafe];

    fn label(self) -> &'static str {
        match self {
            Refusal::Unreadable => "unreadable",
            Refusal::NothingReadable => "nothing-readable",
            Refusal::Memory => "memory",
            Refusal::NotSafe => "not-safe",
        }
    }
}

/// The counters of one protocol.
#[derive(Debug)]
pub struct Datagrams {
    received: Counter,
    refused: [Counter; Refusal::ALL.len()],
}

impl Datagrams {
    pub fn received(&self) {
        self.received.inc();
    }

    pub fn refused(&self, refusal: Refusal) {
        self.refused[refusal as usize].inc();
    }
}

/// What the kernel knows of the socket of a protocol.
#[derive(Debug, Clone)]
pub struct SocketState {
    pub protocol: &'static str,
    /// Datagrams that it dropped; `None`: it does not say.
    pub dropped: Option<u64>,
    /// Bytes of its receive buffer.
    pub buffer: u64,
}

/// Asks for the state of sockets.
pub(super) struct Sockets(pub(super) Box<dyn Fn() -> Vec<SocketState> + Send + Sync>);

impl std::fmt::Debug for Sockets {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Sockets")
    }
}

impl Collector for Sockets {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let states = (self.0)();
        let labels = |state: &SocketState| vec![("protocol", state.protocol.to_string())];
        let dropped = states.iter().filter_map(|state| Some((labels(state), state.dropped?)));
        let help = "datagrams that the kernel dropped because its buffer was full";
        counter(&mut encoder, "spaniel_datagrams_dropped_by_kernel", help, dropped)?;
        let buffers = states.iter().map(|state| (labels(state), state.buffer));
        gauge(&mut encoder, "spaniel_datagram_buffer_bytes", "receive buffers, as the kernel counts them", buffers)
    }
}
