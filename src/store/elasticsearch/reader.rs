//! Reads back from Elasticsearch, with the questions of jaeger-query 1.76: what it finds, we find.
//!
//! Every question goes to `_msearch`, which takes the names of indices in the body: in a URL they
//! would be limited to 4096 bytes, which is about four months. Names that do not exist are
//! ignored. No question and no answer depends on the version of the server: hits are read in pages
//! until a page is not full, so that nobody asks for a total, whose form differs.
//!
//! A trace is read in pages sorted by start and span id, where Jaeger's pages are sorted by start
//! alone and lose spans at their ends. A 64-bit trace id is asked for in every spelling that
//! Jaeger's writers have had for it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::reader_answer::{MultiAnswer, trace_id};
use super::{Cluster, Method, reader_question as question};
use crate::clock::Clock;
use crate::document::{IndexNames, StoredSpan};
use crate::item::Kind;
use crate::settings::Settings;
use crate::span::TraceId;
use crate::store::{ReadError, Reader, Search, Task};

const HOUR: u64 = 3600 * 1_000_000;
const DAY: u64 = 24 * HOUR;

/// With aliases all that the alias holds is asked, whatever its age: Jaeger's 50 years.
const DAWN: Duration = Duration::from_secs(50 * 365 * 24 * 3600);

/// A page is never smaller, however many traces are read at once.
const SMALLEST_PAGE: usize = 100;

/// The reading side of the cluster.
#[derive(Debug)]
pub struct SearchReader {
    cluster: Arc<Cluster>,
    clock: Clock,
    names: IndexNames,
    aliases: bool,
    remote_clusters: Vec<String>,
    dot_replacement: String,
    /// How far back services and look-ups by id go; microseconds.
    max_span_age: u64,
    /// Names in a list, and documents of one answer.
    max_doc_count: usize,
    /// Reading of a trace ends when it has more spans.
    spans_per_trace: usize,
}

/// A range of time, in microseconds since 1970, both included.
#[derive(Debug, Clone, Copy)]
struct Range {
    start: u64,
    end: u64,
}

impl SearchReader {
    /// A reader of what these settings write. It reads no more of a trace once it has more than
    /// `spans_per_trace` spans of it.
    pub fn new(cluster: Arc<Cluster>, clock: Clock, settings: &Settings, spans_per_trace: usize) -> Self {
        let elasticsearch = &settings.elasticsearch;
        let aliases = settings.indices.use_aliases;
        let max_span_age = if aliases { DAWN } else { elasticsearch.max_span_age };
        SearchReader {
            cluster,
            clock,
            names: IndexNames::new(&settings.indices),
            aliases,
            remote_clusters: elasticsearch.remote_read_clusters.clone(),
            dot_replacement: settings.document.tags_as_fields.dot_replacement.clone(),
            max_span_age: u64::try_from(max_span_age.as_micros()).unwrap_or(u64::MAX),
            max_doc_count: elasticsearch.max_doc_count,
            spans_per_trace,
        }
    }

    /// From `max_span_age` ago until now.
    fn recent(&self) -> Range {
        let now = self.clock.micros();
        Range { start: now.saturating_sub(self.max_span_age), end: now }
    }

    /// What to ask for documents of a range, other clusters' included.
    fn indices(&self, kind: Kind, range: Range) -> Vec<String> {
        let mut indices = Vec::new();
        for name in self.names.read_names(kind, range.start, range.end) {
            indices.extend(self.remote_clusters.iter().map(|cluster| format!("{cluster}:{name}")));
            // A pattern would find the archive too, which is no part of the traces.
            let archive = name.ends_with('*').then(|| format!("-{}-archive*", self.names.template(kind)));
            indices.push(name);
            indices.extend(archive);
        }
        indices
    }

    async fn names_of(&self, question: Value) -> Result<Vec<String>, ReadError> {
        let indices = self.indices(Kind::Service, self.recent());
        let answer = self.ask(&indices, &[question]).await?;
        let mut names = answer.only()?.buckets;
        names.sort();
        names.dedup();
        Ok(names)
    }

    async fn find(&self, search: &Search) -> Result<Vec<TraceId>, ReadError> {
        let range = Range { start: search.start, end: search.end };
        let question = question::find_trace_ids(search, &self.dot_replacement);
        let answer = self.ask(&self.indices(Kind::Span, range), &[question]).await?;
        let mut seen = HashSet::new();
        let ids = answer.only()?.buckets.into_iter().filter_map(|text| trace_id(&text));
        Ok(ids.filter(|id| seen.insert(*id)).collect())
    }

