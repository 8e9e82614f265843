//! What came by which protocol; what was refused, and what its sender can do.

use serde_json::Value;

use super::collector::Told;
use super::finding::{Finding, State};

/// Seconds after the start within which nobody need have sent anything.
const EARLY: f64 = 60.0;

pub(super) fn judge(told: &Told) -> Vec<Finding> {
    let mut findings: Vec<_> = told.pages().filter_map(|(name, page)| protocol(name, page)).collect();
    if findings.is_empty() {
        findings.push(none(told.status["uptimeSeconds"].as_f64().unwrap_or_default()));
    }
    findings.extend(requests(told));
    findings.extend(handshakes(told));
    findings.extend(datagrams(told));
    findings
}

fn none(uptime: f64) -> Finding {
    let mend = "check, from the sender's side on: the address that it sends to names this Service; what it samples (Istio: \
                1 % unless pilot.traceSampling or a Telemetry says otherwise, so 100 requests for one trace); its pods \
                were restarted after their settings changed; in a mesh, this pod has no sidecar, or a PeerAuthentication \
                that takes plain text on its ports; no NetworkPolicy is between";
    let seen = format!("none came by any protocol in {uptime:.0} s");
    let state = if uptime < EARLY { State::Warning } else { State::Wrong };
    Finding { state, what: "spans".into(), seen, mend: mend.into() }
}

fn protocol(name: &str, page: &Value) -> Option<Finding> {
    let sum = |row: &str| page[row].as_object().map_or(0, |counts| counts.values().filter_map(Value::as_u64).sum());
    let (received, refused, sampled_out): (u64, u64, u64) =
        (page["received"].as_u64().unwrap_or_default(), sum("refused"), sum("sampled_out"));
    if received == 0 {
        return None;
    }
    let what = format!("spans by {name}");
    let count = |row: &str| page[row].as_u64().unwrap_or_default();
    let seen = format!(
        "{received} received: {} stored, {} there before, {sampled_out} sampled out, {refused} refused, {} held",
        count("stored"),
        count("already_there"),
        count("held")
    );
    if sampled_out > 0 && sampled_out + refused == received {
        return Some(Finding::wrong(
            what,
            seen,
            "all of them are sampled out: raise --downsampling.ratio, or look at the sampling rules",
        ));
    }
    if refused > 0 {
        let reasons =
            page["refused"].as_object().into_iter().flatten().map(|(reason, count)| format!("{reason} {count}"));
        let reasons = reasons.collect::<Vec<_>>().join(", ");
        let mend = format!("refused for: {reasons}; docs/compatibility.md says what is taken");
        return Some(Finding::warning(what, seen, mend));
    }
    Some(Finding::ok(what, seen))
}

fn requests(told: &Told) -> Vec<Finding> {
    let refused = told.metrics.by("spaniel_requests_refused_total", ["protocol", "status"]);
    let judge = |([protocol, status], count): ([String; 2], u64)| {
        let grpc = protocol.ends_with("-grpc");
        Finding::warning(
            format!("requests by {protocol}"),
            format!("{count} were answered with {}{status}", if grpc { "gRPC status " } else { "" }),
            if grpc { mend_of_code(&status) } else { mend_of_status(&status) },
        )
    };
    refused.into_iter().map(judge).collect()
}

fn mend_of_status(status: &str) -> &'static str {
    match status {
        "400" => "their bodies cannot be read: the sender writes another format than it says, or its path is another's",
        "401" | "403" => "they show no token, or a wrong one: --collector.auth.bearer-token-file, --multi-tenancy.*",
        "404" => {
            "they go to a path where nothing is: Zipkin's is /api/v2/spans, Jaeger's /api/traces, OTLP's /v1/traces"
        }
        "405" => "spans are sent by POST",
        "408" => "their bodies did not arrive in time: --limits.body-timeout, or a slow network",
        "413" => "their bodies are too large: let the sender send less at a time, or raise --limits.body-bytes",
        "415" => "their type or encoding is not known: see docs/compatibility.md",
        "503" => "there was no room: raise --memory.limit, mend the store, or add replicas",
        _ => "look into the log at --log-level=debug",
    }
}

