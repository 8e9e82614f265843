//! Documents that a machine makes up, and a second reading of them: serde's, with Jaeger's rules
//! written down once more in the plainest way, every list copied.

use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use spaniel::sample::strategies::{Fallback, Strategies};

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Document {
    #[serde(skip_serializing_if = "Option::is_none")]
    default_strategy: Option<Entry>,
    #[serde(default)]
    service_strategies: Vec<Entry>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
struct Entry {
    service: String,
    #[serde(rename = "type", skip_serializing_if = "String::is_empty")]
    kind: String,
    param: f64,
    operation_strategies: Vec<Operation>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
struct Operation {
    operation: String,
    #[serde(rename = "type", skip_serializing_if = "String::is_empty")]
    kind: String,
    param: f64,
}

/// An answer with everything in it.
#[derive(Debug, Clone)]
struct Told {
    probability: Option<f64>,
    limit: Option<i32>,
    operations: Option<(f64, Vec<(String, f64)>)>,
}

fn strategy(kind: &str, param: f64, fallback: f64) -> Told {
    let (probability, limit) = match kind {
        "probabilistic" => (Some(param), None),
        "ratelimiting" => (None, Some(param.trunc() as i32)),
        _ => (Some(fallback), None),
    };
    Told { probability, limit, operations: None }
}

fn entry(entry: &Entry, fallback: f64) -> Told {
    let mut told = strategy(&entry.kind, entry.param, fallback);
    if !entry.operation_strategies.is_empty() {
        let mut listed = Vec::new();
        for operation in &entry.operation_strategies {
            if let Some(probability) = strategy(&operation.kind, operation.param, fallback).probability {
                listed.push((operation.operation.clone(), probability));
            }
        }
        told.operations = Some((told.probability.unwrap_or(fallback), listed));
    }
    told
}

/// Jaeger's rules, in Jaeger's order.
fn told(document: &Document, service: &str, fallback: f64) -> Told {
    let nothing = Entry::default();
    let default = entry(document.default_strategy.as_ref().unwrap_or(&nothing), fallback);
    let Some(own) = document.service_strategies.iter().rev().find(|own| own.service == service) else { return default };
    let mut own = entry(own, fallback);
    let Some((default_probability, inherited)) = default.operations else { return own };
    own.operations = Some(match own.operations {
        None => (own.probability.unwrap_or(default_probability), inherited),
        Some((probability, mut listed)) => {
            let names: Vec<_> = listed.iter().map(|(name, _)| name.clone()).collect();
            listed.extend(inherited.into_iter().filter(|(name, _)| !names.contains(name)));
            (probability, listed)
        }
    });
    own
}

fn as_json(told: &Told) -> Json {
    let mut json = match (told.probability, told.limit) {
        (Some(rate), _) => json!({"strategyType": "PROBABILISTIC", "probabilisticSampling": {"samplingRate": rate}}),
        (None, limit) => {
            json!({"strategyType": "RATE_LIMITING", "rateLimitingSampling": {"maxTracesPerSecond": limit}})
        }
    };
    if let Some((default, listed)) = &told.operations {
        let listed: Vec<_> = listed
            .iter()
            .map(|(name, rate)| json!({"operation": name, "probabilisticSampling": {"samplingRate": rate}}))
            .collect();
        json["operationSampling"] = json!({
            "defaultSamplingProbability": default, "defaultLowerBoundTracesPerSecond": 0,
            "perOperationStrategies": listed, "defaultUpperBoundTracesPerSecond": 0,
        });
    }
    json
}

/// Numbers that are the same however they are read: 1 and 1.0.
fn plain(json: &Json) -> Json {
    match json {
        Json::Number(number) => json!(number.as_f64()),
        Json::Array(items) => items.iter().map(plain).collect(),
        Json::Object(members) => members.iter().map(|(name, value)| (name.clone(), plain(value))).collect(),
        other => other.clone(),
    }
}

fn kinds() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["probabilistic", "probabilistic", "ratelimiting", "", "const", "Probabilistic"])
        .prop_map(str::to_string)
}

fn params() -> impl Strategy<Value = f64> {
    prop_oneof![
        (0..=1000_u32).prop_map(|thousandths| f64::from(thousandths) / 1000.0),
        prop::sample::select(vec![-1.0, 100.0, 2.5, 0.000_001, 1e-7, 40_000.0, 1e21]),
    ]
}

fn names() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(vec!["a", "b", "c", "GET /x?y=1&z=<2>"]).prop_map(str::to_string),
        1 => any::<String>(),
    ]
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let operation = (names(), kinds(), params());
    prop::collection::vec(operation.prop_map(|(operation, kind, param)| Operation { operation, kind, param }), 0..5)
}

fn entries() -> impl Strategy<Value = Entry> {
    (names(), kinds(), params(), operations()).prop_map(|(service, kind, param, operation_strategies)| Entry {
        service,
        kind,
        param,
        operation_strategies,
    })
}

fn documents() -> impl Strategy<Value = Document> {
    (prop::option::of(entries()), prop::collection::vec(entries(), 0..5))
        .prop_map(|(default_strategy, service_strategies)| Document { default_strategy, service_strategies })
}

proptest! {
    #[test]
    fn every_service_is_told_what_jaegers_rules_say(document in documents(), pretty: bool) {
        let text = if pretty { serde_json::to_string_pretty(&document) } else { serde_json::to_string(&document) }.unwrap();
        let read: Document = serde_json::from_str(&text).unwrap();
        let fallback = Fallback { probability: 0.125, is_written: false };
        let (strategies, _) = Strategies::parse(text.as_bytes(), fallback).unwrap();
        let named = read.service_strategies.iter().map(|entry| entry.service.as_str());
        for service in named.chain(["nobody", ""]) {
            let expected = as_json(&told(&read, service, 0.125));
            let answer = strategies.answer(service);
            let said: Json = serde_json::from_str(&answer.by_name()).unwrap();
            prop_assert_eq!(plain(&said), plain(&expected), "{} of {}", service, text);
            if let Ok(numbered) = answer.by_number() {
                let mut expected = expected;
                expected["strategyType"] = json!(i32::from(expected["strategyType"] == "RATE_LIMITING"));
                let said: Json = serde_json::from_str(&numbered).unwrap();
                prop_assert_eq!(plain(&said), plain(&expected));
            }
        }
    }

    /// What was cut short or changed is read or refused, as serde says whether it is JSON at all.
    #[test]
    fn what_is_no_json_is_refused_with_its_place(document in documents(), at: prop::sample::Index, byte: Option<u8>) {
        let mut text = serde_json::to_string_pretty(&document).unwrap().into_bytes();
        let at = at.index(text.len());
        match byte {
            Some(byte) => text[at] = byte,
            None => text.truncate(at),
        }
        let outcome = Strategies::parse(&text, Fallback::default());
        if let Err(fault) = &outcome {
            prop_assert!(fault.line >= 1 && fault.line as usize <= 1 + text.iter().filter(|&&byte| byte == b'\n').count());
        }
        if std::str::from_utf8(&text).is_ok() && serde_json::from_slice::<serde::de::IgnoredAny>(&text).is_err() {
            prop_assert!(outcome.is_err(), "{}", String::from_utf8_lossy(&text));
        }
    }
}
