//! One node: a port that can refuse connections and come back.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use socket2::{Domain, SockRef, Socket, Type};

use super::Shared;
use super::talk::{self, End};

/// Open connections, by a number.
type Open = Arc<Mutex<BTreeMap<u64, TcpStream>>>;

/// See the module.
#[derive(Debug)]
pub(super) struct Node {
    /// Holds the port while nobody listens on it: then a connection is refused, and nobody else can
    /// get the port.
    place: Socket,
    listener: Mutex<Option<TcpListener>>,
    open: Open,
    shared: Arc<Shared>,
}

fn bound(address: SocketAddr) -> Socket {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_reuse_address(true).unwrap();
    socket.bind(&address.into()).unwrap();
    socket
}

impl Node {
    /// Not up yet; 0: a free port.
    pub(super) fn new(port: u16, shared: Arc<Shared>) -> Self {
        let place = bound((Ipv4Addr::LOCALHOST, port).into());
        Node { place, listener: Mutex::default(), open: Open::default(), shared }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.place.local_addr().unwrap().as_socket().unwrap()
    }

    pub(super) fn up(&self) {
        let mut listener = self.listener.lock().unwrap();
        if listener.is_some() {
            return;
        }
        let socket = bound(self.address());
        socket.listen(1024).unwrap();
        let listening = TcpListener::from(socket);
        *listener = Some(listening.try_clone().unwrap());
        let (open, shared) = (self.open.clone(), self.shared.clone());
        std::thread::spawn(move || {
            for number in 0.. {
                let Ok((stream, _)) = listening.accept() else { return };
                stream.set_nodelay(true).unwrap();
                open.lock().unwrap().insert(number, stream.try_clone().unwrap());
                let (open, shared) = (open.clone(), shared.clone());
                std::thread::spawn(move || {
                    let end = talk::talk(&stream, &shared);
                    // The last handle says goodbye: no other may live on.
                    open.lock().unwrap().remove(&number);
                    if end == End::Reset {
                        die_on_close(&stream);
                    }
                });
            }
        });
    }

    pub(super) fn down(&self) {
        let Some(listener) = self.listener.lock().unwrap().take() else { return };
        // Ends the accept that waits on it.
        let _ = SockRef::from(&listener).shutdown(Shutdown::Both);
        for (_, stream) in std::mem::take(&mut *self.open.lock().unwrap()) {
            die_on_close(&stream);
            // Ends the read of its thread, which has the last handle.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

/// Makes of the close of a connection a reset: what was not sent is lost.
fn die_on_close(stream: &TcpStream) {
    let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
}
