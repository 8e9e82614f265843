//! Calls of gRPC over connections of HTTP/2: each caller makes one after another, as an exporter does,
//! and some may share a connection, as those of an OpenTelemetry collector do.

use std::cell::Cell;
use std::io;
use std::sync::Arc;

use ::spaniel::command::load::generator::Client;
use anyhow::Result;
use bytes::Bytes;
use h2::client::SendRequest;
use http::{HeaderMap, Request};
use tokio::net::TcpStream;
use tokio::sync::OnceCell;

use crate::protocol::Protocol;

/// A connection that is made by the first who wants it.
type Connection = Arc<OnceCell<SendRequest<Bytes>>>;

/// Callers, so many to a connection.
pub(crate) struct Callers {
    caller: Caller,
    streams: usize,
    /// The connection of the next, and how many it has.
    next: Cell<(Connection, usize)>,
}

impl Callers {
    pub(crate) fn new(address: &str, protocol: Protocol, streams: usize) -> Result<Self> {
        let request = Request::post(format!("http://{address}{}", protocol.path()))
            .header("content-type", protocol.content_type())
            .header("te", "trailers")
            .header("user-agent", "load")
            .body(())?;
        let caller =
            Caller { address: address.into(), protocol, request, connection: Connection::default(), sender: None };
        Ok(Callers { caller, streams, next: Cell::default() })
    }

    pub(crate) fn next(&self) -> Caller {
        let (connection, callers) = self.next.take();
        let (connection, callers) =
            if callers == self.streams { (Connection::default(), 0) } else { (connection, callers) };
        self.next.set((Arc::clone(&connection), callers + 1));
        Caller { connection, ..self.caller.clone() }
    }
}

/// A client that makes one call at a time.
#[derive(Clone)]
pub(crate) struct Caller {
    address: String,
    protocol: Protocol,
    request: Request<()>,
    connection: Connection,
    sender: Option<SendRequest<Bytes>>,
}

impl Client for Caller {
    async fn connect(&mut self) -> io::Result<()> {
        if self.sender.is_none() {
            let connection = self.connection.get_or_try_init(|| connect(&self.address)).await?;
            self.sender = Some(connection.clone());
        }
        Ok(())
    }

    async fn send(&mut self, message: &[u8]) -> io::Result<u16> {
        let sender = self.sender.take().ok_or(io::ErrorKind::NotConnected)?;
        let mut sender = sender.ready().await.map_err(io::Error::other)?;
        let status = call(&mut sender, self.request.clone(), message).await?;
        self.sender = Some(sender);
        Ok(status)
    }

    fn is_good(&self, status: u16) -> bool {
        self.protocol.is_good(status)
    }
}

async fn connect(address: &str) -> io::Result<SendRequest<Bytes>> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = h2::client::handshake(stream).await.map_err(io::Error::other)?;
    tokio::spawn(connection);
    Ok(sender)
}

/// Sends a message; the status of gRPC.
async fn call(sender: &mut SendRequest<Bytes>, request: Request<()>, message: &[u8]) -> io::Result<u16> {
    let mut frame = Vec::with_capacity(5 + message.len());
    frame.push(0);
    frame.extend_from_slice(&(message.len() as u32).to_be_bytes());
    frame.extend_from_slice(message);
    let (answer, mut stream) = sender.send_request(request, false).map_err(io::Error::other)?;
    stream.send_data(frame.into(), true).map_err(io::Error::other)?;
    let (head, mut body) = answer.await.map_err(io::Error::other)?.into_parts();
    if let Some(status) = status(&head.headers) {
        return Ok(status);
    }
    while let Some(piece) = body.data().await {
        let length = piece.map_err(io::Error::other)?.len();
        body.flow_control().release_capacity(length).map_err(io::Error::other)?;
    }
    let trailers = body.trailers().await.map_err(io::Error::other)?;
    let trailers = trailers.ok_or_else(|| io::Error::other("an answer without trailers"))?;
    status(&trailers).ok_or_else(|| io::Error::other("an answer without grpc-status"))
}

fn status(headers: &HeaderMap) -> Option<u16> {
    headers.get("grpc-status")?.to_str().ok()?.parse().ok()
}
