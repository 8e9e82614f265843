//! A strategies file that somebody made up: no panic, faults within it, answers that are JSON, and
//! serde_json agrees on what is JSON and what is told to whom.
#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use spaniel_fuzz::strategies::{Fallback, Strategies};

/// As much of the file as tells which services have a probability of their own and no operations.
#[derive(Deserialize)]
struct Document {
    default_strategy: Option<Entry>,
    #[serde(default)]
    service_strategies: Vec<Entry>,
    #[serde(flatten)]
    _only_as_object: BTreeMap<String, IgnoredAny>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    service: String,
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    param: f64,
    #[serde(default)]
    operation_strategies: Vec<IgnoredAny>,
    #[serde(flatten)]
    _only_as_object: BTreeMap<String, IgnoredAny>,
}

fuzz_target!(|body: &[u8]| {
    let outcome = Strategies::parse(body, Fallback::default());
    let lines = 1 + body.iter().filter(|&&byte| byte == b'\n').count();
    let strategies = match outcome {
        Ok((strategies, warnings)) => {
            assert!(warnings.iter().all(|warning| (1..=lines).contains(&(warning.line as usize))));
            strategies
        }
        Err(fault) => {
            assert!((1..=lines).contains(&(fault.line as usize)) && fault.column >= 1);
            // What serde takes with these types, Go takes too.
            let shallow = serde_json::from_slice::<Document>(body);
            assert!(shallow.is_err() || has_operations(body) || !is_plain(body), "{fault}");
            return;
        }
    };
    if let (Ok(_), Err(error)) = (std::str::from_utf8(body), serde_json::from_slice::<IgnoredAny>(body)) {
        assert!(error.to_string().contains("recursion limit"), "{error}");
    }
    assert!(serde_json::from_str::<Value>(&strategies.answer("nobody").by_name()).is_ok());
    let Ok(document) = serde_json::from_slice::<Document>(body) else { return };
    let mut last = BTreeMap::new();
    for entry in &document.service_strategies {
        assert!(serde_json::from_str::<Value>(&strategies.answer(&entry.service).by_name()).is_ok());
        last.insert(&entry.service, entry);
    }
    let inherited = document.default_strategy.is_some_and(|default| !default.operation_strategies.is_empty());
    if !is_plain(body) || inherited {
        return;
    }
    for (service, entry) in last {
        if entry.kind == "probabilistic" && entry.operation_strategies.is_empty() {
            let told: Value = serde_json::from_str(&strategies.answer(service).by_name()).unwrap();
            let rate = told["probabilisticSampling"]["samplingRate"].as_f64().unwrap();
            // serde_json may be off by the last bit.
            assert!((rate - entry.param).abs() <= entry.param.abs() * 1e-15, "{rate} {}", entry.param);
        }
    }
});

/// Without members that only Go finds: in other cases, or by escapes.
fn is_plain(body: &[u8]) -> bool {
    body.iter().all(|&byte| byte.is_ascii() && !byte.is_ascii_uppercase() && byte != b'\\')
}

/// Which serde passes over here.
fn has_operations(body: &[u8]) -> bool {
    body.windows(b"operation_strategies".len()).any(|part| part == b"operation_strategies")
}
