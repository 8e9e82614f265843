//! `--sampling.max-spans-per-second-by-service`: names and numbers.

/// Reads `batch=500,checkout=2000`. The error says what to write instead.
pub(super) fn read(text: &str) -> Result<Vec<(String, f64)>, String> {
    let mut quotas: Vec<(String, f64)> = Vec::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let (service, quota) =
            part.rsplit_once('=').ok_or_else(|| format!("`{part}` has no quota: write SERVICE=SPANS-PER-SECOND"))?;
        let (service, quota) = (service.trim(), quota.trim().parse::<f64>());
        let Some(quota) = quota.ok().filter(|quota| *quota > 0.0 && quota.is_finite()) else {
            return Err(format!("the quota of `{service}` is no number above 0: write for example {service}=500"));
        };
        if service.is_empty() {
            return Err("a quota has no service: write SERVICE=SPANS-PER-SECOND".into());
        }
        if quotas.iter().any(|(known, _)| known == service) {
            return Err(format!("`{service}` has two quotas: keep one"));
        }
        quotas.push((service.to_string(), quota));
    }
    Ok(quotas)
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn a_service_has_a_quota_and_only_one() {
        let quotas = read(" batch = 500, shop=checkout.default=0.5 ,").unwrap();
        assert_eq!(quotas, [("batch".to_string(), 500.0), ("shop=checkout.default".to_string(), 0.5)]);
        assert_eq!(read(""), Ok(Vec::new()));
        for wrong in ["batch", "batch=", "batch=-1", "batch=0", "batch=inf", "batch=NaN", "a=1,b=2,a=3", "=5"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
