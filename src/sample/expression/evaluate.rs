//! An expression held against a span.

use std::borrow::Cow;

use super::facts::slot;
use super::same::same;
use super::{Comparison, Expression, Facts, Field, Literal, Test};
use crate::span::{Text, Value};

impl Expression {
    /// Whether the span meets the condition.
    pub fn holds(&self, facts: &Facts<'_, '_>) -> bool {
        match self {
            Expression::All(parts) => parts.iter().all(|part| part.holds(facts)),
            Expression::Any(parts) => parts.iter().any(|part| part.holds(facts)),
            Expression::Not(inner) => !inner.holds(facts),
            Expression::Test(field, test) => field.meets(test, facts),
            Expression::Constant(value) => *value,
        }
    }

    /// What the service alone says of the condition; `None`: the rest of the span decides.
    pub fn decided_by(&self, service: Text<'_>) -> Option<bool> {
        match self {
            Expression::All(parts) => together(parts, service, false),
            Expression::Any(parts) => together(parts, service, true),
            Expression::Not(inner) => inner.decided_by(service).map(|holds| !holds),
            Expression::Test(Field::Service, test) => Some(meets(&Value::Text(service), test)),
            Expression::Test(..) => None,
            Expression::Constant(value) => Some(*value),
        }
    }

    /// Whether the service is asked for.
    pub fn asks_for_service(&self) -> bool {
        match self {
            Expression::All(parts) | Expression::Any(parts) => parts.iter().any(Expression::asks_for_service),
            Expression::Not(inner) => inner.asks_for_service(),
            Expression::Test(field, _) => *field == Field::Service,
            Expression::Constant(_) => false,
        }
    }
}

/// `decides`: the value of one part that settles the whole.
fn together(parts: &[Expression], service: Text<'_>, decides: bool) -> Option<bool> {
    let mut whole = Some(!decides);
    for part in parts {
        match part.decided_by(service) {
            Some(value) if value == decides => return Some(decides),
            Some(_) => {}
            None => whole = None,
        }
    }
    whole
}

impl Field {
    #[inline]
    pub(super) fn meets(&self, test: &Test, facts: &Facts<'_, '_>) -> bool {
        let value = match self {
            Field::Duration => return meets_duration(facts.span.duration.max(0), test),
            Field::Error => return meets_bool(is_error(facts), test),
            Field::Service => return meets(&Value::Text(facts.service), test),
            Field::Operation => return meets(&Value::Text(facts.span.operation), test),
            Field::Kind => facts.tag(slot::KIND),
            Field::Status => facts.tag(slot::HTTP_STATUS).or_else(|| facts.tag(slot::HTTP_RESPONSE_STATUS)),
            Field::Grpc => facts.tag(slot::GRPC_STATUS).or_else(|| facts.tag(slot::RPC_GRPC_STATUS)),
            Field::Flags => facts.tag(slot::FLAGS),
            Field::ParentService => caller(facts),
            Field::Revision => facts.tag(slot::REVISION),
            Field::Tag(key) => facts.tag(key.slot),
            Field::Resource(key) => facts.resource(key.slot),
        };
        value.is_some_and(|value| meets(value, test))
    }
}

/// The span failed: its tag `error` is there and does not say `false`, or OpenTelemetry's status is
/// `ERROR`.
fn is_error(facts: &Facts<'_, '_>) -> bool {
    let tagged = match facts.tag(slot::ERROR) {
        Some(Value::Bool(error)) => *error,
        Some(Value::Text(text)) => !text_is(text, "false"),
        Some(_) => true,
        None => false,
    };
    tagged || matches!(facts.tag(slot::STATUS_CODE), Some(Value::Text(code)) if text_is(code, "ERROR"))
}

/// The other side of a span that was received: who called.
fn caller<'s, 'a>(facts: &Facts<'s, 'a>) -> Option<&'s Value<'a>> {
    match facts.tag(slot::KIND) {
        Some(Value::Text(kind)) if text_is(kind, "server") || text_is(kind, "consumer") => {
            facts.tag(slot::PEER_SERVICE)
        }
        _ => None,
    }
}

fn meets_duration(micros: i64, test: &Test) -> bool {
    match test {
        Test::Compare(comparison, Literal::Duration(wanted)) => comparison.holds(micros.cmp(wanted)),
        Test::In(list) => list.contains(&Literal::Duration(micros)),
        _ => false,
    }
}

fn meets_bool(value: bool, test: &Test) -> bool {
    match test {
        Test::True => value,
        Test::Compare(comparison, Literal::Bool(wanted)) => comparison.holds(value.cmp(wanted)),
        Test::In(list) => list.contains(&Literal::Bool(value)),
        _ => false,
    }
}

