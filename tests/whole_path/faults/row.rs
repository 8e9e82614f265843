//! A row of the table: what happens, and what must come of it.

use crate::stand_in::{Fault, StandIn};

/// The text of the spans that some rows are about.
pub(super) const POISON: &str = "poison";

/// One thing that happens, and when it has been felt.
pub(super) struct Step {
    pub(super) act: fn(&StandIn),
    pub(super) felt: Felt,
}

/// How it is known that Spaniel has felt a fault.
pub(super) enum Felt {
    /// Nothing to wait for.
    AtOnce,
    /// So many requests have met it.
    Hits(usize),
    /// Spaniel says that the store is away.
    Away,
    /// So many bulk requests came in since.
    Bulks(usize),
}

/// What is expected of spans that were sent to the store more than once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    /// None was there already: the fault came before anything was done.
    New,
    /// Some were there already: the fault came after it was done.
    There,
    /// Some may have been.
    Either,
}

/// A row of the table.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) flags: &'static [&'static str],
    pub(super) version: &'static str,
    pub(super) nodes: usize,
    /// The store is there when Spaniel starts.
    pub(super) up: bool,
    /// Requests before the fault; two bring the indices of both days about.
    pub(super) warm: u64,
    pub(super) steps: Vec<Step>,
    pub(super) again: Again,
    /// The fault lasts until all is settled.
    pub(super) lasts: bool,
    /// Spans of a request while the fault lasts.
    pub(super) spans: u64,
    /// The first span of a request while the fault lasts has this text, the others that one.
    pub(super) texts: (&'static str, &'static str),
    /// What becomes of those first spans: this word, as refused or as a dead letter.
    pub(super) never: Option<&'static str>,
    /// Indices are told by the days of starts.
    pub(super) dated: bool,
    /// Before Spaniel starts.
    pub(super) before: fn(&StandIn),
    pub(super) also: fn(&StandIn),
}

/// A fault of bulk requests that is met at least twice, then lifted.
pub(super) fn fault(name: &'static str, fault: fn(&StandIn), again: Again) -> Row {
    steps(name, vec![Step { act: fault, felt: Felt::Hits(2) }, lift()], again)
}

pub(super) fn lift() -> Step {
    Step { act: StandIn::lift, felt: Felt::AtOnce }
}

pub(super) fn steps(name: &'static str, steps: Vec<Step>, again: Again) -> Row {
    Row {
        name,
        flags: &[],
        version: "7.17.29",
        nodes: 1,
        up: true,
        warm: 2,
        steps,
        again,
        lasts: false,
        spans: 5,
        texts: ("fine", "fine"),
        never: None,
        dated: true,
        before: |_| {},
        also: |_| {},
    }
}

/// A second is enough for a stand-in; only rows in which it does not answer need it.
pub(super) const IMPATIENT: &[&str] = &["--es.timeout=1s"];

pub(super) const fn items(every: usize, status: u16, kind: &'static str, reason: &'static str) -> Fault {
    Fault::Items { every, status, kind, reason }
}
