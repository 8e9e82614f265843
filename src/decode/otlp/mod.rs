//! OpenTelemetry's spans → Jaeger's: what its two encodings have in common.
//!
//! A decoder fills a [`Draft`] in the order in which members come, borrowed: attributes and events go
//! straight into the span, and the few members that others depend on (parent, kind, status, times,
//! trace state) wait in [`Members`] until [`Draft::finish`] turns them into tags and references. What
//! comes out is what jaeger-collector 1.76 makes of the same request: scope tags, attributes,
//! `span.kind`, status, `w3c.tracestate`, in this order; links as references, events as logs; lists and
//! maps as JSON text ([`text`]). Dropped counts, flags, scope attributes and schema URLs are left out,
//! as there.
//!
//! Where that sanitizes (bytes that are no UTF-8, a service name that is no string) so does this.

mod finish;
mod ids;
pub(super) mod text;

use super::Limits;
use super::fault::{Fault, Read};
use super::scratch;
use crate::span::{Limit, Log, Process, Reference, ReferenceKind, Span, Tag, Text, TraceId, Value};
use finish::microseconds;
pub(super) use ids::{LINK, PARENT, SPAN, TRACE, span_id, trace_id};
use text::{JsonText, TOO_LONG};

pub(super) const TOO_MANY_SPANS: &Fault = &Fault::limit(Limit::Spans, "too many spans in one request");
pub(super) const TOO_DEEP: &Fault = &Fault::limit(Limit::Depth, "a value is nested too deep");
const TOO_MANY: &Fault = &Fault::limit(Limit::Tags, "too many attributes");
const TOO_MANY_EVENTS: &Fault = &Fault::limit(Limit::Logs, "too many events on a span");
const TOO_MANY_LINKS: &Fault = &Fault::limit(Limit::Logs, "too many links on a span");

/// A key that was no UTF-8, in Jaeger's words.
const BAD_KEY: &str = "invalid-tag-key-";

/// What waits until a span ends.
#[derive(Debug, Default)]
pub(super) struct Members<'a> {
    /// 0: none.
    pub(super) parent: u64,
    pub(super) kind: u64,
    /// Nanoseconds since 1970.
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) status: u64,
    pub(super) description: Text<'a>,
    pub(super) trace_state: Text<'a>,
}

/// A link that is being read.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Link {
    pub(super) trace_id: TraceId,
    pub(super) span_id: u64,
    is_child: Option<bool>,
}

impl Link {
    /// The first attribute of this name says what kind of reference the link is.
    pub(super) fn attribute(&mut self, key: Text<'_>, value: Found<'_>) {
        if self.is_child.is_none() && is(key, "opentracing.ref_type") {
            self.is_child = Some(matches!(value, Found::Scalar(Value::Text(kind)) if is(kind, "child_of")));
        }
    }
}

/// An attribute's value.
#[derive(Debug, Clone, Copy, Default)]
pub(super) enum Found<'a> {
    #[default]
    Nothing,
    Scalar(Value<'a>),
    /// A list or a map, as its text.
    Built(&'a str),
}

impl<'a> Found<'a> {
    /// As the value of a tag: nothing is an empty text.
    #[inline]
    fn value(self) -> Value<'a> {
        match self {
            Found::Nothing => Value::Text(Text::default()),
            Found::Scalar(value) => value,
            Found::Built(text) => Value::Text(Text::Plain(text)),
        }
    }
}

/// Whose attributes are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    Resource,
    Span,
    Event,
}

/// A request's spans as they are read, one after the other, with what stands over them.
#[derive(Debug)]
pub(super) struct Draft<'a> {
    pub(super) limits: Limits,
    scratch: scratch::Writer<'a>,
    pub(super) process: Process<'a>,
    pub(super) scope_name: Text<'a>,
    pub(super) scope_version: Text<'a>,
    pub(super) span: Span<'a>,
    pub(super) members: Members<'a>,
    /// Keys of this owner that were no UTF-8.
    bad_keys: u32,
}

impl<'a> Draft<'a> {
    /// What is built of a body may be three times as long: escapes are, and deeper nesting is not
    /// what anybody sends.
    pub(super) fn new(body: &'a [u8], scratch: &'a scratch::Scratch, limits: Limits) -> Self {
        Draft {
            limits,
            scratch: scratch.writer(body.len().saturating_mul(3).saturating_add(1024)),
            process: Process::default(),
            scope_name: Text::default(),
            scope_version: Text::default(),
            span: Span { tags: Vec::with_capacity(32), ..Span::default() },
            members: Members::default(),
            bad_keys: 0,
        }
    }

    /// Begins a resource: nothing of the one before is left.
    pub(super) fn begin_resource(&mut self) {
        self.process.clear();
        self.bad_keys = 0;
        self.begin_scope();
    }

    pub(super) fn begin_scope(&mut self) {
        self.process.scope_wire = &[];
        self.scope_name = Text::default();
        self.scope_version = Text::default();
    }

    #[inline]
    pub(super) fn begin_span(&mut self) {
        self.span.clear();
        self.members = Members::default();
        self.bad_keys = 0;
        for (key, text) in [("otel.scope.name", self.scope_name), ("otel.scope.version", self.scope_version)] {
            if !text.is_empty() {
                self.span.tags.push(Tag::new(key, Value::Text(text)));
            }
        }
    }

