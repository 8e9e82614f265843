//! jaeger-agent's UDP ports: Jaeger Thrift, compact on 6831 and binary on 6832, a message a
//! datagram.
//!
//! Nobody hears an answer, so nothing here may wait for one: what lies in the kernel's buffer is read and
//! decoded at once, as one run, and while its spans are made safe the next datagrams are read. What
//! waits is counted in number (`…server-queue-size`) and in bytes (`--memory.limit`, charged before the
//! pipeline takes it). While that is full nothing is read, and the kernel's buffer is what is left;
//! what the kernel drops it counts itself, and its count is among the metrics.
//!
//! A datagram of one span costs less than being woken for it. So where they come fast they are left to
//! gather for a [`PAUSE`], if the kernel's buffer has room (`--protocol udp` of `benches/load`).
//!
//! At the drain what lies in the kernel's buffer is still read, and what was read is made safe.

mod kernel;
mod socket;

pub use socket::{BoundUdp, bind};

use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard, OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::Instant;

use super::Take;
use crate::memory::{Budget, OverLimit, Reservation};
use crate::pipeline::{Bodies, Protocol, Rejected};
use crate::telemetry::metrics::{Datagrams, Metrics, Refusal};
use kernel::Kernel;

/// Bytes of what waits until a datagram's spans are safe, if it is taken alone.
const TASK: usize = 1536;
/// Bytes that the kernel counts for the smallest datagram, at least.
const SMALLEST: usize = 256;
/// The pause after an error of reading.
const AFTER_ERROR: Duration = Duration::from_millis(100);
/// Datagrams that are read before other tasks get their turn, and that become one run.
const TURN: usize = 64;
/// Their bytes, about.
const TURN_BYTES: usize = 1 << 18;
/// While datagrams come closer than so, they are left to gather for a pause.
const FAST: Duration = Duration::from_millis(4);
const PAUSE: Duration = Duration::from_millis(1);
/// The kernel's buffer from which on that is safe: what comes in twice the pause at 500,000 a second.
const ROOMY: usize = 1 << 20;

/// The UDP ports that are served.
#[derive(Debug, Default)]
pub struct DatagramServer {
    phase: watch::Sender<bool>,
}

/// One port, shared by the tasks that read it.
#[derive(Debug)]
struct Port<T> {
    socket: BoundUdp,
    protocol: Protocol,
    take: Arc<T>,
    budget: Arc<Budget>,
    metrics: Arc<Metrics>,
    counts: Arc<Datagrams>,
    /// Held by the one who waits for datagrams, so that one is woken and not all.
    reader: Mutex<()>,
    /// Datagrams that may wait to be safe.
    room: Arc<Semaphore>,
    queue: u32,
}

impl DatagramServer {
    pub fn new() -> Self {
        DatagramServer::default()
    }

    /// Serves bound sockets until the drain, in tasks of their own.
    pub fn serve<T: Take>(
        &self,
        sockets: Vec<(Protocol, BoundUdp)>,
        take: &Arc<T>,
        budget: &Arc<Budget>,
        metrics: &Arc<Metrics>,
    ) {
        let mut kernels = Vec::new();
        for (protocol, socket) in sockets {
            kernels.push(Kernel::of(protocol.name(), &socket));
            let queue = u32::try_from(socket.queue).unwrap_or(u32::MAX);
            let port = Arc::new(Port {
                protocol,
                take: take.clone(),
                budget: budget.clone(),
                metrics: metrics.clone(),
                counts: Arc::new(metrics.datagrams(protocol.name())),
                reader: Mutex::new(()),
                room: Arc::new(Semaphore::new(queue as usize)),
                queue,
                socket,
            });
            for _ in 0..port.socket.workers {
                tokio::spawn(port.clone().serve(self.phase.subscribe()));
            }
        }
        metrics.watch_sockets(move || kernels.iter().map(Kernel::state).collect());
    }

    /// Reads what is there, and waits until all of it is safe, `timeout` at most. False: it is not.
    pub async fn drain(&self, timeout: Duration) -> bool {
        self.phase.send_replace(true);
        tokio::time::timeout(timeout, self.phase.closed()).await.is_ok()
    }
}

impl<T: Take> Port<T> {
    async fn serve(self: Arc<Self>, mut draining: watch::Receiver<bool>) {
        // One byte more tells that a datagram is too long.
        let mut buffer = vec![0; self.socket.max_packet + 1];
        while let Some(reader) = until(&mut draining, self.reader.lock()).await {
            if !self.read(&mut buffer, &mut draining, reader).await {
                return;
            }
            tokio::task::yield_now().await;
        }
        // What lies in the kernel's buffer, and not what may come on for ever.
        for _ in 0..=self.socket.buffer / SMALLEST / TURN {
            if !self.turn(&mut buffer).await {
                break;
            }
        }
        // All permits are there again when all that was taken is safe.
        let _ = self.room.acquire_many(self.queue).await;
    }

