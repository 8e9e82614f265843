//! OpenTelemetry's and Jaeger's protobuf bodies, decoded, repaired and written, beside what
//! jaeger-collector 1.76 wrote for them; and the bodies that stand there as protobuf and as JSON beside
//! each other.

#![allow(clippy::expect_used, reason = "a test fails loudly")]

mod jaeger_golden;

use serde_json::Value as Json;
use spaniel::decode::{Limits, Scratch, jaeger_proto, otlp_json, otlp_proto};
use spaniel::span::repair::Family;

use jaeger_golden::Difference::NoFields;
use jaeger_golden::written::{Outcome, written_as};
use jaeger_golden::{Compared, change, data, golden, sources};

/// What Spaniel does otherwise on purpose.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Otherwise {
    /// Jaeger takes a duration of zero for a negative one and says so in a tag. Zero is no fault.
    Zero,
    /// Jaeger refuses the body for one bad part of it; we take what can be read: so many spans.
    TakenInPart(usize),
    /// Jaeger takes spans of OTLP with an id that is zero or missing; no trace and no span has it. So
    /// many spans are refused, each alone.
    ZeroIds(usize),
    /// A NaN or an infinity costs Jaeger the whole document; we write it as text. So many documents
    /// more.
    NoNumber(usize),
    /// Inside a list or a map a NaN costs Jaeger the text of all of it.
    NoNumberInside,
    /// The answer has to do with the path, the method, the type or the encoding, not with the body.
    NotTheBody,
    /// A service's name that is no UTF-8 is lost there; here each bad byte of it is U+FFFD.
    ServiceName,
    /// A tag of a type that nobody knows: a type of its own and no value there, text here.
    UnknownTagType,
}

use Otherwise::{NoNumber, NoNumberInside, NotTheBody, ServiceName, TakenInPart, UnknownTagType, Zero, ZeroIds};

const OTHERWISE: [(&str, Otherwise); 24] = [
    ("jaeger/grpc/bad-id-5-bytes.pb", TakenInPart(1)),
    ("jaeger/grpc/durations.pb", Zero),
    ("jaeger/grpc/no-times.pb", Zero),
    ("jaeger/grpc/tags-nan.pb", NoNumber(2)),
    ("jaeger/grpc/tags-odd.pb", UnknownTagType),
    ("jaeger/grpc/times-empty.pb", Zero),
    ("jaeger/otlp/attributes-nan-nested.json", NoNumberInside),
    ("jaeger/otlp/attributes-nan-nested.pb", NoNumberInside),
    ("jaeger/otlp/attributes-nan.json", NoNumber(3)),
    ("jaeger/otlp/attributes-nan.pb", NoNumber(3)),
    ("jaeger/otlp/bad-cut.json", TakenInPart(2)),
    ("jaeger/otlp/bad-encoding.pb", NotTheBody),
    ("jaeger/otlp/bad-method.pb", NotTheBody),
    ("jaeger/otlp/bad-not-gzip.pb", NotTheBody),
    ("jaeger/otlp/bad-path.pb", NotTheBody),
    ("jaeger/otlp/bad-type.pb", NotTheBody),
    ("jaeger/otlp/hand-empty-ids.json", ZeroIds(1)),
    ("jaeger/otlp/hand-nan.json", NoNumber(1)),
    ("jaeger/otlp/id-absent.pb", ZeroIds(1)),
    ("jaeger/otlp/id-empty.pb", ZeroIds(1)),
    ("jaeger/otlp/ids-zero.json", ZeroIds(2)),
    ("jaeger/otlp/ids-zero.pb", ZeroIds(2)),
    ("jaeger/otlp/not-utf8.pb", ServiceName),
    ("jaeger/otlp/resource-nan.pb", NoNumber(1)),
];

fn gunzipped(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(body), &mut out).expect("gzip");
    out
}

fn outcome(input: &str) -> Outcome {
    let (body, limits, scratch) = (data(input), Limits::default(), Scratch::new());
    let body = if input.ends_with(".gz") { gunzipped(&body) } else { body };
    if input.contains("/grpc/") {
        written_as(Family::Native, "proto", |writer| jaeger_proto(&body, &limits, writer))
    } else if input.contains(".json") {
        written_as(Family::Otel, "otlp", |writer| otlp_json(&body, &scratch, &limits, writer))
    } else {
        written_as(Family::Otel, "otlp", |writer| otlp_proto(&body, &scratch, &limits, writer))
    }
}

