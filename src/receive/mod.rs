//! Listeners and the manners of each protocol: routes, status codes, encodings, limits.
//!
//! [`Server`] is the accept loop under every listener: it limits connections, their headers, their
//! idleness and their age, and drains them. Routes are axum's. [`BodyReader`] admits bodies into
//! the memory budget as they arrive and inflates them. [`zipkin`], [`jaeger_http`], [`otlp_http`] and
//! [`grpc`] say what each protocol's senders expect to hear, [`agent_udp`] and [`agent_http`] stand
//! where a jaeger-agent stood. [`Tls`] and [`Guard`] stand before the routes. A request goes axum →
//! body → [`Take`] → status; nothing is logged or looked up for one that goes well.

mod address;
pub mod agent_http;
pub mod agent_udp;
mod answer;
mod body;
mod connection;
mod cors;
pub mod grpc;
mod guard;
mod heard;
mod http2;
mod inflate;
pub mod jaeger_http;
mod lingering;
mod listener;
mod media_type;
pub mod otlp_http;
mod pulse;
mod reload;
mod server;
mod strategies;
mod stream;
mod tls;
pub mod zipkin;

pub use address::{AddressError, parse as parse_host_port};
pub use body::BodyReader;
pub use guard::{Guard, TokenError};
pub use listener::{BindError, Bound, bind};
pub use server::Server;
pub use tls::{Tls, TlsError};

use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;

use crate::memory::Reservation;
use crate::pipeline::{Bodies, Pipeline, Protocol, Rejected, Taken};
use crate::telemetry::metrics::Metrics;

/// Takes the spans of a request's body: the pipeline, or what a test puts in its place.
pub trait Take: Send + Sync + 'static {
    /// Returns when the spans are safe, or with the reason why none were taken.
    fn take(
        &self,
        protocol: Protocol,
        body: Bytes,
        reservation: Reservation,
    ) -> impl Future<Output = Result<Taken, Rejected>> + Send;

    /// The same for bodies to which nobody waits for an answer: why which of them were refused.
    fn take_all(
        &self,
        protocol: Protocol,
        bodies: Bodies,
        reservation: Reservation,
    ) -> impl Future<Output = Vec<Rejected>> + Send {
        async move { bodies.each(reservation, |body, charged| self.take(protocol, body, charged)).await }
    }
}

impl Take for Pipeline {
    async fn take(&self, protocol: Protocol, body: Bytes, reservation: Reservation) -> Result<Taken, Rejected> {
        Pipeline::take(self, protocol, body, reservation).await
    }

    async fn take_all(&self, protocol: Protocol, bodies: Bodies, reservation: Reservation) -> Vec<Rejected> {
        Pipeline::take_all(self, protocol, bodies, reservation).await
    }
}

/// What the routes of a protocol are built from.
#[derive(Debug)]
pub struct Reception<T> {
    pub take: Arc<T>,
    pub bodies: BodyReader,
    pub metrics: Arc<Metrics>,
}

impl<T> Reception<T> {
    /// The same for bodies that `setting` limits to `largest` bytes, inflated or not.
    fn limited(&self, largest: usize, setting: &'static str) -> Self {
        Reception { bodies: self.bodies.limited(largest, setting), ..self.clone() }
    }
}

impl<T> Clone for Reception<T> {
    fn clone(&self) -> Self {
        Reception { take: self.take.clone(), bodies: self.bodies.clone(), metrics: self.metrics.clone() }
    }
}
