//! One request's spans on their way into a run: the [`Sink`] that decoders fill.

use std::ops::RangeInclusive;

use super::harvest::Harvest;
use super::span_counts::SpanCounts;
use super::tallies::Tallies;
use super::{Pipeline, Protocol, Rejected};
use crate::decode::{Sink, Unreadable};
use crate::document::{scope_seed, span_id, write_service};
use crate::item::{Id, Item, Kind, Run};
use crate::memory::{OverLimit, Reservation};
use crate::sample::{Judge, Verdict};
use crate::settings::EnvoyIds;
use crate::span::repair::{self, Family, Mend};
use crate::span::{Limit, Process, Reason, Refusal, Span, Tag, Text, Value};
use crate::telemetry::books::Outcome;

/// Microseconds of an hour.
const HOUR: u64 = 3_600_000_000;

/// What one request brings, while it is read.
#[derive(Debug)]
pub(super) struct Intake<'p, 'a> {
    pipeline: &'p Pipeline,
    protocol: Protocol,
    family: Family,
    /// The process of the spans that follow: its JSON, its service, and the seed of its hash.
    process: Vec<u8>,
    service: Text<'a>,
    seed: u64,
    tallies: Tallies<'a>,
    run: Run,
    outcome: Outcome,
    services: u64,
    first_refusal: Option<Refusal>,
    body: usize,
    output_limit: usize,
    /// Earliest and latest start that is believed, microseconds.
    starts: RangeInclusive<u64>,
    /// Microseconds since 1970.
    now: u64,
    /// Counts of all spans, before any is sampled out, if they are wanted.
    counts: Option<SpanCounts<'p>>,
    /// How often each thing was mended, in the order of [`Mend::ALL`].
    mends: [u64; Mend::ALL.len()],
    /// The same before the body that is read.
    mends_before: [u64; Mend::ALL.len()],
    /// The newest end of a span, and its service: whether the sender's clock is right.
    newest: (u64, Text<'a>),
    /// How often each limit on a span or a request was passed, in the order of [`Limit::ALL`].
    limits: [u64; Limit::ALL.len()],
    over_limit: bool,
    mends_envoy_ids: bool,
    judge: Judge<'p, 'a>,
    watches_envoy: bool,
}

/// What there was before a body of several.
#[derive(Debug)]
pub(super) struct Before {
    received: u64,
    refused: u64,
}

impl<'p, 'a> Intake<'p, 'a> {
    pub(super) fn new(pipeline: &'p Pipeline, protocol: Protocol, body: usize, reservation: Reservation) -> Self {
        let now = pipeline.clock.micros();
        pipeline.shape.turn(now);
        let micros = |length: std::time::Duration| u64::try_from(length.as_micros()).unwrap_or(u64::MAX);
        let earliest = pipeline.times.max_age.map_or(0, |age| now.saturating_sub(micros(age)));
        let latest = pipeline.times.max_future.map_or(u64::MAX, |future| now.saturating_add(micros(future)));
        let documents = Vec::with_capacity(pipeline.growth.room_for(body));
        let run = Run::new(protocol.label(), Vec::new(), documents, reservation);
        let mut intake = Intake {
            pipeline,
            protocol,
            family: protocol.family(),
            process: Vec::with_capacity(128),
            service: Text::default(),
            seed: 0,
            tallies: Tallies::default(),
            run,
            outcome: Outcome::default(),
            services: 0,
            first_refusal: None,
            body,
            output_limit: output_limit(pipeline.output_bytes, body),
            starts: earliest..=latest,
            now,
            counts: pipeline.metrics.span_series().map(SpanCounts::new),
            mends: [0; Mend::ALL.len()],
            mends_before: [0; Mend::ALL.len()],
            newest: (0, Text::default()),
            limits: [0; Limit::ALL.len()],
            over_limit: false,
            mends_envoy_ids: protocol.is_zipkin_proto() && pipeline.envoy_ids == EnvoyIds::Auto,
            judge: pipeline.sampler.request(now),
            watches_envoy: pipeline.sampler.watches_envoy(),
        };
        intake.charge();
        intake
    }

    /// Begins another body of the same request.
    pub(super) fn begin_body(&mut self) -> Before {
        self.first_refusal = None;
        self.mends_before = self.mends;
        Before { received: self.outcome.received, refused: self.refused() }
    }

