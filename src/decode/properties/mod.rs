//! Decoders beside readings of the same bytes that are none of ours, on generated bodies; and
//! every captured body cut off at every byte.

mod jaeger_proto;
mod otlp;
mod thrift;
mod zipkin;
mod zipkin_old;
mod zipkin_proto;

use proptest::prelude::*;

use super::test_sink::{
    Collected, decode_agent_binary, decode_agent_compact, decode_compact, decode_jaeger_proto, decode_otlp,
    decode_otlp_json, decode_thrift, decode_zipkin, decode_zipkin_proto, decode_zipkin_thrift, decode_zipkin_v1,
};

/// Texts of any kind; many are short ASCII, of which tags are made, and some too long for that.
fn any_text() -> BoxedStrategy<String> {
    prop_oneof![3 => any::<String>(), 4 => "[ -~\\n]{0,20}", 1 => "[ -~é]{100,140}"].boxed()
}

/// The captured bodies below a folder of `tests/data` whose names end so, except very long ones.
fn captured(folder: &str, ending: &str) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(format!("tests/data/{folder}")).expect("captured bodies");
    let path = |entry: std::io::Result<std::fs::DirEntry>| entry.expect("a file").path();
    let mut bodies: Vec<_> = entries
        .map(path)
        .filter(|path| path.to_string_lossy().ends_with(ending) && !path.ends_with("manifest.json"))
        .map(|path| (path.display().to_string(), std::fs::read(&path).expect("a body")))
        .filter(|(_, body)| body.len() < 2500)
        .collect();
    bodies.sort();
    assert!(bodies.len() > 3, "{folder}");
    bodies
}

/// Cuts a body at every byte. What was read of a part is the beginning of what is read of the
/// whole, and each part that is not the whole says that something is missing.
fn cut_everywhere(name: &str, body: &[u8], decode: fn(&[u8]) -> Collected) {
    let whole = decode(body);
    for end in 0..body.len() {
        let part = decode(&body[..end]);
        assert!(part.spans.len() <= whole.spans.len(), "{name} cut at {end}");
        for (part, whole) in part.spans.iter().zip(&whole.spans) {
            assert_eq!(part.wire, whole.wire, "{name} cut at {end}");
            assert_eq!(part.tags, whole.tags, "{name} cut at {end}");
        }
        let refused = part.refusals.len() <= whole.refusals.len() + 1;
        assert!(refused, "{name} cut at {end}: {:?}", part.refusals);
    }
}

#[test]
fn zipkin_bodies_cut_at_every_byte() {
    for folder in ["envoy", "zipkin/clients", "jaeger/zipkin"] {
        for (name, body) in captured(folder, ".json") {
            cut_everywhere(&name, &body, decode_zipkin);
        }
    }
}

#[test]
fn thrift_bodies_cut_at_every_byte() {
    for (name, body) in captured("jaeger/thrift-http", ".thrift") {
        cut_everywhere(&name, &body, decode_thrift);
    }
}

#[test]
fn datagrams_cut_at_every_byte() {
    for (folder, decode) in [
        ("jaeger/udp-binary", decode_agent_binary as fn(&[u8]) -> Collected),
        ("jaeger/udp-compact", decode_agent_compact),
    ] {
        for (name, body) in captured(folder, ".thrift") {
            cut_everywhere(&name, &body, decode);
        }
    }
}

#[test]
fn otlp_bodies_cut_at_every_byte() {
    for folder in ["jaeger/otlp", "jaeger/otlp-grpc"] {
        for (name, body) in captured(folder, ".pb") {
            cut_everywhere(&name, &body, decode_otlp);
        }
    }
    for (name, body) in captured("jaeger/otlp", ".json") {
        cut_everywhere(&name, &body, decode_otlp_json);
    }
}

#[test]
fn jaegers_messages_cut_at_every_byte() {
    for (name, body) in captured("jaeger/grpc", ".pb") {
        cut_everywhere(&name, &body, decode_jaeger_proto);
    }
}

#[test]
fn other_zipkin_bodies_cut_at_every_byte() {
    for (name, body) in captured("envoy", ".pb") {
        cut_everywhere(&name, &body, decode_zipkin_proto);
    }
    for (name, body) in captured("jaeger/zipkin", ".thrift") {
        cut_everywhere(&name, &body, decode_zipkin_thrift);
    }
    let is_old = |name: &str| name.contains("v1json") || name.contains("jsonv1");
    let json = ["envoy", "zipkin/clients"].into_iter().flat_map(|folder| captured(folder, ".json"));
    let old: Vec<_> = json.filter(|(name, _)| is_old(name)).collect();
    assert!(old.len() > 4);
    for (name, body) in old {
        cut_everywhere(&name, &body, decode_zipkin_v1);
    }
}

#[test]
fn every_decoder_survives_the_others_bodies() {
    let bodies = [
        captured("jaeger/thrift-http", ".thrift"),
        captured("jaeger/zipkin", ".thrift"),
        captured("envoy", ".pb"),
        captured("envoy", ".json"),
    ];
    for (_, body) in bodies.into_iter().flatten() {
        for decode in [decode_zipkin, decode_thrift, decode_zipkin_v1, decode_zipkin_proto, decode_zipkin_thrift] {
            decode(&body);
        }
        for decode in [decode_otlp, decode_otlp_json, decode_jaeger_proto] {
            decode(&body);
        }
        for decode in [decode_compact, decode_agent_binary, decode_agent_compact] {
            decode(&body);
        }
    }
}
