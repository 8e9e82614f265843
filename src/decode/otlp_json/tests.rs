use crate::decode::Limits;
use crate::decode::test_sink::{Collected, decode_otlp_json, decode_otlp_json_within};
use crate::span::{Limit, Reason};

const TRACE: &str = "\"traceId\":\"5b8efff798038103d269b633813fc60c\"";

fn span(id: u64, more: &str) -> String {
    format!("{{{TRACE},\"spanId\":\"{id:016x}\",\"name\":\"op\",\"startTimeUnixNano\":\"5000000\"{more}}}")
}

fn request(spans: &[String]) -> String {
    let spans = spans.join(",");
    format!(
        r#"{{"resourceSpans":[{{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"web"}}}}]}},"scopeSpans":[{{"scope":{{"name":"lib"}},"spans":[{spans}]}}]}}]}}"#
    )
}

fn decode(spans: &[String]) -> Collected {
    decode_otlp_json(request(spans).as_bytes())
}

/// The tags of a span that has these attributes, but the scope's.
fn tags(attributes: &str) -> Vec<String> {
    let mut collected = decode(&[span(1, &format!(",\"attributes\":[{attributes}]"))]);
    assert_eq!(collected.refusals, [], "{attributes}");
    collected.spans.remove(0).tags.split_off(1)
}

