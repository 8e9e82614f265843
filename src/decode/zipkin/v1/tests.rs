use crate::decode::test_sink::{Collected, decode_zipkin, decode_zipkin_v1};

const WEB: &str = r#"{"serviceName":"web","ipv4":"1.2.3.4","port":80}"#;
const APP: &str = r#"{"serviceName":"App","ipv6":"2001:db8::1","port":8080}"#;

/// A span of the members; `@web` and `@app` stand for endpoints.
fn one(members: &str) -> Collected {
    let members = members.replace("@web", WEB).replace("@app", APP);
    let body = format!(r#"[{{"traceId":"a","id":"b","name":"n",{members}}}]"#);
    let collected = decode_zipkin_v1(body.as_bytes());
    assert_eq!((&collected.refusals, &collected.unreadable), (&vec![], &None), "{body}");
    collected
}

fn annotations(list: &[(&str, u64, &str)]) -> String {
    let item = |(value, time, host): &(&str, u64, &str)| {
        format!(r#"{{"value":"{value}","timestamp":{time},"endpoint":{host}}}"#)
    };
    format!(r#""annotations":[{}]"#, list.iter().map(item).collect::<Vec<_>>().join(","))
}

/// Service, start, duration and tags of each part.
fn parts(members: &str) -> Vec<String> {
    let part = |span: &crate::decode::test_sink::Owned| {
        let service = span.service.as_deref().unwrap_or_default();
        format!("{service} {}+{} {} {}", span.start, span.duration, span.tags.join(" "), span.logs.join(" "))
    };
    one(members).spans.iter().map(part).map(|part| part.trim_end().to_owned()).collect()
}

#[test]
fn both_ends_become_spans_with_names_of_their_own() {
    let both = annotations(&[("cs", 100, "@web"), ("sr", 150, "@app"), ("ss", 250, "@app"), ("cr", 300, "@web")]);
    assert_eq!(parts(&both), ["web 100+200 span.kind=client", "App 150+100 span.kind=server"]);
    let collected = one(&both);
    assert_eq!(collected.spans[0].process_tags, ["ipv4=1.2.3.4", "port=80"]);
    assert_eq!(collected.spans[1].process_tags, ["ipv6=2001:db8::1", "port=8080"]);
    assert_eq!(collected.spans[0].wire, collected.spans[1].wire);
    assert_ne!(collected.spans[0].process_wire, collected.spans[1].process_wire);
    assert!(collected.spans[0].process_wire.is_empty());
}

#[test]
fn both_ends_of_one_service_are_two_spans_too() {
    let both = annotations(&[("cs", 100, "@web"), ("sr", 150, "@web"), ("ss", 250, "@web"), ("cr", 300, "@web")]);
    assert_eq!(parts(&both), ["web 100+200 span.kind=client", "web 150+100 span.kind=server"]);
    let messages = annotations(&[("ms", 1, "@web"), ("ws", 2, "@web"), ("wr", 5, "@web"), ("mr", 9, "@web")]);
    assert_eq!(parts(&messages), ["web 1+1 span.kind=producer", "web 5+4 span.kind=consumer"]);
    // Without endpoints nobody knows that there are two.
    let nowhere = annotations(&[("cs", 100, "null"), ("sr", 150, "null"), ("cr", 300, "null")]);
    assert_eq!(parts(&nowhere).len(), 1);
}

#[test]
fn a_service_that_only_tags_name_began_with_the_span() {
    let tags =
        r#""binaryAnnotations":[{"key":"a","value":"1","endpoint":@web},{"key":"b","value":"2","endpoint":@app}]"#;
    assert_eq!(parts(&format!(r#""timestamp":7,"duration":3,{tags}"#)), ["web 7+3 a=1", "App 7+0 b=2"]);
    let sent = annotations(&[("cs", 100, "@web"), ("cr", 300, "@web")]);
    assert_eq!(parts(&format!("{sent},{tags}")), ["web 100+200 a=1 span.kind=client", "App 100+0 b=2"]);
}

#[test]
fn services_are_the_same_in_any_case() {
    let same = annotations(&[("cs", 100, "@app"), ("x", 150, r#"{"serviceName":"aPP"}"#)]);
    assert_eq!(parts(&same), ["App 100+0 span.kind=client 150[event=x]"]);
}

#[test]
fn addresses_are_other_ends() {
    for (key, kind, begin) in [("sa", "client", "cs"), ("ca", "server", "sr"), ("ma", "producer", "ms")] {
        let members = annotations(&[(begin, 100, "@web")]);
        let tag = format!(r#"{members},"binaryAnnotations":[{{"key":"{key}","value":true,"endpoint":@app}}]"#);
        let peer = "peer.service=App net.peer.ip=2001:db8::1 net.peer.port=8080";
        assert_eq!(parts(&tag), [format!("web 100+0 {peer} span.kind={kind}")]);
    }
    // Finagle's client has the server's name.
    let members = annotations(&[("sr", 100, "@web")]);
    let own = r#"{"key":"ca","value":true,"endpoint":{"serviceName":"web","ipv4":"1.2.3.4","port":5}}"#;
    let expected = "web 100+0 net.peer.ip=1.2.3.4 net.peer.port=5 span.kind=server";
    assert_eq!(parts(&format!(r#"{members},"binaryAnnotations":[{own}]"#)), [expected]);
}

#[test]
fn more_services_than_anybody_has_share_the_first_part() {
    let hosts: Vec<String> = (0..100).map(|number| format!(r#"{{"serviceName":"s{number}"}}"#)).collect();
    let list: Vec<_> = hosts.iter().map(|host| ("x", 5, host.as_str())).collect();
    let collected = one(&annotations(&list));
    assert_eq!(collected.spans.len(), 16);
    assert_eq!(collected.spans.iter().map(|span| span.logs.len()).sum::<usize>(), 100);
}

#[test]
fn a_service_is_found_in_lc_or_unknown() {
    let local = r#""timestamp":1,"binaryAnnotations":[{"key":"lc","value":"worker"}]"#;
    assert_eq!(parts(local), ["worker 1+0 component=worker"]);
    assert_eq!(parts(r#""timestamp":1"#), ["unknown-service 1+0"]);
}

#[test]
fn of_equal_keys_the_last_counts() {
    let tags = r#""timestamp":1,"binaryAnnotations":[{"key":"k","value":"1"},{"key":"\u006b","value":"2"}]"#;
    assert_eq!(parts(tags), ["unknown-service 1+0 k=2"]);
}

#[test]
fn the_process_is_told_only_when_it_changes() {
    let one = |host: &str| {
        let annotations = annotations(&[("cs", 1, host)]).replace("@web", WEB).replace("@app", APP);
        format!(r#"{{"traceId":"a","id":"b",{annotations}}}"#)
    };
    let spans = ["@web", "@web", "@app", "@web", "@web"].map(one).join(",");
    assert_eq!(decode_zipkin_v1(format!("[{spans}]").as_bytes()).processes, 3);
}

#[test]
fn a_span_is_of_the_version_that_its_members_say() {
    let old = r#"{"traceId":"a","id":"b","timestamp":1,"annotations":[{"timestamp":1,"value":"cs","endpoint":{"serviceName":"web"}}]}"#;
    let new = r#"{"traceId":"a","id":"b","timestamp":1,"kind":"CLIENT","localEndpoint":{"serviceName":"web"}}"#;
    let both =
        r#"{"traceId":"a","id":"b","timestamp":1,"tags":{"k":"2"},"binaryAnnotations":[{"key":"k","value":"1"}]}"#;
    let body = format!("[{old},{new},{old},{both},{new}]");
    for (decode, mixed) in
        [(decode_zipkin as fn(&[u8]) -> Collected, (None, "k=2")), (decode_zipkin_v1, (Some("unknown-service"), "k=1"))]
    {
        let collected = decode(body.as_bytes());
        let read: Vec<_> = collected.spans.iter().map(|span| (span.service.as_deref(), span.tags.join(" "))).collect();
        let (web, mixed) = ((Some("web"), "span.kind=client".to_owned()), (mixed.0, mixed.1.to_owned()));
        assert_eq!(read, [web.clone(), web.clone(), web.clone(), mixed, web]);
        assert_eq!(collected.refusals, []);
        for (span, wire) in collected.spans.iter().zip([old, new, old, both, new]) {
            assert_eq!(span.wire, wire.as_bytes());
        }
    }
}

#[test]
fn limits_and_bombs() {
    let limits = crate::decode::Limits { depth: 3, tags: 2, logs: 1, spans: 2 };
    let tag = r#"{"key":"a","value":"b"}"#;
    let body = format!(
        r#"[{{"traceId":"a","id":"b","binaryAnnotations":[{tag},{tag},{tag}]}},
            {{"traceId":"a","id":"c","annotations":[{{"value":"x"}},{{"value":"y"}}]}},{{"traceId":"a","id":"d"}}]"#
    );
    let collected = crate::decode::test_sink::decode_zipkin_v1_within(body.as_bytes(), &limits);
    assert_eq!((collected.spans.len(), collected.refusals.len()), (0, 3));
    assert!(collected.refusals.iter().all(|refusal| matches!(refusal.reason, crate::span::Reason::Limit(_))));
    for member in ["x", "annotations", "binaryAnnotations", "tags"] {
        for nested in ["[", r#"{"a":"#] {
            let body = format!(r#"[{{"traceId":"a","id":"b","{member}":{}"#, nested.repeat(1_000_000));
            assert_eq!(decode_zipkin_v1(body.as_bytes()).spans.len(), 0);
        }
    }
}
