use serde_json::{Value as Json, json};

use super::*;
use crate::document::Shape;
use crate::settings::{Document, TagsAsFields};
use crate::span::{Log, Span};

const DAY: u64 = 24 * 3600 * 1_000_000;

fn shape(most: usize) -> Shape {
    Shape::new(&Document { lean: Some(LeanFields { most, period_hours: 24 }), ..Document::default() })
}

fn tag<'a>(key: &'a str, value: impl Into<Value<'a>>) -> Tag<'a> {
    Tag { key: key.into(), value: value.into() }
}

fn document(shape: &Shape, span: &Span<'_>, process_tags: &[Tag<'_>]) -> Json {
    let (mut process, mut out) = (Vec::new(), Vec::new());
    shape.write_process(&mut process, "s".into(), process_tags);
    shape.write_span(&mut out, span, &process);
    serde_json::from_slice(&out).unwrap_or_else(|error| panic!("{}: {error}", out.escape_ascii()))
}

fn of(shape: &Shape, tags: &[Tag<'_>]) -> Json {
    document(shape, &Span { tags: tags.to_vec(), ..Span::default() }, &[])
}

/// The keys of the fields and of the list.
fn keys(document: &Json) -> (Vec<&str>, Vec<&str>) {
    let fields = document["tag"].as_object().into_iter().flatten().map(|(key, _)| key.as_str());
    let listed = document["tags"].as_array().unwrap().iter().map(|tag| tag["key"].as_str().unwrap());
    (fields.collect(), listed.collect())
}

#[test]
fn all_tags_are_fields_and_logs_are_as_ever() {
    let tags = vec![
        tag("http.status_code", Value::Int64(i64::MAX)),
        tag("error", Value::Bool(true)),
        tag("ratio", Value::Float64(1.0)),
        tag("nan", Value::Float64(f64::NAN)),
        tag("number", "1"),
        tag("\"\\", "\n"),
    ];
    let logs = vec![Log { timestamp: 1, start: 0, end: 1 }];
    let log_fields = vec![tag("a.b", "c")];
    let span = Span { tags: tags.clone(), logs, log_fields, ..Span::default() };
    let document = document(&shape(500), &span, &tags);
    let fields =
        json!({"http@status_code": i64::MAX, "error": true, "ratio": 1, "nan": "NaN", "number": "1", "\"\\": "\n"});
    for place in [&document, &document["process"]] {
        assert_eq!((&place["tag"], &place["tags"]), (&fields, &json!([])));
    }
    assert_eq!(document["logs"][0]["fields"], json!([{"key": "a.b", "type": "string", "value": "c"}]));
}

#[test]
fn a_span_without_tags_has_an_empty_list() {
    let document = of(&shape(500), &[]);
    assert_eq!((document.get("tag"), &document["tags"]), (None, &json!([])));
    assert_eq!(document["process"], json!({"serviceName": "s", "tags": []}));
}

#[test]
fn what_cannot_be_a_field_is_listed() {
    let (long, longest) = ("x".repeat(257), "y".repeat(256));
    let escaped = Tag { key: Text::Json(r"a\u002eb"), value: "again".into() };
    let mut tags = vec![tag("a.b", "first"), escaped, tag("blob", Value::Binary(&[1]))];
    let odd = ["", " ", "\u{2003}", "\u{1c}", "a\nb", "\0", &long, "@jaeger@format"];
    tags.extend(odd.map(|key| tag(key, "odd")));
    let good = ["_id", "_source", "__proto__", "a", "a b", " c", "*", "é", ".", "..", &longest];
    tags.extend(good.map(|key| tag(key, "good")));
    let document = of(&shape(500), &tags);
    let (fields, listed) = keys(&document);
    assert_eq!(listed, [&["a.b", "blob"], &odd[..]].concat());
    assert_eq!((fields.len(), &document["tag"]["a@b"]), (12, &json!("first")));
}

#[test]
fn whole_floats_beyond_64_bits_are_listed() {
    let floats = [1e21, 1e20, 9_223_372_036_854_775_808.0, 9_223_372_036_854_774_784.0, -1e19, 1e-7, 0.5];
    let names = floats.map(|number| number.to_string());
    let tags: Vec<_> = names.iter().zip(floats).map(|(name, number)| tag(name, Value::Float64(number))).collect();
    let document = of(&shape(500), &tags);
    let (fields, listed) = keys(&document);
    assert_eq!((fields.len(), listed), (4, vec![names[1].as_str(), &names[2], &names[4]]));
}

#[test]
fn new_names_past_the_most_are_listed_until_the_next_day() {
    let shape = shape(2);
    shape.turn(10 * DAY);
    document(&shape, &Span::default(), &[tag("process", "1")]);
    let (three, process) = ([tag("one", "1"), tag("two", "2"), tag("process", "3")], keys);
    assert!(!shape.reached_max_fields());
    assert_eq!(process(&of(&shape, &three)), (vec!["one", "process"], vec!["two"]));
    assert!(shape.reached_max_fields() && !shape.reached_max_fields());
    shape.turn(11 * DAY - 1);
    assert_eq!(process(&of(&shape, &three[1..])), (vec!["process"], vec!["two"]));
    shape.turn(11 * DAY);
    assert_eq!(process(&of(&shape, &three[1..])), (vec!["process", "two"], vec![]));
    // A request that was read before midnight and is written after it.
    shape.turn(11 * DAY - 1);
    assert_eq!(process(&of(&shape, &three)), (vec!["process", "two"], vec!["one"]));
}

#[test]
fn names_under_an_alias_are_never_forgotten() {
    let shape = Shape::new(&Document { lean: Some(LeanFields { most: 1, period_hours: 0 }), ..Document::default() });
    for day in [1, 1000, 20_000] {
        shape.turn(day * DAY);
        assert_eq!(keys(&of(&shape, &[tag("a", "1"), tag("b", "1")])), (vec!["a"], vec!["b"]));
    }
}

#[test]
fn many_threads_give_out_no_more_than_the_most() {
    let shape = shape(100);
    let fields = |thread: usize| {
        let names: Vec<String> = (0..300).map(|number| format!("name.{}", (number * 7 + thread * 31) % 400)).collect();
        let tags: Vec<_> = names.iter().map(|name| tag(name, "x")).collect();
        let document = of(&shape, &tags);
        document["tag"].as_object().unwrap().keys().cloned().collect::<Vec<_>>()
    };
    let names = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|thread| scope.spawn(move || fields(thread))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect::<std::collections::BTreeSet<_>>()
    });
    assert_eq!(names.len(), 100);
    assert!(shape.reached_max_fields());
}

#[test]
fn the_most_that_can_be_set_is_kept() {
    let tags_as_fields = TagsAsFields { dot_replacement: "__".into(), ..TagsAsFields::default() };
    let lean = Some(LeanFields { most: usize::MAX, period_hours: 24 });
    let shape = Shape::new(&Document { lean, tags_as_fields, ..Document::default() });
    let names: Vec<String> = (0..MOST + 10).map(|number| format!("n.{number}")).collect();
    let tags: Vec<_> = names.iter().chain(&names).map(|name| tag(name, "x")).collect();
    let document = of(&shape, &tags);
    let (fields, listed) = keys(&document);
    assert_eq!((fields.len(), listed.len()), (MOST, MOST + 20));
    assert_eq!(document["tag"]["n__0"], "x");
}
