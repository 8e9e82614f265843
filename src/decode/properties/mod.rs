//! Decoders beside readings of the same bytes that are none of ours, on generated bodies; and
//! every captured body cut off at every byte.

mod thrift;
mod zipkin;

use super::test_sink::{
    Collected, decode_agent_binary, decode_agent_compact, decode_compact, decode_thrift, decode_zipkin,
};

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
fn either_decoder_survives_the_others_bodies() {
    for (_, body) in captured("jaeger/thrift-http", ".thrift").into_iter().chain(captured("envoy", ".pb")) {
        decode_zipkin(&body);
        decode_thrift(&body);
        decode_compact(&body);
        decode_agent_binary(&body);
        decode_agent_compact(&body);
    }
}
