//! Frames of HTTP/2 written by hand: each way to make work without a request has its limit, and
//! neighbours on other connections go on.

use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use spaniel::clock::Clock;
use spaniel::settings::{Age, Connections, Http2, Log, LogEncoding};
use spaniel::telemetry::log;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::connections::http2;
use super::grpc::{EXPORT, Sender};
use super::house::{House, patient};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

// Types of frames, and flags.
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const PRIORITY: u8 = 2;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const END_HEADERS: u8 = 4;

// Codes of errors.
const REFUSED_STREAM: u32 = 7;
const COMPRESSION_ERROR: u32 = 9;
const ENHANCE_YOUR_CALM: u32 = 11;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// `POST http://x/api/v2/spans`, in HPACK.
fn head() -> Vec<u8> {
    [b"\x83\x86\x01\x01x\x04\x0d", &b"/api/v2/spans"[..]].concat()
}

fn begin() -> Vec<u8> {
    [PREFACE, &frame(SETTINGS, 0, 0, b"")].concat()
}

/// Streams are odd on this side.
fn stream(index: u32) -> u32 {
    2 * index + 1
}

#[derive(Debug)]
struct Frame {
    kind: u8,
    stream: u32,
    payload: Vec<u8>,
}

impl Frame {
    /// The code of an error, in frames that have one.
    fn code(&self) -> Option<u32> {
        let bytes = match self.kind {
            RST_STREAM => self.payload.first_chunk(),
            GOAWAY => self.payload.get(4..).and_then(|rest| rest.first_chunk()),
            _ => None,
        };
        bytes.map(|bytes| u32::from_be_bytes(*bytes))
    }
}

/// Reads one frame; `None` at the end.
async fn next(from: &mut (impl AsyncReadExt + Unpin)) -> Option<Frame> {
    let mut head = [0; 9];
    from.read_exact(&mut head).await.ok()?;
    let [a, b, c, kind, _, rest @ ..] = head;
    let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
    from.read_exact(&mut payload).await.ok()?;
    Some(Frame { kind, stream: u32::from_be_bytes(rest), payload })
}

/// Writes all, while it reads all; the frames that came before the other side closed.
async fn hear_all(address: SocketAddr, bytes: Vec<u8>) -> Vec<Frame> {
    let (mut reading, mut writing) = TcpStream::connect(address).await.unwrap().into_split();
    let writer = tokio::spawn(async move {
        // The other side may close before it has taken everything.
        let _ = writing.write_all(&bytes).await;
        writing
    });
    let mut frames = Vec::new();
    while let Some(frame) = next(&mut reading).await {
        frames.push(frame);
    }
    drop(writer.await.unwrap());
    frames
}

/// The code and the words with which a flood's connection was closed, while a neighbour goes on.
async fn closed_with(house: &House, bytes: Vec<u8>) -> Option<(u32, String)> {
    let mut neighbour = Sender::to(house.otlp_grpc).await;
    neighbour.call(EXPORT, "before").await.unwrap();
    let flood = tokio::spawn(hear_all(house.zipkin, bytes));
    neighbour.call(EXPORT, "meanwhile").await.unwrap();
    let frames = flood.await.unwrap();
    neighbour.call(EXPORT, "after").await.unwrap();
    let goaway = frames.iter().find(|frame| frame.kind == GOAWAY)?;
    Some((goaway.code()?, String::from_utf8(goaway.payload[8..].to_vec()).unwrap()))
}

/// A flood is told to calm down, for this reason, and counted under the limit that it reached.
async fn is_calmed(bytes: Vec<u8>, reason: &str, limit: &str) {
    let house = House::new().await;
    assert_eq!(closed_with(&house, bytes).await, Some((ENHANCE_YOUR_CALM, reason.into())));
    house.until_metric(&reached(limit)).await;
}

fn reached(limit: &str) -> String {
    format!("spaniel_limits_reached_total{{limit=\"{limit}\"}} 1")
}

/// Streams, window of a stream, list of headers, and window of the connection, as a sender is told.
async fn announced(house: &House) -> [u32; 4] {
    let mut connection = TcpStream::connect(house.zipkin).await.unwrap();
    connection.write_all(&begin()).await.unwrap();
    let settings = next(&mut connection).await.unwrap();
    assert_eq!(settings.kind, SETTINGS);
    let told = |wanted: u16| {
        let mut pairs = settings.payload.chunks(6);
        let pair = pairs.find(|pair| u16::from_be_bytes([pair[0], pair[1]]) == wanted).unwrap();
        u32::from_be_bytes(pair[2..].try_into().unwrap())
    };
    let window = loop {
        let frame = next(&mut connection).await.unwrap();
        if frame.kind == WINDOW_UPDATE && frame.stream == 0 {
            break u32::from_be_bytes(frame.payload.try_into().unwrap());
        }
    };
    // What HTTP/2 begins with, and the rest.
    [told(3), told(4), told(6), 65_535 + window]
}

