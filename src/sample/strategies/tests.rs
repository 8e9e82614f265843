//! Corners of the reading, and what is written beside what is served.

use super::*;

fn read(json: &str) -> (Strategies, Vec<String>) {
    let fallback = Fallback { probability: 0.003, is_written: false };
    let (strategies, warnings) = Strategies::parse(json.as_bytes(), fallback).unwrap();
    (strategies, warnings.iter().map(ToString::to_string).collect())
}

fn fault(json: impl AsRef<[u8]>) -> String {
    Strategies::parse(json.as_ref(), Fallback::default()).unwrap_err().to_string()
}

#[test]
fn faults_have_their_line_and_their_path() {
    for (json, expected) in [
        ("", "line 1, column 1: the document ends before its value does"),
        ("null", "line 1, column 1: an object was expected, here is null"),
        ("[]", "line 1, column 1: an object was expected, here is a list"),
        ("{} x", "line 1, column 4: the document ended, here is 'x'"),
        ("\u{feff}{}", "line 1, column 1: a byte order mark is no JSON: save the document without it"),
        ("{\n\t'a': 1}", "line 2, column 2: a member's name was expected, here is '\\''"),
        (
            "{\"default_strategy\":\n{\"type\":\n 1}}",
            "line 3, column 2, default_strategy.type: a text was expected, here is a number",
        ),
        (
            "{\"service_strategies\":[{},\n\n{\"operation_strategies\":[{\"param\":0.5},{\"param\":true}]}]}",
            "line 3, column 49, service_strategies[1].operation_strategies[1].param: a number was expected, here is \
             true or false",
        ),
        (
            "{\"service_strategies\":[null]}",
            "line 1, column 24, service_strategies[0]: null is no strategy: take it out, jaeger-collector crashes at it",
        ),
        (
            "{\"default_strategy\":{\"param\":1e999}}",
            "line 1, column 30, default_strategy.param: 1e999 is beyond the numbers of 64 bits",
        ),
        (
            "{\"default_strategy\":{\"param\":01}}",
            "line 1, column 31, default_strategy: a comma or a } was expected, here is '1'",
        ),
        ("{\"x\":[1,\n]}", "line 2, column 1: a value was expected, here is ']'"),
        ("{\"x\":nul}", "line 1, column 6: null was expected"),
        ("{\"x\":\"a\nb\"}", "line 1, column 8: a control character in a text: write it as an escape"),
        ("{\"x\":\"\\q\"}", "line 1, column 7: this is no escape of JSON"),
        ("{\"x\":\"a", "line 1, column 8: the document ends within a text"),
        ("{\"x\" 1}", "line 1, column 6: a colon was expected, here is '1'"),
        ("{\"x\":{\"a\":[{\"b\":1}},", "line 1, column 19: a comma or the end was expected, here is '}'"),
    ] {
        assert_eq!(fault(json), expected, "{json}");
    }
    let nested = |levels: usize| format!("{{\"x\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
    assert!(Strategies::parse(nested(9_999).as_bytes(), Fallback::default()).is_ok());
    assert!(fault(nested(10_000)).ends_with("nested too deeply"));
    assert!(fault("[".repeat(1_000_000)).contains("line 1"));
}

#[test]
fn what_is_probably_not_meant_is_said() {
    let (_, warnings) = read(
        r#"{"default_strategy": {"type": "probabilistic", "param": 100,
             "operation_strategies": [{"operation": "a", "type": "ratelimiting", "param": 1}]},
            "service_strategies": [
              {"service": "a", "type": "ratelimiting", "param": 0.5},
              {"service": "b", "type": "const", "param": 1, "comment": "x"},
              {"service": "a", "param": 1,
               "operation_strategies": [{"operation": "o", "type": "probabilistic", "param": -1},
                                        {"operation": "o", "type": "probabilistic", "param": 1}]},
              {"type": "ratelimiting", "param": 40000, "type": "ratelimiting"}]}"#,
    );
    let begin = [
        "line 1, default_strategy: a probability is from 0 to 1, and 100 looks like a percentage: write 1;",
        "line 2, default_strategy.operation_strategies[0]: operations have no rate limits",
        "line 4, service_strategies[0]: clients are told limits without their fraction: 0 for 0.5",
        "line 4, service_strategies[0]: clients will not keep to this limit",
        "line 5, service_strategies[1]: `comment` is no member",
        "line 5, service_strategies[1]: the type `const` is unknown, so that probability 0.003 is told, as in Jaeger",
        "line 6, service_strategies[2]: without a type it is told as probability 0.003",
        "line 6, service_strategies[2]: `a` stands here again: the last entry of a service holds",
        "line 7, service_strategies[2].operation_strategies[0]: a probability is from 0 to 1: -1 is told",
        "line 8, service_strategies[2].operation_strategies[1]: `o` stands here again: both are told",
        "line 9, service_strategies[3].type: it stands here a second time",
        "line 9, service_strategies[3]: a limit above 32767 is told as 40000",
        "line 9, service_strategies[3]: clients will not keep to this limit",
        "line 9, service_strategies[3]: it names no service",
    ];
    let mut warnings = warnings;
    for expected in begin {
        let at = warnings.iter().position(|warning| warning.starts_with(expected));
        warnings.remove(at.unwrap_or_else(|| panic!("{expected}: {warnings:#?}")));
    }
    assert_eq!(warnings, [""; 0]);
}

