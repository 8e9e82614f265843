//! `--collector.tags`: tags of the operator's, added to every process.
//!
//! Jaeger has two rules. Native spans (Thrift, Jaeger gRPC): a tag is added unless the process has
//! it with the same value, and then all are sorted. Zipkin and OpenTelemetry: a tag is added only
//! if the process has none of that key.

use crate::settings;
use crate::span::repair::Family;
use crate::span::{Process, Tag, Text, Value};

/// The operator's tags.
#[derive(Debug, Default)]
pub struct CollectorTags {
    tags: Vec<(String, String)>,
}

impl CollectorTags {
    pub fn new(settings: &settings::Collector) -> Self {
        CollectorTags { tags: settings.tags.clone() }
    }

    /// Calls `write` with the tags of `process` and the operator's.
    pub(super) fn with(&self, process: &Process<'_>, family: Family, write: impl FnOnce(&[Tag<'_>])) {
        if self.tags.is_empty() {
            return write(&process.tags);
        }
        let mut tags: Vec<Tag<'_>> = process.tags.clone();
        for (key, value) in &self.tags {
            let has = process.tags.iter().any(|tag| match family {
                Family::Native => tag.key.decoded() == *key && text_of(&tag.value).as_deref() == Some(value),
                Family::Otel => tag.key.decoded() == *key,
            });
            if !has {
                tags.push(Tag { key: Text::Plain(key), value: Value::Text(Text::Plain(value)) });
            }
        }
        if family == Family::Native {
            tags.sort_by_cached_key(|tag| (tag.key.decoded().into_owned(), text_of(&tag.value)));
        }
        write(&tags);
    }
}

fn text_of(value: &Value<'_>) -> Option<String> {
    match value {
        Value::Text(text) => Some(text.decoded().into_owned()),
        _ => None,
    }
}
