//! The table.

use super::row::{Again, Felt, IMPATIENT, POISON, Row, Step, fault, items, lift, steps};
use crate::stand_in::{Fault, StandIn};

/// All rows.
pub(super) fn table() -> Vec<Row> {
    let parts = [connections(), whole_requests(), some_items(), documents(), answers(), aliases(), nodes(), versions()];
    parts.into_iter().flatten().collect()
}

/// Rows that fail today, and for want of what. They are left out unless they are named.
pub(super) const NOT_YET: &[(&str, &str)] = &[(
    "400 on the request of one item alone",
    "without another item it is not known whose fault it is, and it is held",
)];

fn connections() -> Vec<Row> {
    let refused = || Step { act: |store| store.down(0), felt: Felt::Away };
    let back = || Step { act: |store| store.up(0), felt: Felt::AtOnce };
    vec![
        Row { up: false, ..steps("down at start", vec![refused(), back()], Again::New) },
        Row { again: Again::Either, ..steps("connections refused", vec![refused(), back()], Again::New) },
        steps("comes and goes", vec![refused(), back(), refused(), back(), refused(), back()], Again::Either),
        steps(
            "reset for long",
            vec![Step { act: |store| store.begin(Fault::ResetBeforeBody), felt: Felt::Hits(6) }, lift()],
            Again::New,
        ),
        fault("reset before the body", |store| store.begin(Fault::ResetBeforeBody), Again::New),
        fault("reset in the body", |store| store.begin(Fault::ResetInBody), Again::New),
        fault("reset after the body", |store| store.begin(Fault::ResetAfterBody), Again::New),
        fault("done, then reset", |store| store.begin(Fault::CommitThenReset), Again::There),
        Row { flags: IMPATIENT, ..fault("no answer", |store| store.begin(Fault::Silence), Again::New) },
        Row {
            flags: IMPATIENT,
            ..fault("done, then no answer", |store| store.begin(Fault::CommitThenSilence), Again::There)
        },
    ]
}

fn whole_requests() -> Vec<Row> {
    const OVERLOAD: &str = "es_rejected_execution_exception";
    vec![
        fault("429", |store| store.begin(Fault::Whole(429, OVERLOAD)), Again::New),
        fault("503", |store| store.begin(Fault::Whole(503, "unavailable_shards_exception")), Again::New),
        fault("500", |store| store.begin(Fault::Whole(500, "null_pointer_exception")), Again::New),
        fault("502, as of a proxy", |store| store.begin(Fault::Whole(502, "bad_gateway")), Again::New),
        fault("404", |store| store.begin(Fault::Whole(404, "index_not_found_exception")), Again::New),
        fault("400 on every request", |store| store.begin(Fault::Whole(400, "parse_exception")), Again::New),
        fault("401 on bulk requests", |store| store.begin(Fault::Whole(401, "security_exception")), Again::New),
        fault("401 on all", |store| store.begin(Fault::Everything(401, "security_exception")), Again::New),
        fault("403 on all", |store| store.begin(Fault::Everything(403, "security_exception")), Again::New),
        fault("503 on all", |store| store.begin(Fault::Everything(503, "master_not_discovered")), Again::New),
        fault("413 over 2000 bytes", |store| store.begin(Fault::TooLarge(2_000)), Again::New),
        Row {
            flags: &["--es.http-compression=true"],
            ..fault("503, packed", |store| store.begin(Fault::Whole(503, "unavailable")), Again::New)
        },
    ]
}

