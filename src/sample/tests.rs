mod explained;

use super::rules::own;
use super::strategies::{Fallback, Strategies};
use super::*;
use crate::clock::Clock;
use crate::settings::{Annotate, SamplingLimits};
use crate::span::{Process, Tag, TraceId};

/// A time in the past.
const NOW: u64 = 1_795_237_377_926_637;

fn sampler_of(sampling: &Sampling, rules: &str, strategies: Option<&str>) -> Sampler {
    let handle = StrategiesHandle::default();
    if let Some(json) = strategies {
        handle.store(Strategies::parse(json.as_bytes(), Fallback::default()).unwrap().0);
    }
    let sampling = Sampling { enforce: strategies.is_some(), ..sampling.clone() };
    let rules = (!rules.is_empty()).then(|| rules::read(rules).unwrap());
    let limits = Arc::new(Limits::new(&SamplingLimits::default(), Clock::at(NOW)));
    Sampler::new(&Downsampling::default(), &sampling, rules, handle, limits)
}

/// A minute of a service's roots, a hundred a second, each a trace of its own; what the last half of
/// it came to: kept, and dropped by rule.
fn a_minute(sampler: &Sampler, service: &'static str, debug: bool) -> (u64, crate::telemetry::books::Counts) {
    let (mut chance, mut dropped) = (9, crate::telemetry::books::Counts::new());
    for tick in 0..600u64 {
        let now = NOW + tick * 100_000;
        let mut judge = sampler.request(now);
        judge.process(service.into(), &Process::default());
        for _ in 0..10 {
            let trace_id = TraceId { high: random(&mut chance), low: random(&mut chance) };
            judge.verdict(&Span { trace_id, start: now, flags: if debug { 2 } else { 0 }, ..tagged(&[]) });
        }
        let gone = judge.end().dropped();
        for (rule, count) in gone.into_iter().filter(|_| tick >= 300) {
            *dropped.entry(rule).or_default() += count;
        }
    }
    (3000 - dropped.values().sum::<u64>(), dropped)
}

/// What the judge tells the limits comes back as their share, and is a rule of the books.
#[test]
fn limits_thin_the_base_and_are_rules_of_the_books() {
    let limited = |limits: SamplingLimits, strategies: &str| {
        let handle = StrategiesHandle::default();
        handle.store(Strategies::parse(strategies.as_bytes(), Fallback::default()).unwrap().0);
        let sampling = Sampling { enforce: true, ..Sampling::default() };
        let limits = Arc::new(Limits::new(&limits, Clock::at(NOW)));
        Sampler::new(&Downsampling::default(), &sampling, None, handle, limits)
    };
    let close = |kept: u64, wanted: f64| assert!((kept as f64 - wanted).abs() < 0.25 * wanted, "{kept}, not {wanted}");
    let budget = || SamplingLimits { spans_per_second: Some(20.0), ..SamplingLimits::default() };
    let (kept, dropped) = a_minute(&limited(budget(), "{}"), "shop", false);
    close(kept, 600.0);
    assert_eq!(dropped.keys().collect::<Vec<_>>(), [&"budget"]);
    // Below a rate, the rate is the rule of what it drops alone.
    let half = r#"{"default_strategy": {"type": "probabilistic", "param": 0.5}}"#;
    let (kept, dropped) = a_minute(&limited(budget(), half), "shop", false);
    close(kept, 600.0);
    close(dropped["strategies"], 1500.0);
    close(dropped["budget"], 900.0);
    assert_eq!(a_minute(&limited(budget(), half), "shop", true).0, 3000);
    // So many traces a second, of the strategies.
    let five = r#"{"service_strategies": [{"service": "slow", "type": "ratelimiting", "param": 5}]}"#;
    let (kept, dropped) = a_minute(&limited(SamplingLimits::default(), five), "slow", false);
    close(kept, 150.0);
    assert_eq!(dropped.keys().collect::<Vec<_>>(), [&"quota"]);
    assert_eq!(a_minute(&limited(SamplingLimits::default(), five), "other", false).0, 3000);
}

fn by_rules(rules: &str) -> Sampler {
    sampler_of(&Sampling::default(), rules, None)
}

fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn ids(count: usize, mut state: u64) -> Vec<TraceId> {
    let id = || TraceId { high: random(&mut state), low: random(&mut state) };
    std::iter::repeat_with(id).take(count).collect()
}

/// A tag by which a sender says something of sampling.
type Mark = (&'static str, Value<'static>);

fn verdict(sampler: &Sampler, service: &str, span: &Span<'_>) -> Verdict {
    let mut judge = sampler.request(NOW);
    judge.process(service.into(), &Process::default());
    let verdict = judge.verdict(span);
    let dropped = judge.end().dropped();
    assert_eq!(dropped.get(verdict.rule).copied().unwrap_or_default(), u64::from(!verdict.keep));
    verdict
}

fn tagged(tags: &[Mark]) -> Span<'static> {
    let tags = tags.iter().map(|(key, value)| Tag { key: (*key).into(), value: *value }).collect();
    Span { trace_id: TraceId { high: 1, low: 1 }, operation: "GET".into(), start: NOW, tags, ..Span::default() }
}

/// The share of these traces that is kept, within three standard deviations of what was wanted.
fn assert_share(kept: usize, of: usize, wanted: f64) {
    let deviation = (of as f64 * wanted * (1.0 - wanted)).sqrt();
    assert!((kept as f64 - of as f64 * wanted).abs() <= 3.0 * deviation, "{kept} of {of}, not {wanted}");
}

