//! What the running Spaniel says of itself.

use serde_json::Value;

use super::finding::{Finding, few};
use super::metrics::Samples;
use crate::command::{AdminError, AdminPort};

/// The answers of its admin port.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) address: String,
    pub(super) alive: bool,
    pub(super) status: Value,
    pub(super) books: Value,
    pub(super) metrics: Samples,
}

impl Told {
    /// `metrics`: the path of them.
    pub(super) async fn ask(port: AdminPort, metrics: String) -> Result<Self, AdminError> {
        let asked = tokio::task::spawn_blocking(move || {
            let json = |path| port.get(path).map(|answer| serde_json::from_str(&answer.body).unwrap_or_default());
            Ok(Told {
                address: port.address().to_string(),
                alive: port.get("/")?.status == 200,
                status: json("/status")?,
                books: json("/books")?,
                metrics: Samples::parse(&port.get(&metrics)?.body),
            })
        });
        asked.await.unwrap_or_else(|error| {
            Err(AdminError::Unhealthy { answer: format!("the question was broken off: {error}") })
        })
    }

    /// Pages of the books by protocol.
    pub(super) fn pages(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.books["spans"].as_object().into_iter().flatten()
    }
}

pub(super) fn judge(told: &Told) -> Vec<Finding> {
    let mut findings = vec![health(told)];
    if told.status.is_object() {
        findings.push(room(&told.status));
        findings.push(store(&told.status));
        findings.extend(books(told));
        findings.extend(copies(&told.status));
    }
    findings
}

fn health(told: &Told) -> Finding {
    let (version, uptime) = (told.status["version"].as_str(), told.status["uptimeSeconds"].as_f64());
    let Some(version) = version else {
        let mend = "name the admin port of a Spaniel by --status.http.host-port or --admin.http.host-port";
        return Finding::wrong("collector", format!("{} answers, and is no Spaniel", told.address), mend);
    };
    let seen = format!("Spaniel {version} at {}, up for {:.0} s", told.address, uptime.unwrap_or_default());
    if told.alive {
        Finding::ok("collector", seen)
    } else {
        Finding::wrong("collector", format!("{seen}, and not healthy"), "it starts or stops: look into its log")
    }
}

fn room(status: &Value) -> Finding {
    let mebibytes = |value: &Value| value.as_f64().unwrap_or_default() / f64::from(1 << 20);
    let (memory, waiting) = (&status["memory"], &status["waiting"]);
    let seen = format!(
        "{:.0} of {:.0} MiB in use, {} documents wait for the store",
        mebibytes(&memory["used"]),
        mebibytes(&memory["limit"]),
        waiting["items"]
    );
    if status["ready"] == true {
        return Finding::ok("room for spans", seen);
    }
    let mend = "the spool cannot be written or memory is full, and senders are told to come again later: look into the \
                log, free the disk of --spool.directory, raise --memory.limit or --spool.max-bytes";
    Finding::wrong("room for spans", format!("not ready: {seen}"), mend)
}

fn store(status: &Value) -> Finding {
    let store = &status["store"];
    let text = |name: &str| store[name].as_str().unwrap_or_default();
    let seen = format!("{} {} at {}", text("store"), text("version"), text("place")).replace("  ", " ");
    if store["reachable"] == true {
        return Finding::ok("store", seen);
    }
    let seen = match text("trouble") {
        "" => format!("{seen} has not answered yet"),
        trouble => format!("{seen} is away: {trouble}"),
    };
    Finding::wrong("store", seen, "spans wait in the spool until it answers: mend the store or the way to it")
}

