//! What one connection of HTTP/2 may do, on every port.
//!
//! A sender of HTTP/2 can make work and take memory by frames that bring no request. Each way has
//! a limit. hyper and h2 keep the limits; here they get their numbers and, where a connection ends
//! by one of them, the name under which it is counted.
//!
//! | what a sender does | limit | what happens |
//! |---|---|---|
//! | sends faster than is read | [`STREAM_WINDOW`], [`CONNECTION_WINDOW`] | it has to wait |
//! | does not read what it asked for | [`SEND_BUFFER`] | it is not sent more |
//! | opens many streams | [`STREAMS`] | the stream is refused (REFUSED_STREAM) |
//! | opens streams and resets them | [`PENDING_RESETS`] | the connection ends (ENHANCE_YOUR_CALM) |
//! | makes errors that end streams | [`ERROR_RESETS`] | the same |
//! | sends long heads | [`HEADER_LIST`] | 431; the connection ends at four times as much |
//! | sends a head without an end (CONTINUATION) | by [`HEADER_LIST`], h2 allows a few frames | the connection ends |
//! | sends tiny or empty DATA frames | by [`CONNECTION_WINDOW`], h2 counts what they cost | the same |
//! | sends pings, settings and the like | a megabyte of them between requests, see `pulse` | it is cut |

use std::error::Error;

use hyper_util::rt::{TokioExecutor, TokioTimer};
use hyper_util::server::conn::auto::Http2Builder;

/// Streams that are open at once.
const STREAMS: u32 = 128;

/// Bytes of a request's headers, each with 32 for its keeping. Eight times what grpc-java and
/// grpc-core allow.
const HEADER_LIST: u32 = 64 << 10;

/// Bytes of what came that h2 keeps while nothing is asked: a head in as many frames as it lets a
/// head have, a half more than the headers, and a frame on its way.
pub(super) const MOST_HELD: usize = HEADER_LIST as usize * 2;

/// Bytes of one stream that are not read yet: a sender waits for a round trip after so many. Bodies
/// are read, and charged to the memory limit, as they come; a window only bounds what lies in a
/// connection before that.
const STREAM_WINDOW: u32 = 128 << 10;

/// The same over all streams of a connection. hyper's default of 1 MiB lets a few thousand
/// connections hold what `--memory.limit` knows nothing of.
const CONNECTION_WINDOW: u32 = 256 << 10;

/// Bytes of one stream's answer that wait to be sent.
const SEND_BUFFER: usize = 64 << 10;

/// Streams that were reset before they were looked at; they do not count as open. A sender gives up
/// a request now and then; dozens at the same moment are the attack called rapid reset.
const PENDING_RESETS: usize = 32;

/// Streams of one connection that were reset because of what its sender did wrong in them.
const ERROR_RESETS: usize = 256;

/// Gives a server its limits.
pub(super) fn limit(mut builder: Http2Builder<'_, TokioExecutor>) {
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(HEADER_LIST)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(SEND_BUFFER)
        .max_pending_accept_reset_streams(PENDING_RESETS)
        .max_local_error_reset_streams(ERROR_RESETS);
}

/// The name under which the limits are counted that end connections. Which of them it was h2 says
/// only to the sender, in its GOAWAY.
const FLOOD: &str = "http2.flood";

/// The name of the limit that ended a connection, if one did.
pub(super) fn limit_of(error: &(dyn Error + 'static)) -> Option<&'static str> {
    let mut causes = std::iter::successors(Some(error), |&error| error.source());
    let error = causes.find_map(|cause| cause.downcast_ref::<h2::Error>())?;
    (error.is_library() && error.reason() == Some(h2::Reason::ENHANCE_YOUR_CALM)).then_some(FLOOD)
}
