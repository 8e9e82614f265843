//! UDP sockets, bound with a receive buffer as large as was asked for, or as the kernel gives.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;

use crate::receive::address;
use crate::receive::listener::{BindError, mend};
use crate::settings::AgentPort;

/// The receive buffer if none was asked for: a tenth of a second of 20,000 small datagrams, which
/// the kernel counts with about 800 bytes of its own each, and some more.
const BUFFER: usize = 4 << 20;

/// A socket that is bound; what comes lies in the kernel's buffer until it is served.
#[derive(Debug)]
pub struct BoundUdp {
    /// What it is for, in logs and in the start-up table.
    pub name: &'static str,
    pub(super) inner: UdpSocket,
    address: SocketAddr,
    pub(super) buffer: usize,
    pub(super) max_packet: usize,
    pub(super) workers: usize,
    pub(super) queue: usize,
    /// The names of the settings that limit it.
    pub(super) size_setting: &'static str,
    pub(super) queue_setting: &'static str,
}

/// The names of a port's settings.
#[derive(Debug, Clone, Copy)]
struct Names {
    name: &'static str,
    address: &'static str,
    size: &'static str,
    buffer: &'static str,
    queue: &'static str,
}

impl BoundUdp {
    /// Where it listens, with the port that was given if 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Binds the ports that are open, compact and binary. Needs a tokio runtime.
pub fn bind(settings: &crate::settings::Agent) -> Result<[Option<BoundUdp>; 2], BindError> {
    let compact = Names {
        name: "agent-compact",
        address: "--processor.jaeger-compact.server-host-port",
        size: "processor.jaeger-compact.server-max-packet-size",
        buffer: "processor.jaeger-compact.server-socket-buffer-size",
        queue: "processor.jaeger-compact.server-queue-size",
    };
    let binary = Names {
        name: "agent-binary",
        address: "--processor.jaeger-binary.server-host-port",
        size: "processor.jaeger-binary.server-max-packet-size",
        buffer: "processor.jaeger-binary.server-socket-buffer-size",
        queue: "processor.jaeger-binary.server-queue-size",
    };
    Ok([bind_port(compact, &settings.compact)?, bind_port(binary, &settings.binary)?])
}

fn bind_port(names: Names, settings: &AgentPort) -> Result<Option<BoundUdp>, BindError> {
    let Some(host_port) = &settings.host_port else { return Ok(None) };
    let Names { name, address: flag, .. } = names;
    let address = address::parse(host_port).map_err(|error| BindError::Address { name, flag, error })?;
    let opened = open_anywhere(address, settings.socket_buffer_bytes.unwrap_or(BUFFER));
    let opened = opened.and_then(|(socket, buffer)| Ok((socket.local_addr()?, socket, buffer)));
    let (address, inner, buffer) = opened.map_err(|error| {
        let mend = mend(&error);
        BindError::Socket { name, flag, host_port: host_port.clone(), error, mend }
    })?;
    tell_of_buffer(names, settings.socket_buffer_bytes, buffer);
    let AgentPort { max_packet_bytes: max_packet, workers, queue, .. } = *settings;
    let (size_setting, queue_setting) = (names.size, names.queue);
    Ok(Some(BoundUdp { name, inner, address, buffer, max_packet, workers, queue, size_setting, queue_setting }))
}

/// Every address of both families, if it is the unspecified one; only those of IPv4 on a machine
/// without IPv6.
fn open_anywhere(address: SocketAddr, buffer: usize) -> io::Result<(UdpSocket, usize)> {
    match open(address, buffer) {
        Err(error) if address.ip().is_unspecified() && error.kind() != io::ErrorKind::AddrInUse => {
            open(SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), address.port()), buffer).map_err(|_| error)
        }
        opened => opened,
    }
}

/// The socket, and how large its buffer is. (Without SO_REUSEADDR, with which two processes would
/// share a UDP port and each miss what the other gets.)
fn open(address: SocketAddr, buffer: usize) -> io::Result<(UdpSocket, usize)> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    if address.is_ipv6() {
        socket.set_only_v6(!address.ip().is_unspecified())?;
    }
    socket.set_recv_buffer_size(buffer)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    // Linux doubles what it is asked for, for what it notes beside the bytes.
    let given = socket.recv_buffer_size()? / if cfg!(target_os = "linux") { 2 } else { 1 };
    Ok((UdpSocket::from_std(socket.into())?, given))
}

fn tell_of_buffer(names: Names, asked: Option<usize>, given: usize) {
    match asked {
        Some(asked) if given < asked => tracing::warn!(
            listener = names.name,
            asked,
            given,
            "the kernel gives a smaller receive buffer than --{} asks for, and will drop datagrams sooner: raise \
             net.core.rmem_max on this node (sysctl -w net.core.rmem_max={asked})",
            names.buffer,
        ),
        None if given < BUFFER => tracing::info!(
            listener = names.name,
            given,
            "the kernel gives a small receive buffer; if spaniel_datagrams_dropped_by_kernel_total grows, raise \
             net.core.rmem_max on this node (sysctl -w net.core.rmem_max={BUFFER})",
        ),
        _ => {}
    }
}
