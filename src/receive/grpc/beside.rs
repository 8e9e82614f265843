//! What jaeger-collector serves on 14250 beside spans: health and reflection.
//!
//! Health is that of the admin port's `/`: serving from the start to the drain. Unlike Jaeger's it
//! is *not serving* while draining, and those who watch it are let go, or they would hold the
//! drain up.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::Router;
use tokio_stream::Stream;
use tokio_stream::wrappers::WatchStream;
use tonic::{Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_server::{Health as HealthOfGrpc, HealthServer};
use tonic_health::pb::{FILE_DESCRIPTOR_SET as HEALTH, HealthCheckRequest, HealthCheckResponse};
use tonic_reflection::pb::{v1, v1alpha};
use tonic_reflection::server::Builder;

use crate::proto::jaeger::DESCRIPTORS;
use crate::telemetry::health::{Health, Life};

/// Bytes of a request to these services: they ask for names.
const LARGEST: usize = 4 << 10;

/// Services whose health may be asked for; the first is the process.
const SERVICES: [&str; 3] = ["", super::POST_SPANS.service, super::sampling::SERVICE];

/// Adds the services to a port. The descriptors are made with Spaniel, and tests show that they can
/// be read.
pub(super) fn routes(port: Router, health: Arc<Health>) -> Router {
    let probe = HealthServer::new(Probe(health)).max_decoding_message_size(LARGEST);
    let mut port = port.route_service("/grpc.health.v1.Health/{method}", probe);
    if let Ok(service) = described().register_encoded_file_descriptor_set(v1alpha::FILE_DESCRIPTOR_SET).build_v1() {
        let service = service.max_decoding_message_size(LARGEST);
        port = port.route_service("/grpc.reflection.v1.ServerReflection/{method}", service);
    }
    if let Ok(service) = described().register_encoded_file_descriptor_set(v1::FILE_DESCRIPTOR_SET).build_v1alpha() {
        let service = service.max_decoding_message_size(LARGEST);
        port = port.route_service("/grpc.reflection.v1alpha.ServerReflection/{method}", service);
    }
    port
}

fn described() -> Builder<'static> {
    Builder::configure().register_encoded_file_descriptor_set(DESCRIPTORS).register_encoded_file_descriptor_set(HEALTH)
}

/// gRPC's view of our health.
#[derive(Debug)]
struct Probe(Arc<Health>);

#[tonic::async_trait]
impl HealthOfGrpc for Probe {
    async fn check(&self, request: Request<HealthCheckRequest>) -> Result<Response<HealthCheckResponse>, Status> {
        known(request.get_ref())?;
        Ok(Response::new(said(*self.0.watch().borrow())))
    }

    type WatchStream = Watching;

    async fn watch(&self, request: Request<HealthCheckRequest>) -> Result<Response<Watching>, Status> {
        known(request.get_ref())?;
        Ok(Response::new(Watching { lives: WatchStream::new(self.0.watch()), is_over: false }))
    }
}

fn known(request: &HealthCheckRequest) -> Result<(), Status> {
    if SERVICES.contains(&request.service.as_str()) { Ok(()) } else { Err(Status::not_found("unknown service")) }
}

fn said(life: Life) -> HealthCheckResponse {
    let status = if life == Life::Up { ServingStatus::Serving } else { ServingStatus::NotServing };
    HealthCheckResponse { status: status.into() }
}

/// Every change of our health, up to the drain.
#[derive(Debug)]
struct Watching {
    lives: WatchStream<Life>,
    is_over: bool,
}

impl Stream for Watching {
    type Item = Result<HealthCheckResponse, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        let life = ready!(Pin::new(&mut self.lives).poll_next(context));
        self.is_over = life == Some(Life::Draining);
        Poll::Ready(life.map(|life| Ok(said(life))))
    }
}
