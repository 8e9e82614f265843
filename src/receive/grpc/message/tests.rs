use std::collections::VecDeque;
use std::io::Write;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::HttpBody;
use bytes::Bytes;
use http_body::Frame;

use super::*;
use crate::memory::Budget;
use crate::settings::{Connections, Limits};

const LIMIT: usize = 10_000;

/// Pieces, and then an end, a reset, or nothing.
struct Pieces(VecDeque<Vec<u8>>, Last);

#[derive(Clone, Copy)]
enum Last {
    End,
    Reset,
    Silence,
}

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        let this = self.get_mut();
        match (this.0.pop_front(), this.1) {
            (Some(piece), _) => Poll::Ready(Some(Ok(Frame::data(piece.into())))),
            (None, Last::End) => Poll::Ready(None),
            (None, Last::Reset) => Poll::Ready(Some(Err(std::io::ErrorKind::ConnectionReset.into()))),
            (None, Last::Silence) => Poll::Pending,
        }
    }
}

fn reader(memory: usize) -> (BodyReader, Arc<Budget>) {
    let budget = Budget::new(memory);
    let bodies = BodyReader::new(budget.clone(), &Limits::default(), &Connections::default());
    (bodies.limited(LIMIT, "the.setting"), budget)
}

fn framed(flag: u8, message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap();
    [&[flag][..], &length.to_be_bytes(), message].concat()
}

async fn read_pieces(
    encoding: &'static str,
    pieces: impl IntoIterator<Item = Vec<u8>>,
    last: Last,
) -> Result<Vec<u8>, String> {
    let (bodies, budget) = reader(1 << 20);
    let mut headers = HeaderMap::new();
    headers.insert("grpc-encoding", encoding.parse().unwrap());
    let body = Body::new(Pieces(pieces.into_iter().collect(), last));
    let read = read(&bodies, &headers, body).await.map(|admitted| {
        assert!(admitted.reservation.bytes() >= admitted.bytes.len(), "charged");
        admitted.bytes.to_vec()
    });
    assert_eq!(budget.used(), 0, "given back");
    read.map_err(|error| error.to_string())
}

async fn read_one(encoding: &'static str, bytes: Vec<u8>) -> Result<Vec<u8>, String> {
    read_pieces(encoding, [bytes], Last::End).await
}

fn some(length: usize) -> Vec<u8> {
    (0..length).map(|index| (index * 7 % 251) as u8).collect()
}

#[tokio::test]
async fn a_message_however_cut_is_the_bytes_that_were_sent() {
    for length in [0, 1, 4, 5, 6, 300, LIMIT] {
        let message = some(length);
        let wire = framed(0, &message);
        for size in [1, 2, 4, 5, 6, 7, 100, wire.len()] {
            let pieces = wire.chunks(size).map(<[u8]>::to_vec);
            assert_eq!(read_pieces("identity", pieces, Last::End).await.unwrap(), message, "{length} in {size}");
        }
    }
}

#[tokio::test]
async fn a_message_of_one_frame_is_not_copied() {
    let (bodies, _) = reader(1 << 20);
    let wire = Bytes::from(framed(0, &some(500)));
    let admitted = read(&bodies, &HeaderMap::new(), Body::from(wire.clone())).await.unwrap();
    assert_eq!(admitted.bytes.as_ptr(), wire.slice(5..).as_ptr());
}

#[tokio::test]
async fn a_message_cut_short_anywhere_is_an_error() {
    let wire = framed(0, &some(40));
    for end in 0..wire.len() {
        for size in [3, 100] {
            let pieces = wire[..end].chunks(size).map(<[u8]>::to_vec);
            assert!(read_pieces("", pieces, Last::End).await.unwrap_err().starts_with("unexpected EOF"), "{end}");
        }
        let reset = read_pieces("", [wire[..end].to_vec()], Last::Reset).await;
        assert_eq!(reset.unwrap_err(), "the body broke off");
    }
}

#[tokio::test]
async fn what_follows_a_message_is_an_error() {
    let wire = framed(0, b"one");
    for more in [b"x".to_vec(), framed(0, b"two"), framed(0, b"")] {
        let together = read_one("", [wire.clone(), more.clone()].concat()).await;
        let apart = read_pieces("", [wire.clone(), more], Last::End).await;
        for read in [together, apart] {
            assert_eq!(read.unwrap_err(), "the call has more than its one message");
        }
    }
}

