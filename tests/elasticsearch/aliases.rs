//! Aliases on real servers: rollover between two tries, indices that are closed behind a batch, and
//! aliases that are not there.

use std::sync::Arc;

use serde_json::json;
use spaniel::item::{Batch, Targets, Verdict};

use super::site::{SPANS, Site, batch, golden_spans};
use super::support::server::Server;

/// What `es-rollover init` makes of spans and services.
fn initialised<'a>(server: &'a Server, prefix: &str) -> Site<'a> {
    let site = Site::aliased(server, prefix);
    assert_eq!(site.write(&batch(&golden_spans())), vec![Verdict::Again("alias-missing"); SPANS as usize]);
    for name in ["jaeger-span", "jaeger-service"] {
        let mut aliases = serde_json::Map::new();
        aliases.insert(format!("{prefix}-{name}-write"), json!({}));
        aliases.insert(format!("{prefix}-{name}-read"), json!({}));
        site.call("PUT", &format!("/{prefix}-{name}-000001"), Some(&json!({ "aliases": aliases })));
    }
    site
}

/// The batch as it is sent again after a try whose end nobody knows.
fn again(batch: Batch, targets: Option<Arc<Targets>>) -> Batch {
    let targets = targets.map(|targets| Arc::new(Targets { unclear: true, ..(*targets).clone() }));
    Batch { targets, ..batch }
}

pub(crate) fn a_batch_that_is_sent_again_after_a_rollover_is_not_doubled(server: &Server) {
    let site = initialised(server, "rolled");
    let spans = golden_spans();
    let first = site.judge(&batch(&spans));
    assert_eq!(first.verdicts, vec![Verdict::Stored; spans.len()]);
    site.call("POST", "/rolled-jaeger-span-write/_rollover", Some(&json!({})));
    let second = site.judge(&again(batch(&spans), first.targets));
    assert_eq!(second.verdicts, vec![Verdict::AlreadyThere; spans.len()]);
    assert_eq!((site.count("jaeger-span"), second.possibly_doubled), (SPANS, 0));
    // Without the note it would be stored twice: another writer knows nothing of the first try.
    let other = Site::aliased(server, "rolled");
    assert_eq!(other.write(&batch(&spans)), vec![Verdict::Stored; spans.len()]);
    assert_eq!(site.count("jaeger-span"), 2 * SPANS);
}

pub(crate) fn an_index_that_takes_no_more_gives_place_to_the_next(server: &Server) {
    let site = initialised(server, "shut");
    let spans = golden_spans();
    let first = site.judge(&batch(&spans[..1]));
    assert_eq!(first.verdicts, [Verdict::Stored]);
    let block = json!({ "index.blocks.write": true });
    site.call("PUT", "/shut-jaeger-span-000001/_settings", Some(&block));
    let held = site.judge(&again(batch(&spans[1..2]), first.targets.clone()));
    assert_eq!(held.verdicts, [Verdict::Again("index-blocked")], "there is no other index yet");
    site.call("POST", "/shut-jaeger-span-write/_rollover", Some(&json!({})));
    let moved = site.judge(&again(batch(&spans[1..2]), first.targets.clone()));
    assert_eq!((moved.verdicts, moved.possibly_doubled), (vec![Verdict::Stored], 1));
    let targets = moved.targets.expect("targets");
    assert_eq!(&*targets.spans, "shut-jaeger-span-000002");
    site.call("DELETE", "/shut-jaeger-span-000001", None);
    let moved = site.judge(&again(batch(&spans[2..3]), first.targets));
    assert_eq!((moved.verdicts, moved.possibly_doubled), (vec![Verdict::Stored], 1));
    assert_eq!(site.count("jaeger-span"), 2, "the index that was deleted is not made again");
}

pub(crate) fn a_missing_alias_holds_all_and_makes_no_index(server: &Server) {
    let site = Site::aliased(server, "unmade");
    let spans = golden_spans();
    for _ in 0..2 {
        let judgement = site.judge(&batch(&spans));
        assert_eq!(judgement.verdicts, vec![Verdict::Again("alias-missing"); spans.len()]);
        assert!(judgement.away);
    }
    let (status, _) = server.call("GET", "/unmade-jaeger-span-write", None);
    assert_eq!(status, 404);
    // A plain index of the alias's name is no alias.
    site.call("PUT", "/unmade-jaeger-span-write", None);
    assert_eq!(site.write(&batch(&spans)), vec![Verdict::Again("alias-missing"); spans.len()]);
}
