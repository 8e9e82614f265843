//! One series: its labels, and what was counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Upper bounds of the buckets, milliseconds; beyond the last is one more bucket.
pub(super) const BOUNDS: [u64; 16] = [2, 4, 6, 8, 10, 50, 100, 200, 400, 800, 1000, 1400, 2000, 5000, 10_000, 15_000];

const BUCKETS: usize = BOUNDS.len() + 1;

/// `span_kind`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum SpanKind {
    #[default]
    Unspecified,
    Internal,
    Server,
    Client,
    Producer,
    Consumer,
}

impl SpanKind {
    const ALL: [SpanKind; 6] = [
        SpanKind::Unspecified,
        SpanKind::Internal,
        SpanKind::Server,
        SpanKind::Client,
        SpanKind::Producer,
        SpanKind::Consumer,
    ];

    fn label(self) -> &'static str {
        match self {
            SpanKind::Unspecified => "SPAN_KIND_UNSPECIFIED",
            SpanKind::Internal => "SPAN_KIND_INTERNAL",
            SpanKind::Server => "SPAN_KIND_SERVER",
            SpanKind::Client => "SPAN_KIND_CLIENT",
            SpanKind::Producer => "SPAN_KIND_PRODUCER",
            SpanKind::Consumer => "SPAN_KIND_CONSUMER",
        }
    }
}

/// `status_code`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum SpanStatus {
    #[default]
    Unset,
    Ok,
    Error,
}

impl SpanStatus {
    const ALL: [SpanStatus; 3] = [SpanStatus::Unset, SpanStatus::Ok, SpanStatus::Error];

    fn label(self) -> &'static str {
        match self {
            SpanStatus::Unset => "STATUS_CODE_UNSET",
            SpanStatus::Ok => "STATUS_CODE_OK",
            SpanStatus::Error => "STATUS_CODE_ERROR",
        }
    }
}

/// Kind and status of a span.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct SpanClass {
    pub kind: SpanKind,
    pub status: SpanStatus,
}

impl SpanClass {
    pub(super) const COUNT: usize = SpanKind::ALL.len() * SpanStatus::ALL.len();

    /// Every kind with every status, in the order of [`SpanClass::place`].
    pub(super) fn all() -> impl Iterator<Item = SpanClass> {
        SpanKind::ALL.into_iter().flat_map(|kind| SpanStatus::ALL.map(|status| SpanClass { kind, status }))
    }

    pub(super) fn place(self) -> usize {
        self.kind as usize * SpanStatus::ALL.len() + self.status as usize
    }
}

/// One set of labels and what was counted under it.
#[derive(Debug)]
pub struct Series {
    service: Arc<str>,
    operation: Box<str>,
    class: SpanClass,
    number: u32,
    buckets: [AtomicU64; BUCKETS],
    /// Milliseconds, the bits of a float.
    sum: AtomicU64,
    /// When a look last found more spans than the one before, microseconds since 1970, and how many.
    touched: AtomicU64,
    looked_at: AtomicU64,
}

impl Series {
    pub(super) fn new(service: Arc<str>, operation: &str, class: SpanClass, number: u32) -> Self {
        let buckets = std::array::from_fn(|_| AtomicU64::new(0));
        let [touched, looked_at] = [u64::MAX, 0].map(AtomicU64::new);
        let sum = AtomicU64::new(0f64.to_bits());
        Series { service, operation: operation.into(), class, number, buckets, sum, touched, looked_at }
    }

    /// Notes at a scrape whether spans came since the one before: so no span has to write down a time.
    pub(super) fn look(&self, now: u64) {
        let spans = self.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed)).sum();
        let is_new = self.touched.load(Ordering::Relaxed) == u64::MAX;
        if self.looked_at.swap(spans, Ordering::Relaxed) != spans || is_new {
            self.touched.store(now, Ordering::Relaxed);
        }
    }

    /// `u64::MAX`: nobody has looked yet.
    pub(super) fn touched(&self) -> u64 {
        self.touched.load(Ordering::Relaxed)
    }

    /// Its place among all; two have never the same.
    pub fn number(&self) -> u32 {
        self.number
    }

    pub(super) fn class(&self) -> SpanClass {
        self.class
    }

    /// Spans by bucket, and the milliseconds of all.
    pub(super) fn counts(&self) -> ([u64; BUCKETS], f64) {
        let buckets = std::array::from_fn(|bucket| self.buckets[bucket].load(Ordering::Relaxed));
        (buckets, f64::from_bits(self.sum.load(Ordering::Relaxed)))
    }

    pub(super) fn labels(&self) -> [(&'static str, &str); 4] {
        [
            ("service_name", &self.service),
            ("span_kind", self.class.kind.label()),
            ("span_name", &self.operation),
            ("status_code", self.class.status.label()),
        ]
    }

    /// Adds what a request has gathered.
    pub fn add(&self, gathered: &Gathered) {
        let grown = self.buckets.iter().zip(gathered.buckets).filter(|(_, more)| *more > 0);
        grown.for_each(|(bucket, more)| {
            bucket.fetch_add(u64::from(more), Ordering::Relaxed);
        });
        let sum = |sum| Some((f64::from_bits(sum) + gathered.micros / 1000.0).to_bits());
        // The closure always has an answer.
        let _ = self.sum.fetch_update(Ordering::Relaxed, Ordering::Relaxed, sum);
    }
}

/// The durations of one request's spans of one series.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Gathered {
    buckets: [u32; BUCKETS],
    micros: f64,
}

impl Gathered {
    #[inline]
    pub fn observe(&mut self, micros: u64) {
        let bucket = BOUNDS.iter().take_while(|bound| micros > **bound * 1000).count();
        self.buckets[bucket] += 1;
        self.micros += micros as f64;
    }
}