fn books(told: &Told) -> Vec<Finding> {
    let sum = |row: &str| -> u64 {
        let counts = told.pages().filter_map(|(_, page)| page[row].as_object());
        counts.flat_map(|counts| counts.values()).filter_map(Value::as_u64).sum()
    };
    let reasons = |row: &str| {
        let counts = told.pages().filter_map(|(_, page)| page[row].as_object());
        let mut names: Vec<_> = counts.flat_map(|counts| counts.keys().cloned()).collect();
        names.sort_unstable();
        names.dedup();
        few(&names)
    };
    let mut findings = Vec::new();
    if told.books["balanced"] != true {
        let mend = "spans were lost count of: a defect, please report it with the answer of /books";
        findings.push(Finding::wrong("books", "they do not balance", mend));
    }
    let (dropped, dead) = (sum("dropped"), sum("dead_lettered"));
    if dropped > 0 {
        let seen = format!("{dropped} spans were dropped: {}", reasons("dropped"));
        findings.push(Finding::warning("spans dropped", seen, "docs/safety.md says what each reason means"));
    }
    if dead > 0 {
        let seen = format!("the store refused {dead} spans for good: {}", reasons("dead_lettered"));
        let mend =
            "`spaniel dead-letter list` and `show` say why; after mending the mapping, `spaniel dead-letter replay`";
        findings.push(Finding::warning("dead letters", seen, mend));
    }
    if findings.is_empty() {
        findings.push(Finding::ok("books", "they balance, nothing was dropped"));
    }
    findings
}

/// `--forward.*`.
fn copies(status: &Value) -> Vec<Finding> {
    let all = status["forward"].as_array().into_iter().flatten();
    let judge = |copies: &Value| {
        let text = |name: &str| copies[name].as_str().unwrap_or_default().to_string();
        let what = format!("copies to {}", text("endpoint"));
        match copies["failing"].as_str() {
            None => Finding::ok(what, text("url")),
            Some(why) => {
                let mend = format!(
                    "check --forward.{}.url and that collector; spans are taken here as before",
                    text("endpoint")
                );
                Finding::warning(what, format!("{} fails: {why}", text("url")), mend)
            }
        }
    };
    all.map(judge).collect()
}

#[cfg(test)]
mod tests {
    use super::super::finding::State;
    use super::*;
    use serde_json::json;

    fn told(status: Value, books: Value) -> Told {
        Told { address: "a:1".into(), alive: true, status, books, metrics: Samples::default() }
    }

    fn well() -> (Value, Value) {
        let status = json!({
            "version": "0.1.0", "uptimeSeconds": 5, "ready": true, "memory": {"limit": 1 << 30, "used": 1 << 20},
            "waiting": {"items": 0}, "store": {"store": "embedded", "place": "data", "reachable": true}, "forward": [],
        });
        (status, json!({"balanced": true, "spans": {"zipkin-json": {"dropped": {}, "dead_lettered": {}}}}))
    }

    fn states(told: &Told) -> Vec<(String, State)> {
        judge(told).into_iter().map(|finding| (finding.what, finding.state)).collect()
    }

    #[test]
    fn what_is_well_is_said_to_be_and_each_thing_that_is_not() {
        let (status, books) = well();
        assert!(states(&told(status.clone(), books.clone())).iter().all(|(_, state)| *state == State::Ok));
        let broken = [
            ("/ready", json!(false), "room for spans", State::Wrong),
            ("/store/reachable", json!(false), "store", State::Wrong),
            ("/forward", json!([{"endpoint": "otlp", "url": "u", "failing": "w"}]), "copies to otlp", State::Warning),
        ];
        for (place, value, what, state) in broken {
            let mut status = status.clone();
            *status.pointer_mut(place).unwrap() = value;
            assert!(states(&told(status, books.clone())).contains(&(what.into(), state)), "{place}");
        }
        let broken = [
            ("/balanced", json!(false), "books", State::Wrong),
            ("/spans/zipkin-json/dropped", json!({"spool-full": 2}), "spans dropped", State::Warning),
            ("/spans/zipkin-json/dead_lettered", json!({"mapping": 2}), "dead letters", State::Warning),
        ];
        for (place, value, what, state) in broken {
            let mut books = books.clone();
            *books.pointer_mut(place).unwrap() = value;
            assert!(states(&told(status.clone(), books)).contains(&(what.into(), state)), "{place}");
        }
    }

    #[test]
    fn what_is_no_spaniel_is_told() {
        assert_eq!(states(&told(json!(null), json!(null))), [("collector".into(), State::Wrong)]);
    }
}
