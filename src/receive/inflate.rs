//! Content-Encodings: gzip, deflate (with zlib's wrapping or without), zstd and snappy, one or several.
//! Snappy comes in frames, as OpenTelemetry collectors send it, or as one block, which is what its
//! name means over HTTP: its first bytes say which.
//!
//! What comes out is limited and charged as it comes out, so a bomb stops at the limit. The first
//! megabyte is inflated at once; what has more in it is left to a thread that may be busy.

use std::io::{self, Cursor, Read};

use axum::http::HeaderMap;
use axum::http::header::CONTENT_ENCODING;
use bytes::Bytes;
use flate2::bufread::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

use super::body::{Admitted, BodyError};
use crate::memory::Reservation;

/// Bytes that come out of a body before it is given to another thread.
const AT_ONCE: usize = 1 << 20;

/// The first room for what comes out; doubled while it is not enough.
const FIRST_ROOM: usize = 16 << 10;

/// Encodings on top of each other; nobody sends two.
const MOST_ENCODINGS: usize = 4;

/// The largest window of a zstd frame, as log2: what RFC 9659 allows over HTTP.
const WINDOW_LOG: u32 = 23;

/// What snappy in frames begins with.
const SNAPPY_FRAMES: &[u8] = b"\xff\x06\0\0sNaPpY";

/// A way to make a body smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Gzip,
    Deflate,
    Zstd,
    Snappy,
}

impl Encoding {
    fn verb(self) -> &'static str {
        match self {
            Encoding::Gzip => "gunzip",
            Encoding::Deflate => "inflate",
            Encoding::Zstd | Encoding::Snappy => "decompress",
        }
    }

    /// Bytes that a decoder keeps of `out` bytes that have come out of it.
    fn window(self, out: usize) -> usize {
        match self {
            Encoding::Gzip | Encoding::Deflate => 32 << 10,
            Encoding::Zstd => out.min(1 << WINDOW_LOG),
            // A frame of 64 KiB as it came, and what comes out of it.
            Encoding::Snappy => 144 << 10,
        }
    }
}

/// Encodings in the order in which they were applied.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Encodings(Vec<Encoding>);

impl Encodings {
    /// Those that the headers name, or the one that we do not know.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, String> {
        let mut encodings = Vec::new();
        for value in headers.get_all(CONTENT_ENCODING) {
            let text = value.to_str().map_err(|_| "(not text)".to_string())?;
            for name in text.split(',').map(str::trim) {
                encodings.extend(named(name)?);
            }
        }
        if encodings.len() > MOST_ENCODINGS {
            return Err(format!("{} encodings", encodings.len()));
        }
        Ok(Encodings(encodings))
    }

    /// The one that a gRPC call names for its messages.
    pub(super) fn of_messages(headers: &HeaderMap) -> Result<Self, String> {
        let name = headers.get("grpc-encoding").map(|value| value.as_bytes()).unwrap_or_default();
        let name = std::str::from_utf8(name).map_err(|_| "(not text)".to_string())?;
        Ok(Encodings(named(name)?.into_iter().collect()))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn into_iter(self) -> impl DoubleEndedIterator<Item = Encoding> {
        self.0.into_iter()
    }
}

fn named(name: &str) -> Result<Option<Encoding>, String> {
    let is = |known: &str| name.eq_ignore_ascii_case(known);
    Ok(match name {
        "" => None,
        _ if is("identity") => None,
        _ if is("gzip") || is("x-gzip") => Some(Encoding::Gzip),
        _ if is("deflate") || is("zlib") => Some(Encoding::Deflate),
        _ if is("zstd") => Some(Encoding::Zstd),
        _ if is("snappy") || is("x-snappy-framed") => Some(Encoding::Snappy),
        _ => return Err(name.chars().take(64).collect()),
    })
}

/// Whether all has come out.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Inflated {
    Whole,
    More,
}

/// Inflates one body.
pub(super) struct Inflater {
    encoding: Encoding,
    /// A block of snappy, which comes out at once.
    block: Option<Bytes>,
    decoder: Box<dyn Read + Send>,
    out: Vec<u8>,
    limit: usize,
    /// The setting that the limit is from.
    setting: &'static str,
    ended: bool,
    /// Of what comes out.
    reservation: Reservation,
    /// Of the compressed body.
    input: Reservation,
}

