//! The search for traces: those of which one span satisfies everything.
//!
//! The meaning is that of Jaeger's Elasticsearch reader: one document must satisfy all; times are
//! compared in whole milliseconds; a tag is found among the span's tags, the process's and the
//! fields of any log, its value is a regular expression of Lucene; the traces with the latest
//! matching spans come first. One thing is better: with a least duration alone, spans longer than
//! a day are found too.
//!
//! A value without operators is looked up as a term; another is tried on all values of its key
//! that begin as it does. Segments are searched from the latest on, until no earlier one can hold
//! a span that is late enough to count.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use super::days::{Days, MICROS_PER_HOUR};
use super::documents::{Documents, append, in_all};
use super::layout::DayKind;
use super::regexp::{BadExpression, Expression, literal};
use super::schema::{DURATION, FIELD_SEPARATOR, SEPARATOR, START, TRACE_HIGH, TRACE_LOW};
use super::segments::Segment;
use super::terms::join;
use crate::span::TraceId;
use crate::store::{ReadError, Search};

/// Answers a search.
pub(super) fn find_trace_ids(days: &Days, search: &Search) -> Result<Vec<TraceId>, ReadError> {
    let mut question = match Question::new(days, search) {
        Ok(question) => question,
        Err(error) => return Ok(nothing(error)),
    };
    let mut wanted = days.latest_first(DayKind::Span);
    wanted.retain(|day| {
        let first = day.file.first_hour.saturating_mul(MICROS_PER_HOUR);
        let end = (day.file.first_hour + day.file.hours).saturating_mul(MICROS_PER_HOUR);
        first <= question.end && end >= question.start
    });
    let mut bad = None;
    let mut found = Found { limit: search.limit, latest: HashMap::default() };
    days.each(wanted, |snapshot| {
        let mut segments = snapshot.segments.clone();
        segments.sort_by_key(|segment| Reverse(segment.latest));
        for segment in segments {
            if found.is_complete_before(segment.latest) || bad.is_some() {
                break;
            }
            bad = question.ask(&segment, &mut found)?;
        }
        Ok(())
    })?;
    match bad {
        Some(error) => Ok(nothing(error)),
        None => Ok(found.latest_first()),
    }
}

/// Over Elasticsearch, an expression that cannot be used finds nothing, without an error.
fn nothing(error: BadExpression) -> Vec<TraceId> {
    tracing::debug!(
        "a search finds nothing: a tag's value is a regular expression, and this one cannot be used: {error}"
    );
    Vec::new()
}

/// A search, as it is asked of every segment.
struct Question<'a> {
    days: &'a Days,
    /// A term of the field of services, or of operations.
    service: Option<Vec<u8>>,
    operation: Operation,
    tags: Vec<TagQuestion>,
    /// Microseconds, both included.
    start: u64,
    end: u64,
    least: u64,
    most: u64,
}

enum Operation {
    Any,
    /// Of the service asked for.
    Term(Vec<u8>),
    /// Of whatever service: the end of a term.
    OfAnyService(Vec<u8>),
}

/// A tag that is asked for, in the two forms that it may have been written in.
enum TagQuestion {
    Terms(Vec<Vec<u8>>),
    Matching { keys: Vec<Vec<u8>>, expression: Box<Expression> },
}

impl<'a> Question<'a> {
    fn new(days: &'a Days, search: &Search) -> Result<Self, BadExpression> {
        let service = Some(&search.service).filter(|service| !service.is_empty());
        let operation = match (&search.operation, service) {
            (None, _) => Operation::Any,
            (Some(operation), Some(service)) => Operation::Term(joined(service, SEPARATOR, operation)),
            (Some(operation), None) => Operation::OfAnyService(joined("", SEPARATOR, operation)),
        };
        let tags = search.tags.iter().map(|(key, value)| TagQuestion::new(days, key, value));
        Ok(Question {
            days,
            service: service.map(|service| service.clone().into_bytes()),
            operation,
            tags: tags.collect::<Result<_, _>>()?,
            start: search.start - search.start % 1000,
            end: (search.end - search.end % 1000).saturating_add(999),
            least: search.min_duration.unwrap_or(0),
            most: search.max_duration.unwrap_or(u64::MAX),
        })
    }

    /// Adds what this segment has. An expression may turn out to be too complex on the way.
    fn ask(&mut self, segment: &Segment, found: &mut Found) -> tantivy::Result<Option<BadExpression>> {
        if segment.latest < self.start || segment.earliest > self.end {
            return Ok(None);
        }
        let mut sets = self.named(segment)?;
        if sets.iter().any(|set| set.len() == 0) {
            return Ok(None);
        }
        for tag in &mut self.tags {
            match tag.documents(segment, self.days)? {
                Ok(set) if set.len() == 0 => return Ok(None),
                Ok(set) => sets.push(set),
                Err(error) => return Ok(Some(error)),
            }
        }
        self.collect(segment, sets, found)?;
        Ok(None)
    }

