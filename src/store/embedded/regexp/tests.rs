use super::*;

fn matches(pattern: &str, text: &str) -> bool {
    let mut expression = Expression::parse(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
    expression.matches(text).unwrap()
}

/// From Lucene's description of its syntax, and from what users of Jaeger ran into.
#[test]
fn lucene_says_yes_or_no() {
    let cases: &[(&str, &[&str], &[&str])] = &[
        ("ab.", &["aba", "abz", "ab\n"], &["ab", "abcd", "xaba"]),
        ("abc?", &["ab", "abc"], &["abcc"]),
        ("ab+", &["ab", "abbb"], &["a"]),
        ("ab*", &["a", "abbb"], &["b"]),
        ("a{2}", &["aa"], &["a", "aaa"]),
        ("a{2,4}", &["aa", "aaaa"], &["a", "aaaaa"]),
        ("a{2,}", &["aa", "aaaaaaa"], &["a"]),
        ("abc|xyz", &["abc", "xyz"], &["abcxyz", "ab"]),
        ("abc(def)?", &["abc", "abcdef"], &["abcd"]),
        ("[abc]", &["a", "c"], &["d", "ab"]),
        ("[a-c]x", &["bx"], &["dx"]),
        ("[^a-c]", &["d", "é"], &["a"]),
        ("[abc\\-]", &["-"], &["d"]),
        ("a~bc", &["ac", "aac", "abbc"], &["abc"]),
        ("a~(cb)d", &["ad", "acd", "acccd"], &["acbd"]),
        ("foo<1-100>", &["foo1", "foo42", "foo100", "foo007"], &["foo0", "foo101", "foo"]),
        ("<01-12>", &["01", "09", "12"], &["1", "00", "13", "001"]),
        ("aaa.+&.+bbb", &["aaabbb", "aaaxbbb"], &["aaab", "bbb"]),
        ("@&~(abc.+)", &["xyz", "abc", ""], &["abcd"]),
        ("#|abc", &["abc"], &["", "x"]),
        ("\"a.b*\"c", &["a.b*c"], &["axbc"]),
        ("\\d+\\s\\w*", &["12 a_1"], &["x a"]),
        ("http://reviews:9080/reviews/0", &["http://reviews:9080/reviews/0"], &["http://reviews:9080/reviews/01"]),
        ("http://x/y?a=b", &["http://x/a=b"], &["http://x/y?a=b"]),
        ("outbound\\|9080\\|\\|reviews", &["outbound|9080||reviews"], &["outbound"]),
        ("outbound|9080||reviews", &["outbound", "9080", "|reviews"], &["outbound|9080||reviews", "reviews"]),
        ("sidecar~.*", &["sidecar~10.0.0.1"], &["side"]),
        ("", &[""], &["x"]),
        ("()", &[""], &["x"]),
        ("日.語", &["日本語"], &["日語"]),
    ];
    for (pattern, yes, no) in cases {
        for text in *yes {
            assert!(matches(pattern, text), "{pattern} should take {text:?}");
        }
        for text in *no {
            assert!(!matches(pattern, text), "{pattern} should not take {text:?}");
        }
    }
}

#[test]
fn what_elasticsearch_refuses_is_refused() {
    for pattern in ["a(b", "[ab", "a{2", "\"ab", "a)", "a|", "<1-", "<name>", "~", "a{3,1}", "[z-a]", "\\"] {
        assert!(matches!(Expression::parse(pattern), Err(BadExpression::Syntax { .. })), "{pattern}");
    }
    assert_eq!(Expression::parse(&"a".repeat(1001)).unwrap_err(), BadExpression::TooLong);
    assert_eq!(Expression::parse("a{100000}").unwrap_err(), BadExpression::TooComplex);
    assert_eq!(Expression::parse(&"(".repeat(999)).unwrap_err(), BadExpression::TooComplex);
}

/// 2^20 states are needed to tell what stood twenty characters before the end.
#[test]
fn an_expression_that_explodes_is_stopped() {
    let mut expression = Expression::parse("(a|b)*a(a|b){20}").unwrap();
    let mut seed = 1u64;
    let text = (0..100_000).map(|_| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        if seed >> 63 == 0 { 'a' } else { 'b' }
    });
    assert_eq!(expression.matches(&text.collect::<String>()), Err(BadExpression::TooComplex));
}

#[test]
fn a_repetition_of_anything_stays_small() {
    let mut expression = Expression::parse(".*(a|b).*c.*").unwrap();
    assert!(expression.matches(&format!("{}a{}c{}", "x".repeat(500), "y".repeat(500), "z".repeat(500))).unwrap());
    assert!(!expression.matches(&"cx".repeat(500)).unwrap());
}

#[test]
fn an_interval_holds_the_numbers_between_its_ends() {
    for (low, high) in [(0, 9), (3, 3), (7, 113), (99, 100), (128, 4097), (1, 99_999)] {
        let mut free = Expression::parse(&format!("<{low}-{high}>")).unwrap();
        let mut wide = Expression::parse(&format!("<{low:06}-{high:06}>")).unwrap();
        for number in (0..5000).chain(99_000..101_000) {
            let wanted = (low..=high).contains(&number);
            assert_eq!(wide.matches(&format!("{number:06}")).unwrap(), wanted, "{low} {number} {high}");
            if low.to_string().len() != high.to_string().len() {
                assert_eq!(free.matches(&format!("{number:07}")).unwrap(), wanted, "{low} {number} {high}");
            }
        }
    }
    assert!(matches(&format!("<0-{}>", u64::MAX), &u64::MAX.to_string()));
    assert!(!matches(&format!("<0-{}>", u64::MAX), "18446744073709551616"));
}

#[test]
fn plain_text_is_known_as_such() {
    assert_eq!(literal("GET /x-y_z:1,2=3;%^$"), Some("GET /x-y_z:1,2=3;%^$".into()));
    assert_eq!(literal("outbound\\|9080"), Some("outbound|9080".into()));
    assert_eq!(literal(""), Some(String::new()));
    for pattern in ["a.b", "a*", "\\d", "a\\", "<1-2>", "\"x\"", "~a", "a]", "#"] {
        assert_eq!(literal(pattern), None, "{pattern}");
    }
}

#[test]
fn the_prefix_is_what_every_match_begins_with() {
    for (pattern, prefix) in
        [("abc.*", "abc"), ("abc?", "ab"), ("abc|abd", ""), ("a{2}", ""), (".x", ""), ("ab(c)", "ab"), ("a\\.b", "a")]
    {
        assert_eq!(Expression::parse(pattern).unwrap().prefix(), prefix, "{pattern}");
    }
}
