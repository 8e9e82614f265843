//! What one connection of HTTP/2 may do, on every port.
//!
//! A sender of HTTP/2 can make work and take memory by frames that bring no request. Each way has
//! a limit. hyper and h2 keep the limits; here they get their numbers and, where a connection ends
//! by one of them, the name under which it is counted.
//!
//! | what a sender does | `--limits.` | what happens |
//! |---|---|---|
//! | sends faster than is read | `http2-stream-window`, `http2-connection-window` | it has to wait |
//! | does not read what it asked for | [`SEND_BUFFER`] | it is not sent more |
//! | opens many streams | `http2-streams` | the stream is refused (REFUSED_STREAM) |
//! | opens streams and resets them | `http2-pending-resets` | the connection ends (ENHANCE_YOUR_CALM) |
//! | makes errors that end streams | `http2-error-resets` | the same |
//! | sends long heads | `header-bytes` | 431; the connection ends at four times as much, or where such a head goes on in a frame as large as the limit |
//! | sends a head without an end (CONTINUATION) | `header-bytes`: h2 allows a few frames | the connection ends |
//! | sends tiny or empty DATA frames | `http2-connection-window`: h2 counts what they cost | the same |
//! | sends pings, settings and the like | `http2-unasked-bytes`, see `pulse` | it is cut |

use std::error::Error;

use hyper_util::rt::{TokioExecutor, TokioTimer};
use hyper_util::server::conn::auto::Http2Builder;

use crate::settings::{Connections, Http2};

/// Bytes of one stream's answer that wait to be sent.
const SEND_BUFFER: usize = 64 << 10;

/// Gives a server its limits.
pub(super) fn limit(mut builder: Http2Builder<'_, TokioExecutor>, limits: &Connections) {
    let Http2 { streams, stream_window, connection_window, pending_resets, error_resets, unasked_bytes: _ } =
        limits.http2;
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(streams)
        .max_header_list_size(u32::try_from(limits.header_bytes).unwrap_or(u32::MAX))
        .initial_stream_window_size(stream_window)
        .initial_connection_window_size(connection_window)
        .max_send_buf_size(SEND_BUFFER)
        .max_pending_accept_reset_streams(pending_resets)
        .max_local_error_reset_streams(error_resets);
}

/// Bytes of what came that h2 keeps while nothing is asked: a head in as many frames as it lets a
/// head have, a half more than the headers, and a frame on its way.
pub(super) fn most_held(limits: &Connections) -> usize {
    2 * limits.header_bytes
}

/// What h2 tells a sender at the end of its GOAWAY, and nobody else, and the limit that it means.
const CALMED: [(&[u8], &str); 5] = [
    (b"too_many_resets", "limits.http2-pending-resets"),
    (b"too_many_internal_resets", "limits.http2-error-resets"),
    (b"too_many_continuations", "limits.header-bytes"),
    (b"header_list_way_too_large", "limits.header-bytes"),
    (b"too_many_data_frames", "limits.http2-connection-window"),
];

/// What stands before these words.
const ENHANCE_YOUR_CALM: &[u8] = &[0, 0, 0, 11];

/// What is counted if h2 has a new word.
pub(super) const FLOOD: &str = "http2.flood";

/// The limit that a sender reached, if what is written ends by telling it.
pub(super) fn calmed_by(written: &[u8]) -> Option<&'static str> {
    let ends = |word| written.strip_suffix(word).is_some_and(|before| before.ends_with(ENHANCE_YOUR_CALM));
    CALMED.iter().find(|(word, _)| ends(*word)).map(|(_, limit)| *limit)
}

/// How a limit ended a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// A head was too large.
    LargeHead,
    /// One of [`CALMED`].
    Calmed,
}

/// The way in which a limit ended a connection, if one did.
pub(super) fn ended_by(error: &(dyn Error + 'static)) -> Option<Ended> {
    for cause in std::iter::successors(Some(error), |&error| error.source()) {
        if cause.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_parse_too_large) {
            return Some(Ended::LargeHead);
        }
        if let Some(error) = cause.downcast_ref::<h2::Error>() {
            return match error.reason().filter(|_| error.is_library()) {
                Some(h2::Reason::ENHANCE_YOUR_CALM) => Some(Ended::Calmed),
                // h2 says so of a head that is too large and goes on in a frame that is too large for it, of
                // nothing else.
                Some(h2::Reason::COMPRESSION_ERROR) => Some(Ended::LargeHead),
                _ => None,
            };
        }
    }
    None
}
