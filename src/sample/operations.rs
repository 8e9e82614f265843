//! What the strategies say of operations, remembered for the spans of one request and service.

use super::strategies::{Rate, Strategies};
use crate::span::Text;

/// Operations that are remembered at once; two that fall into one place take turns.
const PLACES: usize = 16;

/// An operation as it lies in the request, and its rate.
type Known<'a> = Option<(&'a [u8], Option<Rate>)>;

#[derive(Debug, Default)]
pub(super) struct Operations<'a>([Known<'a>; PLACES]);

impl<'a> Operations<'a> {
    /// The rate that the operator wrote for this operation of the service.
    #[inline]
    pub(super) fn rate(&mut self, strategies: &Strategies, service: Text<'_>, operation: Text<'a>) -> Option<Rate> {
        let raw = operation.raw();
        let place = &mut self.0[place(raw)];
        match place {
            Some((known, rate)) if *known == raw => *rate,
            _ => {
                let rate =
                    strategies.written(&service.decoded()).and_then(|written| written.rate(&operation.decoded()));
                *place = Some((raw, rate));
                rate
            }
        }
    }
}

fn place(raw: &[u8]) -> usize {
    let last = raw.last_chunk::<8>().map_or(0, |last| u64::from_le_bytes(*last));
    ((last ^ raw.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 60) as usize % PLACES
}
