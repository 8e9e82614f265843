use super::*;

fn problems(text: &str) -> Vec<String> {
    let problems = read(text).map(|_| ()).unwrap_err();
    problems.iter().map(|Problem { line, column, what }| format!("{line}:{column}: {what}")).collect()
}

#[test]
fn a_file_is_read() {
    let rules = read(
        r#"
mode: hash
hash: { kind: fnv1a64, salt: default-hash-seed, input: low64 }
keep:
  - { name: errors, when: "error or status >= 500" }
drop:
  - { name: probes, when: "operation in ['/healthz', '/ready'] and kind == 'server'", scope: span }
  - { name: noise, when: "service == 'noise'", absolute: true }
rates:
  - { name: mesh, rate: 0.1 }
  - { name: cart, rate: 1, when: "service == 'cart' and resource('zone') == 'eu'" }
"#,
    )
    .unwrap();
    assert_eq!(rules.hash, Hash::fnv("default-hash-seed", Input::Low64));
    assert_eq!(rules.keep[0].name, "errors");
    assert_eq!(rules.drop[0].name, "probes");
    assert_eq!(rules.absolute[0].when.to_string(), "service == 'noise'");
    assert_eq!(
        rules.rates.iter().map(|rate| (rate.name, rate.rate)).collect::<Vec<_>>(),
        [("mesh", 0.1), ("cart", 1.0)]
    );
    let json = r#"{"hash": {"kind": "w3c"}, "rates": [{"name": "mesh", "rate": 0.5}]}"#;
    assert_eq!(read(json).unwrap().hash, Hash::Consistent);
    for empty in ["", "# nothing\n---\n", "{}"] {
        let rules = read(empty).unwrap();
        assert_eq!((rules.hash, rules.rates.len()), (Hash::fnv_mix("", Input::Full), 0), "{empty:?}");
    }
}

/// Line and column, and all of them at once.
#[test]
fn what_is_wrong_is_told_with_its_place() {
    let text = "keep:\n  - { name: errors, when: \"eror\" }\n  - name: 'a b'\n    when: \"error\"\n\
                rates:\n  - { name: mesh, rate: 10 }\n  - { name: mesh, rate: 1 }\nhash: { kind: md5 }\n";
    let told = problems(text);
    let beginnings = [
        "8:15: unknown hash: write fnv1a64mix",
        "2:27: rule `errors`, character 1: unknown field `eror`",
        "3:11: the name of a rule has letters",
        "6:25: a rate is a share from 0 to 1",
        "7:13: two rules have the name `mesh`",
    ];
    assert_eq!(told.len(), beginnings.len(), "{told:#?}");
    for (told, beginning) in told.iter().zip(beginnings) {
        assert!(told.starts_with(beginning), "{told}");
    }
}

#[test]
fn what_belongs_elsewhere_or_is_not_built_says_so() {
    let cases = [
        ("mode: signal", "1:7: mode `hash` is the one that is built"),
        ("budget: { docs_per_second: 1 }", "--sampling.max-spans-per-second"),
        ("strategies: { enforce: true }", "--sampling.enforce"),
        ("head_rate: 0.1", "--sampling.head-rate"),
        ("annotate: all", "--sampling.annotate"),
        ("floor: { per_minute: 2 }", "needs mode `signal`"),
        ("ring: { dir: ring }", "needs mode `signal`"),
        ("drop: [{ name: x, when: error, scope: trace }]", "write scope: span"),
        ("keep: [{ name: debug, when: error }]", "`debug` is a rule of Spaniel's own"),
        (
            "keep: [{ name: slow, when: \"duration > 3 * p99(service, operation)\" }]",
            "rule `slow`, character 12: a duration",
        ),
        ("hash: { kind: w3c, salt: x }", "knows neither salt nor input"),
        ("hash: { input: low }", "unknown input"),
    ];
    for (text, what) in cases {
        let told = problems(text);
        assert!(told.len() == 1 && told[0].contains(what), "{text}: {told:?}");
    }
}

#[test]
fn what_is_no_file_of_rules_is_refused_with_its_place() {
    for (text, place, what) in [
        ("keeps: []", "1:1", "keeps"),
        ("keep: [{ name: x }]", "1:", "when"),
        ("keep:\n  - { name: x, when: error, rate: 1 }", "2:", "rate"),
        ("keep: [", "", ""),
        ("rates: [{ name: x, rate: much }]", "1:", ""),
        ("- a", "1:1", ""),
    ] {
        let told = problems(text);
        assert!(told.len() == 1 && told[0].starts_with(place) && told[0].contains(what), "{text}: {told:?}");
    }
    let many: String = (0..300).map(|number| format!("  - {{ name: r{number}, rate: 0.5 }}\n")).collect();
    assert!(problems(&format!("rates:\n{many}"))[0].contains("256 is the most"));
}

#[test]
fn equal_names_are_one() {
    let name = |text: &str| read(&format!("rates: [{{ name: {text}, rate: 1 }}]")).unwrap().rates[0].name;
    assert!(std::ptr::eq(name("one-name"), name("one-name")));
}
