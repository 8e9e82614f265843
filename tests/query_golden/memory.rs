//! A Reader over documents in memory that answers as Elasticsearch does for the queries of
//! Jaeger 1.76. It shares no code with the crate's own readers.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::value::RawValue;
use spaniel::clock::Clock;
use spaniel::document::{StoredLog, StoredProcess, StoredReference, StoredSpan, StoredTag, StoredValue};
use spaniel::span::{ReferenceKind, TraceId};
use spaniel::store::{ReadError, Reader, Search, Task};
use time::{Date, Month, OffsetDateTime};

use crate::dataset::{Dataset, Document};
use crate::lucene;

const HOUR: u64 = 3600 * 1_000_000;

/// The data set, as a store.
#[derive(Debug)]
pub(crate) struct Memory {
    spans: Vec<Indexed>,
    /// Day of the index, service, operation.
    services: Vec<(Date, String, String)>,
    clock: Clock,
    /// How far back services and look-ups by id go; microseconds.
    max_span_age: u64,
}

/// A span, with what is searched in it as it stands in its document.
#[derive(Debug)]
struct Indexed {
    day: Date,
    trace_id: String,
    tags: Vec<(String, String)>,
    span: StoredSpan,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Source {
    #[serde(rename = "traceID")]
    trace_id: String,
    #[serde(rename = "spanID")]
    span_id: String,
    #[serde(default)]
    flags: u32,
    operation_name: String,
    references: Vec<Reference>,
    start_time: u64,
    duration: u64,
    tags: Vec<Tag>,
    logs: Vec<Log>,
    process: Process,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reference {
    ref_type: String,
    #[serde(rename = "traceID")]
    trace_id: String,
    #[serde(rename = "spanID")]
    span_id: String,
}

#[derive(Deserialize)]
struct Tag {
    key: String,
    r#type: String,
    value: Box<RawValue>,
}

#[derive(Deserialize)]
struct Log {
    timestamp: u64,
    fields: Option<Vec<Tag>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Process {
    service_name: String,
    tags: Vec<Tag>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Service {
    service_name: String,
    operation_name: String,
}

impl Memory {
    pub(crate) fn of(dataset: &Dataset, max_span_age_hours: u64) -> Self {
        let service = |document: &Document| {
            let service: Service = serde_json::from_str(document.source.get()).unwrap();
            (day_of_index(&document.index), service.service_name, service.operation_name)
        };
        Memory {
            spans: dataset.spans.iter().map(index).collect(),
            services: dataset.services.iter().map(service).collect(),
            clock: Clock::at(dataset.recorded_at),
            max_span_age: max_span_age_hours * HOUR,
        }
    }

    fn names<T: Ord + Clone>(&self, name: impl Fn(&(Date, String, String)) -> Option<T>) -> Vec<T> {
        let now = self.clock.micros();
        let days = days(now - self.max_span_age, now);
        let known = self.services.iter().filter(|service| days.contains(&service.0)).filter_map(name);
        known.collect::<BTreeSet<_>>().into_iter().collect()
    }

    fn find(&self, search: &Search) -> Vec<TraceId> {
        let days = days(search.start, search.end);
        let mut latest: BTreeMap<&str, (u64, TraceId)> = BTreeMap::new();
        for indexed in self.spans.iter().filter(|indexed| days.contains(&indexed.day) && indexed.matches(search)) {
            let entry = latest.entry(&indexed.trace_id).or_default();
            *entry = (entry.0.max(indexed.span.start), indexed.span.trace_id);
        }
        // Of traces that start at the same time, the bucket with the smaller key comes first.
        let mut found: Vec<_> = latest.into_values().collect();
        found.sort_by_key(|(start, _)| std::cmp::Reverse(*start));
        found.into_iter().take(search.limit).map(|(_, id)| id).collect()
    }

    /// Spans of the indices an hour around the range, from an hour before it on.
    fn read(&self, ids: &[TraceId], start: u64, end: u64) -> Vec<Vec<StoredSpan>> {
        let first = start.saturating_sub(HOUR);
        let days = days(first, end + HOUR);
        let of_trace = |id: &TraceId| {
            let wanted = self.spans.iter().filter(|indexed| {
                indexed.span.trace_id == *id && days.contains(&indexed.day) && indexed.span.start > first
            });
            let mut spans: Vec<_> = wanted.map(|indexed| indexed.span.clone()).collect();
            spans.sort_by_key(|span| span.start);
            spans
        };
        ids.iter().map(of_trace).filter(|spans| !spans.is_empty()).collect()
    }
}

impl Reader for Memory {
    fn services(&self) -> Task<'_, Result<Vec<String>, ReadError>> {
        Box::pin(async { Ok(self.names(|(_, service, _)| Some(service.clone()))) })
    }

    fn operations<'a>(&'a self, wanted: &'a str) -> Task<'a, Result<Vec<String>, ReadError>> {
        let operation =
            move |(_, service, operation): &(Date, String, String)| (service == wanted).then(|| operation.clone());
        Box::pin(async move { Ok(self.names(operation)) })
    }

    fn find_trace_ids<'a>(&'a self, search: &'a Search) -> Task<'a, Result<Vec<TraceId>, ReadError>> {
        Box::pin(async { Ok(self.find(search)) })
    }

    fn traces<'a>(&'a self, ids: &'a [TraceId]) -> Task<'a, Result<Vec<Vec<StoredSpan>>, ReadError>> {
        let now = self.clock.micros();
        Box::pin(async move { Ok(self.read(ids, now - self.max_span_age, now)) })
    }

    fn traces_of_search<'a>(
        &'a self,
        ids: &'a [TraceId],
        search: &'a Search,
    ) -> Task<'a, Result<Vec<Vec<StoredSpan>>, ReadError>> {
        Box::pin(async { Ok(self.read(ids, search.start, search.end)) })
    }
}

impl Indexed {
    /// All conditions hold for one span; a value longer than 256 characters is not indexed.
    fn matches(&self, search: &Search) -> bool {
        let span = &self.span;
        let found = |(key, pattern): &(String, String)| {
            let fits = |value: &str| value.chars().count() <= 256 && lucene::matches(pattern, value);
            self.tags.iter().any(|(name, value)| name == key && fits(value))
        };
        (search.start / 1000..=search.end / 1000).contains(&(span.start / 1000))
            && span.process.service == search.service
            && search.operation.as_ref().is_none_or(|operation| *operation == span.operation)
            && search.min_duration.is_none_or(|least| span.duration >= least)
            && search.max_duration.is_none_or(|most| span.duration <= most)
            && search.tags.iter().all(found)
    }
}

fn index(document: &Document) -> Indexed {
    let source: Source = serde_json::from_str(document.source.get()).unwrap();
    let fields = source.logs.iter().flat_map(|log| log.fields.iter().flatten());
    let all = source.tags.iter().chain(&source.process.tags).chain(fields);
    Indexed {
        day: day_of_index(&document.index),
        tags: all.map(|tag| (tag.key.clone(), tag.indexed_value())).collect(),
        trace_id: source.trace_id.clone(),
        span: source.span(),
    }
}

impl Source {
    fn span(self) -> StoredSpan {
        let tags = |tags: &[Tag]| tags.iter().map(Tag::stored).collect();
        let log =
            |log: &Log| StoredLog { timestamp: log.timestamp, fields: tags(log.fields.as_deref().unwrap_or(&[])) };
        let reference = |reference: &Reference| StoredReference {
            kind: match reference.ref_type.as_str() {
                "CHILD_OF" => ReferenceKind::ChildOf,
                "FOLLOWS_FROM" => ReferenceKind::FollowsFrom,
                other => panic!("a reference of the kind {other}"),
            },
            trace_id: trace_id(&reference.trace_id),
            span_id: u64::from_str_radix(&reference.span_id, 16).unwrap(),
        };
        StoredSpan {
            trace_id: trace_id(&self.trace_id),
            span_id: u64::from_str_radix(&self.span_id, 16).unwrap(),
            flags: self.flags,
            references: self.references.iter().map(reference).collect(),
            start: self.start_time,
            duration: self.duration,
            tags: tags(&self.tags),
            logs: self.logs.iter().map(log).collect(),
            process: StoredProcess { service: self.process.service_name.clone(), tags: tags(&self.process.tags) },
            operation: self.operation_name,
        }
    }
}

impl Tag {
    /// The text that a keyword field holds of the value.
    fn indexed_value(&self) -> String {
        serde_json::from_str(self.value.get()).unwrap_or_else(|_| self.value.get().to_string())
    }

