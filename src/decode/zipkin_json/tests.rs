use super::*;
use crate::decode::test_sink::{Collected, decode_zipkin};
use crate::span::Limit;

fn one(span: &str) -> Collected {
    decode_zipkin(format!("[{span}]").as_bytes())
}

/// A span with the given further members.
fn with(members: &str) -> Collected {
    one(&format!(r#"{{"traceId":"a","id":"b","timestamp":1,{members}}}"#))
}

fn tags(members: &str) -> String {
    let collected = with(members);
    assert_eq!(collected.refusals, [], "{members}");
    collected.spans[0].tags.join(" ")
}

#[test]
fn an_empty_body_is_an_empty_list() {
    for body in ["", " \n", "[]", "[ ]", "null", "[null]", "\u{feff}[]"] {
        let collected = decode_zipkin(body.as_bytes());
        assert_eq!((collected.spans.len(), collected.refusals.len(), collected.unreadable), (0, 0, None), "{body}");
    }
}

#[test]
fn what_is_no_list_is_unreadable() {
    for body in ["hello", "5", "\"x\"", "<html></html>", "nul", "\u{feff}x", "\0[]"] {
        assert!(decode_zipkin(body.as_bytes()).unreadable.is_some(), "{body}");
    }
}

#[test]
fn a_bad_span_is_refused_alone() {
    let good = r#"{"traceId":"a","id":"b"}"#;
    for (bad, reason) in [
        (r#"{"traceId":"a"}"#, Reason::SpanId),
        (r#"{"id":"b"}"#, Reason::TraceId),
        (r#"{"traceId":"a","id":"0"}"#, Reason::SpanId),
        (r#"{"traceId":"a","id":"b","parentId":"xyz"}"#, Reason::ParentId),
        (r#"{"traceId":"a","id":"b","timestamp":NaN,"tags":{"]":"}"}}"#, Reason::Structure),
        (r#"{"traceId":"a","id":"b","timestamp":"soon"}"#, Reason::Time),
        (r#"{"traceId":"a","id":"b","tags":[]}"#, Reason::Structure),
        (r#"{"traceId":"a","id":"b","name":"\x"}"#, Reason::Structure),
        (r#"{"traceId":"a","id":"b","x":"#, Reason::Structure),
        ("5", Reason::Structure),
        ("[[{}],1]", Reason::Structure),
        ("{'a':'b'}", Reason::Structure),
    ] {
        let bad =
            if bad.ends_with(':') { format!("{bad}{}1{}}}", "[".repeat(65), "]".repeat(65)) } else { bad.to_owned() };
        let reason = if bad.contains("[[[[") { Reason::Limit(Limit::Depth) } else { reason };
        let collected = decode_zipkin(format!("[{good},{bad}, {good}]").as_bytes());
        let reasons: Vec<_> = collected.refusals.iter().map(|refusal| refusal.reason).collect();
        assert_eq!((collected.spans.len(), reasons), (2, vec![reason]), "{bad}");
    }
}

#[test]
fn what_stands_behind_the_list_is_counted() {
    for body in [r#"[{"traceId":"a","id":"b"}]garbage"#, r#"{"traceId":"a","id":"b"} []"#] {
        let collected = decode_zipkin(body.as_bytes());
        assert_eq!((collected.spans.len(), collected.refusals.len()), (1, 1), "{body}");
    }
}

#[test]
fn spans_before_the_cut_stand() {
    let body = r#"[{"traceId":"a","id":"b"},{"traceId":"a","id":"c","tags":{"x":"#;
    let collected = decode_zipkin(body.as_bytes());
    assert_eq!(collected.spans.len(), 1);
    assert_eq!(collected.refusals[0].reason, Reason::Truncated);
}

#[test]
fn limits_refuse_the_span_that_passes_them() {
    let limits = Limits { depth: 3, tags: 2, logs: 1, spans: 3 };
    let body = concat!(
        r#"[{"traceId":"1","id":"1","tags":{"a":"1","b":"2","c":"3"}},"#,
        r#"{"traceId":"1","id":"1","annotations":[{"timestamp":1,"value":"a"},{"timestamp":1,"value":"b"}]},"#,
        r#"{"traceId":"1","id":"1","tags":{"a":"1","b":"2"},"annotations":[{"timestamp":1,"value":"a"}]},"#,
        r#"{"traceId":"1","id":"1"}]"#,
    );
    let collected = crate::decode::test_sink::decode_zipkin_within(body.as_bytes(), &limits);
    assert_eq!((collected.spans.len(), collected.refusals.len()), (1, 3));
    assert!(collected.refusals.iter().all(|refusal| matches!(refusal.reason, Reason::Limit(_))));
}

#[test]
fn tag_values_of_every_kind() {
    assert_eq!(
        tags(r#""tags":{"a":"x","b":1.50,"c":-0,"d":true,"e":null,"f":{"g":[1,"\""]},"h":[ 1, 2 ],"i":"\n"}"#),
        r#"a=x b=1.50 c=-0 d=true e= f={"g":[1,"\""]} h=[1,2] i="#.to_owned() + "\n"
    );
}

#[test]
fn blanks_may_stand_anywhere() {
    assert_eq!(tags("\"tags\" : { \"a\" : \"b\" , \"c\": 5 ,\n\"d\" :\"e\" }"), "a=b c=5 d=e");
    let collected = one(
        " { \"id\" : \"b\" , \"traceId\" :\t\"a\" , \"localEndpoint\" : { \"port\" : 5 , \"ipv4\" : \"1.2.3.4\" } } ",
    );
    assert_eq!(collected.spans[0].tags[..2], ["net.host.ip=1.2.3.4", "net.host.port=5"]);
}

#[test]
fn of_equal_keys_the_last_counts() {
    assert_eq!(tags(r#""tags":{"a":"1","b":"2","a":"3"},"tags":{"b":"4"}"#), "a=3 b=4");
    assert_eq!(tags(r#""tags":{"a":"1","b":"2","\u0061":"3"}"#), "a=3 b=2");
    let many: String = (0..1000).map(|index| format!(r#""k{}":"{index}","#, index % 100)).collect();
    let expected: Vec<_> = (0..100).map(|index| format!("k{index}={}", 900 + index)).collect();
    assert_eq!(tags(&format!(r#""tags":{{{}}}"#, many.trim_end_matches(','))), expected.join(" "));
}

#[test]
fn endpoints_become_tags_and_the_service() {
    let collected = with(concat!(
        r#""remoteEndpoint":{"serviceName":"db","ipv6":"2001:DB8::1","ipv4":"1.2.3.4","port":"5432"},"#,
        r#""localEndpoint":{"port":80,"serviceName":"web","ipv4":"10.0.0.1"},"tags":{"net.host.ip":"mine","a":"b"}"#,
    ));
    assert_eq!(
        collected.spans[0].tags.join(" "),
        "net.host.ip=10.0.0.1 a=b net.host.port=80 peer.service=db net.peer.ip=2001:db8::1 net.peer.port=5432"
    );
    assert_eq!(collected.spans[0].service.as_deref(), Some("web"));
}

#[test]
fn what_is_no_address_or_port_is_left_out() {
    for endpoint in
        [r#""ipv4":"256.1.1.1""#, r#""ipv6":"[::1]""#, r#""port":70000"#, r#""port":-1"#, r#""port":"http""#]
    {
        assert_eq!(tags(&format!(r#""localEndpoint":{{{endpoint}}}"#)), "", "{endpoint}");
    }
    assert_eq!(
        tags(r#""localEndpoint":{"ipv6":"::ffff:1.2.3.4","port":80.5}"#),
        "net.host.ip=1.2.3.4 net.host.port=80"
    );
}

#[test]
fn resource_tags_belong_to_the_span_that_has_them() {
    let body = concat!(
        r#"[{"traceId":"1","id":"1","localEndpoint":{"serviceName":"web"},"tags":{"host.name":"n1","x":"y"}},"#,
        r#"{"traceId":"1","id":"2","localEndpoint":{"serviceName":"web"}},"#,
        r#"{"traceId":"1","id":"3","localEndpoint":{"serviceName":"web"},"tags":{"service.name":"other"}},"#,
        r#"{"traceId":"1","id":"4","localEndpoint":{"serviceName":"web"},"tags":{"otlp.service.name.source":"app"}},"#,
        r#"{"traceId":"1","id":"5"}]"#,
    );
    let collected = decode_zipkin(body.as_bytes());
    let processes: Vec<_> = collected
        .spans
        .iter()
        .map(|span| format!("{} {}", span.service.as_deref().unwrap_or("none"), span.process_tags.join(" ")))
        .collect();
    assert_eq!(processes, ["web host.name=n1", "web ", "other ", "none app=web", "none "]);
}

#[test]
fn the_process_is_told_only_when_it_changes() {
    let span = |service: &str| format!(r#"{{"traceId":"1","id":"1","localEndpoint":{{"serviceName":"{service}"}}}}"#);
    let body = format!("[{},{},{},{}]", span("a"), span("a"), span("b"), span("b"));
    assert_eq!(decode_zipkin(body.as_bytes()).processes, 2);
}

#[test]
fn events_of_opentelemetry_get_their_attributes_back() {
    let logs = |value: &str| {
        let value = serde_json::to_string(value).unwrap();
        let collected = with(&format!(r#""annotations":[{{"value":{value},"timestamp":5}}]"#));
        assert_eq!(collected.refusals, [], "{value}");
        collected.spans[0].logs.join(" ")
    };
    assert_eq!(logs("cs"), "5[event=cs]");
    assert_eq!(logs(""), "5[]");
    assert_eq!(logs("a\nb"), "5[event=a\nb]");
    assert_eq!(logs("odd|x"), "5[event=odd]");
    assert_eq!(logs(r#"e|{"a":"b","n":5,"x":0.5,"t":true,"o":{},"z":null}|2"#), "5[event=e a=b n=5 x=0.5 t=true]");
    assert_eq!(logs(r#"e|{"a":"|"}|0"#), "5[event=e a=|]");
    assert_eq!(logs(r#"e|{"event":"f"}|0"#), "5[event=f]");
    for text in [r#"e|{"a":|0"#, r#"e|{}|x"#, r#"e|{} {}|0"#] {
        assert_eq!(logs(text), format!("5[event={text}]"));
    }
}

#[test]
fn member_names_are_taken_in_any_case() {
    let collected =
        one(r#"{"TRACEID":"a","Id":"b","Tags":{"a":"b"},"localendpoint":{"ServiceName":"x"},"\u006eame":"n"}"#);
    assert_eq!(collected.spans[0].operation, "n");
    assert_eq!(collected.spans[0].service.as_deref(), Some("x"));
}

#[test]
fn a_wish_to_be_kept_is_read_and_anything_else_is_none() {
    for (value, wished) in
        [("true", true), ("false", false), ("null", false), ("1", false), (r#""true""#, false), ("[true]", false)]
    {
        let text = format!(r#"{{"traceId":"a","id":"b","debug":{value},"name":"n"}}"#);
        let collected = one(&text);
        assert_eq!((collected.spans[0].debug, collected.spans[0].flags), (wished, 0), "{text}");
        assert_eq!(collected.spans[0].operation, "n");
    }
    let collected = decode_zipkin(br#"[{"traceId":"a","id":"b","debug":true},{"traceId":"a","id":"c"}]"#);
    assert!(collected.spans[0].debug && !collected.spans[1].debug);
}

#[test]
fn wire_is_the_span_and_nothing_else() {
    let span = r#"{"traceId":"a","id":"b" ,"tags":{"}":"]"} }"#;
    let collected = decode_zipkin(format!("\n[ {span} ,{span}]").as_bytes());
    assert_eq!(collected.spans[0].wire, span.as_bytes());
    assert_eq!(collected.spans[1].wire, span.as_bytes());
}

#[test]
fn bad_utf8_costs_no_neighbour() {
    let collected = decode_zipkin(b"[{\"traceId\":\"a\",\"id\":\"b\",\"name\":\"caf\xe9\",\"tags\":{\"\xff\":\"x\",\"k\":{\"\xfe\": 1}}},{\"traceId\":\"a\",\"id\":\"c\",\"name\":\"good\"}]");
    assert_eq!(collected.spans[0].operation, "caf\u{fffd}");
    assert_eq!(collected.spans[0].tags[..2], ["\u{fffd}=x".to_owned(), "k={\"\u{fffd}\":1}".to_owned()]);
    assert_eq!(collected.spans[1].operation, "good");
}
