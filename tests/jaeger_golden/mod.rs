//! What jaeger-collector 1.76 wrote for the captured bodies, and what Spaniel does otherwise on
//! purpose. Used as a module by each test that compares with it; not every one uses all of it.
#![allow(dead_code, unreachable_pub, clippy::expect_used, reason = "shared by tests, which fail loudly")]

pub mod old;
pub mod written;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value as Json;

pub fn data(path: &str) -> Vec<u8> {
    let path = Path::new("tests/data").join(path);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The golden lines of a file, by input.
pub fn golden(file: &str) -> BTreeMap<String, Json> {
    let lines = String::from_utf8(data(&format!("golden/jaeger-1.76/{file}"))).expect("golden files are UTF-8");
    let line = |line: &str| {
        let golden: Json = serde_json::from_str(line).expect("a golden line is JSON");
        (golden["input"].as_str().unwrap_or_default().to_owned(), golden)
    };
    lines.lines().map(line).collect()
}

pub fn sources(golden: &Json) -> Vec<Json> {
    golden["spans"].as_array().into_iter().flatten().map(|span| span["_source"].clone()).collect()
}

/// What Spaniel does otherwise on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Difference {
    /// Jaeger takes a duration of zero for a negative one and says so in a tag. Zero is no fault.
    ZeroDuration,
    /// A log without fields is `"fields": null` there, which no reader needs.
    NoFields,
    /// A NaN or an infinity costs Jaeger the whole document; we write it as text.
    NoNumber,
    /// Jaeger describes tags of unknown type with addresses in its memory.
    UnknownTagType,
    /// OpenTelemetry's resource attributes among Zipkin's tags: Jaeger gives those of one span to
    /// all of its service and loses those of the others; ours stay with their span.
    ResourceTags,
    /// Jaeger refuses the body for one bad part of it; we take what can be read: so many spans.
    Refused(usize),
    /// jaeger-agent drops a batch with a time that protobuf cannot write; we take its so many spans.
    DroppedByAgent(usize),
    /// Jaeger refuses the request for its path, method or type before it looks at the body.
    NotTheBody,
    /// Jaeger reads v2 spans on the v1 path as v1 and loses most of them. The body tells.
    WrongPath,
}

use Difference::{
    DroppedByAgent, NoFields, NoNumber, NotTheBody, Refused, ResourceTags, UnknownTagType, WrongPath, ZeroDuration,
};

const DIFFERENCES: [(&str, Difference); 55] = [
    ("envoy/020-proto-plain-egress.pb", Refused(1)),
    ("envoy/021-proto-plain-ingress.pb", Refused(1)),
    ("envoy/029-proto-errors-1.pb", Refused(5)),
    ("envoy/030-proto-errors-2.pb", Refused(5)),
    ("envoy/031-proto-errors-ingress.pb", Refused(5)),
    ("envoy/032-proto-custom-tags.pb", Refused(2)),
    ("envoy/035-proto-verbose.pb", Refused(1)),
    ("envoy/036-proto-longpath-ua.pb", Refused(1)),
    ("envoy/040-proto-v6.pb", Refused(1)),
    ("envoy/046-json-badpath.json", WrongPath),
    ("envoy/055-proto-invalid-utf8.pb", Refused(2)),
    ("jaeger/thrift-http/bad-cut-last-byte.thrift", Refused(2)),
    ("jaeger/thrift-http/bad-cut.thrift", Refused(1)),
    ("jaeger/thrift-http/bad-method.thrift", NotTheBody),
    ("jaeger/thrift-http/bad-path.thrift", NotTheBody),
    ("jaeger/thrift-http/bad-service-type.thrift", Refused(1)),
    ("jaeger/thrift-http/bad-type-broken.thrift", NotTheBody),
    ("jaeger/thrift-http/bad-type-html.thrift", NotTheBody),
    ("jaeger/thrift-http/bad-type-json.thrift", NotTheBody),
    ("jaeger/thrift-http/bad-type-missing.thrift", NotTheBody),
    ("jaeger/thrift-http/bad-without-process.thrift", Refused(1)),
    ("jaeger/thrift-http/durations.thrift", ZeroDuration),
    ("jaeger/thrift-http/go-jaeger-client-http-1.thrift", ZeroDuration),
    ("jaeger/thrift-http/logs.thrift", NoFields),
    ("jaeger/thrift-http/node-jaeger-client-http-1.thrift", ZeroDuration),
    ("jaeger/thrift-http/process-nan.thrift", NoNumber),
    ("jaeger/thrift-http/random-2.thrift", NoFields),
    ("jaeger/thrift-http/random-3.thrift", NoFields),
    ("jaeger/thrift-http/random-4.thrift", NoFields),
    ("jaeger/thrift-http/tags-nan.thrift", NoNumber),
    ("jaeger/thrift-http/tags-odd.thrift", UnknownTagType),
    ("jaeger/thrift-http/trace.thrift", NoFields),
    ("jaeger/udp-binary/call.thrift", NoFields),
    ("jaeger/udp-binary/durations.thrift", ZeroDuration),
    ("jaeger/udp-binary/logs.thrift", DroppedByAgent(1)),
    ("jaeger/udp-binary/node-jaeger-client-udp-1.thrift", ZeroDuration),
    ("jaeger/udp-binary/random-2.thrift", NoFields),
    ("jaeger/udp-binary/random-4.thrift", NoFields),
    ("jaeger/udp-binary/trace.thrift", NoFields),
    ("jaeger/udp-compact/call.thrift", NoFields),
    ("jaeger/udp-compact/durations.thrift", ZeroDuration),
    ("jaeger/udp-compact/go-jaeger-client-udp-1.thrift", ZeroDuration),
    ("jaeger/udp-compact/logs.thrift", DroppedByAgent(1)),
    ("jaeger/udp-compact/process-nan.thrift", NoNumber),
    ("jaeger/udp-compact/random-1.thrift", NoFields),
    ("jaeger/udp-compact/random-4.thrift", NoFields),
    ("jaeger/udp-compact/start-times-negative.thrift", DroppedByAgent(3)),
    ("jaeger/udp-compact/start-times.thrift", DroppedByAgent(12)),
    ("jaeger/udp-compact/tags-nan.thrift", NoNumber),
    ("jaeger/udp-compact/tags-odd.thrift", UnknownTagType),
    ("jaeger/udp-compact/trace.thrift", NoFields),
    ("jaeger/zipkin/v2-annotations.json", NoFields),
    ("jaeger/zipkin/v2-resource-tags.json", ResourceTags),
    ("zipkin/clients/py_zipkin-v1json.json", Refused(2)),
    ("zipkin/clients/zipkin-js-jsonv1.json", Refused(2)),
];