    fn stored(&self) -> StoredTag {
        let text = self.indexed_value();
        let value = match self.r#type.as_str() {
            "string" => StoredValue::String(text),
            "bool" => StoredValue::Bool(text.parse().unwrap()),
            "int64" => StoredValue::Int64(text.parse().unwrap()),
            "float64" => StoredValue::Float64(text.parse().unwrap()),
            "binary" => {
                let byte = |at| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
                StoredValue::Binary((0..text.len()).step_by(2).map(byte).collect())
            }
            other => panic!("a value of the type {other}"),
        };
        StoredTag { key: self.key.clone(), value }
    }
}

fn trace_id(text: &str) -> TraceId {
    let id = u128::from_str_radix(text, 16).unwrap();
    TraceId { high: (id >> 64) as u64, low: id as u64 }
}

/// The day in `jaeger-span-2026-11-21`.
pub(crate) fn day_of_index(index: &str) -> Date {
    let date: Vec<u16> = index.rsplitn(4, '-').take(3).map(|part| part.parse().unwrap()).collect();
    Date::from_calendar_date(date[2].into(), Month::try_from(date[1] as u8).unwrap(), date[0] as u8).unwrap()
}

fn days(start: u64, end: u64) -> std::ops::RangeInclusive<Date> {
    let day = |micros: u64| {
        OffsetDateTime::from_unix_timestamp((micros / 1_000_000) as i64).map_or(Date::MAX, |time| time.date())
    };
    day(start)..=day(end)
}

#[test]
fn the_crate_reads_documents_as_we_do() {
    let dataset = Dataset::load();
    let ours = Memory::of(&dataset, 720);
    for (document, indexed) in dataset.spans.iter().zip(&ours.spans) {
        assert_eq!(StoredSpan::parse(document.source.get().as_bytes()).unwrap(), indexed.span);
    }
}