fn some_items() -> Vec<Row> {
    const OVERLOAD: &str = "es_rejected_execution_exception";
    const BLOCK: &str = "cluster_block_exception";
    vec![
        fault("429 on every third item", |store| store.begin(items(3, 429, OVERLOAD, "full")), Again::New),
        fault("429 on all items", |store| store.begin(items(1, 429, OVERLOAD, "full")), Again::New),
        fault("503 on some items", |store| store.begin(items(2, 503, "unavailable_shards_exception", "")), Again::New),
        fault("403 on items", |store| store.begin(items(1, 403, "security_exception", "no right")), Again::New),
        fault("read-only index, 6", |store| store.begin(items(1, 403, BLOCK, "FORBIDDEN/12")), Again::New),
        fault("read-only index, 8", |store| store.begin(items(1, 429, BLOCK, "TOO_MANY_REQUESTS/12")), Again::New),
        fault("no index is made", |store| store.begin(items(1, 404, "index_not_found_exception", "")), Again::New),
        fault("closed index", |store| store.begin(items(2, 400, "index_closed_exception", "closed")), Again::New),
        Row { warm: 1, ..fault("shard limit", |store| store.begin(Fault::ShardLimit), Again::New) },
        fault("an error that nobody knows", |store| store.begin(items(2, 400, "new_exception", "odd")), Again::New),
        fault("a status that nobody knows", |store| store.begin(items(2, 418, "teapot", "odd")), Again::New),
    ]
}

/// Some documents are bad, and stay so.
fn documents() -> Vec<Row> {
    let poison = |name, act| Row {
        lasts: true,
        texts: (POISON, "fine"),
        steps: vec![Step { act, felt: Felt::Hits(1) }],
        ..fault(name, act, Again::New)
    };
    vec![
        Row {
            never: Some("mapping"),
            ..poison("400 on one item", |store| {
                store.begin(Fault::Poison {
                    text: POISON,
                    status: 400,
                    kind: "mapper_parsing_exception",
                    reason: "failed to parse field [x] of type [long]",
                });
            })
        },
        Row {
            never: Some("strict-mapping"),
            ..poison("400 for a strict mapping", |store| {
                store.begin(Fault::Poison {
                    text: POISON,
                    status: 400,
                    kind: "strict_dynamic_mapping_exception",
                    reason: "mapping set to strict, dynamic introduction of [x] within [_doc] is not allowed",
                });
            })
        },
        Row {
            never: Some("malformed"),
            ..poison("400 on the request while one item is in it", |store| {
                store.begin(Fault::PoisonRequest { text: POISON });
            })
        },
        Row {
            never: Some("malformed"),
            spans: 1,
            ..poison("400 on the request of one item alone", |store| {
                store.begin(Fault::PoisonRequest { text: POISON });
            })
        },
    ]
}

fn answers() -> Vec<Row> {
    vec![
        fault("answer cut short", |store| store.begin(Fault::CutAnswer), Again::There),
        fault("answer cut short, of no length", |store| store.begin(Fault::CutAnswerUnannounced), Again::There),
        fault("answer of one item more", |store| store.begin(Fault::WrongCount(1)), Again::There),
        fault("answer of one item less", |store| store.begin(Fault::WrongCount(-1)), Again::There),
        fault("answer of no item", |store| store.begin(Fault::WrongCount(-100_000)), Again::There),
        fault("answer that is no JSON", |store| store.begin(Fault::NotJson), Again::There),
        fault("empty answer", |store| store.begin(Fault::EmptyAnswer), Again::There),
        steps(
            "slow drip",
            vec![Step { act: |store| store.begin(Fault::Drip(1)), felt: Felt::Hits(1) }, lift()],
            Again::New,
        ),
        Row { flags: IMPATIENT, ..fault("slower drip", |store| store.begin(Fault::Drip(50)), Again::There) },
        Row { flags: IMPATIENT, ..fault("endless answer", |store| store.begin(Fault::EndlessAnswer), Again::There) },
        fault("gzip bomb", |store| store.begin(Fault::GzipBomb), Again::There),
    ]
}

