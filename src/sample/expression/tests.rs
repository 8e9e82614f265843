use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::span::{Span, Tag, Text, Value};

fn read(text: &str) -> Result<(Expression, Keys), Fault> {
    let mut keys = Keys::default();
    parse(text, &mut keys).map(|expression| (expression, keys))
}

/// A span with these tags; process tags begin with `process:`.
fn holds(text: &str, service: &str, span: &Span<'_>, resource: &[Tag<'_>]) -> bool {
    let (expression, keys) = read(text).unwrap_or_else(|fault| panic!("{text}: {fault:?}"));
    let [tags, resources] = keys.tables();
    let (mut slots, mut of_process) = (tags.places(), resources.slots());
    tags.locate(&span.tags, &mut slots);
    resources.fill(resource, &mut of_process);
    let facts = Facts { service: service.into(), span, tags: &slots, resource: &of_process };
    assert_eq!(Program::new(&expression).holds(&facts), expression.holds(&facts), "{text}");
    expression.holds(&facts)
}

fn tag<'a>(key: &'a str, value: impl Into<Value<'a>>) -> Tag<'a> {
    Tag { key: key.into(), value: value.into() }
}

/// As Envoy's span of a failed request comes out of the decoder.
fn envoys() -> Span<'static> {
    let tags = vec![
        tag("http.status_code", "503"),
        tag("response_flags", "UF,URX"),
        tag("grpc.status_code", "14"),
        tag("istio.canonical_revision", "v2"),
        tag("retries", Value::Int64(3)),
        tag("cached", Value::Bool(false)),
        tag("share", Value::Float64(0.5)),
        tag("net.host.ip", Value::Address([10, 0, 0, 1].into())),
        tag("blob", Value::Binary(b"x")),
        tag("peer.service", "frontend"),
        tag("error", Value::Bool(true)),
        tag("span.kind", "server"),
    ];
    Span { operation: "GET /cart".into(), duration: 250_000, tags, ..Span::default() }
}

#[test]
fn every_field_and_operator_is_what_it_says() {
    let cases = [
        ("service == 'cart'", true),
        ("service != 'cart'", false),
        ("service in ['shop', \"cart\"]", true),
        ("operation starts_with 'GET '", true),
        ("operation contains 'cart'", true),
        ("operation matches '^[A-Z]+ /c.*t$'", true),
        ("operation matches '^/'", false),
        ("kind == 'server'", true),
        ("duration > 200ms and duration <= 0.25s", true),
        ("duration < 250000us", false),
        ("duration in [250ms]", true),
        ("error", true),
        ("error == false", false),
        ("not error", false),
        ("status >= 500", true),
        ("status == 503 and status != 504", true),
        ("status >= '500'", true),
        ("status in [502, 503]", true),
        ("grpc in [2,4,8,13,14]", true),
        ("flags != '-'", true),
        ("flags contains 'URX'", true),
        ("parent_service == 'frontend'", true),
        ("revision == 'v2'", true),
        ("tag('retries') > 2", true),
        ("tag('retries') == 3", true),
        ("tag('retries') == '3'", true),
        ("tag('retries') contains '3'", false),
        ("tag('cached') == false", true),
        ("tag('cached') == 'false'", true),
        ("tag('share') < 0.6", true),
        ("tag('share') == '0.5'", true),
        ("tag('net.host.ip') == '10.0.0.1'", true),
        ("tag('blob') == 'x' or tag('blob') != 'x'", false),
        ("tag('http.status_code') > 500", true),
        ("resource('zone') == 'eu'", true),
        ("tag('zone') == 'eu'", false),
        ("service == 'x' or service == 'y' and error", false),
        ("(service == 'x' or service == 'cart') and error", true),
        ("not (service == 'x') and not not error", true),
    ];
    for (text, expected) in cases {
        assert_eq!(holds(text, "cart", &envoys(), &[tag("zone", "eu")]), expected, "{text}");
    }
}

/// What is not there compares to nothing, whatever is asked.
#[test]
fn what_a_span_does_not_have_is_neither_equal_nor_different() {
    for text in [
        "status >= 0",
        "status != 200",
        "flags != '-'",
        "flags == '-'",
        "kind != 'x'",
        "tag('x') != ''",
        "tag('x') == ''",
        "revision in ['']",
        "tag('x') starts_with ''",
        "tag('x') matches ''",
        "resource('x') != 'y'",
        "error",
        "grpc != 0",
        "parent_service != 'x'",
    ] {
        assert!(!holds(text, "", &Span::default(), &[]), "{text}");
        assert!(holds(&format!("not ({text})"), "", &Span::default(), &[]), "{text}");
    }
    // A number is asked of what is none.
    let span = Span { tags: vec![tag("http.status_code", "many")], ..Span::default() };
    assert!(!holds("status > 0 or status != 0", "", &span, &[]));
}