/// As gRPC numbers its statuses.
fn mend_of_code(code: &str) -> &'static str {
    match code {
        "3" => "their messages cannot be read: the sender writes another format than this service's",
        "7" | "16" => "they show no token, or a wrong one: --collector.auth.bearer-token-file, --multi-tenancy.*",
        "8" => "their messages are too large: let the sender send less at a time, or raise …max-message-size",
        "12" => "they call a service that is not on this port: OTLP is 4317, Jaeger 14250, Zipkin 9411",
        "14" => "there was no room: raise --memory.limit, mend the store, or add replicas",
        _ => mend_of_status(code),
    }
}

fn handshakes(told: &Told) -> Vec<Finding> {
    let failed = told.metrics.by("spaniel_tls_handshakes_failed_total", ["listener", "reason"]);
    let judge = |([listener, reason], count): ([String; 2], u64)| {
        let mend = "the sender speaks plain text to a port with TLS, or does not trust its certificate, or shows none \
                    where --….tls.client-ca asks for one; a mesh's own TLS ends at its sidecar and not here";
        Finding::warning(format!("TLS of {listener}"), format!("{count} handshakes failed: {reason}"), mend)
    };
    // Who only looked whether the port is open is gone: probes, and this command.
    failed.into_iter().filter(|([_, reason], _)| reason != "gone").map(judge).collect()
}

fn datagrams(told: &Told) -> Vec<Finding> {
    let dropped = told.metrics.by("spaniel_datagrams_dropped_by_kernel_total", ["protocol"]);
    let judge = |([protocol], count): ([String; 1], u64)| {
        let mend =
            "raise net.core.rmem_max and --processor.….server-socket-buffer-size, or the CPU that this pod may use";
        Finding::warning(format!("datagrams of {protocol}"), format!("the kernel dropped {count}"), mend)
    };
    dropped.into_iter().map(judge).collect()
}

#[cfg(test)]
mod tests {
    use super::super::metrics::Samples;
    use super::*;
    use serde_json::json;

    fn told(uptime: u64, spans: &Value, metrics: &str) -> Told {
        let (status, books) = (json!({ "uptimeSeconds": uptime }), json!({ "spans": spans }));
        Told { address: String::new(), alive: true, status, books, metrics: Samples::parse(metrics) }
    }

    #[test]
    fn no_spans_is_wrong_after_a_while() {
        let state = |uptime| judge(&told(uptime, &json!({}), ""))[0].state;
        assert_eq!([state(5), state(500)], [State::Warning, State::Wrong]);
        assert!(judge(&told(500, &json!({}), ""))[0].mend.contains("pilot.traceSampling"));
    }

    #[test]
    fn a_protocol_is_judged_by_its_page() {
        let page = |refused: Value, sampled: Value| json!({"zipkin-json": {"received": 9, "stored": 4, "refused": refused, "sampled_out": sampled}});
        let state = |page: Value| judge(&told(5, &page, "")).iter().map(|one| one.state).collect::<Vec<_>>();
        assert_eq!(state(page(json!({}), json!({}))), [State::Ok]);
        assert_eq!(state(page(json!({"trace-id": 1}), json!({}))), [State::Warning]);
        assert_eq!(state(page(json!({}), json!({"ratio": 9}))), [State::Wrong]);
    }

    #[test]
    fn what_never_became_spans_is_told_with_its_mend() {
        let metrics = "spaniel_requests_refused_total{protocol=\"zipkin-json\",status=\"404\"} 3\n\
                       spaniel_requests_refused_total{protocol=\"otlp-grpc\",status=\"16\"} 2\n\
                       spaniel_tls_handshakes_failed_total{listener=\"zipkin\",reason=\"refused\"} 4\n\
                       spaniel_tls_handshakes_failed_total{listener=\"otlp-http\",reason=\"gone\"} 9\n\
                       spaniel_datagrams_dropped_by_kernel_total{protocol=\"agent-compact\"} 5\n";
        let found = judge(&told(5, &json!({"zipkin-json": {"received": 1}}), metrics));
        let said: Vec<_> = found.iter().map(|one| format!("{}: {} -> {}", one.what, one.seen, one.mend)).collect();
        assert_eq!(found.len(), 5, "{said:?}");
        for words in ["/api/v2/spans", "gRPC status 16 -> they show no token", "4 handshakes failed", "rmem_max"] {
            assert!(said.iter().any(|line| line.contains(words)), "{words}: {said:?}");
        }
    }
}