#[tokio::test]
async fn a_length_above_the_limit_is_refused_before_the_message_comes() {
    for length in [LIMIT as u32 + 1, 1 << 31, u32::MAX] {
        let prefix = [&[0][..], &length.to_be_bytes()].concat();
        let words = format!(
            "grpc: received message larger than max ({length} vs. {LIMIT}): send less at a time, or raise --the.setting"
        );
        for pieces in [vec![prefix.clone()], prefix.chunks(1).map(<[u8]>::to_vec).collect()] {
            assert_eq!(read_pieces("", pieces, Last::Silence).await.unwrap_err(), words);
        }
    }
}

#[tokio::test]
async fn a_length_is_not_believed_before_the_bytes_are_there() {
    let (bodies, budget) = reader(1 << 20);
    let prefix = [&[0][..], &(LIMIT as u32).to_be_bytes()].concat();
    let body = Body::new(Pieces([prefix, some(100)].into(), Last::Silence));
    let mut collecting = Box::pin(collect(&bodies, body));
    std::future::poll_fn(|context| {
        assert!(collecting.as_mut().poll(context).is_pending());
        Poll::Ready(())
    })
    .await;
    assert!((105..1000).contains(&budget.used()), "{}", budget.used());
}

#[tokio::test(start_paused = true)]
async fn a_message_that_does_not_arrive_is_given_up() {
    let words = read_pieces("", [framed(0, &some(100))[..50].to_vec()], Last::Silence).await.unwrap_err();
    assert_eq!(words, "the body did not arrive within 30 s");
}

#[tokio::test]
async fn a_message_that_cannot_grow_is_refused_at_once() {
    let (bodies, budget) = reader(1 << 20);
    let mut others = budget.reserve();
    others.grow((15 << 16) - 3000).unwrap();
    let pieces = framed(0, &some(5000)).chunks(1000).map(<[u8]>::to_vec).collect();
    let refused = read(&bodies, &HeaderMap::new(), Body::new(Pieces(pieces, Last::Silence))).await;
    assert!(matches!(refused, Err(MessageError::Body(BodyError::NoRoom))), "{refused:?}");
    assert_eq!(budget.used(), others.bytes());
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn snappy(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = snap::write::FrameEncoder::new(Vec::new());
    encoder.write_all(bytes).unwrap();
    encoder.into_inner().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

#[tokio::test]
async fn compressed_messages_are_inflated_up_to_the_limit_and_no_further() {
    let gzip = gzip as fn(&[u8]) -> Vec<u8>;
    // With a bomb of each: what is on the wire is below the limit.
    for (encoding, compress, bomb) in
        [("gzip", gzip, 5 << 20), ("deflate", zlib, 5 << 20), ("zstd", zstd, 5 << 20), ("snappy", snappy, 100 << 10)]
    {
        for length in [0, 1, LIMIT] {
            let read = read_one(encoding, framed(1, &compress(&some(length)))).await;
            assert_eq!(read.unwrap(), some(length), "{encoding}");
        }
        for length in [LIMIT + 1, bomb] {
            let compressed = compress(&vec![0; length]);
            assert!(compressed.len() < LIMIT);
            let words = read_one(encoding, framed(1, &compressed)).await.unwrap_err();
            assert!(words.starts_with("grpc: received message after decompression larger than max 10000"), "{words}");
            assert!(words.ends_with("--the.setting"), "{words}");
        }
        let cut = read_one(encoding, framed(1, &compress(&some(1000))[..100])).await.unwrap_err();
        assert!(cut.starts_with("grpc: failed to decompress the received message"), "{cut}");
    }
}

#[tokio::test]
async fn flags_and_encodings_must_fit() {
    for (encoding, flag, words) in [
        ("", 1, "grpc: compressed flag set with identity or empty encoding"),
        ("identity", 1, "grpc: compressed flag set with identity or empty encoding"),
        ("gzip", 2, "grpc: received unexpected payload format 2"),
        ("gzip", 255, "grpc: received unexpected payload format 255"),
    ] {
        assert_eq!(read_one(encoding, framed(flag, b"x")).await.unwrap_err(), words);
    }
    let unknown = read_one("br", framed(1, b"x")).await.unwrap_err();
    assert!(unknown.starts_with("grpc: Decompressor is not installed for grpc-encoding \"br\""), "{unknown}");
    // A call may name an encoding and not use it.
    assert_eq!(read_one("br", framed(0, b"x")).await.unwrap(), b"x");
}