#[test]
fn errors_are_known_in_every_form() {
    let with = |key: &'static str, value: Value<'static>| Span { tags: vec![tag(key, value)], ..Span::default() };
    for (span, expected) in [
        (with("error", Value::Bool(true)), true),
        (with("error", Value::Bool(false)), false),
        (with("error", "true".into()), true),
        (with("error", "false".into()), false),
        (with("error", "timeout".into()), true),
        (with("otel.status_code", "ERROR".into()), true),
        (with("otel.status_code", "OK".into()), false),
    ] {
        assert_eq!(holds("error", "", &span, &[]), expected, "{span:?}");
    }
}

#[test]
fn texts_are_compared_as_they_are_read_not_as_they_lie_in_the_request() {
    let escaped = Span {
        operation: Text::Json(r"GET \/caf\u00e9"),
        tags: vec![Tag { key: Text::Json(r"a\/b"), value: Value::Text(Text::Json(r"x\ny")) }],
        ..Span::default()
    };
    assert!(holds(
        "operation == 'GET /café' and operation contains '/caf' and tag('a/b') matches '(?s)x.y'",
        "",
        &escaped,
        &[]
    ));
    let broken = Span { operation: Text::Broken { bytes: b"a\xff", json: false }, ..Span::default() };
    assert!(holds("operation == 'a\u{fffd}'", "", &broken, &[]));
}

/// Of a key that is there twice the last counts.
#[test]
fn the_last_of_a_key_counts() {
    let span = Span { tags: vec![tag("x", "1"), tag("x", "2")], ..Span::default() };
    assert!(holds("tag('x') == 2", "", &span, &[]));
}

#[test]
fn a_fault_names_its_place_and_its_mend() {
    let cases = [
        ("", 0, "a field is expected here"),
        ("servce == 'x'", 0, "unknown field `servce`: write service, operation"),
        ("error and servce == 'x'", 10, "unknown field `servce`"),
        ("service", 0, "a condition needs more than this field"),
        ("service = 'x'", 8, "`=` is no part of an expression: compare with `==`"),
        ("service == x", 11, "a text in quotes is expected here"),
        ("service == 5", 11, "a text in quotes is expected here"),
        ("service > 'a'", 10, "only numbers and durations are less or greater"),
        ("status >= 'many'", 10, "a number is expected here"),
        ("status contains '5'", 7, "this field is no text"),
        ("duration > 50", 11, "a duration is expected here: write it with its unit"),
        ("duration > 50x", 11, "`50x` is no number"),
        ("duration > 3 * p99(service, operation)", 11, "a duration is expected here"),
        ("p99(service) > 1s", 0, "`p99` needs more than one span"),
        ("error && status > 1", 6, "`&` is no part of an expression: write `and`"),
        ("error or", 8, "a field is expected here"),
        ("(error", 6, "`)` is expected here"),
        ("error)", 5, "`and`, `or`, or the end is expected here"),
        ("error error", 6, "`and`, `or`, or the end is expected here"),
        ("tag(x) == 1", 4, "the key of a tag, in quotes, is expected here"),
        ("tag 'x' == 1", 4, "`(` is expected here"),
        ("service == 'x", 11, "the text is not ended: write ' after it"),
        ("service in 'x'", 11, "`[` is expected here"),
        ("service in ['x' 'y']", 16, "`]` is expected here"),
        ("service matches '('", 8, "no regular expression"),
        ("!error", 0, "`!` is no part of an expression: write `not`"),
        ("error == 1", 9, "true or false is expected here"),
        ("service == 'a' ä", 15, "`ä` is no part of an expression"),
    ];
    for (text, at, what) in cases {
        let fault = read(text).map(|_| ()).unwrap_err();
        assert_eq!(fault.at, at, "{text}: {}", fault.what);
        assert!(fault.what.starts_with(what), "{text}: {}", fault.what);
    }
}

