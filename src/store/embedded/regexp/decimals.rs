//! `<n-m>`: the decimal numbers between two.

use super::BadExpression;
use super::nodes::{NodeId, Nodes};

type Made = Result<NodeId, BadExpression>;

impl Nodes {
    /// The decimals from `least` to `most`: of just this width, with zeros before them, or else
    /// with any number of zeros.
    pub(super) fn decimals(&mut self, least: u64, most: u64, width: Option<usize>) -> Made {
        if let Some(width) = width {
            return self.of_width(&format!("{least:0width$}"), &format!("{most:0width$}"));
        }
        let mut node = Nodes::NOTHING;
        for width in least.to_string().len()..=most.to_string().len() {
            let first = if width == 1 { 0 } else { 10u64.saturating_pow(width as u32 - 1) };
            let last = 10u64.checked_pow(width as u32).map_or(u64::MAX, |above| above - 1);
            let numbers = self.of_width(&least.max(first).to_string(), &most.min(last).to_string())?;
            node = self.either(node, numbers)?;
        }
        let zero = self.text("0")?;
        let zeros = self.many(zero)?;
        self.sequence(zeros, node)
    }

    /// All decimals from `low` to `high`, which are digits of the same number.
    fn of_width(&mut self, low: &str, high: &str) -> Made {
        let (Some(first), Some(last)) = (low.chars().next(), high.chars().next()) else {
            return Ok(Nodes::EMPTY);
        };
        let digit = self.character(vec![('0'.into(), '9'.into())])?;
        // Both halves of a split end here, which keeps the splitting from doubling at each digit.
        if low.bytes().all(|digit| digit == b'0') && high.bytes().all(|digit| digit == b'9') {
            return self.repeat(digit, low.len(), Some(low.len()));
        }
        let (low, high) = (&low[1..], &high[1..]);
        if first == last {
            return self.digit_then(first, low, high);
        }
        let (zeros, nines) = ("0".repeat(low.len()), "9".repeat(low.len()));
        let lower = self.digit_then(first, low, &nines)?;
        let upper = self.digit_then(last, &zeros, high)?;
        let node = self.either(lower, upper)?;
        let (after, before) = (u32::from(first) + 1, u32::from(last) - 1);
        if after > before {
            return Ok(node);
        }
        let head = self.character(vec![(after, before)])?;
        let tail = self.repeat(digit, low.len(), Some(low.len()))?;
        let middle = self.sequence(head, tail)?;
        self.either(node, middle)
    }

    fn digit_then(&mut self, digit: char, low: &str, high: &str) -> Made {
        let head = self.character(vec![(digit.into(), digit.into())])?;
        let tail = self.of_width(low, high)?;
        self.sequence(head, tail)
    }
}