/// Fails unless the body becomes Jaeger's documents, or differs as the table says.
fn check(input: &str, golden: &Json) {
    let ours = outcome(input);
    let mut theirs = sources(golden);
    theirs.iter_mut().for_each(|document| change(document, NoFields));
    let is_taken = [200, 0].contains(&golden["status"].as_u64().expect("a status"));
    let otherwise = OTHERWISE.iter().find(|(name, _)| *name == input).map(|(_, otherwise)| *otherwise);
    let before = theirs.clone();
    match otherwise {
        None => assert_eq!(is_taken, ours.status == 202, "{input}: {:?}", ours.refusals),
        Some(NotTheBody) => return assert_eq!((ours.status, is_taken), (202, false), "{input}"),
        Some(TakenInPart(count)) => {
            assert_eq!((ours.documents.len(), ours.refusals.len(), is_taken), (count, 1, false), "{input}");
            return;
        }
        Some(ZeroIds(count)) => {
            theirs.retain(|document| !has_zero_id(document));
            assert_eq!((before.len() - theirs.len(), ours.refusals.len()), (count, count), "{input}");
        }
        Some(NoNumber(count)) => {
            theirs.extend(ours.documents.iter().filter(|document| !before.contains(document)).cloned());
            assert_eq!(theirs.len() - before.len(), count, "{input}");
            let is_text = |document: &Json| ["NaN", "Inf"].iter().any(|word| document.to_string().contains(word));
            assert!(theirs[before.len()..].iter().all(is_text), "{input}");
        }
        Some(Zero) => theirs.iter_mut().for_each(drop_zero),
        Some(NoNumberInside) => {
            set_tag(&mut theirs[0], "list.nan", "[\"NaN\"]");
            set_tag(&mut theirs[0], "map.inf", "{\"x\":\"+Inf\"}");
        }
        Some(ServiceName) => theirs[0]["process"]["serviceName"] = Json::from("sh\u{fffd}p"),
        Some(UnknownTagType) => {
            for tag in theirs[0]["tags"].as_array_mut().expect("tags") {
                if tag["value"].is_object() {
                    *tag = serde_json::json!({"key": tag["key"], "type": "string", "value": "Unknown VType"});
                }
            }
        }
    }
    let is_same = before == theirs;
    assert_eq!(is_same, otherwise.is_none(), "{input}: the difference is gone, take it out of the table");
    let (ours, theirs) = (Compared::new(ours.documents, false), Compared::new(theirs, false));
    for (ours, theirs) in ours.0.iter().zip(&theirs.0) {
        assert_eq!(ours, theirs, "{input}");
    }
    assert_eq!(ours.0.len(), theirs.0.len(), "{input}");
}

fn has_zero_id(document: &Json) -> bool {
    ["traceID", "spanID"].iter().any(|id| document[id].as_str().expect("an id").bytes().all(|digit| digit == b'0'))
}

/// Takes the sanitizer's tag away where no negative duration was sent.
fn drop_zero(document: &mut Json) {
    let tags = document["tags"].as_array_mut().expect("tags");
    let is_negative = tags.iter().any(|tag| tag["key"] == "sent.ns" && tag["value"].as_i64() < Some(0));
    tags.retain(|tag| is_negative || tag["key"] != "InvalidNegativeDuration");
}

fn set_tag(document: &mut Json, key: &str, value: &str) {
    let tags = document["tags"].as_array_mut().expect("tags");
    let tag = tags.iter_mut().find(|tag| tag["key"] == key).expect("the tag");
    assert_eq!(tag["value"], "");
    tag["value"] = value.into();
}

/// The bodies of a golden file, checked; how many there were.
fn check_file(file: &str) -> usize {
    let golden = golden(file);
    golden.iter().for_each(|(input, line)| check(input, line));
    golden.len()
}

#[test]
fn otlp_bodies() {
    assert_eq!(check_file("otlp.ndjson"), 93);
}

#[test]
fn otlp_messages() {
    assert_eq!(check_file("otlp-grpc.ndjson"), 11);
}

#[test]
fn jaegers_messages() {
    assert_eq!(check_file("grpc.ndjson"), 40);
}

/// The bodies that stand there in both encodings become the same documents.
#[test]
fn both_encodings_are_one() {
    let folder = std::fs::read_dir("tests/data/jaeger/otlp").expect("captured bodies");
    let names = folder.map(|entry| entry.expect("a file").file_name().into_string().expect("a name"));
    let mut pairs = 0;
    for name in names.filter(|name| name.ends_with(".json")) {
        let proto = name.replace(".json", ".pb");
        let is_pair = !name.starts_with("bad-") && std::path::Path::new("tests/data/jaeger/otlp").join(&proto).exists();
        if is_pair {
            let [json, proto] = [name, proto].map(|name| outcome(&format!("jaeger/otlp/{name}")));
            assert_eq!(json.documents, proto.documents);
            pairs += 1;
        }
    }
    assert_eq!(pairs, 22);
}
