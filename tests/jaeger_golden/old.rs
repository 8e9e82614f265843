//! What Spaniel makes otherwise of Zipkin v1 than jaeger-collector does: an edit per document.

use serde_json::{Value as Json, json};

/// What is changed in Jaeger's document of a span, or of all of a body.
pub struct Edit {
    input: &'static str,
    /// Empty: all.
    span: &'static str,
    change: Change,
    pub reason: &'static str,
}

enum Change {
    /// Tags of the process.
    Process(&'static str),
    /// Tags that come in place of those of a key.
    Instead(&'static str, &'static str),
    Duration(u64),
    /// One more document, which is as this one but for service, address and kind.
    Client(&'static str, &'static str),
}

use Change::{Client, Duration, Instead, Process};

const REVIEWS: &str =
    r#"[{"key":"ipv4","type":"string","value":"10.1.2.3"},{"key":"port","type":"string","value":"8080"}]"#;

const EDITS: [Edit; 7] = [
    Edit {
        input: "zipkin/clients/otel-python-jsonv1.json",
        span: "",
        change: Process(REVIEWS),
        reason: "Jaeger loses the address of an endpoint that only tags have",
    },
    Edit {
        input: "zipkin/clients/otel-python-jsonv1.json",
        span: "ERROR",
        change: Instead("", r#"[{"key":"error","type":"string","value":"boom"}]"#),
        reason: "Jaeger loses what the error says",
    },
    Edit {
        input: "jaeger/zipkin/v1-kinds.thrift",
        span: "ecc57675bebeb2cf",
        change: Client(
            "caller",
            r#"[{"key":"ipv4","type":"string","value":"10.46.44.161"},{"key":"port","type":"string","value":"1705"}]"#,
        ),
        reason: "Jaeger loses the client of a span that tells of both ends",
    },
    Edit {
        input: "jaeger/zipkin/v1-kinds.thrift",
        span: "1454e5429a05c909",
        change: Instead(
            "sa",
            r#"[{"key":"error","type":"string","value":"timeout"},{"key":"peer.service","type":"string","value":"db"},
                {"key":"net.peer.ip","type":"string","value":"10.147.24.197"},
                {"key":"net.peer.port","type":"int64","value":64349}]"#,
        ),
        reason: "Jaeger loses what the error says, and the other end",
    },
    Edit {
        input: "jaeger/zipkin/v1-times.thrift",
        span: "2b681e3d11181478",
        change: Process(
            r#"[{"key":"ipv4","type":"string","value":"10.156.169.193"},{"key":"port","type":"string","value":"34182"}]"#,
        ),
        reason: "Jaeger loses the address of an endpoint that only tags have",
    },
    Edit {
        input: "jaeger/zipkin/v1-times.thrift",
        span: "1f439479687bc414",
        change: Duration(1000),
        reason: "Jaeger does not look at the annotations if there is a timestamp",
    },
    Edit {
        input: "jaeger/zipkin/v1-types.thrift",
        span: "66975ec5a9d79bb0",
        change: Instead(
            "ca",
            r#"[{"key":"peer.service","type":"string","value":"caller"},
                {"key":"net.peer.ip","type":"string","value":"10.7.110.30"},
                {"key":"net.peer.port","type":"int64","value":33282}]"#,
        ),
        reason: "Jaeger loses the other end",
    },
];

/// Makes the documents of a body what ours are meant to be. Each edit must change something.
pub fn edit(input: &str, documents: &mut Vec<Json>) {
    for edit in EDITS.iter().filter(|edit| edit.input == input) {
        let before = documents.clone();
        let mut more = Vec::new();
        for document in documents.iter_mut().filter(|document| document.to_string().contains(edit.span)) {
            more.extend(edit.change.apply(document));
        }
        documents.extend(more);
        assert_ne!(&before, documents, "{input}: {}: the difference is gone, take it out of the table", edit.reason);
    }
    documents.iter_mut().for_each(mend_signs);
}

impl Change {
    fn apply(&self, document: &mut Json) -> Option<Json> {
        let parse = |text| serde_json::from_str::<Json>(text).expect("the table is JSON");
        match self {
            Process(tags) => document["process"]["tags"] = parse(tags),
            Duration(duration) => document["duration"] = json!(duration),
            Instead(key, tags) => {
                let all = document["tags"].as_array_mut().expect("a list of tags");
                all.retain(|tag| tag["key"] != *key);
                all.extend(parse(tags).as_array().expect("a list of tags").iter().cloned());
            }
            Client(service, address) => {
                let mut client = document.clone();
                client["process"] = json!({"serviceName": service, "tags": parse(address)});
                client["tags"] = json!([{"key": "span.kind", "type": "string", "value": "client"}]);
                return Some(client);
            }
        }
        None
    }
}

/// Jaeger reads a port as signed, and 16- and 32-bit integers as unsigned.
fn mend_signs(document: &mut Json) {
    let ports = document["process"]["tags"].as_array_mut().into_iter().flatten().filter(|tag| tag["key"] == "port");
    for tag in ports {
        let port: i64 = tag["value"].as_str().and_then(|port| port.parse().ok()).expect("a port");
        tag["value"] = json!(port.rem_euclid(65_536).to_string());
    }
    for tag in document["tags"].as_array_mut().into_iter().flatten() {
        match (tag["key"].as_str(), tag["value"].as_i64()) {
            (Some("i16"), Some(value)) => tag["value"] = json!(value as i16),
            (Some("i32"), Some(value)) => tag["value"] = json!(value as i32),
            _ => {}
        }
    }
}
