//! Conditions of rules: no panic, a fault lies in the text, what is written out is read as the same, and
//! the quick way of deciding decides as the plain one.
#![no_main]

use libfuzzer_sys::fuzz_target;
use spaniel_fuzz::sample::expression::{Expression, Facts, Keys, Known, Program, parse};
use spaniel_fuzz::span::{Span, Tag, Text, Value};

fuzz_target!(|text: &str| {
    let mut keys = Keys::default();
    let expression = match parse(text, &mut keys) {
        Ok(expression) => expression,
        Err(fault) => {
            assert!(fault.at <= text.len());
            return;
        }
    };
    let written = expression.to_string();
    let again = parse(&written, &mut keys).expect("what was written out");
    assert_eq!(again.to_string(), written);
    let tags = vec![
        Tag::new("http.status_code", "503"),
        Tag::new("error", Value::Bool(true)),
        Tag::new("span.kind", "server"),
        Tag::new("x", Value::Text(Text::Json(r"a\/b"))),
    ];
    let span = Span { operation: "GET /".into(), duration: 1_000_000, tags, ..Span::default() };
    let [tags, resources] = keys.tables();
    let (mut slots, of_process) = (tags.places(), resources.slots());
    tags.locate(&span.tags, &mut slots);
    let facts = Facts { service: "cart".into(), span: &span, tags: &slots, resource: &of_process };
    assert_eq!(Program::new(&expression).holds(&facts), expression.holds(&facts));
    let known = Known { service: Some("cart"), operation: Some("GET /") };
    let left: Expression = expression.residual(known);
    assert_eq!((expression.holds(&facts), again.holds(&facts)), (left.holds(&facts), left.holds(&facts)));
});
