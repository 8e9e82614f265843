//! What we mend in a span before it is written, as Jaeger's sanitizers do; each mend is counted
//! by the caller.
//!
//! There are two families of protocols: those of Jaeger's own, and those that Jaeger takes through
//! OpenTelemetry's model (Zipkin, OTLP). They use other words for what is missing. Unlike Jaeger we
//! leave a duration of exactly zero alone: it is no fault. Text that is not UTF-8 is nothing to
//! mend here: the writer of the document replaces each bad byte, as Jaeger's does.

use std::ops::RangeInclusive;

use super::{Span, Tag, Text, Value};

/// The family of the protocol that a span came by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Jaeger's Thrift and gRPC.
    Native,
    /// Zipkin's formats and OTLP.
    Otel,
}

/// One thing that was mended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mend {
    /// The sender named no service.
    MissingService,
    /// The sender's name of the service is empty.
    EmptyService,
    /// The span ended before it began, or lasts longer than Jaeger can count (292 years), which
    /// Jaeger takes for the same.
    NegativeDuration,
    /// The span started before `--span.max-age` or after `--span.max-future`.
    StartTime,
    /// Envoy wrote the ids of the span and of its parent with their bytes reversed.
    ReversedIds,
}

impl Mend {
    pub const ALL: [Mend; 5] =
        [Mend::MissingService, Mend::EmptyService, Mend::NegativeDuration, Mend::StartTime, Mend::ReversedIds];

    /// The word for it in metrics.
    pub fn label(self) -> &'static str {
        match self {
            Mend::MissingService => "missing-service",
            Mend::EmptyService => "empty-service",
            Mend::NegativeDuration => "negative-duration",
            Mend::StartTime => "start-time",
            Mend::ReversedIds => "reversed-ids",
        }
    }
}

/// Microseconds that fit into Jaeger's signed 64-bit nanoseconds.
const LONGEST: i64 = i64::MAX / 1000;

/// What Jaeger writes beside a duration that it changed.
const NEGATIVE_DURATION: &[u8] = b"Duration can't be negative, so it is changed to default value";

/// The name of the service as it is written, and what was mended in it.
pub fn service(service: Option<Text<'_>>, family: Family) -> (Text<'_>, Option<Mend>) {
    match (service, family) {
        (Some(name), _) if !name.is_empty() => (name, None),
        (Some(_), _) => (Text::Clean("empty-service-name"), Some(Mend::EmptyService)),
        (None, Family::Native) => (Text::Clean("null-process-and-service-name"), Some(Mend::MissingService)),
        (None, Family::Otel) => (Text::Clean("missing-service-name"), Some(Mend::MissingService)),
    }
}

/// The tag of a span whose start was mended: the start as it was sent, in microseconds since 1970.
pub const SENT_START: &str = "spaniel.start_time";

/// Gives a span that started outside of `starts` (microseconds since 1970, both included) the time
/// of its arrival.
///
/// A start says which index a document goes to and where it is looked for. A broken clock would
/// make an index for each day that it names, until the cluster has no room for shards, and no
/// search by id would find its spans. Only the start changes: a duration does not depend on how a
/// clock is set, and the times of logs are what the sender said, as far from the tag as they were
/// from the start.
pub fn start(span: &mut Span<'_>, starts: &RangeInclusive<u64>, arrival: u64) -> Option<Mend> {
    if starts.contains(&span.start) {
        return None;
    }
    // A start before 1970 comes as its two's complement, and is negative again here.
    span.tags.push(Tag::new(SENT_START, Value::Int64(span.start.cast_signed())));
    span.start = arrival;
    Some(Mend::StartTime)
}

/// Turns round the ids of a span that Envoy sent as Zipkin's protobuf.
///
/// Envoy copies its ids there as they lie in its memory, so that on today's machines each has its
/// bytes reversed; trace ids it writes as it should. Among spans of such Envoys alone the links
/// fit, but not to those of the application between them, nor to the ids in logs and headers. The
/// tags tell that a span is Envoy's: all of them have `component` and `response_flags`. A root
/// has the lower half of its trace id as its own: one that fits as it is was written by an Envoy
/// that has mended its ways.
pub fn envoy_ids(span: &mut Span<'_>) -> Option<Mend> {
    let has = |key: &[u8]| span.tags.iter().any(|tag| tag.key.raw() == key);
    let is_proxy = |tag: &Tag<'_>| tag.key.raw() == b"component" && says_proxy(&tag.value);
    let is_right = span.references.is_empty() && span.span_id == span.trace_id.low;
    if is_right || !span.tags.iter().any(is_proxy) || !has(b"response_flags") {
        return None;
    }
    span.span_id = span.span_id.swap_bytes();
    let trace_id = span.trace_id;
    for parent in span.references.iter_mut().filter(|reference| reference.trace_id == trace_id) {
        parent.span_id = parent.span_id.swap_bytes();
    }
    Some(Mend::ReversedIds)
}

fn says_proxy(value: &Value<'_>) -> bool {
    matches!(value, Value::Text(text) if text.raw() == b"proxy")
}

/// Mends a span of Jaeger's own protocols. It comes last: the tag that it may add stands after all
/// others, `@jaeger@format` too.
pub fn native(span: &mut Span<'_>) -> Option<Mend> {
    let mend = otel(span);
    if mend.is_some() {
        span.tags.push(Tag::new("InvalidNegativeDuration", Value::Binary(NEGATIVE_DURATION)));
    }
    mend
}

