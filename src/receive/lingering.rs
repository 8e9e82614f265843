//! The socket of a connection: reports to the [`Pulse`], charges what hyper reads into, and lingers
//! when it is closed.
//!
//! hyper reads into a buffer of its own, which grows with a head that does not end and with a body
//! that comes fast. Before it may read into a larger one, that is charged to the memory limit; where
//! there is no room the connection ends.
//!
//! A request that is refused early leaves a part of its body unread. Closing a socket with unread
//! bytes makes the kernel send a reset, which destroys the answer before its sender reads it. So
//! after the last answer we say that nothing more comes, and read on for a moment into nothing.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use super::pulse::Pulse;
use super::stream::Stream;
use crate::memory::Reservation;

/// What a connection holds beside its buffer: its task, hyper's state, the socket.
pub(super) const CONNECTION: usize = 8 << 10;

/// How long a closed connection is read on.
const LINGER: Duration = Duration::from_secs(1);

/// How much of what comes after the close is read into nothing.
const MOST_LINGERED: usize = 4 << 20;

/// A socket with its pulse.
#[derive(Debug)]
pub(super) struct Lingering {
    inner: Stream,
    pulse: Arc<Pulse>,
    charge: Reservation,
    /// Bytes of a head that is not complete.
    heading: usize,
    /// The most of them that are kept of HTTP/2.
    most_held: usize,
    /// Requests that had begun when that was last counted.
    begun: u32,
    ended: bool,
    lingered: usize,
    until: Option<Pin<Box<Sleep>>>,
}

impl Lingering {
    /// `charge`: what the connection has taken so far; `most_held`: bytes of a head that HTTP/2 keeps.
    pub(super) fn new(inner: Stream, pulse: Arc<Pulse>, charge: Reservation, most_held: usize) -> Self {
        Lingering { inner, pulse, charge, heading: 0, most_held, begun: 0, ended: false, lingered: 0, until: None }
    }

    /// Charges a buffer with room for `room` bytes more; an error: there is no memory for it.
    fn charge_buffer(&mut self, room: usize) -> io::Result<()> {
        let wanted = CONNECTION + self.held() + room;
        if wanted > self.charge.bytes() && self.charge.resize(wanted).is_err() {
            self.pulse.set_starved();
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        Ok(())
    }

    /// What hyper keeps of what it has read: a head that is not complete. Of HTTP/2 that is limited,
    /// and other frames are not kept.
    fn held(&self) -> usize {
        if self.pulse.is_http2() { self.heading.min(self.most_held) } else { self.heading }
    }

    /// Counts bytes that came: they are of a head unless a request is answered.
    fn count(&mut self, bytes: usize) {
        let begun = self.pulse.begun();
        if begun != self.begun || self.pulse.is_answering() {
            (self.begun, self.heading) = (begun, 0);
        }
        if !self.pulse.is_answering() {
            self.heading += bytes;
        }
    }
}

impl AsyncRead for Lingering {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.charge_buffer(buffer.remaining())?;
        let before = buffer.filled().len();
        let result = ready!(Pin::new(&mut this.inner).poll_read(context, buffer));
        match buffer.filled().get(before..) {
            Some(bytes) if !bytes.is_empty() => {
                this.count(bytes.len());
                this.pulse.read(bytes);
            }
            _ => this.ended = true,
        }
        Poll::Ready(result)
    }
}

impl AsyncWrite for Lingering {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.pulse.note_calmed(bytes);
        let result = ready!(Pin::new(&mut this.inner).poll_write(context, bytes));
        this.pulse.wrote();
        Poll::Ready(result)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        parts.last().into_iter().for_each(|part| this.pulse.note_calmed(part));
        let result = ready!(Pin::new(&mut this.inner).poll_write_vectored(context, parts));
        this.pulse.wrote();
        Poll::Ready(result)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.until.is_none() {
            ready!(Pin::new(&mut this.inner).poll_shutdown(context))?;
        }
        if this.ended {
            return Poll::Ready(Ok(()));
        }
        this.poll_linger(context).map(Ok)
    }
}

impl Lingering {
    /// Ready when the other side has closed too, or has had its time.
    fn poll_linger(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let until = self.until.get_or_insert_with(|| Box::pin(tokio::time::sleep(LINGER)));
        if until.as_mut().poll(context).is_ready() {
            return Poll::Ready(());
        }
        let mut nothing = [0; 4096];
        while self.lingered < MOST_LINGERED {
            let mut buffer = ReadBuf::new(&mut nothing);
            let result = ready!(Pin::new(&mut self.inner).poll_read(context, &mut buffer));
            if result.is_err() || buffer.filled().is_empty() {
                return Poll::Ready(());
            }
            self.lingered += buffer.filled().len();
        }
        Poll::Ready(())
    }
}
