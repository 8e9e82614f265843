//! OpenTelemetry's bodies beside what Jaeger 2.20 wrote for them, which is written for that protocol:
//! what differs is one table, each row with its reason.
//!
//! Only these: bodies of Jaeger's own protocols and of Zipkin's become OTLP in Jaeger 2 before they are
//! written, and lose flags, doubled keys and types on the way; there 1.76 is the better answer (see
//! `golden` and `otlp_golden`).

#![allow(clippy::expect_used, reason = "a test fails loudly")]

mod jaeger_golden;

use std::collections::BTreeMap;

use serde_json::Value as Json;
use spaniel::decode::{Limits, Scratch, otlp_json, otlp_proto};
use spaniel::span::repair::Family;

use jaeger_golden::data;
use jaeger_golden::written::written_as;

/// What differs, how often it does in these bodies, and why ours is as it is.
const DIFFERENCES: [(&str, usize, &str); 10] = [
    (
        "elevated",
        460,
        "`span.kind` and `error` stand in `tag` there by default; here where --es.tags-as-fields says so",
    ),
    ("error code", 58, "an error is `otel.status_code` too, as readers of Jaeger 1 know it"),
    ("empty", 13, "a value that is nothing is an empty text: `null` is no string to a reader"),
    ("escapes", 43, "the text of lists and maps escapes < > & as Go does by default; parsed it is the same"),
    ("twice", 6, "attributes `error` and `span.kind` are kept beside status and kind; a field holds one"),
    (
        "warning",
        14,
        "a negative duration is 0 and counted as mended, as in 1.76; one of zero, warned of there, is no fault",
    ),
    ("no number", 4, "a NaN inside a list or a map costs the text of all of it there; here it is a text of its own"),
    ("zero id", 4, "an id of a link that is zero is written so: an id always has its digits"),
    ("service", 1, "a service's name that is no UTF-8 keeps what can be read of it; there it is base64"),
    ("name", 4, "a span without a name has none"),
];

/// Bodies that are told of in `otlp_golden`: refused in part by us, or not for their bodies.
const ELSEWHERE: [&str; 5] = ["bad-", "hand-empty-ids", "id-absent", "id-empty", "ids-zero"];

/// How often each difference was met.
type Met = BTreeMap<&'static str, usize>;

fn documents(input: &str) -> Vec<Json> {
    let (body, limits, scratch) = (data(input), Limits::default(), Scratch::new());
    let body = if input.ends_with(".gz") { gunzipped(&body) } else { body };
    let outcome = if input.contains(".json") {
        written_as(Family::Otel, "otlp", |writer| otlp_json(&body, &scratch, &limits, writer))
    } else {
        written_as(Family::Otel, "otlp", |writer| otlp_proto(&body, &scratch, &limits, writer))
    };
    outcome.documents
}

fn gunzipped(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(body), &mut out).expect("gzip");
    out
}

/// Theirs in our form, which holds the same: ids as short as they can be, no parent beside the
/// references, lists that are empty instead of none, flags left out.
fn in_our_form(mut document: Json, met: &mut Met) -> Json {
    let members = document.as_object_mut().expect("a document");
    members.remove("flags");
    let parent = members.remove("parentSpanID");
    let elevated = members.remove("tag");
    for list in ["references", "logs"] {
        if document[list].is_null() {
            document[list] = Json::Array(Vec::new());
        }
    }
    if let Some(parent) = parent {
        assert_eq!(parent, document["references"][0]["spanID"]);
    }
    shorten(&mut document["traceID"]);
    for reference in document["references"].as_array_mut().expect("references") {
        shorten(&mut reference["traceID"]);
        for id in ["traceID", "spanID"] {
            if reference[id] == "" {
                reference[id] = "0000000000000000".into();
                *met.entry("zero id").or_default() += 1;
            }
        }
    }
    for (key, value) in elevated.iter().filter_map(Json::as_object).flatten() {
        let kind = if value.is_boolean() { "bool" } else { "string" };
        let tag = serde_json::json!({"key": key.replace('@', "."), "type": kind, "value": value});
        document["tags"].as_array_mut().expect("tags").push(tag);
        *met.entry("elevated").or_default() += 1;
    }
    document
}

fn shorten(id: &mut Json) {
    let short = id.as_str().and_then(|id| id.strip_prefix("0000000000000000")).map(Json::from);
    *id = short.unwrap_or_else(|| id.take());
}

