//! What happens to one request's spans, top to bottom:
//! decode → verdict → repair → document → books → spool.
//!
//! All of it runs in the request's own task, in one pass over the body; a span costs no
//! allocation, no lock but the service cache's, no log line and no label look-up.

mod bodies;
mod growth;
mod harvest;
mod intake;
mod protocol;
mod span_counts;
mod tags;
mod tallies;

pub use bodies::Bodies;
pub use growth::Growth;
pub use protocol::Protocol;
pub use tags::CollectorTags;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use crate::clock::Clock;
use crate::decode::{self, Unreadable};
use crate::document::{Services, Shape};
use crate::memory::Reservation;
use crate::sample::Sampler;
use crate::settings::{EnvoyIds, SpanTimes};
use crate::span::Refusal;
use crate::spool::{NotSafe, Spool};
use crate::telemetry::metrics::Metrics;
use harvest::Harvest;
use intake::Intake;

/// What became of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Taken {
    /// Spans that are safe, or were sampled out.
    pub accepted: u64,
    /// Spans that were refused, by the labels of their reasons.
    pub refused: BTreeMap<&'static str, u64>,
    /// The first of them.
    pub first_refusal: Option<Refusal>,
}

impl Taken {
    /// How many spans were refused.
    pub fn refusals(&self) -> u64 {
        self.refused.values().sum()
    }

    /// For the sender: how many of his spans were refused, for what, and where the first one is.
    pub fn left_out(&self) -> Option<String> {
        let refused = self.refusals();
        if refused == 0 {
            return None;
        }
        let all = refused + self.accepted;
        let reasons: Vec<String> = self.refused.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
        let first = self.first_refusal.map(|first| format!("; the first: {} at byte {}", first.what, first.offset));
        let (reasons, first) = (reasons.join(", "), first.unwrap_or_default());
        Some(format!("{refused} of {all} spans were left out ({reasons}{first}): sending them again will not help"))
    }
}

/// Why a request was refused as a whole.
#[derive(Debug, thiserror::Error)]
pub enum Rejected {
    /// The body could not be read at all: the sender's fault, sending it again will not help.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// There were spans, and none of them could be taken: the sender's fault.
    #[error("none of {refused} spans could be taken: {what} at byte {offset}")]
    NothingReadable { refused: u64, what: &'static str, offset: usize },
    /// No memory, or the spool cannot make them safe: not the sender's fault, worth another try.
    #[error("no room for more spans now, send again later")]
    NotNow,
}

impl From<NotSafe> for Rejected {
    fn from(_: NotSafe) -> Self {
        Rejected::NotNow
    }
}

/// The way of a request's spans from its body to safety.
#[derive(Debug)]
pub struct Pipeline {
    pub spool: Arc<Spool>,
    pub metrics: Arc<Metrics>,
    pub services: Arc<Services>,
    pub shape: Shape,
    pub sampler: Arc<Sampler>,
    pub clock: Clock,
    pub limits: decode::Limits,
    /// `--limits.request-output-bytes`; `None`: 16 × body + 1 MiB.
    pub output_bytes: Option<usize>,
    pub times: SpanTimes,
    pub envoy_ids: EnvoyIds,
    /// `--collector.tags`, added to every process.
    pub collector_tags: CollectorTags,
    pub growth: Growth,
}

impl Pipeline {
    /// Takes one request's (inflated) body. Returns when its spans are safe; a future dropped
    /// before that leaves their fate open.
    ///
    /// `reservation` already holds the bytes of `body`; it grows by what the documents need and
    /// stays with them until the store has them. Nothing is entered in the books of a request
    /// that is answered [`Rejected::NotNow`]: its sender still has all of it.
    pub async fn take(&self, protocol: Protocol, body: Bytes, reservation: Reservation) -> Result<Taken, Rejected> {
        let harvest = self.read(protocol, &body, reservation)?;
        drop(body);
        let taken = harvest.taken();
        self.metrics.batch_size(harvest.outcome.received);
        self.make_safe(harvest).await?;
        taken
    }

