//! What a question is told of the rules.

use super::super::explain::{Effect, Question};
use super::*;

const RULES: &str = "
drop:
  - { name: probes, when: \"operation == '/healthz'\" }
  - { name: never, when: \"service == 'never'\", absolute: true }
keep:
  - { name: errors, when: \"error and service != 'web'\" }
rates:
  - { name: mesh, rate: 0.2 }
  - { name: cart, rate: 0.5, when: \"service == 'cart'\" }
";
const STRATEGIES: &str = r#"{"service_strategies": [{"service": "shop", "type": "probabilistic", "param": 0.3,
        "operation_strategies": [{"operation": "PUT", "type": "probabilistic", "param": 0.9}]}]}"#;

fn sampler() -> Sampler {
    sampler_of(&Sampling::default(), RULES, Some(STRATEGIES))
}

/// With service and operation the explanation is the verdict, kept or dropped, in another life of
/// the process too: nothing of the first is asked.
#[test]
fn it_says_what_becomes_of_a_span() {
    let (judging, explaining) = (sampler(), sampler());
    let places =
        [("web", "GET"), ("cart", "GET"), ("shop", "GET"), ("shop", "PUT"), ("shop", "/healthz"), ("never", "GET")];
    let mut seen = std::collections::BTreeSet::new();
    for (number, trace_id) in ids(1000, 8).into_iter().enumerate() {
        let (service, operation) = places[number % places.len()];
        let given = verdict(&judging, service, &Span { trace_id, operation: operation.into(), ..tagged(&[]) });
        let question =
            Question { trace_id, service: Some(service.into()), operation: Some(operation.into()), at: Some(NOW) };
        let told = explaining.explain(&question, NOW).otherwise;
        assert_eq!((told.kept, told.rule), (Some(given.keep), given.rule), "{question:?}");
        assert_eq!(told.probability, Some(given.probability));
        assert_eq!(told.weight, given.weight().filter(|_| given.keep));
        seen.insert((given.rule, given.keep));
    }
    assert_eq!(seen.len(), 8, "{seen:?}");
}

#[test]
fn with_the_id_alone_each_rule_says_when_it_keeps() {
    let trace_id = TraceId { high: 0x4bf9_2f35_77b3_4da6, low: 0xa3ce_929d_0e0e_4736 };
    let told = sampler().explain(&Question { trace_id, ..Question::default() }, NOW);
    // The vector of the finalised hash.
    assert_eq!((told.hash.kind, told.hash.number.as_str()), ("fnv1a64mix", "30e718d9d97d3bee"));
    assert!((told.hash.h - 0.19103).abs() < 1e-5);
    let steps: Vec<_> = told.rules.iter().map(|step| (step.rule, step.effect, step.keeps)).collect();
    assert_eq!(
        steps,
        [
            ("debug", Effect::Keeps, Some(true)),
            ("forced", Effect::Keeps, Some(true)),
            ("sampling.priority", Effect::Keeps, Some(true)),
            ("never", Effect::Drops, Some(false)),
            ("sampling.priority", Effect::Drops, Some(false)),
            ("errors", Effect::Keeps, Some(true)),
            ("probes", Effect::Drops, Some(false)),
            ("mesh", Effect::Grants, Some(true)),
            ("cart", Effect::Grants, Some(true)),
            ("strategies", Effect::Grants, None),
            ("client", Effect::Grants, None),
        ]
    );
    assert_eq!(told.rules[5].condition.as_deref(), Some("error and service != 'web'"));
    // A fifth is granted to all: that is enough.
    assert_eq!((told.otherwise.kept, told.otherwise.rule), (Some(true), "mesh"));
    let text = told.to_string();
    assert!(text.contains("errors                   kept if error and service != 'web'\n"), "{text}");
    assert!(text.contains("otherwise kept by mesh: π = 0.2, it stands for 5 traces"), "{text}");
    // Above it all depends on the service.
    let trace_id = TraceId { high: 0x463a_c35c_9f64_13ad, low: 0x4848_5a39_53bb_6124 };
    let told = sampler().explain(&Question { trace_id, ..Question::default() }, NOW);
    assert_eq!(told.otherwise.kept, None);
}

#[test]
fn verdicts_that_were_given_are_remembered() {
    let sampler = sampler();
    let error = Span { span_id: 7, ..tagged(&[("error", Value::Bool(true))]) };
    let probe = Span { span_id: 8, operation: "/healthz".into(), ..tagged(&[]) };
    verdict(&sampler, "cart", &error);
    verdict(&sampler, "web", &probe);
    let of = |service: Option<&str>| {
        let question = Question { trace_id: error.trace_id, service: service.map(Into::into), ..Question::default() };
        let given = sampler.explain(&question, NOW).recent;
        given.into_iter().map(|given| (given.span_id, given.service, given.kept, given.rule)).collect::<Vec<_>>()
    };
    let (first, second) = (
        ("0000000000000007".to_string(), "cart".to_string(), true, "errors"),
        ("0000000000000008".to_string(), "web".to_string(), false, "probes"),
    );
    assert_eq!(of(None), [first.clone(), second]);
    assert_eq!(of(Some("cart")), [first]);
}

#[test]
fn questions_are_read_or_told_what_to_write() {
    let read = |pairs: &[(&str, &str)]| {
        let pairs: Vec<_> = pairs.iter().map(|(key, value)| ((*key).to_string(), (*value).to_string())).collect();
        Question::read(&pairs)
    };
    let full =
        read(&[("traceID", "abc"), ("service", "s"), ("operation", ""), ("at", "2026-11-21T20:00:00Z")]).unwrap();
    assert_eq!(
        full,
        Question {
            trace_id: TraceId { high: 0, low: 0xabc },
            service: Some("s".into()),
            operation: None,
            at: Some(1_795_291_200_000_000)
        }
    );
    assert_eq!(read(&[("traceID", "abc"), ("at", "17")]).unwrap().at, Some(17));
    for (pairs, told) in [
        (vec![], "which trace?"),
        (vec![("traceID", "xyz")], "`xyz` is no trace id"),
        (vec![("traceID", "0")], "no trace id"),
        (vec![("traceID", "+1")], "no trace id"),
        (vec![("traceID", "1"), ("at", "noon")], "`noon` is no time"),
        (vec![("traceID", "1"), ("name", "x")], "unknown parameter `name`"),
    ] {
        assert!(read(&pairs).unwrap_err().contains(told), "{pairs:?}");
    }
}