#[test]
fn what_stands_over_spans_may_stand_behind_them() {
    let (resource, scope) =
        (r#"{ "attributes":[{"value":{"stringValue":"web"},"key":"service.name"}]}"#, r#"{"name":"lib"}"#);
    let spans = format!("[{},{}]", span(1, ""), span(2, ""));
    for scope_spans in [
        format!(r#"{{"scope":{scope},"spans":{spans}}}"#),
        format!(r#"{{"a":[1], "spans" : {spans},"b":"}}","scope":{scope}}}"#),
    ] {
        for body in [
            format!(r#"{{"resourceSpans":[{{"resource":{resource},"scopeSpans":[{scope_spans}]}}]}}"#),
            format!(r#"{{"resource_spans":[{{"scope_spans":[{scope_spans}], "x":{{}} ,"resource":{resource}}}]}}"#),
        ] {
            let collected = decode_otlp_json(body.as_bytes());
            assert_eq!((collected.spans.len(), collected.refusals.len(), collected.processes), (2, 0, 1), "{body}");
            let last = &collected.spans[1];
            assert_eq!((last.service.as_deref(), &last.tags), (Some("web"), &vec!["otel.scope.name=lib".to_owned()]));
            assert_eq!(
                (last.process_wire.as_slice(), last.scope_wire.as_slice()),
                (resource.as_bytes(), scope.as_bytes())
            );
            assert_eq!(last.wire, span(2, "").as_bytes());
        }
    }
}

#[test]
fn values_in_every_spelling() {
    for (value, expected) in [
        (r#"{"intValue":"-9223372036854775808"}"#, "-9223372036854775808"),
        (r#"{"intValue":5}"#, "5"),
        (r#"{"int_value":1e3}"#, "1000"),
        (r#"{"doubleValue":"NaN"}"#, "NaN"),
        (r#"{"double_value":"-Infinity"}"#, "-inf"),
        (r#"{"doubleValue":"2.5"}"#, "2.5"),
        (r#"{"boolValue":true}"#, "true"),
        (r#"{"bool_value":null}"#, "false"),
        (r#"{"bytesValue":"AQL-_w"}"#, "[1, 2, 254, 255]"),
        (r#"{"bytesValue":"AQL+/w=="}"#, "[1, 2, 254, 255]"),
        (r#"{"stringValue":"a\u00e9\n"}"#, "aé\n"),
        (r#"{"stringValue":"a","later":[{}],"intValue":7}"#, "7"),
        ("{}", ""),
        ("null", ""),
        (
            r#"{"arrayValue":{"values":[{"stringValue":"<\""},{},null,{"intValue":1,"boolValue":true}]}}"#,
            r#"["\u003c\"",null,null,true]"#,
        ),
        (r#"{"kvlistValue":{"values":[{"value":{"intValue":1},"key":"b"},{"key":"a"}],"x":1}}"#, r#"{"a":null,"b":1}"#),
        (r#"{"array_value":{}}"#, "[]"),
        (r#"{"kvlist_value":{"values":null}}"#, "{}"),
    ] {
        assert_eq!(tags(&format!(r#"{{"key":"k","value":{value}}}"#)), [format!("k={expected}")], "{value}");
    }
}

#[test]
fn a_span_that_cannot_be_read_is_refused_alone() {
    for (bad, reason) in [
        (span(1, r#","traceId":"5b8efff798038103""#), Reason::TraceId),
        (span(1, r#","traceId":"W47/95gDgQPSabYzgT/GDA==""#), Reason::TraceId),
        (span(1, r#","traceId":null"#), Reason::TraceId),
        (span(0, ""), Reason::SpanId),
        (span(1, r#","spanId":"12""#), Reason::SpanId),
        (span(1, r#","parentSpanId":"12""#), Reason::ParentId),
        (span(1, r#","endTimeUnixNano":"-1""#), Reason::Time),
        (span(1, r#","endTimeUnixNano":[]"#), Reason::Time),
        (span(1, r#","name":5"#), Reason::Structure),
        (span(1, r#","attributes":{}"#), Reason::Structure),
        (span(1, r#","attributes":[{"key":"k","value":{"intValue":"x"}}]"#), Reason::Structure),
        (span(1, r#","attributes":[{"key":"k","value":{"bytesValue":"*"}}]"#), Reason::Structure),
        (span(1, r#","name":"bad \x escape""#), Reason::Structure),
        ("5".into(), Reason::Structure),
    ] {
        let collected = decode(&[span(1, ""), bad.clone(), span(3, "")]);
        assert_eq!((collected.spans.len(), collected.refusals.len()), (2, 1), "{bad}");
        assert_eq!((collected.refusals[0].reason, collected.unreadable), (reason, None), "{bad}");
    }
}

#[test]
fn under_a_bad_resource_or_scope_each_span_is_refused() {
    let good = request(&[span(1, "")]);
    for (old, new) in [(r#""stringValue":"web""#, r#""stringValue":5"#), (r#""name":"lib""#, r#""name":{}"#)] {
        let bad = request(&[span(1, ""), span(2, "")]).replace(old, new);
        let group = |request: &str| request["{\"resourceSpans\":[".len()..request.len() - 2].to_owned();
        let body = format!("{{\"resourceSpans\":[{},{},{}]}}", group(&good), group(&bad), group(&good));
        let collected = decode_otlp_json(body.as_bytes());
        assert_eq!((collected.spans.len(), collected.refusals.len()), (2, 2), "{:?}", collected.refusals);
    }
}

#[test]
fn values_nest_to_a_depth() {
    let limits = Limits { depth: 10, ..Limits::default() };
    for (open, close) in
        [(r#"{"arrayValue":{"values":["#, "]}}"), (r#"{"kvlistValue":{"values":[{"key":"","value":"#, "}]}}")]
    {
        let body = |levels| {
            let nested = format!("{}null{}", open.repeat(levels), close.repeat(levels));
            let deep = span(1, &format!(r#","attributes":[{{"key":"deep","value":{nested}}}]"#));
            request(&[deep, span(2, "")])
        };
        let shallow = decode_otlp_json_within(body(10).as_bytes(), &limits);
        assert_eq!((shallow.spans.len(), shallow.refusals.len()), (2, 0));
        for levels in [11, 1_000_000] {
            let deep = decode_otlp_json_within(body(levels).as_bytes(), &limits);
            assert_eq!((deep.spans.len(), deep.refusals.len()), (1, 1));
            assert_eq!(deep.refusals[0].reason, Reason::Limit(Limit::Depth));
        }
    }
    let unknown = request(&[span(1, &format!(",\"x\":{}", "[".repeat(1_000_000)))]);
    assert_eq!(decode_otlp_json_within(unknown.as_bytes(), &limits).spans.len(), 0);
}

#[test]
fn spans_before_the_cut_stand() {
    let body = request(&[span(1, ""), span(2, ""), span(3, "")]);
    let collected = decode_otlp_json(&body.as_bytes()[..body.len() - 20]);
    assert_eq!((collected.spans.len(), collected.refusals.len()), (2, 1));
    assert_eq!(collected.refusals[0].reason, Reason::Truncated);
}

#[test]
fn what_is_no_request() {
    for body in ["", " ", "[]", "5", "\"x\"", "\u{a}\u{12}"] {
        assert!(decode_otlp_json(body.as_bytes()).unreadable.is_some(), "{body}");
    }
    for body in ["{}", "null", "{} behind", r#"{"resourceSpans":null,"x":{"y":[]}}"#] {
        let collected = decode_otlp_json(body.as_bytes());
        assert_eq!((collected.spans.len(), collected.refusals.len(), collected.unreadable), (0, 0, None), "{body}");
    }
}
