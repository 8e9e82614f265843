//! What a Spaniel says of its verdicts, on the admin port and by the command.

use std::process::Command;

use serde_json::Value as Json;
use spaniel::span::TraceId;

use super::{RATES, h, nested, send, settled, trace_ids, with_file};
use crate::spaniel::{Spaniel, Start};

const SERVICES: [&str; 5] = [
    "istio-ingressgateway.istio-system",
    "productpage.default",
    "details.default",
    "reviews.default",
    "ratings.default",
];

fn explained(spaniel: &Spaniel, id: TraceId, rest: &str) -> Json {
    spaniel.json("admin", &format!("/sampling/explain?traceID={:016x}{:016x}{rest}", id.high, id.low))
}

/// Each service's part of a trace is there or not as the replica says: by one rate for all, or by
/// those of [`RATES`].
pub(super) fn accounts_for(replica: &Spaniel, id: TraceId, rate: Option<f64>) {
    for service in SERVICES {
        let told = explained(replica, id, &format!("&service={service}&operation=any"));
        let kept = match rate {
            Some(rate) => h(id) < rate,
            None => nested(id).contains(service),
        };
        assert_eq!(told["otherwise"]["kept"], kept, "{service}: {told}");
        assert!((told["hash"]["h"].as_f64().unwrap() - h(id)).abs() < 1e-12, "{told}");
    }
}

/// What it remembers of a trace is what became of its spans.
#[test]
fn verdicts_are_remembered_and_explained() {
    let (directory, file) = with_file("rules.yaml", RATES);
    let spaniel = Start::embedded().flags(&[&format!("--sampling.rules-file={file}")]).run_in(directory);
    let ids = trace_ids(30, 7);
    send(&[&spaniel], &ids, 8);
    settled(&spaniel, Some(30 * 9));
    for id in &ids {
        let told = explained(&spaniel, *id, "");
        let recent = told["recent"].as_array().unwrap();
        assert_eq!(recent.len(), 9, "{told}");
        for given in recent {
            let service = given["service"].as_str().unwrap();
            assert_eq!(given["kept"], nested(*id).contains(service), "{given}");
            let rule = service.strip_suffix(".default").filter(|name| ["reviews", "ratings"].contains(name));
            assert_eq!(given["rule"], rule.unwrap_or("mesh"), "{given}");
        }
    }
}

fn ask(spaniel: &Spaniel, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spaniel"));
    command.args(["sampling", "explain"]).args(arguments).env_clear();
    command.arg(format!("--admin.http.host-port={}", spaniel.address("admin")));
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn the_command_says_it_to_people_and_to_programs() {
    let (directory, file) = with_file("rules.yaml", RATES);
    let spaniel = Start::embedded().flags(&[&format!("--sampling.rules-file={file}")]).run_in(directory);
    // h is 0.19103, of the vectors.
    let id = "4bf92f3577b34da6a3ce929d0e0e4736";
    let (code, words, _) = ask(&spaniel, &[id, "--service=reviews.default"]);
    assert_eq!(code, Some(0));
    for line in ["h = 0.19102", "mesh                     grants 0.1, not enough", "grants 0.4, enough: kept"] {
        assert!(words.contains(line), "{line}: {words}");
    }
    assert!(words.contains("otherwise kept by reviews: π = 0.4, it stands for 2.5 traces"), "{words}");
    assert!(!words.contains("ratings"), "{words}");
    let (_, json, _) = ask(&spaniel, &[id, "--service=x & y", "--form=json"]);
    let told: Json = serde_json::from_str(&json).unwrap();
    assert_eq!((&told["otherwise"]["kept"], &told["otherwise"]["rule"]), (&Json::Bool(false), &Json::from("mesh")));
    let (code, _, complaint) = ask(&spaniel, &["xyz"]);
    assert_eq!(code, Some(1));
    assert!(complaint.contains("`xyz` is no trace id: write 1 to 32 hexadecimal digits"), "{complaint}");
}
