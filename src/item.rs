//! What is made safe and sent: items, in runs, in batches, each item with a verdict at the end.
//!
//! An item is one document with its name and its place. A [`Run`] is what one request brought;
//! its items share one buffer, so that a request's documents are written once and never copied
//! before they are sent. Nothing here knows what a span is.

use std::sync::Arc;

use crate::memory::Reservation;

/// What a document describes; decides the index it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Span,
    Service,
}

/// The name of a document, as bytes; the store writes it as text.
///
/// Span: 4 bytes of its start second and 12 of its content's hash, written as 22 characters of
/// base64url. Service: Jaeger's FNV-1a 64 in the last 8 bytes, written as hex without leading
/// zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(pub [u8; 16]);

/// One document in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item {
    pub kind: Kind,
    /// Hours since 1970 (UTC) of the start of the span: the day or hour of its index follows.
    pub hour: u64,
    pub id: Id,
    /// The document is `documents[start..end]` of its run, one line without line feed.
    pub start: u32,
    pub end: u32,
}

/// An opaque label that comes back with the verdicts; the books know it as a protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Label(pub u8);

/// The items that one request brought. It holds its share of the memory until it is dropped.
#[derive(Debug)]
pub struct Run {
    pub label: Label,
    pub items: Vec<Item>,
    pub documents: Vec<u8>,
    pub reservation: Reservation,
    /// The spool's segment that it lies in; 0: in memory only.
    pub segment: u64,
}

impl Run {
    /// A run in memory.
    pub fn new(label: Label, items: Vec<Item>, documents: Vec<u8>, reservation: Reservation) -> Self {
        Run { label, items, documents, reservation, segment: 0 }
    }

    /// Bytes of memory that it takes.
    pub fn bytes(&self) -> usize {
        size_of::<Run>() + self.documents.capacity() + self.items.capacity() * size_of::<Item>()
    }

    /// The document of one of this run's items: one line of JSON.
    pub fn document(&self, item: &Item) -> &[u8] {
        self.documents.get(item.start as usize..item.end as usize).unwrap_or(&[])
    }
}

/// The way by which items come to the store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Lane {
    /// From memory, as they came.
    #[default]
    Live,
    /// Read back from the spool, oldest first.
    Backlog,
    /// Read back from what is held for this index, which would not take them.
    Held(Arc<str>),
}

/// Items on their way to the store, out of many runs.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    pub lane: Lane,
    pub runs: Vec<Arc<Run>>,
    /// Which items of which runs: (index into `runs`, index into that run's items).
    pub places: Vec<(u32, u32)>,
    /// When the oldest of the runs was made safe, for the queue's latency.
    pub since: Option<std::time::Instant>,
    /// Bytes of the documents at `places`.
    pub bytes: usize,
    /// Where the first try went, if the store said so: later tries go there too.
    pub targets: Option<Arc<Targets>>,
}

/// The places that a batch was sent to under another name (an alias, which may come to stand for
/// another place): what is sent again must go to the same place, or it may be stored twice.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Targets {
    pub spans: Box<str>,
    pub services: Box<str>,
    /// A try ended without an answer: some items may be there though nobody said so.
    pub unclear: bool,
}

impl Targets {
    pub fn of(&self, kind: Kind) -> &str {
        match kind {
            Kind::Span => &self.spans,
            Kind::Service => &self.services,
        }
    }
}

impl Batch {
    /// A batch of all items of `runs`.
    pub fn of(runs: Vec<Arc<Run>>) -> Self {
        let mut batch = Batch { runs, ..Batch::default() };
        for (run_index, run) in batch.runs.iter().enumerate() {
            for (item_index, item) in run.items.iter().enumerate() {
                batch.places.push((run_index as u32, item_index as u32));
                batch.bytes += (item.end - item.start) as usize;
            }
        }
        batch
    }

    pub fn len(&self) -> usize {
        self.places.len()
    }

    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// A batch of those items whose positions satisfy `keep`.
    pub fn only(&self, keep: impl Fn(usize) -> bool) -> Batch {
        let mut part = Batch { places: Vec::new(), bytes: 0, ..self.clone() };
        for (position, (&place, (_, _, document))) in self.places.iter().zip(self.iter()).enumerate() {
            if keep(position) {
                part.places.push(place);
                part.bytes += document.len();
            }
        }
        part
    }

    /// Takes out the items of a part of this batch.
    pub fn remove(&mut self, part: &Batch) {
        let gone: std::collections::HashSet<_> = part.places.iter().collect();
        let rest = self.only(|position| !gone.contains(&self.places[position]));
        *self = rest;
    }

    /// How many of its items lie in which of the spool's segments.
    pub fn segments(&self) -> Vec<(u64, u64)> {
        let mut segments: Vec<(u64, u64)> = Vec::new();
        for &(run, _) in &self.places {
            let segment = self.runs[run as usize].segment;
            match segments.last_mut() {
                Some((last, items)) if *last == segment => *items += 1,
                _ => segments.push((segment, 1)),
            }
        }
        segments
    }

    /// The items in order, each with its label and its document.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (Label, &Item, &[u8])> {
        self.places.iter().map(|&(run, item)| {
            let run = &self.runs[run as usize];
            let item = &run.items[item as usize];
            (run.label, item, run.document(item))
        })
    }
}

/// The word of [`Verdict::Again`] for a store that has too much to do.
pub const OVERLOADED: &str = "overloaded";

/// True for the word of an item that was not taken because the store has too much to do: sending
/// less at a time helps, and nothing is broken.
pub fn is_overload(word: &str) -> bool {
    word == OVERLOADED
}

/// What the store says of one item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is in the store now, and was not before.
    Stored,
    /// The store had it already: an earlier try had succeeded.
    AlreadyThere,
    /// The store will never take it; the reason is a row of the books.
    Refused(&'static str),
    /// Not now: to be sent again. The reason is for logs and metrics.
    Again(&'static str),
}

/// What the store says of a batch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judgement {
    /// One for each item, in order.
    pub verdicts: Vec<Verdict>,
    /// The store's own words on items that it refused for good, by their position in the batch.
    pub reasons: Vec<(u32, Box<str>)>,
    /// No item was judged: the store was not there, or took no request.
    pub away: bool,
    /// To be kept with the items that are sent again; see [`Batch::targets`].
    pub targets: Option<Arc<Targets>>,
    /// Items that went to another place than an earlier try whose end is not known: some of them
    /// may be stored twice.
    pub possibly_doubled: u64,
    /// Documents that the store took in another form, by what was done to them, for the metrics.
    pub mended: Vec<(&'static str, u64)>,
}

impl Judgement {
    /// The store was not there for any of `items`.
    pub fn away(items: usize, word: &'static str) -> Self {
        Judgement { verdicts: vec![Verdict::Again(word); items], away: true, ..Judgement::default() }
    }
}

impl From<Vec<Verdict>> for Judgement {
    fn from(verdicts: Vec<Verdict>) -> Self {
        Judgement { verdicts, ..Judgement::default() }
    }
}
