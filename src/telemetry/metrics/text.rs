//! From OpenMetrics text to Prometheus' classic text format 0.0.4.
//!
//! They differ in little, but dashboards and alerts see it: a classic counter is *named* with its
//! `_total`, a whole bucket bound is `1` and not `1.0`, and there is no `# EOF`. Prometheus before
//! 3.0 takes `le="1"` and `le="1.0"` for two series, so the bounds are written as Go writes them.

/// `open` in the classic format.
pub(super) fn classic(open: &str) -> String {
    let mut out = String::with_capacity(open.len());
    let mut help = None;
    for line in open.lines() {
        if let Some(text) = line.strip_prefix("# HELP ") {
            help = text.split_once(' ').map(|(_, words)| words);
        } else if let Some(text) = line.strip_prefix("# TYPE ") {
            push_head(&mut out, text, help.take().unwrap_or_default());
        } else if !line.starts_with('#') {
            push_sample(&mut out, line);
        }
    }
    out
}

/// `# HELP` and `# TYPE` of `<name> <kind>`.
fn push_head(out: &mut String, text: &str, help: &str) {
    let (name, kind) = text.split_once(' ').unwrap_or((text, "untyped"));
    let (suffix, kind) = match kind {
        "counter" => ("_total", "counter"),
        "unknown" => ("", "untyped"),
        kind => ("", kind),
    };
    out.extend(["# HELP ", name, suffix, " ", help, "\n# TYPE ", name, suffix, " ", kind, "\n"]);
}

fn push_sample(out: &mut String, line: &str) {
    // The bound is the first label: nothing that a sender chose stands before it.
    match line.split_once("_bucket{le=\"").and_then(|(name, rest)| Some((name, rest.split_once('"')?))) {
        Some((name, (bound, rest))) if !name.contains('{') => {
            out.extend([name, "_bucket{le=\"", bound.strip_suffix(".0").unwrap_or(bound), "\"", rest, "\n"]);
        }
        _ => out.extend([line, "\n"]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_named_with_their_total_and_bounds_are_as_go_writes_them() {
        let open = "# HELP a Things.\n# TYPE a counter\na_total{svc=\"x_bucket{le=\\\"1.0\\\"\"} 3\n\
                    # HELP b Times.\n# TYPE b histogram\nb_sum 0.5\nb_count 1\nb_bucket{le=\"1.0\",x=\"1.0\"} 1\n\
                    b_bucket{le=\"+Inf\",x=\"1.0\"} 1\n# EOF\n";
        let classic_text = "# HELP a_total Things.\n# TYPE a_total counter\na_total{svc=\"x_bucket{le=\\\"1.0\\\"\"} 3\n\
                    # HELP b Times.\n# TYPE b histogram\nb_sum 0.5\nb_count 1\nb_bucket{le=\"1\",x=\"1.0\"} 1\n\
                    b_bucket{le=\"+Inf\",x=\"1.0\"} 1\n";
        assert_eq!(classic(open), classic_text);
    }
}
