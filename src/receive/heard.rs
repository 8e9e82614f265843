//! Bodies that tell whether they were read to their end.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http_body::{Body, Frame, SizeHint};
use hyper::body::{Bytes, Incoming};

use super::pulse::Pulse;

/// A request's body; dropped before its end it tells the connection's pulse.
#[derive(Debug)]
pub(super) struct Heard {
    body: Incoming,
    ended: bool,
    pulse: Arc<Pulse>,
}

impl Heard {
    pub(super) fn new(body: Incoming, pulse: Arc<Pulse>) -> Self {
        Heard { body, ended: false, pulse }
    }
}

impl Body for Heard {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        self.ended |= matches!(frame, Poll::Ready(None));
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Heard {
    fn drop(&mut self) {
        if !self.ended && !self.body.is_end_stream() {
            self.pulse.set_unheard();
        }
    }
}
