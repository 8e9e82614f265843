//! Posts over HTTP/1.1, on connections that are kept alive, as Envoy's tracer does.

use std::io;
use std::ops::Range;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::generator::Client;

/// Bytes of an answer, which nobody reads.
const LONGEST: usize = 1 << 20;

/// Where spans are posted, and as what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// host:port.
    pub address: String,
    pub path: String,
    pub content_type: &'static str,
    /// The statuses of answers that all was taken.
    pub good: Range<u16>,
}

/// A client that posts to a place.
#[derive(Debug)]
pub struct Http {
    place: Place,
    stream: Option<TcpStream>,
    request: Vec<u8>,
}

impl Http {
    pub fn new(place: Place) -> Self {
        Http { place, stream: None, request: Vec::new() }
    }
}

impl Client for Http {
    async fn connect(&mut self) -> io::Result<()> {
        if self.stream.is_none() {
            let stream = TcpStream::connect(&self.place.address).await?;
            stream.set_nodelay(true)?;
            self.stream = Some(stream);
        }
        Ok(())
    }

    async fn send(&mut self, body: &[u8]) -> io::Result<u16> {
        let mut stream = self.stream.take().ok_or(io::ErrorKind::NotConnected)?;
        write_request(&mut self.request, &self.place, body);
        let answer = exchange(&mut stream, &self.request).await?;
        self.stream = Some(stream).filter(|_| !answer.closes);
        Ok(answer.status)
    }

    fn is_good(&self, status: u16) -> bool {
        self.place.good.contains(&status)
    }
}

/// The request as Envoy's tracer sends it.
fn write_request(request: &mut Vec<u8>, place: &Place, body: &[u8]) {
    request.clear();
    let (Place { address, path, content_type, .. }, length) = (place, body.len());
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\n\r\n"
    );
    request.extend_from_slice(head.as_bytes());
    request.extend_from_slice(body);
}

struct Answer {
    status: u16,
    closes: bool,
}

async fn exchange(stream: &mut TcpStream, request: &[u8]) -> io::Result<Answer> {
    stream.write_all(request).await?;
    let mut bytes = Vec::with_capacity(512);
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        read_some(stream, &mut bytes).await?;
    };
    let text = String::from_utf8_lossy(bytes.get(..head).unwrap_or_default()).to_ascii_lowercase();
    let header = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let length: usize = header("content-length:").and_then(|length| length.parse().ok()).unwrap_or(0);
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| io::Error::other("the answer is not HTTP"))?;
    let (closes, chunked) = (header("connection:") == Some("close"), header("transfer-encoding:") == Some("chunked"));
    while if chunked { !bytes.ends_with(b"\r\n0\r\n\r\n") } else { bytes.len() < head + length } {
        read_some(stream, &mut bytes).await?;
    }
    Ok(Answer { status, closes })
}

async fn read_some(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> io::Result<()> {
    if bytes.len() > LONGEST {
        return Err(io::Error::other("the answer is too long"));
    }
    if stream.read_buf(bytes).await? == 0 {
        return Err(io::Error::other("the connection was closed without an answer"));
    }
    Ok(())
}