#[test]
fn depth_and_size_are_bounded() {
    let nested = |depth: usize| format!("{}error{}", "(".repeat(depth), ")".repeat(depth));
    assert!(read(&nested(32)).is_ok());
    assert_eq!(read(&nested(33)).map(|_| ()).unwrap_err().at, 32);
    assert!(read(&format!("{}error", "not ".repeat(32))).is_ok());
    assert!(read(&format!("{}error", "not ".repeat(33))).is_err());
    // Depth that was left counts no more.
    assert!(read(&[nested(32), nested(32)].join(" and ")).is_ok());
    assert!(read(&format!("error{}", " ".repeat(LONGEST))).is_err());
    let large = "service matches '(a{1000}){1000}'";
    assert!(read(large).is_err_and(|fault| fault.what.contains("size limit")));
}

#[test]
fn what_is_known_falls_out_of_a_condition() {
    let cases = [
        ("service == 'cart'", "true"),
        ("service == 'shop' and error", "false"),
        ("service == 'cart' and error and status > 1", "error and status > 1"),
        ("service == 'shop' or error", "error"),
        ("not (service == 'cart') or not error", "not error"),
        ("not service == 'cart'", "false"),
        ("operation == 'GET' and kind == 'server'", "operation == 'GET' and kind == 'server'"),
    ];
    for (text, left) in cases {
        let known = Known { service: Some("cart"), operation: None };
        assert_eq!(read(text).unwrap().0.residual(known).to_string(), left, "{text}");
    }
    let known = Known { service: Some("cart"), operation: Some("GET") };
    assert_eq!(read("operation != 'GET' or error").unwrap().0.residual(known).to_string(), "error");
}

/// Texts that the language can write.
fn text() -> impl Strategy<Value = String> {
    "[a-z0-9 ./_ü\"\\\\-]{0,12}"
}

/// Few, so that they meet.
fn word() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["", "-", "5", "a", "ab", "abc", "200", "503", "5030"])
}

fn literal_of_tag() -> impl Strategy<Value = String> {
    prop_oneof![
        text().prop_map(|text| format!("'{text}'")),
        any::<i32>().prop_map(|number| number.to_string()),
        (-1e6f64..1e6).prop_map(|number| number.to_string()),
        any::<bool>().prop_map(|value| value.to_string()),
    ]
}

fn comparison() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["==", "!=", "<", "<=", ">", ">="])
}

fn test() -> impl Strategy<Value = String> {
    let named = prop::sample::select(vec!["service", "operation", "kind", "flags", "revision"]);
    let word = prop::sample::select(vec!["==", "!=", "contains", "starts_with"]);
    let micros = (0u64..10_000_000).prop_map(|micros| format!("{micros}us"));
    prop_oneof![
        (named, word, text()).prop_map(|(field, word, text)| format!("{field} {word} '{text}'")),
        (comparison(), 0..600).prop_map(|(sign, code)| format!("status {sign} {code}")),
        (comparison(), micros).prop_map(|(sign, micros)| format!("duration {sign} {micros}")),
        Just("error".to_string()),
        (text(), prop::collection::vec(literal_of_tag(), 1..4))
            .prop_map(|(key, list)| format!("tag('{key}') in [{}]", list.join(", "))),
        (text(), text()).prop_map(|(key, text)| format!("resource('{key}') == '{text}'")),
    ]
}

fn expression() -> impl Strategy<Value = String> {
    test().prop_recursive(5, 40, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(|parts| format!("({})", parts.join(" and "))),
            prop::collection::vec(inner.clone(), 2..4).prop_map(|parts| format!("({})", parts.join(" or "))),
            inner.prop_map(|part| format!("not ({part})")),
        ]
    })
}

/// A second reading of comparisons with a number, over owned text.
fn oracle(status: Option<&str>, sign: &str, wanted: i32) -> bool {
    let Some(Ok(status)) = status.map(str::parse::<f64>) else { return false };
    let signs: BTreeMap<_, fn(f64, f64) -> bool> = [
        ("==", (|a, b| a == b) as fn(f64, f64) -> bool),
        ("!=", |a, b| a != b),
        ("<", |a, b| a < b),
        ("<=", |a, b| a <= b),
        (">", |a, b| a > b),
        (">=", |a, b| a >= b),
    ]
    .into();
    signs[sign](status, wanted.into())
}