/// Takes equal tags from both lists; of what is left each must be a difference of the table.
fn compare_tags(input: &str, ours: &mut Json, theirs: &mut Json, met: &mut Met) {
    let list = |tags: &mut Json| tags.take().as_array().cloned().unwrap_or_default();
    let (mut ours, mut theirs) = (list(ours), list(theirs));
    ours.retain(|tag| match theirs.iter().position(|other| other == tag) {
        Some(place) => {
            theirs.remove(place);
            false
        }
        None => true,
    });
    for tag in ours {
        let place = theirs.iter().position(|other| other["key"] == tag["key"]);
        let other = place.map(|place| theirs.remove(place)["value"].take());
        *met.entry(difference(&tag, other.as_ref()).unwrap_or_else(|| panic!("{input}: {tag} {other:?}")))
            .or_default() += 1;
    }
    for tag in theirs {
        assert_eq!(tag["key"], "@jaeger@warnings", "{input}: {tag}");
        *met.entry("warning").or_default() += 1;
    }
}

/// What a tag of ours is that they do not have, or have otherwise.
fn difference(tag: &Json, other: Option<&Json>) -> Option<&'static str> {
    let parsed = |text: &Json| serde_json::from_str::<Json>(text.as_str()?).ok();
    match other {
        None if tag["key"] == "otel.status_code" && tag["value"] == "ERROR" => Some("error code"),
        None if tag["key"] == "error" || tag["key"] == "span.kind" => Some("twice"),
        Some(other) if other.is_null() && tag["value"] == "" => Some("empty"),
        Some(other) if other == "" && ["NaN", "Inf"].iter().any(|word| tag.to_string().contains(word)) => {
            Some("no number")
        }
        Some(other) if parsed(&tag["value"]).is_some() && parsed(&tag["value"]) == parsed(other) => Some("escapes"),
        _ => None,
    }
}

fn compare(input: &str, mut ours: Json, mut theirs: Json, met: &mut Met) {
    if ours["operationName"] == "" && theirs["operationName"] == "empty-span-name" {
        theirs["operationName"] = "".into();
        *met.entry("name").or_default() += 1;
    }
    let service = &mut theirs["process"]["serviceName"];
    if ours["process"]["serviceName"] == "sh\u{fffd}p" && *service == "c2j4cA==" {
        *service = ours["process"]["serviceName"].clone();
        *met.entry("service").or_default() += 1;
    }
    compare_tags(input, &mut ours["tags"], &mut theirs["tags"], met);
    compare_tags(input, &mut ours["process"]["tags"], &mut theirs["process"]["tags"], met);
    let logs = ours["logs"].as_array_mut().expect("logs").iter_mut();
    for (ours, theirs) in logs.zip(theirs["logs"].as_array_mut().expect("logs")) {
        compare_tags(input, &mut ours["fields"], &mut theirs["fields"], met);
    }
    assert_eq!(ours, theirs, "{input}");
}

/// By what documents of a body are told apart.
fn key(document: &Json) -> String {
    ["traceID", "spanID", "startTime", "operationName", "duration"].map(|name| document[name].to_string()).concat()
}

/// The bodies of a golden file; how many were compared.
fn check(file: &str, met: &mut Met) -> usize {
    let lines = String::from_utf8(data(&format!("golden/jaeger-2.20/{file}"))).expect("UTF-8");
    let mut count = 0;
    for line in lines.lines() {
        let golden: Json = serde_json::from_str(line).expect("a golden line");
        let input = golden["input"].as_str().expect("an input");
        if ELSEWHERE.iter().any(|name| input.contains(name)) {
            continue;
        }
        let spans = golden["spans"].as_array().expect("spans").iter();
        let mut theirs: Vec<Json> = spans.map(|span| in_our_form(span["_source"].clone(), met)).collect();
        let mut ours = documents(input);
        theirs.sort_by_cached_key(key);
        ours.sort_by_cached_key(key);
        if input.contains("nan") {
            // Not a number costs the document there; what they have we have.
            ours.retain(|document| theirs.iter().any(|theirs| key(theirs) == key(document)));
        }
        assert_eq!(ours.len(), theirs.len(), "{input}");
        ours.into_iter().zip(theirs).for_each(|(ours, theirs)| compare(input, ours, theirs, met));
        count += 1;
    }
    count
}

#[test]
fn otlp_bodies_beside_jaeger_2() {
    let mut met = Met::new();
    let counts = ["otlp.ndjson", "otlp-grpc.ndjson"].map(|file| check(file, &mut met));
    assert_eq!(counts, [78, 10]);
    let expected: Met = DIFFERENCES.iter().map(|(name, count, _)| (*name, *count)).collect();
    assert_eq!(met, expected, "differences were met so often");
}
