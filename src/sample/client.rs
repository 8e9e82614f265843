//! What clients say of their own sampling, and of what must be kept: marks that the sampler reads
//! from a span's tags.

use super::expression::{Facts, number, slot, text_is};
use super::trace_state::TraceState;
use crate::span::{Text, TraceId, Value};

/// How a client sampled the trace of a span, if it says so.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Client {
    /// It does not.
    Silent,
    /// With this probability.
    Sampled(f64),
    /// With this probability, by OpenTelemetry's randomness of the trace.
    Consistent(f64),
    /// By a rule that has no probability: so many traces a second, or at least so many.
    Unknown,
}

impl Client {
    /// From the tags of Jaeger's clients, `sampler.type` and `sampler.param`, of OpenTelemetry's
    /// samplers for Jaeger, the same after `jaeger.`, or from the threshold in the trace state.
    pub(super) fn of(facts: &Facts<'_, '_>, state: TraceState, trace_id: TraceId) -> Self {
        if let Some(probability) = state.probability(trace_id) {
            return Client::Consistent(probability);
        }
        let kind = facts.tag(slot::SAMPLER_TYPE).map(|kind| (kind, facts.tag(slot::SAMPLER_PARAM)));
        let jaegers = || facts.tag(slot::JAEGER_SAMPLER_TYPE).map(|kind| (kind, facts.tag(slot::JAEGER_SAMPLER_PARAM)));
        match kind.or_else(jaegers) {
            Some((Value::Text(kind), param)) => Client::tagged(kind, param),
            _ => Client::Silent,
        }
    }

    /// The probability with which the trace came to us; `None`: not known.
    pub(super) fn probability(self) -> Option<f64> {
        match self {
            Client::Silent => Some(1.0),
            Client::Sampled(probability) | Client::Consistent(probability) => Some(probability),
            Client::Unknown => None,
        }
    }

    fn tagged(kind: &Text<'_>, param: Option<&Value<'_>>) -> Self {
        if text_is(kind, "probabilistic") {
            let probability = param.and_then(number).filter(|number| *number > 0.0 && *number <= 1.0);
            return probability.map_or(Client::Silent, Client::Sampled);
        }
        if text_is(kind, "ratelimiting") || text_is(kind, "lowerbound") {
            return Client::Unknown;
        }
        // `const` keeps all or nothing: what arrives was not sampled.
        Client::Silent
    }
}

/// Whether Envoy's request id says that the trace was asked for: the version digit of the UUID is
/// `a` if an internal caller forced it, `b` if a client did.
pub(super) fn is_forced(facts: &Facts<'_, '_>) -> bool {
    const PLACE: usize = 14;
    match facts.tag(slot::REQUEST_ID) {
        Some(Value::Text(id)) => id.raw().len() == 36 && matches!(id.raw().get(PLACE), Some(b'a' | b'b')),
        _ => false,
    }
}

/// What the tag `sampling.priority` wants: above 0 to keep, 0 to drop.
pub(super) fn priority(facts: &Facts<'_, '_>) -> Option<bool> {
    let priority = facts.tag(slot::PRIORITY).and_then(number)?;
    if priority > 0.0 {
        return Some(true);
    }
    (priority == 0.0).then_some(false)
}

#[cfg(test)]
mod tests {
    use super::super::expression::Keys;
    use super::*;
    use crate::span::{Span, Tag};

    const ID: TraceId = TraceId { high: 1, low: 0xffff_ffff_ffff_ffff };

    /// With tags in these slots.
    fn with<T>(tags: &[(usize, Value<'static>)], ask: impl FnOnce(&Facts<'_, '_>) -> T) -> T {
        let (mut span, mut places) = (Span::default(), Keys::default().tables()[0].places());
        for (slot, value) in tags {
            places.put(*slot, span.tags.len() as u32);
            span.tags.push(Tag::new("any", *value));
        }
        ask(&Facts { service: Text::default(), span: &span, tags: &places, resource: &[] })
    }

    fn client(tags: &[(usize, Value<'static>)]) -> Client {
        with(tags, |facts| Client::of(facts, TraceState::default(), ID))
    }

    #[test]
    fn clients_are_believed_in_every_form_of_their_marks() {
        use slot::{JAEGER_SAMPLER_PARAM, JAEGER_SAMPLER_TYPE, SAMPLER_PARAM, SAMPLER_TYPE};
        let probabilistic = (SAMPLER_TYPE, "probabilistic".into());
        assert_eq!(client(&[probabilistic, (SAMPLER_PARAM, Value::Float64(0.1))]), Client::Sampled(0.1));
        assert_eq!(client(&[probabilistic, (SAMPLER_PARAM, "0.1".into())]), Client::Sampled(0.1));
        assert_eq!(client(&[probabilistic, (SAMPLER_PARAM, Value::Int64(1))]), Client::Sampled(1.0));
        let otel = [(JAEGER_SAMPLER_TYPE, "probabilistic".into()), (JAEGER_SAMPLER_PARAM, Value::Float64(0.5))];
        assert_eq!(client(&otel), Client::Sampled(0.5));
        for kind in ["ratelimiting", "lowerbound"] {
            assert_eq!(client(&[(SAMPLER_TYPE, kind.into()), (SAMPLER_PARAM, Value::Float64(2.0))]), Client::Unknown);
        }
        for nothing in [Value::Float64(0.0), Value::Float64(1.5), Value::Float64(f64::NAN), "much".into()] {
            assert_eq!(client(&[probabilistic, (SAMPLER_PARAM, nothing)]), Client::Silent);
        }
        assert_eq!(client(&[(SAMPLER_TYPE, "const".into()), (SAMPLER_PARAM, Value::Bool(true))]), Client::Silent);
        assert_eq!(client(&[]), Client::Silent);
        let state = TraceState::read(Text::Clean("ot=th:c"));
        assert_eq!(with(&[probabilistic], |facts| Client::of(facts, state, ID)), Client::Consistent(0.25));
    }

    /// Envoy's own words for its digits: 9 sampled, a forced by the header, b by the client.
    #[test]
    fn the_digit_of_a_forced_request_is_known() {
        let forced = |id: &'static str| with(&[(slot::REQUEST_ID, id.into())], is_forced);
        assert!(forced("d5b8e1f0-5a4c-ac3b-9f4e-0d8e6f7a1b2c"));
        assert!(forced("d5b8e1f0-5a4c-bc3b-9f4e-0d8e6f7a1b2c"));
        for other in
            ["d5b8e1f0-5a4c-9c3b-9f4e-0d8e6f7a1b2c", "d5b8e1f0-5a4c-4c3b-9f4e-0d8e6f7a1b2c", "", "aaaaaaaaaaaaaaaa"]
        {
            assert!(!forced(other), "{other}");
        }
    }

    #[test]
    fn a_priority_keeps_or_drops() {
        let priority = |value| with(&[(slot::PRIORITY, value)], priority);
        for (value, wanted) in [
            (Value::Int64(1), Some(true)),
            (Value::Float64(0.5), Some(true)),
            ("1".into(), Some(true)),
            (Value::Int64(0), Some(false)),
            ("0.0".into(), Some(false)),
            (Value::Int64(-1), None),
            ("high".into(), None),
        ] {
            assert_eq!(priority(value), wanted, "{value:?}");
        }
    }
}