    /// Reads, and nobody else does so, until there is more than one can keep up with. False: it cannot be
    /// read from.
    async fn read(&self, buffer: &mut [u8], draining: &mut watch::Receiver<bool>, reader: MutexGuard<'_, ()>) -> bool {
        let mut latest = None::<Instant>;
        while let Some(readable) = until(draining, self.socket.inner.readable()).await {
            if let Err(error) = readable {
                tracing::error!(listener = self.socket.name, %error, "cannot wait for datagrams");
                return false;
            }
            let (gathered, is_more) = self.gather(buffer).await;
            if is_more {
                drop(reader);
                self.take(gathered).await;
                return true;
            }
            self.take(gathered).await;
            let before = latest.replace(Instant::now());
            if before.is_some_and(|before| before.elapsed() < FAST) && self.socket.buffer >= ROOMY {
                tokio::time::sleep(PAUSE).await;
            }
        }
        true
    }

    /// Takes some of what is there; false if nothing is left.
    async fn turn(&self, buffer: &mut [u8]) -> bool {
        let (gathered, is_more) = self.gather(buffer).await;
        self.take(gathered).await;
        is_more
    }

    /// Reads some of what is there; false if nothing is left.
    async fn gather(&self, buffer: &mut [u8]) -> (Gathered, bool) {
        let mut gathered = Gathered::new(self.budget.reserve());
        let mut is_more = true;
        while is_more && !gathered.is_full() {
            let Ok(permit) = self.room.clone().try_acquire_owned() else {
                // Those in hand may be what it is full of.
                self.metrics.limit_reached(self.socket.queue_setting);
                self.take(std::mem::replace(&mut gathered, Gathered::new(self.budget.reserve()))).await;
                drop(self.room.acquire().await);
                continue;
            };
            match self.socket.inner.try_recv(buffer) {
                Ok(length) => self.add(buffer.get(..length).unwrap_or(&[]), permit, &mut gathered),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => is_more = false,
                // Of the kernel's memory, for we send nothing: the next one may well be readable.
                Err(error) => {
                    tracing::warn!(listener = self.socket.name, %error, "cannot read a datagram, trying again");
                    tokio::time::sleep(AFTER_ERROR).await;
                    is_more = false;
                }
            }
        }
        (gathered, is_more)
    }

    /// Puts one datagram with those before it.
    fn add(&self, received: &[u8], permit: OwnedSemaphorePermit, gathered: &mut Gathered) {
        self.counts.received();
        let bytes = received.get(..self.socket.max_packet).unwrap_or(received);
        if bytes.len() < received.len() {
            self.metrics.limit_reached(self.socket.size_setting);
        }
        if gathered.add(bytes, permit).is_err() {
            self.metrics.limit_reached("memory.limit");
            self.counts.refused(Refusal::Memory);
        }
    }

    /// Decodes what was gathered now; what is left to wait for goes to a task of its own.
    async fn take(&self, gathered: Gathered) {
        let Gathered { bodies, mut charge, permit } = gathered;
        if bodies.is_empty() {
            return;
        }
        // Less than is charged is always granted.
        let Ok(charged) = charge.split(bodies.bytes()) else { return };
        let (take, protocol) = (self.take.clone(), self.protocol);
        let mut taking = Box::pin(async move { take.take_all(protocol, bodies, charged).await });
        let at_once = poll_fn(|context| Poll::Ready(taking.as_mut().poll(context))).await;
        match at_once {
            Poll::Ready(rejected) => count(&self.counts, protocol, &rejected),
            Poll::Pending => {
                let counts = self.counts.clone();
                tokio::spawn(async move {
                    count(&counts, protocol, &taking.await);
                    drop((charge, permit));
                });
            }
        }
    }
}

/// What comes of `future`; `None` if the drain begins before.
async fn until<T>(draining: &mut watch::Receiver<bool>, future: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        _ = draining.wait_for(|draining| *draining) => None,
        output = future => Some(output),
    }
}

/// Datagrams in hand, and what they are charged to: memory, for themselves and their task, and places in
/// the queue.
#[derive(Debug)]
struct Gathered {
    bodies: Bodies,
    charge: Reservation,
    permit: Option<OwnedSemaphorePermit>,
}

impl Gathered {
    fn new(charge: Reservation) -> Self {
        Gathered { bodies: Bodies::default(), charge, permit: None }
    }

    fn is_full(&self) -> bool {
        self.bodies.len() >= TURN || self.bodies.bytes() >= TURN_BYTES
    }

    fn add(&mut self, body: &[u8], permit: OwnedSemaphorePermit) -> Result<(), OverLimit> {
        self.charge.grow(TASK + body.len())?;
        self.bodies.push(body);
        match &mut self.permit {
            Some(permits) => permits.merge(permit),
            none => *none = Some(permit),
        }
        Ok(())
    }
}

fn count(counts: &Datagrams, protocol: Protocol, rejected: &[Rejected]) {
    for error in rejected {
        counts.refused(match error {
            Rejected::Unreadable(_) => Refusal::Unreadable,
            Rejected::NothingReadable { .. } => Refusal::NothingReadable,
            Rejected::NotNow => Refusal::NotSafe,
        });
        tracing::debug!(protocol = protocol.name(), %error, "a datagram was refused");
    }
}
