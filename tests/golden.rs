//! Captured bodies, decoded, repaired and written, beside what jaeger-collector 1.76 wrote for
//! them. Documents are compared parsed, and the documents of a body as a set: see the README of
//! the golden files for what varies there from run to run.

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

#[test]
fn probe() {
    for file in ["envoy.ndjson", "zipkin-clients.ndjson", "zipkin.ndjson", "thrift-http.ndjson"] {
        for (input, line) in golden(file) {
            let json = input.ends_with(".json") && !input.contains("v1");
            if !json && !input.ends_with(".thrift") || input.contains("v1-") {
                continue;
            }
            let family = if json { Family::Otel } else { Family::Native };
            let ours = written(&data(&input), family);
            let theirs = sources(&line);
            let sort = |mut docs: Vec<Json>| {
                for doc in &mut docs {
                    if json {
                        for tags in [&mut doc["tags"]] {
                            tags.as_array_mut().unwrap().sort_by_key(|t| t.to_string());
                        }
                        doc["process"]["tags"].as_array_mut().unwrap().sort_by_key(|t| t.to_string());
                    }
                }
                let mut docs: Vec<String> = docs.iter().map(|d| d.to_string()).collect();
                docs.sort();
                docs
            };
            let (ours_docs, theirs) = (sort(ours.documents), sort(theirs));
            if line["status"] != ours.status {
                println!("STATUS {input} ours {} theirs {}", ours.status, line["status"]);
            }
            if ours_docs != theirs {
                println!("DIFF {input} {} {}", ours_docs.len(), theirs.len());
                let mut shown = 0;
                for (a, b) in ours_docs.iter().zip(&theirs) {
                    if a != b && shown < 1 {
                        shown += 1;
                        println!("   ours   {}\n   theirs {}", &a[..a.len().min(3000)], &b[..b.len().min(3000)]);
                    }
                }
            }
        }
    }
}