    /// Takes an attribute.
    #[inline]
    pub(super) fn attribute(&mut self, owner: Owner, key: Text<'a>, value: Found<'a>) -> Read<()> {
        if owner == Owner::Resource && is(key, "service.name") {
            self.service(value);
            return Ok(());
        }
        let value = value.value();
        match owner {
            Owner::Resource => {
                let tag = self.sanitized(key, value)?;
                push(&mut self.process.tags, tag, self.limits.tags)?;
            }
            Owner::Span => {
                let tag = self.sanitized(key, value)?;
                push(&mut self.span.tags, tag, self.limits.tags)?;
            }
            Owner::Event => push(&mut self.span.log_fields, Tag { key, value }, self.limits.tags)?,
        }
        Ok(())
    }

    /// The first name counts; one that is no text has Jaeger's word for it.
    fn service(&mut self, value: Found<'a>) {
        let name = match value {
            Found::Scalar(Value::Text(name)) => name,
            _ => Text::Clean("service-name-wrong-type"),
        };
        self.process.service.get_or_insert(name);
    }

    /// Text that is no UTF-8 becomes bytes; so does an attribute whose key is none, with its key.
    #[inline]
    fn sanitized(&mut self, key: Text<'a>, value: Value<'a>) -> Read<Tag<'a>> {
        match (key, value) {
            (Text::Broken { bytes, json: false }, value) => self.with_bad_key(bytes, &value),
            (key, Value::Text(Text::Broken { bytes, json: false })) => Ok(Tag { key, value: Value::Binary(bytes) }),
            (key, value) => Ok(Tag { key, value }),
        }
    }

    #[cold]
    fn with_bad_key(&mut self, key: &[u8], value: &Value<'a>) -> Read<Tag<'a>> {
        self.bad_keys += 1;
        let mut bytes = [key, b":"].concat();
        match value {
            Value::Text(text) => bytes.extend_from_slice(text.raw()),
            value => {
                let mut text = self.text();
                text.value(value)?;
                bytes.extend_from_slice(text.into_string().trim_matches('"').as_bytes());
            }
        }
        let key = Text::Plain(self.scratch.keep(format!("{BAD_KEY}{}", self.bad_keys)).ok_or(TOO_LONG)?);
        Ok(Tag { key, value: Value::Binary(self.keep_bytes(bytes)?) })
    }

    /// A text for a list or a map.
    pub(super) fn text(&self) -> JsonText<'a> {
        JsonText::new(self.scratch.scratch(), self.scratch.room(), self.limits.tags)
    }

    /// A list or a map, as its text.
    pub(super) fn built(&mut self, text: JsonText<'a>) -> Read<Found<'a>> {
        self.scratch.keep(text.into_string()).map(Found::Built).ok_or(TOO_LONG)
    }

    pub(super) fn keep_bytes(&mut self, bytes: Vec<u8>) -> Read<&'a [u8]> {
        self.scratch.keep_bytes(bytes).ok_or(TOO_LONG)
    }

    /// Begins an event; its attributes follow. The field `event` waits for its name.
    #[inline]
    pub(super) fn begin_event(&mut self) -> Read<usize> {
        if self.span.logs.len() >= self.limits.logs {
            return Err(TOO_MANY_EVENTS);
        }
        let start = self.span.log_fields.len();
        push(&mut self.span.log_fields, Tag::new("event", ""), self.limits.tags)?;
        Ok(start)
    }

    /// Ends the event that began at `start`. An attribute `event` goes before its name.
    #[inline]
    pub(super) fn end_event(&mut self, start: usize, name: Text<'a>, nanoseconds: u64) {
        let fields = &mut self.span.log_fields;
        let named_twice = fields.iter().skip(start + 1).any(|field| is(field.key, "event"));
        if name.is_empty() || named_twice {
            fields.remove(start);
        } else if let Some(field) = fields.get_mut(start) {
            field.value = Value::Text(name);
        }
        self.span.logs.push(Log {
            timestamp: microseconds(nanoseconds),
            start: start as u32,
            end: fields.len() as u32,
        });
    }

    pub(super) fn link(&mut self, link: Link) -> Read<()> {
        if self.span.references.len() >= self.limits.logs {
            return Err(TOO_MANY_LINKS);
        }
        let is_child = link.is_child.unwrap_or(false);
        self.span.references.push(Reference {
            kind: if is_child { ReferenceKind::ChildOf } else { ReferenceKind::FollowsFrom },
            trace_id: link.trace_id,
            span_id: link.span_id,
        });
        Ok(())
    }
}

#[inline]
fn push<'a>(tags: &mut Vec<Tag<'a>>, tag: Tag<'a>, most: usize) -> Read<()> {
    if tags.len() >= most {
        return Err(TOO_MANY);
    }
    tags.push(tag);
    Ok(())
}

/// True if the text says `word`.
#[inline]
fn is(text: Text<'_>, word: &str) -> bool {
    match text {
        Text::Json(_) | Text::Broken { json: true, .. } => text.decoded() == word,
        text => text.raw() == word.as_bytes(),
    }
}
