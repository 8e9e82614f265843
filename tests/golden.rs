//! Captured bodies, decoded, repaired and written, beside what jaeger-collector 1.76 wrote for
//! them. Documents are compared parsed, and the documents of a body as a set: see the README of
//! the golden files for what varies there from run to run.

#![allow(clippy::expect_used, reason = "a test fails loudly")]

mod jaeger_golden;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;
use spaniel::pipeline::Protocol;
use spaniel::span::repair::Family;

use jaeger_golden::Difference::{
    DroppedByAgent, NoFields, NoNumber, NotTheBody, Refused, ResourceTags, UnknownTagType, WrongPath, ZeroDuration,
};
use jaeger_golden::old::edit;
use jaeger_golden::written::{written, written_by, written_from, zipkin_decoder};
use jaeger_golden::{Compared, change, data, difference_of, golden, is_v1, sources};

/// Fails unless the body becomes Jaeger's documents, or differs as the table says.
fn check(input: &str, golden: &Json, family: Family) {
    let difference = difference_of(input);
    let ours = match family {
        Family::Native => written(&data(input), family),
        Family::Otel => written_by(zipkin_decoder(input), &data(input), family),
    };
    let mut theirs = sources(golden);
    if is_v1(input) {
        edit(input, &mut theirs);
    }
    let free_order = family == Family::Otel;
    if let Some(difference) = difference {
        match difference {
            NotTheBody | WrongPath => return assert_eq!(ours.status, 202, "{input}"),
            Refused(count) => {
                assert_eq!((ours.documents.len(), theirs.len()), (count, 0), "{input}");
                return;
            }
            DroppedByAgent(_) => panic!("{input} is no datagram"),
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

#[test]
fn envoys_bodies() {
    assert_eq!(check_file("envoy.ndjson", Family::Otel, |_| true), 130);
}

#[test]
fn other_zipkin_clients_bodies() {
    assert_eq!(check_file("zipkin-clients.ndjson", Family::Otel, |_| true), 9);
}

#[test]
fn made_zipkin_bodies() {
    assert_eq!(check_file("zipkin.ndjson", Family::Otel, |_| true), 13);
}

#[test]
fn jaeger_thrift_bodies() {
    assert_eq!(check_file("thrift-http.ndjson", Family::Native, |input| input.ends_with(".thrift")), 65);
}

/// Datagrams beside what a jaeger-agent in front of jaeger-collector made of them. It handed them on
/// by gRPC, so that the tag that tells the format says `proto` there, and a negative zero lost its
/// sign; here both stay what came.
fn check_datagrams(file: &str, protocol: Protocol) -> usize {
    let golden = golden(file);
    for (input, line) in &golden {
        let mut ours = written_from(&data(input), protocol);
        ours.documents.iter_mut().for_each(lose_signs_of_zeros);
        let mut theirs = sources(line);
        theirs.iter_mut().for_each(|document| name_format(document, "proto", "jaeger"));
        let documents = match difference_of(input) {
            Some(DroppedByAgent(count)) => {
                assert_eq!((ours.documents.len(), theirs.len()), (count, 0), "{input}");
                continue;
            }
            Some(NoNumber) => {
                let no_number = |text: &str| text.contains("Inf") || text.contains("NaN");
                ours.documents.into_iter().filter(|document| !no_number(&document.to_string())).collect()
            }
            Some(difference) => {
                let before = theirs.clone();
                theirs.iter_mut().for_each(|document| change(document, difference));
                assert_ne!(before, theirs, "{input}: the difference is gone, take it out of the table");
                ours.documents
            }
            None => ours.documents,
        };
        assert_eq!(ours.readable, !input.contains("/bad-"), "{input}");
        let (ours, theirs) = (Compared::new(documents, false), Compared::new(theirs, false));
        assert_eq!(ours, theirs, "{input}");
    }
    golden.len()
}

fn lose_signs_of_zeros(document: &mut Json) {
    match document {
        Json::Number(number) if number.as_f64() == Some(0.0) => *document = 0.into(),
        Json::Array(values) => values.iter_mut().for_each(lose_signs_of_zeros),
        Json::Object(members) => members.values_mut().for_each(lose_signs_of_zeros),
        _ => {}
    }
}

fn name_format(document: &mut Json, from: &str, to: &str) {
    let tags = document["tags"].as_array_mut().expect("a list of tags");
    let format = tags.iter_mut().rfind(|tag| tag["key"] == "@jaeger@format" && tag["value"] == from);
    format.expect("every document tells its format")["value"] = to.into();
}

#[test]
fn datagrams_in_compact_protocol() {
    assert_eq!(check_datagrams("udp-compact.ndjson", Protocol::AgentCompact), 39);
}

#[test]
fn datagrams_in_binary_protocol() {
    assert_eq!(check_datagrams("udp-binary.ndjson", Protocol::AgentBinary), 17);
}

/// What Spaniel makes otherwise of Zipkin's decode vectors than jaeger-collector does, where that
/// takes them, and why.
const VECTOR_DIFFERENCES: [(&str, &str); 50] = [
    ("id/trace-zeros16", "no trace has the id 0"),
    ("id/trace-zeros32", "no trace has the id 0"),
    ("id/trace-number", "the digits of a number are the id, as with Zipkin; Jaeger cuts off the first and the last"),
    ("id/trace-missing", "no trace has the id 0"),
    ("field/parent-number", "the digits of a number are the id, as with Zipkin; Jaeger loses the parent"),
    ("field/kind-lower", "the kind is clear; Jaeger loses it"),
    ("field/kind-mixed", "the kind is clear; Jaeger loses it"),
    ("field/ts-overflow", "the largest time, as with Zipkin; in Jaeger it overflows to 1970"),
    ("field/ann-extra", "the members say that it is v1"),
    ("field/dup-ann", "repeated annotations are all kept, as with Zipkin; Jaeger keeps the last list"),
    ("field/v1-binary", "the members say that it is v1"),
    ("field/v1-annotations-only", "the members say that it is v1"),
    ("v1/sr-ss-ts-nodur", "Jaeger does not look at the annotations if there is a timestamp"),
    ("v1/shared-all", "Jaeger loses the server"),
    ("v1/shared-all-ts", "Jaeger loses the server"),
    ("v1/loopback", "Jaeger loses the server"),
    ("v1/oneway", "Jaeger loses the server"),
    ("v1/cr-only", "an end without a beginning stays an annotation, as with Zipkin"),
    ("v1/ss-only", "an end without a beginning stays an annotation, as with Zipkin"),
    ("v1/ss-only-ts-off", "an end that is not the span's own stays an annotation, as with Zipkin"),
    ("v1/ann-other-service", "Jaeger loses the other service"),
    ("v1/ms-ws", "the end of a message is told by the duration, as with Zipkin"),
    ("v1/wr-mr", "the beginning of a message is told by the start, as with Zipkin"),
    ("v1/ms-mr", "Jaeger loses the consumer"),
    ("v1/ms-mr-all", "Jaeger loses the consumer"),
    ("v1/lc", "Jaeger loses the address of an endpoint that only tags have"),
    ("v1/lc-empty", "Jaeger loses the address of an endpoint that only tags have"),
    ("v1/local-notimestamp", "Jaeger loses that address; the time of arrival is the pipeline's to give"),
    ("v1/nothing", "the time of arrival is the pipeline's to give"),
    ("v1/tags-two-hosts", "Jaeger loses the server and a tag"),
    ("v1/error-tag", "Jaeger loses what the error says"),
    ("v1/sa-string-true", "Jaeger loses the other end"),
    ("v1/sa-string-1", "Jaeger loses the other end"),
    ("v1/ann-nots", "the time of arrival is the pipeline's to give"),
    ("v1/ann-ts-null", "the time of arrival is the pipeline's to give"),
    ("v1/ann-endpoint-emptyname", "Jaeger loses the address of a service without a name"),
    ("v1/parent-self", "no span is its own parent, as with Zipkin, and with Jaeger in v2"),
    ("thrift/sa", "Jaeger loses the other end"),
    ("thrift/port-negative", "a port has no sign"),
    ("thrift/trace-zero", "no trace has the id 0"),
    ("thrift/id-zero", "no span has the id 0"),
    ("thrift/invalid-utf8", "each bad byte is replaced in the name; Jaeger hides the name in a tag"),
    ("thrift/wrong-field-type", "no trace has the id 0"),
    ("proto/trace-zero", "no trace has the id 0"),
    ("proto/id-zero", "no span has the id 0"),
    ("proto/ts-negative", "what is before 1970 is no time, as in JSON; in Jaeger it is far in the future"),
    ("proto/ep-ip-3-bytes", "what is no address is left out"),
    ("proto/ep-port-over", "what is no port is left out"),
    ("proto/ep-port-neg", "what is no port is left out"),
    ("proto/ep-port-5byte", "what is no port is left out"),
];

#[test]
fn zipkins_vectors() {
    let file: Json = serde_json::from_slice(&data("zipkin/decode-vectors.json")).expect("the vectors are JSON");
    let golden = golden("zipkin-vectors.ndjson");
    let mut differences = Vec::new();
    for vector in file["vectors"].as_array().expect("a list of vectors") {
        let name = vector["name"].as_str().expect("a name");
        let decoder = match vector["decoder"].as_str() {
            Some("JSON_V2") => "x.json",
            Some("JSON_V1") => "x-v1json.json",
            Some("THRIFT") => "x.thrift",
            _ => "x.pb",
        };
        let body = match vector["body"].as_str() {
            Some(body) => body.as_bytes().to_vec(),
            None => STANDARD.decode(vector["body_base64"].as_str().expect("a body")).expect("base64"),
        };
        let theirs = &golden[name];
        if theirs["status"] != 202 {
            continue;
        }
        let ours = written_by(zipkin_decoder(decoder), &body, Family::Otel);
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