/// How the documents of a body differ, if they do.
pub fn difference_of(input: &str) -> Option<Difference> {
    DIFFERENCES.iter().find(|(name, _)| *name == input).map(|(_, difference)| *difference)
}

/// What the documents of a body are compared by.
#[derive(Debug, Default, PartialEq)]
pub struct Compared(pub Vec<Json>);

impl Compared {
    /// `free_order`: tags may stand in any order, as Jaeger's do for Zipkin.
    pub fn new(mut documents: Vec<Json>, free_order: bool) -> Self {
        if free_order {
            for document in &mut documents {
                sort(&mut document["tags"]);
                sort(&mut document["process"]["tags"]);
            }
        }
        documents.sort_by_cached_key(Json::to_string);
        Compared(documents)
    }
}

pub fn sort(list: &mut Json) {
    list.as_array_mut().expect("a list of tags").sort_by_cached_key(Json::to_string);
}

/// Makes a document of Jaeger's what ours is meant to be. Each must change something.
pub fn change(document: &mut Json, difference: Difference) {
    match difference {
        ZeroDuration => drop_tag(document, "InvalidNegativeDuration"),
        NoFields => {
            for log in document["logs"].as_array_mut().expect("a list of logs") {
                if log["fields"].is_null() {
                    log["fields"] = Json::Array(Vec::new());
                }
            }
        }
        UnknownTagType => {
            let text = document.to_string();
            let pieces: Vec<&str> = text.split("Unknown VType").collect();
            let rest = pieces[1..].iter().map(|piece| &piece[piece.find('"').expect("the text ends")..]);
            let parts: Vec<&str> = std::iter::once(pieces[0]).chain(rest).collect();
            *document = serde_json::from_str(&parts.join("Unknown VType")).expect("still JSON");
        }
        _ => {}
    }
}

/// Takes the tag away if the span lasted as long as it says: 0, and was sent so.
fn drop_tag(document: &mut Json, key: &str) {
    let sent = document["tags"].as_array().into_iter().flatten().find(|tag| tag["key"] == "sent");
    let was_zero = sent.is_none_or(|tag| tag["value"] == 0);
    if document["duration"] == 0 && was_zero {
        document["tags"].as_array_mut().expect("a list of tags").retain(|tag| tag["key"] != key);
    }
}

/// True for the bodies of Zipkin v1.
pub fn is_v1(input: &str) -> bool {
    let marks = ["-v1json-", "-v1json.", "jsonv1", "/v1-"];
    marks.iter().any(|mark| input.contains(mark))
}

/// True for the bodies of Zipkin v2 in JSON.
pub fn is_v2_json(input: &str) -> bool {
    input.ends_with(".json") && !is_v1(input)
}