fn meets(value: &Value<'_>, test: &Test) -> bool {
    match (test, value) {
        (Test::Compare(Comparison::NotEqual, literal), _) => equals(value, literal).is_some_and(|equal| !equal),
        (Test::Compare(Comparison::Equal, literal), _) => equals(value, literal) == Some(true),
        (Test::Compare(comparison, Literal::Number(wanted)), _) => number(value)
            .and_then(|number| number.partial_cmp(wanted))
            .is_some_and(|ordering| comparison.holds(ordering)),
        (Test::In(list), _) => is_in(value, list),
        (Test::Contains(part), Value::Text(text)) => with(text, |text| part.is_in(text)),
        (Test::StartsWith(part), Value::Text(text)) => with(text, |text| text.starts_with(&**part)),
        (Test::Matches(pattern), Value::Text(text)) => with(text, |text| pattern.is_match(text)),
        _ => false,
    }
}

fn is_in(value: &Value<'_>, list: &[Literal]) -> bool {
    // Read once, not for each of the list.
    let number = matches!(list.first(), Some(Literal::Number(_))).then(|| number(value));
    list.iter().any(|literal| match (literal, number) {
        (Literal::Number(wanted), Some(number)) => number == Some(*wanted),
        _ => equals(value, literal) == Some(true),
    })
}

impl Comparison {
    #[inline]
    pub(super) fn holds(self, ordering: std::cmp::Ordering) -> bool {
        match self {
            Comparison::Equal => ordering.is_eq(),
            Comparison::NotEqual => ordering.is_ne(),
            Comparison::Less => ordering.is_lt(),
            Comparison::LessOrEqual => ordering.is_le(),
            Comparison::Greater => ordering.is_gt(),
            Comparison::GreaterOrEqual => ordering.is_ge(),
        }
    }
}

/// Whether a value is what the literal says; `None` if they cannot be compared.
fn equals(value: &Value<'_>, literal: &Literal) -> Option<bool> {
    match literal {
        Literal::Number(wanted) => number(value).map(|number| number == *wanted),
        Literal::Bool(wanted) => bool_of(value).map(|value| value == *wanted),
        Literal::Text(wanted) => match value {
            Value::Text(text) => Some(text_is(text, wanted)),
            Value::Bool(value) => Some(&**wanted == if *value { "true" } else { "false" }),
            Value::Int64(number) => Some(wanted.parse() == Ok(*number)),
            Value::Float64(number) => Some(wanted.parse() == Ok(*number)),
            Value::Address(address) => Some(wanted.parse() == Ok(*address)),
            Value::Binary(_) => None,
        },
        Literal::Duration(_) => None,
    }
}

/// A number, be it one or its digits.
pub(in crate::sample) fn number(value: &Value<'_>) -> Option<f64> {
    match value {
        Value::Int64(number) => Some(*number as f64),
        Value::Float64(number) => Some(*number),
        Value::Text(text) => {
            let bytes = text.raw();
            let read = || std::str::from_utf8(bytes).ok()?.trim().parse::<f64>().ok();
            code(bytes).or_else(|| read().filter(|number| number.is_finite()))
        }
        Value::Bool(_) | Value::Binary(_) | Value::Address(_) => None,
    }
}

/// The number of a code of three digits, which is what most are.
#[inline]
pub(super) fn code(text: &[u8]) -> Option<f64> {
    let [a @ b'0'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9'] = text else { return None };
    Some(f64::from(u16::from(a - b'0') * 100 + u16::from(b - b'0') * 10 + u16::from(c - b'0')))
}

fn bool_of(value: &Value<'_>) -> Option<bool> {
    match value {
        Value::Bool(value) => Some(*value),
        Value::Text(text) if text_is(text, "true") => Some(true),
        Value::Text(text) if text_is(text, "false") => Some(false),
        _ => None,
    }
}

/// Whether a text says this, in whatever form it lies in the request.
#[inline]
pub(in crate::sample) fn text_is(text: &Text<'_>, wanted: &str) -> bool {
    match text {
        Text::Clean(text) | Text::Plain(text) => same(text, wanted),
        escaped => escaped.decoded() == wanted,
    }
}

fn with<T>(text: &Text<'_>, ask: impl FnOnce(&str) -> T) -> T {
    match text {
        Text::Clean(text) | Text::Plain(text) => ask(text),
        escaped => {
            let decoded: Cow<'_, str> = escaped.decoded();
            ask(&decoded)
        }
    }
}