    /// After a body: why it is refused as a whole. Such a one had no spans.
    pub(super) fn end_body(&mut self, read: Result<(), Unreadable>) -> Result<(), Rejected> {
        if let Err(unreadable) = read {
            self.mends = self.mends_before;
            unreadable.limit.inspect(|limit| self.pipeline.metrics.limit_reached(limit.name()));
            return Err(unreadable.into());
        }
        if self.newest.0 > 0 {
            self.pipeline.metrics.arrived(self.now, self.newest.0, || self.newest.1.decoded());
            self.newest.0 = 0;
        }
        Ok(())
    }

    /// An error if a body had spans and none could be taken.
    pub(super) fn check_taken(&self, before: &Before) -> Result<(), Rejected> {
        let (received, refused) = (self.outcome.received - before.received, self.refused() - before.refused);
        self.pipeline.metrics.batch_size(received);
        match self.first_refusal {
            Some(first) if received == refused => {
                Err(Rejected::NothingReadable { refused, what: first.what, offset: first.offset })
            }
            _ => Ok(()),
        }
    }

    fn refused(&self) -> u64 {
        self.outcome.refused.values().sum()
    }

    /// After all bodies: an error if there was no memory for what they brought, or, if `is_starved`, for
    /// what had to be built.
    pub(super) fn check_room(&mut self, is_starved: bool) -> Result<(), Rejected> {
        if is_starved || self.over_limit || self.settle_charge().is_err() {
            self.forget_services();
            self.pipeline.metrics.limit_reached("memory.limit");
            return Err(Rejected::NotNow);
        }
        Ok(())
    }

    /// What was read.
    pub(super) fn harvest(mut self) -> Harvest {
        if self.outcome.refused.contains_key(Reason::Amplification.label()) {
            self.pipeline.metrics.limit_reached("limits.request-output-bytes");
        }
        if self.pipeline.shape.reached_max_fields() {
            self.pipeline.metrics.limit_reached("es.lean.max-fields");
        }
        self.tallies.put_by(self.service);
        self.tallies.enter(self.protocol, &self.pipeline.metrics);
        self.enter_mends();
        self.enter_limits();
        self.outcome.held = self.run.items.len() as u64 - self.services;
        let Intake { run, mut outcome, services, first_refusal, counts, judge, .. } = self;
        let counted = counts.map(SpanCounts::into_rows).unwrap_or_default();
        let judged = judge.end();
        outcome.sampled_out = judged.dropped();
        Harvest { run, outcome, services, counted, judged, first_refusal }
    }

    /// Writes a span that is to be kept under this name, and before it the document of its service
    /// and operation if that is new.
    fn keep(&mut self, span: &Span<'a>, id: Id) {
        let before = (self.run.items.len(), self.run.documents.len(), self.services);
        let hour = span.start / HOUR;
        if let Some(id) = self.pipeline.services.unknown(hour, self.service, span.operation, self.now) {
            let start = self.run.documents.len();
            write_service(&mut self.run.documents, self.service, span.operation);
            self.push(Kind::Service, hour, id, start);
            self.services += 1;
        }
        let start = self.run.documents.len();
        self.pipeline.shape.write_span(&mut self.run.documents, span, &self.process);
        self.push(Kind::Span, hour, id, start);
        if self.run.documents.len() > self.output_limit {
            self.undo(before);
            self.count_refusal(Refusal {
                reason: Reason::Amplification,
                offset: 0,
                what: "documents outgrew the request",
            });
        }
        self.charge();
    }

    fn push(&mut self, kind: Kind, hour: u64, id: Id, start: usize) {
        // What does not fit 32 bits is over the output limit, and taken back at once.
        let (start, end) = (start as u32, self.run.documents.len() as u32);
        self.run.items.push(Item { kind, hour, id, start, end });
    }

    /// Takes back what was written since `before`.
    fn undo(&mut self, before: (usize, usize, u64)) {
        for item in self.run.items.drain(before.0..) {
            if item.kind == Kind::Service {
                self.pipeline.services.forget(item.hour, &item.id);
            }
        }
        self.run.documents.truncate(before.1);
        self.services = before.2;
    }

    fn forget_services(&mut self) {
        self.undo((0, 0, 0));
    }

    /// Charges what was written; after a failure nothing more is written.
    fn charge(&mut self) {
        let wanted = self.body + self.room();
        if wanted > self.run.reservation.bytes() {
            self.over_limit |= self.run.reservation.resize(wanted).is_err();
        }
    }

