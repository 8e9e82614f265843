//! Binding: all listeners are bound before any is served, so that a port in use stops the start
//! and nothing was accepted by then.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;

use super::address::{self, AddressError};
use super::tls::Tls;

/// Connections that wait to be accepted; the kernel may cap it (`net.core.somaxconn`).
const BACKLOG: i32 = 4096;

/// A socket that is bound, and accepts nothing yet.
#[derive(Debug)]
pub struct Bound {
    /// What it is for, in logs and in the start-up table.
    pub name: &'static str,
    pub(super) listener: TcpListener,
    pub(super) address: SocketAddr,
    /// `None`: plain text.
    pub(super) tls: Option<Arc<Tls>>,
}

impl Bound {
    /// Where it listens, with the port that was given if 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// With TLS, if it is on.
    pub fn with_tls(self, tls: Option<Arc<Tls>>) -> Bound {
        Bound { tls, ..self }
    }
}

/// A listener could not be bound.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    #[error("cannot listen for {name}: {error}; set {flag}")]
    Address { name: &'static str, flag: &'static str, error: AddressError },
    #[error("cannot listen for {name} on {host_port}: {error}; {mend}, or set {flag} to another address")]
    Socket { name: &'static str, flag: &'static str, host_port: String, error: io::Error, mend: &'static str },
}

/// Binds `host_port`, which the setting `flag` named, for `name`. Needs a tokio runtime.
pub fn bind(name: &'static str, flag: &'static str, host_port: &str) -> Result<Bound, BindError> {
    let address = address::parse(host_port).map_err(|error| BindError::Address { name, flag, error })?;
    let bound = listen(address).and_then(|listener| Ok((listener.local_addr()?, listener)));
    let (address, listener) = bound.map_err(|error| {
        let mend = mend(&error);
        BindError::Socket { name, flag, host_port: host_port.into(), error, mend }
    })?;
    Ok(Bound { name, listener, address, tls: None })
}

pub(super) fn mend(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => "stop the process that has this port",
        io::ErrorKind::PermissionDenied => "use a port from 1024 on",
        io::ErrorKind::AddrNotAvailable => "use an address of this machine",
        _ => "mend the network of this machine",
    }
}

/// Every address of both families, if it is the unspecified one; only those of IPv4 on a machine
/// without IPv6.
fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    match open(address) {
        Err(error) if address.ip().is_unspecified() && error.kind() != io::ErrorKind::AddrInUse => {
            open(SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), address.port())).map_err(|_| error)
        }
        opened => opened,
    }
}

fn open(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(!address.ip().is_unspecified())?;
    }
    // A restart must not wait for the connections of the process before.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_port_in_use_is_an_error_that_names_the_flag_and_the_mend() {
        let first = bind("Zipkin", "--collector.zipkin.host-port", "127.0.0.1:0").unwrap();
        let taken = first.address().to_string();
        let error = bind("Zipkin", "--collector.zipkin.host-port", &taken).unwrap_err().to_string();
        for part in ["Zipkin", "--collector.zipkin.host-port", &taken, "stop the process that has this port"] {
            assert!(error.contains(part), "{error}");
        }
    }

    #[tokio::test]
    async fn every_address_is_both_families() {
        let bound = bind("Zipkin", "--flag", ":0").unwrap();
        let port = bound.address().port();
        assert!(tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok());
        if bound.address().is_ipv6() {
            let six = tokio::net::TcpStream::connect(("::1", port)).await;
            assert!(six.is_ok() || six.unwrap_err().kind() == io::ErrorKind::AddrNotAvailable);
        }
    }
}
