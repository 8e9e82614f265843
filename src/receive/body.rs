//! Bodies, admitted as they arrive.
//!
//! A body is not read and then judged: its reservation grows with its bytes and never waits, and a
//! body that cannot grow is refused at once. A length that a sender announces is believed only
//! where it is too large. A body that came in one piece is handed on as it lies in the
//! connection's buffer; pieces are put together in one buffer that is charged by its capacity.

use std::future::{Future, poll_fn};
use std::num::NonZero;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::thread::available_parallelism;
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::http::HeaderMap;
use bytes::Bytes;
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::inflate::{Encodings, Inflated, Inflater};
use crate::memory::{Budget, OverLimit, Reservation};
use crate::settings::{Connections, Limits};

/// A body in memory, and its share of the limit.
#[derive(Debug)]
pub(super) struct Admitted {
    pub(super) bytes: Bytes,
    pub(super) reservation: Reservation,
}

/// Why a body was not admitted.
#[derive(Debug, thiserror::Error)]
pub(super) enum BodyError {
    #[error("the body is larger than {limit} bytes; send less at a time, or raise --{setting} or --memory.limit")]
    TooLarge { limit: usize, setting: &'static str },
    #[error("no memory for more spans now, send again later")]
    NoRoom,
    #[error("the body did not arrive within {} s", .0.as_secs_f64())]
    TooSlow(Duration),
    #[error("other bodies were being decompressed for {} s, send again later", .0.as_secs_f64())]
    NoTurn(Duration),
    #[error("the body broke off")]
    BrokeOff,
    #[error("unsupported Content-Encoding {0:?}: use gzip, deflate, zstd, snappy or none")]
    UnknownEncoding(String),
    #[error("cannot {verb} the body: {problem}")]
    Broken { verb: &'static str, problem: String },
}

impl From<OverLimit> for BodyError {
    fn from(_: OverLimit) -> Self {
        BodyError::NoRoom
    }
}

/// Reads bodies into memory.
#[derive(Debug, Clone)]
pub struct BodyReader {
    budget: Arc<Budget>,
    /// Bytes as they arrive.
    largest: usize,
    /// Bytes when inflated.
    largest_inflated: usize,
    /// The settings that limit the two.
    settings: [&'static str; 2],
    /// `None`: as long as it takes.
    timeout: Option<Duration>,
    /// Who may inflate a large body: as many as there are processors. More at once would be no
    /// faster, and all of them would hold what they have so far.
    turns: Arc<Semaphore>,
}

impl BodyReader {
    pub fn new(budget: Arc<Budget>, limits: &Limits, connections: &Connections) -> Self {
        let share = budget.largest_body();
        BodyReader {
            largest: limits.body_bytes.min(share),
            largest_inflated: limits.inflated_bytes.min(share),
            settings: ["limits.body-bytes", "limits.inflated-bytes"],
            timeout: Some(connections.body_timeout).filter(|timeout| !timeout.is_zero()),
            turns: Arc::new(Semaphore::new(available_parallelism().map_or(1, NonZero::get))),
            budget,
        }
    }

    /// The same for what `setting` limits to `largest` bytes as well, inflated or not.
    pub(super) fn limited(&self, largest: usize, setting: &'static str) -> Self {
        let mut limited = self.clone();
        if largest < limited.largest {
            (limited.largest, limited.settings[0]) = (largest, setting);
        }
        if largest < limited.largest_inflated {
            (limited.largest_inflated, limited.settings[1]) = (largest, setting);
        }
        limited
    }

    /// Bytes of a body as it arrives, and the setting that limits them.
    pub(super) fn largest(&self) -> (usize, &'static str) {
        (self.largest, self.settings[0])
    }

    pub(super) fn reserve(&self) -> Reservation {
        self.budget.reserve()
    }

    /// The body as its sender wrote it: whole, inflated, charged.
    pub(super) async fn read(&self, headers: &HeaderMap, body: Body) -> Result<Admitted, BodyError> {
        let encodings = Encodings::of(headers).map_err(BodyError::UnknownEncoding)?;
        if body.size_hint().lower() > self.largest as u64 {
            return Err(self.too_large());
        }
        let arrived = self.in_time(self.collect(body)).await?;
        if encodings.is_empty() || arrived.bytes.is_empty() {
            return Ok(arrived);
        }
        self.inflate(encodings, arrived).await
    }

    /// What `collecting` brings, if it does so in time. Most bodies are there with their heads and
    /// cost no timer.
    pub(super) async fn in_time<A, E: From<BodyError>>(
        &self,
        collecting: impl Future<Output = Result<A, E>>,
    ) -> Result<A, E> {
        let mut collecting = pin!(collecting);
        let at_once = poll_fn(|context| Poll::Ready(collecting.as_mut().poll(context))).await;
        match (at_once, self.timeout) {
            (Poll::Ready(collected), _) => collected,
            (Poll::Pending, None) => collecting.await,
            (Poll::Pending, Some(limit)) => {
                tokio::time::timeout(limit, collecting).await.unwrap_or(Err(BodyError::TooSlow(limit).into()))
            }
        }
    }

    fn too_large(&self) -> BodyError {
        BodyError::TooLarge { limit: self.largest, setting: self.settings[0] }
    }

    /// All pieces of a body in one.
    async fn collect(&self, mut body: Body) -> Result<Admitted, BodyError> {
        let mut reservation = self.budget.reserve();
        let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
        let Some(first) = self.next_piece(&mut body, 0).await? else {
            return Ok(Admitted { bytes: Bytes::new(), reservation });
        };
        reservation.grow(first.len())?;
        let Some(second) = self.next_piece(&mut body, first.len()).await? else {
            return Ok(Admitted { bytes: first, reservation });
        };
        let mut whole = Vec::new();
        append(&mut whole, &first, announced, &mut reservation)?;
        drop(first);
        append(&mut whole, &second, announced, &mut reservation)?;
        while let Some(piece) = self.next_piece(&mut body, whole.len()).await? {
            append(&mut whole, &piece, announced, &mut reservation)?;
        }
        Ok(Admitted { bytes: whole.into(), reservation })
    }

    /// The next bytes of a body of which `so_far` were read; `None` at its end.
    async fn next_piece(&self, body: &mut Body, so_far: usize) -> Result<Option<Bytes>, BodyError> {
        match next_piece(body).await? {
            Some(piece) if piece.len() > self.largest - so_far.min(self.largest) => Err(self.too_large()),
            piece => Ok(piece),
        }
    }

    /// Undoes the encodings, the last one first.
    pub(super) async fn inflate(&self, encodings: Encodings, arrived: Admitted) -> Result<Admitted, BodyError> {
        let mut body = arrived;
        for encoding in encodings.into_iter().rev() {
            let mut inflater =
                Inflater::new(encoding, body, (self.largest_inflated, self.settings[1]), self.budget.reserve())?;
            body = match inflater.start()? {
                Inflated::Whole => inflater.finish()?,
                Inflated::More => self.inflate_aside(inflater).await?,
            };
        }
        Ok(body)
    }

    /// Much comes out of it: not a work for a thread that serves the network.
    async fn inflate_aside(&self, inflater: Inflater) -> Result<Admitted, BodyError> {
        let turn = self.turn().await?;
        let inflating = tokio::task::spawn_blocking(move || {
            let finished = inflater.finish();
            drop(turn);
            finished
        });
        inflating.await.unwrap_or(Err(BodyError::NoRoom))
    }

    /// Waits for a turn, as long as for a body.
    async fn turn(&self) -> Result<OwnedSemaphorePermit, BodyError> {
        let turn = self.turns.clone().acquire_owned();
        let turn = match self.timeout {
            Some(limit) => tokio::time::timeout(limit, turn).await.map_err(|_| BodyError::NoTurn(limit))?,
            None => turn.await,
        };
        turn.map_err(|_| BodyError::NoRoom)
    }
}

/// The next bytes of a body; `None` at its end.
pub(super) async fn next_piece(body: &mut Body) -> Result<Option<Bytes>, BodyError> {
    while !body.is_end_stream() {
        let Some(frame) = body.frame().await else { break };
        let Ok(piece) = frame.map_err(|_| BodyError::BrokeOff)?.into_data() else { continue };
        if !piece.is_empty() {
            return Ok(Some(piece));
        }
    }
    Ok(None)
}

/// Appends a piece; room is doubled, at most to the `announced` length, and charged before it is
/// made.
pub(super) fn append(
    whole: &mut Vec<u8>,
    piece: &[u8],
    announced: usize,
    charge: &mut Reservation,
) -> Result<(), BodyError> {
    let needed = whole.len() + piece.len();
    if needed > whole.capacity() {
        let ceiling = if announced > 0 { announced } else { usize::MAX };
        let room = needed.max((2 * whole.capacity()).min(ceiling));
        let pieces = charge.bytes().saturating_sub(room);
        charge.enlarge(whole, room, pieces)?;
    }
    whole.extend_from_slice(piece);
    Ok(())
}

#[cfg(test)]
mod tests;
