//! Tags as fields (`--es.tags-as-fields.*`): chosen tags leave the list `tags` and become members
//! of the object `tag`, with another sign in place of the dots in their keys.
//!
//! It applies to tags of spans and of processes, never to fields of logs, never to binary values.
//! Of several tags with one key the last wins; keys are sorted, as Go's encoder does. A blank key,
//! which Elasticsearch takes for no field, stays in the list.

use std::collections::HashSet;
use std::ops::Range;

use super::field_names::is_blank;
use super::json::write_plain;
use super::tag::{write_tag, write_value};
use super::write::close_list;
use crate::settings::TagsAsFields;
use crate::span::{Tag, Value};

/// Which tags become fields, and how their keys change.
#[derive(Debug)]
pub(super) struct Fields {
    /// `None`: all.
    keys: Option<HashSet<String, foldhash::fast::RandomState>>,
    dot_replacement: String,
}

/// A tag that becomes a field: where its new key lies, and which tag it is.
type Chosen = (Range<usize>, usize);

impl Fields {
    /// `None` if no tag becomes a field.
    pub(super) fn new(settings: &TagsAsFields) -> Option<Self> {
        let keys = (!settings.all).then(|| settings.include.iter().cloned().collect::<HashSet<_, _>>());
        let some = keys.as_ref().is_none_or(|keys| !keys.is_empty());
        some.then(|| Fields { keys, dot_replacement: settings.dot_replacement.clone() })
    }

    /// Appends the member `tags` and, where there are any, the member `tag`.
    pub(super) fn write_tags(&self, out: &mut Vec<u8>, tags: &[Tag<'_>]) {
        let (mut keys, mut chosen) = (String::new(), Vec::new());
        out.extend_from_slice(b",\"tags\":[");
        for (index, tag) in tags.iter().enumerate() {
            match self.choose(tag, &mut keys) {
                Some(key) => chosen.push((key, index)),
                None => write_tag(out, tag),
            }
        }
        close_list(out);
        if !chosen.is_empty() {
            write_object(out, tags, &keys, &mut chosen);
        }
    }

    /// Appends the key of the field that this tag becomes, if it does, and returns where it lies.
    fn choose(&self, tag: &Tag<'_>, keys: &mut String) -> Option<Range<usize>> {
        let key = tag.key.decoded();
        let named = self.keys.as_ref().is_none_or(|keys| keys.contains(&*key));
        if !named || matches!(tag.value, Value::Binary(_)) || is_blank(&key) {
            return None;
        }
        let start = keys.len();
        for (index, part) in key.split('.').enumerate() {
            if index > 0 {
                keys.push_str(&self.dot_replacement);
            }
            keys.push_str(part);
        }
        Some(start..keys.len())
    }
}

fn write_object(out: &mut Vec<u8>, tags: &[Tag<'_>], keys: &str, chosen: &mut [Chosen]) {
    let key = |chosen: &Chosen| keys.get(chosen.0.clone()).unwrap_or_default();
    chosen.sort_by(|one, other| key(one).cmp(key(other)));
    out.extend_from_slice(b",\"tag\":{");
    for group in chosen.chunk_by(|one, other| key(one) == key(other)) {
        // The sort is stable: the last of a group is the last one sent.
        let Some(last) = group.last() else { continue };
        let Some(tag) = tags.get(last.1) else { continue };
        out.push(b'"');
        write_plain(out, key(last).as_bytes());
        out.extend_from_slice(b"\":");
        write_value(out, &tag.value);
        out.push(b',');
    }
    out.pop();
    out.push(b'}');
}
