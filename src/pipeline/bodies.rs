//! Bodies that came one behind the other, in one piece of memory.

use std::future::{Future, poll_fn};
use std::task::Poll;

use bytes::Bytes;

use super::{Rejected, Taken};
use crate::memory::Reservation;

/// Some bodies of one protocol.
#[derive(Debug, Default)]
pub struct Bodies {
    bytes: Vec<u8>,
    /// Where each ends.
    ends: Vec<usize>,
}

impl Bodies {
    pub fn push(&mut self, body: &[u8]) {
        self.bytes.extend_from_slice(body);
        self.ends.push(self.bytes.len());
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The bytes of all.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(&0).chain(&self.ends);
        starts.zip(&self.ends).map(|(&start, &end)| self.bytes.get(start..end).unwrap_or(&[]))
    }

    /// Has each taken alone, all at once, charged to what `reservation` holds and then to more of its kind; why
    /// which were refused.
    pub(crate) async fn each<F>(
        self,
        mut reservation: Reservation,
        take: impl Fn(Bytes, Reservation) -> F,
    ) -> Vec<Rejected>
    where
        F: Future<Output = Result<Taken, Rejected>>,
    {
        let mut rejected = Vec::new();
        let mut waiting = Vec::with_capacity(self.len());
        for body in self.iter() {
            match reservation.split(body.len()) {
                Ok(charged) => waiting.push(Box::pin(take(Bytes::copy_from_slice(body), charged))),
                Err(_) => rejected.push(Rejected::NotNow),
            }
        }
        drop(self);
        poll_fn(|context| {
            waiting.retain_mut(|taking| match taking.as_mut().poll(context) {
                Poll::Ready(taken) => {
                    rejected.extend(taken.err());
                    false
                }
                Poll::Pending => true,
            });
            if waiting.is_empty() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        rejected
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_as_they_were_put_in() {
        let mut bodies = Bodies::default();
        let all = [&b"one"[..], b"", b"three"];
        assert!(bodies.is_empty() && bodies.iter().next().is_none());
        all.into_iter().for_each(|body| bodies.push(body));
        assert_eq!((bodies.len(), bodies.bytes(), bodies.iter().collect::<Vec<_>>()), (3, 8, all.to_vec()));
    }
}
