//! One connection from its first byte to its last: HTTP/1.1 or HTTP/2 by prior knowledge, as its
//! first bytes say.
//!
//! A connection whose request was answered before its body was read to the end cannot be used
//! again: its answer says so, or the next request would cross the close.
//!
//! An old connection is let go with an answer: HTTP/1 with `Connection: close` on its next one (a
//! close between requests could cross a request on its way, and Envoy sends nothing twice), HTTP/2
//! with GOAWAY. One of HTTP/2 that stays is cut: when nothing was asked for the time of a head, and,
//! where a grace is set, after that whatever is under way.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CONNECTION, HeaderValue};
use axum::http::{Request, Response, Version};
use axum::{BoxError, Router};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulConnection;
use tokio::sync::watch;
use tokio::time::{Instant, Sleep};
use tower::Service;

use super::heard::Heard;
use super::http2::{self, Ended};
use super::lingering::Lingering;
use super::pulse::{Due, Pulse};
use super::server::{Phase, Seat, Served};
use super::stream::Stream;
use crate::telemetry::log::take_large_heads;
use crate::telemetry::metrics::Metrics;

/// What a connection that was asked to go has left.
const FAREWELL: Duration = Duration::from_secs(1);

/// Serves one connection until it ends, however it ends.
pub(super) async fn run(mut seat: Seat, stream: Stream, served: Arc<Served>, phase: watch::Receiver<Phase>) {
    let server = seat.server.clone();
    let pulse = Arc::new(Pulse::new(&server.limits, server.vary(served.age)));
    let io = TokioIo::new(Lingering::new(stream, pulse.clone(), seat.take_charge(), http2::most_held(&server.limits)));
    let of_requests = pulse.clone();
    let service = service_fn(move |request| answer(served.router.clone(), request, of_requests.clone()));
    let connection = pin!(server.builder.serve_connection(io, service));
    drive(connection, &pulse, phase, &server.metrics).await;
    if pulse.is_starved() {
        server.metrics.limit_reached("memory.limit");
    }
}

/// Counts a request while it is answered; it may also be given up by its sender.
struct InFlight(Arc<Pulse>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.end();
    }
}

async fn answer(
    mut router: Router,
    request: Request<Incoming>,
    pulse: Arc<Pulse>,
) -> Result<Response<Body>, Infallible> {
    if request.version() == Version::HTTP_2 {
        pulse.set_http2();
    }
    pulse.begin();
    let request = request.map(|body| Body::new(Heard::new(body, pulse.clone())));
    let in_flight = InFlight(pulse);
    let mut response = router.call(request).await?;
    let pulse = &in_flight.0;
    if (pulse.is_old() || pulse.is_unheard()) && !pulse.is_http2() {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}

/// Polls a connection to its end, or to the end of our patience.
async fn drive<C: GracefulConnection<Error = BoxError>>(
    mut connection: Pin<&mut C>,
    pulse: &Pulse,
    mut phase: watch::Receiver<Phase>,
    metrics: &Metrics,
) {
    let mut timer = pin!(tokio::time::sleep(Duration::ZERO));
    let mut farewell = false;
    // A drain that began before this receiver did is news too.
    phase.mark_changed();
    loop {
        tokio::select! {
            biased;
            ended = poll_fn(|context| poll_counting(connection.as_mut(), metrics, context)) => {
                match ended.err().and_then(|error| http2::ended_by(&*error)) {
                    Some(Ended::LargeHead) => metrics.limit_reached("limits.header-bytes"),
                    Some(Ended::Calmed) => metrics.limit_reached(pulse.calmed().unwrap_or(http2::FLOOD)),
                    None => {}
                }
                return;
            }
            due = poll_fn(|context| next_due(pulse, timer.as_mut(), farewell, context)) => match due {
                Due::At(_) => return,
                Due::Overdue => return metrics.limit_reached("max-connection-age-grace"),
                Due::Flood => return metrics.limit_reached("limits.http2-unasked-bytes"),
                Due::SlowHeader => return metrics.limit_reached("limits.header-timeout"),
                Due::Old => {
                    metrics.limit_reached("limits.connection-age");
                    if pulse.is_http2() {
                        connection.as_mut().graceful_shutdown();
                    }
                }
                Due::Idle => {
                    metrics.limit_reached("limits.idle-timeout");
                    connection.as_mut().graceful_shutdown();
                    farewell = true;
                    timer.as_mut().reset(Instant::now() + FAREWELL);
                }
            },
            _ = phase.changed() => match *phase.borrow_and_update() {
                Phase::Open => {}
                Phase::Draining => connection.as_mut().graceful_shutdown(),
                Phase::Cut => return,
            },
        }
    }
}

/// Polls a connection, and counts the heads that were too large for it to bring them to the router.
fn poll_counting<C: Future>(connection: Pin<&mut C>, metrics: &Metrics, context: &mut Context<'_>) -> Poll<C::Output> {
    let polled = connection.poll(context);
    for _ in 0..take_large_heads() {
        metrics.limit_reached("limits.header-bytes");
    }
    polled
}

/// Ready when something has to be done; during the farewell, when it is over. A request that goes
/// well asks neither the pulse nor the clock.
fn next_due(pulse: &Pulse, mut timer: Pin<&mut Sleep>, farewell: bool, context: &mut Context<'_>) -> Poll<Due> {
    loop {
        let elapsed = timer.as_mut().poll(context).is_ready();
        if farewell && elapsed {
            return Poll::Ready(Due::At(timer.deadline()));
        }
        if farewell || !(elapsed || pulse.is_urgent()) {
            return Poll::Pending;
        }
        match pulse.due() {
            Due::At(wanted) => timer.as_mut().reset(wanted),
            now => return Poll::Ready(now),
        }
    }
}
