use std::collections::VecDeque;
use std::io::Write;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::http::header::CONTENT_ENCODING;
use http_body::Frame;

use super::*;

/// A body in pieces without a length, as chunked ones are; `Err` breaks it off, and one without
/// an end never goes on.
struct Pieces {
    left: VecDeque<Result<Bytes, std::io::Error>>,
    ends: bool,
}

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        let this = self.get_mut();
        match this.left.pop_front() {
            Some(piece) => Poll::Ready(Some(piece.map(Frame::data))),
            None if this.ends => Poll::Ready(None),
            None => Poll::Pending,
        }
    }
}

fn pieces<const N: usize>(pieces: [&'static [u8]; N]) -> Body {
    let left = pieces.into_iter().map(|piece| Ok(Bytes::from_static(piece))).collect();
    Body::new(Pieces { left, ends: true })
}

/// Reads bodies of at most 100 kB, 200 kB when inflated, within `memory` bytes.
fn reader(memory: usize) -> (BodyReader, Arc<Budget>) {
    let budget = Budget::new(memory);
    let limits = Limits { body_bytes: 100_000, inflated_bytes: 200_000, ..Limits::default() };
    (BodyReader::new(budget.clone(), &limits, &Connections::default()), budget)
}

async fn read(reader: &BodyReader, body: Body) -> Result<Admitted, BodyError> {
    reader.read(&HeaderMap::new(), body).await
}

#[tokio::test]
async fn a_body_of_one_piece_is_not_copied() {
    let (reader, budget) = reader(1 << 20);
    let piece = Bytes::from(vec![b'x'; 5000]);
    let left = VecDeque::from([Ok(Bytes::new()), Ok(piece.clone())]);
    let admitted = read(&reader, Body::new(Pieces { left, ends: true })).await.unwrap();
    assert_eq!(admitted.bytes.as_ptr(), piece.as_ptr());
    assert_eq!((admitted.reservation.bytes(), budget.used()), (5000, 5000));
}

#[tokio::test]
async fn pieces_are_put_together_and_charged() {
    let (reader, budget) = reader(1 << 20);
    let admitted = read(&reader, pieces([b"[{", b"", b"\"id\":", b"1}]"])).await.unwrap();
    assert_eq!(admitted.bytes, &b"[{\"id\":1}]"[..]);
    assert!(admitted.reservation.bytes() >= 10 && admitted.reservation.bytes() <= 20);
    drop(admitted);
    assert_eq!(budget.used(), 0);
}

#[tokio::test]
async fn the_largest_body_is_the_limit_or_an_eighth_of_the_memory() {
    for (memory, largest) in [(1 << 20, 100_000), (160_000, 20_000)] {
        let (reader, budget) = reader(memory);
        let of = |length: usize| Body::from(vec![b'x'; length]);
        assert_eq!(read(&reader, of(largest)).await.unwrap().bytes.len(), largest);
        assert!(
            matches!(read(&reader, of(largest + 1)).await, Err(BodyError::TooLarge { limit, .. }) if limit == largest)
        );
        let mut left: VecDeque<_> = (0..largest / 1000).map(|_| Ok(Bytes::from(vec![b'x'; 1000]))).collect();
        left.push_back(Ok(Bytes::from_static(b"x")));
        let chunked = read(&reader, Body::new(Pieces { left, ends: true })).await;
        assert!(matches!(chunked, Err(BodyError::TooLarge { .. })));
        assert_eq!(budget.used(), 0);
    }
}

#[tokio::test]
async fn a_body_that_cannot_grow_is_refused_at_once() {
    let (reader, budget) = reader(1 << 20);
    let mut others = budget.reserve();
    others.grow((15 << 16) - 6000).unwrap();
    // The body never ends: only a refusal in the middle of it can be an answer.
    let left = (0..7).map(|_| Ok(Bytes::from(vec![b'x'; 1000]))).collect();
    assert!(matches!(read(&reader, Body::new(Pieces { left, ends: false })).await, Err(BodyError::NoRoom)));
    assert_eq!(budget.used(), others.bytes());
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_arrive_is_given_up() {
    let (reader, budget) = reader(1 << 20);
    let left = VecDeque::from([Ok(Bytes::from_static(b"[{"))]);
    let error = read(&reader, Body::new(Pieces { left, ends: false })).await.unwrap_err();
    assert!(matches!(error, BodyError::TooSlow(limit) if limit == Connections::default().body_timeout));
    assert_eq!(budget.used(), 0);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_no_body() {
    let (reader, budget) = reader(1 << 20);
    let left = VecDeque::from([Ok(Bytes::from_static(b"[]")), Err(std::io::ErrorKind::ConnectionReset.into())]);
    assert!(matches!(read(&reader, Body::new(Pieces { left, ends: true })).await, Err(BodyError::BrokeOff)));
    assert_eq!(budget.used(), 0);
}

#[tokio::test]
async fn several_encodings_are_undone_the_last_one_first() {
    let (reader, budget) = reader(1 << 20);
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    zlib.write_all(b"[{\"id\":1}]").unwrap();
    let body = zstd::encode_all(&zlib.finish().unwrap()[..], 1).unwrap();
    let headers = HeaderMap::from_iter([(CONTENT_ENCODING, "deflate, zstd".parse().unwrap())]);
    let admitted = reader.read(&headers, Body::from(body)).await.unwrap();
    assert_eq!(admitted.bytes, &b"[{\"id\":1}]"[..]);
    assert_eq!(admitted.reservation.bytes(), budget.used());
}

#[tokio::test]
async fn an_empty_body_is_empty_in_any_encoding() {
    let (reader, _) = reader(1 << 20);
    let headers = HeaderMap::from_iter([(CONTENT_ENCODING, "gzip".parse().unwrap())]);
    assert!(reader.read(&headers, Body::empty()).await.unwrap().bytes.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_large_body_waits_its_time_for_its_turn_to_be_inflated() {
    let budget = Budget::new(1 << 30);
    let reader = BodyReader::new(budget.clone(), &Limits::default(), &Connections::default());
    let headers = HeaderMap::from_iter([(CONTENT_ENCODING, "zstd".parse().unwrap())]);
    let text = vec![b'x'; 2 << 20];
    let body = || Body::from(zstd::encode_all(&text[..], 1).unwrap());
    let others = reader.turns.acquire_many(u32::try_from(reader.turns.available_permits()).unwrap()).await.unwrap();
    let error = reader.read(&headers, body()).await.unwrap_err();
    assert!(matches!(error, BodyError::NoTurn(limit) if limit == Connections::default().body_timeout));
    assert_eq!(budget.used(), 0);
    drop(others);
    assert!(reader.read(&headers, body()).await.unwrap().bytes == text);
}

#[tokio::test]
async fn an_inflation_that_is_given_to_another_thread_comes_back() {
    let budget = Budget::new(1 << 30);
    let reader = BodyReader::new(budget.clone(), &Limits::default(), &Connections::default());
    let text = vec![b'x'; 20 << 20];
    let headers = HeaderMap::from_iter([(CONTENT_ENCODING, "zstd".parse().unwrap())]);
    let body = Body::from(zstd::encode_all(&text[..], 1).unwrap());
    assert!(reader.read(&headers, body).await.unwrap().bytes == text);
    assert_eq!(budget.used(), 0);
}
