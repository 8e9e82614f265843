use std::io::Write;

use super::*;
use crate::memory::Budget;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn raw_deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    ::zstd::encode_all(bytes, 1).unwrap()
}

fn snappy_frames(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = snap::write::FrameEncoder::new(Vec::new());
    encoder.write_all(bytes).unwrap();
    // An encoder that was given nothing writes nothing: then the mark of frames alone.
    Some(encoder.into_inner().unwrap()).filter(|out| !out.is_empty()).unwrap_or_else(|| SNAPPY_FRAMES.to_vec())
}

fn snappy_block(bytes: &[u8]) -> Vec<u8> {
    snap::raw::Encoder::new().compress_vec(bytes).unwrap()
}

type Encode = fn(&[u8]) -> Vec<u8>;

const ALL: [(Encoding, Encode); 6] = [
    (Encoding::Gzip, gzip),
    (Encoding::Deflate, zlib),
    (Encoding::Deflate, raw_deflate),
    (Encoding::Zstd, zstd),
    (Encoding::Snappy, snappy_frames),
    (Encoding::Snappy, snappy_block),
];

fn inflate(encoding: Encoding, body: Vec<u8>, limit: usize) -> Result<Admitted, BodyError> {
    let budget = Budget::new(1 << 30);
    inflate_within(encoding, body, limit, &budget)
}

fn inflate_within(
    encoding: Encoding,
    body: Vec<u8>,
    limit: usize,
    budget: &std::sync::Arc<Budget>,
) -> Result<Admitted, BodyError> {
    let mut reservation = budget.reserve();
    reservation.grow(body.len())?;
    let admitted = Admitted { bytes: body.into(), reservation };
    let mut inflater = Inflater::new(encoding, admitted, (limit, "limits.inflated-bytes"), budget.reserve())?;
    inflater.start()?;
    inflater.finish()
}

/// Text that compresses about as well as spans do.
fn text(length: usize) -> Vec<u8> {
    (0..).flat_map(|line: u64| format!("\"service-{}\":{line},", line % 7).into_bytes()).take(length).collect()
}

#[test]
fn each_encoding_gives_back_what_went_in_and_charges_it() {
    for (encoding, encode) in ALL {
        for length in [0, 1, 5_000, FIRST_ROOM, 3 * AT_ONCE + 1] {
            let body = text(length);
            let budget = Budget::new(1 << 30);
            let out = inflate_within(encoding, encode(&body), 1 << 26, &budget).unwrap();
            assert!(out.bytes == body, "{encoding:?} of {length}");
            assert!(out.reservation.bytes() >= length);
            assert_eq!(budget.used(), out.reservation.bytes(), "{encoding:?} of {length}");
        }
    }
}

#[test]
fn the_limit_is_exact() {
    for (encoding, encode) in ALL {
        for limit in [100, FIRST_ROOM, 2 * AT_ONCE] {
            assert_eq!(inflate(encoding, encode(&text(limit)), limit).unwrap().bytes.len(), limit);
            let over = inflate(encoding, encode(&text(limit + 1)), limit).unwrap_err();
            assert!(matches!(over, BodyError::TooLarge { .. }), "{encoding:?}: {over}");
        }
    }
}

#[test]
fn a_bomb_stops_at_the_limit_and_at_the_memory() {
    for (encoding, encode) in ALL {
        let bomb = encode(&vec![b' '; 64 << 20]);
        // Snappy makes nothing smaller than a twenty-first.
        assert!(bomb.len() < if encoding == Encoding::Snappy { 4 << 20 } else { 1 << 20 });
        let over = inflate(encoding, bomb.clone(), 1 << 20).unwrap_err();
        assert!(matches!(over, BodyError::TooLarge { .. }), "{encoding:?}: {over}");
        let budget = Budget::new(bomb.len() + (3 << 20));
        let full = inflate_within(encoding, bomb, 64 << 20, &budget).unwrap_err();
        assert!(matches!(full, BodyError::NoRoom), "{encoding:?}: {full}");
        assert_eq!(budget.used(), 0);
    }
}

#[test]
fn what_is_broken_or_cut_off_is_refused() {
    for (encoding, encode) in ALL {
        let whole = encode(&text(100_000));
        for cut in [2, 9, whole.len() / 2, whole.len() - 1] {
            let error = inflate(encoding, whole[..cut].to_vec(), 1 << 20).unwrap_err();
            assert!(matches!(error, BodyError::Broken { .. }), "{encoding:?} at {cut}: {error}");
        }
        let mut broken = whole.clone();
        broken[whole.len() / 2..].fill(0xff);
        assert!(inflate(encoding, broken, 1 << 20).is_err(), "{encoding:?}");
    }
    let error = inflate(Encoding::Gzip, b"[{\"id\":1}]".to_vec(), 1000).unwrap_err().to_string();
    assert!(error.starts_with("cannot gunzip the body: "), "{error}");
}

#[test]
fn members_and_frames_one_after_the_other_are_one_body() {
    for (encoding, encode) in [ALL[0], ALL[3]] {
        let two = [encode(b"[{"), encode(b"}]")].concat();
        assert_eq!(inflate(encoding, two, 100).unwrap().bytes, &b"[{}]"[..]);
    }
}

#[test]
fn a_zstd_window_that_http_does_not_allow_is_refused() {
    let mut encoder = ::zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(27).unwrap();
    encoder.write_all(&text(100)).unwrap();
    let error = inflate(Encoding::Zstd, encoder.finish().unwrap(), 1 << 20).unwrap_err();
    assert!(matches!(error, BodyError::Broken { .. }), "{error}");
}

#[test]
fn encodings_are_read_from_the_headers() {
    let of = |values: &[&str]| {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(CONTENT_ENCODING, value.parse().unwrap());
        }
        Encodings::of(&headers)
    };
    assert_eq!(of(&[]), Ok(Encodings::default()));
    assert_eq!(of(&["", "identity"]), Ok(Encodings::default()));
    assert_eq!(of(&["GZIP"]), Ok(Encodings(vec![Encoding::Gzip])));
    assert_eq!(of(&["snappy", "x-snappy-framed"]), Ok(Encodings(vec![Encoding::Snappy; 2])));
    assert_eq!(of(&["deflate, gzip", "zstd"]), Ok(Encodings(vec![Encoding::Deflate, Encoding::Gzip, Encoding::Zstd])));
    assert_eq!(of(&["br"]), Err("br".into()));
    assert!(of(&["gzip,gzip,gzip,gzip,gzip"]).is_err());
}
