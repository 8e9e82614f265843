//! Captured bodies, decoded, repaired and written, beside what jaeger-collector 1.76 wrote for
//! them. Documents are compared parsed, and the documents of a body as a set: see the README of
//! the golden files for what varies there from run to run.

#![allow(clippy::expect_used, reason = "a test fails loudly")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value as Json;
use spaniel::decode::{Limits, Scratch, Sink, jaeger_thrift, zipkin_json};
use spaniel::document::Shape;
use spaniel::span::repair::{self, Family};
use spaniel::span::{Process, Refusal, Span, Tag};

/// Writes what it gets as the pipeline does.
struct Writer {
    shape: Shape,
    family: Family,
    process: Vec<u8>,
    documents: Vec<Json>,
    refusals: Vec<Refusal>,
}

impl<'a> Sink<'a> for Writer {
    fn process(&mut self, process: &Process<'a>) {
        self.process.clear();
        let (service, _) = repair::service(process.service, self.family);
        self.shape.write_process(&mut self.process, service, &process.tags);
    }

    fn span(&mut self, span: &mut Span<'a>) {
        match self.family {
            Family::Native => {
                span.tags.push(Tag::new("@jaeger@format", "jaeger"));
                repair::native(span);
            }
            Family::Otel => {
                repair::otel(span);
            }
        }
        let mut line = Vec::new();
        self.shape.write_span(&mut line, span, &self.process);
        self.documents.push(serde_json::from_slice(&line).expect("a document is JSON"));
    }

    fn refuse(&mut self, refusal: Refusal) {
        self.refusals.push(refusal);
    }
}

/// What became of a body: an HTTP status, and its documents.
struct Outcome {
    status: u64,
    documents: Vec<Json>,
}

fn written(body: &[u8], family: Family) -> Outcome {
    let shape = Shape::new(&spaniel::settings::Document::default());
    let mut writer = Writer { shape, family, process: Vec::new(), documents: Vec::new(), refusals: Vec::new() };
    let scratch = Scratch::new();
    let outcome = match family {
        Family::Otel => zipkin_json(body, &scratch, &Limits::default(), &mut writer),
        Family::Native => jaeger_thrift(body, &Limits::default(), &mut writer),
    };
    let nothing_read = writer.documents.is_empty() && !writer.refusals.is_empty();
    let status = if outcome.is_err() || nothing_read { 400 } else { 202 };
    Outcome { status, documents: writer.documents }
}

fn data(path: &str) -> Vec<u8> {
    let path = Path::new("tests/data").join(path);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The golden lines of a file, by input.
fn golden(file: &str) -> BTreeMap<String, Json> {
    let lines = String::from_utf8(data(&format!("golden/jaeger-1.76/{file}"))).expect("golden files are UTF-8");
    let line = |line: &str| {
        let golden: Json = serde_json::from_str(line).expect("a golden line is JSON");
        (golden["input"].as_str().unwrap_or_default().to_owned(), golden)
    };
    lines.lines().map(line).collect()
}

fn sources(golden: &Json) -> Vec<Json> {
    golden["spans"].as_array().into_iter().flatten().map(|span| span["_source"].clone()).collect()
}

/// What Spaniel does otherwise on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Difference {
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
    /// Jaeger refuses the request for its path, method or type before it looks at the body.
    NotTheBody,
    /// Jaeger reads v2 spans on the v1 path as v1 and loses most of them. The body tells.
    WrongPath,
}

use Difference::{NoFields, NoNumber, NotTheBody, Refused, ResourceTags, UnknownTagType, WrongPath, ZeroDuration};

const DIFFERENCES: [(&str, Difference); 24] = [
    ("envoy/046-json-badpath.json", WrongPath),
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
    ("jaeger/zipkin/v2-annotations.json", NoFields),
    ("jaeger/zipkin/v2-resource-tags.json", ResourceTags),
];

/// What the documents of a body are compared by.
#[derive(Debug, Default, PartialEq)]
struct Compared(Vec<Json>);