    /// Gives back the body's share, and what was reserved but not filled.
    fn settle_charge(&mut self) -> Result<(), OverLimit> {
        self.pipeline.growth.learn(self.body, self.run.documents.len());
        if self.run.documents.capacity() > self.run.documents.len() / 2 * 3 + 1024 {
            self.run.documents.shrink_to_fit();
        }
        let room = self.room();
        self.run.reservation.resize(room)
    }

    fn room(&self) -> usize {
        self.run.bytes()
    }

    fn count_refusal(&mut self, refusal: Refusal) {
        *self.outcome.refused.entry(refusal.reason.label()).or_default() += 1;
        if let Reason::Limit(limit) = refusal.reason {
            self.limits[limit as usize] += 1;
        }
        self.first_refusal.get_or_insert(refusal);
    }

    fn enter_mends(&mut self) {
        for (mend, &count) in Mend::ALL.iter().zip(&self.mends).filter(|(_, count)| **count > 0) {
            self.pipeline.metrics.mended(mend.label(), count);
        }
    }

    fn enter_limits(&self) {
        for (limit, &count) in Limit::ALL.iter().zip(&self.limits).filter(|(_, count)| **count > 0) {
            self.pipeline.metrics.limit_passed(limit.name(), count);
        }
    }

    fn repair(&mut self, span: &mut Span<'a>) {
        if self.mends_envoy_ids {
            let mend = repair::envoy_ids(span);
            self.count_mend(mend);
        }
        let mend = repair::start(span, &self.starts, self.now);
        self.count_mend(mend);
        let mend = match self.family {
            Family::Native => {
                span.tags.push(Tag::new("@jaeger@format", self.protocol.format()));
                repair::native(span)
            }
            Family::Otel => repair::otel(span),
        };
        self.count_mend(mend);
    }

    fn count_mend(&mut self, mend: Option<Mend>) {
        if let Some(mend) = mend {
            self.mends[mend as usize] += 1;
        }
    }
}

/// Has a kept span say why it was kept, and for how many it stands.
fn annotate(span: &mut Span<'_>, verdict: &Verdict) {
    span.tags.push(Tag::new("spaniel.rule", Value::Text(Text::Clean(verdict.rule))));
    if let Some(weight) = verdict.weight() {
        span.tags.push(Tag::new("spaniel.weight", Value::Float64(weight)));
    }
}

/// The most that one request's documents may hold; their places in a run are 32 bits wide.
fn output_limit(set: Option<usize>, body: usize) -> usize {
    set.unwrap_or_else(|| body.saturating_mul(16).saturating_add(1 << 20)).min(u32::MAX as usize)
}

impl<'a> Sink<'a> for Intake<'_, 'a> {
    fn process(&mut self, process: &Process<'a>) {
        let (service, mend) = repair::service(process.service, self.family);
        self.count_mend(mend);
        if service.raw() != self.service.raw() {
            self.tallies.put_by(self.service);
        }
        self.service = service;
        self.judge.process(service, process);
        if let Some(counts) = &mut self.counts {
            counts.service(service);
        }
        self.seed = scope_seed(process.wire, process.scope_wire);
        self.process.clear();
        let pipeline = self.pipeline;
        pipeline.collector_tags.with(process, self.family, |tags| {
            pipeline.shape.write_process(&mut self.process, service, tags);
        });
    }

    fn span(&mut self, span: &mut Span<'a>) {
        self.outcome.received += 1;
        self.tallies.count(span);
        let end = span.start.saturating_add_signed(span.duration);
        if span.start > 0 && end > self.newest.0 {
            self.newest = (end, self.service);
        }
        if self.over_limit {
            return;
        }
        if let Some(counts) = &mut self.counts {
            counts.count(self.service, span, self.family);
        }
        if self.watches_envoy {
            self.pipeline.sampler.notice(span);
        }
        let verdict = self.judge.verdict(span);
        if verdict.keep {
            // By the start as it was sent: the same bytes have the same name whenever they come.
            let id = span_id(span.start, span.wire, self.seed);
            self.repair(span);
            if self.judge.annotates() {
                annotate(span, &verdict);
            }
            self.keep(span, id);
        }
    }

    fn refuse(&mut self, refusal: Refusal) {
        self.outcome.received += 1;
        self.count_refusal(refusal);
    }
}
