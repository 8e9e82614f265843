//! What happens to one request's spans, top to bottom.

mod protocol;

pub use protocol::Protocol;

use crate::decode::Unreadable;
use crate::memory::Reservation;

/// What became of a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Taken {
    /// Spans that are safe, or were sampled out.
    pub accepted: u64,
    /// Spans that were refused, each for its own reason.
    pub refused: u64,
}

/// Why a request was refused as a whole.
#[derive(Debug, thiserror::Error)]
pub enum Rejected {
    /// The body could not be read at all: the sender's fault, sending it again will not help.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// There were spans, and none of them could be taken: the sender's fault.
    #[error("none of {refused} spans could be read: {what} at byte {offset}")]
    NothingReadable { refused: u64, what: &'static str, offset: usize },
    /// No memory or no room in the spool: not the sender's fault, worth another try.
    #[error("no room for more spans now, send again later")]
    NotNow,
}

/// The way of a request's spans from its body to safety.
#[derive(Debug)]
pub struct Pipeline {}

impl Pipeline {
    /// Takes one request's body. Returns when its spans are safe; dropping the future before that
    /// leaves their fate open.
    ///
    /// `reservation` already holds the bytes of `body`; it grows by what the documents need and
    /// stays with them until the store has them.
    pub async fn take(&self, _protocol: Protocol, _body: &[u8], _reservation: Reservation) -> Result<Taken, Rejected> {
        Err(Rejected::NotNow)
    }
}
