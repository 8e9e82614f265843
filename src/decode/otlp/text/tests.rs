use super::*;
use crate::memory::Budget;

fn text(write: impl FnOnce(&mut JsonText<'_>)) -> String {
    let scratch = Scratch::new();
    let mut text = JsonText::new(&scratch, 1000, 10);
    write(&mut text);
    text.into_string()
}

/// As Go's `encoding/json` writes them (golden bodies `attributes`, `escapes`, `not-utf8`).
#[test]
fn scalars_are_gos() {
    let broken = Text::Broken { bytes: b"x\xff\xfey", json: false };
    for (value, expected) in [
        (Value::Text(Text::Plain("a<b>&\"c\" \u{2028} é \u{7f}\u{1}\n")), r#""a\u003cb\u003e\u0026\"c\" \u2028 é "#),
        (Value::Text(Text::Json(r"\u00e9\/\n")), r#""é/\n""#),
        (Value::Text(broken), r#""x\ufffd\ufffdy""#),
        (Value::Bool(true), "true"),
        (Value::Int64(i64::MIN), "-9223372036854775808"),
        (Value::Binary(&[1, 2, 250]), "\"AQL6\""),
        (Value::Float64(1.0), "1"),
        (Value::Float64(-0.0), "-0"),
        (Value::Float64(0.5), "0.5"),
        (Value::Float64(1e20), "100000000000000000000"),
        (Value::Float64(1e21), "1e+21"),
        (Value::Float64(-1.5e300), "-1.5e+300"),
        (Value::Float64(1e-6), "0.000001"),
        (Value::Float64(1e-7), "1e-7"),
        (Value::Float64(f64::NAN), "\"NaN\""),
        (Value::Float64(f64::NEG_INFINITY), "\"-Inf\""),
    ] {
        let written = text(|text| text.value(&value).unwrap());
        assert!(written.starts_with(expected), "{written} {expected}");
        assert!(serde_json::from_str::<serde_json::Value>(&written).is_ok(), "{written}");
    }
}

#[test]
fn members_are_sorted_and_the_last_of_equal_ones_stays() {
    let members = |keys: &[&'static str]| {
        text(|text| {
            let mut object = text.begin_object().unwrap();
            for (index, key) in keys.iter().enumerate() {
                text.begin_member(&mut object, Text::Plain(key)).unwrap();
                text.begin_list().unwrap();
                for number in 0..index {
                    text.element().unwrap();
                    text.value(&Value::Int64(number as i64)).unwrap();
                }
                text.end_list().unwrap();
                text.end_member(&mut object);
            }
            text.end_object(object).unwrap();
        })
    };
    assert_eq!(members(&[]), "{}");
    assert_eq!(members(&["a", "b", "c"]), r#"{"a":[],"b":[0],"c":[0,1]}"#);
    assert_eq!(members(&["b", "a", "b", ""]), r#"{"":[0,1,2],"a":[0],"b":[0,1]}"#);
}

/// Whatever is in a text, there is room for what it becomes.
#[test]
fn room_is_made_and_charged_before_it_is_written() {
    let budget = Budget::new(100_000);
    let scratch = Scratch::charged(budget.reserve());
    let odd: String = (0..300_u32).filter_map(char::from_u32).chain(['\u{2028}', '<', '\u{10ffff}']).collect();
    let broken = Text::Broken { bytes: &[0xff; 100], json: false };
    for value in [Text::Plain(&odd), Text::Plain("<"), broken, Text::Json(r"\u0001\n\u2028"), Text::Clean("a")] {
        let mut text = JsonText::new(&scratch, 10_000, 10);
        text.value(&Value::Text(value)).unwrap();
        assert!(text.out.len() <= text.charged && text.out.capacity() == text.charged, "{}", text.out);
        assert!(text.out.len() <= escaped_length(value), "{}", text.out);
        assert_eq!(budget.used(), text.charged);
    }
    assert_eq!(budget.used(), 0);
    let large = "<".repeat(20_000);
    let mut text = JsonText::new(&scratch, 1_000_000, 10);
    assert_eq!(text.value(&Value::Text(Text::Plain(&large))).err(), Some(TOO_LONG));
    assert!(scratch.is_starved());
}

#[test]
fn text_and_members_are_bounded() {
    let scratch = Scratch::new();
    let mut text = JsonText::new(&scratch, 7, 2);
    text.begin_list().unwrap();
    for element in 0..9 {
        assert_eq!(text.element().is_ok(), element < 4, "{element}");
        let _ = text.value(&Value::Int64(0));
    }
    let mut text = JsonText::new(&scratch, 100, 2);
    let mut object = text.begin_object().unwrap();
    for member in 0..3 {
        assert_eq!(text.begin_member(&mut object, Text::Plain("k")).is_ok(), member < 2);
    }
}