    fn named(&self, segment: &Segment) -> tantivy::Result<Vec<Documents>> {
        let mut sets = Vec::new();
        if let Some(service) = &self.service {
            let index = segment.reader.inverted_index(self.days.fields.service)?;
            sets.push(Documents::of(&index, std::slice::from_ref(service))?);
        }
        let index = segment.reader.inverted_index(self.days.fields.operation)?;
        match &self.operation {
            Operation::Any => {}
            Operation::Term(term) => sets.push(Documents::of(&index, std::slice::from_ref(term))?),
            Operation::OfAnyService(end) => {
                let mut documents = Vec::new();
                let mut terms = index.terms().stream()?;
                while terms.advance() {
                    if terms.key().ends_with(end) {
                        append(&index, terms.value(), &mut documents)?;
                    }
                }
                sets.push(Documents::from_list(documents));
            }
        }
        Ok(sets)
    }

    fn collect(&self, segment: &Segment, sets: Vec<Documents>, found: &mut Found) -> tantivy::Result<()> {
        let columns = segment.reader.fast_fields();
        let values = |name| columns.column_first_or_default::<u64>(name);
        let (starts, durations) = (values(START)?, values(DURATION)?);
        let (lows, highs) = (values(TRACE_LOW)?, values(TRACE_HIGH)?);
        in_all(sets, segment.reader.max_doc(), |document| {
            let start = starts.get_val(document);
            let duration = durations.get_val(document);
            let is_wanted = (self.start..=self.end).contains(&start) && (self.least..=self.most).contains(&duration);
            if is_wanted {
                found.add(TraceId { high: highs.get_val(document), low: lows.get_val(document) }, start);
            }
        });
        Ok(())
    }
}

impl TagQuestion {
    fn new(days: &Days, key: &str, value: &str) -> Result<Self, BadExpression> {
        let field = key.replace('.', &days.dot_replacement);
        if let Some(value) = literal(value) {
            let terms = vec![joined(key, SEPARATOR, &value), joined(&field, FIELD_SEPARATOR, &value)];
            return Ok(TagQuestion::Terms(terms));
        }
        let expression = Box::new(Expression::parse(value)?);
        let keys = vec![joined(key, SEPARATOR, ""), joined(&field, FIELD_SEPARATOR, "")];
        Ok(TagQuestion::Matching { keys, expression })
    }

    fn documents(&mut self, segment: &Segment, days: &Days) -> tantivy::Result<Result<Documents, BadExpression>> {
        let index = segment.reader.inverted_index(days.fields.tag)?;
        let (keys, expression) = match self {
            TagQuestion::Terms(terms) => return Ok(Ok(Documents::of(&index, terms)?)),
            TagQuestion::Matching { keys, expression } => (keys, expression),
        };
        let mut documents = Vec::new();
        for key in keys {
            let first = [key.as_slice(), expression.prefix().as_bytes()].concat();
            let mut terms = index.terms().range().ge(&first).into_stream()?;
            while terms.advance() && terms.key().starts_with(&first) {
                let value = std::str::from_utf8(&terms.key()[key.len()..]).unwrap_or_default();
                match expression.matches(value) {
                    Ok(true) => append(&index, terms.value(), &mut documents)?,
                    Ok(false) => {}
                    Err(error) => return Ok(Err(error)),
                }
            }
        }
        Ok(Ok(Documents::from_list(documents)))
    }
}

fn joined(left: &str, separator: u8, right: &str) -> Vec<u8> {
    let mut term = Vec::with_capacity(left.len() + right.len() + 1);
    join(&mut term, left, separator, right);
    term
}

/// The traces found, each with the latest start of its matching spans.
struct Found {
    limit: usize,
    latest: HashMap<TraceId, u64, foldhash::fast::RandomState>,
}

impl Found {
    fn add(&mut self, trace: TraceId, start: u64) {
        let latest = self.latest.entry(trace).or_insert(start);
        *latest = start.max(*latest);
    }

    /// True if no span that starts at `start` or before can change the answer.
    fn is_complete_before(&self, start: u64) -> bool {
        if self.latest.len() < self.limit {
            return false;
        }
        let mut least = BinaryHeap::with_capacity(self.limit + 1);
        for &latest in self.latest.values() {
            least.push(Reverse(latest));
            if least.len() > self.limit {
                least.pop();
            }
        }
        least.peek().is_none_or(|&Reverse(last)| last > start)
    }

    fn latest_first(self) -> Vec<TraceId> {
        let mut traces = self.latest.into_iter().collect::<Vec<_>>();
        traces.sort_unstable_by_key(|&(trace, latest)| (Reverse(latest), trace));
        traces.truncate(self.limit);
        traces.into_iter().map(|(trace, _)| trace).collect()
    }
}