impl Compared {
    /// `free_order`: tags may stand in any order, as Jaeger's do for Zipkin.
    fn new(mut documents: Vec<Json>, free_order: bool) -> Self {
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

fn sort(list: &mut Json) {
    list.as_array_mut().expect("a list of tags").sort_by_cached_key(Json::to_string);
}

/// Makes a document of Jaeger's what ours is meant to be. Each must change something.
fn change(document: &mut Json, difference: Difference) {
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

/// Fails unless the body becomes Jaeger's documents, or differs as the table says.
fn check(input: &str, golden: &Json, family: Family) {
    let difference = DIFFERENCES.iter().find(|(name, _)| *name == input).map(|(_, difference)| *difference);
    let ours = written(&data(input), family);
    let mut theirs = sources(golden);
    let free_order = family == Family::Otel;
    if let Some(difference) = difference {
        match difference {
            NotTheBody | WrongPath => return assert_eq!(ours.status, 202, "{input}"),
            Refused(count) => {
                assert_eq!((ours.documents.len(), theirs.len()), (count, 0), "{input}");
                return;
            }
            NoNumber => {
                let more = ours.documents.iter().filter(|document| !theirs.contains(document));
                assert!(
                    more.clone().count() > 0 && theirs.iter().all(|theirs| ours.documents.contains(theirs)),
                    "{input}"
                );
                return more.for_each(|document| {
                    assert!(document.to_string().contains("Inf") || document.to_string().contains("NaN"), "{document}")
                });
            }
            ResourceTags => return check_resource_tags(&ours.documents, &theirs),
            ZeroDuration | NoFields | UnknownTagType => {
                let before = theirs.clone();
                theirs.iter_mut().for_each(|document| change(document, difference));
                assert_ne!(before, theirs, "{input}: the difference is gone, take it out of the table");
            }
        }
    }
    assert_eq!(golden["status"], ours.status, "{input}");
    let (ours, theirs) = (Compared::new(ours.documents, free_order), Compared::new(theirs, free_order));
    for (ours, theirs) in ours.0.iter().zip(&theirs.0) {
        assert_eq!(ours, theirs, "{input}");
    }
    assert_eq!(ours.0.len(), theirs.0.len(), "{input}");
}

/// All but the process tags is equal; ours are those that were sent with the span.
fn check_resource_tags(ours: &[Json], theirs: &[Json]) {
    let without = |documents: &[Json]| {
        let mut documents = documents.to_vec();
        documents.iter_mut().for_each(|document| document["process"]["tags"] = Json::Array(Vec::new()));
        Compared::new(documents, true)
    };
    assert_eq!(without(ours), without(theirs));
    let keys = |document: &Json| {
        let tags = document["process"]["tags"].as_array().expect("a list of tags");
        tags.iter().map(|tag| format!("{}={}", tag["key"], tag["value"]).replace('"', "")).collect::<Vec<_>>().join(" ")
    };
    let ours: Vec<String> = ours.iter().map(keys).collect();
    assert_eq!(
        ours,
        ["host.name=n1 k8s.pod.name=web-1 service.version=3", "host.name=n2", "cloud.region=eu", "host.name=n3"]
    );
}

/// The bodies of a golden file that `takes`, checked; how many there were.
fn check_file(file: &str, family: Family, takes: impl Fn(&str) -> bool) -> usize {
    let golden = golden(file);
    let inputs: Vec<_> = golden.iter().filter(|(input, _)| takes(input)).collect();
    inputs.iter().for_each(|(input, line)| check(input, line, family));
    inputs.len()
}

fn is_v2_json(input: &str) -> bool {
    input.ends_with(".json") && !["-v1json-", "-v1json.", "jsonv1"].iter().any(|mark| input.contains(mark))
}

#[test]
fn envoys_bodies() {
    assert_eq!(check_file("envoy.ndjson", Family::Otel, is_v2_json), 85);
}

#[test]
fn other_zipkin_clients_bodies() {
    assert_eq!(check_file("zipkin-clients.ndjson", Family::Otel, is_v2_json), 4);
}

#[test]
fn made_zipkin_bodies() {
    assert_eq!(check_file("zipkin.ndjson", Family::Otel, is_v2_json), 5);
}

#[test]
fn jaeger_thrift_bodies() {
    assert_eq!(check_file("thrift-http.ndjson", Family::Native, |input| input.ends_with(".thrift")), 65);
}

/// What Spaniel makes otherwise of Zipkin's decode vectors than jaeger-collector does, where that
/// takes them, and why.
const VECTOR_DIFFERENCES: [(&str, &str); 9] = [
    ("id/trace-zeros16", "no trace has the id 0"),
    ("id/trace-zeros32", "no trace has the id 0"),
    ("id/trace-number", "the digits of a number are the id, as with Zipkin; Jaeger cuts off the first and the last"),
    ("id/trace-missing", "no trace has the id 0"),
    ("field/parent-number", "the digits of a number are the id, as with Zipkin; Jaeger loses the parent"),
    ("field/kind-lower", "the kind is clear; Jaeger loses it"),
    ("field/kind-mixed", "the kind is clear; Jaeger loses it"),
    ("field/ts-overflow", "the largest time, as with Zipkin; in Jaeger it overflows to 1970"),
    ("field/dup-ann", "repeated annotations are all kept, as with Zipkin; Jaeger keeps the last list"),
];

#[test]
fn zipkins_vectors() {
    let file: Json = serde_json::from_slice(&data("zipkin/decode-vectors.json")).expect("the vectors are JSON");
    let golden = golden("zipkin-vectors.ndjson");
    let mut differences = Vec::new();
    for vector in file["vectors"].as_array().expect("a list of vectors") {
        let name = vector["name"].as_str().expect("a name");
        let Some(body) = vector["body"].as_str().filter(|_| vector["decoder"] == "JSON_V2") else { continue };
        let theirs = &golden[name];
        if theirs["status"] != 202 {
            continue;
        }
        let ours = written(body.as_bytes(), Family::Otel);
        let mut expected = sources(theirs);
        for document in &mut expected {
            change(document, NoFields);
        }
        if ours.status != 202 || Compared::new(ours.documents, true) != Compared::new(expected, true) {
            differences.push(name);
        }
    }
    let expected: Vec<&str> = VECTOR_DIFFERENCES.iter().map(|(name, _)| *name).collect();
    assert_eq!(differences, expected);
}
