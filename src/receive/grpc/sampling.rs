//! `jaeger.api_v2.SamplingManager/GetSamplingStrategy`: what clients are told over gRPC that ask
//! how much to sample.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Response};
use axum::routing::any;
use prost::Message;
use tonic::Code;

use super::answer::{self, Refusal};
use super::{message, unary};
use crate::pipeline::Protocol;
use crate::proto::jaeger::{
    OperationSamplingStrategy, PerOperationSamplingStrategies, ProbabilisticSamplingStrategy,
    RateLimitingSamplingStrategy, SamplingStrategyParameters, SamplingStrategyResponse, SamplingStrategyType,
};
use crate::receive::{BodyReader, Reception};
use crate::sample::strategies::{Answer, PerOperation, StrategiesHandle, Strategy};
use crate::telemetry::metrics::Metrics;

pub(super) const SERVICE: &str = "jaeger.api_v2.SamplingManager";
const METHOD: &str = "GetSamplingStrategy";

/// What the service is made of.
#[derive(Debug, Clone)]
struct Manager {
    bodies: BodyReader,
    metrics: Arc<Metrics>,
    strategies: StrategiesHandle,
}

/// The service alone.
pub(super) fn route<T>(reception: &Reception<T>, strategies: StrategiesHandle) -> Router {
    let (bodies, metrics) = (reception.bodies.clone(), reception.metrics.clone());
    Router::new().route(&format!("/{SERVICE}/{{method}}"), any(serve)).with_state(Manager {
        bodies,
        metrics,
        strategies,
    })
}

async fn serve(State(manager): State<Manager>, request: Request) -> Response<Body> {
    if let Some((status, what)) = unary::not_a_call(&request) {
        manager.metrics.request_refused(Protocol::JaegerGrpc.name(), status.as_u16());
        let words =
            format!("{what}: this is {SERVICE}/{METHOD} of gRPC; over HTTP ask GET /api/sampling of port 14268");
        return crate::receive::answer::words(status, &words);
    }
    let (head, body) = request.into_parts();
    match manager.tell(head.uri.path(), &head.headers, body).await {
        Ok(reply) => answer::reply(&reply),
        Err(refusal) => {
            manager.metrics.request_refused(Protocol::JaegerGrpc.name(), refusal.code() as u16);
            refusal.limit.inspect(|limit| manager.metrics.limit_reached(limit));
            refusal.into_response()
        }
    }
}

impl Manager {
    async fn tell(&self, path: &str, headers: &HeaderMap, body: Body) -> Result<Vec<u8>, Refusal> {
        unary::find(path, SERVICE, METHOD)?;
        let asked = message::read(&self.bodies, headers, body).await?;
        let asked = SamplingStrategyParameters::decode(asked.bytes)
            .map_err(|error| Refusal::new(Code::Internal, format!("grpc: error unmarshalling request: {error}")))?;
        Ok(response(&self.strategies.current().answer(&asked.service_name)).encode_to_vec())
    }
}

fn response(answer: &Answer<'_>) -> SamplingStrategyResponse {
    let operation_sampling = answer.per_operation.as_ref().map(per_operation);
    match answer.strategy {
        Strategy::Probabilistic(rate) => SamplingStrategyResponse {
            strategy_type: SamplingStrategyType::Probabilistic.into(),
            probabilistic_sampling: probability(rate),
            rate_limiting_sampling: None,
            operation_sampling,
        },
        Strategy::RateLimiting(limit) => SamplingStrategyResponse {
            strategy_type: SamplingStrategyType::RateLimiting.into(),
            probabilistic_sampling: None,
            rate_limiting_sampling: Some(RateLimitingSamplingStrategy { max_traces_per_second: limit }),
            operation_sampling,
        },
    }
}

fn per_operation(strategies: &PerOperation<'_>) -> PerOperationSamplingStrategies {
    let listed = strategies.listed().map(|(operation, rate)| OperationSamplingStrategy {
        operation: operation.into(),
        probabilistic_sampling: probability(rate),
    });
    PerOperationSamplingStrategies {
        default_sampling_probability: strategies.default_probability,
        default_lower_bound_traces_per_second: 0.0,
        per_operation_strategies: listed.collect(),
        default_upper_bound_traces_per_second: 0.0,
    }
}

fn probability(sampling_rate: f64) -> Option<ProbabilisticSamplingStrategy> {
    Some(ProbabilisticSamplingStrategy { sampling_rate })
}