#[tokio::test]
async fn the_limits_are_announced() {
    assert_eq!(announced(&House::new().await).await, [128, 128 << 10, 64 << 10, 256 << 10]);
    let http2 = Http2 { streams: 3, stream_window: 20 << 10, connection_window: 200 << 10, ..Http2::default() };
    let house = House::with(Connections { header_bytes: 9 << 10, http2, ..patient() }).await;
    assert_eq!(announced(&house).await, [3, 20 << 10, 9 << 10, 200 << 10]);
}

#[tokio::test]
async fn limits_on_resets_and_frames_are_as_set() {
    let http2 = Http2 { pending_resets: 200, error_resets: 2, unasked_bytes: 100 << 10, ..Http2::default() };
    let house = House::with(Connections { http2, ..patient() }).await;
    let errors: Vec<u8> = (0..4)
        .flat_map(|index| {
            let head = [&head()[..], b"\0\x0aconnection\x01x"].concat();
            frame(HEADERS, END_HEADERS, stream(index), &head)
        })
        .collect();
    let calm = |reason: &str| Some((ENHANCE_YOUR_CALM, reason.to_string()));
    assert_eq!(closed_with(&house, [begin(), errors].concat()).await, calm("too_many_internal_resets"));
    house.until_metric(&reached("limits.http2-error-resets")).await;
    let pings = frame(PING, 0, 0, &[0; 8]).repeat(20_000);
    closed_with(&house, [begin(), pings].concat()).await;
    house.until_metric(&reached("limits.http2-unasked-bytes")).await;
    // Fewer resets than are allowed now, more than are by default; then a request.
    let mut bytes = begin();
    for index in 0..100 {
        bytes.extend(frame(HEADERS, END_HEADERS, stream(index), &head()));
        bytes.extend(frame(RST_STREAM, 0, stream(index), &8_u32.to_be_bytes()));
    }
    bytes.extend(frame(HEADERS, END_HEADERS, stream(100), &head()));
    bytes.extend(frame(DATA, 1, stream(100), b"[]"));
    let mut connection = TcpStream::connect(house.zipkin).await.unwrap();
    connection.write_all(&bytes).await.unwrap();
    while next(&mut connection).await.unwrap().stream != stream(100) {}
}

#[tokio::test]
async fn rapid_resets_end_the_connection() {
    let mut bytes = begin();
    for index in 0..5000 {
        bytes.extend(frame(HEADERS, END_HEADERS, stream(index), &head()));
        bytes.extend(frame(RST_STREAM, 0, stream(index), &8_u32.to_be_bytes()));
    }
    is_calmed(bytes, "too_many_resets", "limits.http2-pending-resets").await;
}

#[tokio::test]
async fn errors_that_end_streams_end_the_connection_when_they_are_many() {
    let mut bytes = begin();
    for index in 0..1000 {
        // A header that HTTP/2 does not have.
        let head = [&head()[..], b"\0\x0aconnection\x01x"].concat();
        bytes.extend(frame(HEADERS, END_HEADERS, stream(index), &head));
    }
    is_calmed(bytes, "too_many_internal_resets", "limits.http2-error-resets").await;
}

#[tokio::test]
async fn a_head_without_an_end_ends_the_connection() {
    let mut bytes = [begin(), frame(HEADERS, 0, 1, &head())].concat();
    for _ in 0..10_000 {
        bytes.extend(frame(CONTINUATION, 0, 1, b"\0\x01a\x01b"));
    }
    is_calmed(bytes, "too_many_continuations", "limits.header-bytes").await;
}

#[tokio::test]
async fn a_large_head_that_goes_on_in_a_large_frame_ends_the_connection() {
    let house = House::with(Connections { header_bytes: 8 << 10, ..patient() }).await;
    let header = [&b"\0\x01a\x7f\xa1\x1e"[..], &[b'x'; 4000]].concat();
    let block = [head(), header.repeat(6)].concat();
    // The limit is passed in the first frame, which ends within a header.
    let (first, rest) = block.split_at(head().len() + 3 * header.len() + 100);
    let frames = [frame(HEADERS, 0, 1, first), frame(CONTINUATION, 0, 1, rest)].concat();
    let closed = closed_with(&house, [begin(), frames].concat()).await;
    assert_eq!(closed, Some((COMPRESSION_ERROR, String::new())));
    house.until_metric(&reached("limits.header-bytes")).await;
}

#[tokio::test]
async fn a_head_that_grows_when_read_ends_the_connection() {
    // A header of 4,000 bytes, kept in the table, and then named ten thousand times.
    let kept = [&b"\x40\x01a\x7f\xa1\x1e"[..], &[b'x'; 4000]].concat();
    let block = [&head()[..], &kept, &[0xbe; 10_000]].concat();
    let bytes = [begin(), frame(HEADERS, END_HEADERS, 1, &block)].concat();
    is_calmed(bytes, "header_list_way_too_large", "limits.header-bytes").await;
}