fn aliases() -> Vec<Row> {
    const FLAGS: &[&str] = &["--es.use-aliases=true"];
    fn roll_over(store: &StandIn, generation: u32) {
        for kind in ["span", "service"] {
            store.roll_over(&format!("jaeger-{kind}-write"), &format!("jaeger-{kind}-{generation:06}"));
        }
    }
    /// Nothing was written to an index that nobody made.
    fn only_generations(store: &StandIn) {
        let strange = store.spans_by_index().into_iter().find(|(index, _)| !index.starts_with("jaeger-span-00000"));
        assert!(strange.is_none(), "{strange:?}");
    }
    let aliased = |row| Row { flags: FLAGS, dated: false, also: only_generations, ..row };
    let rolled_over = |name, fault: fn(&StandIn), again| {
        let roll = Step { act: |store| roll_over(store, 2), felt: Felt::AtOnce };
        let steps = steps(name, vec![Step { act: fault, felt: Felt::Hits(2) }, roll, lift()], again);
        Row { before: |store| roll_over(store, 1), ..aliased(steps) }
    };
    let asked = Step { act: |store| store.up(0), felt: Felt::Bulks(1) };
    let made = Step { act: |store| roll_over(store, 1), felt: Felt::AtOnce };
    vec![
        rolled_over("503, then a rollover", |store| store.begin(Fault::Whole(503, "unavailable")), Again::New),
        rolled_over("done, then reset, then a rollover", |store| store.begin(Fault::CommitThenReset), Again::There),
        Row { up: false, ..aliased(steps("no alias yet", vec![asked, made], Again::New)) },
    ]
}

fn nodes() -> Vec<Row> {
    let two = |name, steps_of| Row { nodes: 2, ..steps(name, steps_of, Again::Either) };
    vec![
        two(
            "one of two nodes goes and comes back",
            vec![
                Step { act: |store| store.down(0), felt: Felt::Bulks(1) },
                Step { act: |store| store.up(0), felt: Felt::Bulks(1) },
            ],
        ),
        two(
            "one node goes, then the other",
            vec![
                Step { act: |store| store.down(0), felt: Felt::Bulks(1) },
                Step {
                    act: |store| {
                        store.up(0);
                        store.down(1);
                    },
                    felt: Felt::Bulks(1),
                },
                Step { act: |store| store.up(1), felt: Felt::AtOnce },
            ],
        ),
        two(
            "both nodes go, one comes back",
            vec![
                Step {
                    act: |store| {
                        store.down(0);
                        store.down(1);
                    },
                    felt: Felt::Away,
                },
                Step { act: |store| store.up(1), felt: Felt::AtOnce },
            ],
        ),
    ]
}

/// The cluster is another one when it comes back.
fn versions() -> Vec<Row> {
    fn back_as(name: &'static str, from: &'static str, to: fn(&StandIn), template: fn(&StandIn)) -> Row {
        let gone = Step { act: |store| store.down(0), felt: Felt::Away };
        let back = Step { act: to, felt: Felt::AtOnce };
        Row { version: from, also: template, ..steps(name, vec![gone, back], Again::Either) }
    }
    fn has(store: &StandIn, template: &str) {
        let templates = store.templates();
        assert!(templates.iter().any(|name| name == template), "no {template}: {templates:?}");
    }
    fn back(store: &StandIn, version: &str) {
        store.become_version(version);
        store.up(0);
    }
    let legacy: fn(&StandIn) = |store| has(store, "_template/jaeger-span");
    let composable: fn(&StandIn) = |store| has(store, "_index_template/jaeger-span");
    vec![
        back_as("6 comes back as 7", "6.8.23", |store| back(store, "7.17.29"), legacy),
        back_as("6 comes back as 8", "6.8.23", |store| back(store, "8.19.21"), composable),
        back_as("8 comes back as 6", "8.19.21", |store| back(store, "6.8.23"), legacy),
        back_as("7 comes back as OpenSearch 3", "7.17.29", |store| back(store, "opensearch 3.8.0"), legacy),
        back_as(
            "templates lost",
            "8.19.21",
            |store| {
                store.forget_templates();
                store.up(0);
            },
            composable,
        ),
        Row {
            version: "6.8.23",
            also: composable,
            ..steps(
                "6 is 8 without having been away",
                vec![Step { act: |store| store.become_version("8.19.21"), felt: Felt::Bulks(1) }],
                Again::New,
            )
        },
    ]
}
