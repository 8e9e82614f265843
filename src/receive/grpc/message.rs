//! The one message of a call: its bytes as they came, admitted as a body is.
//!
//! A message is a flag, its length in four bytes, and so many bytes, cut into DATA frames anywhere.
//! A length above the limit is refused before a byte of the message is read, and one below it is
//! believed only as far as bytes come. A message that came in one frame is handed on as it lies in
//! the connection's buffer.

use axum::body::Body;
use axum::http::HeaderMap;

use crate::memory::OverLimit;
use crate::receive::BodyReader;
use crate::receive::body::{Admitted, BodyError, append, next_piece};
use crate::receive::inflate::Encodings;

/// Bytes before a message.
const PREFIX: usize = 5;

/// Why a message was not admitted.
#[derive(Debug, thiserror::Error)]
pub(super) enum MessageError {
    #[error(transparent)]
    Body(#[from] BodyError),
    // Most of the words are those of grpc-go, which senders may look for.
    #[error("grpc: received message larger than max ({length} vs. {limit}): send less at a time, or raise --{setting}")]
    TooLong { length: usize, limit: usize, setting: &'static str },
    #[error(
        "grpc: received message after decompression larger than max {limit}: send less at a time, or raise --{setting}"
    )]
    TooLongInflated { limit: usize, setting: &'static str },
    #[error("grpc: Decompressor is not installed for grpc-encoding {0:?}: use gzip, deflate, zstd, snappy or none")]
    UnknownEncoding(String),
    #[error("grpc: compressed flag set with identity or empty encoding")]
    EncodingNotNamed,
    #[error("grpc: received unexpected payload format {0}")]
    UnknownFlag(u8),
    #[error("grpc: failed to decompress the received message: {0}")]
    Broken(String),
    #[error("unexpected EOF: the call ended before its message did")]
    CutShort,
    #[error("the call has more than its one message")]
    More,
}

impl From<OverLimit> for MessageError {
    fn from(error: OverLimit) -> Self {
        MessageError::Body(error.into())
    }
}

/// What stands before a message.
#[derive(Debug, Clone, Copy)]
struct Prefix {
    compressed: bool,
    length: usize,
}

/// The message of a call, inflated and charged.
pub(super) async fn read(bodies: &BodyReader, headers: &HeaderMap, body: Body) -> Result<Admitted, MessageError> {
    let (prefix, arrived) = bodies.in_time(collect(bodies, body)).await?;
    if !prefix.compressed {
        return Ok(arrived);
    }
    let encodings = Encodings::of_messages(headers).map_err(MessageError::UnknownEncoding)?;
    if encodings.is_empty() {
        return Err(MessageError::EncodingNotNamed);
    }
    bodies.inflate(encodings, arrived).await.map_err(|error| match error {
        BodyError::TooLarge { limit, setting } => MessageError::TooLongInflated { limit, setting },
        BodyError::Broken { problem, .. } => MessageError::Broken(problem),
        error => error.into(),
    })
}

/// All pieces of a message in one, without its prefix.
async fn collect(bodies: &BodyReader, mut body: Body) -> Result<(Prefix, Admitted), MessageError> {
    let mut reservation = bodies.reserve();
    let mut bytes = next_piece(&mut body).await?.ok_or(MessageError::CutShort)?;
    reservation.grow(bytes.len())?;
    let mut prefix = read_prefix(bodies, &bytes)?;
    if !is_whole(prefix, &bytes)? {
        let mut whole = Vec::new();
        append(&mut whole, &bytes, announced(prefix), &mut reservation)?;
        while !is_whole(prefix, &whole)? {
            bytes = next_piece(&mut body).await?.ok_or(MessageError::CutShort)?;
            append(&mut whole, &bytes, announced(prefix), &mut reservation)?;
            prefix = read_prefix(bodies, &whole)?;
        }
        bytes = whole.into();
    }
    let prefix = prefix.ok_or(MessageError::CutShort)?;
    match next_piece(&mut body).await? {
        None => Ok((prefix, Admitted { bytes: bytes.slice(PREFIX..), reservation })),
        Some(_) => Err(MessageError::More),
    }
}

/// The prefix, if all of it is there.
fn read_prefix(bodies: &BodyReader, bytes: &[u8]) -> Result<Option<Prefix>, MessageError> {
    let Some(&[flag, a, b, c, d]) = bytes.first_chunk() else { return Ok(None) };
    if flag > 1 {
        return Err(MessageError::UnknownFlag(flag));
    }
    let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
    let (limit, setting) = bodies.largest();
    if length > limit {
        return Err(MessageError::TooLong { length, limit, setting });
    }
    Ok(Some(Prefix { compressed: flag == 1, length }))
}

/// Bytes of a message with its prefix, as far as they are known.
fn announced(prefix: Option<Prefix>) -> usize {
    prefix.map_or(0, |prefix| PREFIX + prefix.length)
}

/// True if all of the message is there, and nothing else.
fn is_whole(prefix: Option<Prefix>, arrived: &[u8]) -> Result<bool, MessageError> {
    match prefix {
        Some(_) if arrived.len() > announced(prefix) => Err(MessageError::More),
        Some(_) => Ok(arrived.len() == announced(prefix)),
        None => Ok(false),
    }
}

#[cfg(test)]
mod tests;
