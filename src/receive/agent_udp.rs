//! jaeger-agent's UDP ports: Jaeger Thrift, compact on 6831 and binary on 6832, a message a
//! datagram.
//!
//! Nobody hears an answer, so nothing here may wait for one: a datagram is read and decoded at
//! once, and while its spans are made safe the next one is read. What waits is counted in number
//! (`…server-queue-size`) and in bytes (`--memory.limit`, charged before the pipeline takes it).
//! While that is full nothing is read, and the kernel's buffer is what is left; what the kernel
//! drops it counts itself, and its count is among the metrics.
//!
//! At the drain what lies in the kernel's buffer is still read, and what was read is made safe.

mod kernel;
mod socket;

pub use socket::{BoundUdp, bind};

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::Take;
use crate::memory::{Budget, OverLimit, Reservation};
use crate::pipeline::{Protocol, Rejected, Taken};
use crate::telemetry::metrics::{Datagrams, Metrics, Refusal};
use kernel::Kernel;

/// Bytes of the task that waits until a datagram's spans are safe.
const TASK: usize = 1536;
/// Bytes that the kernel counts for the smallest datagram, at least.
const SMALLEST: usize = 256;
/// The pause after an error of reading.
const PAUSE: Duration = Duration::from_millis(100);
/// Datagrams that are read before other tasks get their turn.
const TURN: usize = 64;

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
        loop {
            tokio::select! {
                biased;
                _ = draining.wait_for(|draining| *draining) => break,
                readable = self.socket.inner.readable() => {
                    if let Err(error) = readable {
                        tracing::error!(listener = self.socket.name, %error, "cannot wait for datagrams");
                        return;
                    }
                }
            }
            self.turn(&mut buffer).await;
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

    /// Takes some of what is there; false if nothing is.
    async fn turn(&self, buffer: &mut [u8]) -> bool {
        for _ in 0..TURN {
            let permit = self.permit().await;
            match self.socket.inner.try_recv(buffer) {
                Ok(length) => self.datagram(buffer.get(..length).unwrap_or(&[]), permit).await,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return false,
                // Of the kernel's memory, for we send nothing: the next one may well be readable.
                Err(error) => {
                    tracing::warn!(listener = self.socket.name, %error, "cannot read a datagram, trying again");
                    tokio::time::sleep(PAUSE).await;
                    return false;
                }
            }
        }
        true
    }

    async fn permit(&self) -> Option<OwnedSemaphorePermit> {
        if let Ok(permit) = self.room.clone().try_acquire_owned() {
            return Some(permit);
        }
        self.metrics.limit_reached(self.socket.queue_setting);
        self.room.clone().acquire_owned().await.ok()
    }

    /// Decodes one datagram now; what is left to wait for goes to a task of its own.
    async fn datagram(&self, received: &[u8], permit: Option<OwnedSemaphorePermit>) {
        self.counts.received();
        let bytes = received.get(..self.socket.max_packet).unwrap_or(received);
        if bytes.len() < received.len() {
            self.metrics.limit_reached(self.socket.size_setting);
        }
        let Ok((task, body)) = self.reserve(bytes.len()) else {
            self.metrics.limit_reached("memory.limit");
            return self.counts.refused(Refusal::Memory);
        };
        let (take, protocol, body_bytes) = (self.take.clone(), self.protocol, Bytes::copy_from_slice(bytes));
        let mut taking = Box::pin(async move { take.take(protocol, body_bytes, body).await });
        let at_once = poll_fn(|context| Poll::Ready(taking.as_mut().poll(context))).await;
        match at_once {
            Poll::Ready(outcome) => count(&self.counts, protocol, &outcome),
            Poll::Pending => {
                let counts = self.counts.clone();
                tokio::spawn(async move {
                    count(&counts, protocol, &taking.await);
                    drop((task, permit));
                });
            }
        }
    }

    /// Room for a datagram's task, and for its body.
    fn reserve(&self, body: usize) -> Result<(Reservation, Reservation), OverLimit> {
        let mut task = self.budget.reserve();
        task.grow(TASK + body)?;
        let body = task.split(body)?;
        Ok((task, body))
    }
}

fn count(counts: &Datagrams, protocol: Protocol, outcome: &Result<Taken, Rejected>) {
    let refusal = match outcome {
        Ok(_) => return,
        Err(Rejected::Unreadable(_)) => Refusal::Unreadable,
        Err(Rejected::NothingReadable { .. }) => Refusal::NothingReadable,
        Err(Rejected::NotNow) => Refusal::NotSafe,
    };
    counts.refused(refusal);
    if let Err(error) = outcome {
        tracing::debug!(protocol = protocol.name(), %error, "a datagram was refused");
    }
}