    /// Takes bodies that came one by one and whose senders wait for no answer: they become one run. Says
    /// why which of them were refused as a whole.
    ///
    /// `reservation` holds the bytes of all. Where there is no memory for all of them together each is
    /// taken alone, so that what fits is taken.
    pub async fn take_all(&self, protocol: Protocol, bodies: Bodies, reservation: Reservation) -> Vec<Rejected> {
        let spare = reservation.beside();
        match self.read_all(protocol, &bodies, reservation) {
            Ok((harvest, mut rejected)) => {
                let count = bodies.len();
                drop(bodies);
                if self.make_safe(harvest).await.is_err() {
                    rejected.extend((rejected.len()..count).map(|_| Rejected::NotNow));
                }
                rejected
            }
            Err(why) if bodies.len() <= 1 => vec![why],
            Err(_) => bodies.each(spare, |body, charged| self.take(protocol, body, charged)).await,
        }
    }

    /// Returns when the spans are safe, and counts them then.
    async fn make_safe(&self, harvest: Harvest) -> Result<(), NotSafe> {
        let services = harvest.service_items();
        let (held, sampled_out) = (harvest.outcome.held, harvest.outcome.sampled_out.values().sum());
        let (counted, judged) = (harvest.counted, harvest.judged);
        if let Err(why) = self.spool.append(harvest.run, harvest.outcome, harvest.services).await {
            for (hour, id) in services {
                self.services.forget(hour, &id);
            }
            return Err(why);
        }
        judged.tell(&self.metrics);
        counted.iter().for_each(|(series, gathered)| series.add(gathered));
        self.metrics.spans_attempted(held);
        self.metrics.downsampled(held, sampled_out);
        Ok(())
    }

    /// One pass over the body: every span decoded, repaired, judged, written.
    fn read(&self, protocol: Protocol, body: &[u8], reservation: Reservation) -> Result<Harvest, Rejected> {
        let scratch = decode::Scratch::charged(reservation.beside());
        let mut intake = Intake::new(self, protocol, body.len(), reservation);
        let read = self.decode(protocol, body, &scratch, &mut intake);
        intake.check_room(scratch.is_starved())?;
        intake.end_body(read)?;
        Ok(intake.harvest())
    }

    /// The same for many bodies; what was refused as a whole brought nothing.
    fn read_all(
        &self,
        protocol: Protocol,
        bodies: &Bodies,
        reservation: Reservation,
    ) -> Result<(Harvest, Vec<Rejected>), Rejected> {
        let scratch = decode::Scratch::charged(reservation.beside());
        let mut intake = Intake::new(self, protocol, bodies.bytes(), reservation);
        let mut rejected = Vec::new();
        for body in bodies.iter() {
            let before = intake.begin_body();
            let read = self.decode(protocol, body, &scratch, &mut intake);
            let read = intake.end_body(read).and_then(|()| intake.check_taken(&before));
            rejected.extend(read.err());
        }
        intake.check_room(scratch.is_starved())?;
        Ok((intake.harvest(), rejected))
    }

    /// One pass over one body.
    fn decode<'a>(
        &self,
        protocol: Protocol,
        body: &'a [u8],
        scratch: &'a decode::Scratch,
        intake: &mut Intake<'_, 'a>,
    ) -> Result<(), Unreadable> {
        match protocol {
            Protocol::ZipkinJson => decode::zipkin_json(body, scratch, &self.limits, intake),
            Protocol::JaegerThriftHttp => decode::jaeger_thrift(body, &self.limits, intake),
            Protocol::ZipkinJsonV1 => decode::zipkin_v1_json(body, scratch, &self.limits, intake),
            Protocol::ZipkinThrift => decode::zipkin_thrift(body, scratch, &self.limits, intake),
            Protocol::ZipkinProto | Protocol::ZipkinGrpc => decode::zipkin_proto(body, scratch, &self.limits, intake),
            Protocol::JaegerCompactHttp => decode::jaeger_compact(body, &self.limits, intake),
            Protocol::JaegerGrpc => decode::jaeger_proto(body, &self.limits, intake),
            Protocol::AgentCompact => decode::agent_compact(body, &self.limits, intake),
            Protocol::AgentBinary => decode::agent_binary(body, &self.limits, intake),
            Protocol::OtlpGrpc | Protocol::OtlpHttp => decode::otlp_proto(body, scratch, &self.limits, intake),
            Protocol::OtlpJson => decode::otlp_json(body, scratch, &self.limits, intake),
        }
    }
}

#[cfg(test)]
mod tests;
