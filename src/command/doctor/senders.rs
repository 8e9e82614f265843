//! The clocks of those who send.

use serde_json::Value;

use super::finding::{Finding, few};

/// A clock that is ahead by more is wrong; by less it may be a span's own rounding and a slow NTP.
const AHEAD: f64 = 10.0;
/// Spans that ended longer ago are of a clock that is behind, or waited long.
const BEHIND: f64 = 300.0;

/// `requests`: those that brought spans.
pub(super) fn judge(status: &Value, requests: f64) -> Vec<Finding> {
    let strays = status["strangeClocks"].as_object();
    let number = |stray: &Value, name: &str| stray[name].as_f64().unwrap_or_default();
    let of = |name: &str, least: f64| {
        let strange = strays.into_iter().flatten().filter(|(_, stray)| number(stray, name) > least);
        let mut strange: Vec<_> = strange.map(|(service, stray)| (number(stray, name), service)).collect();
        strange.sort_by(|one, other| other.0.total_cmp(&one.0));
        strange.into_iter().map(|(seconds, service)| format!("{service} by {}", length(seconds))).collect::<Vec<_>>()
    };
    let (ahead, behind) = (of("aheadSeconds", AHEAD), of("behindSeconds", BEHIND));
    let mut findings = Vec::new();
    if !ahead.is_empty() {
        let mend = "set the clocks of their nodes by NTP: searches of the last minutes miss them, and beyond \
                    --span.max-future their start becomes the time of arrival";
        findings.push(Finding::warning("clocks of senders", format!("ahead of ours: {}", few(&ahead)), mend));
    }
    if !behind.is_empty() {
        let mend = "clocks that are behind (set them by NTP), or spans that waited long before they were sent; beyond \
                    --span.max-age their start becomes the time of arrival";
        findings.push(Finding::warning("age of spans", format!("ended long before they came: {}", few(&behind)), mend));
    }
    if findings.is_empty() && requests > 0.0 {
        findings.push(Finding::ok("clocks of senders", format!("{requests:.0} requests, none strange")));
    }
    findings
}

fn length(seconds: f64) -> String {
    match seconds {
        120.0..7200.0 => format!("{:.0} min", seconds / 60.0),
        7200.0..172_800.0 => format!("{:.0} h", seconds / 3600.0),
        172_800.0.. => format!("{:.0} days", seconds / 86_400.0),
        _ => format!("{seconds:.0} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::State;
    use super::*;
    use serde_json::json;

    #[test]
    fn services_with_strange_clocks_are_named_the_worst_first() {
        let stray = |ahead: f64, behind: f64| json!({"aheadSeconds": ahead, "behindSeconds": behind});
        let status = json!({"strangeClocks": {"a": stray(20.0, 0.0), "b": stray(600.0, 0.0), "c": stray(0.0, 9000.0)}});
        let found = judge(&status, 10.0);
        assert_eq!(found.iter().map(|one| one.state).collect::<Vec<_>>(), [State::Warning; 2]);
        assert_eq!(found[0].seen, "ahead of ours: b by 10 min, a by 20 s");
        assert_eq!(found[1].seen, "ended long before they came: c by 2 h");
        assert_eq!(judge(&json!({"strangeClocks": {"a": stray(2.0, 0.0)}}), 10.0)[0].state, State::Ok);
        assert!(judge(&json!({}), 0.0).is_empty(), "nothing was seen");
    }
}
