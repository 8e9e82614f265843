//! Requests, errors and durations of one request's spans, before any is sampled out: gathered here,
//! added once.

use std::sync::Arc;

use foldhash::{HashMap, HashMapExt};

use crate::span::repair::Family;
use crate::span::{Span, Text, Value};
use crate::telemetry::metrics::{Gathered, Names, Sent, Series, SpanClass, SpanKind, SpanSeries, SpanStatus};

/// Sets of labels that one request remembers by their hash; for others it asks each time.
const REMEMBERED: usize = 4096;

/// Rows that are looked through one by one: most requests have no more, and need no map.
const SCANNED: usize = 16;

/// The counts of one request.
#[derive(Debug)]
pub(super) struct SpanCounts<'p> {
    series: &'p SpanSeries,
    /// The hash of the service of the spans that follow.
    service: u64,
    /// The hash and the row of the span before.
    latest: (u64, usize),
    /// The hashes that the first rows were made for.
    hashes: [u64; SCANNED],
    /// Further rows by hash and by the number of their series, and further spellings of the first.
    by_hash: HashMap<u64, usize>,
    by_number: HashMap<u32, usize>,
    rows: Rows,
}

/// What is to be added, to which series.
pub(super) type Rows = Vec<(Arc<Series>, Gathered)>;

impl<'p> SpanCounts<'p> {
    pub(super) fn new(series: &'p SpanSeries) -> Self {
        let (by_hash, by_number) = (HashMap::new(), HashMap::new());
        let (latest, hashes) = ((0, usize::MAX), [0; SCANNED]);
        SpanCounts { series, service: 0, latest, hashes, by_hash, by_number, rows: Vec::new() }
    }

    /// The spans that follow are of this service.
    pub(super) fn service(&mut self, service: Text<'_>) {
        self.service = self.series.hash_service(service.raw());
    }

    /// Counts a span as it was sent, before anything is mended in it.
    pub(super) fn count(&mut self, service: Text<'_>, span: &Span<'_>, family: Family) {
        let sent = Sent { service: self.service, operation: span.operation.raw(), class: class(span, family) };
        let hash = self.series.hash(sent);
        if self.latest.0 != hash || self.latest.1 == usize::MAX {
            self.latest = (hash, self.row(sent, hash, || (service.decoded(), span.operation.decoded())));
        }
        let micros = span.duration.max(0).cast_unsigned();
        self.rows[self.latest.1].1.observe(micros);
    }

    pub(super) fn into_rows(self) -> Rows {
        self.rows
    }

    fn row<'a>(&mut self, sent: Sent<'_>, hash: u64, names: impl FnOnce() -> Names<'a>) -> usize {
        let scanned = self.rows.len().min(SCANNED);
        let known = self.hashes[..scanned].iter().position(|known| *known == hash);
        if let Some(row) = known.or_else(|| self.by_hash.get(&hash).copied()) {
            return row;
        }
        let series = self.series.find(sent, hash, names);
        let number = series.number();
        let same = self.rows[..scanned].iter().position(|(series, _)| series.number() == number);
        let row = same.or_else(|| self.by_number.get(&number).copied()).unwrap_or(self.rows.len());
        if row == self.rows.len() {
            self.rows.push((series, Gathered::default()));
            if row < SCANNED {
                self.hashes[row] = hash;
                return row;
            }
            self.by_number.insert(number, row);
        }
        if self.by_hash.len() < REMEMBERED {
            self.by_hash.insert(hash, row);
        }
        row
    }
}

/// Kind and status, from the tags, as OpenTelemetry's translators read them: a true `error` goes
/// before `otel.status_code`, and for Jaeger's own clients a failed `http.status_code` stands in for
/// both.
fn class(span: &Span<'_>, family: Family) -> SpanClass {
    let mut kind = SpanKind::Unspecified;
    let (mut is_error, mut said, mut http) = (false, None, None);
    for tag in &span.tags {
        match tag.key.raw() {
            b"span.kind" => kind = kind_of(tag.value),
            b"error" => is_error |= is_true(tag.value),
            b"otel.status_code" => said = Some(tag.value),
            b"http.status_code" => http = Some(tag.value),
            _ => {}
        }
    }
    let status = match (is_error, said, http) {
        (true, _, _) => SpanStatus::Error,
        (_, Some(said), _) => status_of(said),
        (_, None, Some(http)) if family == Family::Native && has_failed(http, kind) => SpanStatus::Error,
        _ => SpanStatus::Unset,
    };
    SpanClass { kind, status }
}

