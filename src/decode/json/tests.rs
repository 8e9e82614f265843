use proptest::prelude::*;
use serde::de::IgnoredAny;

use super::*;
use crate::span::Limit;

fn strings(body: &[u8]) -> Vec<String> {
    let mut reader = Reader::new(body);
    let mut found = Vec::new();
    let mut more = reader.open(b'[', b']').unwrap();
    while more {
        found.push(format!("{:?}", reader.string().unwrap()));
        more = reader.more(b']').unwrap();
    }
    found
}

#[test]
fn strings_are_told_apart_by_what_they_hold() {
    let body = b"[\"plain text \xc3\xa9\", \"a\\n\", \"raw\nline\", \"\"]";
    let expected = ["Clean(\"plain text é\")", "Json(\"a\\\\n\")", "Json(\"raw\\nline\")", "Clean(\"\")"];
    assert_eq!(strings(body), expected);
}

#[test]
fn a_bad_string_costs_no_neighbour() {
    let found = strings(b"[\"good\", \"caf\xe9\", \"esc\\t\", \"\\t\xff\"]");
    assert_eq!(found[0], "Clean(\"good\")");
    assert_eq!(found[1], format!("{:?}", Text::Broken { bytes: b"caf\xe9", json: true }));
    assert_eq!(found[2], "Json(\"esc\\\\t\")");
    assert_eq!(found[3], format!("{:?}", Text::Broken { bytes: b"\\t\xff", json: true }));
}

#[test]
fn nesting_is_limited() {
    let body = [vec![b'['; 10], vec![b']'; 10]].concat();
    assert!(Reader::new(&body).skip(10).is_ok());
    assert_eq!(Reader::new(&body).skip(9).unwrap_err().reason, Reason::Limit(Limit::Depth));
    assert!(Reader::new(&vec![b'['; 1_000_000]).skip(64).is_err());
    assert!(!Reader::new(&vec![b'['; 1_000_000]).skip_blindly());
}

#[test]
fn blind_skipping_ends_where_the_value_ends() {
    for (body, end) in
        [(r#"{"a":"}"}x"#, 9), (r#"{"a":"\"}"},x"#, 11), ("[[1],{}] ,", 8), ("NaN, 5", 3), ("\"a\"]", 3), ("5}", 1)]
    {
        let mut reader = Reader::new(body.as_bytes());
        assert!(reader.skip_blindly(), "{body}");
        assert_eq!(reader.offset(), end, "{body}");
    }
    for body in ["{", "\"abc", "\"abc\\", "{\"a\":1", ""] {
        assert!(!Reader::new(body.as_bytes()).skip_blindly(), "{body}");
    }
}

/// One value and nothing but blanks behind it.
fn valid(body: &[u8]) -> bool {
    let mut reader = Reader::new(body);
    reader.skip(127).is_ok() && reader.peek().is_none()
}

fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|value| value.to_string()),
        any::<i64>().prop_map(|value| value.to_string()),
        any::<f64>().prop_map(|value| serde_json::to_string(&value).unwrap()),
        any::<String>().prop_map(|value| serde_json::to_string(&value).unwrap()),
    ];
    leaf.prop_recursive(6, 48, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(|items| format!("[{}]", items.join(" ,\n"))),
            prop::collection::vec((any::<String>(), inner), 0..5).prop_map(|members| {
                let member = |(key, value)| format!("{}: {value}", serde_json::to_string::<String>(&key).unwrap());
                format!("{{{}}}", members.into_iter().map(member).collect::<Vec<_>>().join(","))
            }),
        ]
    })
}

proptest! {
    #[test]
    fn takes_what_serde_json_writes(body in json()) {
        prop_assert!(valid(body.as_bytes()));
    }

    /// Any byte of a good body changed to any other: both readers agree on whether it is JSON.
    #[test]
    fn agrees_with_serde_json_on_damaged_bodies(body in json(), place in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = body.into_bytes();
        let place = place.index(bytes.len());
        bytes[place] = byte;
        // The one leniency: control characters in strings. And UTF-8 is not this grammar's matter.
        prop_assume!(std::str::from_utf8(&bytes).is_ok() && byte >= b' ');
        prop_assert_eq!(valid(&bytes), serde_json::from_slice::<IgnoredAny>(&bytes).is_ok());
    }

    #[test]
    fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = valid(&bytes);
        let _ = Reader::new(&bytes).skip_blindly();
        let _ = Reader::new(&bytes).plain_integer();
    }

    #[test]
    fn numbers_round_down(value in -9e15..9e15_f64) {
        let exact = match integer_of(&format!("{value:e}")) {
            Some(Number::Natural(value)) => i128::from(value),
            Some(Number::Negative(value)) => i128::from(value),
            other => panic!("{other:?}"),
        };
        prop_assert_eq!(exact, value.floor() as i128);
    }
}
