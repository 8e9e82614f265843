//! Verdicts by `--downsampling.ratio` and `COLLECTOR_SAMPLE_RATE`, held against those of Jaeger's and
//! of Zipkin's own code.
#![allow(clippy::unwrap_used, reason = "a test fails that way")]

use std::fs;
use std::path::Path;

use spaniel::sample::Sampler;
use spaniel::settings::{Downsampling, Sampling};
use spaniel::span::{Process, Span, TraceId};

/// The lines of a file, in their fields.
fn vectors(name: &str) -> Vec<Vec<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sampling").join(name);
    let text = fs::read_to_string(path).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.split(' ').map(Into::into).collect()).collect()
}

fn id(text: &str) -> TraceId {
    let id = u128::from_str_radix(text, 16).unwrap();
    TraceId { high: (id >> 64) as u64, low: id as u64 }
}

fn jaegers(ratio: f64, salt: &str) -> Sampler {
    Sampler::alone(&Downsampling { ratio, hashsalt: salt.into() }, &Sampling::default(), None)
}

fn zipkins(rate: f32) -> Sampler {
    Sampler::alone(&Downsampling::default(), &Sampling { zipkin_rate: rate, ..Sampling::default() }, None)
}

/// Whether the sampler keeps each of these spans, as one request.
fn kept<'a>(sampler: &Sampler, spans: impl Iterator<Item = Span<'a>>) -> Vec<bool> {
    let mut judge = sampler.request(0);
    judge.process("any".into(), &Process::default());
    spans.map(|span| judge.verdict(&span).keep).collect()
}

#[test]
fn ids_are_downsampled_as_jaeger_does() {
    let vectors = vectors("jaeger-downsampling-1.76.txt");
    assert_eq!(vectors.len(), 346);
    for fields in vectors {
        let [trace_id, ratio, salt, debug, verdict] = &fields[..] else { panic!("{fields:?}") };
        let sampler = jaegers(ratio.parse().unwrap(), if salt == "-" { "" } else { salt });
        let flags = if debug == "debug" { 3 } else { 0 };
        let kept = kept(&sampler, [Span { trace_id: id(trace_id), flags, ..Span::default() }].into_iter());
        assert_eq!(kept, [verdict == "kept"], "{fields:?}");
    }
}

#[test]
fn ids_are_sampled_as_zipkin_does() {
    let vectors = vectors("zipkin-collector-sampler-3.5.0.txt");
    assert_eq!(vectors.len(), 251);
    for fields in vectors {
        let [trace_id, rate, debug, verdict] = &fields[..] else { panic!("{fields:?}") };
        let span = Span { trace_id: id(trace_id), debug: debug == "debug", ..Span::default() };
        let kept = kept(&zipkins(rate.parse().unwrap()), [span].into_iter());
        assert_eq!(kept, [verdict == "kept"], "{fields:?}");
    }
}
