//! Calls of gRPC over a connection of HTTP/2, one after another, as an exporter makes them.

use anyhow::{Context, Result};
use bytes::Bytes;
use h2::client::SendRequest;
use http::{HeaderMap, Request};
use tokio::net::TcpStream;

use crate::protocol::Protocol;

/// A connection on which one call at a time is made.
pub(crate) struct Caller {
    sender: SendRequest<Bytes>,
    request: Request<()>,
}

impl Caller {
    pub(crate) async fn connect(address: &str, protocol: Protocol) -> Result<Self> {
        let stream = TcpStream::connect(address).await.with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        let (sender, connection) = h2::client::handshake(stream).await?;
        tokio::spawn(connection);
        let request = Request::post(format!("http://{address}{}", protocol.path()))
            .header("content-type", protocol.content_type())
            .header("te", "trailers")
            .header("user-agent", "load")
            .body(())?;
        Ok(Caller { sender, request })
    }

    /// Sends a message; the status of gRPC.
    pub(crate) async fn call(&mut self, message: &[u8]) -> Result<u16> {
        let mut frame = Vec::with_capacity(5 + message.len());
        frame.push(0);
        frame.extend_from_slice(&(message.len() as u32).to_be_bytes());
        frame.extend_from_slice(message);
        let mut sender = self.sender.clone().ready().await?;
        let (answer, mut stream) = sender.send_request(self.request.clone(), false)?;
        stream.send_data(frame.into(), true)?;
        let (head, mut body) = answer.await?.into_parts();
        if let Some(status) = status(&head.headers) {
            return Ok(status);
        }
        while let Some(piece) = body.data().await {
            let length = piece?.len();
            body.flow_control().release_capacity(length)?;
        }
        let trailers = body.trailers().await?.context("an answer without trailers")?;
        status(&trailers).context("an answer without grpc-status")
    }
}

fn status(headers: &HeaderMap) -> Option<u16> {
    headers.get("grpc-status")?.to_str().ok()?.parse().ok()
}
