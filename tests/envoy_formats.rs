//! Envoy's protobuf beside its JSON: the same load, sent once in each, gives the same spans, with
//! the same links between them.

#![allow(clippy::expect_used, reason = "a test fails loudly")]

use std::collections::BTreeMap;
use std::fmt::Write as _;

use spaniel::decode::{Limits, Scratch, Sink, zipkin_json, zipkin_proto};
use spaniel::span::repair::{Mend, envoy_ids};
use spaniel::span::{Process, Refusal, Span, Tag, TraceId, Value};

/// Tags whose values differ from load to load.
const VARYING: [&str; 3] = ["guid:x-request-id", "peer.address", "upstream_address"];

/// What a span is, but for what differs from load to load.
#[derive(Debug)]
struct Shape {
    trace_id: TraceId,
    id: u64,
    parent: Option<u64>,
    text: String,
}

#[derive(Default)]
struct Shapes {
    service: String,
    turns_ids: bool,
    turned: usize,
    spans: Vec<Shape>,
}

impl<'a> Sink<'a> for Shapes {
    fn process(&mut self, process: &Process<'a>) {
        self.service = format!("{:?}", process.service.map(|service| service.decoded().into_owned()));
    }

    fn span(&mut self, span: &mut Span<'a>) {
        if self.turns_ids {
            self.turned += usize::from(envoy_ids(span) == Some(Mend::ReversedIds));
        }
        let mut tags: Vec<String> = span.tags.iter().filter_map(shown).collect();
        tags.sort();
        let mut text = format!("{} {} {tags:?}", self.service, span.operation.decoded());
        for log in &span.logs {
            let fields: Vec<_> = span.fields_of(log).iter().map(shown).collect();
            let _ = write!(text, " {fields:?}");
        }
        let timed = span.start > 1_700_000_000_000_000 && (0..60_000_000).contains(&span.duration);
        assert!(timed, "{} {}", span.start, span.duration);
        let parent = span.references.first().map(|reference| reference.span_id);
        self.spans.push(Shape { trace_id: span.trace_id, id: span.span_id, parent, text });
    }

    fn refuse(&mut self, refusal: Refusal) {
        panic!("{refusal:?}");
    }
}

fn shown(tag: &Tag<'_>) -> Option<String> {
    let key = tag.key.decoded();
    let value = match tag.value {
        _ if VARYING.contains(&&*key) => return Some(key.into_owned()),
        Value::Text(text) => text.decoded().into_owned(),
        Value::Int64(number) => number.to_string(),
        Value::Address(address) => address.to_string(),
        Value::Bool(value) => value.to_string(),
        other => panic!("{other:?}"),
    };
    Some(format!("{key}={value}"))
}

/// The captured bodies of a format, by what they show; those of a mesh's load together.
fn bodies(format: &str, ending: &str) -> BTreeMap<String, Vec<Vec<u8>>> {
    let mut bodies: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
    for entry in std::fs::read_dir("tests/data/envoy").expect("captured bodies") {
        let path = entry.expect("a file").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let Some(name) = name.strip_suffix(ending) else { continue };
        let Some((_, shows)) = name.split_once('-') else { continue };
        let mesh = format!("bookinfo-{format}-");
        let key = match (shows.strip_prefix(&mesh), shows.strip_prefix(&format!("{format}-"))) {
            (Some(load), _) => load.split('-').next().unwrap_or_default().to_owned(),
            (_, Some(shows)) => shows.trim_end_matches("-1").trim_end_matches("-2").to_owned(),
            _ => continue,
        };
        bodies.entry(key).or_default().push(std::fs::read(&path).expect("a body"));
    }
    bodies
}

fn json(bodies: &[Vec<u8>]) -> Shapes {
    let mut shapes = Shapes::default();
    for body in bodies {
        zipkin_json(body, &Scratch::new(), &Limits::default(), &mut shapes).expect("readable");
    }
    shapes
}

fn proto(bodies: &[Vec<u8>]) -> Shapes {
    let mut shapes = Shapes { turns_ids: true, ..Shapes::default() };
    for body in bodies {
        zipkin_proto(body, &Scratch::new(), &Limits::default(), &mut shapes).expect("readable");
    }
    shapes
}

/// The spans, each with the text of its parent: sorted, as the order differs from load to load.
fn linked(shapes: &Shapes) -> Vec<String> {
    let parent = |span: &Shape| match span.parent {
        None if span.id == span.trace_id.low => "a root with the id of its trace".to_owned(),
        None => format!("a root with the id {:x}", span.id),
        Some(id) => {
            let is_parent = |other: &&Shape| other.trace_id == span.trace_id && other.id == id;
            let parent = shapes.spans.iter().find(is_parent).map(|parent| parent.text.as_str());
            parent.map_or_else(|| format!("{id:x}, of a caller that Envoy knows by its headers"), str::to_owned)
        }
    };
    let mut linked: Vec<_> =
        shapes.spans.iter().map(|span| format!("{}\n  below {}", span.text, parent(span))).collect();
    linked.sort();
    linked
}

#[test]
fn protobuf_and_json_of_the_same_load_give_the_same_spans() {
    let (jsons, protos) = (bodies("json", ".json"), bodies("proto", ".pb"));
    let (mut pairs, mut spans) = (0, 0);
    // Bytes that are not UTF-8 Envoy itself blanks out in JSON.
    for (name, proto_bodies) in protos.iter().filter(|(name, _)| *name != "invalid-utf8") {
        let proto = proto(proto_bodies);
        assert_eq!(proto.turned, proto.spans.len(), "{name}: all ids are Envoy's, reversed");
        let json = json(&jsons[name]);
        let (ours, theirs) = (linked(&proto), linked(&json));
        for (ours, theirs) in ours.iter().zip(&theirs) {
            assert_eq!(ours, theirs, "{name}");
        }
        assert_eq!(ours.len(), theirs.len(), "{name}");
        pairs += 1;
        spans += ours.len();
    }
    assert_eq!((pairs, spans), (16, 776));
}