    /// Traces whose spans lie in the indices an hour around the range, and start not earlier.
    async fn read(&self, ids: &[TraceId], range: Range) -> Result<Vec<Vec<StoredSpan>>, ReadError> {
        let around = Range { start: range.start.saturating_sub(HOUR), end: range.end.saturating_add(HOUR) };
        let indices = self.indices(Kind::Span, around);
        let millis = Range { start: range.start.saturating_sub(DAY) / 1000, end: range.end.saturating_add(DAY) / 1000 };
        let millis = self.aliases.then_some((millis.start, millis.end));
        let mut traces: HashMap<TraceId, Vec<StoredSpan>> = HashMap::new();
        let mut open: Vec<(TraceId, Value)> = ids.iter().map(|&id| (id, json!([around.start, ""]))).collect();
        while !open.is_empty() {
            let size = (self.max_doc_count / open.len()).max(SMALLEST_PAGE.min(self.max_doc_count));
            let ask = |(id, after): &(TraceId, Value)| question::page_of_trace(*id, after, millis, size);
            let questions: Vec<_> = open.iter().map(ask).collect();
            let answer = self.ask(&indices, &questions).await?;
            let pages = open.iter().zip(answer.all(open.len())?);
            let next = pages.filter_map(|((id, _), page)| {
                let trace = traces.entry(*id).or_default();
                let full = page.hits >= size;
                trace.extend(page.spans);
                page.last.filter(|_| full && trace.len() <= self.spans_per_trace).map(|last| (*id, last))
            });
            open = next.collect();
        }
        let found = ids.iter().filter_map(|id| traces.remove(id));
        Ok(found.filter(|spans| !spans.is_empty()).collect())
    }

    /// Asks several questions of the same indices at once.
    async fn ask(&self, indices: &[String], questions: &[Value]) -> Result<MultiAnswer, ReadError> {
        let header = json!({"index": indices, "ignore_unavailable": true}).to_string();
        let mut body = String::new();
        for question in questions {
            for line in [&header, &question.to_string()] {
                body.push_str(line);
                body.push('\n');
            }
        }
        let answer = self.cluster.call(Method::Post, "_msearch", &[], Some(body.into())).await;
        let answer = answer.map_err(|error| ReadError::Unreachable(error.to_string()))?;
        if !answer.is_good() {
            return Err(ReadError::Refused(format!("status {}: {}", answer.status, answer.excerpt())));
        }
        MultiAnswer::read(&answer.body, &self.dot_replacement)
    }
}

impl Reader for SearchReader {
    fn services(&self) -> Task<'_, Result<Vec<String>, ReadError>> {
        Box::pin(self.names_of(question::services(self.max_doc_count)))
    }

    fn operations<'a>(&'a self, service: &'a str) -> Task<'a, Result<Vec<String>, ReadError>> {
        Box::pin(self.names_of(question::operations(service, self.max_doc_count)))
    }

    fn find_trace_ids<'a>(&'a self, search: &'a Search) -> Task<'a, Result<Vec<TraceId>, ReadError>> {
        Box::pin(self.find(search))
    }

    fn traces<'a>(&'a self, ids: &'a [TraceId]) -> Task<'a, Result<Vec<Vec<StoredSpan>>, ReadError>> {
        Box::pin(self.read(ids, self.recent()))
    }

    fn traces_of_search<'a>(
        &'a self,
        ids: &'a [TraceId],
        search: &'a Search,
    ) -> Task<'a, Result<Vec<Vec<StoredSpan>>, ReadError>> {
        Box::pin(self.read(ids, Range { start: search.start, end: search.end }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Elasticsearch, Indices};

    fn reader(change: impl FnOnce(&mut Settings)) -> SearchReader {
        let mut settings = Settings::default();
        change(&mut settings);
        let cluster = Arc::new(Cluster::new(&settings.elasticsearch).unwrap());
        SearchReader::new(cluster, Clock::at(1_764_770_700_000_000), &settings, 1000)
    }

    #[test]
    fn other_clusters_are_asked_too() {
        let remote_read_clusters = vec!["a".to_string(), "b".to_string()];
        let elasticsearch = Elasticsearch { remote_read_clusters, ..Elasticsearch::default() };
        let reader = reader(|settings| settings.elasticsearch = elasticsearch);
        let range = Range { start: 1_764_770_700_000_000, end: 1_764_770_700_000_000 };
        let expected = ["a:jaeger-span-2025-12-03", "b:jaeger-span-2025-12-03", "jaeger-span-2025-12-03"];
        assert_eq!(reader.indices(Kind::Span, range), expected);
    }

    #[test]
    fn services_are_those_of_the_last_days() {
        let reader = reader(|_| {});
        let indices = reader.indices(Kind::Service, reader.recent());
        let days = ["2025-12-03", "2025-12-02", "2025-12-01", "2025-11-30"];
        assert_eq!(indices, days.map(|day| format!("jaeger-service-{day}")));
    }

    #[test]
    fn aliases_are_asked_whatever_the_time() {
        let indices = Indices { use_aliases: true, prefix: "prod".into(), ..Indices::default() };
        let reader = reader(|settings| settings.indices = indices);
        assert_eq!(reader.indices(Kind::Service, reader.recent()), ["prod-jaeger-service-read"]);
        assert!(reader.recent().start < 200_000_000_000_000);
    }

    #[test]
    fn a_pattern_leaves_the_archive_out() {
        let reader = reader(|_| {});
        let indices = reader.indices(Kind::Span, Range { start: 0, end: u64::MAX });
        assert_eq!(indices, ["jaeger-span-*", "-jaeger-span-archive*"]);
    }
}
