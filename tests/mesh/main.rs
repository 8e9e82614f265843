//! What an operator puts around Spaniel: alerts and dashboards that look at what the binary exposes,
//! manifests whose flags it knows, and a real Envoy that sends to it.

#![expect(clippy::unwrap_used, reason = "a test tells what is wrong by panicking")]

mod alerts;
mod envoy;
mod kibana;
#[path = "../whole_path/made.rs"]
#[expect(dead_code, reason = "other tests send more kinds of spans")]
mod made;
mod manifests;
mod names;
mod scrape;
#[path = "../whole_path/spaniel.rs"]
#[expect(dead_code, reason = "other tests do more with one")]
mod spaniel;
#[path = "../whole_path/stand_in/mod.rs"]
#[expect(dead_code, reason = "other tests know more faults")]
mod stand_in;
mod story;

use std::path::PathBuf;

/// A file of `deploy/`.
fn deploy(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("deploy").join(path)
}

fn read(path: &str) -> String {
    std::fs::read_to_string(deploy(path)).unwrap_or_else(|error| panic!("deploy/{path}: {error}"))
}

/// YAML as JSON.
fn yaml(text: &str) -> serde_json::Value {
    serde_saphyr::from_str(text).unwrap()
}