fn kind_of(value: Value<'_>) -> SpanKind {
    let Value::Text(text) = value else { return SpanKind::Unspecified };
    match text.raw() {
        b"server" => SpanKind::Server,
        b"client" => SpanKind::Client,
        b"producer" => SpanKind::Producer,
        b"consumer" => SpanKind::Consumer,
        b"internal" => SpanKind::Internal,
        _ => SpanKind::Unspecified,
    }
}

/// Envoy writes it as text.
fn is_true(value: Value<'_>) -> bool {
    match value {
        Value::Bool(truth) => truth,
        Value::Text(text) => text.raw() == b"true",
        _ => false,
    }
}

fn status_of(value: Value<'_>) -> SpanStatus {
    let Value::Text(text) = value else { return SpanStatus::Unset };
    match text.raw() {
        word if word.eq_ignore_ascii_case(b"ERROR") => SpanStatus::Error,
        word if word.eq_ignore_ascii_case(b"OK") => SpanStatus::Ok,
        _ => SpanStatus::Unset,
    }
}

/// A server is not at fault for what it was asked (400 to 499).
fn has_failed(code: Value<'_>, kind: SpanKind) -> bool {
    let code = match code {
        Value::Int64(code) => Some(code),
        Value::Text(text) => std::str::from_utf8(text.raw()).ok().and_then(|text| text.parse().ok()),
        _ => None,
    };
    match code {
        Some(400..500) => kind != SpanKind::Server,
        Some(code) => !(100..399).contains(&code),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::span::Tag;

    fn class_of(tags: &[(&'static str, Value<'static>)], family: Family) -> (SpanKind, SpanStatus) {
        let tags = tags.iter().map(|&(key, value)| Tag { key: Text::Plain(key), value }).collect();
        let class = class(&Span { tags, ..Span::default() }, family);
        (class.kind, class.status)
    }

    /// However many names a request has, and however they are spelled, each span is counted once and
    /// each series is there once.
    #[test]
    fn a_request_has_one_row_for_each_series() {
        let all = SpanSeries::new(10_000);
        let mut counts = SpanCounts::new(&all);
        counts.service(Text::Plain("a"));
        let names: Vec<String> = (0..2 * SCANNED).map(|name| format!("GET /{name}")).collect();
        let escaped: Vec<String> = (0..2 * SCANNED).map(|name| format!("GET \\/{name}")).collect();
        for _ in 0..3 {
            for (name, escaped) in names.iter().zip(&escaped) {
                for operation in [Text::Plain(name), Text::Json(escaped), Text::Plain(name)] {
                    counts.count(Text::Plain("a"), &Span { operation, duration: -5, ..Span::default() }, Family::Otel);
                }
            }
        }
        let rows = counts.into_rows();
        let numbers: std::collections::BTreeSet<_> = rows.iter().map(|(series, _)| series.number()).collect();
        assert_eq!((rows.len(), numbers.len()), (2 * SCANNED, 2 * SCANNED));
        let mut nine = Gathered::default();
        (0..9).for_each(|_| nine.observe(0));
        assert!(rows.iter().all(|(_, gathered)| *gathered == nine));
    }

    #[test]
    fn kind_and_status_are_read_as_opentelemetry_reads_them() {
        use SpanKind::{Client, Server, Unspecified};
        use SpanStatus::{Error, Ok, Unset};
        let (server, client) = (("span.kind", Value::from("server")), ("span.kind", Value::from("client")));
        let http = |code| ("http.status_code", Value::Int64(code));
        let status = |word| ("otel.status_code", Value::from(word));
        for (tags, expected) in [
            (vec![], (Unspecified, Unset)),
            (vec![server, ("error", Value::Bool(true))], (Server, Error)),
            (vec![("error", Value::from("true")), client], (Client, Error)),
            (vec![("error", Value::Bool(false)), status("ERROR")], (Unspecified, Error)),
            (vec![("error", Value::Bool(true)), status("OK")], (Unspecified, Error)),
            (vec![("error", Value::from("timeout"))], (Unspecified, Unset)),
            (vec![status("OK"), server, http(500)], (Server, Ok)),
            (vec![server, http(404)], (Server, Unset)),
            (vec![client, http(404)], (Client, Error)),
            (vec![server, http(503)], (Server, Error)),
            (vec![server, http(200)], (Server, Unset)),
            (vec![server, ("http.status_code", Value::from("503"))], (Server, Error)),
            (vec![server, ("http.status_code", Value::from("no"))], (Server, Unset)),
            (vec![("span.kind", Value::from("other"))], (Unspecified, Unset)),
        ] {
            assert_eq!(class_of(&tags, Family::Native), expected, "{tags:?}");
        }
        // Zipkin's translator does not look at the code: Envoy marks what failed itself.
        assert_eq!(class_of(&[client, http(404)], Family::Otel), (Client, Unset));
    }
}
