//! The status of a span, from the tags that say something of it: the first of OpenCensus's code,
//! OpenTelemetry's code, an error, and the code of HTTP.

use crate::decode::zipkin::special::Status;
use crate::span::{Tag, Text, Value};

/// What the tags of a span say of how it ended.
#[derive(Debug, Default)]
pub(in crate::decode::zipkin) struct Outcome<'a> {
    pub(in crate::decode::zipkin) status: Status,
    pub(in crate::decode::zipkin) description: Option<Text<'a>>,
}

/// One source's word.
#[derive(Debug, Default)]
struct Word<'a> {
    status: Option<Status>,
    description: Option<Text<'a>>,
}

/// Takes those tags out, but for an error that says more than that it is one, and HTTP's.
pub(in crate::decode::zipkin) fn status<'a>(tags: &mut Vec<Tag<'a>>) -> Outcome<'a> {
    let (mut census, mut otel, mut error, mut http) = (Word::default(), Word::default(), None, None);
    tags.retain(|tag| {
        let (Text::Clean(key) | Text::Plain(key)) = tag.key else { return true };
        match key {
            "census.status_code" => census.status = number(&tag.value).map(of_code),
            "census.status_description" | "opencensus.status_description" => census.description = text(&tag.value),
            "otel.status_code" => otel.status = number(&tag.value).map(of_code).or_else(|| of_word(&tag.value)),
            "otel.status_description" => otel.description = text(&tag.value),
            "error" => {
                error = Some(Status::Error);
                return says_more(&tag.value);
            }
            "http.status_code" => {
                http = number(&tag.value).filter(|code| !(100..400).contains(code)).map(|_| Status::Error);
                return true;
            }
            _ => return true,
        }
        false
    });
    let status = census.status.or(otel.status).or(error).or(http).unwrap_or_default();
    Outcome { status, description: census.description.or(otel.description) }
}

fn number(value: &Value<'_>) -> Option<i64> {
    match value {
        Value::Int64(number) => Some(*number),
        Value::Text(text) => text.decoded().parse().ok(),
        _ => None,
    }
}

fn of_code(code: i64) -> Status {
    if code == 0 { Status::Ok } else { Status::Error }
}

fn of_word(value: &Value<'_>) -> Option<Status> {
    let Value::Text(text) = value else { return None };
    Some(Status::of(&text.decoded())).filter(|status| *status != Status::Unset)
}

fn text<'a>(value: &Value<'a>) -> Option<Text<'a>> {
    if let Value::Text(text) = value { Some(*text) } else { None }
}

fn says_more(value: &Value<'_>) -> bool {
    match value {
        Value::Text(text) => !matches!(text.raw(), b"" | b"true"),
        value => !matches!(value, Value::Bool(_)),
    }
}
