//! `--collector.tags`, as jaeger-collector 1.76 reads it.

use std::collections::BTreeMap;

/// `k1=v1,k2=${VARIABLE:default},k3=${VARIABLE}`; blanks are trimmed, and a variable that is not
/// set and has no default leaves its tag out. Jaeger panics where this is an error.
pub(crate) fn read(text: &str, environment: &BTreeMap<String, String>) -> Result<Vec<(String, String)>, String> {
    let mut tags = Vec::new();
    for entry in text.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
        let (key, value) = entry.split_once('=').ok_or("an entry has no `=`: write key=value, several with commas")?;
        if let Some(value) = resolved(value.trim(), environment) {
            tags.push((key.trim().to_string(), value));
        }
    }
    Ok(tags)
}

fn resolved(value: &str, environment: &BTreeMap<String, String>) -> Option<String> {
    let Some(reference) = value.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')) else {
        return Some(value.into());
    };
    let (variable, default) = reference.split_once(':').unwrap_or((reference, ""));
    let set = environment.get(variable).map(String::as_str).filter(|text| !text.is_empty());
    Some(set.unwrap_or(default)).filter(|text| !text.is_empty()).map(str::to_string)
}