impl Inflater {
    /// Inflates `body` to at most so many bytes as a setting allows; `reservation` is charged for
    /// them.
    pub(super) fn new(
        encoding: Encoding,
        body: Admitted,
        (limit, setting): (usize, &'static str),
        reservation: Reservation,
    ) -> Result<Self, BodyError> {
        let Admitted { bytes, reservation: input } = body;
        let is_block = encoding == Encoding::Snappy && !bytes.is_empty() && !bytes.starts_with(SNAPPY_FRAMES);
        let block = is_block.then(|| bytes.clone());
        let decoder = decoder(encoding, bytes).map_err(|error| broken(encoding, &error))?;
        Ok(Inflater { encoding, block, decoder, out: Vec::new(), limit, setting, ended: false, reservation, input })
    }

    /// Inflates as much as may be done on the network's thread.
    pub(super) fn start(&mut self) -> Result<Inflated, BodyError> {
        self.run(AT_ONCE)?;
        Ok(if self.ended { Inflated::Whole } else { Inflated::More })
    }

    /// Inflates the rest.
    pub(super) fn finish(mut self) -> Result<Admitted, BodyError> {
        self.run(usize::MAX)?;
        drop((self.decoder, self.input));
        // Frees the charge of the window; less is always granted.
        self.reservation.resize(self.out.capacity())?;
        Ok(Admitted { bytes: self.out.into(), reservation: self.reservation })
    }

    /// Goes on until everything is out, or more than `pause` bytes are.
    fn run(&mut self, pause: usize) -> Result<(), BodyError> {
        if let Some(block) = self.block.take() {
            return self.unpack(block, pause);
        }
        while !self.ended && self.out.len() <= pause {
            self.make_room()?;
            let room = self.out.capacity() - self.out.len();
            let read = self.decoder.by_ref().take(room as u64).read_to_end(&mut self.out);
            self.ended = read.map_err(|error| broken(self.encoding, &error))? < room;
        }
        self.check_limit()
    }

    /// Inflates a block of snappy, unless it is larger than `pause`. What length it claims is
    /// believed when it is within the limit and there is memory for it.
    fn unpack(&mut self, block: Bytes, pause: usize) -> Result<(), BodyError> {
        let problem = |error: snap::Error| broken(Encoding::Snappy, &error.into());
        let length = snap::raw::decompress_len(&block).map_err(problem)?;
        if length > self.limit {
            return Err(self.too_large());
        }
        if length > pause {
            self.block = Some(block);
            return Ok(());
        }
        self.reservation.resize(length)?;
        self.out = vec![0; length];
        snap::raw::Decoder::new().decompress(&block, &mut self.out).map_err(problem)?;
        self.ended = true;
        Ok(())
    }

    fn too_large(&self) -> BodyError {
        BodyError::TooLarge { limit: self.limit, setting: self.setting }
    }

    fn check_limit(&self) -> Result<(), BodyError> {
        if self.out.len() > self.limit {
            return Err(self.too_large());
        }
        Ok(())
    }

    /// Makes room for more, one byte over the limit at most: that byte tells a body that is
    /// exactly as large as allowed from one that is larger.
    fn make_room(&mut self) -> Result<(), BodyError> {
        self.check_limit()?;
        if self.out.len() == self.out.capacity() {
            let room = (2 * self.out.capacity()).clamp(FIRST_ROOM, self.limit.saturating_add(1).max(FIRST_ROOM));
            self.reservation.enlarge(&mut self.out, room, self.encoding.window(room))?;
        }
        Ok(())
    }
}

fn decoder(encoding: Encoding, bytes: Bytes) -> io::Result<Box<dyn Read + Send>> {
    let wrapped = is_zlib(&bytes);
    let input = Cursor::new(bytes);
    Ok(match encoding {
        Encoding::Gzip => Box::new(MultiGzDecoder::new(input)),
        Encoding::Deflate if wrapped => Box::new(ZlibDecoder::new(input)),
        Encoding::Deflate => Box::new(DeflateDecoder::new(input)),
        Encoding::Zstd => {
            let mut decoder = zstd::Decoder::with_buffer(input)?;
            decoder.window_log_max(WINDOW_LOG)?;
            Box::new(decoder)
        }
        Encoding::Snappy => Box::new(snap::read::FrameDecoder::new(input)),
    })
}

/// True if this is deflate in zlib's wrapping, which is what HTTP means by `deflate`; some senders
/// leave the wrapping out.
fn is_zlib(bytes: &[u8]) -> bool {
    match bytes {
        [method, flags, ..] => {
            method & 0x0f == 8 && method >> 4 <= 7 && (u16::from(*method) << 8 | u16::from(*flags)) % 31 == 0
        }
        _ => false,
    }
}

fn broken(encoding: Encoding, error: &io::Error) -> BodyError {
    BodyError::Broken { verb: encoding.verb(), problem: error.to_string() }
}

impl std::fmt::Debug for Inflater {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Inflater").field("encoding", &self.encoding).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
