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
    match split_bound(line) {
        Some((before, bound, after)) => {
            out.extend([before, bound.strip_suffix(".0").unwrap_or(bound), after, "\n"]);
        }
        None => out.extend([line, "\n"]),
    }
}

/// The line of a bucket: what stands before its bound, the bound, and the rest. Within a label's
/// value quotes are escaped, so a label's beginning cannot be mistaken.
fn split_bound(line: &str) -> Option<(&str, &str, &str)> {
    let name = line.split('{').next()?;
    if !name.ends_with("_bucket") {
        return None;
    }
    let at = ["{le=\"", ",le=\""].iter().find_map(|label| Some(line.find(label)? + label.len()))?;
    let (before, rest) = line.split_at_checked(at)?;
    let (bound, after) = rest.split_at_checked(rest.find('"')?)?;
    Some((before, bound, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_named_with_their_total_and_bounds_are_as_go_writes_them() {
        let open = "# HELP a Things.\n# TYPE a counter\na_total{svc=\"x_bucket{le=\\\"1.0\\\"\"} 3\n\
                    # HELP b Times.\n# TYPE b histogram\nb_sum 0.5\nb_count 1\nb_bucket{x=\",le=\\\"1.0\",le=\"1.0\",y=\"1.0\"} 1\n\
                    b_bucket{le=\"+Inf\",x=\"1.0\"} 1\n# EOF\n";
        let classic_text = "# HELP a_total Things.\n# TYPE a_total counter\na_total{svc=\"x_bucket{le=\\\"1.0\\\"\"} 3\n\
                    # HELP b Times.\n# TYPE b histogram\nb_sum 0.5\nb_count 1\nb_bucket{x=\",le=\\\"1.0\",le=\"1\",y=\"1.0\"} 1\n\
                    b_bucket{le=\"+Inf\",x=\"1.0\"} 1\n";
        assert_eq!(classic(open), classic_text);
    }
}