const ALL: &str = "
drop:
  - { name: never, when: \"service == 'never'\", absolute: true }
  - { name: probes, when: \"operation == '/healthz'\" }
keep:
  - { name: errors, when: \"error\" }
rates:
  - { name: nothing, rate: 0 }
";

/// Each line is a span's marks and the rule that decides, by its order.
#[test]
fn the_first_rule_that_speaks_decides() {
    let sampler = by_rules(ALL);
    let forced = ("guid:x-request-id", Value::from("d5b8e1f0-5a4c-bc3b-9f4e-0d8e6f7a1b2c"));
    let (priority, none) = (("sampling.priority", Value::Int64(1)), ("sampling.priority", Value::Int64(0)));
    let error = ("error", Value::Bool(true));
    let cases: [(&str, &str, &[Mark], bool, &str); 10] = [
        ("never", "/healthz", &[forced, none, error], true, own::FORCED),
        ("never", "/healthz", &[priority, error], true, own::PRIORITY),
        ("never", "/healthz", &[none, error], false, "never"),
        ("never", "/healthz", &[error], false, "never"),
        ("cart", "/healthz", &[none, error], false, own::PRIORITY),
        ("cart", "/healthz", &[error], true, "errors"),
        ("cart", "/healthz", &[], false, "probes"),
        ("cart", "GET", &[error], true, "errors"),
        ("cart", "GET", &[], false, "nothing"),
        ("cart", "GET", &[forced, priority], true, own::FORCED),
    ];
    for (service, operation, marks, keep, rule) in cases {
        let span = Span { operation: operation.into(), ..tagged(marks) };
        let verdict = verdict(&sampler, service, &span);
        assert_eq!((verdict.keep, verdict.rule), (keep, rule), "{service} {operation} {marks:?}");
        assert_eq!(verdict.probability, f64::from(u8::from(keep)));
        let debug = Span { flags: 2, ..span };
        assert_eq!(super::tests::verdict(&sampler, service, &debug).rule, own::DEBUG);
    }
}

/// π is the largest share that a rule grants, of the file of rules or of the strategies.
#[test]
fn the_largest_share_counts() {
    let rules = "rates:\n  - { name: mesh, rate: 0.2 }\n  - { name: cart, rate: 0.5, when: \"service == 'cart'\" }\n  \
                 - { name: less, rate: 0.1, when: \"service == 'cart'\" }";
    let strategies = r#"{"service_strategies": [
        {"service": "shop", "type": "probabilistic", "param": 0.3, "operation_strategies": [
            {"operation": "GET", "type": "probabilistic", "param": 0.8},
            {"operation": "PUT", "type": "probabilistic", "param": 0.1}]},
        {"service": "slow", "type": "ratelimiting", "param": 5}]}"#;
    let sampler = sampler_of(&Sampling::default(), rules, Some(strategies));
    let cases = [
        ("other", "GET", "mesh", 0.2),
        ("cart", "GET", "cart", 0.5),
        ("shop", "POST", own::STRATEGIES, 0.3),
        ("shop", "GET", own::STRATEGIES, 0.8),
        ("shop", "PUT", "mesh", 0.2),
        ("slow", "GET", own::STRATEGIES, 1.0),
    ];
    let mut judge = sampler.request(NOW);
    // Twice, and by turns, for what is remembered of operations.
    for (service, operation, rule, share) in cases.iter().chain(cases.iter().rev()) {
        judge.process((*service).into(), &Process::default());
        let verdict = judge.verdict(&Span { operation: (*operation).into(), ..tagged(&[]) });
        assert_eq!((verdict.rule, verdict.probability), (*rule, *share), "{service} {operation}");
    }
}

/// Jaeger serves one in a thousand where nobody wrote anything: that is not applied.
#[test]
fn what_nobody_wrote_is_not_enforced() {
    let strategies = r#"{"service_strategies": [{"service": "shop", "type": "probabilistic", "param": 0}]}"#;
    let sampler = sampler_of(&Sampling::default(), "", Some(strategies));
    for id in ids(1000, 1) {
        let span = Span { trace_id: id, ..tagged(&[]) };
        assert!(verdict(&sampler, "other", &span).keep);
        let dropped = Verdict { keep: false, rule: own::STRATEGIES, probability: 0.0, before: Some(1.0) };
        assert_eq!(verdict(&sampler, "shop", &span), dropped);
        assert_eq!(dropped.weight(), None);
    }
}

/// Envoy's traces, and those of an SDK that took a tenth and says so: of both a tenth is left.
#[test]
fn what_a_client_has_sampled_is_not_sampled_twice() {
    let strategies = r#"{"default_strategy": {"type": "probabilistic", "param": 0.1}}"#;
    let sampler = sampler_of(&Sampling::default(), "", Some(strategies));
    let marks: [&[Mark]; 4] = [
        &[("sampler.type", Value::Text("probabilistic".into())), ("sampler.param", Value::Float64(0.1))],
        &[
            ("jaeger.sampler.type", Value::Text("probabilistic".into())),
            ("jaeger.sampler.param", Value::Text("0.1".into())),
        ],
        &[("sampler.type", Value::Text("ratelimiting".into())), ("sampler.param", Value::Float64(2.0))],
        &[("w3c.tracestate", Value::Text("ot=th:e6666666666666".into()))],
    ];
    let all = ids(100_000, 2);
    let kept = all.iter().filter(|id| verdict(&sampler, "shop", &Span { trace_id: **id, ..tagged(&[]) }).keep).count();
    assert_share(kept, all.len(), 0.1);
    for mark in marks {
        // The head: Jaeger's clients look at the low bits, OpenTelemetry's consistent ones from above.
        let consistent = mark[0].0 == "w3c.tracestate";
        let head = |id: &&TraceId| match consistent {
            true => id.low & ((1 << 56) - 1) >= 0xe6_6666_6666_6666,
            false => (id.low >> 1) < (1 << 63) / 10,
        };
        let sent: Vec<_> = all.iter().filter(head).collect();
        assert_share(sent.len(), all.len(), 0.1);
        let verdicts = sent.iter().map(|id| verdict(&sampler, "shop", &Span { trace_id: **id, ..tagged(mark) }));
        let kept: Vec<_> = verdicts.filter(|verdict| verdict.keep).collect();
        assert_eq!(kept.len(), sent.len(), "{mark:?}");
        // A rate limit has no probability, so that nobody can say for how many it stands.
        let weight = kept[0].weight().map(|weight| (weight * 1000.0).round() / 1000.0);
        assert_eq!(weight, if mark[0].1.text() == "ratelimiting" { None } else { Some(10.0) }, "{mark:?}");
    }
}

/// A client that took more than is wanted is thinned to what is wanted.
#[test]
fn what_a_client_has_left_is_thinned_to_the_rate() {
    let mark = [("sampler.type", Value::from("probabilistic")), ("sampler.param", Value::Float64(0.5))];
    let sampler = by_rules("rates: [{ name: mesh, rate: 0.1 }]");
    let sent = ids(100_000, 3);
    let kept = sent.iter().filter(|id| verdict(&sampler, "x", &Span { trace_id: **id, ..tagged(&mark) }).keep).count();
    assert_share(kept, sent.len(), 0.2);
    // By OpenTelemetry's own number the trace has passed a half already: a tenth of all is a fifth of them.
    let sampler = by_rules("hash: { kind: w3c }\nrates: [{ name: mesh, rate: 0.1 }]");
    let mark = [("w3c.tracestate", Value::from("ot=th:8"))];
    let sent: Vec<_> = sent.into_iter().filter(|id| id.low & (1 << 55) != 0).collect();
    let verdicts = sent.iter().map(|id| verdict(&sampler, "x", &Span { trace_id: *id, ..tagged(&mark) }));
    let kept: Vec<_> = verdicts.filter(|verdict| verdict.keep).collect();
    assert_share(kept.len(), sent.len(), 0.2);
    assert!((kept[0].weight().unwrap() - 10.0).abs() < 1e-9);
}

#[test]
fn what_the_head_of_the_mesh_takes_is_stated_and_not_taken_twice() {
    let sampling = Sampling { head_rate: 0.2, annotate: Annotate::All, ..Sampling::default() };
    let sampler = sampler_of(&sampling, "rates: [{ name: mesh, rate: 0.1 }]", None);
    let sent = ids(100_000, 4);
    let verdicts = sent.iter().map(|id| verdict(&sampler, "x", &Span { trace_id: *id, ..tagged(&[]) }));
    let kept: Vec<_> = verdicts.filter(|verdict| verdict.keep).collect();
    assert_share(kept.len(), sent.len(), 0.5);
    assert_eq!((kept[0].probability, kept[0].weight()), (0.5, Some(10.0)));
    // What is always kept stands for the traces that the head left out.
    assert_eq!(verdict(&sampler, "x", &Span { flags: 2, ..tagged(&[]) }).weight(), Some(5.0));
}

/// The sum of the weights of what is kept is what was sent, within four standard errors.
#[test]
fn weights_add_up_to_what_was_sent() {
    for rate in [0.5, 0.1, 0.01] {
        let sampler = by_rules(&format!("rates: [{{ name: mesh, rate: {rate} }}]"));
        let sent = ids(50_000, 5);
        let verdicts = sent.iter().map(|id| verdict(&sampler, "x", &Span { trace_id: *id, ..tagged(&[]) }));
        let sum: f64 = verdicts.filter(|verdict| verdict.keep).filter_map(Verdict::weight).sum();
        let (all, error) = (sent.len() as f64, (sent.len() as f64 * (1.0 - rate) / rate).sqrt());
        assert!((sum - all).abs() < 4.0 * error, "{rate}: {sum}");
    }
}

#[test]
fn zipkins_rate_keeps_debug_and_jaegers_ratio_does_not() {
    let limits = || Arc::new(Limits::new(&SamplingLimits::default(), Clock::at(NOW)));
    let build = |downsampling: &Downsampling, sampling: &Sampling| {
        Sampler::new(downsampling, sampling, None, StrategiesHandle::default(), limits())
    };
    let zipkin = build(&Downsampling::default(), &Sampling { zipkin_rate: 0.0, ..Sampling::default() });
    let jaeger = build(&Downsampling { ratio: 0.0, hashsalt: String::new() }, &Sampling::default());
    let debug = Span { flags: 2, ..tagged(&[]) };
    assert_eq!((verdict(&zipkin, "x", &debug).keep, verdict(&jaeger, "x", &debug).keep), (true, false));
    assert_eq!(verdict(&zipkin, "x", &tagged(&[])).rule, "collector-sample-rate");
    assert_eq!(verdict(&jaeger, "x", &tagged(&[])).rule, "downsampling");
    // Neither knows of other marks.
    let priority = tagged(&[("sampling.priority", Value::Int64(1))]);
    assert!(!verdict(&zipkin, "x", &priority).keep && !verdict(&jaeger, "x", &priority).keep);
    // As in Jaeger, what is no ratio is 1, which keeps all.
    for ratio in [1.0, 1.5, -0.1, f64::NAN, f64::INFINITY] {
        let sampler = build(&Downsampling { ratio, hashsalt: String::new() }, &Sampling::default());
        assert_eq!(verdict(&sampler, "x", &tagged(&[])), Verdict::KEPT, "{ratio}");
    }
}

#[test]
fn new_rules_hold_from_the_next_request_on() {
    let sampler = by_rules("rates: [{ name: before, rate: 0 }]");
    let mut judge = sampler.request(NOW);
    judge.process("x".into(), &Process::default());
    sampler.reload(rules::read("rates: [{ name: after, rate: 0 }]").unwrap());
    assert_eq!(judge.verdict(&tagged(&[])).rule, "before");
    assert_eq!(verdict(&sampler, "x", &tagged(&[])).rule, "after");
}

#[test]
fn rules_that_leave_holes_are_named() {
    let names = |sampler: &Sampler| sampler.holes().into_iter().map(|(rule, _)| rule).collect::<Vec<_>>();
    assert_eq!(names(&by_rules("")), Vec::<&str>::new());
    let marks = ["forced", "sampling.priority", "client"];
    assert_eq!(names(&by_rules("rates: [{ name: mesh, rate: 0.1 }]")), marks);
    // All is kept anyway.
    assert_eq!(names(&by_rules("keep: [{ name: errors, when: error }]")), Vec::<&str>::new());
    assert_eq!(names(&by_rules("drop: [{ name: probes, when: error }]")), ["probes"]);
    let rates = "rates:\n  - { name: mesh, rate: 0.1 }\n  - { name: more, rate: 0.5, when: error }\n  \
                 - { name: less, rate: 0.05, when: error }\nkeep: [{ name: errors, when: error }]";
    // What `mesh` grants to all is not taken away by a lower rate.
    assert_eq!(names(&by_rules(rates)), [["errors", "more"].as_slice(), &marks].concat());
    let strategies = r#"{"default_strategy": {"type": "probabilistic", "param": 0.1}}"#;
    let enforced = sampler_of(&Sampling::default(), "", Some(strategies));
    assert_eq!(names(&enforced), [["strategies"].as_slice(), &marks].concat());
}

/// Three replicas get the spans of the same traces at random, each judging alone.
#[test]
fn one_rate_leaves_no_partial_trace_over_replicas_and_rates_by_service_nest() {
    let rules = "rates:\n  - { name: mesh, rate: 0.05 }\n  - { name: cart, rate: 0.2, when: \"service == 'cart'\" }\n  \
                 - { name: pay, rate: 0.6, when: \"service == 'pay'\" }";
    let one: Vec<_> = (0..3).map(|_| by_rules("rates: [{ name: mesh, rate: 0.05 }]")).collect();
    let many: Vec<_> = (0..3).map(|_| by_rules(rules)).collect();
    let mut chance = 6;
    let mut partial = 0;
    for trace_id in ids(50_000, 7) {
        let span = Span { trace_id, ..tagged(&[]) };
        let mut judged = |replicas: &[Sampler]| {
            ["pay", "cart", "shop", "web"]
                .map(|service| verdict(&replicas[random(&mut chance) as usize % 3], service, &span).keep)
        };
        let kept = judged(&one);
        assert!(kept == [true; 4] || kept == [false; 4], "{trace_id:?}");
        // What a smaller share keeps, every larger one keeps.
        let kept = judged(&many);
        assert!(kept.is_sorted_by(|more, less| more >= less), "{trace_id:?} {kept:?}");
        partial += usize::from(kept != [true; 4] && kept != [false; 4]);
    }
    assert_share(partial, 50_000, 0.55);
}

impl Value<'_> {
    fn text(&self) -> String {
        match self {
            Value::Text(text) => text.decoded().into_owned(),
            other => format!("{other:?}"),
        }
    }
}
