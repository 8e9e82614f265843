//! `spaniel load` against the real binary, and against ports that refuse and die.

use std::process::{Child, Command, Stdio};

use serde_json::Value as Json;

use crate::forward::Second;
use crate::spaniel::{Spaniel, Start, command, until};
use crate::stand_in::free_port;

/// The numbers of a row: spans sent, acknowledged, refused, unanswered; and its answers.
fn rows(table: &str) -> Vec<([u64; 4], String)> {
    let lines = table.lines().filter(|line| line.matches(" | ").count() == 9 && !line.contains("spans/POST"));
    lines
        .map(|line| {
            let cells: Vec<_> = line.split(" | ").map(str::trim).collect();
            ([1, 2, 3, 4].map(|cell: usize| cells[cell].parse().unwrap()), cells[9].to_string())
        })
        .collect()
}

fn received(books: &Json) -> u64 {
    let page = &books["spans"]["zipkin-json"];
    assert_eq!((&page["stored"], page["refused"].to_string().as_str()), (&page["received"], "{}"), "{books}");
    page["received"].as_u64().unwrap()
}

fn to(spaniel: &Spaniel) -> String {
    format!("--to={}", spaniel.url("zipkin", "/"))
}

#[test]
fn a_load_ends_by_itself_and_its_table_is_what_was_stored() {
    let spaniel = Start::embedded().run();
    let ended = command(&["load", &to(&spaniel), "--spans=1,5", "--connections=4", "--rate=400", "--duration=500ms"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let rows = rows(&ended.stdout);
    assert_eq!(rows.len(), 2, "{}", ended.stdout);
    for ([sent, acknowledged, refused, unanswered], answers) in &rows {
        assert!(*sent > 0 && sent == acknowledged && *refused == 0 && *unanswered == 0, "{}", ended.stdout);
        assert!(answers.starts_with("202: "), "{}", ended.stdout);
        let times = ended.stdout.lines().rfind(|line| line.contains("202: ")).unwrap().split(" | ");
        let times: Vec<f64> = times.skip(6).take(3).map(|time| time.trim().parse().unwrap()).collect();
        assert!(times[0] > 0.0 && times.is_sorted(), "p50, p99 and the longest: {}", ended.stdout);
        // The pace is at most what was asked for, the first request of each connection beside it.
        assert!(*sent <= 200 + 4 * 5, "{}", ended.stdout);
    }
    // Every span has ids of its own: each is stored.
    assert_eq!(received(&spaniel.settled_books()), rows.iter().map(|(numbers, _)| numbers[1]).sum::<u64>());
    spaniel.stop();
}

#[test]
fn what_is_refused_or_not_answered_is_counted_and_wrong() {
    let second = Second::start(503);
    let flags = ["--connections=2", "--duration=200ms", "--rate=100"];
    let load = |to: &str| command(&[&["load", &format!("--to=http://{to}")][..], &flags].concat());
    let refused = load(&second.address);
    let ([sent, acknowledged, of_it_refused, _], answers) = rows(&refused.stdout).remove(0);
    assert!(refused.code == Some(1) && sent > 0 && acknowledged == 0 && of_it_refused == sent, "{refused:?}");
    assert!(answers.starts_with("503: "), "{refused:?}");
    let dead = load(&format!("127.0.0.1:{}", free_port()));
    assert_eq!((dead.code, rows(&dead.stdout)[0].0), (Some(1), [0; 4]), "{dead:?}");
    assert!(dead.stdout.contains("no connection: "), "{dead:?}");
    let nowhere = command(&["load"]);
    assert!(nowhere.code == Some(1) && nowhere.stdout.contains("--to=http://"), "{nowhere:?}");
}

/// A child that does not outlive its test.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn sigterm_prints_what_there_is() {
    let spaniel = Start::embedded().run();
    let mut command = Command::new(env!("CARGO_BIN_EXE_spaniel"));
    command.env_clear().args(["load", &to(&spaniel), "--duration=1h", "--connections=3"]).stdout(Stdio::piped());
    let mut load = Killed(command.spawn().unwrap());
    until("spans came", || (spaniel.books()["spans"]["zipkin-json"]["received"].as_u64()? > 50).then_some(()));
    let id = load.0.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    let status = until("the end", || load.0.try_wait().unwrap());
    let table = std::io::read_to_string(load.0.stdout.take().unwrap()).unwrap();
    assert_eq!(status.code(), Some(0), "{table}");
    assert!(table.ends_with("stopped by a signal\n"), "{table}");
    let ([sent, acknowledged, ..], _) = rows(&table).remove(0);
    assert_eq!((sent, acknowledged), (received(&spaniel.settled_books()), sent), "{table}");
    spaniel.stop();
}
