//! In which of Zipkin's formats a body is: what its content type says, if its first bytes do not
//! say otherwise. For JSON the path says which version; each span's members may say otherwise.

use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;

use crate::pipeline::Protocol;

/// What the request's head says of its body: `json` is the format of any type that is neither
/// protobuf nor Thrift, as with Zipkin.
pub(super) fn declared(headers: &HeaderMap, json: Protocol) -> Protocol {
    let text = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media = text.split(';').next().unwrap_or_default().trim();
    let is = |names: &[&str]| names.iter().any(|name| media.eq_ignore_ascii_case(name));
    if is(&["application/x-protobuf", "application/protobuf"]) {
        Protocol::ZipkinProto
    } else if is(&["application/x-thrift", "application/vnd.apache.thrift.binary"]) {
        Protocol::ZipkinThrift
    } else {
        json
    }
}

/// The format of a body that was declared to be in that one; `json` as above.
pub(super) fn seen(declared: Protocol, json: Protocol, body: &[u8]) -> Protocol {
    match (declared, body) {
        (Protocol::ZipkinProto, [0x0a, ..] | []) | (Protocol::ZipkinThrift, [0x0b | 0x0c, ..] | []) => declared,
        // A list of structs; JSON begins with no form feed.
        (_, [0x0b | 0x0c, 0, ..]) => Protocol::ZipkinThrift,
        _ if is_json(body) => json,
        (_, [0x0a, ..]) => Protocol::ZipkinProto,
        _ => declared,
    }
}

/// True if the body can only be JSON. A list in protobuf begins as JSON behind a new line may, but
/// goes on with the length of a trace id, which no JSON holds.
fn is_json(body: &[u8]) -> bool {
    if matches!(body, [0x0a, _, 0x0a, 8 | 16, ..]) {
        return false;
    }
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    matches!(body.trim_ascii_start(), [] | [b'[' | b'{', ..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use Protocol::{ZipkinJson as New, ZipkinJsonV1 as Old, ZipkinProto as Proto, ZipkinThrift as Thrift};

    #[test]
    fn content_types_are_taken_in_any_case_and_with_parameters() {
        for (text, format) in [
            ("application/x-protobuf", Proto),
            (" Application/X-Protobuf ; charset=utf-8", Proto),
            ("application/protobuf", Proto),
            ("application/x-thrift", Thrift),
            ("application/vnd.apache.thrift.binary", Thrift),
            ("application/json", New),
            ("text/plain", New),
            ("", New),
        ] {
            let mut headers = HeaderMap::new();
            assert_eq!(declared(&headers, Old), Old);
            headers.insert(CONTENT_TYPE, text.parse().unwrap());
            assert_eq!(declared(&headers, New), format, "{text}");
        }
    }

    #[test]
    fn bodies_say_what_they_are() {
        let long = [b"\x0a\x80\x05\x0a\x10".as_slice(), &[1; 640]].concat();
        let odd = b"\x0a\x5b\x0a\x10".as_slice();
        for (body, formats) in [
            (&b""[..], [Old, Thrift, Proto]),
            (b"[]", [Old, Old, Old]),
            (b" \n[{", [Old, Old, Old]),
            (b"\n[\n {", [Old, Old, Proto]),
            (b"\xef\xbb\xbf{", [Old, Old, Old]),
            (b"\x0c\0\0\0\x01", [Thrift, Thrift, Thrift]),
            (b"\x0b\0\0\0\x01", [Thrift, Thrift, Thrift]),
            (&long, [Proto, Proto, Proto]),
            (odd, [Proto, Proto, Proto]),
            (b"\x12\x00", [Old, Thrift, Proto]),
            (b"null", [Old, Thrift, Proto]),
            (b"<html>", [Old, Thrift, Proto]),
        ] {
            let seen = [Old, Thrift, Proto].map(|declared| seen(declared, Old, body));
            assert_eq!(seen, formats, "{body:?}");
        }
    }

    #[test]
    fn captured_bodies_say_what_they_are() {
        let mut counts = [0; 2];
        for entry in std::fs::read_dir("tests/data/envoy").unwrap() {
            let path = entry.unwrap().path();
            let Some(format) = path.extension().and_then(|extension| match extension.to_str()? {
                "pb" => Some(Proto),
                "json" => Some(New),
                _ => None,
            }) else {
                continue;
            };
            let body = std::fs::read(&path).unwrap();
            if body.starts_with(b"[") || format == Proto {
                assert_eq!(seen(New, New, &body), format, "{}", path.display());
                counts[usize::from(format == Proto)] += 1;
            }
        }
        assert_eq!(counts, [99, 31]);
    }
}
