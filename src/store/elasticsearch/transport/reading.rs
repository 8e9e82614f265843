//! An answer, read piece by piece: no further than it may go, and charged to the memory limit as it
//! grows.

use bytes::Bytes;
use reqwest::Response;

use crate::memory::{OverLimit, Reservation};

/// Bytes of a bad answer that are read: enough to see what it says.
const BAD_ANSWER: usize = 64 << 10;

/// Bytes of an answer that are read whether there is memory for them or not: what was sent leaves the
/// memory when its answer was read, and not before.
const ALWAYS: usize = 64 << 10;

/// Why an answer was not read to its end.
#[derive(Debug)]
pub(super) enum Unread {
    TooLarge,
    /// There is no memory for more than so many bytes.
    NoMemory(usize),
    Broken(reqwest::Error),
}

/// Bytes of an answer, which hold their share of the memory until they are dropped.
struct Charged<B> {
    bytes: B,
    _room: Reservation,
}

impl<B: AsRef<[u8]>> AsRef<[u8]> for Charged<B> {
    fn as_ref(&self) -> &[u8] {
        self.bytes.as_ref()
    }
}

/// Reads an answer of `most` bytes at most.
pub(super) async fn whole(mut response: Response, most: usize, mut room: Reservation) -> Result<Bytes, Unread> {
    if response.content_length().is_some_and(|length| length > most as u64) {
        return Err(Unread::TooLarge);
    }
    let Some(first) = next(&mut response).await? else { return Ok(Bytes::new()) };
    let Some(second) = next(&mut response).await? else {
        return if first.len() > most { Err(Unread::TooLarge) } else { charged(first, room) };
    };
    let mut bytes = Vec::new();
    let mut piece = Some(first);
    let mut after = Some(second);
    while let Some(more) = piece {
        if bytes.len() + more.len() > most {
            return Err(Unread::TooLarge);
        }
        make_room(&mut bytes, more.len(), &mut room)?;
        bytes.extend_from_slice(&more);
        piece = match after.take() {
            Some(second) => Some(second),
            None => next(&mut response).await?,
        };
    }
    Ok(Bytes::from_owner(Charged { bytes, _room: room }))
}

async fn next(response: &mut Response) -> Result<Option<Bytes>, Unread> {
    response.chunk().await.map_err(Unread::Broken)
}

/// An answer that came in one piece.
fn charged(bytes: Bytes, mut room: Reservation) -> Result<Bytes, Unread> {
    charge(&mut room, bytes.len()).map_err(|_| Unread::NoMemory(0))?;
    Ok(Bytes::from_owner(Charged { bytes, _room: room }))
}

/// Sees to a buffer in which `more` bytes have room, twice as large as before.
fn make_room(bytes: &mut Vec<u8>, more: usize, room: &mut Reservation) -> Result<(), Unread> {
    let wanted = bytes.len() + more;
    if wanted > bytes.capacity() {
        let capacity = wanted.max(2 * bytes.capacity());
        charge(room, capacity).map_err(|_| Unread::NoMemory(bytes.len()))?;
        bytes.reserve_exact(capacity - bytes.len());
    }
    Ok(())
}

fn charge(room: &mut Reservation, bytes: usize) -> Result<(), OverLimit> {
    if bytes > ALWAYS {
        return room.resize(bytes);
    }
    room.insist(bytes.saturating_sub(room.bytes()));
    Ok(())
}

/// The beginning of a bad answer.
pub(super) async fn beginning(mut response: Response) -> Bytes {
    let mut body = Vec::new();
    while let Ok(Some(piece)) = response.chunk().await {
        body.extend_from_slice(&piece);
        if body.len() >= BAD_ANSWER {
            body.truncate(BAD_ANSWER);
            break;
        }
    }
    body.into()
}