/// Mends a span that Jaeger takes through OpenTelemetry's model. Jaeger's warning about it does
/// not reach its document, so neither does ours.
pub fn otel(span: &mut Span<'_>) -> Option<Mend> {
    if (0..=LONGEST).contains(&span.duration) {
        return None;
    }
    span.duration = 0;
    Some(Mend::NegativeDuration)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_named_as_jaeger_names_them() {
        let cases = [
            (Some("shop"), Family::Native, "shop", None),
            (Some(" "), Family::Otel, " ", None),
            (Some(""), Family::Native, "empty-service-name", Some(Mend::EmptyService)),
            (Some(""), Family::Otel, "empty-service-name", Some(Mend::EmptyService)),
            // Golden bodies grpc/process-none.pb and Zipkin's without a local endpoint.
            (None, Family::Native, "null-process-and-service-name", Some(Mend::MissingService)),
            (None, Family::Otel, "missing-service-name", Some(Mend::MissingService)),
        ];
        for (name, family, expected, mended) in cases {
            let (written, mend) = service(name.map(Text::from), family);
            assert_eq!((&*written.decoded(), mend), (expected, mended));
        }
    }

    #[test]
    fn durations_that_jaeger_reads_as_negative_become_zero() {
        for duration in [-1, -1_000_000, i64::MIN, i64::MAX, 9_223_372_036_854_776] {
            let mut span = Span { duration, tags: vec![Tag::new("@jaeger@format", "jaeger")], ..Span::default() };
            assert_eq!(native(&mut span), Some(Mend::NegativeDuration));
            assert_eq!((span.duration, span.tags.len()), (0, 2));
            let last = &span.tags[1];
            assert_eq!(last.key.decoded(), "InvalidNegativeDuration");
            // Golden body thrift-http/durations.thrift, in hexadecimal.
            let Value::Binary(bytes) = last.value else { panic!("{last:?}") };
            let hex = bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
            assert_eq!(
                hex,
                "4475726174696f6e2063616e2774206265206e656761746976652c20736f206974206973206368616e67656420746f2064656661756c742076616c7565"
            );
            let mut span = Span { duration, ..Span::default() };
            assert_eq!(otel(&mut span), Some(Mend::NegativeDuration));
            assert_eq!((span.duration, span.tags.len()), (0, 0));
        }
    }

    #[test]
    fn a_start_of_a_broken_clock_becomes_the_arrival_and_is_kept_as_a_tag() {
        for (sent, kept) in [(99, 99), (201, 201), (0, 0), (u64::MAX, -1)] {
            let log = super::super::Log { timestamp: sent, start: 0, end: 0 };
            let mut span = Span { start: sent, duration: 7, logs: vec![log], ..Span::default() };
            assert_eq!(start(&mut span, &(100..=200), 150), Some(Mend::StartTime));
            assert_eq!((span.start, span.duration, span.logs[0].timestamp), (150, 7, sent));
            let [tag] = &span.tags[..] else { panic!("{:?}", span.tags) };
            assert_eq!(tag.key.decoded(), "spaniel.start_time");
            assert!(matches!(tag.value, Value::Int64(number) if number == kept), "{tag:?}");
        }
        for sent in [100, 200] {
            let mut span = Span { start: sent, ..Span::default() };
            assert_eq!(start(&mut span, &(100..=200), 150), None);
            assert_eq!((span.start, span.tags.len()), (sent, 0));
        }
    }

    fn of_envoy(id: u64, parent: Option<u64>) -> Span<'static> {
        let trace_id = super::super::TraceId { high: 7, low: 0xa2fb_4a1d_1a96_d312 };
        let kind = super::super::ReferenceKind::ChildOf;
        let parent = parent.map(|span_id| super::super::Reference { kind, trace_id, span_id });
        let tags = vec![Tag::new("response_flags", "-"), Tag::new("component", "proxy")];
        Span { trace_id, span_id: id, references: parent.into_iter().collect(), tags, ..Span::default() }
    }

    #[test]
    fn ids_of_envoys_protobuf_are_turned_round() {
        let mut root = of_envoy(0x12d3_961a_1d4a_fba2, None);
        assert_eq!(envoy_ids(&mut root), Some(Mend::ReversedIds));
        assert_eq!(root.span_id, root.trace_id.low);
        // It fits now, and is left alone.
        assert_eq!(envoy_ids(&mut root), None);
        let mut child = of_envoy(0x0100_0000_0000_0000, Some(0x12d3_961a_1d4a_fba2));
        assert_eq!(envoy_ids(&mut child), Some(Mend::ReversedIds));
        assert_eq!((child.span_id, child.references[0].span_id), (1, 0xa2fb_4a1d_1a96_d312));
    }

    #[test]
    fn ids_of_others_stay() {
        for kept in 0..2 {
            let mut span = of_envoy(1, Some(2));
            span.tags = vec![span.tags[kept]];
            assert_eq!(envoy_ids(&mut span), None);
        }
        let mut span = of_envoy(1, Some(2));
        span.tags[1] = Tag::new("component", "grpc");
        assert_eq!(envoy_ids(&mut span), None);
        assert_eq!((span.span_id, span.references[0].span_id), (1, 2));
    }

    #[test]
    fn other_durations_stay() {
        for duration in [0, 1, 9_223_372_036_854_775] {
            let mut span = Span { duration, ..Span::default() };
            assert_eq!((native(&mut span), otel(&mut span)), (None, None));
            assert_eq!((span.duration, span.tags.len()), (duration, 0));
        }
    }
}
