//! `spaniel load`: posts what real Envoys posted, with fresh ids and times, to any Zipkin collector, and
//! prints a table of what was acknowledged and how fast.
//!
//! It ends by itself; SIGTERM and SIGINT end it before, and it prints what it has. `benches/load`
//! drives the same generator, with bodies and clients of more protocols.

pub mod bodies;
pub mod generator;
pub mod http;

use std::io::Write;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::{CommandError, Outcome};
use crate::settings::LoadPlan;
use generator::{Load, Offered};
use http::{Http, Place};

pub(super) async fn run(plan: &LoadPlan, out: &mut dyn Write) -> Result<Outcome, CommandError> {
    let place = place(&plan.to);
    let stop = stop_by_signal()?;
    let pace = plan.rate.map_or("as fast as it is answered".into(), |rate| format!("{rate} spans a second"));
    writeln!(
        out,
        "POST http://{}{}, {} connections, {pace}, {:?} for each size",
        place.address, place.path, plan.connections, plan.duration
    )?;
    writeln!(out, "{HEADER}")?;
    out.flush()?;
    let mut outcome = Outcome::Good;
    for &spans in &plan.spans {
        let load = Load { spans, connections: plan.connections, length: plan.duration, every: every(plan, spans) };
        let templates = bodies::templates(spans, bodies::variety(spans));
        let offered = generator::drive(|| Http::new(place.clone()), &templates, &load, &stop).await;
        write_row(spans, &offered, out)?;
        if offered.accepted == 0 || offered.accepted != offered.spans() {
            outcome = Outcome::Wrong;
        }
        if *stop.borrow() {
            writeln!(out, "stopped by a signal")?;
            break;
        }
    }
    Ok(outcome)
}

/// The time between two requests of a connection, so that all of them make the rate.
fn every(plan: &LoadPlan, spans: usize) -> Option<Duration> {
    let rate = plan.rate?;
    Some(Duration::from_secs_f64((spans * plan.connections) as f64 / rate as f64))
}

/// The URL has been checked: `http://`, a host, perhaps a port and a path.
fn place(url: &str) -> Place {
    let rest = url.strip_prefix("http://").unwrap_or(url);
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let has_port = host.rsplit_once(':').is_some_and(|(_, port)| !port.is_empty() && !port.ends_with(']'));
    let path = path.trim_end_matches('/');
    let path = if path.ends_with("/spans") { path.to_string() } else { format!("{path}/api/v2/spans") };
    let address = if has_port { host.into() } else { format!("{host}:80") };
    // Not all collectors say 202.
    Place { address, path, content_type: "application/json", good: 200..300 }
}

fn stop_by_signal() -> Result<watch::Receiver<bool>, CommandError> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        stop.send_replace(true);
        // Kept: a closed channel would be no stop.
        stop.closed().await;
    });
    Ok(stopped)
}

const HEADER: &str = "spans/POST |  spans sent | acknowledged |    refused | unanswered |  spans/s |  p50 ms |  p99 ms |  max ms | answers";

fn write_row(spans: usize, offered: &Offered, out: &mut dyn Write) -> std::io::Result<()> {
    let milliseconds = |micros: u64| micros as f64 / 1000.0;
    let quantile = |quantile| milliseconds(offered.answer.value_at_quantile(quantile));
    let answers: Vec<_> = offered.statuses.iter().map(|(status, count)| format!("{status}: {count}")).collect();
    let rate = offered.accepted as f64 / offered.wall.as_secs_f64().max(f64::EPSILON);
    writeln!(
        out,
        "{spans:10} | {:11} | {:12} | {:10} | {:10} | {rate:8.0} | {:7.2} | {:7.2} | {:7.2} | {}",
        offered.spans(),
        offered.accepted,
        offered.refused,
        offered.unanswered,
        quantile(0.5),
        quantile(0.99),
        milliseconds(offered.answer.max()),
        answers.join(", ")
    )?;
    for (failure, count) in &offered.failures {
        writeln!(out, "{:10} | {count} times: {failure}", "")?;
    }
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_places() {
        for (url, address, path) in [
            ("http://zipkin.jaeger:9411", "zipkin.jaeger:9411", "/api/v2/spans"),
            ("http://zipkin/", "zipkin:80", "/api/v2/spans"),
            ("http://[::1]", "[::1]:80", "/api/v2/spans"),
            ("http://[::1]:9411/zipkin/", "[::1]:9411", "/zipkin/api/v2/spans"),
            ("http://a:1/zipkin/api/v1/spans", "a:1", "/zipkin/api/v1/spans"),
        ] {
            let place = place(url);
            assert_eq!((place.address.as_str(), place.path.as_str()), (address, path), "{url}");
        }
    }

    #[test]
    fn all_connections_together_make_the_rate() {
        let plan = LoadPlan { rate: Some(1000), connections: 20, ..LoadPlan::default() };
        assert_eq!(every(&plan, 5), Some(Duration::from_millis(100)));
        assert_eq!(every(&LoadPlan { rate: None, ..plan }, 5), None);
    }
}
