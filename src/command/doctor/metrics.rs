//! Metrics as the admin port tells them, to be asked for sums.

/// The samples of Prometheus' text format.
#[derive(Debug, Default)]
pub(super) struct Samples(Vec<(String, f64)>);

impl Samples {
    pub(super) fn parse(text: &str) -> Self {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let sample = |line: &str| {
            let (series, value) = line.rsplit_once(' ')?;
            Some((series.to_string(), value.parse().ok()?))
        };
        Samples(lines.filter_map(sample).collect())
    }

    /// The sum over all series of a name.
    pub(super) fn sum(&self, name: &str) -> f64 {
        self.of(name).map(|(_, value)| value).sum()
    }

    /// The series of a name that are not 0, each by the values of these labels.
    pub(super) fn by<const N: usize>(&self, name: &str, labels: [&str; N]) -> Vec<([String; N], u64)> {
        let counted = self.of(name).filter(|(_, value)| *value > 0.0);
        counted.map(|(series, value)| (labels.map(|label| label_of(series, label)), value as u64)).collect()
    }

    fn of<'s>(&'s self, name: &str) -> impl Iterator<Item = (&'s str, f64)> {
        let named = move |series: &str| series.split('{').next() == Some(name);
        let samples: Vec<_> = self.0.iter().filter(|(series, _)| named(series)).collect();
        samples.into_iter().map(|(series, value)| (series.as_str(), *value))
    }
}

/// Labels that are asked for have no quotes in their values.
fn label_of(series: &str, label: &str) -> String {
    let starts = [format!("{{{label}=\""), format!(",{label}=\"")];
    let rest = starts.iter().find_map(|start| series.split_once(start.as_str()).map(|(_, rest)| rest));
    rest.and_then(|rest| rest.split('"').next()).unwrap_or_default().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_are_summed_and_told_apart() {
        let text = "# HELP a Things.\n# TYPE a counter\na{protocol=\"x\",status=\"400\"} 3\n\
                    a{protocol=\"y\",status=\"503\"} 0\nab 7\n";
        let samples = Samples::parse(text);
        assert_eq!((samples.sum("a"), samples.sum("ab"), samples.sum("b")), (3.0, 7.0, 0.0));
        assert_eq!(samples.by("a", ["protocol", "status"]), [(["x".to_string(), "400".to_string()], 3)]);
    }
}
