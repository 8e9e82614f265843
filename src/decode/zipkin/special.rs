//! Tags that mean something to OpenTelemetry's Zipkin translator, which jaeger-collector uses.

use super::key::{Meaning, meaning};
use super::{Draft, Kind, link};
use crate::span::{Tag, Text, Value};

/// What the meaningful tags of a span came to.
#[derive(Debug, Default)]
pub(super) struct Extra<'a> {
    /// The sender has tags of its own under the keys of the endpoints.
    pub(super) has_endpoint_tags: bool,
    pub(super) is_internal: bool,
    pub(super) status: Status,
    pub(super) description: Option<Text<'a>>,
    pub(super) trace_state: Option<Text<'a>>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Status {
    #[default]
    Unset,
    Ok,
    Error,
}

impl Status {
    /// Every other spelling, `OK` and `ERROR` too, means unset to jaeger-collector 1.76.
    pub(super) fn of(code: &str) -> Self {
        match code {
            "STATUS_CODE_OK" | "Ok" => Status::Ok,
            "STATUS_CODE_ERROR" | "Error" => Status::Error,
            _ => Status::Unset,
        }
    }
}

/// The instrumentation scope, and where the service's name belongs.
#[derive(Debug, Default)]
struct Names<'a> {
    scope: Option<Text<'a>>,
    version: Option<Text<'a>>,
    service_source: Option<Text<'a>>,
}

impl<'a> Draft<'a> {
    /// Takes the meaningful tags out of the span, or leaves them, and says what they came to.
    #[cold]
    pub(super) fn special(&mut self) -> Extra<'a> {
        let mut extra = Extra::default();
        let mut names = Names::default();
        let links = self.links();
        let has_status = self.span.tags.iter().any(|tag| meaning_of(tag) == Some(Meaning::StatusCode));
        let has_kind = self.members.kind != Kind::None;
        let has_local_name = self.process.service.is_some();
        let process = &mut self.process;
        let mut error = None;
        self.span.tags.retain(|tag| {
            let text = text_of(tag);
            match meaning_of(tag) {
                None => return true,
                Some(Meaning::Resource) => process.tags.push(*tag),
                Some(Meaning::ServiceName) => process.service = Some(text),
                Some(Meaning::ServiceNameSource) => names.service_source = Some(text),
                Some(Meaning::ScopeName) => names.scope = Some(text),
                Some(Meaning::ScopeVersion) => names.version = Some(text),
                Some(Meaning::StatusCode) => extra.status = Status::of(&text.decoded()),
                Some(Meaning::StatusDescription) => {
                    extra.description = has_status.then_some(text);
                    return !has_status;
                }
                Some(Meaning::Error) => {
                    error = Some(Status::Error);
                    return text.decoded() != "true";
                }
                Some(Meaning::SpanKind) => {
                    extra.is_internal = !has_kind && text.decoded() == "internal";
                    return has_kind;
                }
                Some(Meaning::TraceState) => extra.trace_state = Some(text),
                Some(Meaning::Link(number)) => return usize::from(number) >= links,
                Some(Meaning::Endpoint) => {
                    extra.has_endpoint_tags = true;
                    return true;
                }
            }
            false
        });
        extra.status = error.unwrap_or(extra.status);
        self.names(&names, has_local_name);
        extra
    }

    fn names(&mut self, names: &Names<'a>, has_local_name: bool) {
        if let Some(source) =
            names.service_source.filter(|source| !source.is_empty() && source.decoded() != "service.name")
            && let Some(service) = self.process.service.filter(|_| has_local_name)
        {
            self.process.tags.push(Tag { key: source, value: Value::Text(service) });
            self.process.service = None;
        }
        let Some(scope) = names.scope.filter(|scope| !scope.is_empty()) else { return };
        if let Some(version) = names.version.filter(|version| !version.is_empty()) {
            self.span.tags.insert(0, Tag { key: Text::Clean("otel.scope.version"), value: Value::Text(version) });
        }
        self.span.tags.insert(0, Tag { key: Text::Clean("otel.scope.name"), value: Value::Text(scope) });
    }

    /// Turns links into references: those numbered from 0 on without a gap, up to the first that
    /// is none. How many there were.
    fn links(&mut self) -> usize {
        let numbered = |tag: &Tag<'a>| match meaning_of(tag) {
            Some(Meaning::Link(number)) => Some((number, text_of(tag))),
            _ => None,
        };
        let mut links: Vec<_> = self.span.tags.iter().filter_map(numbered).collect();
        links.sort_unstable_by_key(|(number, _)| *number);
        let has_parent = !self.span.references.is_empty();
        for (index, (number, text)) in links.iter().enumerate() {
            let room = self.span.references.len() < self.limits.logs;
            match link::link(&text.decoded()) {
                Some(reference) if usize::from(*number) == index && room => {
                    link::add(&mut self.span.references, has_parent, reference);
                }
                _ => return index,
            }
        }
        links.len()
    }
}

fn meaning_of(tag: &Tag<'_>) -> Option<Meaning> {
    match tag.key {
        Text::Clean(key) => meaning(key),
        key => meaning(&key.decoded()),
    }
}

/// All values are text until the endpoints are added.
fn text_of<'a>(tag: &Tag<'a>) -> Text<'a> {
    match tag.value {
        Value::Text(text) => text,
        _ => Text::default(),
    }
}