#[tokio::test]
async fn tiny_pieces_of_a_body_without_an_end_end_the_connection() {
    let pieces = frame(DATA, 0, 1, b"").repeat(200_000);
    let bytes = [begin(), frame(HEADERS, END_HEADERS, 1, &head()), pieces].concat();
    is_calmed(bytes, "too_many_data_frames", "limits.http2-connection-window").await;
}

#[tokio::test]
async fn a_list_of_headers_that_is_too_large_is_answered_and_the_connection_goes_on() {
    // The one who reads frames answers it, and says so to the log alone: it is counted by the log.
    let log = Log { level: "error".into(), encoding: LogEncoding::Json };
    let (subscriber, _level) = log::subscriber(&log, Clock::at(0), std::io::stderr).unwrap();
    let _guard = tracing::subscriber::set_default(subscriber);
    let house = House::new().await;
    let (mut sender, connection) = http2(house.zipkin).await;
    tokio::spawn(connection);
    let request = |header: String| {
        Request::post("http://x/api/v2/spans").header("x", header).body(Body::from("[{\"id\":\"1\"}]")).unwrap()
    };
    for counted in 1..=2 {
        assert_eq!(sender.send_request(request("x".repeat(70 << 10))).await.unwrap().status(), 431);
        house.until_metric(&format!(r#"spaniel_limits_reached_total{{limit="limits.header-bytes"}} {counted}"#)).await;
    }
    assert_eq!(sender.send_request(request("x".repeat(60 << 10))).await.unwrap().status(), 202);
}

#[tokio::test]
async fn frames_that_ask_for_nothing_are_a_flood() {
    for (kind, payload) in [
        (PING, &[0; 8][..]),
        (SETTINGS, b"\0\x03\0\0\0\x64"),
        (PRIORITY, &[0, 0, 0, 0, 1]),
        (WINDOW_UPDATE, &[0, 0, 0, 1]),
        (0xee, b"unknown"),
    ] {
        let house = House::new().await;
        let stream = if kind == PRIORITY { 3 } else { 0 };
        let one = frame(kind, 0, stream, payload);
        let bytes = [begin(), one.repeat((3 << 20) / one.len())].concat();
        closed_with(&house, bytes).await;
        house.until_metric(&reached("limits.http2-unasked-bytes")).await;
    }
}

#[tokio::test]
async fn pings_of_one_who_sends_spans_are_no_flood() {
    let house = House::new().await;
    let (mut reading, mut writing) = TcpStream::connect(house.zipkin).await.unwrap().into_split();
    let reader = tokio::spawn(async move {
        let mut answers = 0;
        while answers < 4 {
            let frame = next(&mut reading).await.unwrap();
            assert_ne!(frame.kind, GOAWAY);
            answers += u32::from(frame.kind == HEADERS);
        }
    });
    let pings = frame(PING, 0, 0, &[0; 8]).repeat(40_000);
    writing.write_all(&begin()).await.unwrap();
    for index in 0..4 {
        writing.write_all(&pings).await.unwrap();
        writing.write_all(&frame(HEADERS, END_HEADERS, stream(index), &head())).await.unwrap();
        writing.write_all(&frame(DATA, 1, stream(index), b"[]")).await.unwrap();
    }
    reader.await.unwrap();
}

#[tokio::test]
async fn streams_beyond_the_limit_are_refused_and_the_others_go_on() {
    let house = House::new().await;
    let mut connection = TcpStream::connect(house.zipkin).await.unwrap();
    let mut bytes = begin();
    for index in 0..138 {
        bytes.extend(frame(HEADERS, END_HEADERS, stream(index), &head()));
    }
    connection.write_all(&bytes).await.unwrap();
    let mut refused = Vec::new();
    while refused.len() < 10 {
        let frame = next(&mut connection).await.unwrap();
        if frame.kind == RST_STREAM {
            assert_eq!(frame.code(), Some(REFUSED_STREAM));
            refused.push(frame.stream);
        }
    }
    assert_eq!(refused, (128..138).map(stream).collect::<Vec<_>>());
    // The first of them is still there, and is answered.
    connection.write_all(&frame(DATA, 1, 1, b"[]")).await.unwrap();
    while next(&mut connection).await.unwrap().kind != HEADERS {}
}

#[tokio::test]
async fn a_head_that_never_ends_does_not_hold_an_old_connection() {
    let soon = Duration::from_millis(50);
    let age = Age { max: soon, grace: Duration::ZERO };
    let house = House::with(Connections { age, header_timeout: soon, ..patient() }).await;
    let mut connection = TcpStream::connect(house.zipkin).await.unwrap();
    connection.write_all(&[begin(), frame(HEADERS, 0, 1, &head())].concat()).await.unwrap();
    // GOAWAY comes, is not heeded, and nothing more is said.
    while next(&mut connection).await.is_some() {}
    house.until_metric(&reached("max-connection-age-grace")).await;
}
