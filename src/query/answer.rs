//! Answers in Jaeger's envelope, written as Go writes JSON.
//!
//! Errors are JSON with a line feed, labelled as plain text: so jaeger-query sends them.

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use serde::Serialize;
use serde_json::ser::PrettyFormatter;

/// What every classic route answers.
#[derive(Debug, Serialize)]
pub(super) struct Envelope<T> {
    data: Option<T>,
    total: usize,
    limit: usize,
    offset: usize,
    errors: Option<Vec<Fault>>,
}

/// One thing that went wrong.
#[derive(Debug, Serialize)]
pub(super) struct Fault {
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u16>,
    msg: String,
    #[serde(rename = "traceID", skip_serializing_if = "Option::is_none")]
    trace_id: Option<String>,
}

impl Fault {
    /// Something that is wrong with one trace of many.
    pub(super) fn of_trace(trace_id: String, message: impl Into<String>) -> Self {
        Fault { code: None, msg: message.into(), trace_id: Some(trace_id) }
    }
}

/// An answer with data, and with what went wrong beside it.
pub(super) fn data<T: Serialize>(data: Option<T>, total: usize, faults: Vec<Fault>, pretty: bool) -> Response<Body> {
    let errors = (!faults.is_empty()).then_some(faults);
    let envelope = Envelope { data, total, limit: 0, offset: 0, errors };
    match write(&envelope, pretty) {
        Ok(body) => reply(StatusCode::OK, "application/json", body.into()),
        Err(fault) => {
            error(StatusCode::INTERNAL_SERVER_ERROR, format!("failed marshalling HTTP response to JSON: {fault}"))
        }
    }
}

/// An answer that tells only what went wrong.
pub(super) fn error(status: StatusCode, message: impl Into<String>) -> Response<Body> {
    let fault = Fault { code: Some(status.as_u16()), msg: message.into(), trace_id: None };
    let envelope = Envelope::<()> { data: None, total: 0, limit: 0, offset: 0, errors: Some(vec![fault]) };
    // Strings and numbers can always be written.
    let mut body = write(&envelope, false).unwrap_or_default();
    body.push(b'\n');
    plain(status, body)
}

/// What Go's `http.Error` sends.
pub(super) fn plain(status: StatusCode, body: impl Into<Body>) -> Response<Body> {
    let mut response = reply(status, "text/plain; charset=utf-8", body.into());
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// An answer of any kind.
pub(super) fn reply(status: StatusCode, content_type: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

fn write(value: &impl Serialize, pretty: bool) -> serde_json::Result<Vec<u8>> {
    let mut body = Vec::new();
    if pretty {
        let formatter = PrettyFormatter::with_indent(b"    ");
        value.serialize(&mut serde_json::Serializer::with_formatter(&mut body, formatter))?;
    } else {
        value.serialize(&mut serde_json::Serializer::new(&mut body))?;
    }
    Ok(escape_for_html(body))
}

/// Writes `<`, `>`, `&`, U+2028 and U+2029 as escapes, as Go does. In JSON they stand only in
/// strings.
fn escape_for_html(body: Vec<u8>) -> Vec<u8> {
    if !body.iter().any(|byte| matches!(byte, b'<' | b'>' | b'&' | 0xe2)) {
        return body;
    }
    let mut escaped = Vec::with_capacity(body.len() + body.len() / 8);
    let mut rest = body.as_slice();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match (byte, after) {
            (b'<', _) => escaped.extend(b"\\u003c"),
            (b'>', _) => escaped.extend(b"\\u003e"),
            (b'&', _) => escaped.extend(b"\\u0026"),
            (0xe2, [0x80, last @ (0xa8 | 0xa9), after @ ..]) => {
                escaped.extend(if *last == 0xa8 { b"\\u2028" } else { b"\\u2029" });
                rest = after;
            }
            _ => escaped.push(byte),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped_as_go_escapes_them() {
        let body = write(&"<a> & \u{2028}\u{2029}\u{2027}€\u{8}\u{1}", false).unwrap();
        let expected = "\"\\u003ca\\u003e \\u0026 \\u2028\\u2029\u{2027}€\\b\\u0001\"";
        assert_eq!(String::from_utf8(body).unwrap(), expected);
    }

    #[test]
    fn empty_lists_stay_on_one_line() {
        let body = write(&serde_json::json!({"data": [], "a": [1]}), true).unwrap();
        assert_eq!(body, b"{\n    \"a\": [\n        1\n    ],\n    \"data\": []\n}");
    }
}