#[test]
fn what_is_usual_is_said_nothing_of() {
    let (_, warnings) = read(
        r#"{"default_strategy": {"type": "probabilistic", "param": 0.5,
             "operation_strategies": [{"operation": "/health", "type": "probabilistic", "param": 0.0}]},
            "service_strategies": [{"service": "a", "type": "probabilistic", "param": 1}]}"#,
    );
    assert_eq!(warnings, [""; 0]);
    let (_, warnings) = read(r#"{"service_strategies": [{"service": "a", "type": "ratelimiting", "param": 5}]}"#);
    assert_eq!(warnings, [""; 0]);
}

/// Where SDKs would not follow it, and where Jaeger serves what nobody wrote.
#[test]
fn what_was_written_is_not_what_is_served() {
    use Rate::{PerSecond, Probability};
    let (strategies, _) = read(
        r#"{"default_strategy": {"type": "probabilistic", "param": 0.5,
             "operation_strategies": [{"operation": "/health", "type": "probabilistic", "param": 0},
                                      {"operation": "/both", "type": "probabilistic", "param": 0.25}]},
            "service_strategies": [
              {"service": "limited", "type": "ratelimiting", "param": 0.9},
              {"service": "own", "type": "probabilistic", "param": 0.8, "operation_strategies": [
                {"operation": "/both", "type": "probabilistic", "param": 0.1},
                {"operation": "/twice", "type": "probabilistic", "param": 0.2},
                {"operation": "/twice", "type": "probabilistic", "param": 0.3},
                {"operation": "/health", "type": "ratelimiting", "param": 1},
                {"operation": "/odd", "type": "const", "param": 1}]},
              {"service": "percent", "type": "probabilistic", "param": 80},
              {"service": "below", "type": "ratelimiting", "param": -1},
              {"service": "odd", "type": "const", "param": 1}]}"#,
    );
    for (service, operation, expected) in [
        ("nobody", "/", Some(Probability(0.5))),
        ("nobody", "/health", Some(Probability(0.0))),
        ("limited", "/", Some(PerSecond(0.9))),
        ("limited", "/health", Some(Probability(0.0))),
        ("own", "/", Some(Probability(0.8))),
        ("own", "/both", Some(Probability(0.1))),
        ("own", "/twice", Some(Probability(0.3))),
        ("own", "/health", Some(Probability(0.0))),
        ("own", "/odd", None),
        ("percent", "/", None),
        ("percent", "/both", Some(Probability(0.25))),
        ("below", "/", None),
        ("odd", "/", None),
    ] {
        assert_eq!(strategies.written(service).unwrap().rate(operation), expected, "{service} {operation}");
    }
    let found = strategies.written("own").unwrap().find("/both");
    assert_eq!((found.line, found.is_of_operation), (7, true));
    let found = strategies.written("limited").unwrap().find("/");
    assert_eq!((found.line, found.is_of_operation), (5, false));
}

#[test]
fn nobody_wrote_what_jaeger_has_built_in() {
    let json = r#"{"service_strategies": [{"service": "a", "type": "probabilistic", "param": 0.5}]}"#;
    let (strategies, _) = read(json);
    assert!(strategies.written("b").is_none());
    assert_eq!(strategies.written("a").unwrap().rate("/"), Some(Rate::Probability(0.5)));
    assert!(StrategiesHandle::default().current().written("a").is_none());
    let fallback = Fallback { probability: 0.25, is_written: true };
    let (strategies, _) = Strategies::parse(json.as_bytes(), fallback).unwrap();
    assert_eq!(strategies.written("b").unwrap().rate("/"), Some(Rate::Probability(0.25)));
    assert!(!strategies.written("b").unwrap().has_operations());
}