proptest! {
    #[test]
    fn what_is_written_out_is_read_as_the_same(text in expression()) {
        prop_assume!(text.len() <= LONGEST);
        let (expression, _) = read(&text).unwrap();
        let written = expression.to_string();
        prop_assert_eq!(read(&written).unwrap().0.to_string(), written);
        for known in [Known::default(), Known { service: Some("a"), operation: Some("b") }] {
            let left = expression.residual(known);
            if !matches!(left, Expression::Constant(_)) {
                prop_assert!(read(&left.to_string()).is_ok());
            }
        }
    }

    /// The parts that are known and those that are left decide as the whole.
    #[test]
    fn what_is_left_decides_as_the_whole(text in expression(), service in text(), operation in text(), status in 0u16..600) {
        let status = status.to_string();
        let tags = vec![tag("http.status_code", status.as_str()), tag("span.kind", "server")];
        let span = Span { operation: operation.as_str().into(), duration: 5_000_000, tags, ..Span::default() };
        let (whole, keys) = read(&text).unwrap();
        let [tags, resources] = keys.tables();
        let (mut slots, of_process) = (tags.places(), resources.slots());
        tags.locate(&span.tags, &mut slots);
        let facts = Facts { service: service.as_str().into(), span: &span, tags: &slots, resource: &of_process };
        let known = Known { service: Some(&service), operation: Some(&operation) };
        prop_assert_eq!(whole.holds(&facts), whole.residual(known).holds(&facts));
        prop_assert_eq!(Program::new(&whole).holds(&facts), whole.holds(&facts));
        let decided = whole.decided_by(service.as_str().into());
        prop_assert!(decided.is_none_or(|holds| holds == whole.holds(&facts)));
        prop_assert!(decided.is_none() || whole.asks_for_service());
    }

    #[test]
    fn any_text_is_read_or_has_a_fault_in_it(text in "\\PC{0,80}") {
        if let Err(fault) = read(&text) {
            prop_assert!(fault.at <= text.len() && text.is_char_boundary(fault.at), "{:?}", fault);
        }
    }

    #[test]
    fn words_in_any_order_are_read_or_have_a_fault(words in prop::collection::vec(prop::sample::select(vec![
        "error", "not", "and", "or", "(", ")", "[", "]", ",", "service", "tag('x')", "==", "!=", "in", "contains", "'a'", "1", "5s", "status",
    ]), 0..24)) {
        let text = words.join(" ");
        match read(&text) {
            Ok((expression, _)) => prop_assert!(read(&expression.to_string()).is_ok()),
            Err(fault) => prop_assert!(fault.at <= text.len()),
        }
    }

    #[test]
    fn numbers_compare_as_numbers(status in prop::option::of("[0-9]{1,4}|[a-z]{0,3}|-?[0-9]{1,2}\\.[0-9]{1,2}"), sign in comparison(), wanted in -10..1000) {
        let tags = status.iter().map(|status| tag("http.status_code", status.as_str())).collect();
        let span = Span { tags, ..Span::default() };
        let text = format!("status {sign} {wanted}");
        prop_assert_eq!(holds(&text, "", &span, &[]), oracle(status.as_deref(), sign, wanted));
    }

    /// Whatever the value is and however it was sent: `holds` asserts that both ways agree.
    #[test]
    fn the_quick_way_decides_as_the_other(
        (field, key) in prop::sample::select(vec![
            ("operation", ""),
            ("kind", "span.kind"),
            ("flags", "response_flags"),
            ("revision", "istio.canonical_revision"),
            ("tag('x')", "x"),
            ("tag('http.status_code')", "http.status_code"),
        ]),
        test in prop_oneof![
            (prop::sample::select(vec!["==", "!=", "contains", "starts_with"]), word()).prop_map(|(test, word)| format!("{test} '{word}'")),
            prop::collection::vec(word(), 1..4).prop_map(|words| format!("in ['{}']", words.join("', '"))),
        ],
        (code, code_key, sign, wanted) in (
            prop::sample::select(vec!["status", "grpc", "tag('code')"]),
            prop::sample::select(vec!["http.status_code", "http.response.status_code", "grpc.status_code", "code"]),
            comparison(),
            prop::sample::select(vec!["5", "200", "503", "-1"]),
        ),
        (word, form) in (word(), 0..6),
    ) {
        let value = match form {
            0 => Value::Text(Text::Clean(word)),
            1 => Value::Text(Text::Plain(word)),
            2 => Value::Text(Text::Json(word)),
            3 => Value::Text(Text::Json(r"\u0061b")),
            4 => Value::Int64(503),
            _ => Value::Bool(true),
        };
        let operation = if let Value::Text(text) = value { text } else { Text::default() };
        for tags in [vec![], vec![tag(key, value), tag(code_key, value)], vec![tag("other", value)]] {
            let span = Span { operation, tags, ..Span::default() };
            holds(&format!("{field} {test}"), "", &span, &[]);
            holds(&format!("{code} {sign} {wanted}"), "", &span, &[]);
        }
    }
}
